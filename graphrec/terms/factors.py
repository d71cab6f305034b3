"""Factors and tables: learned weights between a user's neighbours and the products."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Graph, Hop
from graphrec.terms.base import LineGroup, LineKind, LinePart, Shares, Term

#: Scores are the same for all products when their spread is below this share of their mean: float32 knows no less.
SAME = 1e-6
#: Rows of a matrix taken into float64 at once.
ROWS = 8_192


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Where a learned term takes its neighbours from.

    `hop` names the user's edges; None with `own` means one pseudo-neighbour for what is the user's own (row = user), a
    text or with kind `self` an ID vector; None without it the pseudo-neighbour everyone (row 0).
    Shapes: left (nodes, dim) for factors, (nodes, num_products) for a table, or CSR given by a `SparseRows`.
    """

    hop: Hop | None
    left: "NDArray[np.float32] | SparseRows"
    own: bool = False
    kind: LineKind | None = None
    """What its lines are called where the edges do not say it."""

    def rows(self, graph: Graph, user: int) -> NDArray[np.int32]:
        """The rows of `left` that one user has."""
        if self.hop is not None:
            return graph.hops[self.hop].row(user)
        return np.array([user if self.own else 0], np.int32)

    def group(self, graph: Graph, part: LinePart = "") -> LineGroup:
        """What its lines are called."""
        kind: LineKind = self.kind or "general"
        if self.hop is not None:
            kind = "similarity" if self.hop.type in graph.schema.roles.interactions else "attribute"
        elif self.own and not self.kind:
            kind = "similarity"
        return LineGroup(kind, self.hop, part=part)


@dataclass(frozen=True, eq=False)
class SparseRows:
    """A sparse matrix (nodes, num_products) by rows with sorted columns."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[np.float32]
    num_products: int

    def sum_of(self, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        """The sum of some rows (num_products,)."""
        total = np.zeros(self.num_products)
        for row in rows:
            span = slice(int(self.indptr[row]), int(self.indptr[row + 1]))
            total[self.indices[span]] += self.values[span]
        return total

    def at(self, rows: NDArray[np.int32], products: NDArray[np.int32]) -> NDArray[np.float64]:
        """The entries (len(rows), len(products))."""
        found = np.zeros((len(rows), len(products)))
        for position, row in enumerate(rows):
            span = slice(int(self.indptr[row]), int(self.indptr[row + 1]))
            columns = self.indices[span]
            if len(columns):
                places = np.minimum(np.searchsorted(columns, products), len(columns) - 1)
                found[position] = np.where(columns[places] == products, self.values[span][places], 0.0)
        return found


class FactorTerm:
    """Two thin matrices: score = (sum of left rows) . right row; the first `text_dim` dimensions come from texts.

    Args:
        rounded: the rows are those of `exact_rows` already, as a model's files hold them.

    Shapes: left (nodes, dim), right (num_products, dim).
    """

    def __init__(
        self,
        name: str,
        graph: Graph,
        neighbours: Sequence[Neighbours],
        right: NDArray[np.float32],
        *,
        text_dim: int = 0,
        rounded: bool = False,
    ) -> None:
        self.name = name
        self.graph = graph
        if not rounded:
            matrices = {id(matrix): matrix for matrix in (right, *(_dense(source) for source in neighbours))}
            exact = {key: exact_rows(matrix) for key, matrix in matrices.items()}
            right = exact[id(right)]
            neighbours = [replace(source, left=exact[id(source.left)]) for source in neighbours]
        self.neighbours = tuple(neighbours)
        self.right = right
        self.text_dim = text_dim

    def scores(self, user: int) -> NDArray[np.float64]:
        """Scores of all products (num_products,) for one user, in the precision of the factors."""
        total = np.zeros(self.right.shape[1], np.float32)
        for source in self.neighbours:
            total += _dense(source)[source.rows(self.graph, user)].sum(axis=0)
        return (self.right @ total).astype(np.float64)

    def batch(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """Scores (len(users), num_products)."""
        return self._sums(users) @ np.asarray(self.right).T

    def standardised(
        self, users: NDArray[np.int32], weight: float, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """`batch` with every row divided by its standard deviation and times `weight`; 0 in rows without spread.

        The spread comes from the covariance of the right rows, so that no score is looked at twice. With `out` they are
        written there.
        """
        total = self._sums(users)
        exact = total.astype(np.float64)
        mean, covariance = self._moments
        spread = np.sqrt(np.maximum(((exact @ covariance) * exact).sum(axis=1), 0.0))
        varied = spread > SAME * np.abs(exact @ mean)
        scale = np.divide(weight, spread, out=np.zeros_like(spread), where=varied)
        scores: NDArray[np.float32] = np.matmul(
            total * scale[:, None].astype(np.float32), np.asarray(self.right).T, out=out
        )
        return scores

    @cached_property
    def _moments(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean (dim,) and covariance (dim, dim) of the right rows."""
        mean = self.right.mean(axis=0, dtype=np.float64)
        covariance = np.zeros((len(mean), len(mean)))
        for start in range(0, len(self.right), ROWS):
            apart = self.right[start : start + ROWS] - mean
            covariance += apart.T @ apart
        return mean, covariance / max(len(self.right), 1)

    def _sums(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """The sum of the left rows of each user (len(users), dim)."""
        total = np.zeros((len(users), self.right.shape[1]), np.float32)
        for source in self.neighbours:
            total += _gathered(self.graph, source, users)
        return total

    def rows(self, users: NDArray[np.int32]) -> NDArray[np.float64]:
        """What `scores` gives for each user (len(users), num_products)."""
        return stacked(self, users)

    def shares(self, user: int, products: NDArray[np.int32]) -> Shares:
        """One line per neighbour; text and learned part apart."""
        right = np.asarray(self.right[products], np.float64)
        parts = []
        for source in self.neighbours:
            rows = source.rows(self.graph, user)
            left = np.asarray(_dense(source)[rows], np.float64)
            for part, span in self.parts():
                values = left[:, span] @ right[:, span].T
                parts.append((source.group(self.graph, part), *_vias(source, rows), values))
        return Shares.stack(parts) if parts else Shares.none(len(products))

    def parts(self) -> list[tuple[LinePart, slice]]:
        """The dimensions that come from texts and those that were learned."""
        if not self.text_dim:
            return [("learned", slice(None))]
        whole: list[tuple[LinePart, slice]] = [("text", slice(0, self.text_dim))]
        return [*whole, ("learned", slice(self.text_dim, None))] if self.text_dim < self.right.shape[1] else whole


class TableTerm:
    """A weight per neighbour and product: EASE, item-kNN, popularity.

    Shapes: left (nodes, num_products), dense or `SparseRows`.
    """

    def __init__(self, name: str, graph: Graph, neighbours: Sequence[Neighbours]) -> None:
        self.name = name
        self.graph = graph
        self.neighbours = tuple(neighbours)

    def scores(self, user: int) -> NDArray[np.float64]:
        """Scores of all products (num_products,) for one user."""
        total = np.zeros(self.graph.num_products)
        for source in self.neighbours:
            rows = source.rows(self.graph, user)
            if isinstance(source.left, SparseRows):
                total += source.left.sum_of(rows)
            else:
                total += np.asarray(source.left[rows], np.float64).sum(axis=0)
        return total

    def batch(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """Scores (len(users), num_products)."""
        total = np.zeros((len(users), self.graph.num_products), np.float32)
        for source in self.neighbours:
            total += _gathered(self.graph, source, users)
        return total

    def rows(self, users: NDArray[np.int32]) -> NDArray[np.float64]:
        """What `scores` gives for each user (len(users), num_products)."""
        return stacked(self, users)

    def shares(self, user: int, products: NDArray[np.int32]) -> Shares:
        """One line per neighbour."""
        parts = []
        for source in self.neighbours:
            rows = source.rows(self.graph, user)
            if isinstance(source.left, SparseRows):
                values = source.left.at(rows, products)
            else:
                values = np.asarray(source.left[rows[:, None], products[None, :]], np.float64)
            part: LinePart = "learned" if source.hop is not None else ""
            parts.append((source.group(self.graph, part), *_vias(source, rows), values))
        return Shares.stack(parts) if parts else Shares.none(len(products))


def exact_rows(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows rounded to 21 bits below the largest number of each: their dot products add up without rounding.

    A product of two such numbers has at most 42 bits above a power of two, so float64 holds the sum of 2,048 of them
    exactly, in whatever order BLAS or compiled code adds.
    """
    peak = np.abs(values).max(axis=1, keepdims=True, initial=0.0)
    step = np.ldexp(np.float32(1), np.maximum(np.frexp(peak)[1], -100) - 21)
    rounded: NDArray[np.float32] = np.round(values / step) * step
    return rounded


def stacked(term: Term, users: NDArray[np.int32]) -> NDArray[np.float64]:
    """The scores of each user (len(users), num_products), one after another."""
    return np.stack([term.scores(int(user)) for user in users])


def _dense(source: Neighbours) -> NDArray[np.float32]:
    assert not isinstance(source.left, SparseRows), "factors are dense"
    return source.left


def _vias(source: Neighbours, rows: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    none = np.full(len(rows), -1, np.int32)
    return (rows if source.hop is not None else none), none


def _gathered(graph: Graph, source: Neighbours, users: NDArray[np.int32]) -> NDArray[np.float32]:
    """The sum of the left rows of every user (len(users), width)."""
    if source.hop is None:
        rows = users if source.own else np.zeros(len(users), np.int32)
        return np.asarray(source.left[rows])  # type: ignore[index]
    from graphrec.terms.compiled.scores import sum_of_rows

    return sum_of_rows(graph.hops[source.hop], users, source.left)
