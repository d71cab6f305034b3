"""Alternating least squares as it is served: a user's vector is solved from what they hold, and kept nowhere.

    A_u = Y^T Y + alpha sum over held a: y_a y_a^T + lambda I,    x_u = A_u^-1 (1 + alpha) sum over held a: y_a
    s(u, i) = <x_u, y_i> = sum over held a: (1 + alpha) <A_u^-1 y_a, y_i>

Each summand is a line; how much a holding says depends on the others through A_u, as Hu et al. (ICDM 2008), section 5,
explain it. Where `supported` says for which products a holding may speak, its line is 0 for all others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop
from graphrec.terms import compiled
from graphrec.terms.base import Described, Matrix, Stored, StoredRows, Term, graph_without, once
from graphrec.terms.ledger import Edge, LineGroup, Shares


@dataclass(frozen=True, eq=False)
class AlsTerm(Term):
    """The term of product vectors.

    Shapes: products (num_products, dim) = Y.
    """

    form = "als"
    is_linear = False
    graph: Graph
    products: NDArray[np.float32]
    alpha: float
    regularization: float
    name: str = "als"
    supported: Mapping[Hop, Adjacency] = field(default_factory=dict)
    """By hop, the products that a holding may speak for; a hop without it may speak for all."""

    @property
    def hops(self) -> frozenset[Hop]:
        """The edges to what is held."""
        return frozenset(self._hops())

    def knows(self, user: int) -> bool:
        """Whether the user holds anything."""
        return any(len(self.graph.hops[hop].row(user)) for hop in self._hops())

    def scores(self, user: int) -> NDArray[np.float64]:
        """Scores of all products (num_products,) for one user."""
        if self.supported:
            return self._supported_sums(user)
        solved = self._solved(self._held(user))
        return np.asarray(self._factors @ solved.sum(axis=0))

    def batch(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """Scores (len(users), num_products)."""
        if self.supported:
            return np.stack([self.scores(int(user)) for user in users]).astype(np.float32)
        if compiled.is_there():
            from graphrec.terms.compiled.least_squares import solve_rows

            vectors = solve_rows(*self._edges(users), self._factors, self._gram, self.alpha)
        else:
            vectors = np.stack([self._solved(self._held(int(user))).sum(axis=0) for user in users])
        return np.asarray(vectors.astype(np.float32) @ np.asarray(self.products).T)

    def shares(self, user: int, products: NDArray[np.int32]) -> Shares:
        """One line per holding."""
        via = self._held(user)
        if not len(via):
            return Shares.none(len(products))
        values = self._lines(user, products)
        parts, start = [], 0
        for hop in self._hops():
            rows = self.graph.hops[hop].row(user)
            span = slice(start, start + len(rows))
            group = LineGroup("similarity", hop, part="learned")
            parts.append((group, rows, np.full(len(rows), -1, np.int32), values[span]))
            start = span.stop
        return Shares.stack(parts)

    def edges(self, user: int) -> list[Edge]:
        """What the user holds."""
        return [(hop, node) for hop in self._hops() for node in self.graph.hops[hop].row(user).tolist()]

    def without_edges(self, user: int, edges: Sequence[Edge]) -> Self:
        """The same product vectors; the user's is solved from what is left."""
        return replace(self, graph=graph_without(self.graph, user, edges))

    def scores_without(self, user: int, edges: Sequence[Edge], kept: NDArray[np.bool_]) -> Matrix:
        """Solved anew from what is left, case by case."""
        places = {edge: place for place, edge in enumerate(edges)}
        own = self.edges(user)
        held, chosen = self._held(user), kept[:, [places[edge] for edge in own]]
        if self.supported:
            open_ = self._open(user, np.arange(self.graph.num_products))
            lines = (self._solved(held[case]) @ self._factors.T * open_[case] for case in chosen)
            return np.stack([some.sum(axis=0) for some in lines])
        vectors = np.stack([self._solved(held[case]).sum(axis=0) for case in chosen])
        return np.asarray(vectors @ self._factors.T)

    def describe(self) -> Described:
        """The product vectors and how a user's is solved."""
        settings = {"alpha": self.alpha, "regularization": self.regularization}
        product = self.graph.schema.roles.product
        rows = {str(hop): StoredRows.of(pairs, product, product) for hop, pairs in self.supported.items()}
        return Described(self.name, settings, {"products": Stored(self.products, (product, None))}, rows)

    @classmethod
    def open(cls, described: Described, graph: Graph) -> Self:
        """The described term."""
        settings = described.settings
        products = described.arrays["products"].values
        pairs = {Hop.parse(name): rows.adjacency() for name, rows in described.rows.items()}
        return cls(graph, products, settings["alpha"], settings["regularization"], described.name, pairs)

    @once
    def _factors(self) -> Matrix:
        return np.asarray(self.products, np.float64)

    @once
    def _gram(self) -> Matrix:
        return self._factors.T @ self._factors + self.regularization * np.eye(self._factors.shape[1])

    def _hops(self) -> list[Hop]:
        return [Hop(name) for name in self.graph.schema.roles.relevant]

    def _held(self, user: int) -> NDArray[np.int32]:
        """The products at the user's edges, type by type."""
        return np.concatenate([self.graph.hops[hop].row(user) for hop in self._hops()])

    def _lines(self, user: int, products: NDArray[np.integer]) -> Matrix:
        """What each holding gives to some products (num_held, len(products))."""
        values = self._solved(self._held(user)) @ np.asarray(self.products[products], np.float64).T
        return values * self._open(user, products) if self.supported else values

    def _supported_sums(self, user: int) -> NDArray[np.float64]:
        """The sums of what the holdings give to the products that they may speak for (num_products,)."""
        rows, products, start = [], [], 0
        for hop in self._hops():
            held = self.graph.hops[hop].row(user)
            places, targets = self.supported[hop].expand(held)
            rows.append(places + start)
            products.append(targets)
            start += len(held)
        values, to = self._solved(self._held(user)) @ self._factors.T, np.concatenate(products)
        found = np.bincount(to, values[np.concatenate(rows), to], minlength=self.graph.num_products)
        return found.astype(np.float64, copy=False)  # of nobody who holds something it counts

    def _open(self, user: int, products: NDArray[np.integer]) -> NDArray[np.bool_]:
        """For which products each holding may speak (num_held, len(products))."""
        parts = []
        for hop in self._hops():
            held = self.graph.hops[hop].row(user)
            there = np.zeros((len(held), self.graph.num_products), np.bool_)
            there[self.supported[hop].expand(held)] = True
            parts.append(there[:, products])
        return np.concatenate(parts)

    def _solved(self, held: NDArray[np.int32]) -> Matrix:
        """What each holding adds to the user's vector (len(held), dim)."""
        factors = np.asarray(self.products[held], np.float64)
        inner = self._gram + self.alpha * factors.T @ factors
        return np.asarray((1 + self.alpha) * np.linalg.solve(inner, factors.T).T, np.float64)

    def _edges(self, users: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The products at the edges of some users, as rows."""
        parts = [self.graph.hops[hop].expand(users) for hop in self._hops()]
        rows = np.concatenate([part[0] for part in parts])
        order = np.argsort(rows, kind="stable")
        indptr = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=len(users)))))
        return indptr, np.concatenate([part[1] for part in parts])[order].astype(np.int64)
