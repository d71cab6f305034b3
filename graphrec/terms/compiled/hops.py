"""The hops of a walk as compiled loops take them; the sums of a walk and its lines read the same.

numba notices edits of the file of a compiled function, not of those it calls: after an edit here delete `__pycache__`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Adjacency

if TYPE_CHECKING:
    from graphrec.terms.walks import ContentScorer, PeopleScorer, WalkScorer

_T = TypeVar("_T")

EMPTY = np.zeros(0)
_NO_ROWS = np.zeros(0, np.int64), np.zeros(0, np.int32)
#: As in `terms.walks`; compiled code takes it as a constant.
ROUNDING = 1e-12


class FirstHop(NamedTuple):
    """A walk's first hop: where rows begin, neighbours, evidence (empty: all 1), and the power of every neighbour."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    weight: NDArray[np.float64]
    power: NDArray[np.float64]


class NextHop(NamedTuple):
    """A later hop, or one read backwards, and the power of every node it leads to; a walk without it: all empty."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    power: NDArray[np.float64]


class People(NamedTuple):
    """Hops 2 and 3 through people: see `PeopleTable`."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    counts: NDArray[np.int32]
    masses: NDArray[np.float64]
    least: int


class OwnEdges(NamedTuple):
    """What a table counts of the users themselves: their edges of hops 2 (back) and 3, and what they pass on."""

    back_ptr: NDArray[np.int64]
    back_idx: NDArray[np.int32]
    last_ptr: NDArray[np.int64]
    last_idx: NDArray[np.int32]
    mid_power: NDArray[np.float64]


NO_HOP = NextHop(*_NO_ROWS, EMPTY)


def whole(edges: Adjacency) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Where rows begin, and all neighbours: arrays of files are checked here, before compiled code reads them."""
    return np.asarray(edges.indptr), np.asarray(edges.indices)


def faded(edges: Adjacency) -> NDArray[np.float64]:
    """What their age leaves of all edges; empty: all of them."""
    return EMPTY if edges.faded is None else edges.faded


def _once(scorer: "WalkScorer", name: str, source: object, made: Callable[[], _T]) -> _T:
    """What is made of some edges of a walk, once as long as it has these: a single list takes as long to ask as to add.

    Args:
        source: the edges.
    """
    kept: tuple[object, _T] | None = vars(scorer).get(name)
    if kept is None or kept[0] is not source:
        kept = vars(scorer)[name] = source, made()
    return kept[1]


def first_hop(scorer: "WalkScorer") -> FirstHop:
    """The first hop of a walk."""
    first = scorer.first

    def made() -> FirstHop:
        return FirstHop(*whole(first), EMPTY if (x := first.x) is None else np.asarray(x, np.float64), scorer.scales[0])

    return _once(scorer, "_first_hop", first, made)


def next_hop(scorer: "ContentScorer", place: int) -> NextHop:
    """The hop of a walk at a place after the first."""
    edges = scorer.steps[place]
    return _once(scorer, f"_hop_{place}", edges, lambda: NextHop(*whole(edges), scorer.scales[place]))


def last_hop(scorer: "ContentScorer") -> NextHop:
    """The last hop of a walk, read backwards."""
    edges = scorer.back[-1]
    return _once(scorer, "_last_hop", edges, lambda: NextHop(*whole(edges), scorer.scales[-1]))


def people_of(scorer: "PeopleScorer") -> People:
    """Hops 2 and 3 of a walk through people."""
    table = scorer.table

    def made() -> People:
        assert table.rows.weight is not None, "a table has weights"
        return People(*whole(table.rows), np.asarray(table.counts), np.asarray(table.rows.weight), table.least)

    return _once(scorer, "_people", table, made)


def own_edges(scorer: "PeopleScorer") -> OwnEdges:
    """The edges that the table of a walk counts of its users."""
    back, last = scorer.own_back, scorer.own_last
    return _once(scorer, "_own", back, lambda: OwnEdges(*whole(back), *whole(last), scorer.scales[1]))


@numba.njit(cache=True)
def arrival(first, p):  # type: ignore[no-untyped-def]
    """The neighbour at a place of the first hop, and what flows on from it."""
    a = first.indices[p]
    return a, (first.weight[p] if len(first.weight) else 1.0) * first.power[a]


@numba.njit(cache=True)
def returns(own, u, a):  # type: ignore[no-untyped-def]
    """Whether a walk goes back from a neighbour to its user."""
    return _contains(own.back_idx[own.back_ptr[u] : own.back_ptr[u + 1]], a)


@numba.njit(cache=True)
def passed(people, own, u, q, is_own):  # type: ignore[no-untyped-def]
    """What other people pass on at an entry of a table, which counts the user too where `is_own`; 0 below `least`."""
    if not is_own:
        return people.masses[q]
    if people.counts[q] - 1 < people.least:
        return 0.0
    return people.masses[q] - own.mid_power[u]


@numba.njit(cache=True)
def _contains(row, value):  # type: ignore[no-untyped-def]
    place = np.searchsorted(row, value)
    return place < len(row) and row[place] == value
