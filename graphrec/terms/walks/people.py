"""Walks through other people: only what at least `min_group` of them have in common counts, and nobody is named.

`PeopleScorer` leads from a thing or an attribute of the user through others who share it. These ways are multiplied
out when the model is fitted (`PeopleTable`); an answer reads this table and the user's own edges. `AcquaintedScorer`
begins with people whom the user has edges to, and reads their edges.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from graphrec.frozen import dataclass
from graphrec.graph.edges.adjacency import Adjacency, Graph, among
from graphrec.terms.base import Stored, StoredRows, once
from graphrec.terms.ledger import Edge, LineGroup
from graphrec.terms.walks.scorer import Part, Vector, Walk, WalkScorer, filled

#: Part of a table that is not 0 from which on it is kept as a whole matrix besides.
DENSE = 0.5


@dataclass(frozen=True, eq=False)
class PeopleTable:
    """For nodes a at the first hop and products i: how many people lead from a to i, and what they pass on.

    Shapes: rows (nodes, num_products) with the sum of deg ** -power over these people as weights; counts (num_entries,)
    of people, in the order of the rows. No entry has fewer than `least` people, or leads from a product to itself.
    """

    rows: Adjacency
    counts: NDArray[np.int32]
    least: int
    """`min_group`, or more where that was needed to keep the table small."""
    dropped: int = 0
    """Entries of at least `min_group` people that were left out to keep the table small."""

    def entries(self, nodes: NDArray[np.int32]) -> "Entries":
        """The entries of some rows, one row after another."""
        spans = self.rows.spans(nodes)
        if not len(nodes):
            none = np.zeros(0, np.int64)
            return Entries(none, np.zeros(0, np.int32), none, np.zeros(0))
        origin = np.repeat(np.arange(len(nodes)), spans[:, 1] - spans[:, 0])
        rows = [self.rows.row(int(node)) for node in nodes]
        counts = [self.counts[start:end] for start, end in spans.tolist()]
        masses = [self.rows.weights(int(node)) for node in nodes]
        return Entries(origin, np.concatenate(rows), np.concatenate(counts).astype(np.int64), np.concatenate(masses))


@dataclass(frozen=True, eq=False)
class Entries:
    """Entries of a table for one user: of which neighbour (position), to which product, people, what they pass on."""

    origin: NDArray[np.int64]
    products: NDArray[np.int32]
    counts: NDArray[np.int64]
    masses: Vector


class PeopleScorer(WalkScorer):
    """A walk from what the user has through other people who have it to their products.

    Args:
        table: hops 2 and 3 over all people, without the weights of the products.
    """

    mid_user = True

    def __init__(
        self,
        graph: Graph,
        walk: Walk,
        table: PeopleTable,
        *,
        degrees: Mapping[int, NDArray[Any]] | None = None,
        learned: Mapping[int, Vector] | None = None,
    ) -> None:
        super().__init__(graph, walk, degrees=degrees, learned=learned)
        self.table = table
        # What the table counts of the user: their edges as the fit saw them.
        self.own_back = graph.as_fitted(walk.hops[1].back())
        self.own_last = graph.as_fitted(walk.hops[2])

    @property
    def least(self) -> int:
        return self.table.least

    def degrees_at(self, place: int, nodes: NDArray[np.integer]) -> NDArray[np.int64]:
        if place != 1:
            return super().degrees_at(place, nodes)
        # All rows at once are read as a whole.
        every = len(nodes) == self.own_back.num_rows
        return self.own_back.degrees()[nodes] if every else self.own_back.degrees_of(nodes)

    @once
    def ends(self) -> Vector:
        """The factor of every product."""
        return self.node_weights(2, np.arange(self.num_products))

    @once
    def dense(self) -> Vector:
        """What people pass on from each node to each product, for compiled loops; empty where most of it is 0."""
        rows = self.table.rows
        if rows.num_rows * self.num_products * DENSE > len(rows.indices):
            return np.zeros((0, 0))
        found = np.zeros((rows.num_rows, self.num_products))
        found[np.repeat(np.arange(rows.num_rows), rows.degrees()), rows.indices] = rows.weight
        return found

    def without_edges(self, user: int, edges: Sequence[Edge], graph: Graph) -> Self:
        del user
        return type(self)(graph, self.walk, self.table, degrees=self.fewer_degrees(edges), learned=self.learned)

    def reading(self, graph: Graph) -> Self:
        # Computed once for all customers.
        _ = self.ends
        return super().reading(graph)

    def growth(self, user: int) -> list[tuple[Edge, float]]:
        ending = self.walk.hops[-1]
        products = self.graph.hops[ending].row(user)
        degrees = np.maximum(self.degrees_at(2, products), 2)
        grown = (degrees / (degrees - 1)) ** self.walk.powers[-1]
        return [((ending, product), by) for product, by in zip(products.tolist(), grown.tolist(), strict=True)]

    def entries(self, user: int, nodes: NDArray[np.int32]) -> Entries:
        """The table's entries of some neighbours of a user, without what the user adds to them."""
        found = self.table.entries(nodes)
        last = self.own_last.row(user)
        if not len(last):
            return found
        back = among(nodes, self.own_back.row(user))
        own = back[found.origin] & among(found.products, last)
        if not own.any():
            return found
        counts = found.counts - own
        masses = found.masses - own * self.node_weights(1, np.array([user]))[0]
        kept = counts >= self.least
        return Entries(found.origin[kept], found.products[kept], counts[kept], masses[kept])

    def scores(self, user: int) -> Vector:
        nodes, values = self.start(user)
        found = self.entries(user, nodes)
        mass = np.bincount(found.products, values[found.origin] * found.masses, self.num_products)
        score: Vector = mass * self.ends
        return score

    def rows_of(self, user: int) -> tuple[NDArray[np.int32], Vector]:
        nodes, values = self.start(user)
        found = self.entries(user, nodes)
        rows = np.zeros((len(nodes), self.num_products))
        rows[found.origin, found.products] = values[found.origin] * found.masses
        return nodes, rows * self.ends

    def shares(self, user: int, products: NDArray[np.int32], position: int) -> list[Part]:
        nodes, values = self.start(user)
        # A product may be asked for twice: as a candidate and as one that shares are compared with.
        different, back = np.unique(products, return_inverse=True)
        found, wanted, places = self._among(self.entries(user, nodes), different)
        rows = np.zeros((len(nodes), len(different)))
        rows[found.origin[wanted], places] = values[found.origin[wanted]] * found.masses[wanted]
        group = LineGroup("path", self.walk.hops[0], position, people=True)
        return filled(group, nodes, np.full(len(nodes), -1, np.int32), rows[:, back] * self.node_weights(2, products))

    def num_paths(self, user: int, products: NDArray[np.int32]) -> NDArray[np.int64]:
        nodes = self.first.row(user)
        different, back = np.unique(products, return_inverse=True)
        found, wanted, places = self._among(self.entries(user, nodes), different)
        counts = np.zeros((len(nodes), len(different)), np.int64)
        counts[found.origin[wanted], places] = found.counts[wanted]
        return counts[:, back]

    def people_between(self, user: int, via: int, product: int) -> int:
        found = self.entries(user, np.array([via], np.int32))
        return int(found.counts[found.products == product].sum())

    def _among(
        self, found: Entries, products: NDArray[np.int32]
    ) -> tuple[Entries, NDArray[np.int64], NDArray[np.int64]]:
        """Which entries lead to some products, ascending, and where these stand among them."""
        wanted = np.flatnonzero(among(found.products, products))
        return found, wanted, np.searchsorted(products, found.products[wanted])

    def describe(self) -> tuple[dict[str, Any], dict[str, Stored], dict[str, StoredRows]]:
        walk, arrays, _ = super().describe()
        arrays["counts"] = Stored(self.table.counts, (None,))
        rows = StoredRows.of(self.table.rows, self.labels[0], self.roles.product)
        return {**walk, "least": self.table.least, "dropped": self.table.dropped}, arrays, {"people": rows}


class AcquaintedScorer(WalkScorer):
    """A walk that begins with people whom the user has edges to: one line for all of them, where they are enough."""

    via_user = True
    is_additive = False

    @once
    def steps(self) -> tuple[Adjacency, ...]:
        """The edges of each hop."""
        return tuple(self.graph.hops[hop] for hop in self.walk.hops)

    def without_edges(self, user: int, edges: Sequence[Edge], graph: Graph) -> Self:
        del user
        return type(self)(graph, self.walk, degrees=self.fewer_degrees(edges), learned=self.learned)

    def reading(self, graph: Graph) -> Self:
        other = super().reading(graph)
        vars(other).pop("steps", None)
        return other

    def scores(self, user: int) -> Vector:
        products, _, masses = self.ways(user)
        score = np.zeros(self.num_products)
        score[products] = masses * self.node_weights(self.length - 1, products)
        return score

    def rows_of(self, user: int) -> tuple[NDArray[np.int32], Vector]:
        raise NotImplementedError("what a person adds depends on how many others there are")

    def shares(self, user: int, products: NDArray[np.int32], position: int) -> list[Part]:
        group = LineGroup("path", self.walk.hops[0], position, people=True)
        none = np.full(1, -1, np.int32)
        return filled(group, none, none, self.scores(user)[None, products])

    def num_paths(self, user: int, products: NDArray[np.int32]) -> NDArray[np.int64]:
        nodes, paths = self.first.row(user), self._paths(user)
        counts = np.zeros((len(nodes), self.num_products), np.int64)
        np.add.at(counts, (paths.origin, paths.products), 1)
        few = np.ones(self.num_products, np.bool_)
        few[self.ways(user)[0]] = False
        counts[:, few] = 0
        return counts[:, products]

    def people_between(self, user: int, via: int, product: int) -> int:
        del via
        products, counts, _ = self.ways(user)
        return int(counts[products == product].sum())

    def ways(self, user: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Vector]:
        """The products that enough people lead to, how many, and what arrives there before its own weight."""
        paths = self._paths(user)
        codes = np.unique(paths.people * self.num_products + paths.products)
        counts = np.bincount(codes % self.num_products, minlength=self.num_products)
        kept = np.flatnonzero(counts >= self.least)
        arrived: Vector = np.bincount(paths.products, paths.flow, self.num_products)[kept].astype(
            np.float64, copy=False
        )
        return kept, counts[kept], arrived

    def _paths(self, user: int) -> "_Paths":
        nodes, values = self.start(user)
        apart = np.flatnonzero(nodes != user)
        origin, reached = self.steps[1].expand(nodes[apart])
        origin = apart[origin]
        if self.length == 2:
            return _Paths(origin, reached, nodes[origin].astype(np.int64), values[origin])
        to_people = self.labels[1] == self.roles.user
        if to_people:
            simple = (reached != user) & (reached != nodes[origin])
            origin, reached = origin[simple], reached[simple]
        flow = values[origin] * self.node_weights(1, reached)
        path, products = self.steps[2].expand(reached)
        if self.labels[1] == self.roles.product:
            simple = products != reached[path]
            path, products = path[simple], products[simple]
        people = reached[path] if to_people else nodes[origin[path]]
        return _Paths(origin[path], products, people.astype(np.int64), flow[path])


@dataclass(frozen=True, eq=False)
class _Paths:
    """All paths of a user that begin with people: place of the first of them, product, who counts, what flows on."""

    origin: NDArray[np.int64]
    products: NDArray[np.int32]
    people: NDArray[np.int64]
    flow: Vector
