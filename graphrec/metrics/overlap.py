"""How alike two ranked lists are."""

import numpy as np
from numpy.typing import NDArray

PERSISTENCE = 0.9
"""How likely a reader goes on to the next place: .9 puts 86 % of the weight on the first ten."""


def overlap(
    one: NDArray[np.integer], other: NDArray[np.integer], persistence: float = PERSISTENCE
) -> NDArray[np.float64]:
    """Rank-biased overlap of each pair of lists, over their common length (num_lists,): 0 nothing alike, 1 the same.

    >>> overlap(np.array([[1, 2], [1, 2], [1, 2]]), np.array([[1, 2], [2, 1], [3, 4]])).round(3).tolist()
    [1.0, 0.474, 0.0]

    Args:
        one: lists (num_lists, length), padded with -1.
        other: the same.

    Source: Webber, Moffat and Zobel, TOIS 2010, eq. 4, divided by its largest value at this length.
    """
    length = one.shape[1]
    total, weights, alike = np.zeros(len(one)), 0.0, np.zeros(len(one))
    for depth in range(length):
        here, there = one[:, depth], other[:, depth]
        alike += (here == there) & (here >= 0)
        alike += ((here[:, None] == other[:, :depth]) & (here[:, None] >= 0)).any(axis=1)
        alike += ((there[:, None] == one[:, :depth]) & (there[:, None] >= 0)).any(axis=1)
        weight = persistence**depth
        total, weights = total + weight * alike / (depth + 1), weights + weight
    both_empty = (one < 0).all(axis=1) & (other < 0).all(axis=1)
    found: NDArray[np.float64] = np.where(both_empty, 1.0, total / weights)
    return found
