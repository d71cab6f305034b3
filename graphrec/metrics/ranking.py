"""Quality of ranked lists, per user: full ranking, arrays in, arrays out.

A list is one row of products in the order they are shown; -1 is an empty place, which is never a hit
but keeps its rank. Ties are the ranker's business: a list is evaluated in the order given.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Lists = NDArray[np.int32]
PerUser = NDArray[np.float64]

#: The metrics of `evaluate_lists`, each higher is better and in 0..1.
METRICS = ("recall", "precision", "ndcg", "hit_rate", "mrr")

_CHUNK_PLACES = 1 << 20  # places of lists evaluated at once: bounds the working memory to some 50 MB


def evaluate_lists(
    lists: Lists, relevant_indptr: NDArray[np.int64], relevant_indices: NDArray[np.int32], ks: Sequence[int]
) -> dict[str, PerUser]:
    """Return every metric at every k, by name (`recall@20`), one value per user.

    With R the user's relevant products, hit_j = [the product at rank j is in R] and D = sum over j <= k:

        recall@k    D hit_j / |R|
        precision@k D hit_j / k                 (short lists and k beyond the list are not excused)
        ndcg@k      D hit_j / log2(j + 1)  /  sum over j = 1..min(k, |R|) of 1 / log2(j + 1)
        hit_rate@k  1 if any hit_j with j <= k
        mrr@k       1 / rank of the first hit, 0 beyond k

    Args:
        lists: the products shown, best first, padded with -1; no product twice in a row.
        relevant_indptr, relevant_indices: R of every user as CSR, ascending within a user.
        ks: the cuts, each >= 1.

    Raises:
        ValueError: a user has no relevant product (leave such users out and say so), a list names a
            product twice, or the arrays do not fit together.

    Shapes: lists (num_users, K), relevant_indptr (num_users + 1,), every result (num_users,)

    The ideal of nDCG is over the relevant products, never over the hits alone (docs/formulas.md, Metrics).

    >>> lists = np.array([[7, 3, 5], [2, -1, -1]], np.int32)  # the first user's hits are at ranks 2 and 3
    >>> out = evaluate_lists(lists, np.array([0, 2, 3]), np.array([3, 5, 9], np.int32), [2, 3])
    >>> {name: values.round(4).tolist() for name, values in out.items() if name.endswith("@2")}
    ... # doctest: +NORMALIZE_WHITESPACE
    {'recall@2': [0.5, 0.0], 'precision@2': [0.5, 0.0], 'ndcg@2': [0.3869, 0.0],
     'hit_rate@2': [1.0, 0.0], 'mrr@2': [0.5, 0.0]}
    >>> out["recall@3"].tolist(), out["precision@3"].round(4).tolist()  # 2 of 2, 2 of 3
    ([1.0, 0.0], [0.6667, 0.0])
    """
    _check(lists, relevant_indptr, relevant_indices, ks)
    num_users, width = lists.shape
    out = {f"{metric}@{k}": np.zeros(num_users) for k in ks for metric in METRICS}
    if width == 0 or num_users == 0:
        return out
    counts = np.diff(relevant_indptr)
    num_products = 1 + max(int(lists.max()), int(relevant_indices.max()))
    keys = np.repeat(np.arange(num_users), counts) * num_products + relevant_indices.astype(np.int64)
    if (np.diff(keys) <= 0).any():
        raise ValueError("relevant_indices must be ascending within each user, without repeats")
    for rows in _chunks(num_users, width):
        hits = _hits(lists[rows], rows, keys, num_products)
        for name, values in _metrics(hits, counts[rows], ks).items():
            out[name][rows] = values
    return out


def coverage(lists: Lists, k: int, num_products: int) -> float:
    """Return the share of the products that are in any user's first k.

    >>> coverage(np.array([[0, 1], [0, 2], [0, -1]], np.int32), 2, 5)
    0.6
    """
    return int((_shown_counts(lists, k, num_products) > 0).sum()) / num_products


def coverage_without_each(lists: Lists, k: int, num_products: int) -> PerUser:
    """Return the coverage with one user left out, for every user: what `intervals.jackknife` needs.

    >>> coverage_without_each(np.array([[0, 1], [0, 2], [0, -1]], np.int32), 2, 5).tolist()
    [0.4, 0.4, 0.6]
    """
    counts = _shown_counts(lists, k, num_products)
    shown = lists[:, :k]
    only_here = (counts[shown] == 1) & (shown >= 0)
    return np.asarray(((counts > 0).sum() - only_here.sum(axis=1)) / num_products)


def novelty(lists: Lists, k: int, holder_share: PerUser) -> PerUser:
    """Return per user the mean of -log2(share of train users who hold it) over the first k.

    A product that nobody holds counts as the rarest held one (its own value would be infinite); an
    empty list has novelty 0. Unit: bits, >= 0, higher is less popular.

    Shapes: lists (num_users, K), holder_share (num_products,) in 0..1

    >>> novelty(np.array([[0, 1], [2, -1], [-1, -1]], np.int32), 2, np.array([0.5, 0.125, 0.0]))
    array([2., 3., 0.])
    """
    if k < 1:
        raise ValueError(f"k must be at least 1 (got {k})")
    held = holder_share > 0
    if not held.any() or (holder_share < 0).any() or (holder_share > 1).any():
        raise ValueError("holder_share must be shares in 0..1, at least one of them above 0")
    bits = -np.log2(np.where(held, holder_share, holder_share[held].min()))
    shown = lists[:, :k]
    filled = shown >= 0
    total = np.where(filled, bits[shown], 0.0).sum(axis=1)
    return np.asarray(np.abs(total / np.maximum(filled.sum(axis=1), 1)))  # abs: -log2(1) is -0.0


def _check(
    lists: Lists, relevant_indptr: NDArray[np.int64], relevant_indices: NDArray[np.int32], ks: Sequence[int]
) -> None:
    if lists.ndim != 2 or len(relevant_indptr) != len(lists) + 1:
        raise ValueError(f"lists {lists.shape} and relevant_indptr {relevant_indptr.shape} are not of the same users")
    if relevant_indptr[-1] != len(relevant_indices):
        raise ValueError(f"relevant_indptr ends at {relevant_indptr[-1]}, there are {len(relevant_indices)} indices")
    if not ks or min(ks) < 1:
        raise ValueError(f"ks must be cuts of at least 1 (got {list(ks)})")
    without = np.flatnonzero(np.diff(relevant_indptr) <= 0)
    if len(without):
        raise ValueError(
            f"user row {without[0]} ({len(without)} in all) has no relevant product; leave such users out beforehand"
        )


def _chunks(num_users: int, width: int) -> Iterator[slice]:
    step = max(1, _CHUNK_PLACES // width)
    return (slice(start, min(start + step, num_users)) for start in range(0, num_users, step))


def _hits(lists: Lists, rows: slice, keys: NDArray[np.int64], num_products: int) -> NDArray[np.bool_]:
    """Return for every place of these rows whether its product is relevant: (rows, K)."""
    ordered = np.sort(lists, axis=1)
    repeats = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    if repeats.any():
        row, place = np.argwhere(repeats)[0]
        raise ValueError(f"the list of user row {rows.start + row} names product {ordered[row, place]} twice")
    wanted = np.arange(rows.start, rows.stop)[:, None] * num_products + lists
    found = keys[np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)] == wanted
    return np.asarray(found & (lists >= 0))


def _metrics(hits: NDArray[np.bool_], counts: NDArray[np.int64], ks: Sequence[int]) -> dict[str, PerUser]:
    # Running sums, not matrix products: the same additions in the same order on every machine.
    width = hits.shape[1]
    discount = 1 / np.log2(np.arange(2, 2 + max(width, *ks)))
    num_hits = np.cumsum(hits, axis=1)
    dcg = np.cumsum(hits * discount[:width], axis=1)
    ideal = np.cumsum(discount)
    reciprocal = np.where(hits.any(axis=1), 1 / (1 + hits.argmax(axis=1)), 0.0)
    out: dict[str, PerUser] = {}
    for k in ks:
        last = min(k, width) - 1
        found = num_hits[:, last]
        out[f"recall@{k}"] = found / counts
        out[f"precision@{k}"] = found / k
        out[f"ndcg@{k}"] = dcg[:, last] / ideal[np.minimum(k, counts) - 1]
        out[f"hit_rate@{k}"] = (found > 0).astype(np.float64)
        out[f"mrr@{k}"] = np.where(found > 0, reciprocal, 0.0)
    return out


def _shown_counts(lists: Lists, k: int, num_products: int) -> NDArray[np.int64]:
    """Return in how many of the users' first k every product is: (num_products,)."""
    if k < 1 or num_products < 1:
        raise ValueError(f"k and num_products must be at least 1 (got {k} and {num_products})")
    shown = lists[:, :k]
    counts = np.bincount(shown[shown >= 0], minlength=num_products)
    if len(counts) > num_products:
        raise ValueError(f"a list names product {len(counts) - 1}, there are {num_products}")
    return counts
