"""Least squares of each product over the columns that are nearest to it, compiled: EASE of a large catalogue."""

import numba
import numpy as np
from numpy.typing import NDArray


def near_squares(
    gram: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]],
    answers: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]],
    ridge: NDArray[np.float64],
    most: int,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Which columns speak for each product, and how much.

    Args:
        gram: rows (num_columns) of X^T X with sorted columns and all of its diagonal. An entry below 0 is one that too
            few people stand behind: it counts as 0, and both of its diagonal entries grow by what it was, so that what
            is left stays positive definite.
        answers: rows (num_products) of Y^T X with sorted columns; an entry that is not above 0 never speaks.
        ridge: what is added to the diagonal (num_columns,).
        most: columns of a product: those with the largest cosine.

    Returns:
        Columns, sorted within a row (num_products, most), -1 behind the last; their weights.
    """
    num_products = len(answers[0]) - 1
    columns = np.full((num_products, most), -1, np.int32)
    weights = np.zeros((num_products, most), np.float32)
    sizes = _diagonal(*gram)
    _solve(*gram, *answers, ridge, sizes, columns, weights)
    return columns, weights


@numba.njit(cache=True)
def _entry(indptr, indices, values, row, column):  # type: ignore[no-untyped-def]
    low, high = indptr[row], indptr[row + 1]
    while low < high:
        middle = (low + high) // 2
        if indices[middle] < column:
            low = middle + 1
        else:
            high = middle
    return values[low] if low < indptr[row + 1] and indices[low] == column else np.float32(0.0)


@numba.njit(cache=True)
def _diagonal(indptr, indices, values):  # type: ignore[no-untyped-def]
    found = np.empty(len(indptr) - 1)
    for row in range(len(found)):
        found[row] = _entry(indptr, indices, values, row, row)
    return found


@numba.njit(cache=True)
def _nearest(indices, values, sizes, most, columns):  # type: ignore[no-untyped-def]
    """Writes the columns with the largest values / size ** .5, ascending; returns how many. Of equal ones the first."""
    near = np.empty(len(indices))
    count = 0
    for n in range(len(indices)):
        near[n] = values[n] / np.sqrt(sizes[indices[n]]) if values[n] > 0 else 0.0
        count += values[n] > 0
    most = min(most, count)
    if most == 0:
        return 0
    edge = np.partition(near, len(near) - most)[len(near) - most]
    spare = most
    for n in range(len(near)):
        spare -= near[n] > edge
    found = 0
    for n in range(len(near)):
        if near[n] > edge or (near[n] == edge and spare > 0):
            spare -= near[n] == edge
            columns[found] = indices[n]
            found += 1
    return found


@numba.njit(cache=True, fastmath=True)
def _dot(one, other, size):  # type: ignore[no-untyped-def]
    total = 0.0
    for n in range(size):
        total += one[n] * other[n]
    return total


@numba.njit(cache=True)
def _solve_in_place(matrix, right, size):  # type: ignore[no-untyped-def]
    """Cholesky's factors of a positive definite matrix, then the solution in `right`."""
    for row in range(size):
        for column in range(row):
            matrix[row, column] -= _dot(matrix[row], matrix[column], column)
            matrix[row, column] /= matrix[column, column]
        matrix[row, row] = np.sqrt(matrix[row, row] - _dot(matrix[row], matrix[row], row))
        right[row] = (right[row] - _dot(matrix[row], right, row)) / matrix[row, row]
    for row in range(size - 1, -1, -1):
        right[row] /= matrix[row, row]
        for column in range(row):
            right[column] -= matrix[row, column] * right[row]


@numba.njit(parallel=True, cache=True)
def _solve(  # type: ignore[no-untyped-def]
    gram_ptr, gram_columns, gram_values, ptr, indices, values, ridge, sizes, columns, weights
):
    most = columns.shape[1]
    for product in numba.prange(len(ptr) - 1):
        start, end = ptr[product], ptr[product + 1]
        own = columns[product]
        size = _nearest(indices[start:end], values[start:end], sizes, most, own)
        matrix, right = np.zeros((size, size)), np.empty(size)
        for a in range(size):
            right[a] = _entry(ptr, indices, values, product, own[a])
            matrix[a, a] += sizes[own[a]] + ridge[own[a]]
            for b in range(a):
                value = _entry(gram_ptr, gram_columns, gram_values, own[a], own[b])
                if value < 0:
                    matrix[a, a] -= value
                    matrix[b, b] -= value
                else:
                    matrix[a, b] = value
        _solve_in_place(matrix, right, size)
        for a in range(size):
            weights[product, a] = right[a]
