"""The intent of a question that no pattern fits, by its vector of the small encoder.

A ridge regression on the vectors of the examples of all languages (`examples.tsv`, fitted by tools/intents.py) scores
each intent. One counts only where it is MARGIN ahead of the next: of examples left out of the fit, docs/log.md says how
many of these are right.
"""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from graphrec.ask.patterns import INTENTS, Intent, plainer
from graphrec.features.sources.text.nano import NanoEncoder, is_there

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARGIN = 0.15
"""What the best intent has to be ahead of the next by."""
WEIGHTS = Path(__file__).parent / "intents.npz"
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


class _Fitted(NamedTuple):
    intents: tuple[Intent, ...]
    weights: "NDArray[np.float32]"
    added: "NDArray[np.float32]"
    encoder: str
    """Identity of the encoder whose vectors they were fitted on."""


def nearest(text: str) -> Intent | None:
    """The intent that a question is nearest to; None: none is clearly ahead, or the encoder is not there.

    Args:
        text: folded, with its mentions replaced.
    """
    if not is_there():
        return None
    fitted = _fitted()
    if _encoder().identity != fitted.encoder:
        return None
    scores = _encoder().encode([_named(text)])[0] @ fitted.weights + fitted.added
    last, best = np.argsort(scores, kind="stable")[-2:]
    # What may well be nothing that records answer is refused where there is doubt.
    least = 2 * MARGIN if fitted.intents[last] == "none" else MARGIN
    return fitted.intents[best] if scores[best] - scores[last] >= least else None


def read_examples(file: Path = _FILE) -> list[Example]:
    """The examples of a file, one a line."""
    rows = [line.split("\t") for line in file.read_text("utf-8").splitlines()[1:]]
    return [Example(language, INTENTS[intent], slots, question) for language, intent, slots, question in rows]


def spoken(question: str, language: str) -> str:
    """An example as a question comes here: folded, in plainer words, with one name in place of each product."""
    return plainer(_named(question), language)


@lru_cache
def _encoder() -> NanoEncoder:
    return NanoEncoder()


@lru_cache
def _fitted() -> _Fitted:
    """The weights of the intents."""
    with np.load(WEIGHTS) as found:
        intents: tuple[Intent, ...] = tuple(INTENTS[str(one)] for one in found["intents"].tolist())
        return _Fitted(intents, found["weights"], found["added"], str(found["encoder"]))


def _named(text: str) -> str:
    """A question in which each product has the same name."""
    for sign in ("{P}", "{Q}", "@p"):
        text = text.replace(sign, _STAND_IN)
    return text.replace("{V}", "@u").casefold()
