"""Several learned terms of the same neighbours that are one model: their lines are added up, neighbour by neighbour."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.terms.base import Described, Matrix, Term
from graphrec.terms.forms.factors import FactorTerm, TableTerm
from graphrec.terms.ledger import Edge, Shares


class SumTerm(Term):
    """Factors and a sparse table of the same neighbours: what thin matrices leave out of W is in the table.

    Args:
        parts: with neighbours by the same hops in the same order.
    """

    form = "sum"
    folds_in = True

    def __init__(self, name: str, graph: Graph, parts: tuple[FactorTerm, TableTerm]) -> None:
        self.name = name
        self.graph = graph
        self.parts = parts

    @property
    def hops(self) -> frozenset[Hop]:
        """The hops to its neighbours."""
        return self.parts[0].hops

    def knows(self, user: int) -> bool:
        """Whether a neighbour speaks for the user."""
        return self.parts[0].knows(user)

    @property
    def product_vectors(self) -> NDArray[np.float32] | None:
        """Those of the factors."""
        return self.parts[0].product_vectors

    def scores(self, user: int) -> NDArray[np.float64]:
        """Scores of all products (num_products,) for one user."""
        return self.parts[0].scores(user) + self.parts[1].scores(user)

    def rows(self, users: NDArray[np.int32]) -> Matrix:
        """What `scores` gives for each user (len(users), num_products), to the bit."""
        total = self.parts[0].rows(users)
        total += self.parts[1].rows(users)
        return total

    def batch(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """Scores (len(users), num_products)."""
        total = self.parts[0].batch(users)
        total += self.parts[1].batch(users)
        return total

    def shares(self, user: int, products: NDArray[np.int32]) -> Shares:
        """One line per neighbour."""
        first, second = (part.shares(user, products) for part in self.parts)
        return replace(first, values=first.values + second.values)

    def edges(self, user: int) -> list[Edge]:
        """The user's edges to its neighbours."""
        return self.parts[0].edges(user)

    def reading(self, graph: Graph) -> Self:
        """The same weights on other edges of its users."""
        return type(self)(self.name, graph, (self.parts[0].reading(graph), self.parts[1].reading(graph)))

    def without_edges(self, user: int, edges: Sequence[Edge]) -> Self:
        """The same weights on the edges that are left (fold-in)."""
        first, second = self.parts
        parts = first.without_edges(user, edges), second.without_edges(user, edges)
        return type(self)(self.name, parts[0].graph, parts)

    def scores_without(self, user: int, edges: Sequence[Edge], kept: NDArray[np.bool_]) -> Matrix:
        """The sums of the rows that are left."""
        first, second = (part.scores_without(user, edges, kept) for part in self.parts)
        return first + second

    def describe(self) -> Described:
        """Both parts."""
        parts = [part.describe() for part in self.parts]
        settings: dict[str, Any] = {"parts": [dict(part.settings) for part in parts]}
        arrays = {f"{n}/{name}": one for n, part in enumerate(parts) for name, one in part.arrays.items()}
        rows = {f"{n}/{name}": one for n, part in enumerate(parts) for name, one in part.rows.items()}
        return Described(self.name, settings, arrays, rows)

    @classmethod
    def open(cls, described: Described, graph: Graph) -> Self:
        """The described parts."""

        def part(n: int) -> Described:
            start = f"{n}/"
            arrays = {name[2:]: one for name, one in described.arrays.items() if name.startswith(start)}
            rows = {name[2:]: one for name, one in described.rows.items() if name.startswith(start)}
            return Described(described.name, described.settings["parts"][n], arrays, rows)

        return cls(described.name, graph, (FactorTerm.open(part(0), graph), TableTerm.open(part(1), graph)))
