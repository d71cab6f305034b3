"""Scores of many users, standardised and added, compiled: the sums of numpy in its order."""

import numba
import numpy as np
from numpy.typing import NDArray

#: Numbers that numpy's pairwise sum adds in eight parts; more are halved.
_BLOCK = 128
#: Halves that wait at most.
_DEEP = 64


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
    _add_spread(scores, weights, least, total, scales, numba.get_num_threads())
    return scales


def spreads(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """What numpy's `std` gives for each row (num_rows,)."""
    found = np.zeros(len(scores))
    _spreads(scores, found, numba.get_num_threads())
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
def _pairwise(row, work, places):  # type: ignore[no-untyped-def]
    """The sum of a row: of each half that is longer than `_BLOCK` the sum of its halves.

    Args:
        work, places: room for halves that wait: sums of first halves; starts, lengths, and whether it is a second one.
    """
    start, count, second = places
    start[0], count[0], depth = 0, len(row), 0
    while True:
        while count[depth] > _BLOCK:
            half = count[depth] // 2
            half -= half % 8
            start[depth + 1], count[depth + 1], second[depth + 1] = start[depth], half, 0
            depth += 1
        total = _eight(row, start[depth], count[depth])
        while depth and second[depth]:
            depth -= 1
            total = work[depth] + total
        if not depth:
            return total
        above = depth - 1
        work[above], length = total, count[depth]
        start[depth], count[depth], second[depth] = start[above] + length, count[above] - length, 1


@numba.njit(cache=True)
def _spread(row, squares, work, places):  # type: ignore[no-untyped-def]
    """The mean and the standard deviation of a row; squares: room for as many numbers."""
    mean = _pairwise(row, work, places) / len(row)
    for i in range(len(row)):
        squares[i] = (row[i] - mean) * (row[i] - mean)
    return mean, np.sqrt(_pairwise(squares, work, places) / len(row))


@numba.njit(parallel=True, cache=True)
def _spreads(scores, found, threads):  # type: ignore[no-untyped-def]
    for t in numba.prange(threads):
        squares, work, places = np.empty(scores.shape[1]), np.empty(_DEEP), np.empty((3, _DEEP), np.int64)
        for r in range(t, len(scores), threads):
            found[r] = _spread(scores[r], squares, work, places)[1]


@numba.njit(parallel=True, cache=True)
def _add_spread(scores, weights, least, total, scales, threads):  # type: ignore[no-untyped-def]
    for t in numba.prange(threads):
        squares, work, places = np.empty(scores.shape[1]), np.empty(_DEEP), np.empty((3, _DEEP), np.int64)
        for r in range(t, len(scores), threads):
            row, sums = scores[r], total[r]
            mean, spread = _spread(row, squares, work, places)
            # No score is farther from the mean than the root of the number of scores times their spread.
            largest = abs(mean) + spread * np.sqrt(len(row))
            if not spread > 2.0 * least * largest:
                largest = 0.0
                for i in range(len(row)):
                    largest = max(largest, abs(row[i]))
                if not spread > least * largest:
                    continue
            scale = weights[r] / spread
            scales[r] = scale
            for i in range(len(row)):
                sums[i] += scale * row[i]
