"""The hops of a walk as compiled loops take them; the sums of a walk and its lines read the same.

What loops only read is read-only to them, whatever its maker may do: numba compiles a loop anew for arrays that may be
written, so that a model just fitted and one from a folder would each wait for compilations of their own.

numba notices edits of the file of a compiled function, not of those it calls: after an edit here delete `__pycache__`.
"""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

import numba
import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Adjacency

if TYPE_CHECKING:
    from graphrec.terms.walks import ContentScorer, PeopleScorer, WalkScorer

Read = TypeVar("Read", bound=np.generic)
Scorer = TypeVar("Scorer", bound="WalkScorer")
Made = TypeVar("Made")


def kept(make: Callable[[Scorer], Made]) -> Callable[[Scorer], Made]:
    """What is made of a walk once and kept as long as the walk: for one user that takes longer than a loop."""
    known: WeakKeyDictionary[Scorer, Made] = WeakKeyDictionary()

    @wraps(make)
    def found(scorer: Scorer) -> Made:
        one = known.get(scorer)
        if one is None:
            one = known[scorer] = make(scorer)
        return one

    return found


def read_only(array: NDArray[Read]) -> NDArray[Read]:
    """The same numbers, which compiled loops may not write."""
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array


EMPTY = read_only(np.zeros(0))
_NO_ROWS = read_only(np.zeros(0, np.int64)), read_only(np.zeros(0, np.int32))
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
    return read_only(np.asarray(edges.indptr)), read_only(np.asarray(edges.indices))


def faded(edges: Adjacency) -> NDArray[np.float64]:
    """What their age leaves of all edges; empty: all of them."""
    return EMPTY if edges.faded is None else read_only(edges.faded)


@kept
def first_hop(scorer: "WalkScorer") -> FirstHop:
    """The first hop of a walk."""
    first = scorer.first
    weight = EMPTY if (x := first.x) is None else read_only(np.asarray(x, np.float64))
    return FirstHop(*whole(first), weight, read_only(scorer.scales[0]))


def threads_for(users: NDArray[np.int32]) -> int:
    """How many threads share the rows of some users."""
    return numba.get_num_threads() if len(users) > 1 else 1


def begun(scorer: "WalkScorer", users: NDArray[np.int32]) -> tuple[FirstHop, NDArray[np.int32]]:
    """The first hop of a walk, and where the rows of some users are in it."""
    first = scorer.first
    if not (first.is_alone and len(users) == 1):
        return first_hop(scorer), users
    rows, places = row_of(first, int(users[0]))
    evidence = read_only(first.evidence(int(users[0])))
    return FirstHop(*rows, evidence, read_only(scorer.scales[0])), places


def row_of(edges: Adjacency, user: int) -> tuple[tuple[NDArray[np.int64], NDArray[np.int32]], NDArray[np.int32]]:
    """The neighbours of one user as `whole` would give them if there were nobody else, and where the user is."""
    row = read_only(np.asarray(edges.row(user)))
    return (read_only(np.array([0, len(row)], np.int64)), row), np.zeros(1, np.int32)


def next_hop(scorer: "ContentScorer", place: int) -> NextHop:
    """The hop of a walk at a place after the first."""
    return NextHop(*whole(scorer.steps[place]), read_only(scorer.scales[place]))


@kept
def people_of(scorer: "PeopleScorer") -> People:
    """Hops 2 and 3 of a walk through people."""
    table = scorer.table
    assert table.rows.weight is not None, "a table has weights"
    counts, masses = read_only(np.asarray(table.counts)), read_only(np.asarray(table.rows.weight))
    return People(*whole(table.rows), counts, masses, table.least)


def own_edges(scorer: "PeopleScorer", users: NDArray[np.int32] | None = None) -> OwnEdges:
    """The edges that the table of a walk counts of its users; of `users`, as `begun` places them."""
    if users is not None and scorer.first.is_alone and len(users) == 1:
        user = int(users[0])
        edges = (row_of(hop, user)[0] for hop in (scorer.own_back, scorer.own_last))
        (back_ptr, back_idx), (last_ptr, last_idx) = edges
        return OwnEdges(back_ptr, back_idx, last_ptr, last_idx, read_only(scorer.scales[1][user : user + 1]))
    return _all_own_edges(scorer)


@kept
def _all_own_edges(scorer: "PeopleScorer") -> OwnEdges:
    return OwnEdges(*whole(scorer.own_back), *whole(scorer.own_last), read_only(scorer.scales[1]))


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
