"""The best products of every user, compiled: the same answer on any number of threads."""

import numba
import numpy as np
from numpy.typing import NDArray

NOTHING = -1
#: Scores compared at once with the least of a full list; most are below it.
STRIDE = 64


def best_of(
    scores: NDArray[np.float32], starts: NDArray[np.int64], ends: NDArray[np.int64], masked: NDArray[np.int32], k: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The k best products of each row, and in each row the first product whose score is no number (-1: none).

    Args:
        starts, ends: (num_rows,) where the masked products of each row stand in `masked`.
    """
    best = np.full((len(scores), k), NOTHING, np.int32)
    bad = np.full(len(scores), NOTHING, np.int64)
    _top_k(scores, starts, ends, masked, best, bad)
    return best, bad


@numba.njit(cache=True)
def _before(score, product, other_score, other_product):  # type: ignore[no-untyped-def]
    """Whether a product ranks before another one."""
    return score > other_score or (score == other_score and product < other_product)


@numba.njit(cache=True)
def sift_down(heap, ids, size):  # type: ignore[no-untyped-def]
    """Put the root of a heap in its place; the root is the product that ranks last."""
    score, product = heap[0], ids[0]
    hole = 0
    while 2 * hole + 1 < size:
        child = 2 * hole + 1
        if child + 1 < size and _before(heap[child], ids[child], heap[child + 1], ids[child + 1]):
            child += 1
        if _before(heap[child], ids[child], score, product):
            break
        heap[hole], ids[hole] = heap[child], ids[child]
        hole = child
    heap[hole], ids[hole] = score, product


@numba.njit(cache=True)
def sift_up(heap, ids, hole):  # type: ignore[no-untyped-def]
    """Put the last of a heap, at `hole`, in its place."""
    score, product = heap[hole], ids[hole]
    while hole > 0:
        parent = (hole - 1) // 2
        if not _before(heap[parent], ids[parent], score, product):
            break
        heap[hole], ids[hole] = heap[parent], ids[parent]
        hole = parent
    heap[hole], ids[hole] = score, product


@numba.njit(cache=True)
def push(heap, ids, size, score, product):  # type: ignore[no-untyped-def]
    """The size of a heap of the best products after one more; products come in their order."""
    if size < len(heap):
        heap[size], ids[size] = score, product
        sift_up(heap, ids, size)
        return size + 1
    if score > heap[0]:
        heap[0], ids[0] = score, product
        sift_down(heap, ids, size)
    return size


@numba.njit(cache=True)
def _any_above(row, least):  # type: ignore[no-untyped-def]
    """Whether a score is above `least` or not a number: without branches, so that many are compared at once."""
    above = False
    for i in range(len(row)):
        above = above | (not row[i] <= least)
    return above


@numba.njit(cache=True)
def _next_masked(indices, place, last, product):  # type: ignore[no-untyped-def]
    """Where the first masked product from this one on stands."""
    while place < last and indices[place] < product:
        place += 1
    return place


@numba.njit(parallel=True, cache=True)
def _top_k(scores, starts, ends, indices, best, bad):  # type: ignore[no-untyped-def]
    num_rows, num_products = scores.shape
    k = best.shape[1]
    for r in numba.prange(num_rows):
        heap = np.empty(k, np.float32)
        ids = np.empty(k, np.int32)
        size = 0
        next_masked, last_masked = starts[r], ends[r]
        least = np.float32(-np.inf)
        for start in range(0, num_products, STRIDE):
            row = scores[r, start : start + STRIDE]
            if not _any_above(row, least):
                continue
            for j in range(len(row)):
                i, score = start + j, row[j]
                # The comparison is also False for what is not a number.
                if score <= least:
                    continue
                if score != score:
                    bad[r] = i
                    break
                next_masked = _next_masked(indices, next_masked, last_masked, i)
                if next_masked < last_masked and indices[next_masked] == i:
                    continue
                size = push(heap, ids, size, score, i)
                if size == k:
                    least = heap[0]
        while size > 0:
            size -= 1
            best[r, size] = ids[0]
            heap[0], ids[0] = heap[size], ids[size]
            sift_down(heap, ids, size)
