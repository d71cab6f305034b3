"""What a term is: everything that serving, evaluation, delivery and the model folder ask of one.

A model produces terms. A new form of term is a class below `Term`; nothing else needs to know it, but for the model
folder, which opens it by its `form` (terms/folder.py).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import field, replace
from threading import RLock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from graphrec.frozen import dataclass
from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop
from graphrec.terms import compiled
from graphrec.terms.ledger import Edge, LineGroup, Lines, ShareLines, Shares

if TYPE_CHECKING:
    from graphrec.terms.sage.gradients import Gradients
    from graphrec.terms.walks import WalkScorer

Matrix = NDArray[np.float64]
Plain = str | int | float | bool | None
T = TypeVar("T")
#: float32 rows of equal values have a tiny spread of rounding errors: below this part of the mean there is none.
EVEN = 1e-6


class once(Generic[T]):  # noqa: N801 - it is used as a decorator, like property.
    """A property that is computed at its first use, by one thread only, and kept.

    functools.cached_property has no lock from Python 3.12 on.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self._lock = RLock()
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> "once[T]": ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> "once[T] | T":
        if instance is None:
            return self
        kept = vars(instance)
        if self._name not in kept:
            with self._lock:
                if self._name not in kept:
                    kept[self._name] = self._compute(instance)
        found: T = kept[self._name]
        return found


@dataclass(frozen=True, eq=False)
class Stored:
    """An array in a model folder, and the label whose nodes each of its axes counts (None: something else).

    In an opened folder it is a `CheckedArray`: rows are read as of any array, `numpy.asarray` gives it whole.
    """

    values: NDArray[Any]
    axes: tuple[str | None, ...] = ()


@dataclass(frozen=True, eq=False)
class StoredRows:
    """A sparse matrix in a model folder: rows are nodes of `source`, columns nodes of `target`."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    source: str
    target: str
    values: NDArray[Any] | None = None

    @classmethod
    def of(cls, adjacency: Adjacency, source: str, target: str) -> "StoredRows":
        """Edges as they are stored."""
        return cls(adjacency.indptr, adjacency.indices, source, target, adjacency.weight)

    def adjacency(self) -> Adjacency:
        """The edges."""
        return Adjacency(self.indptr, self.indices, self.values)


@dataclass(frozen=True, eq=False)
class Described:
    """A term as a model folder keeps it: settings for meta.json, and arrays by name."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Plain values, lists and objects of them."""
    arrays: Mapping[str, Stored] = field(default_factory=dict)
    rows: Mapping[str, StoredRows] = field(default_factory=dict)

    def under(self, prefix: str) -> dict[str, NDArray[Any]]:
        """The arrays whose names begin with a prefix, by the rest of their names."""
        return {
            name.removeprefix(prefix): stored.values for name, stored in self.arrays.items() if name.startswith(prefix)
        }


class Term(ABC):
    """One part of a score, linear in the user's first-hop neighbours unless it says otherwise.

    A term does not change after it is made, so that any number of threads may ask it.
    """

    form: ClassVar[str]
    """What a model folder calls this form of term."""
    on_paths: ClassVar[bool] = False
    """Whether its lines are real paths of the graph."""
    is_linear: ClassVar[bool] = True
    """Whether the score is a sum over the user's edges, each of which says the same whatever the others are."""
    has_own_scale: ClassVar[bool] = False
    """Whether a blend adds its scores as they are, and does not divide them by their spread for the user."""
    folds_in: ClassVar[bool] = False
    """Whether a deletion takes the user's edge but leaves what was learned from it (W) as it is."""
    name: str
    """What people call it: kernel, spectral, ease, …"""
    scorers: "tuple[WalkScorer, ...]" = ()
    """Its walks, which `LineGroup.walk` counts; none where its lines are no paths."""
    sentences: Mapping[str, Mapping[str, str]] = MappingProxyType({})
    """Sentences of its lines by sign and language, for a feature block that no language of graphrec knows."""
    graph: Graph
    """The graph it reads; only the hops of `hops` need to be there."""

    @property
    @abstractmethod
    def hops(self) -> frozenset[Hop]:
        """The hops of the graph that it reads."""

    @property
    def first_hops(self) -> frozenset[Hop]:
        """The hops of the user's own edges that its lines start with."""
        person = self.graph.schema.roles.user
        return frozenset(hop for hop in self.hops if self.graph.source(hop) == person)

    def left(self, user: int) -> float:
        """What age leaves of a user's edges, 0 to 1: the mean over those that its lines start with; 1 without any."""
        parts = [(self.graph.hops[hop].left(user), hop) for hop in self.first_hops] if self.is_linear else []
        if all(part is None for part, _ in parts):
            return 1.0
        kept = [float(len(self.graph.hops[hop].row(user)) if part is None else part.sum()) for part, hop in parts]
        count = sum(len(self.graph.hops[hop].row(user)) for _, hop in parts)
        return sum(kept) / count if count else 1.0

    def lefts(self, users: NDArray[np.int32]) -> NDArray[np.float64] | None:
        """What `left` gives for each of many users (len(users),), to the bit; None: nothing fades."""
        hops = [self.graph.hops[hop] for hop in self.first_hops] if self.is_linear else []
        if all(hop.faded is None for hop in hops):
            return None
        kept, count = np.zeros(len(users)), np.zeros(len(users))
        for hop in hops:
            degrees = hop.indptr[users + 1] - hop.indptr[users]
            count += degrees
            if (faded := hop.faded) is None:
                kept += degrees
            else:
                sums = np.concatenate(([0.0], np.cumsum(faded)))
                kept += sums[hop.indptr[users + 1]] - sums[hop.indptr[users]]
        return np.where(count > 0, kept / np.maximum(count, 1), 1.0)

    @abstractmethod
    def knows(self, user: int) -> bool:
        """Whether anything but "everyone" speaks for a user: an interaction, an attribute, a text."""

    @property
    def joins_scores(self) -> bool:
        """Whether compiled loops add its scores together with those of the terms beside it: see `compiled.added`."""
        return False

    @property
    def joins_lines(self) -> bool:
        """Whether compiled loops write its lines together with those of the terms beside it: `compiled.walk_lines`."""
        return False

    @property
    def is_general(self) -> bool:
        """Whether it says the same to everybody, as popularity does."""
        return False

    @property
    def is_collaborative(self) -> bool:
        """Whether its lines speak of what others do, not of a thing with a name or a text."""
        return True

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of its training must know."""
        return ()

    @property
    def product_vectors(self) -> NDArray[np.float32] | None:
        """What was learned of the products (num_products, dim), for a search of similar ones; None without."""
        return None

    @property
    def since(self) -> int | None:
        """From when on a holding counts half or more, in microseconds since 1970; None: its age does not matter."""
        return None

    @abstractmethod
    def scores(self, user: int) -> NDArray[np.float64]:
        """The scores of all products (num_products,) for one user, with numpy alone."""

    def rows(self, users: NDArray[np.int32]) -> Matrix:
        """What `scores` gives for each of many users (len(users), num_products), to the bit."""
        return np.stack([self.scores(int(user)) for user in users])

    def add_spread(self, users: NDArray[np.int32], weights: Matrix, least: float, total: Matrix) -> Matrix:
        """Add its standardised `rows` times a weight for each user to `total`; where numba is installed.

        Returns:
            What each row was multiplied with (len(users),); 0 where it has no spread: see `compiled.spread.add_spread`.
        """
        from graphrec.terms.compiled.spread import add_spread

        return add_spread(np.ascontiguousarray(self.rows(users)), weights, least, total)

    @abstractmethod
    def batch(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """The scores (len(users), num_products) of many users; may be rounded to float32."""

    def standardised(
        self, users: NDArray[np.int32], weight: float = 1.0, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """`batch` with every row divided by its standard deviation, times `weight`; 0 in rows without spread.

        Args:
            out: may be written to, and may be what comes back: fresh memory takes longer than the arithmetic.
        """
        del out
        scores = self.batch(users)
        standardise(scores, weight)
        return scores

    @abstractmethod
    def shares(self, user: int, products: NDArray[np.int32]) -> Shares:
        """The lines of these products; their float64 sums are the term's exact scores."""

    def lines_of(self, users: NDArray[np.int32], products: Sequence[NDArray[np.int32]]) -> Lines:
        """What `shares` gives for each of many users and their products, to the bit."""
        return ShareLines([self.shares(int(user), wanted) for user, wanted in zip(users, products, strict=True)])

    def people_between(self, group: LineGroup, user: int, via: int, product: int) -> int | None:
        """How many other people stand behind a line; None where its ways lead through nobody."""
        if not group.people or group.walk is None:
            return None
        return self.scorers[group.walk].people_between(user, via, product)

    def edges(self, user: int) -> list[Edge]:
        """The edges of a user that it knows, each once."""
        none = np.zeros(0, np.int32)
        shares = self.shares(user, none)
        found = (
            shares.groups[group].edge(via)
            for group, via in zip(shares.group.tolist(), shares.via.tolist(), strict=True)
        )
        return list(dict.fromkeys(edge for edge in found if edge is not None))

    @abstractmethod
    def without_edges(self, user: int, edges: Sequence[Edge]) -> Self:
        """The term as it scores this user, and no other, when some of their edges are gone.

        Degrees are counted anew; what was learned stays as it is.
        """

    def reading(self, graph: Graph) -> Self:
        """The same term where the hops of `graph` that leave users are others; all that was learned stays."""
        other = copy(self)
        vars(other)["graph"] = replace(graph, blocks={**graph.blocks, **self.graph.blocks})
        return other

    def scores_without(self, user: int, edges: Sequence[Edge], kept: NDArray[np.bool_]) -> Matrix:
        """The scores (num_cases, num_products) of a user who has only some of these edges.

        Args:
            edges: all that `edges(user)` gives.
            kept: (num_cases, len(edges)) which are there in each case.
        """
        gone = [[edge for edge, there in zip(edges, case, strict=True) if not there] for case in kept.tolist()]
        return np.stack([self.without_edges(user, some).scores(user) for some in gone])

    def gradients(self, user: int, product: int) -> "Gradients | None":
        """How a score that is not linear comes from the edges around it; None where the lines tell it."""
        del user, product
        return None

    def correlation(self, one: int, other: int) -> float | None:
        """How far two products moved together, -1 to 1; None: it does not know how they move."""
        del one, other
        return None

    def pull(self, one: int, other: int) -> float:
        """How two products move together, in the unit of its scores; 0: it does not know how they move."""
        del one, other
        return 0.0

    def last_price(self, product: int) -> float:
        """The last price of a product; 0: it does not know prices."""
        del product
        return 0.0

    def wealth(self, user: int) -> float:
        """What a user has; 1: it does not know amounts."""
        del user
        return 1.0

    def volatilities(self, user: int, product: int) -> tuple[float, float] | None:
        """The volatility of what a user holds, a year, and with a part in a product; None: it does not know them."""
        del user, product
        return None

    @abstractmethod
    def describe(self) -> Described:
        """The term for a model folder."""

    @classmethod
    @abstractmethod
    def open(cls, described: Described, graph: Graph) -> Self:
        """The term that was described; its arrays may be mapped from a file, and joined to the nodes of `graph`."""


def graph_without(graph: Graph, user: int, edges: Sequence[Edge]) -> Graph:
    """The graph without some edges of a user, in both directions; `fitted` still has them."""
    hops = dict(graph.hops)
    for hop, via in edges:
        if hop is None:
            continue
        if hop in hops:
            hops[hop] = _without(hops[hop], user, via)
        if hop.back() in hops:
            hops[hop.back()] = _without(hops[hop.back()], via, user)
    return replace(graph, hops=hops, fitted={**graph.hops, **graph.fitted})


def _without(adjacency: Adjacency, row: int, target: int) -> Adjacency:
    start, end = int(adjacency.indptr[row]), int(adjacency.indptr[row + 1])
    places: NDArray[np.int64] = start + np.flatnonzero(adjacency.indices[start:end] == target)
    indptr = np.array(adjacency.indptr, np.int64)
    indptr[row + 1 :] -= len(places)
    columns: tuple[Any, ...] = (adjacency.weight, adjacency.newest, adjacency.faded)
    left = (None if one is None else np.delete(one, places) for one in columns)
    return Adjacency(indptr, np.delete(adjacency.indices, places), *left)


def standardise(scores: NDArray[np.float32], weight: float = 1.0) -> None:
    """Divide every row by its standard deviation, in place, times `weight`; a row without spread becomes 0."""
    if compiled.is_there():
        from graphrec.terms.compiled.scores import standardise_rows

        standardise_rows(scores, weight)
        return
    for row in scores:
        exact = row.astype(np.float64)
        mean = _sum_of_four(exact) / len(row)
        spread = np.sqrt(_sum_of_four((exact - mean) ** 2) / len(row))
        row *= np.float32(weight / spread if spread > EVEN * abs(mean) else 0.0)


def _sum_of_four(values: NDArray[np.float64]) -> float:
    """The sum as compiled code adds: every fourth value, then the rest, then the four sums."""
    whole = len(values) - len(values) % 4
    sums = np.cumsum(values[:whole].reshape(-1, 4), axis=0)[-1] if whole else np.zeros(4)
    first = float(np.cumsum(np.concatenate((sums[:1], values[whole:])))[-1])
    return (first + float(sums[1])) + (float(sums[2]) + float(sums[3]))
