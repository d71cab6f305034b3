"""What is held at a date: which events are not over, and which pairs have something left.

An event is over where its end is not after the date and was known before. Quantities of one pair add up: it is held
where the sum is above 0. An event of unknown quantity counts as one that is held.
"""

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.folders.snapshot import ALWAYS

#: A sum of quantities below this part of their sizes is rounding: .1 + .2 - .3.
ROUNDING = 1e-9

Flags = NDArray[np.bool_]
Times = NDArray[np.int64]


def is_over(
    until: Times | None, until_known_at: Times | None, *, now: int | None, known_before: int | None, count: int
) -> Flags:
    """Which of `count` events are over.

    Args:
        until: when each ended, ALWAYS where no end is known; None: none ends.
        until_known_at: since when the ends are known.
        now: the date, in microseconds since 1970; None: there is no date, and nothing is over.
        known_before: ends known at or after it are not seen; None: all are.
    """
    if until is None or now is None:
        return np.zeros(count, np.bool_)
    over: Flags = (until != ALWAYS) & (until <= now)
    if known_before is not None:
        assert until_known_at is not None, "it is written beside the ends"
        over &= until_known_at < known_before
    return over


def has_left(pairs: NDArray[np.int64], quantity: NDArray[np.float64] | None) -> Flags:
    """Which events are of a pair of which something is left.

    Args:
        pairs: a number for the pair of each event.
        quantity: of each event, NaN where it is not known; None: every event is one that is held.
    """
    if quantity is None or not len(pairs):
        return np.ones(len(pairs), np.bool_)
    _, places = np.unique(pairs, return_inverse=True)
    known = np.nan_to_num(quantity)
    sums, sizes = np.bincount(places, known), np.bincount(places, np.abs(known))
    some: Flags = (sums > ROUNDING * sizes) | (np.bincount(places, np.isnan(quantity)) > 0)
    return some[places]
