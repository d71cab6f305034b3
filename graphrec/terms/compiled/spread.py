"""Scores of many users, standardised and added, compiled: the sums of numpy in its order."""

from functools import lru_cache

import numba
import numpy as np
from numpy.typing import NDArray

#: Numbers that numpy's pairwise sum adds in eight parts; more are halved.
_BLOCK = 128


def add_spread(
    scores: NDArray[np.float64], weights: NDArray[np.float64], least: float, total: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Add each row of scores (num_users, num_products) to `total`, divided by its spread and times a weight.

    Args:
        weights: (num_users,).
        least: a spread that is no more than this part of the largest score is none; such a row is left out.

    Returns:
        What each row was multiplied with (num_users,), to the bit that of numpy's `std`; 0 for those left out.
    """
    scales = np.zeros(len(scores))
    _add_spread(scores, weights, least, leaves_of(scores.shape[1]), total, scales, numba.get_num_threads())
    return scales


def spreads(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """What numpy's `std` gives for each row (num_rows,)."""
    found = np.zeros(len(scores))
    _spreads(scores, leaves_of(scores.shape[1]), found, numba.get_num_threads())
    return found


def means(values: NDArray[np.float64], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean of some columns of every row, to the bit that of `values[:, places].mean(axis=1)`; 0 without columns.

    numpy adds these columns one after another, but halves a single row.
    """
    if len(values) == 1 and len(places):
        alone: NDArray[np.float64] = values[:, places].mean(axis=1)
        return alone
    found = np.zeros(len(values))
    if len(places):
        _means(values, places, found)
    return found


@lru_cache(64)
def leaves_of(count: int) -> NDArray[np.int64]:
    """How numpy's pairwise sum halves so many numbers (num_parts, 3).

    Of each part that is not halved its start, its length, and how many sums it ends: each is added to the one before.
    """
    leaves: list[list[int]] = []

    def halve(start: int, length: int) -> None:
        if length <= _BLOCK:
            leaves.append([start, length, 0])
            return
        half = length // 2
        half -= half % 8
        halve(start, half)
        halve(start + half, length - half)
        leaves[-1][2] += 1

    halve(0, count)
    found = np.array(leaves, np.int64)
    found.flags.writeable = False
    return found


@numba.njit(cache=True)
def _eight(row, start, count):  # type: ignore[no-untyped-def]
    """The sum of at most `_BLOCK` numbers, in numpy's order."""
    total = 0.0
    if count < 8:
        for i in range(start, start + count):
            total += row[i]
        return total
    a, b, c, d = row[start], row[start + 1], row[start + 2], row[start + 3]
    e, f, g, h = row[start + 4], row[start + 5], row[start + 6], row[start + 7]
    whole = count - count % 8
    for i in range(start + 8, start + whole, 8):
        a += row[i]
        b += row[i + 1]
        c += row[i + 2]
        d += row[i + 3]
        e += row[i + 4]
        f += row[i + 5]
        g += row[i + 6]
        h += row[i + 7]
    total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for i in range(start + whole, start + count):
        total += row[i]
    return total


@numba.njit(cache=True)
def _eight_squares(row, mean, start, count):  # type: ignore[no-untyped-def]
    """The sum of the squares of what at most `_BLOCK` numbers are above their mean, in numpy's order."""
    total = 0.0
    if count < 8:
        for i in range(start, start + count):
            total += (row[i] - mean) * (row[i] - mean)
        return total
    a = (row[start] - mean) * (row[start] - mean)
    b = (row[start + 1] - mean) * (row[start + 1] - mean)
    c = (row[start + 2] - mean) * (row[start + 2] - mean)
    d = (row[start + 3] - mean) * (row[start + 3] - mean)
    e = (row[start + 4] - mean) * (row[start + 4] - mean)
    f = (row[start + 5] - mean) * (row[start + 5] - mean)
    g = (row[start + 6] - mean) * (row[start + 6] - mean)
    h = (row[start + 7] - mean) * (row[start + 7] - mean)
    whole = count - count % 8
    for i in range(start + 8, start + whole, 8):
        a += (row[i] - mean) * (row[i] - mean)
        b += (row[i + 1] - mean) * (row[i + 1] - mean)
        c += (row[i + 2] - mean) * (row[i + 2] - mean)
        d += (row[i + 3] - mean) * (row[i + 3] - mean)
        e += (row[i + 4] - mean) * (row[i + 4] - mean)
        f += (row[i + 5] - mean) * (row[i + 5] - mean)
        g += (row[i + 6] - mean) * (row[i + 6] - mean)
        h += (row[i + 7] - mean) * (row[i + 7] - mean)
    total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for i in range(start + whole, start + count):
        total += (row[i] - mean) * (row[i] - mean)
    return total


@numba.njit(cache=True)
def _mean(row, leaves, waiting):  # type: ignore[no-untyped-def]
    """The mean of a row, as numpy's `mean`.

    Args:
        leaves: `leaves_of` its length.
        waiting: room for as many sums.
    """
    depth = 0
    for n in range(len(leaves)):
        total = _eight(row, leaves[n, 0], leaves[n, 1])
        for _ in range(leaves[n, 2]):
            depth -= 1
            total = waiting[depth] + total
        waiting[depth] = total
        depth += 1
    return waiting[0] / len(row)


@numba.njit(cache=True)
def _spread(row, leaves, waiting):  # type: ignore[no-untyped-def]
    """The mean and the standard deviation of a row; see `_mean`."""
    mean, depth = _mean(row, leaves, waiting), 0
    for n in range(len(leaves)):
        total = _eight_squares(row, mean, leaves[n, 0], leaves[n, 1])
        for _ in range(leaves[n, 2]):
            depth -= 1
            total = waiting[depth] + total
        waiting[depth] = total
        depth += 1
    return mean, np.sqrt(waiting[0] / len(row))


@numba.njit(cache=True)
def scale_of(row, weight, least, leaves, waiting):  # type: ignore[no-untyped-def]
    """What a row of scores is multiplied with: a weight by its spread; 0 where it has none. See `add_spread`."""
    mean, spread = _spread(row, leaves, waiting)
    # No score is farther from the mean than the root of the number of scores times their spread.
    largest = abs(mean) + spread * np.sqrt(len(row))
    if not spread > 2.0 * least * largest:
        largest = 0.0
        for i in range(len(row)):
            largest = max(largest, abs(row[i]))
        if not spread > least * largest:
            return 0.0
    return weight / spread


@numba.njit(cache=True)
def _means(values, places, found):  # type: ignore[no-untyped-def]
    for n in range(len(values)):
        total = values[n, places[0]]
        for place in range(1, len(places)):
            total += values[n, places[place]]
        found[n] = total / len(places)


@numba.njit(parallel=True, cache=True)
def _spreads(scores, leaves, found, threads):  # type: ignore[no-untyped-def]
    for t in numba.prange(threads):
        waiting = np.empty(len(leaves))
        for r in range(t, len(scores), threads):
            found[r] = _spread(scores[r], leaves, waiting)[1]


@numba.njit(parallel=True, cache=True)
def _add_spread(scores, weights, least, leaves, total, scales, threads):  # type: ignore[no-untyped-def]
    for t in numba.prange(threads):
        waiting = np.empty(len(leaves))
        for r in range(t, len(scores), threads):
            row, sums = scores[r], total[r]
            scale = scale_of(row, weights[r], least, leaves, waiting)
            scales[r] = scale
            if scale != 0.0:
                for i in range(len(row)):
                    sums[i] += scale * row[i]
