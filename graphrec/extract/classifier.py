"""A linear classifier of short texts: n-grams in hashed places, vectors of an encoder, and a softmax over classes.

    p(c | x, v) = exp(x W_c + v V_c + b_c) / sum over k of exp(x W_k + v V_k + b_k)

x has one place a feature, its length is 1; v are the vectors of a text, or of the two names of a pair. While V is
fitted, v is scaled to a mean of 0 and a length of SCALE; the scale is folded into V and b. W and V are fitted by
Adagrad on the mean of -log p of the right class, in a fixed order of a seed: the same examples give the same bytes.
Predictions need numpy alone, besides the encoder.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError, UsageError

PLACES = 2**18
EPOCHS = 8
RATE = 0.3
BATCH = 128
RIDGE = 1e-6
START = 1e-8
SCALE = 10.0
"""Length of vectors beside the features, whose length is 1."""
VECTOR_RATE, VECTOR_RIDGE, VECTOR_START = 0.03, 1e-4, 1e-4
_HAN = re.compile("[\u3400-\u9fff]")
_WORD = re.compile(r"[\w$%&+-]+|[^\w\s]")
FORMAT = 2


@dataclass(frozen=True)
class Rows:
    """Features of several texts: those of text i are `places[bounds[i]:bounds[i + 1]]`, of weight 1 / sqrt(count)."""

    places: NDArray[np.int64]
    bounds: NDArray[np.int64]
    vectors: NDArray[np.float32] | None = None
    """(num_texts, dim) of an encoder; None: features alone."""

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @classmethod
    def of(cls, features: Iterable[Sequence[str]], vectors: NDArray[np.float32] | None = None) -> "Rows":
        """Features by name, each counted once, and the vectors of the texts."""
        found = [sorted({place(name) for name in dict.fromkeys(one)}) for one in features]
        bounds = np.concatenate(([0], np.cumsum([len(one) for one in found]))).astype(np.int64)
        flat = [one for row in found for one in row]
        return cls(np.array(flat, np.int64), bounds, vectors)

    def taken(self, rows: NDArray[np.int64]) -> "Rows":
        """Some of the rows, in this order."""
        lengths = self.bounds[rows + 1] - self.bounds[rows]
        bounds = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        inside = np.arange(bounds[-1]) - np.repeat(bounds[:-1], lengths)
        vectors = None if self.vectors is None else self.vectors[rows]
        return Rows(self.places[np.repeat(self.bounds[rows], lengths) + inside], bounds, vectors)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many features each text has."""
        return np.diff(self.bounds)


@lru_cache(maxsize=2**20)
def place(name: str) -> int:
    """Where a feature is counted."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little") % PLACES


def words(text: str) -> list[str]:
    """The words of a text; of a script without spaces its signs."""
    found: list[str] = []
    for word in _WORD.findall(text.casefold()):
        found += list(word) if _HAN.search(word) else [word]
    return found


def ngrams(tokens: Sequence[str], most: int, mark: str = "") -> list[str]:
    """The n-grams of words, n up to `most`."""
    return [
        f"{mark}{n}:{' '.join(tokens[start : start + n])}"
        for n in range(1, most + 1)
        for start in range(len(tokens) - n + 1)
    ]


def tone_features(text: str) -> list[str]:
    """What shows the tone of a text: words up to three in a row, and parts of words of a script with spaces."""
    tokens = words(text)
    parts = [f"p:{word[start : start + 4]}" for word in tokens if len(word) > 4 for start in range(len(word) - 3)]
    return [*ngrams(tokens, 3), *parts]


class EncoderId(NamedTuple):
    """The encoder whose vectors a classifier reads."""

    name: str
    identity: str
    """Hash of all that decides a vector."""


class Classifier:
    """A fitted classifier.

    Args:
        classes: their names, sorted.
        weights: (PLACES, num_classes).
        bias: (num_classes,).
        dense: (dim, num_classes) of the vectors; dim is 0 where it reads none.
        encoder: of the vectors.
    """

    def __init__(
        self,
        classes: Sequence[str],
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
        dense: NDArray[np.float32] | None = None,
        encoder: EncoderId | None = None,
    ) -> None:
        self.classes, self.weights, self.bias, self.encoder = tuple(classes), weights, bias, encoder
        self.dense = np.zeros((0, len(self.classes)), np.float32) if dense is None else dense

    @classmethod
    def fit(
        cls,
        rows: Rows,
        labels: Sequence[str],
        *,
        seed: int = 0,
        epochs: int = EPOCHS,
        encoder: EncoderId | None = None,
    ) -> "Classifier":
        """The classifier of examples.

        Args:
            encoder: of the vectors of `rows`, where they have some.

        Raises:
            UsageError: there are fewer than two classes.
        """
        classes = sorted(set(labels))
        if len(classes) < 2:
            raise UsageError(f"examples of {len(classes)} class; want two or more")
        wanted = np.searchsorted(classes, labels)
        weights = np.zeros((PLACES, len(classes)), np.float32)
        bias = np.zeros(len(classes), np.float32)
        squares, bias_squares = np.full_like(weights, START), np.full_like(bias, START)
        rows, mean, scale_of = _scaled(rows)
        dense = np.zeros((len(mean), len(classes)), np.float32)
        dense_squares = np.full_like(dense, VECTOR_START)
        draw = np.random.default_rng(seed)
        for _ in range(epochs):
            order = draw.permutation(len(rows))
            for start in range(0, len(order), BATCH):
                chosen = order[start : start + BATCH]
                some = rows.taken(chosen)
                wrong = _probabilities(some, weights, bias, dense)
                wrong[np.arange(len(chosen)), wanted[chosen]] -= 1.0
                wrong /= len(chosen)
                scale = 1.0 / np.sqrt(np.maximum(some.lengths, 1))
                order_of = np.argsort(some.places, kind="stable")
                places, first = np.unique(some.places[order_of], return_index=True)
                steps = np.repeat((wrong * scale[:, None]).astype(np.float32), some.lengths, axis=0)[order_of]
                gradient = np.add.reduceat(steps, first, axis=0) if len(places) else steps
                gradient += RIDGE * weights[places]
                squares[places] += gradient**2
                weights[places] -= RATE * gradient / np.sqrt(squares[places])
                if some.vectors is not None:
                    turn = some.vectors.T @ wrong.astype(np.float32) + VECTOR_RIDGE * dense
                    dense_squares += turn**2
                    dense -= VECTOR_RATE * turn / np.sqrt(dense_squares)
                step = wrong.sum(axis=0).astype(np.float32)
                bias_squares += step**2
                bias -= RATE * step / np.sqrt(bias_squares)
        dense *= scale_of[:, None]
        return cls(classes, weights, (bias - mean @ dense).astype(np.float32), dense, encoder)

    def probabilities(self, rows: Rows) -> NDArray[np.float64]:
        """(num_texts, num_classes) how likely each class is; each row adds up to 1."""
        return _probabilities(rows, self.weights, self.bias, self.dense)

    def best(self, rows: Rows) -> list[tuple[str, float]]:
        """The likeliest class of each text, and how likely it is."""
        found = self.probabilities(rows)
        return [(self.classes[int(one.argmax())], float(one.max())) for one in found]

    @cached_property
    def identity(self) -> str:
        """Hash of all that decides a prediction."""
        content = json.dumps([FORMAT, self.classes, self.encoder]).encode()
        content += self.weights.tobytes() + self.bias.tobytes() + self.dense.tobytes()
        return hashlib.sha256(content).hexdigest()[:16]

    def write(self, file: Path) -> None:
        """Write the classifier to a file; only places that say something are kept."""
        from graphrec.files import whole_file

        used = np.flatnonzero(np.abs(self.weights).sum(axis=1))
        known = {"format": FORMAT, "classes": self.classes, "encoder": self.encoder}
        about = np.frombuffer(json.dumps(known).encode(), np.uint8)
        with whole_file(file) as temporary, temporary.open("wb") as stream:
            np.savez(stream, about=about, used=used, weights=self.weights[used], bias=self.bias, dense=self.dense)

    @classmethod
    def read(cls, file: Path) -> "Classifier":
        """The classifier of a file.

        Raises:
            ModelError: it is none.
        """
        try:
            with np.load(file, allow_pickle=False) as stored:
                about = json.loads(stored["about"].tobytes())
                if about["format"] != FORMAT:
                    raise ValueError(f"format {about['format']}")
                weights = np.zeros((PLACES, len(about["classes"])), np.float32)
                weights[stored["used"]] = stored["weights"]
                encoder = None if about["encoder"] is None else EncoderId(*about["encoder"])
                bias, dense = (stored[name].astype(np.float32) for name in ("bias", "dense"))
                return cls(about["classes"], weights, bias, dense, encoder)
        except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
            raise ModelError(f"{file} is no classifier of graphrec extract ({error}); fit it again") from None


def _scaled(rows: Rows) -> tuple[Rows, NDArray[np.float32], NDArray[np.float32]]:
    """Rows with vectors around 0 and of length SCALE, their mean before, and what each number was multiplied by."""
    if rows.vectors is None:
        return rows, np.zeros(0, np.float32), np.zeros(0, np.float32)
    mean, spread = rows.vectors.mean(axis=0), rows.vectors.std(axis=0)
    scale = (SCALE / np.sqrt(len(mean)) / np.maximum(spread, 1e-6)).astype(np.float32)
    return Rows(rows.places, rows.bounds, (rows.vectors - mean) * scale), mean, scale


def _probabilities(
    rows: Rows, weights: NDArray[np.float32], bias: NDArray[np.float32], dense: NDArray[np.float32]
) -> NDArray[np.float64]:
    sums = np.zeros((len(rows), weights.shape[1]), np.float64)
    filled = np.flatnonzero(rows.lengths)
    if len(filled):
        sums[filled] = np.add.reduceat(weights[rows.places], rows.bounds[filled], axis=0, dtype=np.float64)
    sums = sums / np.sqrt(np.maximum(rows.lengths, 1))[:, None] + bias
    if rows.vectors is not None and len(dense):
        sums = sums + rows.vectors @ dense
    powers = np.exp(sums - sums.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)
