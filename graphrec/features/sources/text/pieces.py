"""Long texts are read in pieces, whose vectors are averaged by their lengths."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def cut(text: str, size: int) -> list[str]:
    """The text in pieces of so many characters; one piece of an empty text."""
    return [text[start : start + size] for start in range(0, max(len(text), 1), size)]


def joined(vectors: NDArray[np.float32], lengths: Sequence[int]) -> NDArray[np.float32]:
    """One vector of length 1 from those of the pieces (num_pieces, dim)."""
    weights = np.maximum(np.asarray(lengths, np.float32), 1)
    whole = np.asarray(weights @ vectors, np.float32)
    return whole / np.float32(max(float(np.linalg.norm(whole)), float(np.finfo(np.float32).tiny)))
