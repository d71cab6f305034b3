"""The vectors that classifiers read: of a sentence for its tone, of both names for the relation of a pair."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from graphrec.extract.classifier import EncoderId
from graphrec.features.sources.text.cache import Encodes


class Vectors:
    """Vectors of texts, each encoded once.

    Args:
        encoder: makes them; None: there are none.
    """

    def __init__(self, encoder: Encodes | None) -> None:
        self._encoder = encoder
        self._known: dict[str, NDArray[np.float32]] = {}

    @property
    def encoder(self) -> EncoderId | None:
        """What makes them."""
        return None if self._encoder is None else EncoderId(self._encoder.name, self._encoder.identity)

    def of(self, texts: Sequence[str]) -> NDArray[np.float32] | None:
        """(num_texts, dim) of texts."""
        if self._encoder is None:
            return None
        self._read(texts)
        return np.stack([self._known[one] for one in texts])

    def of_pairs(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32] | None:
        """(num_pairs, 2 dim): those of both names of a pair, one behind the other."""
        if self._encoder is None:
            return None
        self._read(one for pair in pairs for one in pair)
        return np.stack([np.concatenate([self._known[one] for one in pair]) for pair in pairs])

    def _read(self, texts: Iterable[str]) -> None:
        new = [one for one in dict.fromkeys(texts) if one not in self._known]
        if new and self._encoder is not None:
            self._known.update(zip(new, self._encoder.encode(new), strict=True))
