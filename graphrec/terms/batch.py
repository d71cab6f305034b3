"""Scores of many users at once, compiled; what one user's list needs is in the other modules, with numpy alone.

Walks add in the order in which numpy adds for one user, so that into a float64 total they give the same bits.
"""

from typing import TYPE_CHECKING

import numba
import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Adjacency
from graphrec.terms.factors import SparseRows

if TYPE_CHECKING:
    from graphrec.terms.walks import WalkScorer

EMPTY = np.zeros(0)
#: As in `terms.walks`; compiled code takes it as a constant.
ROUNDING = 1e-12


def sum_of_rows(
    adjacency: Adjacency, users: NDArray[np.int32], left: "NDArray[np.float32] | SparseRows"
) -> NDArray[np.float32]:
    """For each user the sum of the rows of `left` over their neighbours (len(users), width)."""
    if isinstance(left, SparseRows):
        total = np.zeros((len(users), left.num_products), np.float32)
        _sum_sparse(adjacency.indptr, adjacency.indices, users, left.indptr, left.indices, left.values, total)
        return total
    total = np.zeros((len(users), left.shape[1]), np.float32)
    _sum_dense(adjacency.indptr, adjacency.indices, users, np.ascontiguousarray(left), total)
    return total


def standardise_rows(scores: NDArray[np.float32], weight: float = 1.0) -> None:
    """Divide every row by its standard deviation and multiply by `weight`, in place; without spread it becomes 0."""
    _standardise(scores, weight)


def walk_scores(
    scorer: "WalkScorer", users: NDArray[np.int32], beta: float, total: NDArray[np.float32] | NDArray[np.float64]
) -> None:
    """Add beta times a walk's scores of some users to `total` (len(users), num_products)."""
    start = first_hop(scorer)
    if scorer.length == 1:
        _direct(users, *start, beta, total)
        return
    second = scorer.steps[1]
    own = own_arrays(scorer)
    diagonal = scorer.diagonal if scorer.closes else EMPTY
    if scorer.table is not None:
        _from_table(users, *start, scorer.table, *own, diagonal, beta, total)
    elif scorer.length == 2:
        _two_hops(users, *start, second.indptr, second.indices, scorer.scales[1], *own, diagonal, beta, total)
    else:
        third, threads = scorer.steps[2], numba.get_num_threads()
        middle = (second.indptr, second.indices, scorer.scales[1])
        _three_hops(
            users, *start, *middle, third.indptr, third.indices, scorer.scales[2], *own, diagonal, beta, threads, total
        )


def first_hop(
    scorer: "WalkScorer",
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
    """A walk's first hop: where rows begin, neighbours, evidence (empty: all 1), and the power of every neighbour."""
    first = scorer.first
    weight = EMPTY if first.weight is None else np.asarray(first.weight, np.float64)
    return first.indptr, first.indices, weight, scorer.scales[0]


def own_arrays(
    scorer: "WalkScorer",
) -> tuple[
    NDArray[np.int64], NDArray[np.int32], NDArray[np.int64], NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]
]:
    """What finds the walks through the user: their edges of hops 2 (back) and 3, and both powers; empty without."""
    if not scorer.mid_user:
        none = np.zeros(0, np.int64), np.zeros(0, np.int32)
        return *none, *none, EMPTY, EMPTY
    back, last = scorer.back[1], scorer.steps[2]
    return back.indptr, back.indices, last.indptr, last.indices, scorer.scales[1], scorer.scales[2]


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
def _sum_dense(indptr, indices, users, left, total):  # type: ignore[no-untyped-def]
    for r in numba.prange(len(users)):
        sums = total[r]
        for p in range(indptr[users[r]], indptr[users[r] + 1]):
            row = left[indices[p]]
            for d in range(len(sums)):
                sums[d] += row[d]


@numba.njit(parallel=True, cache=True)
def _sum_sparse(indptr, indices, users, row_ptr, columns, values, total):  # type: ignore[no-untyped-def]
    for r in numba.prange(len(users)):
        for p in range(indptr[users[r]], indptr[users[r] + 1]):
            a = indices[p]
            for q in range(row_ptr[a], row_ptr[a + 1]):
                total[r, columns[q]] += values[q]


@numba.njit(parallel=True, cache=True)
def _direct(users, indptr, indices, weight, scale, beta, total):  # type: ignore[no-untyped-def]
    for r in numba.prange(len(users)):
        for p in range(indptr[users[r]], indptr[users[r] + 1]):
            a = indices[p]
            total[r, a] += beta * ((weight[p] if len(weight) else 1.0) * scale[a])


@numba.njit(cache=True)
def contains(row, value):  # type: ignore[no-untyped-def]
    place = np.searchsorted(row, value)
    return place < len(row) and row[place] == value


@numba.njit(cache=True)
def _correct(  # type: ignore[no-untyped-def]
    u, indptr, indices, weight, scale, back_ptr, back_idx, last_ptr, last_idx, mid_scale, end_scale, diagonal, score
):
    """Take out of `score` the walks through the user and those that end where the first hop led."""
    through = 0.0
    has_mid = len(mid_scale) > 0
    if not has_mid and not len(diagonal):
        return
    before, closed = score.copy(), np.zeros(indptr[u + 1] - indptr[u])
    for p in range(indptr[u], indptr[u + 1]):
        a = indices[p]
        value = (weight[p] if len(weight) else 1.0) * scale[a]
        own = has_mid and contains(back_idx[back_ptr[u] : back_ptr[u + 1]], a)
        if own:
            through += value
        if len(diagonal):
            closed[p - indptr[u]] = value * diagonal[a]
            if own and contains(last_idx[last_ptr[u] : last_ptr[u + 1]], a):
                closed[p - indptr[u]] -= value * mid_scale[u] * end_scale[a]
    if has_mid:
        for i in last_idx[last_ptr[u] : last_ptr[u + 1]]:
            score[i] -= through * (mid_scale[u] * end_scale[i])
    if len(diagonal):
        score[indices[indptr[u] : indptr[u + 1]]] -= closed
    score[score < ROUNDING * before] = 0.0


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
def _from_table(  # type: ignore[no-untyped-def]
    users,
    indptr,
    indices,
    weight,
    scale,
    table,
    back_ptr,
    back_idx,
    last_ptr,
    last_idx,
    mid_scale,
    end_scale,
    diagonal,
    beta,
    total,
):
    for r in numba.prange(len(users)):
        u = users[r]
        score = np.zeros(table.shape[1])
        for p in range(indptr[u], indptr[u + 1]):
            a = indices[p]
            value = (weight[p] if len(weight) else 1.0) * scale[a]
            for i in range(table.shape[1]):
                score[i] += value * table[a, i]
        _correct(
            u,
            indptr,
            indices,
            weight,
            scale,
            back_ptr,
            back_idx,
            last_ptr,
            last_idx,
            mid_scale,
            end_scale,
            diagonal,
            score,
        )
        for i in range(len(score)):
            total[r, i] += beta * score[i]


@numba.njit(parallel=True, cache=True)
def _two_hops(  # type: ignore[no-untyped-def]
    users,
    indptr,
    indices,
    weight,
    scale,
    step_ptr,
    step_idx,
    end_scale,
    back_ptr,
    back_idx,
    last_ptr,
    last_idx,
    mid_own,
    end_own,
    diagonal,
    beta,
    total,
):
    for r in numba.prange(len(users)):
        u = users[r]
        score = np.zeros(len(end_scale))
        for p in range(indptr[u], indptr[u + 1]):
            a = indices[p]
            value = (weight[p] if len(weight) else 1.0) * scale[a]
            for q in range(step_ptr[a], step_ptr[a + 1]):
                score[step_idx[q]] += value
        for i in range(len(score)):
            score[i] *= end_scale[i]
        _correct(
            u, indptr, indices, weight, scale, back_ptr, back_idx, last_ptr, last_idx, mid_own, end_own, diagonal, score
        )
        for i in range(len(score)):
            total[r, i] += beta * score[i]


@numba.njit(parallel=True, cache=True)
def _three_hops(  # type: ignore[no-untyped-def]
    users,
    indptr,
    indices,
    weight,
    scale,
    step_ptr,
    step_idx,
    mid_scale,
    last_ptr,
    last_idx,
    end_scale,
    own_ptr,
    own_idx,
    own_last_ptr,
    own_last_idx,
    own_mid,
    own_end,
    diagonal,
    beta,
    threads,
    total,
):
    for t in numba.prange(threads):
        mass = np.zeros(len(mid_scale))
        touched = np.empty(len(mid_scale), np.int64)
        score = np.zeros(len(end_scale))
        for r in range(t, len(users), threads):
            u = users[r]
            count = 0
            for p in range(indptr[u], indptr[u + 1]):
                a = indices[p]
                value = (weight[p] if len(weight) else 1.0) * scale[a]
                for q in range(step_ptr[a], step_ptr[a + 1]):
                    v = step_idx[q]
                    if mass[v] == 0.0:
                        touched[count] = v
                        count += 1
                    mass[v] += value
            _in_order(mass, touched, count)
            for n in range(count):
                v = touched[n]
                flow = mass[v] * mid_scale[v]
                mass[v] = 0.0
                for q in range(last_ptr[v], last_ptr[v + 1]):
                    score[last_idx[q]] += flow
            for i in range(len(score)):
                score[i] *= end_scale[i]
            _correct(
                u,
                indptr,
                indices,
                weight,
                scale,
                own_ptr,
                own_idx,
                own_last_ptr,
                own_last_idx,
                own_mid,
                own_end,
                diagonal,
                score,
            )
            for i in range(len(score)):
                total[r, i] += beta * score[i]
                score[i] = 0.0
