"""The lines of a walk for many users, compiled: every sum in the order in which numpy adds for one user."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

import numba
import numpy as np
from numpy.typing import NDArray

from graphrec.terms.compiled.bitset import WORD, arrive, clear, set_bits
from graphrec.terms.compiled.hops import (
    NO_HOP,
    NextHop,
    arrival,
    begun,
    next_hop,
    own_edges,
    passed,
    people_of,
    returns,
    threads_for,
    whole,
)
from graphrec.terms.ledger import Block, Counts, LineGroup

if TYPE_CHECKING:
    from graphrec.terms.walks import ContentScorer, PeopleScorer, WalkScorer


#: A row of so many entries for every product that is asked for is read whole; of a longer one they are looked up.
SHORT = 16


class _Walk(NamedTuple):
    """What the lines of one walk have in common: see `WalkScorer`; number: their group."""

    number: int
    beta: float
    closes: bool


@dataclass(frozen=True, eq=False)
class WalkLines:
    """The lines of some walks for many users."""

    scorers: "Sequence[WalkScorer]"
    users: NDArray[np.int32]

    def most(self, known: Counts) -> NDArray[np.int64]:
        """At most how many lines each user has."""
        return sum((_most_lines(one, self.users, known) for one in self.scorers), np.zeros(len(self.users), np.int64))

    def write(self, block: Block, scale: NDArray[np.float64], position: int) -> None:
        """Append the lines of the term at a position of the blend."""
        for place, scorer in enumerate(self.scorers):
            group = LineGroup("path", scorer.walk.hops[0], place, people=scorer.people)
            _add_walk(block, scorer, scale, block.add_group(group, position))


def _most_lines(scorer: "WalkScorer", users: NDArray[np.int32], known: Counts) -> NDArray[np.int64]:
    """One line for each first hop, or for each second one; walks that begin alike have as many."""
    first = scorer.first
    second = None if scorer.people or scorer.length < 3 else scorer.graph.hops[scorer.walk.hops[1]]
    key: tuple[object, ...] = (first,) if second is None else (first, second)
    found = known.get(key)
    if found is None:
        if second is not None:
            origin, nodes = first.expand(users)
            edges = second.indptr[nodes + 1] - second.indptr[nodes]
            found = np.bincount(origin, edges, len(users)).astype(np.int64)
        elif first.is_alone:
            found = first.degrees_of(users)
        else:
            found = first.indptr[users + 1] - first.indptr[users]
        known[key] = found = np.asarray(found)
    return found


def _add_walk(block: Block, scorer: "WalkScorer", scale: NDArray[np.float64], number: int) -> None:
    walk = _Walk(number, scorer.walk.beta, scorer.closes)
    first, users = begun(scorer, block.users)
    asked, threads = block.asked(scale)._replace(users=users), threads_for(users)
    if scorer.mid_user:
        scorer = cast("PeopleScorer", scorer)
        own = own_edges(scorer, block.users)
        people, ends = people_of(scorer), scorer.scales[2]
        _people_lines(asked, walk, first, people, scorer.dense, own, ends, threads, block.out)
        return
    assert not scorer.via_user, "walks that begin with people are not compiled"
    scorer = cast("ContentScorer", scorer)
    if scorer.length == 1:
        _direct_lines(asked, walk, first, block.out)
    elif scorer.length == 2 and scorer.entries is not None:
        _table_lines(asked, walk, first, scorer.entries, scorer.num_products, threads, block.out)
    else:
        second, last = next_hop(scorer, 1) if scorer.length == 3 else NO_HOP, scorer.back[-1]
        before = NextHop(*whole(last), scorer.scales[-1])
        _path_lines(asked, walk, first, second, before, scorer.steps[-1].num_rows, threads, block.out)


@numba.njit(cache=True)
def _append(asked, walk, r, raw, node, between, out):  # type: ignore[no-untyped-def]
    """Write a line of user r unless it is 0 everywhere."""
    width = asked.widths[r]
    used = False
    for c in range(width):
        used = used or raw[c] != 0.0
    if not used:
        return
    at = out.filled[r]
    for c in range(width):
        out.values[at, c] = asked.scale[r] * (walk.beta * raw[c])
    out.via[at], out.mid[at], out.group[at] = node, between, walk.number
    out.filled[r] = at + 1


@numba.njit(parallel=True, cache=True)
def _direct_lines(asked, walk, first, out):  # type: ignore[no-untyped-def]
    for r in numba.prange(len(asked.users)):
        if asked.scale[r] == 0.0:
            continue
        u = asked.users[r]
        raw = np.zeros(asked.products.shape[1])
        for p in range(first.indptr[u], first.indptr[u + 1]):
            a, value = arrival(first, p)
            for c in range(asked.widths[r]):
                raw[c] = value if asked.products[r, c] == a else 0.0
            _append(asked, walk, r, raw, a, -1, out)


@numba.njit(parallel=True, cache=True)
def _table_lines(asked, walk, first, entries, num_products, threads, out):  # type: ignore[no-untyped-def]
    for t in numba.prange(threads):
        # The column of every product, -1 for those that are not asked for.
        column, raw = np.full(num_products, -1, np.int64), np.zeros(asked.products.shape[1])
        for r in range(t, len(asked.users), threads):
            u, products = asked.users[r], asked.products[r, : asked.widths[r]]
            if asked.scale[r] == 0.0 or first.indptr[u] == first.indptr[u + 1]:
                continue
            for c in range(len(products)):
                column[products[c]] = c
            for p in range(first.indptr[u], first.indptr[u + 1]):
                a, value = arrival(first, p)
                raw[:] = 0.0
                for q in range(entries.indptr[a], entries.indptr[a + 1]):
                    c = column[entries.indices[q]]
                    if c >= 0:
                        raw[c] = value * entries.values[q]
                if walk.closes and column[a] >= 0:
                    raw[column[a]] = 0.0
                _append(asked, walk, r, raw, a, -1, out)
            column[products] = -1


@numba.njit(parallel=True, cache=True)
def _people_lines(asked, walk, first, people, dense, own, ends, threads, out):  # type: ignore[no-untyped-def]
    for t in numba.prange(threads):
        # The column of every product, -1 for those that are not asked for.
        column = np.full(len(ends), -1, np.int64)
        most = asked.products.shape[1]
        raw, is_own, nobody = np.zeros(most), np.zeros(most, np.bool_), np.zeros(most, np.bool_)
        for r in range(t, len(asked.users), threads):
            u, products = asked.users[r], asked.products[r, : asked.widths[r]]
            if asked.scale[r] == 0.0 or first.indptr[u] == first.indptr[u + 1]:
                continue
            for c in range(len(products)):
                column[products[c]] = c
                is_own[c] = False
            for i in own.last_idx[own.last_ptr[u] : own.last_ptr[u + 1]]:
                if column[i] >= 0:
                    is_own[column[i]] = True
            for p in range(first.indptr[u], first.indptr[u + 1]):
                a, value = arrival(first, p)
                back = is_own if returns(own, u, a) else nobody
                if len(dense):
                    _through_dense(people, dense, own, u, a, value, products, back, ends, raw)
                else:
                    _through(people, own, u, a, value, products, column, back, ends, raw)
                _append(asked, walk, r, raw, a, -1, out)
            column[products] = -1


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


@numba.njit(parallel=True, cache=True)
def _path_lines(asked, walk, first, second, before, num_before, threads, out):  # type: ignore[no-untyped-def]
    """Lines of walks of two hops (`second` is empty) or three; `before` leads back from the products."""
    most = asked.products.shape[1]
    for t in numba.prange(threads):
        bitset = np.zeros(((most + WORD - 1) // WORD, num_before), np.uint64)
        raw, ends = np.zeros((2, most))
        for r in range(t, len(asked.users), threads):
            u, products = asked.users[r], asked.products[r, : asked.widths[r]]
            if asked.scale[r] == 0.0 or first.indptr[u] == first.indptr[u + 1]:
                continue
            set_bits(bitset, products, before)
            ends[: len(products)] = before.power[products]
            for p in range(first.indptr[u], first.indptr[u + 1]):
                a, value = arrival(first, p)
                if not len(second.power):
                    _line(asked, walk, r, (bitset, a, value, a, -1), ends, raw, out)
                    continue
                for v in second.indices[second.indptr[a] : second.indptr[a + 1]]:
                    _line(asked, walk, r, (bitset, v, value * second.power[v], a, v), ends, raw, out)
            clear(bitset, products, before)


@numba.njit(cache=True)
def _line(asked, walk, r, step, ends, raw, out):  # type: ignore[no-untyped-def]
    """Write the line of a path; step: bitset, the node before the product, what arrives there, neighbour, middle."""
    bitset, node, flow, a, mid = step
    raw[:] = 0.0
    arrive(bitset, node, flow, ends, raw)
    _close(walk, asked.products[r, : asked.widths[r]], a, raw)
    _append(asked, walk, r, raw, a, mid, out)


@numba.njit(cache=True)
def _close(walk, products, node, raw):  # type: ignore[no-untyped-def]
    """Take out the path whose neighbour is the product itself."""
    if walk.closes:
        for c in range(len(products)):
            if products[c] == node:
                raw[c] = 0.0
