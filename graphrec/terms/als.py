"""Alternating least squares as it is served: a user's vector is solved from what they hold, and kept nowhere.

    A_u = Y^T Y + alpha sum over held a: y_a y_a^T + lambda I,    x_u = A_u^-1 (1 + alpha) sum over held a: y_a
    s(u, i) = <x_u, y_i> = sum over held a: (1 + alpha) <A_u^-1 y_a, y_i>

Each summand is a line; how much a holding says depends on the others through A_u, as Hu et al. (ICDM 2008), section 5,
explain it.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Graph, Hop
from graphrec.terms.base import LineGroup, Shares
from graphrec.terms.factors import stacked

Matrix = NDArray[np.float64]


class AlsTerm:
    """The term of product vectors.

    Shapes: products (num_products, dim) = Y.
    """

    def __init__(self, graph: Graph, products: NDArray[np.float32], alpha: float, regularization: float) -> None:
        self.name = "als"
        self.graph = graph
        self.products = products
        self.alpha = alpha
        self.regularization = regularization

    def knows(self, user: int) -> bool:
        """Whether the user holds anything."""
        return any(len(self.graph.hops[hop].row(user)) for hop in self._hops())

    def scores(self, user: int) -> NDArray[np.float64]:
        """Scores of all products (num_products,) for one user."""
        solved = self._solved(self._held(user))
        return np.asarray(self.products.astype(np.float64) @ solved.sum(axis=0))

    def batch(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """Scores (len(users), num_products)."""
        from graphrec.terms.compiled.least_squares import solve_rows

        factors = np.asarray(self.products, np.float64)
        vectors = solve_rows(*self._edges(users), factors, self._gram, self.alpha)
        return np.asarray(vectors.astype(np.float32) @ np.asarray(self.products).T)

    def rows(self, users: NDArray[np.int32]) -> NDArray[np.float64]:
        """What `scores` gives for each user (len(users), num_products)."""
        return stacked(self, users)

    def shares(self, user: int, products: NDArray[np.int32]) -> Shares:
        """One line per holding."""
        via = self._held(user)
        if not len(via):
            return Shares.none(len(products))
        values = self._solved(via) @ np.asarray(self.products[products], np.float64).T
        parts, start = [], 0
        for hop in self._hops():
            rows = self.graph.hops[hop].row(user)
            span = slice(start, start + len(rows))
            group = LineGroup("similarity", hop, part="learned")
            parts.append((group, rows, np.full(len(rows), -1, np.int32), values[span]))
            start = span.stop
        return Shares.stack(parts)

    @cached_property
    def _gram(self) -> Matrix:
        factors = np.asarray(self.products, np.float64)
        return factors.T @ factors + self.regularization * np.eye(factors.shape[1])

    def _hops(self) -> list[Hop]:
        return [Hop(name) for name in self.graph.schema.roles.relevant]

    def _held(self, user: int) -> NDArray[np.int32]:
        """The products at the user's edges, type by type."""
        return np.concatenate([self.graph.hops[hop].row(user) for hop in self._hops()])

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
