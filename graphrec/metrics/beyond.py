"""Beyond accuracy: how various lists are, how evenly products come up, how like the user's history they are.

Lists are as in `ranking`: products in the order they are shown, -1 is an empty place.
"""

import numpy as np
from numpy.typing import NDArray

from graphrec.metrics.intervals import Interval, jackknife
from graphrec.metrics.ranking import Lists, PerUser

Groups = NDArray[np.float64]

#: Blocks of users left out in turn where a value is no mean over users.
BLOCKS = 100
_CHUNK_VALUES = 1 << 22


def diversity(lists: Lists, k: int, groups: Groups) -> PerUser:
    """Return per user the mean over pairs of products of 1 - |groups of both| / |groups of either|.

    Groups are what products can have in common (attribute nodes, a kind): groups (num_products, num_groups) is above 0
    where a product is in a group. Two products without any group have nothing in common. A list of fewer than two
    products has no diversity: 0. With one group per product this is the intra-list diversity by category.

    Source: Ziegler et al., WWW 2005 (intra-list similarity), with the similarity of Jaccard.

    >>> groups = np.array([[1, 0], [1, 0], [0, 1], [1, 1]], float)
    >>> diversity(np.array([[0, 1, 2], [0, 3, -1], [2, -1, -1]], np.int32), 3, groups).round(4).tolist()
    [0.6667, 0.5, 0.0]
    """
    _check(lists, k, groups)
    shown = lists[:, :k]
    member = (groups > 0).astype(np.float32)
    result = np.zeros(len(lists))
    step = max(1, _CHUNK_VALUES // max(1, k * groups.shape[1]))
    for start in range(0, len(lists), step):
        block = shown[start : start + step]
        filled = (block >= 0).astype(np.float32)
        inside = member[block] * filled[:, :, None]
        both = inside @ inside.transpose(0, 2, 1)
        size = inside.sum(axis=2)
        either = size[:, :, None] + size[:, None, :] - both
        alike = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
        num = filled.sum(axis=1)
        pairs = num * (num - 1)
        alike = alike.sum(axis=(1, 2)) - np.trace(alike, axis1=1, axis2=2)
        result[start : start + step] = np.where(pairs > 0, 1 - alike / np.maximum(pairs, 1), 0.0)
    return result


def calibration(lists: Lists, k: int, history: Groups, groups: Groups) -> PerUser:
    """Return per user the Jensen-Shannon divergence, in bits, of the kinds in the list from those of the history.

        JS(p, q) = (KL(p || m) + KL(q || m)) / 2,  m = (p + q) / 2;  0: the same mix of kinds, 1: none in common

    Args:
        history: (num_users, num_groups), how much of each kind the user holds; any scale.
        groups: (num_products, num_groups), a row sums to 1, or to 0 for a product without a kind.

    nan for a user without a history of known kinds, or with a list without any. Source: Steck, RecSys 2018, with the
    divergence of Jensen and Shannon, which needs no smoothing.

    >>> groups = np.eye(2)
    >>> history = np.array([[1.0, 1.0], [3.0, 0.0], [0.0, 2.0]])
    >>> calibration(np.array([[0, 1], [0, -1], [0, -1]], np.int32), 2, history, groups).round(4).tolist()
    [0.0, 0.0, 1.0]
    """
    _check(lists, k, groups)
    shown = lists[:, :k]
    listed = np.zeros(history.shape)
    for place in range(shown.shape[1]):
        there = shown[:, place] >= 0
        listed[there] += groups[shown[there, place]]
    known = (history.sum(axis=1) > 0) & (listed.sum(axis=1) > 0)
    result = np.full(len(lists), np.nan)
    p = history[known] / history[known].sum(axis=1, keepdims=True)
    q = listed[known] / listed[known].sum(axis=1, keepdims=True)
    middle = (p + q) / 2
    result[known] = np.abs((_kl(p, middle) + _kl(q, middle)) / 2)
    return result


def gini(counts: NDArray[np.integer | np.floating]) -> float:
    """Return the Gini index of how often products are shown: 0 all alike, towards 1 one product takes all.

        G = sum over j: (2 j - n - 1) c_j / (n sum of c),  c_1 <= ... <= c_n

    >>> gini(np.array([1, 1, 1, 1])), gini(np.array([0, 0, 0, 8])), round(gini(np.array([1, 2, 3, 4])), 4)
    (0.0, 0.75, 0.25)
    """
    ordered = np.sort(np.asarray(counts, np.float64))
    total, size = float(ordered.sum()), len(ordered)
    if not total:
        return 0.0
    return float(((2 * np.arange(1, size + 1) - size - 1) * ordered).sum()) / (size * total)


def gini_interval(lists: Lists, k: int, num_products: int) -> Interval:
    """Return the Gini index of the first k of all users, with a jackknife interval over blocks of users."""
    blocks = np.arange(len(lists)) % min(BLOCKS, len(lists))
    counts = np.zeros((int(blocks.max()) + 1, num_products))
    for place in range(min(k, lists.shape[1])):
        there = lists[:, place] >= 0
        np.add.at(counts, (blocks[there], lists[there, place]), 1)
    whole = counts.sum(axis=0)
    without = np.array([gini(whole - block) for block in counts])
    return jackknife(gini(whole), without)


def without_products(
    lists: Lists, relevant_indptr: NDArray[np.int64], relevant_indices: NDArray[np.int32], left_out: NDArray[np.integer]
) -> tuple[Lists, NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Return lists and relevant products as if some products were not in the catalogue, and the rows that remain.

    A list closes up: its empty places come last. Users with nothing left to find are gone. Lists should be longer than
    the cut by the number of products left out.

    >>> shown, indptr, wanted = np.array([[0, 1, 2], [1, 2, 0]], np.int32), np.array([0, 1, 3]), np.array([0, 0, 2])
    >>> lists, indptr, indices, rows = without_products(shown, indptr, wanted, np.array([0]))
    >>> lists.tolist(), indptr.tolist(), indices.tolist(), rows.tolist()
    ([[1, 2, -1]], [0, 1], [2], [1])
    """
    gone = np.isin(lists, left_out)
    order = np.argsort(gone, axis=1, kind="stable")
    closed = np.take_along_axis(np.where(gone, -1, lists), order, axis=1)
    owners = np.repeat(np.arange(len(lists)), np.diff(relevant_indptr))
    kept = ~np.isin(relevant_indices, left_out)
    left = np.bincount(owners[kept], minlength=len(lists))
    rows = np.flatnonzero(left)
    indptr = np.concatenate(([0], np.cumsum(left[rows])))
    return closed[rows].astype(np.int32), indptr, relevant_indices[kept], rows


def _kl(p: Groups, q: Groups) -> PerUser:
    """Kullback-Leibler divergence of rows in bits; q is above 0 where p is."""
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    return np.asarray((p * np.log2(ratio)).sum(axis=1))


def _check(lists: Lists, k: int, groups: Groups) -> None:
    if k < 1:
        raise ValueError(f"k must be at least 1 (got {k})")
    if lists.size and int(lists.max()) >= len(groups):
        raise ValueError(f"a list names product {int(lists.max())}, there are {len(groups)}")
