"""Walks of many users, standardised and added to their scores while a row of them is still in the processor's cache.

The sums are those of `scores.py` and `spread.py`, number by number in the same order: a total has the same bits.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from graphrec.terms.compiled.hops import ROUNDING, arrival, passed, returns, threads_for
from graphrec.terms.compiled.joined import (
    CLOSES,
    DIAGONAL,
    DIRECT,
    ENDS,
    KIND,
    PEOPLE,
    Joined,
    dense_of,
    first_of,
    numbers,
    own_of,
    row_in,
    table_of,
)
from graphrec.terms.compiled.spread import leaves_of, scale_of

if TYPE_CHECKING:
    from graphrec.terms.base import Term


class Entries(NamedTuple):
    """What is not 0 in a table, row by row."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[np.float64]


class Added:
    """The scores of some terms, each one walk that has a table or one hop, added one after another.

    Args:
        weights: of the terms.
    """

    def __init__(self, terms: "Sequence[Term]", weights: Sequence[float]) -> None:
        self._joined = Joined([term.scorers[0] for term in terms])
        self._weights = np.array(weights)
        # What age leaves of a user's edges is asked of the others for nothing.
        self._fading = [
            (n, term)
            for n, term in enumerate(terms)
            if any(term.graph.hops[hop].faded is not None for hop in term.first_hops)
        ]

    def add(self, users: NDArray[np.int32], least: float, total: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add them to `total` (num_users, num_products) as `graphrec.terms.compiled.spread.add_spread` adds scores.

        Returns:
            What each row was multiplied with (num_users, num_terms).
        """
        weights, held = np.tile(self._weights, (len(users), 1)), self._joined.held(users)
        for n, term in self._fading:
            weights[:, n] *= term.lefts(users)
        scales = np.zeros(weights.shape)
        _add_walks(users, held.walks, weights, least, leaves_of(total.shape[1]), total, scales, threads_for(users))
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
def _direct_row(u, first, beta, row):  # type: ignore[no-untyped-def]
    """Scores of a walk of one hop."""
    row[:] = 0.0
    for p in range(first.indptr[u], first.indptr[u + 1]):
        a, value = arrival(first, p)
        row[a] += beta * value


@numba.njit(cache=True)
def _table_row(u, first, entries, diagonal, closes, beta, row):  # type: ignore[no-untyped-def]
    """Scores of a walk that meets nobody, without the ways that come back to where the first hop led."""
    start, stop = first.indptr[u], first.indptr[u + 1]
    row[:] = 0.0
    for p in range(start, stop):
        a, value = arrival(first, p)
        for q in range(entries.indptr[a], entries.indptr[a + 1]):
            row[entries.indices[q]] += value * entries.masses[q]
    if closes:
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
def _add_walks(users, walks, weights, least, leaves, total, scales, threads):  # type: ignore[no-untyped-def]
    num_products = total.shape[1]
    for t in numba.prange(threads):
        row, waiting = np.empty(num_products), np.empty(len(leaves))
        for n in range(len(walks.beta)):
            kind, beta, first = walks.traits[n, KIND], walks.beta[n], first_of(walks, n)
            table, own, dense = table_of(walks, n), own_of(walks, n), dense_of(walks, n, num_products)
            ends, diagonal, closes = numbers(walks, n, ENDS), numbers(walks, n, DIAGONAL), walks.traits[n, CLOSES]
            for r in range(t, len(users), threads):
                u = row_in(walks, n, users[r])
                if kind == PEOPLE:
                    _people_row(u, first, table, dense, own, ends, beta, row)
                elif kind == DIRECT:
                    _direct_row(u, first, beta, row)
                else:
                    _table_row(u, first, table, diagonal, closes, beta, row)
                scales[r, n] = _add(row, weights[r, n], least, leaves, waiting, total[r])
