"""How evidence fades: x of an edge is halved every so many days of its age.

    f(a) = 2 ** -(age in whole days / half-life)

The age is that of the newest event of the pair; without a time nothing fades.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.folders.snapshot import ALWAYS

DAY = 86_400_000_000
"""Microseconds."""
OLDEST = 36_525
"""Days after which nothing gets older: a hundred years."""
STEPS = 2.0**20
"""What is left is rounded to one part of so many, and never 0: sums of it are exact in any order."""


def ages(newest: NDArray[np.int64], now: int) -> NDArray[np.int64]:
    """Age in whole days at a date, at least 0; -1 where there is no time."""
    dated = newest != ALWAYS
    return np.where(dated, np.clip((now - np.where(dated, newest, now)) // DAY, 0, OLDEST), -1)


def fading(newest: NDArray[np.int64], now: int, half_life: float) -> NDArray[np.float64]:
    """The part of x that is left of edges at a date.

    Args:
        newest: when the newest event of each was, in microseconds since 1970; ALWAYS: no time.
        now: the date, in microseconds since 1970.
        half_life: in days.
    """
    days = ages(newest, now)
    table = _table(half_life, 1 << int(days.max(initial=0) + 1).bit_length())
    found: NDArray[np.float64] = table[np.maximum(days, 0)]
    return found


@lru_cache(maxsize=64)
def _table(half_life: float, size: int) -> NDArray[np.float64]:
    # By the C library, one number at a time: numpy's own powers differ from processor to processor.
    left = (math.pow(2.0, -days / half_life) for days in range(size))
    return np.array([max(round(part * STEPS), 1) / STEPS for part in left])
