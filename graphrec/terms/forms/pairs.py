"""Pairs of neighbours that speak together, beside what each says alone: a term of degree two.

    score(u, i) = sum over a: x_a W[a, i] + sum over pairs a, b: x_a x_b W[ab, i]

A pair is a line of its own that rests on two edges of the user: a deletion of either, or of both, takes it along once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.terms.base import Described, Matrix, Stored, Term, once
from graphrec.terms.forms.factors import TableTerm
from graphrec.terms.ledger import Edge, LineGroup, Shares

USERS_AT_ONCE = 256
"""Of whom a batch looks at all pairs at once."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Which two neighbours speak together, and what they say.

    Shapes: first, second (num_pairs,) positions of nodes behind the hops; weights (num_pairs, num_products).
    """

    hops: tuple[tuple[Hop, Hop], ...]
    """Of the two neighbours, kind of pair by kind of pair."""
    kind: NDArray[np.int32]
    """Which of `hops` each pair is (num_pairs,)."""
    first: NDArray[np.int32]
    second: NDArray[np.int32]
    weights: NDArray[np.float32]

    @once
    def places(self) -> Mapping[tuple[int, int, int], int]:
        """Where each pair is, by its kind and both nodes."""
        columns = (np.asarray(one).tolist() for one in (self.kind, self.first, self.second))
        return {key: place for place, key in enumerate(zip(*columns, strict=True))}


class PairTerm(Term):
    """What neighbours say alone and in pairs.

    Args:
        single: what each says alone.
        pairs: what two say together, by hops of `single`.
    """

    form = "pairs"
    folds_in = True
    is_linear = False

    def __init__(self, name: str, graph: Graph, single: TableTerm, pairs: Pairs) -> None:
        self.name = name
        self.graph = graph
        self.single = single
        self.pairs = pairs

    @property
    def hops(self) -> frozenset[Hop]:
        """The hops to its neighbours."""
        return self.single.hops

    def knows(self, user: int) -> bool:
        """Whether a neighbour but "everyone" speaks for the user."""
        return self.single.knows(user)

    def of_user(self, user: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The pairs of a user in their order, and x of each: the product of what is left of both edges."""
        found: list[tuple[int, float]] = []
        rows = {hop: self._row(hop, user) for hop in self.single.hops}
        places = self.pairs.places
        for kind, (hop, other) in enumerate(self.pairs.hops):
            for a, x in rows[hop]:
                found += [(place, x * y) for b, y in rows[other] if (place := places.get((kind, a, b), -1)) >= 0]
        found.sort()
        return np.array([place for place, _ in found], np.intp), np.array([x for _, x in found], np.float64)

    def scores(self, user: int) -> NDArray[np.float64]:
        """Scores of all products (num_products,) for one user."""
        places, x = self.of_user(user)
        both: NDArray[np.float64] = (x[:, None] * self.pairs.weights[places]).sum(axis=0)
        return self.single.scores(user) + both

    def batch(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """Scores (len(users), num_products)."""
        total = self.single.batch(users)
        for start in range(0, len(users), USERS_AT_ONCE):
            for place, x in enumerate(self._together(users[start : start + USERS_AT_ONCE]), start):
                own = np.flatnonzero(x)
                total[place] += (x[own, None] * self.pairs.weights[own]).sum(axis=0)
        return total

    def shares(self, user: int, products: NDArray[np.int32]) -> Shares:
        """One line per neighbour, and one per pair of them."""
        alone = self.single.shares(user, products)
        places, x = self.of_user(user)
        pairs, kind = self.pairs, np.asarray(self.pairs.kind)[places]
        parts = []
        for number, (hop, other) in enumerate(pairs.hops):
            own = places[kind == number]
            if len(own):
                values = x[kind == number, None] * np.asarray(pairs.weights[own][:, products], np.float64)
                group = LineGroup("pair", hop, part="learned", other=other)
                parts.append((group, np.asarray(pairs.first)[own], np.asarray(pairs.second)[own], values))
        if not parts:
            return alone
        both = Shares.stack(parts)
        return Shares(
            (*alone.groups, *both.groups),
            np.concatenate((alone.group, both.group + len(alone.groups))).astype(np.int16),
            np.concatenate((alone.via, both.via)),
            np.concatenate((alone.mid, both.mid)),
            np.concatenate((alone.values, both.values)),
        )

    def edges(self, user: int) -> list[Edge]:
        """The user's edges to its neighbours."""
        return self.single.edges(user)

    def reading(self, graph: Graph) -> Self:
        """The same weights on other edges of its users."""
        return type(self)(self.name, graph, self.single.reading(graph), self.pairs)

    def without_edges(self, user: int, edges: Sequence[Edge]) -> Self:
        """The same weights on the edges that are left (fold-in); every pair that an edge was in is gone."""
        single = self.single.without_edges(user, edges)
        return type(self)(self.name, single.graph, single, self.pairs)

    def scores_without(self, user: int, edges: Sequence[Edge], kept: NDArray[np.bool_]) -> Matrix:
        """The sums of what is left alone, and of the pairs of which both edges are left."""
        at = {edge: place for place, edge in enumerate(edges)}
        own, x = self.of_user(user)
        there = np.ones((len(kept), len(own)), np.bool_)
        for column, place in enumerate(own.tolist()):
            hop, other = self.pairs.hops[int(self.pairs.kind[place])]
            for edge in ((hop, int(self.pairs.first[place])), (other, int(self.pairs.second[place]))):
                there[:, column] &= kept[:, at[edge]]
        weights = np.asarray(self.pairs.weights[own], np.float64)
        return self.single.scores_without(user, edges, kept) + (there * x) @ weights

    def describe(self) -> Described:
        """Both kinds of weights, and which edges lead to them."""
        single, pairs = self.single.describe(), self.pairs
        settings: dict[str, Any] = {
            **single.settings, "pairs": [[str(hop), str(other)] for hop, other in pairs.hops],
        }  # fmt: skip
        product = self.graph.schema.roles.product
        arrays = {f"pairs/{name}": Stored(getattr(pairs, name), (None,)) for name in ("kind", "first", "second")}
        arrays["pairs/weights"] = Stored(pairs.weights, (None, product))
        return Described(self.name, settings, {**single.arrays, **arrays}, single.rows)

    @classmethod
    def open(cls, described: Described, graph: Graph) -> Self:
        """The described term."""
        hops = tuple((Hop.parse(hop), Hop.parse(other)) for hop, other in described.settings["pairs"])
        pairs = Pairs(hops, **described.under("pairs/"))
        return cls(described.name, graph, TableTerm.open(described, graph), pairs)

    def _together(self, users: NDArray[np.int32]) -> Matrix:
        """x of every pair (len(users), num_pairs): the product of what is left of both edges, 0 without one of them."""
        pairs, kinds = self.pairs, np.asarray(self.pairs.kind)
        rows = {hop: self._rows(hop, users) for hop in self.single.hops}
        found = np.empty((len(users), len(kinds)))
        for kind, (hop, other) in enumerate(pairs.hops):
            own = np.flatnonzero(kinds == kind)
            found[:, own] = rows[hop][:, pairs.first[own]] * rows[other][:, pairs.second[own]]
        return found

    def _rows(self, hop: Hop, users: NDArray[np.int32]) -> Matrix:
        """What is left of the edges of some users to the nodes behind a hop (len(users), num_nodes), 0 without one."""
        adjacency = self.graph.hops[hop]
        rows, nodes = adjacency.expand(users)
        found = np.zeros((len(users), self.graph.counts[self.graph.target(hop)]))
        lefts = [left for user in users.tolist() if (left := adjacency.left(user)) is not None]
        found[rows, nodes] = np.concatenate(lefts) if lefts else 1.0
        return found

    def _row(self, hop: Hop, user: int) -> list[tuple[int, float]]:
        """The nodes behind a hop of a user, and what is left of each edge."""
        adjacency = self.graph.hops[hop]
        row, left = adjacency.row(user).tolist(), adjacency.left(user)
        return [(node, 1.0) for node in row] if left is None else list(zip(row, left.tolist(), strict=True))
