"""What a list becomes when facts behind it are deleted: the counterfactual metrics of CFExpRec.

    PN-S item   1 where the product is no more among the first k
    PN-S list   new products among the first k, over k
    PN-R        the same by rank: sum over new products at rank j of 1 / log2(j + 1), over that sum for j = 1..k
    POS-P       what is left of the list, mean over deleting 10 %, 20 %, ..., 100 % of the facts, the weightiest first

PN: higher is better, an explanation is necessary. POS-P: lower is better, what is named first matters most. All are in
0..1. Source: arXiv 2604.19663, and its code, L2R-UET/CFExpRec `src/metrics/exp_metrics.py`.
"""

import numpy as np
from numpy.typing import NDArray

Products = NDArray[np.integer]
STEPS = 10
"""Parts of the facts that a curve deletes one after another."""


def new_part(before: Products, after: Products) -> float:
    """Return PN-S list: the part of a list of k that was not in the list before.

    A list that became shorter names no new product in the places that it lacks; `before` says how long lists are.

    >>> new_part(np.array([1, 2, 3, 4]), np.array([2, 9, 1, 8]))
    0.5
    >>> new_part(np.array([1, 2]), np.array([], np.int32))
    0.0
    """
    return int((~np.isin(after, before)).sum()) / len(before)


def new_by_rank(before: Products, after: Products) -> float:
    """Return PN-R: the new part of a list, weighted by rank as in DCG.

    >>> new_by_rank(np.array([1, 2, 3, 4]), np.array([9, 1, 2, 3])).__round__(4)  # 1 / (1 + .6309 + .5 + .4307)
    0.3904
    >>> new_by_rank(np.array([1, 2]), np.array([8, 9]))
    1.0
    """
    weights = 1 / np.log2(np.arange(2, len(before) + 2))
    return float(weights[: len(after)][~np.isin(after, before)].sum() / weights.sum())


def kept_part(before: Products, after: Products) -> float:
    """Return the part of a list that is still in the list after.

    >>> kept_part(np.array([1, 2, 3, 4]), np.array([2, 9, 1, 8]))
    0.5
    """
    return int(np.isin(before, after).sum()) / len(before)


def deleted_at(facts: int, steps: int = STEPS) -> list[int]:
    """Return how many facts each step of a curve has deleted: at least 1/steps, 2/steps, ... of them.

    CFExpRec gives what does not divide to the first steps; here each step rounds up, which is the same for multiples.

    >>> deleted_at(20)
    [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]
    >>> deleted_at(3)
    [1, 1, 1, 2, 2, 2, 3, 3, 3, 3]
    """
    return [-(-facts * step // steps) for step in range(1, steps + 1)]
