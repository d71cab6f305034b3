"""The vectors that fit given ones best, row by row, compiled: one half of alternating least squares."""

import numba
import numpy as np
from numpy.typing import NDArray

LEAST_LEFT = 1e-20
"""Squared error of a row's normal equations that is none."""


def solve_rows(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int64],
    factors: NDArray[np.float64],
    gram: NDArray[np.float64],
    alpha: float,
) -> NDArray[np.float64]:
    """x (num_rows, dim) of every row: (gram + alpha sum of y y^T)^-1 (1 + alpha) sum of y over its factors y.

    gram (dim, dim) holds the part that is the same for all rows, regularised. A row without factors is 0.
    """
    found = np.zeros((len(indptr) - 1, factors.shape[1]))
    _solve(indptr, indices, np.ascontiguousarray(factors), gram, alpha, found)
    return found


def near_rows(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int64],
    factors: NDArray[np.float64],
    gram: NDArray[np.float64],
    alpha: float,
    found: NDArray[np.float64],
    steps: int,
) -> None:
    """Moves `found` (num_rows, dim) towards what `solve_rows` gives, by so many steps of conjugate gradients.

    A few steps from the last turn's vectors are enough, and a tenth of the work. Source: Takács, Pilászy and Tikk,
    RecSys 2011.
    """
    _near(indptr, indices, np.ascontiguousarray(factors), gram, alpha, found, steps)


@numba.njit(parallel=True, cache=True)
def _near(indptr, indices, factors, gram, alpha, found, steps):  # type: ignore[no-untyped-def]
    for row in numba.prange(len(indptr) - 1):
        own = indices[indptr[row] : indptr[row + 1]]
        x = found[row]
        if len(own) == 0:
            x[:] = 0.0
            continue
        left = np.empty_like(x)
        _pull(own, factors, gram, alpha, x, left)
        for m in range(len(x)):
            left[m] = -left[m]
        for item in own:
            _add(1.0 + alpha, factors[item], left)
        way, pulled, before = left.copy(), np.empty_like(x), _dot(left, left)
        for _ in range(steps):
            if before < LEAST_LEFT:
                break
            _pull(own, factors, gram, alpha, way, pulled)
            far = before / _dot(pulled, way)
            _add(far, way, x)
            _add(-far, pulled, left)
            after = _dot(left, left)
            for m in range(len(x)):
                way[m] = left[m] + after / before * way[m]
            before = after


@numba.njit(cache=True, fastmath=True)
def _pull(own, factors, gram, alpha, way, found):  # type: ignore[no-untyped-def]
    """(gram + alpha sum of y y^T) way, of the factors y of a row."""
    for m in range(len(way)):
        found[m] = _dot(gram[m], way)
    for item in own:
        y = factors[item]
        _add(alpha * _dot(y, way), y, found)


@numba.njit(cache=True, fastmath=True)
def _dot(one, other):  # type: ignore[no-untyped-def]
    total = 0.0
    for m in range(len(one)):
        total += one[m] * other[m]
    return total


@numba.njit(cache=True, fastmath=True)
def _add(part, one, total):  # type: ignore[no-untyped-def]
    for m in range(len(one)):
        total[m] += part * one[m]


@numba.njit(parallel=True, cache=True)
def _solve(indptr, indices, factors, gram, alpha, found):  # type: ignore[no-untyped-def]
    dim = factors.shape[1]
    for row in numba.prange(len(indptr) - 1):
        start, end = indptr[row], indptr[row + 1]
        if start == end:
            continue
        inner = gram.copy()
        wanted = np.zeros(dim)
        for p in range(start, end):
            y = factors[indices[p]]
            for m in range(dim):
                wanted[m] += (1.0 + alpha) * y[m]
                for n in range(m + 1):
                    inner[m, n] += alpha * y[m] * y[n]
        for m in range(dim):
            for n in range(m):
                inner[n, m] = inner[m, n]
        found[row] = np.linalg.solve(inner, wanted)
