"""The lines of walks for many users, compiled: every sum in the order in which numpy adds for one user."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from graphrec.terms.compiled.bitset import WORD, arrive, clear, set_bits
from graphrec.terms.compiled.hops import arrival, passed, returns, threads_for
from graphrec.terms.compiled.joined import (
    BEFORE,
    CLOSES,
    DIRECT,
    ENDS,
    HAS_TABLE,
    KIND,
    LAST,
    PEOPLE,
    SECOND,
    Joined,
    dense_of,
    first_of,
    later_of,
    numbers,
    own_of,
    row_in,
    table_of,
)
from graphrec.terms.ledger import Block, LineGroup

if TYPE_CHECKING:
    from graphrec.terms.base import Term

#: A row of so many entries for every product that is asked for is read whole; of a longer one they are looked up.
SHORT = 16


class Room(NamedTuple):
    """Where a thread works: the column of every product (-1: it is not asked for), and a place for each column."""

    column: NDArray[np.int64]
    raw: NDArray[np.float64]
    ends: NDArray[np.float64]
    is_own: NDArray[np.bool_]
    nobody: NDArray[np.bool_]
    bitset: NDArray[np.uint64]


class WalkLines:
    """The lines of all walks of some terms, one after another.

    Args:
        first: the position of the first term in the blend; the others follow.
    """

    def __init__(self, terms: "Sequence[Term]", first: int) -> None:
        self._joined = Joined([scorer for term in terms for scorer in term.scorers])
        self._terms = np.repeat(np.arange(first, first + len(terms)), [len(term.scorers) for term in terms])
        self._groups = tuple(
            LineGroup("path", scorer.walk.hops[0], place, people=scorer.people)
            for term in terms
            for place, scorer in enumerate(term.scorers)
        )

    def most(self, users: NDArray[np.int32], scales: NDArray[np.float64]) -> NDArray[np.int64]:
        """At most how many lines each user has.

        Args:
            scales: (num_users, num_terms) of all terms of the blend.
        """
        found, held = np.zeros(len(users), np.int64), self._joined.held(users)
        _count(users, held.walks, self._terms, scales, found)
        return found

    def write(self, block: Block, scales: NDArray[np.float64]) -> None:
        """Append the lines to the regions of a block."""
        held, number = self._joined.held(block.users), block.add_groups(self._groups, self._terms.tolist())
        asked = block.users, block.products, block.widths
        _write(asked, held.walks, self._terms, scales, number, threads_for(block.users), block.out)


@numba.njit(cache=True)
def _count(users, walks, terms, scales, found):  # type: ignore[no-untyped-def]
    """One line for each first hop, or for each second one."""
    for n in range(len(walks.beta)):
        first, second = first_of(walks, n), later_of(walks, n, SECOND)
        for r in range(len(users)):
            u = row_in(walks, n, users[r])
            if scales[r, terms[n]] == 0.0:
                continue
            if not len(second.power):
                found[r] += first.indptr[u + 1] - first.indptr[u]
                continue
            for a in first.indices[first.indptr[u] : first.indptr[u + 1]]:
                found[r] += second.indptr[a + 1] - second.indptr[a]


@numba.njit(parallel=True, cache=True)
def _write(asked, walks, terms, scales, number, threads, out):  # type: ignore[no-untyped-def]
    users, wanted, widths = asked
    for t in numba.prange(threads):
        room = _room(walks, wanted.shape[1])
        for r in range(t, len(users), threads):
            _lines_of(r, users[r], wanted[r, : widths[r]], walks, terms, scales, number, room, out)


@numba.njit(cache=True)
def _lines_of(r, user, products, walks, terms, scales, number, room, out):  # type: ignore[no-untyped-def]
    """Write the lines of user r."""
    for c in range(len(products)):
        room.column[products[c]] = c
    for n in range(len(walks.beta)):
        if scales[r, terms[n]] != 0.0:
            _lines(r, row_in(walks, n, user), products, walks, n, scales[r, terms[n]], number, room, out)
    room.column[products] = -1


@numba.njit(cache=True)
def _room(walks, most):  # type: ignore[no-untyped-def]
    """Room for the lines of some walks, of at most so many products a user."""
    num_products = num_before = 0
    for n in range(len(walks.beta)):
        num_products = max(num_products, walks.arrays[n, ENDS, 1])
        num_before = max(num_before, walks.traits[n, BEFORE])
    flags, bitset = np.zeros((2, most), np.bool_), np.zeros(((most + WORD - 1) // WORD, num_before), np.uint64)
    return Room(np.full(num_products, -1, np.int64), np.zeros(most), np.zeros(most), flags[0], flags[1], bitset)


@numba.njit(cache=True)
def _lines(r, u, products, walks, n, scale, number, room, out):  # type: ignore[no-untyped-def]
    """Write the lines of one walk of user r, whose row in it is u."""
    first, line = first_of(walks, n), (scale, walks.beta[n], number + n)
    if first.indptr[u] == first.indptr[u + 1]:
        return
    if walks.traits[n, KIND] == PEOPLE:
        _people_lines(r, u, products, walks, n, first, line, room, out)
    elif walks.traits[n, KIND] == DIRECT:
        _direct_lines(r, u, products, first, line, room, out)
    elif walks.traits[n, HAS_TABLE] and not walks.arrays[n, SECOND, 1]:
        _table_lines(r, u, products, first, table_of(walks, n), walks.traits[n, CLOSES], line, room, out)
    else:
        second, before = later_of(walks, n, SECOND), later_of(walks, n, LAST)
        _path_lines(r, u, products, first, second, before, walks.traits[n, CLOSES], line, room, out)


@numba.njit(cache=True)
def _append(r, line, raw, node, between, out):  # type: ignore[no-untyped-def]
    """Write a line of user r unless it is 0 everywhere; line: scale, weight of the walk, number of its group."""
    used = False
    for c in range(len(raw)):
        used = used or raw[c] != 0.0
    if not used:
        return
    at, (scale, beta, number) = out.filled[r], line
    for c in range(len(raw)):
        out.values[at, c] = scale * (beta * raw[c])
    out.via[at], out.mid[at], out.group[at] = node, between, number
    out.filled[r] = at + 1


@numba.njit(cache=True)
def _direct_lines(r, u, products, first, line, room, out):  # type: ignore[no-untyped-def]
    raw = room.raw[: len(products)]
    for p in range(first.indptr[u], first.indptr[u + 1]):
        a, value = arrival(first, p)
        for c in range(len(products)):
            raw[c] = value if products[c] == a else 0.0
        _append(r, line, raw, a, -1, out)


@numba.njit(cache=True)
def _table_lines(r, u, products, first, table, closes, line, room, out):  # type: ignore[no-untyped-def]
    raw, column = room.raw[: len(products)], room.column
    for p in range(first.indptr[u], first.indptr[u + 1]):
        a, value = arrival(first, p)
        raw[:] = 0.0
        for q in range(table.indptr[a], table.indptr[a + 1]):
            c = column[table.indices[q]]
            if c >= 0:
                raw[c] = value * table.masses[q]
        if closes and column[a] >= 0:
            raw[column[a]] = 0.0
        _append(r, line, raw, a, -1, out)


@numba.njit(cache=True)
def _people_lines(r, u, products, walks, n, first, line, room, out):  # type: ignore[no-untyped-def]
    raw, is_own, column = room.raw[: len(products)], room.is_own, room.column
    people, own, ends = table_of(walks, n), own_of(walks, n), numbers(walks, n, ENDS)
    dense = dense_of(walks, n, len(ends))
    is_own[: len(products)] = False
    for i in own.last_idx[own.last_ptr[u] : own.last_ptr[u + 1]]:
        if column[i] >= 0:
            is_own[column[i]] = True
    for p in range(first.indptr[u], first.indptr[u + 1]):
        a, value = arrival(first, p)
        back = is_own if returns(own, u, a) else room.nobody
        if len(dense):
            _through_dense(people, dense, own, u, a, value, products, back, ends, raw)
        else:
            _through(people, own, u, a, value, products, column, back, ends, raw)
        _append(r, line, raw, a, -1, out)


@numba.njit(cache=True)
def _through_dense(people, dense, own, u, a, value, products, is_own, ends, raw):  # type: ignore[no-untyped-def]
    """`_through` where the table is a whole matrix too."""
    for c in range(len(products)):
        raw[c] = value * dense[a, products[c]] * ends[products[c]]
    start, stop = people.indptr[a], people.indptr[a + 1]
    row = people.indices[start:stop]
    for c in range(len(products)):
        if is_own[c]:
            q = start + np.searchsorted(row, products[c])
            if q < stop and people.indices[q] == products[c]:
                raw[c] = value * passed(people, own, u, q, True) * ends[products[c]]


@numba.njit(cache=True)
def _through(people, own, u, a, value, products, column, is_own, ends, raw):  # type: ignore[no-untyped-def]
    """What arrives at each product through the people behind a neighbour; the user is one of them where `is_own`."""
    raw[:] = 0.0
    start, stop = people.indptr[a], people.indptr[a + 1]
    if stop - start < SHORT * len(products):
        for q in range(start, stop):
            i = people.indices[q]
            c = column[i]
            if c >= 0:
                raw[c] = value * passed(people, own, u, q, is_own[c]) * ends[i]
        return
    row = people.indices[start:stop]
    for c in range(len(products)):
        q = start + np.searchsorted(row, products[c])
        if q < stop and people.indices[q] == products[c]:
            raw[c] = value * passed(people, own, u, q, is_own[c]) * ends[products[c]]


@numba.njit(cache=True)
def _path_lines(r, u, products, first, second, before, closes, line, room, out):  # type: ignore[no-untyped-def]
    """Lines of walks of two hops (`second` is empty) or three; `before` leads back from the products."""
    bitset, raw, ends = room.bitset, room.raw[: len(products)], room.ends
    set_bits(bitset, products, before)
    ends[: len(products)] = before.power[products]
    for p in range(first.indptr[u], first.indptr[u + 1]):
        a, value = arrival(first, p)
        if not len(second.power):
            raw[:] = 0.0
            arrive(bitset, a, value, ends, raw)
            _close(closes, products, a, raw)
            _append(r, line, raw, a, -1, out)
            continue
        for v in second.indices[second.indptr[a] : second.indptr[a + 1]]:
            raw[:] = 0.0
            arrive(bitset, v, value * second.power[v], ends, raw)
            _close(closes, products, a, raw)
            _append(r, line, raw, a, v, out)
    clear(bitset, products, before)


@numba.njit(cache=True)
def _close(closes, products, node, raw):  # type: ignore[no-untyped-def]
    """Take out the path whose neighbour is the product itself."""
    if closes:
        for c in range(len(products)):
            if products[c] == node:
                raw[c] = 0.0
