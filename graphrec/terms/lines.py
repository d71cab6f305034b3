"""Ledgers of many users at once, compiled: the lines of `Blend.ledger` in the same order and with the same bits.

Every sum here runs in the order in which numpy adds for one user; only the sums of factors run in any order, which is
no difference where `exact_rows` made them exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numba
import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Adjacency
from graphrec.terms.base import LineGroup, Shares
from graphrec.terms.batch import EMPTY, ROUNDING, contains, first_hop, own_arrays
from graphrec.terms.blend import Blend, Ledger
from graphrec.terms.factors import FactorTerm, Neighbours
from graphrec.terms.walks import WalkScorer, WalkTerm

#: Products that one word of marks tells apart.
WORD = 64
#: Every six bits in a row of this number are different, so that they tell the place of a single bit multiplied with it.
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_PLACE_OF_BIT = np.zeros(WORD, np.int64)
_PLACE_OF_BIT[[(0x03F79D71B4CB0A89 << place) % 2**64 >> 58 for place in range(WORD)]] = np.arange(WORD)


@dataclass(frozen=True, eq=False)
class _Block:
    """The lines of several users, each in a region of its own that the compiled loops fill from its start.

    Shapes: products (num_users, width) padded with -1, widths and filled (num_users,); the rest (num_lines, ...).
    """

    users: NDArray[np.int32]
    products: NDArray[np.int32]
    widths: NDArray[np.int64]
    starts: NDArray[np.int64]
    filled: NDArray[np.int64]
    values: NDArray[np.float64]
    via: NDArray[np.int32]
    mid: NDArray[np.int32]
    group: NDArray[np.int16]
    groups: list[LineGroup] = field(default_factory=list)
    terms: list[int] = field(default_factory=list)
    """The term of each group."""

    @property
    def arrays(self) -> tuple[NDArray[np.int64], ...]:
        """What a compiled loop writes lines to."""
        return self.filled, self.values, self.via, self.mid, self.group  # type: ignore[return-value]

    def add_group(self, group: LineGroup, term: int) -> int:
        """The number of a new group of lines."""
        self.groups.append(group)
        self.terms.append(term)
        return len(self.groups) - 1

    def ledger(self, place: int) -> Ledger:
        """The lines of one user."""
        span = slice(int(self.starts[place]), int(self.filled[place]))
        group = self.group[span].copy()
        values = np.ascontiguousarray(self.values[span, : self.widths[place]])
        terms = np.array(self.terms, np.int16)[group] if self.terms else np.zeros(0, np.int16)
        return Ledger(terms, tuple(self.groups), group, self.via[span].copy(), self.mid[span].copy(), values)


def ledgers(
    blend: Blend, users: NDArray[np.int32], products: Sequence[NDArray[np.int32]], scales: NDArray[np.float64]
) -> list[Ledger]:
    """Every line of some products of each user: `blend.ledger(users[r], products[r], scales[r])` for every r.

    Shapes: users (num_users,), scales (num_users, num_terms).
    """
    other = {
        position: [term.shares(int(user), wanted) for user, wanted in zip(users, products, strict=True)]
        for position, term in enumerate(blend.terms)
        if not isinstance(term, WalkTerm | FactorTerm)
    }
    block = _empty_block(blend, users, products, scales, other)
    for position, term in enumerate(blend.terms):
        scale = np.ascontiguousarray(scales[:, position])
        if isinstance(term, WalkTerm):
            for walk, scorer in enumerate(term.scorers):
                group = LineGroup("path", scorer.walk.hops[0], walk, people=scorer.people)
                _add_walk(block, scorer, scale, block.add_group(group, position))
        elif isinstance(term, FactorTerm):
            _add_factors(block, term, scale, position)
        else:
            _add_shares(block, other[position], scale, position)
    return [block.ledger(place) for place in range(len(users))]


def _empty_block(
    blend: Blend,
    users: NDArray[np.int32],
    products: Sequence[NDArray[np.int32]],
    scales: NDArray[np.float64],
    other: dict[int, list[Shares]],
) -> _Block:
    most = np.zeros(len(users), np.int64)
    for position, term in enumerate(blend.terms):
        if isinstance(term, WalkTerm):
            counts = sum((_most_lines(scorer, users) for scorer in term.scorers), np.zeros(len(users), np.int64))
        elif isinstance(term, FactorTerm):
            rows = [_neighbours(term, source, users)[1] for source in term.neighbours]
            counts = len(term.parts()) * sum((np.diff(indptr) for indptr in rows), np.zeros(len(users), np.int64))
        else:
            counts = np.array([len(shares.via) for shares in other[position]], np.int64)
        most += np.where(scales[:, position] != 0, counts, 0)
    starts = np.concatenate(([0], np.cumsum(most)))
    widths = np.array([len(wanted) for wanted in products], np.int64)
    padded = np.full((len(users), int(widths.max(initial=0))), -1, np.int32)
    for place, wanted in enumerate(products):
        padded[place, : len(wanted)] = wanted
    size = int(starts[-1])
    return _Block(
        users,
        padded,
        widths,
        starts[:-1],
        starts[:-1].copy(),
        np.empty((size, padded.shape[1])),
        np.empty(size, np.int32),
        np.empty(size, np.int32),
        np.empty(size, np.int16),
    )


def _most_lines(scorer: WalkScorer, users: NDArray[np.int32]) -> NDArray[np.int64]:
    """At most how many lines a walk has for each user."""
    first = scorer.first.indptr[users + 1] - scorer.first.indptr[users]
    if scorer.people or scorer.length < 3:
        return np.minimum(first, 1) if scorer.via_user else first
    origin, nodes = scorer.first.expand(users)
    second = scorer.steps[1].indptr
    return np.bincount(origin, second[nodes + 1] - second[nodes], len(users)).astype(np.int64)


def _add_walk(block: _Block, scorer: WalkScorer, scale: NDArray[np.float64], group: int) -> None:
    common = (block.users, block.products, block.widths, *first_hop(scorer), scale, scorer.walk.beta, group)
    modes = (scorer.closes, scorer.via_user)
    if scorer.length == 1:
        _direct_lines(*common, *block.arrays)
    elif scorer.table is not None and (scorer.people or scorer.length == 2):
        _table_lines(*common, scorer.table, *own_arrays(scorer), *modes, *block.arrays)
    else:
        second, last = scorer.steps[1], scorer.back[-1]
        mids = (second.indptr, second.indices, scorer.scales[1]) if scorer.length == 3 else _NO_STEP
        ends = (last.indptr, last.indices, scorer.scales[-1])
        _path_lines(
            *common,
            *mids,
            *ends,
            len(scorer.steps[-1].indptr) - 1,
            scorer.mid_user,
            scorer.people,
            *modes,
            numba.get_num_threads(),
            *block.arrays,
        )


_NO_STEP = (np.zeros(0, np.int64), np.zeros(0, np.int32), EMPTY)


def _add_factors(block: _Block, term: FactorTerm, scale: NDArray[np.float64], position: int) -> None:
    for source in term.neighbours:
        rows, indptr = _neighbours(term, source, block.users)
        assert isinstance(source.left, np.ndarray), "factors are dense"
        for part, span in term.parts():
            group = block.add_group(source.group(term.graph, part), position)
            start, stop, _ = span.indices(term.right.shape[1])
            _factor_lines(
                block.products,
                block.widths,
                rows,
                indptr,
                source.hop is not None,
                source.left,
                term.right,
                start,
                stop,
                scale,
                group,
                *block.arrays,
            )


def _neighbours(
    term: FactorTerm, source: Neighbours, users: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The rows of `left` of every user, one after another, and where those of each begin (num_users + 1,)."""
    if source.hop is None:
        rows = users if source.own else np.zeros(len(users), np.int32)
        return rows, np.arange(len(users) + 1)
    adjacency: Adjacency = term.graph.hops[source.hop]
    counts = adjacency.indptr[users + 1] - adjacency.indptr[users]
    return adjacency.expand(users)[1], np.concatenate(([0], np.cumsum(counts)))


def _add_shares(block: _Block, found: Sequence[Shares], scale: NDArray[np.float64], position: int) -> None:
    numbers: dict[LineGroup, int] = {}
    for place, shares in enumerate(found):
        if not scale[place]:
            continue
        for group in shares.groups:
            if group not in numbers:
                numbers[group] = block.add_group(group, position)
        here = [numbers[group] for group in shares.groups]
        span = slice(int(block.filled[place]), int(block.filled[place]) + len(shares.via))
        block.values[span, : block.widths[place]] = scale[place] * shares.values
        block.via[span], block.mid[span] = shares.via, shares.mid
        block.group[span] = np.array(here, np.int16)[shares.group] if here else 0
        block.filled[place] = span.stop


@numba.njit(cache=True)
def _append(r, width, raw, factor, scale, node, between, number, filled, values, via, mid, group):  # type: ignore[no-untyped-def]
    """Write a line of user r unless it is 0 everywhere."""
    used = False
    for c in range(width):
        used = used or raw[c] != 0.0
    if not used:
        return
    at = filled[r]
    for c in range(width):
        values[at, c] = scale * (factor * raw[c])
    via[at], mid[at], group[at] = node, between, number
    filled[r] = at + 1


@numba.njit(parallel=True, cache=True)
def _direct_lines(  # type: ignore[no-untyped-def]
    users, products, widths, indptr, indices, weight, hop_scale, scale, beta, number, filled, values, via, mid, group
):
    for r in numba.prange(len(users)):
        if scale[r] == 0.0:
            continue
        raw = np.zeros(products.shape[1])
        for p in range(indptr[users[r]], indptr[users[r] + 1]):
            a = indices[p]
            value = (weight[p] if len(weight) else 1.0) * hop_scale[a]
            for c in range(widths[r]):
                raw[c] = value if products[r, c] == a else 0.0
            _append(r, widths[r], raw, beta, scale[r], a, -1, number, filled, values, via, mid, group)


@numba.njit(cache=True)
def _through_self(u, products, last_ptr, last_idx, mid_scale, end_scale):  # type: ignore[no-untyped-def]
    """What a table holds for walks that lead through the user again, per product."""
    through = np.zeros(len(products))
    if len(mid_scale):
        for c in range(len(products)):
            if contains(last_idx[last_ptr[u] : last_ptr[u + 1]], products[c]):
                through[c] = end_scale[products[c]] * mid_scale[u]
    return through


@numba.njit(parallel=True, cache=True)
def _table_lines(  # type: ignore[no-untyped-def]
    users,
    products,
    widths,
    indptr,
    indices,
    weight,
    hop_scale,
    scale,
    beta,
    number,
    table,
    back_ptr,
    back_idx,
    last_ptr,
    last_idx,
    mid_scale,
    end_scale,
    closes,
    via_user,
    filled,
    values,
    via,
    mid,
    group,
):
    for r in numba.prange(len(users)):
        if scale[r] == 0.0:
            continue
        u, width = users[r], widths[r]
        raw, summed = np.zeros(products.shape[1]), np.zeros(products.shape[1])
        through = _through_self(u, products[r, :width], last_ptr, last_idx, mid_scale, end_scale)
        for p in range(indptr[u], indptr[u + 1]):
            a = indices[p]
            value = (weight[p] if len(weight) else 1.0) * hop_scale[a]
            own = len(mid_scale) > 0 and contains(back_idx[back_ptr[u] : back_ptr[u + 1]], a)
            for c in range(width):
                i = products[r, c]
                found = value * table[a, i]
                if own:
                    left = found - value * through[c]
                    found = 0.0 if left < ROUNDING * found else left
                raw[c] = 0.0 if closes and i == a else found
            if via_user:
                summed += raw
            else:
                _append(r, width, raw, beta, scale[r], a, -1, number, filled, values, via, mid, group)
        if via_user:
            _append(r, width, summed, beta, scale[r], -1, -1, number, filled, values, via, mid, group)


@numba.njit(cache=True)
def _mark(marks, products, end_ptr, end_idx):  # type: ignore[no-untyped-def]
    """Set the bit of every product at the nodes before it."""
    for c in range(len(products)):
        word, bit, i = marks[c // WORD], np.uint64(1) << np.uint64(c % WORD), products[c]
        for q in range(end_ptr[i], end_ptr[i + 1]):
            word[end_idx[q]] |= bit


@numba.njit(cache=True)
def _clear(marks, products, end_ptr, end_idx):  # type: ignore[no-untyped-def]
    """Clear all bits: one after another where they are few, else the whole array at once."""
    count = 0
    for i in products:
        count += end_ptr[i + 1] - end_ptr[i]
    if count > marks.shape[1] // 8:
        marks[:] = 0
        return
    for c in range(len(products)):
        for q in range(end_ptr[products[c]], end_ptr[products[c] + 1]):
            marks[c // WORD, end_idx[q]] = 0


@numba.njit(parallel=True, cache=True)
def _path_lines(  # type: ignore[no-untyped-def]
    users,
    products,
    widths,
    indptr,
    indices,
    weight,
    hop_scale,
    scale,
    beta,
    number,
    step_ptr,
    step_idx,
    mid_scale,
    end_ptr,
    end_idx,
    end_scale,
    num_before,
    mid_user,
    people,
    closes,
    via_user,
    threads,
    filled,
    values,
    via,
    mid,
    group,
):
    num_words = (products.shape[1] + WORD - 1) // WORD
    for t in numba.prange(threads):
        marks = np.zeros((num_words, num_before), np.uint64)
        raw, summed, ends = np.zeros((3, products.shape[1]))
        for r in range(t, len(users), threads):
            u, width = users[r], widths[r]
            if scale[r] == 0.0 or indptr[u] == indptr[u + 1]:
                continue
            _mark(marks, products[r, :width], end_ptr, end_idx)
            ends[:width] = end_scale[products[r, :width]]
            for p in range(indptr[u], indptr[u + 1]):
                a = indices[p]
                value = (weight[p] if len(weight) else 1.0) * hop_scale[a]
                raw[:] = 0.0
                if not len(mid_scale):
                    _arrive(marks, a, value, ends, raw)
                elif people:
                    avoid = u if mid_user else -1
                    _arrive_through(marks, step_idx[step_ptr[a] : step_ptr[a + 1]], avoid, value, mid_scale, ends, raw)
                else:
                    for v in step_idx[step_ptr[a] : step_ptr[a + 1]]:
                        _arrive(marks, v, value * mid_scale[v], ends, raw)
                        _close(closes, products[r], width, a, raw)
                        _append(r, width, raw, beta, scale[r], a, v, number, filled, values, via, mid, group)
                        raw[:] = 0.0
                _close(closes, products[r], width, a, raw)
                if via_user:
                    summed += raw
                else:
                    _append(r, width, raw, beta, scale[r], a, -1, number, filled, values, via, mid, group)
            if via_user:
                _append(r, width, summed, beta, scale[r], -1, -1, number, filled, values, via, mid, group)
                summed[:] = 0.0
            _clear(marks, products[r, :width], end_ptr, end_idx)


@numba.njit(cache=True)
def _arrive_through(marks, middle, avoid, value, mid_scale, ends, raw):  # type: ignore[no-untyped-def]
    """Add what goes on from a neighbour through all the nodes behind it but one."""
    for v in middle:
        if v != avoid:
            _arrive(marks, v, value * mid_scale[v], ends, raw)


@numba.njit(cache=True)
def _arrive(marks, node, flow, ends, raw):  # type: ignore[no-untyped-def]
    """Add the flow that goes on from a node to the products behind it."""
    for w in range(len(marks)):
        word = marks[w, node]
        while word != np.uint64(0):
            lowest = word & (~word + np.uint64(1))
            c = w * WORD + _PLACE_OF_BIT[(lowest * _DE_BRUIJN) >> np.uint64(58)]
            raw[c] += flow * ends[c]
            word ^= lowest


@numba.njit(cache=True)
def _close(closes, products, width, node, raw):  # type: ignore[no-untyped-def]
    """Take out the path whose neighbour is the product itself."""
    if closes:
        for c in range(width):
            if products[c] == node:
                raw[c] = 0.0


@numba.njit(parallel=True, cache=True)
def _factor_lines(  # type: ignore[no-untyped-def]
    products,
    widths,
    rows,
    indptr,
    shown,
    left,
    right,
    start,
    stop,
    scale,
    number,
    filled,
    values,
    via,
    mid,
    group,
):
    for r in numba.prange(len(widths)):
        if scale[r] == 0.0:
            continue
        for p in range(indptr[r], indptr[r + 1]):
            at = filled[r]
            for c in range(widths[r]):
                values[at, c] = scale[r] * _dot(left[rows[p]], right[products[r, c]], start, stop)
            via[at], mid[at], group[at] = rows[p] if shown else -1, -1, number
            filled[r] = at + 1


@numba.njit(cache=True, fastmath={"reassoc", "contract"})
def _dot(left, right, start, stop):  # type: ignore[no-untyped-def]
    total = 0.0
    for d in range(start, stop):
        total += np.float64(left[d]) * np.float64(right[d])
    return total
