"""Seeded samples of test users, for what needs every score of a user."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from graphrec.evaluation.judged import Judged

MOST_SCORES = 40_000_000
"""Scores looked at per pass: a second or two."""
BLOCK_SCORES = 4_000_000


def sampled_rows(judged: Judged, most: int | None = None) -> NDArray[np.int64]:
    """Positions of test users, ascending: all of them, or a seeded sample of as many as MOST_SCORES allows."""
    total = len(judged.part.users)
    affordable = max(100, MOST_SCORES // max(judged.part.num_products, 1))
    wanted = min(total, affordable if most is None else most)
    return np.sort(np.random.default_rng(judged.seed).choice(total, wanted, replace=False))


def blocks(num_rows: int, num_products: int) -> Iterator[tuple[int, slice]]:
    """How many rows are done, and the next slice of them, whose scores are held at once."""
    step = max(1, BLOCK_SCORES // max(num_products, 1))
    for start in range(0, num_rows, step):
        yield start, slice(start, min(start + step, num_rows))
