"""One thread where the work is small: calls of a millisecond would mostly wait for their threads."""

from collections.abc import Iterator
from contextlib import contextmanager

SMALL_SCORES = 2_000_000
"""Scores up to which compiled loops run on one thread."""
SMALL_CATALOGUE = 500
"""Products up to which steps of torch run on one thread."""


@contextmanager
def compiled_threads(num_scores: int) -> Iterator[None]:
    """One thread of numba for so many scores, where they are few."""
    import numba

    before = numba.get_num_threads()
    if num_scores <= SMALL_SCORES:
        numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)


@contextmanager
def torch_threads(num_products: int) -> Iterator[None]:
    """One thread of torch for a catalogue of so many products, where it is small."""
    import torch

    before = torch.get_num_threads()
    if num_products <= SMALL_CATALOGUE:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
