"""One walk of many users, standardised and added to their scores while a row of it is still in the processor's cache.

The sums are those of `scores.py` and `spread.py`, number by number in the same order: a total has the same bits.
"""

from typing import TYPE_CHECKING, NamedTuple, cast

import numba
import numpy as np
from numpy.typing import NDArray

from graphrec.terms.compiled.hops import (
    EMPTY,
    ROUNDING,
    arrival,
    begun,
    own_edges,
    passed,
    people_of,
    read_only,
    returns,
    threads_for,
)
from graphrec.terms.compiled.spread import leaves_of, scale_of

if TYPE_CHECKING:
    from graphrec.terms.walks import ContentScorer, PeopleScorer, WalkScorer


class Entries(NamedTuple):
    """What is not 0 in a table, row by row."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[np.float64]


def add_walk(
    scorer: "WalkScorer",
    users: NDArray[np.int32],
    weights: NDArray[np.float64],
    least: float,
    total: NDArray[np.float64],
) -> NDArray[np.float64] | None:
    """Add a walk to `total` (num_users, num_products) as `graphrec.terms.compiled.spread.add_spread` adds its scores.

    Returns:
        What each row was multiplied with (num_users,); None: the walk has no table, and nothing was added.
    """
    scales, leaves = np.zeros(len(users)), leaves_of(total.shape[1])
    beta, threads = scorer.walk.beta, threads_for(users)
    if scorer.mid_user:
        scorer = cast("PeopleScorer", scorer)
        own = own_edges(scorer, users)
        first, places = begun(scorer, users)
        people, dense, ends = people_of(scorer), scorer.dense, scorer.scales[2]
        _add_people(
            places, first, people, dense, own, ends, beta, weights, least, leaves, total, scales, threads
        )  # fmt: skip
        return scales
    if scorer.via_user:
        return None
    scorer = cast("ContentScorer", scorer)
    if scorer.entries is None:
        return None
    first, places = begun(scorer, users)
    diagonal = read_only(np.asarray(scorer.diagonal)) if scorer.closes else EMPTY
    _add_table(places, first, scorer.entries, diagonal, beta, weights, least, leaves, total, scales, threads)
    return scales


def entries_of(table: NDArray[np.float64]) -> Entries:
    """What is not 0 in a table."""
    counts = np.zeros(len(table), np.int64)
    _count(table, counts)
    indptr = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
    found = Entries(indptr, np.empty(indptr[-1], np.int32), np.empty(indptr[-1]))
    _fill(table, *found)
    return found


@numba.njit(cache=True)
def _count(table, counts):  # type: ignore[no-untyped-def]
    for a in range(len(table)):
        for i in range(table.shape[1]):
            counts[a] += table[a, i] != 0.0


@numba.njit(cache=True)
def _fill(table, indptr, indices, values):  # type: ignore[no-untyped-def]
    for a in range(len(table)):
        at = indptr[a]
        for i in range(table.shape[1]):
            if table[a, i] != 0.0:
                indices[at], values[at] = i, table[a, i]
                at += 1


@numba.njit(cache=True)
def _through(people, own, u, back, first, start, stop, i):  # type: ignore[no-untyped-def]
    """The sum that arrives at a product that the user goes on to: the table counts the user there."""
    found = 0.0
    for p in range(start, stop):
        a, value = arrival(first, p)
        begin, end = people.indptr[a], people.indptr[a + 1]
        q = begin + np.searchsorted(people.indices[begin:end], i)
        if q < end and people.indices[q] == i:
            found += value * passed(people, own, u, q, back[p - start])
    return found


@numba.njit(cache=True)
def _people_row(u, first, people, dense, own, ends, beta, row):  # type: ignore[no-untyped-def]
    """Scores of a walk through people; the user's own part is taken out where there is one."""
    start, stop = first.indptr[u], first.indptr[u + 1]
    row[:] = 0.0
    for p in range(start, stop):
        a, value = arrival(first, p)
        if len(dense):
            for i in range(len(row)):
                row[i] += value * dense[a, i]
        else:
            for q in range(people.indptr[a], people.indptr[a + 1]):
                row[people.indices[q]] += value * people.masses[q]
    back, is_back = np.zeros(stop - start, np.bool_), False
    for p in range(start, stop):
        back[p - start] = returns(own, u, first.indices[p])
        is_back = is_back or back[p - start]
    if is_back:
        for i in own.last_idx[own.last_ptr[u] : own.last_ptr[u + 1]]:
            row[i] = _through(people, own, u, back, first, start, stop, i)
    for i in range(len(row)):
        row[i] = 0.0 + beta * (row[i] * ends[i])


@numba.njit(cache=True)
def _table_row(u, first, entries, diagonal, beta, row):  # type: ignore[no-untyped-def]
    """Scores of a walk that meets nobody, without the ways that come back to where the first hop led."""
    start, stop = first.indptr[u], first.indptr[u + 1]
    row[:] = 0.0
    for p in range(start, stop):
        a, value = arrival(first, p)
        for q in range(entries.indptr[a], entries.indptr[a + 1]):
            row[entries.indices[q]] += value * entries.values[q]
    if len(diagonal):
        before = row[first.indices[start:stop]]
        for p in range(start, stop):
            a, value = arrival(first, p)
            row[a] -= value * diagonal[a]
        closed = row[first.indices[start:stop]]
        # What is only rounding becomes 0, and elsewhere what is below 0 does.
        for i in range(len(row)):
            row[i] = max(row[i], 0.0)
        for n in range(stop - start):
            row[first.indices[start + n]] = 0.0 if closed[n] < ROUNDING * before[n] else closed[n]
    for i in range(len(row)):
        row[i] = 0.0 + beta * row[i]


@numba.njit(cache=True)
def _add(row, weight, least, leaves, waiting, sums):  # type: ignore[no-untyped-def]
    scale = scale_of(row, weight, least, leaves, waiting)
    if scale != 0.0:
        for i in range(len(row)):
            sums[i] += scale * row[i]
    return scale


@numba.njit(parallel=True, cache=True)
def _add_people(  # type: ignore[no-untyped-def]
    users, first, people, dense, own, ends, beta, weights, least, leaves, total, scales, threads
):
    for t in numba.prange(threads):
        row, waiting = np.empty(total.shape[1]), np.empty(len(leaves))
        for r in range(t, len(users), threads):
            _people_row(users[r], first, people, dense, own, ends, beta, row)
            scales[r] = _add(row, weights[r], least, leaves, waiting, total[r])


@numba.njit(parallel=True, cache=True)
def _add_table(  # type: ignore[no-untyped-def]
    users, first, entries, diagonal, beta, weights, least, leaves, total, scales, threads
):
    for t in numba.prange(threads):
        row, waiting = np.empty(total.shape[1]), np.empty(len(leaves))
        for r in range(t, len(users), threads):
            _table_row(users[r], first, entries, diagonal, beta, row)
            scales[r] = _add(row, weights[r], least, leaves, waiting, total[r])
