"""The intent of the nearest examples, by the vectors of the small encoder: asked only where no pattern fits.

Vectors are centred on the examples of all languages. An intent counts only where the two nearest examples agree on it:
of examples left out once, these are right in 9 of 10, and the nearest alone in 6 (docs/log.md).
"""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from graphrec.ask.patterns import INTENTS, Intent
from graphrec.features.sources.text.nano import NanoEncoder, is_there

if TYPE_CHECKING:
    from numpy.typing import NDArray

AGREE = 2
"""Nearest examples that have to be of one intent."""
_FILE = Path(__file__).parent / "examples.tsv"
_STAND_IN = "fund 7"
"""A name in place of a product."""


class Example(NamedTuple):
    """A question whose meaning is known."""

    language: str
    intent: Intent
    slots: str
    """What it names, as name=value with spaces between; P and Q stand for products."""
    question: str


def nearest(text: str) -> Intent | None:
    """The intent that the nearest examples agree on; None: they do not, or no encoder is installed.

    Args:
        text: folded, with its mentions replaced.
    """
    if not is_there():
        return None
    intents, centre, vectors = _vectors()
    own = _encoder().encode([_spoken(text)])[0] - centre
    best = np.argsort(-(vectors @ own), kind="stable")[:AGREE]
    found = {intents[place] for place in best.tolist()}
    return found.pop() if len(found) == 1 else None


def read_examples(file: Path = _FILE) -> list[Example]:
    """The examples of a file, one a line."""
    rows = [line.split("\t") for line in file.read_text("utf-8").splitlines()[1:]]
    return [Example(language, INTENTS[intent], slots, question) for language, intent, slots, question in rows]


@lru_cache
def _encoder() -> NanoEncoder:
    return NanoEncoder()


@lru_cache
def _vectors() -> "tuple[tuple[Intent, ...], NDArray[np.float32], NDArray[np.float32]]":
    """The intents of the examples, the mean of their vectors, and the vectors around it, each of length 1."""
    examples = read_examples()
    vectors = _encoder().encode([_spoken(one.question) for one in examples])
    centre = vectors.mean(axis=0)
    around = vectors - centre
    return tuple(one.intent for one in examples), centre, around / np.linalg.norm(around, axis=1, keepdims=True)


def _spoken(text: str) -> str:
    """A question in which each product has the same name."""
    for sign in ("{P}", "{Q}", "@p"):
        text = text.replace(sign, _STAND_IN)
    return text.replace("{V}", "@u").casefold()
