"""Walks side by side, as one call of a compiled loop takes them.

numba looks at the type of every array of a call, and a walk has nineteen: for one user, calls of one walk after another
take longer than their sums. Here loops get all arrays of some walks by their addresses, in one table.

numba notices edits of the file of a compiled function, not of those it calls: after an edit here delete `__pycache__`.
"""

# pyright: reportPrivateImportUsage=false, reportCallIssue=false

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from graphrec.terms.compiled.hops import (
    EMPTY,
    NO_HOP,
    FirstHop,
    NextHop,
    OwnEdges,
    People,
    begun,
    next_hop,
    own_edges,
    people_of,
    whole,
)

if TYPE_CHECKING:
    from graphrec.terms.walks import ContentScorer, PeopleScorer, WalkScorer

#: What a walk is: one hop, two or three without people, or three through people.
DIRECT, CONTENT, PEOPLE = range(3)
#: Where its traits stand: what it is, whether it closes, whether its first hop has the row of one user alone, the least
#: number of people, whether its table is read for lines, nodes before the products.
KIND, CLOSES, ALONE, LEAST, HAS_TABLE, BEFORE = range(6)
#: Where its arrays stand.
FIRST, OWN, TABLE, SECOND, LAST, ENDS, DIAGONAL, DENSE = 0, 4, 9, 13, 16, 19, 20, 21
_COUNT = 22
_NO_ROWS = np.zeros(0, np.int64), np.zeros(0, np.int32)
_NO_OWN, _NO_TABLE = (*_NO_ROWS, *_NO_ROWS, EMPTY), (*_NO_ROWS, np.zeros(0, np.int32), EMPTY)


class Walks(NamedTuple):
    """Some walks as loops take them.

    Shapes: arrays (num_walks, num_arrays, 2), address and length of each; traits (num_walks, num_traits); beta
    (num_walks,).
    """

    arrays: NDArray[np.int64]
    traits: NDArray[np.int64]
    beta: NDArray[np.float64]


class Held(NamedTuple):
    """Walks, and their arrays, which must be there as long as a loop reads them."""

    user: int | None
    walks: Walks
    arrays: list[NDArray[Any]]


class Joined:
    """Some walks of one graph, none of which begins with people."""

    def __init__(self, scorers: "Sequence[WalkScorer]") -> None:
        self._scorers = scorers
        self._is_alone = any(scorer.first.is_alone for scorer in scorers)
        self._last: Held | None = None

    def __len__(self) -> int:
        return len(self._scorers)

    def held(self, users: NDArray[np.int32]) -> Held:
        """The walks for some users; the caller keeps what comes back while a loop runs."""
        user = int(users[0]) if self._is_alone and len(users) == 1 else None
        last = self._last
        if last is None or last.user != user:
            last = self._last = _held(self._scorers, users, user)
        return last


def _held(scorers: "Sequence[WalkScorer]", users: NDArray[np.int32], user: int | None) -> Held:
    kept: list[NDArray[Any]] = []
    arrays = np.zeros((len(scorers), _COUNT, 2), np.int64)
    traits = np.zeros((len(scorers), BEFORE + 1), np.int64)
    for n, scorer in enumerate(scorers):
        is_alone = user is not None and scorer.first.is_alone
        traits[n, :HAS_TABLE] = DIRECT, scorer.closes, is_alone, scorer.least
        first, _ = begun(scorer, users if is_alone else users[:0])
        own, table, second, last, diagonal, dense = _NO_OWN, _NO_TABLE, NO_HOP, NO_HOP, EMPTY, EMPTY
        if scorer.mid_user:
            scorer = cast("PeopleScorer", scorer)
            traits[n, KIND] = PEOPLE
            own, table = own_edges(scorer, users if is_alone else None), people_of(scorer)[:-1]
            dense = scorer.dense
        elif scorer.length > 1:
            scorer = cast("ContentScorer", scorer)
            traits[n, KIND], traits[n, HAS_TABLE] = CONTENT, scorer.entries is not None
            traits[n, BEFORE] = scorer.steps[-1].num_rows
            if scorer.entries is not None:
                indptr, indices, values = scorer.entries
                table = indptr, indices, _NO_TABLE[2], values
            second = next_hop(scorer, 1) if scorer.length == 3 else NO_HOP
            last = NextHop(*whole(scorer.back[-1]), scorer.scales[-1])
            diagonal = np.asarray(scorer.diagonal) if scorer.closes else EMPTY
        for place, array in enumerate((*first, *own, *table, *second, *last, scorer.scales[-1], diagonal, dense)):
            one = np.require(array, requirements=("C", "ALIGNED"))
            kept.append(one)
            arrays[n, place] = one.__array_interface__["data"][0], one.size
    return Held(user, Walks(arrays, traits, np.array([scorer.walk.beta for scorer in scorers])), kept)


@intrinsic
def _pointer(typing_context, address):  # type: ignore[no-untyped-def]
    """An address as a pointer."""
    del typing_context, address

    def made(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        del context, signature
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), made


@numba.njit(cache=True)
def _places(walks, n, place):  # type: ignore[no-untyped-def]
    return numba.carray(_pointer(walks.arrays[n, place, 0]), walks.arrays[n, place, 1], np.int64)


@numba.njit(cache=True)
def _nodes(walks, n, place):  # type: ignore[no-untyped-def]
    return numba.carray(_pointer(walks.arrays[n, place, 0]), walks.arrays[n, place, 1], np.int32)


@numba.njit(cache=True)
def numbers(walks, n, place):  # type: ignore[no-untyped-def]
    """An array of floating point numbers of a walk."""
    return numba.carray(_pointer(walks.arrays[n, place, 0]), walks.arrays[n, place, 1], np.float64)


@numba.njit(cache=True)
def first_of(walks, n):  # type: ignore[no-untyped-def]
    """The first hop of a walk."""
    return FirstHop(
        _places(walks, n, FIRST),
        _nodes(walks, n, FIRST + 1),
        numbers(walks, n, FIRST + 2),
        numbers(walks, n, FIRST + 3),
    )


@numba.njit(cache=True)
def own_of(walks, n):  # type: ignore[no-untyped-def]
    """The edges that the table of a walk counts of its users."""
    back, last = (
        (_places(walks, n, OWN), _nodes(walks, n, OWN + 1)),
        (_places(walks, n, OWN + 2), _nodes(walks, n, OWN + 3)),
    )
    return OwnEdges(back[0], back[1], last[0], last[1], numbers(walks, n, OWN + 4))


@numba.njit(cache=True)
def table_of(walks, n):  # type: ignore[no-untyped-def]
    """The table of a walk; one without people has no counts."""
    counts, least = _nodes(walks, n, TABLE + 2), walks.traits[n, LEAST]
    return People(_places(walks, n, TABLE), _nodes(walks, n, TABLE + 1), counts, numbers(walks, n, TABLE + 3), least)


@numba.njit(cache=True)
def dense_of(walks, n, num_products):  # type: ignore[no-untyped-def]
    """The table of a walk through people as a whole matrix; no rows where it is none."""
    address, size = walks.arrays[n, DENSE, 0], walks.arrays[n, DENSE, 1]
    return numba.carray(_pointer(address), (size // max(num_products, 1), num_products), np.float64)


@numba.njit(cache=True)
def later_of(walks, n, place):  # type: ignore[no-untyped-def]
    """The second hop of a walk, or the last one read backwards."""
    return NextHop(_places(walks, n, place), _nodes(walks, n, place + 1), numbers(walks, n, place + 2))


@numba.njit(cache=True)
def row_in(walks, n, user):  # type: ignore[no-untyped-def]
    """Where the row of a user is in a walk."""
    return 0 if walks.traits[n, ALONE] else user
