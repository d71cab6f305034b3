"""Scores of many users at once, compiled; what one user's list needs is in the other modules, with numpy alone.

Walks add in the order in which numpy adds for one user, so that into a float64 total they give the same bits.
"""

from typing import TYPE_CHECKING

import numba
import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Adjacency
from graphrec.terms.compiled.hops import (
    EMPTY,
    ROUNDING,
    arrival,
    begun,
    faded,
    next_hop,
    own_edges,
    passed,
    people_of,
    read_only,
    returns,
    row_of,
    whole,
)

if TYPE_CHECKING:
    from graphrec.terms.forms.factors import SparseRows
    from graphrec.terms.walks import WalkScorer


def sum_of_dense(adjacency: Adjacency, users: NDArray[np.int32], left: NDArray[np.float32]) -> NDArray[np.float32]:
    """For each user the sum of the rows of `left` over their neighbours (len(users), width)."""
    total = np.zeros((len(users), left.shape[1]), np.float32)
    add_dense(adjacency, users, left, total)
    return total


def add_dense(
    adjacency: Adjacency,
    users: NDArray[np.int32],
    left: NDArray[np.float32],
    total: NDArray[np.float32] | NDArray[np.float64],
) -> None:
    """Add the rows of `left` over each user's neighbours to `total` (len(users), width), in their order."""
    _sum_dense(*_rows(adjacency, users), read_only(np.ascontiguousarray(left)), total)


def sum_of_sparse(adjacency: Adjacency, users: NDArray[np.int32], left: "SparseRows") -> NDArray[np.float32]:
    """`sum_of_dense` of a sparse `left`."""
    total = np.zeros((len(users), left.num_products), np.float32)
    add_sparse(adjacency, users, left, total)
    return total


def add_sparse(
    adjacency: Adjacency,
    users: NDArray[np.int32],
    left: "SparseRows",
    total: NDArray[np.float32] | NDArray[np.float64],
) -> None:
    """`add_dense` of a sparse `left`."""
    indptr, indices, values = (read_only(np.asarray(one)) for one in (left.indptr, left.indices, left.values))
    _sum_sparse(*_rows(adjacency, users), indptr, indices, values, total)


def _rows(
    adjacency: Adjacency, users: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64], NDArray[np.int32]]:
    """Where rows begin, neighbours, what their age leaves of them, and the users: of one alone, its row alone."""
    if adjacency.is_alone and len(users) == 1:
        user = int(users[0])
        left = adjacency.left(user)
        rows, places = row_of(adjacency, user)
        return *rows, EMPTY if left is None else read_only(left), places
    return *whole(adjacency), faded(adjacency), users


def products_of(pairs: Adjacency, left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """The dot product of row a of `left` and row i of `right` for every pair (a, i), in their order."""
    found = np.empty(len(pairs.indices), np.float32)
    one, other = (read_only(np.ascontiguousarray(side)) for side in (left, right))
    _products(*whole(pairs), one, other, found)
    return found


def standardise_rows(scores: NDArray[np.float32], weight: float = 1.0) -> None:
    """Divide every row by its standard deviation and multiply by `weight`, in place; without spread it becomes 0."""
    _standardise(scores, weight)


def walk_scores(
    scorer: "WalkScorer", users: NDArray[np.int32], beta: float, total: NDArray[np.float32] | NDArray[np.float64]
) -> None:
    """Add beta times a walk's scores of some users to `total` (len(users), num_products)."""
    from graphrec.terms.walks import ContentScorer, PeopleScorer

    own = own_edges(scorer, users) if isinstance(scorer, PeopleScorer) else None
    first, users = begun(scorer, users)
    if isinstance(scorer, PeopleScorer):
        _through_people(users, first, people_of(scorer), own, read_only(scorer.scales[2]), beta, total)
        return
    assert isinstance(scorer, ContentScorer), "walks that begin with people are not compiled"
    if scorer.length == 1:
        _direct(users, first, beta, total)
        return
    diagonal = read_only(np.asarray(scorer.diagonal)) if scorer.closes else EMPTY
    if scorer.table is not None:
        _from_table(users, first, read_only(np.asarray(scorer.table)), diagonal, beta, total)
    elif scorer.length == 2:
        _two_hops(users, first, next_hop(scorer, 1), diagonal, beta, total)
    else:
        second, third, threads = next_hop(scorer, 1), next_hop(scorer, 2), numba.get_num_threads()
        _three_hops(users, first, second, third, diagonal, beta, threads, total)


@numba.njit(parallel=True, cache=True)
def _products(indptr, indices, left, right, found):  # type: ignore[no-untyped-def]
    for a in numba.prange(len(indptr) - 1):
        for p in range(indptr[a], indptr[a + 1]):
            total = 0.0
            for d in range(left.shape[1]):
                total += np.float64(left[a, d]) * np.float64(right[indices[p], d])
            found[p] = total


@numba.njit(parallel=True, cache=True)
def _standardise(scores, weight):  # type: ignore[no-untyped-def]
    num_products = scores.shape[1]
    whole = num_products - num_products % 4
    for r in numba.prange(len(scores)):
        row = scores[r]
        # Four sums at a time: one would wait for itself; their order is fixed, so the answer is too.
        a = b = c = d = 0.0
        for i in range(0, whole, 4):
            a += row[i]
            b += row[i + 1]
            c += row[i + 2]
            d += row[i + 3]
        for i in range(whole, num_products):
            a += row[i]
        mean = ((a + b) + (c + d)) / num_products
        a = b = c = d = 0.0
        for i in range(0, whole, 4):
            a += (row[i] - mean) ** 2
            b += (row[i + 1] - mean) ** 2
            c += (row[i + 2] - mean) ** 2
            d += (row[i + 3] - mean) ** 2
        for i in range(whole, num_products):
            a += (row[i] - mean) ** 2
        spread = np.sqrt(((a + b) + (c + d)) / num_products)
        # float32 rows of equal values have a tiny spread of rounding errors.
        factor = np.float32(weight / spread if spread > 1e-6 * abs(mean) else 0.0)
        for i in range(num_products):
            row[i] *= factor


@numba.njit(parallel=True, cache=True)
def _sum_dense(indptr, indices, x, users, left, total):  # type: ignore[no-untyped-def]
    for r in numba.prange(len(users)):
        sums = total[r]
        for p in range(indptr[users[r]], indptr[users[r] + 1]):
            row = left[indices[p]]
            if len(x):
                for d in range(len(sums)):
                    sums[d] += x[p] * row[d]
            else:
                for d in range(len(sums)):
                    sums[d] += row[d]


@numba.njit(parallel=True, cache=True)
def _sum_sparse(indptr, indices, x, users, row_ptr, columns, values, total):  # type: ignore[no-untyped-def]
    for r in numba.prange(len(users)):
        for p in range(indptr[users[r]], indptr[users[r] + 1]):
            a = indices[p]
            if len(x):
                for q in range(row_ptr[a], row_ptr[a + 1]):
                    total[r, columns[q]] += x[p] * values[q]
            else:
                for q in range(row_ptr[a], row_ptr[a + 1]):
                    total[r, columns[q]] += values[q]


@numba.njit(parallel=True, cache=True)
def _direct(users, first, beta, total):  # type: ignore[no-untyped-def]
    for r in numba.prange(len(users)):
        for p in range(first.indptr[users[r]], first.indptr[users[r] + 1]):
            a, value = arrival(first, p)
            total[r, a] += beta * value


@numba.njit(cache=True)
def _correct(u, first, diagonal, score):  # type: ignore[no-untyped-def]
    """Take out of `score` the walks that end where the first hop led."""
    if not len(diagonal):
        return
    start, stop = first.indptr[u], first.indptr[u + 1]
    before, closed = score.copy(), np.zeros(stop - start)
    for p in range(start, stop):
        a, value = arrival(first, p)
        closed[p - start] = value * diagonal[a]
    score[first.indices[start:stop]] -= closed
    score[score < ROUNDING * before] = 0.0


@numba.njit(parallel=True, cache=True)
def _through_people(users, first, people, own, ends, beta, total):  # type: ignore[no-untyped-def]
    for r in numba.prange(len(users)):
        u = users[r]
        score, is_own = np.zeros(len(ends)), np.zeros(len(ends), np.bool_)
        for i in own.last_idx[own.last_ptr[u] : own.last_ptr[u + 1]]:
            is_own[i] = True
        for p in range(first.indptr[u], first.indptr[u + 1]):
            a, value = arrival(first, p)
            back = returns(own, u, a)
            for q in range(people.indptr[a], people.indptr[a + 1]):
                i = people.indices[q]
                score[i] += value * passed(people, own, u, q, back and is_own[i])
        for i in range(len(ends)):
            total[r, i] += beta * (score[i] * ends[i])


@numba.njit(cache=True)
def _in_order(mass, touched, count):  # type: ignore[no-untyped-def]
    """Sort the nodes that have mass, by sorting them or, where they are many, by looking at all."""
    if count < len(mass) // 32:
        touched[:count] = np.sort(touched[:count])
        return
    at = 0
    for v in range(len(mass)):
        if mass[v] != 0.0:
            touched[at] = v
            at += 1


@numba.njit(parallel=True, cache=True)
def _from_table(users, first, table, diagonal, beta, total):  # type: ignore[no-untyped-def]
    for r in numba.prange(len(users)):
        u = users[r]
        score = np.zeros(table.shape[1])
        for p in range(first.indptr[u], first.indptr[u + 1]):
            a, value = arrival(first, p)
            for i in range(table.shape[1]):
                score[i] += value * table[a, i]
        _correct(u, first, diagonal, score)
        for i in range(len(score)):
            total[r, i] += beta * score[i]


@numba.njit(parallel=True, cache=True)
def _two_hops(users, first, second, diagonal, beta, total):  # type: ignore[no-untyped-def]
    for r in numba.prange(len(users)):
        u = users[r]
        score = np.zeros(len(second.power))
        for p in range(first.indptr[u], first.indptr[u + 1]):
            a, value = arrival(first, p)
            for q in range(second.indptr[a], second.indptr[a + 1]):
                score[second.indices[q]] += value
        for i in range(len(score)):
            score[i] *= second.power[i]
        _correct(u, first, diagonal, score)
        for i in range(len(score)):
            total[r, i] += beta * score[i]


@numba.njit(parallel=True, cache=True)
def _three_hops(users, first, second, third, diagonal, beta, threads, total):  # type: ignore[no-untyped-def]
    for t in numba.prange(threads):
        mass = np.zeros(len(second.power))
        touched = np.empty(len(second.power), np.int64)
        score = np.zeros(len(third.power))
        for r in range(t, len(users), threads):
            u = users[r]
            count = 0
            for p in range(first.indptr[u], first.indptr[u + 1]):
                a, value = arrival(first, p)
                for q in range(second.indptr[a], second.indptr[a + 1]):
                    v = second.indices[q]
                    if mass[v] == 0.0:
                        touched[count] = v
                        count += 1
                    mass[v] += value
            _in_order(mass, touched, count)
            for n in range(count):
                v = touched[n]
                flow = mass[v] * second.power[v]
                mass[v] = 0.0
                for q in range(third.indptr[v], third.indptr[v + 1]):
                    score[third.indices[q]] += flow
            for i in range(len(score)):
                score[i] *= third.power[i]
            _correct(u, first, diagonal, score)
            for i in range(len(score)):
                total[r, i] += beta * score[i]
                score[i] = 0.0
