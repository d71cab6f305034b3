"""The lines of a walk for many users, compiled: every sum in the order in which numpy adds for one user."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from graphrec.terms.compiled.bitset import WORD, arrive, clear, set_bits
from graphrec.terms.compiled.hops import (
    NO_HOP,
    ROUNDING,
    NextHop,
    arrival,
    ends_at,
    first_hop,
    next_hop,
    own_edges,
    returns,
    whole,
)
from graphrec.terms.ledger import Block, LineGroup

if TYPE_CHECKING:
    from graphrec.terms.walks import WalkScorer


class _Walk(NamedTuple):
    """What the lines of one walk have in common: see `WalkScorer`; number: their group."""

    number: int
    beta: float
    closes: bool
    via_user: bool
    mid_user: bool
    people: bool


@dataclass(frozen=True, eq=False)
class WalkLines:
    """The lines of some walks for many users."""

    scorers: "Sequence[WalkScorer]"
    users: NDArray[np.int32]

    @property
    def most(self) -> NDArray[np.int64]:
        """At most how many lines each user has."""
        return sum((_most_lines(one, self.users) for one in self.scorers), np.zeros(len(self.users), np.int64))

    def write(self, block: Block, scale: NDArray[np.float64], position: int) -> None:
        """Append the lines of the term at a position of the blend."""
        for place, scorer in enumerate(self.scorers):
            group = LineGroup("path", scorer.walk.hops[0], place, people=scorer.people)
            _add_walk(block, scorer, scale, block.add_group(group, position))


def _most_lines(scorer: "WalkScorer", users: NDArray[np.int32]) -> NDArray[np.int64]:
    first = scorer.first.indptr[users + 1] - scorer.first.indptr[users]
    if scorer.people or scorer.length < 3:
        return np.minimum(first, 1) if scorer.via_user else first
    origin, nodes = scorer.first.expand(users)
    second = scorer.steps[1].indptr
    return np.bincount(origin, second[nodes + 1] - second[nodes], len(users)).astype(np.int64)


def _add_walk(block: Block, scorer: "WalkScorer", scale: NDArray[np.float64], number: int) -> None:
    walk = _Walk(number, scorer.walk.beta, scorer.closes, scorer.via_user, scorer.mid_user, scorer.people)
    asked, first = block.asked(scale), first_hop(scorer)
    if scorer.length == 1:
        _direct_lines(asked, walk, first, block.out)
    elif scorer.table is not None and (scorer.people or scorer.length == 2):
        _table_lines(asked, walk, first, np.asarray(scorer.table), own_edges(scorer), block.out)
    else:
        second, last = next_hop(scorer, 1) if scorer.length == 3 else NO_HOP, scorer.back[-1]
        before = NextHop(*whole(last), scorer.scales[-1])
        num_before = len(scorer.steps[-1].indptr) - 1
        _path_lines(asked, walk, first, second, before, num_before, numba.get_num_threads(), block.out)


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


@numba.njit(cache=True)
def _append_or_sum(asked, walk, r, raw, node, summed, out):  # type: ignore[no-untyped-def]
    """Write the line of a neighbour, or add it to the one line of a walk whose neighbours are not shown."""
    if walk.via_user:
        summed += raw
    else:
        _append(asked, walk, r, raw, node, -1, out)


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


@numba.njit(cache=True)
def _through_self(own, u, products):  # type: ignore[no-untyped-def]
    """What a table holds for walks that lead through the user again, per product."""
    through = np.zeros(len(products))
    if len(own.mid_power):
        for c in range(len(products)):
            if ends_at(own, u, products[c]):
                through[c] = own.end_power[products[c]] * own.mid_power[u]
    return through


@numba.njit(parallel=True, cache=True)
def _table_lines(asked, walk, first, table, own, out):  # type: ignore[no-untyped-def]
    for r in numba.prange(len(asked.users)):
        if asked.scale[r] == 0.0:
            continue
        u, products = asked.users[r], asked.products[r, : asked.widths[r]]
        raw, summed = np.zeros(asked.products.shape[1]), np.zeros(asked.products.shape[1])
        through = _through_self(own, u, products)
        for p in range(first.indptr[u], first.indptr[u + 1]):
            a, value = arrival(first, p)
            back = returns(own, u, a)
            for c in range(len(products)):
                found = value * table[a, products[c]]
                if back:
                    left = found - value * through[c]
                    found = 0.0 if left < ROUNDING * found else left
                raw[c] = 0.0 if walk.closes and products[c] == a else found
            _append_or_sum(asked, walk, r, raw, a, summed, out)
        if walk.via_user:
            _append(asked, walk, r, summed, -1, -1, out)


@numba.njit(parallel=True, cache=True)
def _path_lines(asked, walk, first, second, before, num_before, threads, out):  # type: ignore[no-untyped-def]
    """Lines of walks of two hops (`second` is empty) or three; `before` leads back from the products."""
    most = asked.products.shape[1]
    for t in numba.prange(threads):
        bitset = np.zeros(((most + WORD - 1) // WORD, num_before), np.uint64)
        raw, summed, ends = np.zeros((3, most))
        for r in range(t, len(asked.users), threads):
            u, products = asked.users[r], asked.products[r, : asked.widths[r]]
            if asked.scale[r] == 0.0 or first.indptr[u] == first.indptr[u + 1]:
                continue
            set_bits(bitset, products, before)
            ends[: len(products)] = before.power[products]
            for p in range(first.indptr[u], first.indptr[u + 1]):
                a, value = arrival(first, p)
                raw[:] = 0.0
                if not len(second.power):
                    arrive(bitset, a, value, ends, raw)
                else:
                    for v in second.indices[second.indptr[a] : second.indptr[a + 1]]:
                        if walk.people and walk.mid_user and v == u:
                            continue
                        arrive(bitset, v, value * second.power[v], ends, raw)
                        if not walk.people:
                            _close(walk, products, a, raw)
                            _append(asked, walk, r, raw, a, v, out)
                            raw[:] = 0.0
                _close(walk, products, a, raw)
                _append_or_sum(asked, walk, r, raw, a, summed, out)
            if walk.via_user:
                _append(asked, walk, r, summed, -1, -1, out)
                summed[:] = 0.0
            clear(bitset, products, before)


@numba.njit(cache=True)
def _close(walk, products, node, raw):  # type: ignore[no-untyped-def]
    """Take out the path whose neighbour is the product itself."""
    if walk.closes:
        for c in range(len(products)):
            if products[c] == node:
                raw[c] = 0.0
