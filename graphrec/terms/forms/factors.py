"""Factors and tables: learned weights between a user's neighbours and the products."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import CheckpointMismatch
from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.terms import compiled
from graphrec.terms.base import Described, Matrix, Stored, StoredRows, Term, graph_without, once
from graphrec.terms.ledger import Edge, LineGroup, LineKind, LinePart, Lines, Shares

#: Scores are the same for all products when their spread is below this share of their mean: float32 knows no less.
SAME = 1e-6
#: Rows of a matrix taken into float64 at once.
ROWS = 8_192
#: Rows that are taken into float64 and multiplied while they are in the cache of a processor.
PIECE = 512
#: Bits of the rows of factors below the largest number of each.
BITS = 21
#: Up to so many numbers the right rows are kept in float64 from the first time (4 MiB), or from the second (128 MiB).
KEPT, KEPT_LATER = 2**19, 2**24


@dataclass(frozen=True, eq=False)
class SparseRows:
    """A sparse matrix (nodes, num_products) by rows with sorted columns."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[np.float32]
    num_products: int

    def add_to(
        self, rows: NDArray[np.int32], total: NDArray[np.floating[Any]], left: NDArray[np.float64] | None = None
    ) -> None:
        """Add some rows to `total` (num_products,), one after another, what is `left` of each; None: all."""
        for place, row in enumerate(rows):
            span = slice(int(self.indptr[row]), int(self.indptr[row + 1]))
            values = self.values[span]
            total[self.indices[span]] += values if left is None else left[place] * values

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


@dataclass(frozen=True, eq=False)
class Own:
    """A row of the user's own, made from what is known of them when they ask: a model holds no row of a user.

    Shapes: centre (width,).
    """

    block: str = ""
    """Digest of the feature block of users that it is made of; empty: 1 for who holds something."""
    centre: NDArray[np.float32] | None = None
    """Taken off a row that is not zero."""
    unit: bool = False
    """Whether rows have length 1."""

    def rows(self, graph: Graph, users: NDArray[np.integer]) -> NDArray[np.float32]:
        """The rows of some users (len(users), width), zeros where nothing is known.

        Raises:
            CheckpointMismatch: the graph has no rows of this block.
        """
        if not self.block:
            degrees = [graph.hops[hop].degrees_of(users) for hop in self.hops(graph)]
            return np.asarray(np.sum(degrees, axis=0) > 0, np.float32)[:, None]
        if self.block not in graph.blocks:
            raise CheckpointMismatch(
                f"the model reads features {self.block[:12]} of {graph.schema.roles.user}, which are not there; "
                "run: graphrec train"
            )
        rows = np.asarray(graph.blocks[self.block][users])
        assert self.centre is not None, "a block has a centre"
        if self.unit:
            return exact_rows(centred(rows, np.asarray(self.centre)))
        present = (rows != 0).any(axis=1)
        return exact_rows(np.where(present[:, None], rows - np.asarray(self.centre), np.float32(0)))

    def hops(self, graph: Graph) -> list[Hop]:
        """The edges that decide whether a user holds something."""
        return [] if self.block else [Hop(name) for name in graph.schema.roles.relevant]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Where a learned term takes its neighbours from.

    `hop` names the user's edges; None with an `Own` means one pseudo-neighbour for what is the user's own; None with a
    matrix the pseudo-neighbour everyone (row 0).
    Shapes: left (nodes, dim) for factors, (nodes, num_products) for a table, or CSR given by a `SparseRows`.
    """

    hop: Hop | None
    left: "NDArray[np.float32] | SparseRows | Own"
    kind: LineKind | None = None
    """What its lines are called where the edges do not say it."""

    @property
    def is_own(self) -> bool:
        """Whether it is what the user's own row says."""
        return isinstance(self.left, Own)

    def rows(self, graph: Graph, user: int) -> NDArray[np.int32]:
        """The rows of `left` that one user has."""
        return graph.hops[self.hop].row(user) if self.hop is not None else np.zeros(1, np.int32)

    def of_users(
        self, graph: Graph, users: NDArray[np.int32]
    ) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]:
        """The rows of factors that some users have: a matrix, places in it, where those of each user begin, and x.

        No x: all 1.
        """
        none = np.zeros(0)
        if isinstance(self.left, Own):
            own = self.left.rows(graph, users)
            return own, np.arange(len(users), dtype=np.int32), np.arange(len(users) + 1), none
        if self.hop is None:
            return self.dense, np.zeros(len(users), np.int32), np.arange(len(users) + 1), none
        adjacency = graph.hops[self.hop]
        ends = np.zeros(len(users) + 1, np.int64)
        np.cumsum(adjacency.degrees_of(users), out=ends[1:])
        x = none
        if adjacency.is_alone:
            parts = [left for user in users.tolist() if (left := adjacency.left(user)) is not None]
            x = np.concatenate(parts) if parts else none
        elif adjacency.faded is not None:
            first = adjacency.indptr[users] - ends[:-1]
            x = adjacency.faded[np.arange(ends[-1]) + np.repeat(first, np.diff(ends))]
        return self.dense, adjacency.expand(users)[1], ends, x

    def of_user(self, graph: Graph, user: int) -> NDArray[np.float32]:
        """The rows of factors that one user has (num_rows, dim)."""
        if isinstance(self.left, Own):
            return self.left.rows(graph, np.array([user]))
        return self.dense[self.rows(graph, user)]

    def x(self, graph: Graph, user: int) -> NDArray[np.float64] | None:
        """What their age leaves of the rows that one user has; None: all of them."""
        return None if self.hop is None else graph.hops[self.hop].left(user)

    def worth(self, graph: Graph, user: int) -> Matrix:
        """The rows of factors that one user has, times what is left of each (num_rows, dim)."""
        rows, left = np.asarray(self.of_user(graph, user), np.float64), self.x(graph, user)
        return rows if left is None else left[:, None] * rows

    @property
    def dense(self) -> NDArray[np.float32]:
        """`left` of factors, which is never sparse."""
        assert not isinstance(self.left, (SparseRows, Own)), "factors are dense"
        return self.left

    def add_to(self, graph: Graph, user: int, total: NDArray[np.float64]) -> None:
        """Add the rows of a table that one user has to `total` (num_products,)."""
        if isinstance(self.left, SparseRows):
            self.left.add_to(self.rows(graph, user), total, self.x(graph, user))
        else:
            total += self.worth(graph, user).sum(axis=0)

    def at(self, rows: NDArray[np.int32], products: NDArray[np.int32]) -> Matrix:
        """The entries of a table (len(rows), len(products))."""
        if isinstance(self.left, SparseRows):
            return self.left.at(rows, products)
        return np.asarray(self.dense[rows[:, None], products[None, :]], np.float64)

    def gathered(self, graph: Graph, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """The sum of the rows of every user (len(users), width), in float32."""
        if isinstance(self.left, Own):
            return self.left.rows(graph, users)
        if self.hop is None:
            return np.asarray(self.dense[np.zeros(len(users), np.int32)])
        if compiled.is_there():
            from graphrec.terms.compiled.scores import sum_of_dense, sum_of_sparse

            adjacency = graph.hops[self.hop]
            if isinstance(self.left, SparseRows):
                return sum_of_sparse(adjacency, users, self.left)
            return sum_of_dense(adjacency, users, self.left)
        width = self.left.num_products if isinstance(self.left, SparseRows) else self.left.shape[1]
        total = np.zeros((len(users), width), np.float32)
        for place, user in enumerate(users.tolist()):
            rows, left = self.rows(graph, user), self.x(graph, user)
            if isinstance(self.left, SparseRows):
                self.left.add_to(rows, total[place], left)
            elif left is None:
                self.left[rows].sum(axis=0, out=total[place])
            else:
                total[place] = self.worth(graph, user).sum(axis=0)
        return total

    def speaks_for(self, graph: Graph, user: int) -> bool:
        """Whether it has anything of the user's own: an edge that is no rejection, or a row that is not zero."""
        if self.kind == "against":
            return False
        if self.hop is not None:
            return len(graph.hops[self.hop].row(user)) > 0
        return self.is_own and bool(self.of_user(graph, user).any())

    def vias(self, rows: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The neighbour of every line and the node behind it (-1: none)."""
        none = np.full(len(rows), -1, np.int32)
        return (rows if self.hop is not None else none), none

    def edges(self, graph: Graph, user: int) -> list[Edge | None]:
        """The edge that every line rests on."""
        group = self.group(graph)
        return [group.edge(via) for via in self.vias(self.rows(graph, user))[0].tolist()]

    def group(self, graph: Graph, part: LinePart = "") -> LineGroup:
        """What its lines are called."""
        kind: LineKind = self.kind or "general"
        if self.hop is not None and self.kind == "against":
            part = "rejected"
        elif self.hop is not None:
            kind = "similarity" if self.hop.type in graph.schema.roles.interactions else "attribute"
        elif self.is_own and not self.kind:
            kind = "similarity"
        return LineGroup(kind, self.hop, part=part)


class _Learned(Term):
    """What factors and tables share: the neighbours whose learned rows they add up."""

    folds_in = True
    neighbours: tuple[Neighbours, ...]

    @property
    def hops(self) -> frozenset[Hop]:
        """The hops to its neighbours."""
        lefts = [source.left for source in self.neighbours]
        own = [hop for left in lefts if isinstance(left, Own) for hop in left.hops(self.graph)]
        return frozenset([*own, *(source.hop for source in self.neighbours if source.hop is not None)])

    def knows(self, user: int) -> bool:
        """Whether a neighbour but "everyone" speaks for the user."""
        return any(source.speaks_for(self.graph, user) for source in self.neighbours)

    @property
    def is_general(self) -> bool:
        """Whether its only neighbour is "everyone"."""
        return all(source.hop is None and not source.is_own for source in self.neighbours)

    def edges(self, user: int) -> list[Edge]:
        """The user's edges to its neighbours, and their own text."""
        found = [edge for source in self.neighbours for edge in source.edges(self.graph, user)]
        for source in self.neighbours:
            if isinstance(source.left, Own):
                for hop in source.left.hops(self.graph):
                    found += [(hop, node) for node in self.graph.hops[hop].row(user).tolist()]
        return list(dict.fromkeys(edge for edge in found if edge is not None))

    def without_edges(self, user: int, edges: Sequence[Edge]) -> Self:
        """The same weights on the edges that are left (fold-in)."""
        kept = (source for source in self.neighbours if source.hop is not None or not self._is_gone(source, edges))
        return self._on(graph_without(self.graph, user, edges), tuple(kept))

    def _is_gone(self, source: Neighbours, edges: Sequence[Edge]) -> bool:
        edge = source.group(self.graph).edge(-1)
        return edge is not None and edge in edges

    @abstractmethod
    def _on(self, graph: Graph, neighbours: tuple[Neighbours, ...]) -> Self:
        """The same weights on another graph."""

    def _left_of(
        self, user: int, edges: Sequence[Edge], kept: NDArray[np.bool_]
    ) -> Iterator[tuple[Neighbours, NDArray[np.int32], Matrix]]:
        """For each source of neighbours: the user's rows, and what is left of them in each case, 0 to 1."""
        places = {edge: place for place, edge in enumerate(edges)}
        for source in self.neighbours:
            own = source.edges(self.graph, user)
            there = np.ones((len(kept), len(own)))
            for column, edge in enumerate(own):
                if edge is not None:
                    there[:, column] = kept[:, places[edge]]
            if isinstance(source.left, Own) and not source.left.block:
                # Who holds nothing any more has no row.
                held = [place for edge, place in places.items() if edge[0] in source.left.hops(self.graph)]
                there[:, 0] = kept[:, held].any(axis=1)
            left = source.x(self.graph, user)
            yield source, source.rows(self.graph, user), there if left is None else there * left

    def _describe_neighbours(self) -> Described:
        """The neighbours, for a model folder; the right side of factors is not here."""
        product = self.graph.schema.roles.product
        neighbours = []
        arrays: dict[str, Stored] = {}
        rows: dict[str, StoredRows] = {}
        for n, source in enumerate(self.neighbours):
            entry: dict[str, Any] = {"hop": str(source.hop) if source.hop else None, "own": None, "kind": source.kind}
            left = source.left
            if isinstance(left, Own):
                entry["own"] = {"block": left.block, "unit": left.unit}
                if left.centre is not None:
                    arrays[f"{n}/centre"] = Stored(left.centre, (None,))
            elif isinstance(left, SparseRows):
                assert source.hop is not None, "everyone has a dense row"
                label = self.graph.target(source.hop)
                rows[f"{n}/left"] = StoredRows(left.indptr, left.indices, label, product, left.values)
            else:
                axis = self.graph.target(source.hop) if source.hop else None
                arrays[f"{n}/left"] = Stored(left, (axis, product if self.form == "table" else None))
            neighbours.append(entry)
        return Described(self.name, {"neighbours": neighbours}, arrays, rows)

    @staticmethod
    def _open_neighbours(described: Described, graph: Graph) -> tuple[Neighbours, ...]:
        neighbours = []
        for n, entry in enumerate(described.settings["neighbours"]):
            hop = Hop.parse(entry["hop"]) if entry["hop"] else None
            left: NDArray[np.float32] | SparseRows | Own
            if entry["own"] is not None:
                centre = described.arrays.get(f"{n}/centre")
                left = Own(centre=None if centre is None else np.asarray(centre.values), **entry["own"])
            elif f"{n}/left" in described.arrays:
                left = described.arrays[f"{n}/left"].values
            else:
                stored = described.rows[f"{n}/left"]
                assert stored.values is not None, "weights have values"
                left = SparseRows(stored.indptr, stored.indices, stored.values, graph.num_products)
            neighbours.append(Neighbours(hop, left, entry["kind"]))
        return tuple(neighbours)


class FactorTerm(_Learned):
    """Two thin matrices: score = (sum of left rows) . right row; the first `text_dim` dimensions come from features.

    Args:
        text_dim: how many dimensions come from a feature block, 0 where all were learned.
        part: the name of that block, which lines of those dimensions name.
        sentences: of its lines by sign (`+`, `-`; `own+`, `own-` for what is the user's own) and language, for a block
            that no language of graphrec knows.
        rounded: the rows are those of `exact_rows` already, as a model's files hold them.

    Shapes: left (nodes, dim), right (num_products, dim).
    """

    form = "factors"

    def __init__(
        self,
        name: str,
        graph: Graph,
        neighbours: Sequence[Neighbours],
        right: NDArray[np.float32],
        *,
        text_dim: int = 0,
        part: LinePart = "text",
        sentences: Mapping[str, Mapping[str, str]] | None = None,
        rounded: bool = False,
    ) -> None:
        self.name = name
        self.graph = graph
        if not rounded:
            lefts = [source.dense for source in neighbours if not source.is_own]
            exact = {key: exact_rows(matrix) for key, matrix in {id(one): one for one in (right, *lefts)}.items()}
            right = exact[id(right)]
            neighbours = [one if one.is_own else replace(one, left=exact[id(one.left)]) for one in neighbours]
        self.neighbours = tuple(neighbours)
        self.right = right
        self.text_dim = text_dim
        self.part = part
        self.sentences = dict(sentences or {})
        self._is_warm = False

    @property
    def is_collaborative(self) -> bool:
        """Whether anything of it was learned from what people do."""
        return bool(self.text_dim < self.right.shape[1])

    @property
    def product_vectors(self) -> NDArray[np.float32] | None:
        """The learned part of the right rows."""
        return np.asarray(self.right)[:, self.text_dim :] if self.is_collaborative else None

    def scores(self, user: int) -> NDArray[np.float64]:
        """Scores of all products (num_products,) for one user."""
        scores: NDArray[np.float64] = self.rows(np.array([user], np.int32))[0]
        return scores

    def rows(self, users: NDArray[np.int32]) -> Matrix:
        """What `scores` gives for each user (len(users), num_products): float64 sums of left rows, in their order."""
        return self._to_products(self._exact_sums(users))

    def _exact_sums(self, users: NDArray[np.int32]) -> Matrix:
        """The left rows of each user, added one after another in float64 (len(users), dim)."""
        total = np.zeros((len(users), self.right.shape[1]))
        # numpy adds the rows of a matrix in order, but those of a single column in pairs.
        if total.size > len(users) > 1 and compiled.is_there():
            from graphrec.terms.compiled.scores import add_dense

            for source in self.neighbours:
                if source.hop is None:
                    total += source.gathered(self.graph, users)
                else:
                    add_dense(self.graph.hops[source.hop], users, source.dense, total)
            return total
        for place, user in enumerate(users.tolist()):
            rows = [source.worth(self.graph, user) for source in self.neighbours]
            total[place] = np.concatenate((total[place : place + 1], *rows), dtype=np.float64).sum(axis=0)
        return total

    def batch(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """Scores (len(users), num_products)."""
        return self._sums(users) @ np.asarray(self.right).T

    def standardised(
        self, users: NDArray[np.int32], weight: float = 1.0, out: NDArray[np.float32] | None = None
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

    @once
    def _moments(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean (dim,) and covariance (dim, dim) of the right rows."""
        right = np.asarray(self.right)
        mean = right.mean(axis=0, dtype=np.float64)
        covariance = np.zeros((len(mean), len(mean)))
        for start in range(0, len(right), ROWS):
            apart = right[start : start + ROWS] - mean
            covariance += apart.T @ apart
        return mean, covariance / max(len(right), 1)

    def _sums(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """The sum of the left rows of each user (len(users), dim)."""
        total = np.zeros((len(users), self.right.shape[1]), np.float32)
        for source in self.neighbours:
            total += source.gathered(self.graph, users)
        return total

    def shares(self, user: int, products: NDArray[np.int32]) -> Shares:
        """One line per neighbour; text and learned part apart."""
        right = np.asarray(self.right[products], np.float64)
        parts = []
        for source in self.neighbours:
            rows, x = source.rows(self.graph, user), source.x(self.graph, user)
            left = np.asarray(source.of_user(self.graph, user), np.float64)
            for part, span in self.parts():
                values = left[:, span] @ right[:, span].T
                # After the product, which is exact: so compiled code does it too.
                values = values if x is None else x[:, None] * values
                parts.append((source.group(self.graph, part), *source.vias(rows), values))
        return Shares.stack(parts) if parts else Shares.none(len(products))

    def parts(self) -> list[tuple[LinePart, slice]]:
        """The dimensions that come from a feature block and those that were learned."""
        if not self.text_dim:
            return [("learned", slice(None))]
        whole: list[tuple[LinePart, slice]] = [(self.part, slice(0, self.text_dim))]
        return [*whole, ("learned", slice(self.text_dim, None))] if self.text_dim < self.right.shape[1] else whole

    def lines_of(self, users: NDArray[np.int32], products: Sequence[NDArray[np.int32]]) -> Lines:
        """The lines of many users, compiled where numba is installed."""
        if not compiled.is_there():
            return super().lines_of(users, products)
        from graphrec.terms.compiled.factor_lines import FactorLines

        return FactorLines(self, users)

    def _on(self, graph: Graph, neighbours: tuple[Neighbours, ...]) -> Self:
        return type(self)(
            self.name, graph, neighbours, self.right,
            text_dim=self.text_dim, part=self.part, sentences=self.sentences, rounded=True,
        )  # fmt: skip

    def scores_without(self, user: int, edges: Sequence[Edge], kept: NDArray[np.bool_]) -> Matrix:
        """What the sums of the rows that are left, in their order, give to every product."""
        total = np.zeros((len(kept), self.right.shape[1]))
        for source, _, there in self._left_of(user, edges, kept):
            for column, row in enumerate(np.asarray(source.of_user(self.graph, user), np.float64)):
                total += there[:, column, None] * row
        return self._to_products(total)

    def _to_products(self, left: Matrix) -> Matrix:
        """The products (len(left), num_products) of some sums of left rows with all right rows.

        The sums are taken in two parts of so few bits that BLAS adds the products of each without rounding, so that no
        order of adding changes a bit: neither that of many users at once, nor that of another processor.
        """
        parts, rest = _split(left, 53 - BITS - (self.right.shape[1] - 1).bit_length())
        found = np.empty((len(left), len(self.right)))
        for span, right in self._exact_right():
            products = parts @ right.T
            products[rest] += products[len(left) :]
            found[:, span] = products[: len(left)]
        return found

    def _exact_right(self) -> Iterator[tuple[slice, Matrix]]:
        """The right rows in float64, piece by piece; each piece is written over the one before."""
        if self.right.size <= KEPT or (self._is_warm and self.right.size <= KEPT_LATER):
            yield slice(None), self._kept_right
            return
        # One answer is sooner without the memory for all, many answers with it.
        self._is_warm = True
        right, exact = np.asarray(self.right), np.empty((PIECE, self.right.shape[1]))
        for start in range(0, len(right), PIECE):
            part = right[start : start + PIECE]
            np.copyto(exact[: len(part)], part)
            yield slice(start, start + PIECE), exact[: len(part)]

    @once
    def _kept_right(self) -> Matrix:
        """The right rows (num_products, dim) in float64."""
        return np.asarray(self.right, np.float64)

    def describe(self) -> Described:
        """Both matrices, and which edges lead to the left one."""
        described = self._describe_neighbours()
        right = Stored(self.right, (self.graph.schema.roles.product, None))
        settings = {
            **described.settings, "text_dim": self.text_dim, "part": self.part, "sentences": self.sentences,
        }  # fmt: skip
        return replace(described, settings=settings, arrays={**described.arrays, "right": right})

    @classmethod
    def open(cls, described: Described, graph: Graph) -> Self:
        """The described factors."""
        neighbours, right = cls._open_neighbours(described, graph), described.arrays["right"].values
        own = {name: described.settings[name] for name in ("text_dim", "part", "sentences")}
        return cls(described.name, graph, neighbours, right, **own, rounded=True)


class TableTerm(_Learned):
    """A weight per neighbour and product: EASE, item-kNN, popularity.

    Args:
        vectors: of the products (num_products, dim), where the weights come from some.
        beside: arrays by name that the weights were computed from and that stay with them, such as released sums.
        notes: what a report says of it.

    Shapes: left (nodes, num_products), dense or `SparseRows`.
    """

    form = "table"

    def __init__(
        self,
        name: str,
        graph: Graph,
        neighbours: Sequence[Neighbours],
        vectors: NDArray[np.float32] | None = None,
        *,
        beside: Mapping[str, NDArray[Any]] | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.graph = graph
        self.neighbours = tuple(neighbours)
        self.vectors = vectors
        self.beside = dict(beside or {})
        self._notes = tuple(notes)

    @classmethod
    def of_everyone(
        cls, name: str, graph: Graph, scores: NDArray[np.floating], *, since: int | None = None
    ) -> "TableTerm":
        """A term that says the same to every user: a score per product (num_products,).

        Args:
            since: from when on a holding counts half or more, in microseconds since 1970; None: age does not matter.
        """
        beside = {} if since is None else {"since": np.array([since])}
        return cls(name, graph, [Neighbours(None, scores.astype(np.float32)[None, :])], beside=beside)

    @property
    def since(self) -> int | None:
        """From when on a holding counts half or more, in microseconds since 1970; None: its age does not matter."""
        return int(np.asarray(self.beside["since"])[0]) if "since" in self.beside else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What the fit says of it."""
        return self._notes

    @property
    def product_vectors(self) -> NDArray[np.float32] | None:
        """The vectors that the weights were multiplied out from."""
        return None if self.vectors is None else np.asarray(self.vectors)

    def scores(self, user: int) -> NDArray[np.float64]:
        """Scores of all products (num_products,) for one user."""
        total = np.zeros(self.graph.num_products)
        for source in self.neighbours:
            source.add_to(self.graph, user, total)
        return total

    def rows(self, users: NDArray[np.int32]) -> Matrix:
        """What `scores` gives for each user (len(users), num_products), to the bit."""
        if not compiled.is_there() or not all(isinstance(source.left, SparseRows) for source in self.neighbours):
            return super().rows(users)
        from graphrec.terms.compiled.scores import add_sparse

        total = np.zeros((len(users), self.graph.num_products))
        for source in self.neighbours:
            assert source.hop is not None, "everyone has a dense row"
            assert isinstance(source.left, SparseRows), "all are sparse"
            add_sparse(self.graph.hops[source.hop], users, source.left, total)
        return total

    def batch(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """Scores (len(users), num_products)."""
        total = np.zeros((len(users), self.graph.num_products), np.float32)
        for source in self.neighbours:
            total += source.gathered(self.graph, users)
        return total

    def shares(self, user: int, products: NDArray[np.int32]) -> Shares:
        """One line per neighbour."""
        parts = []
        for source in self.neighbours:
            rows = source.rows(self.graph, user)
            part: LinePart = "learned" if source.hop is not None else ""
            values, x = source.at(rows, products), source.x(self.graph, user)
            values = values if x is None else x[:, None] * values
            parts.append((source.group(self.graph, part), *source.vias(rows), values))
        return Shares.stack(parts) if parts else Shares.none(len(products))

    def _on(self, graph: Graph, neighbours: tuple[Neighbours, ...]) -> Self:
        return type(self)(self.name, graph, neighbours, self.vectors, beside=self.beside, notes=self._notes)

    def scores_without(self, user: int, edges: Sequence[Edge], kept: NDArray[np.bool_]) -> Matrix:
        """The sums of the rows that are left."""
        products = np.arange(self.graph.num_products, dtype=np.int32)
        total = np.zeros((len(kept), len(products)))
        for source, rows, there in self._left_of(user, edges, kept):
            total += there @ source.at(rows, products)
        return total

    def describe(self) -> Described:
        """The weights, and which edges lead to their rows."""
        described = self._describe_neighbours()
        arrays = {**described.arrays, **{name: Stored(values, (None,)) for name, values in self.beside.items()}}
        if self.vectors is not None:
            arrays["vectors"] = Stored(self.vectors, (self.graph.schema.roles.product, None))
        return replace(described, arrays=arrays)

    @classmethod
    def open(cls, described: Described, graph: Graph) -> Self:
        """The described table."""
        vectors = described.arrays.get("vectors")
        neighbours = cls._open_neighbours(described, graph)
        own = {"vectors", *(f"{n}/{what}" for n in range(len(neighbours)) for what in ("left", "centre"))}
        beside = {name: stored.values for name, stored in described.arrays.items() if name not in own}
        return cls(described.name, graph, neighbours, None if vectors is None else vectors.values, beside=beside)


def with_rows(graph: Graph, block: str, rows: NDArray[np.float32]) -> Graph:
    """The graph with the rows of a feature block of its users, for terms that read them."""
    return replace(graph, blocks={**graph.blocks, block: rows})


def centred(vectors: NDArray[np.float32], centre: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows minus the centre, of length 1; rows of zeros stay so."""
    present = (vectors != 0).any(axis=1)
    moved = np.where(present[:, None], vectors - centre, np.float32(0))
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.asarray(moved / np.where(length > 1e-6, length, np.inf), np.float32)


def exact_rows(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows rounded to 21 bits below the largest number of each: their dot products add up without rounding.

    A product of two such numbers has at most 42 bits above a power of two, so float64 holds the sum of 2,048 of them
    exactly, in whatever order BLAS or compiled code adds.
    """
    peak = np.abs(values).max(axis=1, keepdims=True, initial=0.0)
    step = np.ldexp(np.float32(1), np.maximum(np.frexp(peak)[1], -100) - BITS)
    rounded: NDArray[np.float32] = np.round(values / step) * step
    return rounded


def _split(values: Matrix, bits: int) -> tuple[Matrix, NDArray[np.intp]]:
    """The rows in two parts of at most so many bits: all first parts, then the second ones of the rows that have one.

    Returns:
        The parts (len(values) + len(rest), dim), and which rows have a second part; what is below both is rounded away.
    """
    peak = np.abs(values).max(axis=1, keepdims=True, initial=0.0)
    step = np.ldexp(1.0, np.maximum(np.frexp(peak)[1], -100) - bits)
    high = _rounded(values, step)
    low = values - high
    rest = np.flatnonzero(low.any(axis=1))
    if not len(rest):
        return high, rest
    return np.concatenate((high, _rounded(low[rest], np.ldexp(step[rest], -bits - 1)))), rest


def _rounded(values: Matrix, step: Matrix) -> Matrix:
    """The nearest multiples of a power of two for each row: numbers of this size hold nothing below it."""
    size = 1.5 * 2.0**52 * step
    found = values + size
    found -= size
    return found
