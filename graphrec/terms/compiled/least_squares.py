"""The vectors that fit given ones best, row by row, compiled: one half of alternating least squares."""

import numba
import numpy as np
from numpy.typing import NDArray


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
