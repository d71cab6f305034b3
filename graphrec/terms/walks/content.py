"""Walks that meet nobody: from the user by way of products and attributes to products; every path is a line."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Adjacency, Graph, among
from graphrec.terms.base import Stored, StoredRows, once
from graphrec.terms.ledger import Edge, LineGroup
from graphrec.terms.walks.scorer import Part, Vector, Walk, WalkScorer, filled

if TYPE_CHECKING:
    from graphrec.terms.compiled.added import Entries

#: What is left of a sum after taking out parts of it is nothing below this share of the sum.
ROUNDING = 1e-12
#: Of how many products the walks that come back are sought at once.
PRODUCTS_AT_ONCE = 4096


class ContentScorer(WalkScorer):
    """A walk without people; walks that come back to where the first hop led are taken out in closed form.

    Args:
        diagonal: (num_products,) W[a, a], where it is known already.
        table: W (nodes at the first hop, num_products) multiplied out, with the powers of hops 2.. only.
    """

    def __init__(
        self,
        graph: Graph,
        walk: Walk,
        diagonal: Vector | None = None,
        table: Vector | None = None,
        *,
        degrees: Mapping[int, NDArray[Any]] | None = None,
        learned: Mapping[int, Vector] | None = None,
    ) -> None:
        super().__init__(graph, walk, degrees=degrees, learned=learned)
        # Nothing after the first hop counts people: an edge of a user is gone with its own paths alone.
        self.steps = (self.first, *(graph.hops[hop] for hop in walk.hops[1:]))
        self.back = tuple(graph.hops[hop.back()] for hop in walk.hops[1:])
        self._diagonal = diagonal
        self.table = table

    def without_edges(self, user: int, edges: Sequence[Edge], graph: Graph) -> Self:
        del user
        return type(self)(
            graph, self.walk, self._diagonal, self.table, degrees=self.fewer_degrees(edges), learned=self.learned
        )

    def reading(self, graph: Graph) -> Self:
        if self.closes:
            # Computed once for all customers.
            _ = self.diagonal
        other = super().reading(graph)
        other.steps = (other.first, *self.steps[1:])
        return other

    @property
    def has_rows(self) -> bool:
        return self.length == 1 or self.table is not None

    def rows_of(self, user: int) -> tuple[NDArray[np.int32], Vector]:
        nodes, values = self.start(user)
        if self.length == 1:
            rows = np.zeros((len(nodes), self.num_products))
            rows[np.arange(len(nodes)), nodes] = values
            return nodes, rows
        rows = self._spread_each(nodes, values) if self.table is None else values[:, None] * self.table[nodes]
        if self.closes:
            for place, row in enumerate(rows):
                self._correct(nodes[place : place + 1], values[place : place + 1], row)
        return nodes, rows

    def scores(self, user: int) -> Vector:
        nodes, values = self.start(user)
        if self.length == 1:
            return np.bincount(nodes, values, self.num_products).astype(np.float64, copy=False)
        if self.table is not None:
            score: Vector = (values[:, None] * self.table[nodes]).sum(axis=0)
        else:
            score = self._spread(nodes, values)
        if self.closes:
            self._correct(nodes, values, score)
        return score

    @once
    def entries(self) -> "Entries | None":
        """What is not 0 in the table, for compiled loops; None: there is no table."""
        from graphrec.terms.compiled.added import entries_of

        return None if self.table is None else entries_of(np.asarray(self.table))

    def _spread(self, nodes: NDArray[np.int32], values: Vector) -> Vector:
        for position in range(1, self.length):
            size = self.graph.counts[self.labels[position]]
            origin, reached = self.steps[position].expand(nodes)
            dense = np.bincount(reached, values[origin], size)
            nodes = np.flatnonzero(dense).astype(np.int32)
            values = dense[nodes] * self.node_weights(position, nodes)
        score = np.zeros(self.num_products)
        score[nodes] = values
        return score

    def _spread_each(self, nodes: NDArray[np.int32], values: Vector) -> Vector:
        """`_spread` of every node apart (len(nodes), num_products)."""
        count, origin = len(nodes), np.arange(len(nodes))
        for position in range(1, self.length):
            size = self.graph.counts[self.labels[position]]
            came_from, reached = self.steps[position].expand(nodes)
            keys, place = np.unique(origin[came_from] * size + reached, return_inverse=True)
            origin, nodes = keys // size, (keys % size).astype(np.int32)
            values = np.bincount(place, values[came_from], len(keys)) * self.node_weights(position, nodes)
        rows = np.zeros((count, self.num_products))
        rows[origin, nodes] = values
        return rows

    @once
    def diagonal(self) -> Vector:
        """W[a, a] of every product a: what walks give that only come back to where the first hop led."""
        if self._diagonal is not None:
            return self._diagonal
        if self.table is not None:
            return np.ascontiguousarray(np.diagonal(self.table))
        return closing_walks(self.steps, self.back, self.scales, self.num_products)

    def _correct(self, nodes: NDArray[np.int32], values: Vector, score: Vector) -> None:
        """Take walks that come back out of a score row; what is only rounding becomes 0."""
        before = score.copy()
        score[nodes] -= values * self.diagonal[nodes]
        score[score < ROUNDING * before] = 0.0

    def shares(self, user: int, products: NDArray[np.int32], position: int) -> list[Part]:
        nodes, values = self.start(user)
        group = LineGroup("path", self.walk.hops[0], position)
        none = np.full(len(nodes), -1, np.int32)
        if self.length == 1:
            return filled(group, nodes, none, values[:, None] * (nodes[:, None] == products[None, :]))
        if self.table is not None and self.length == 2:
            found = values[:, None] * self.table[nodes[:, None], products[None, :]]
            return filled(group, nodes, none, found * self._open(nodes, products))
        if self.length == 2:
            origin, via, mid, through = np.arange(len(nodes)), nodes, none, values
        else:
            origin, mid = self.steps[1].expand(nodes)
            via, through = nodes[origin], values[origin] * self.node_weights(1, mid)
        found = through[:, None] * self._arriving(products, via if self.length == 2 else mid)
        return filled(group, via, mid, found * self._open(via, products))

    def num_paths(self, user: int, products: NDArray[np.int32]) -> NDArray[np.int64]:
        nodes = self.first.row(user)
        if self.length == 1:
            return np.asarray(nodes[:, None] == products[None, :], np.int64)
        found = np.zeros((len(nodes), len(products)), np.int64)
        origin, middle = (np.arange(len(nodes)), nodes) if self.length == 2 else self.steps[1].expand(nodes)
        np.add.at(found, origin, self._arriving(products, middle) != 0)
        return found * self._open(nodes, products)

    def _arriving(self, products: NDArray[np.int32], nodes: NDArray[np.int32]) -> Vector:
        """deg(product) ** -power (len(nodes), len(products)) where a product follows a node, else 0."""
        ends = self.node_weights(self.length - 1, products)
        before, place = np.unique(nodes, return_inverse=True)
        column, reached = self.back[-1].expand(products)
        row = np.searchsorted(before, reached)
        row[row == len(before)] = 0
        there = before[row] == reached if len(before) else np.zeros(len(row), np.bool_)
        table = np.zeros((len(before), len(products)))
        table[row[there], column[there]] = ends[column[there]]
        arriving: Vector = table[place]
        return arriving

    def _open(self, nodes: NDArray[np.int32], products: NDArray[np.int32]) -> NDArray[np.bool_]:
        """False where the neighbour is the product itself."""
        if not self.closes:
            return np.ones((1, len(products)), np.bool_)
        apart: NDArray[np.bool_] = nodes[:, None] != products[None, :]
        return apart

    def describe(self) -> tuple[dict[str, Any], dict[str, Stored], dict[str, StoredRows]]:
        walk, arrays, rows = super().describe()
        if self.table is not None:
            arrays["table"] = Stored(self.table, (self.labels[0], self.roles.product))
        if self.closes:
            arrays["diagonal"] = Stored(self.diagonal, (self.roles.product,))
        return walk, arrays, rows


def closing_walks(
    steps: Sequence[Adjacency], back: Sequence[Adjacency], weights: Sequence[Vector], size: int
) -> Vector:
    """For every product at the first hop: the value of all walks over hops 2.. that end at itself (size,).

    Args:
        steps: the hops; the first is not read.
        back: hops 2.. backwards.
        weights: the factors of the nodes at every hop; those at the first are not read.
    """
    result = np.zeros(size)
    for start in range(0, size, PRODUCTS_AT_ONCE):
        end = min(start + PRODUCTS_AT_ONCE, size)
        products, nodes = _pairs(steps[1], start, end)
        if len(steps) == 2:
            own = products == nodes
            values = weights[1][nodes[own]]
        else:
            count = back[0].num_rows
            others, reached = _pairs(back[1], start, end)
            own = among(products * count + nodes, others * count + reached)
            values = weights[1][nodes[own]] * weights[2][products[own]]
        result += np.bincount(products[own], values, size)
    return result


def _pairs(hop: Adjacency, start: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and node of every entry of some rows, in their order."""
    rows = np.repeat(np.arange(start, end), np.diff(hop.indptr[start : end + 1]))
    return rows, hop.indices[hop.indptr[start] : hop.indptr[end]].astype(np.int64)
