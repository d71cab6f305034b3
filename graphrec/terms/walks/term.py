"""The walk kernel as a term: a weighted sum of walks."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from graphrec.frozen import dataclass
from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop, StoredAdjacency
from graphrec.graph.folders.arrays import CheckedArray
from graphrec.terms import compiled
from graphrec.terms.base import Described, Stored, StoredRows, Term, graph_without
from graphrec.terms.ledger import Edge, Shares
from graphrec.terms.walks.content import ContentScorer
from graphrec.terms.walks.people import AcquaintedScorer, PeopleScorer, PeopleTable
from graphrec.terms.walks.scorer import Vector, Walk, WalkScorer


@dataclass(frozen=True, eq=False)
class WalkTerm(Term):
    """The walk kernel: a weighted sum of walks."""

    form = "walks"
    on_paths = True
    name: str
    graph: Graph
    scorers: tuple[WalkScorer, ...] = ()

    @property
    def hops(self) -> frozenset[Hop]:
        """What its walks read."""
        return frozenset(hop for scorer in self.scorers for hop in scorer.hops)

    @property
    def first_hops(self) -> frozenset[Hop]:
        """Where its walks begin."""
        return frozenset(scorer.walk.hops[0] for scorer in self.scorers)

    def knows(self, user: int) -> bool:
        """Whether a walk begins at the user."""
        return any(len(scorer.first.row(user)) for scorer in self.scorers)

    @property
    def is_collaborative(self) -> bool:
        """Whether the first walk leads through other people."""
        return bool(self.scorers) and self.scorers[0].people

    def scores(self, user: int) -> Vector:
        """Scores of all products (num_products,) for one user."""
        total = np.zeros(self.graph.num_products)
        for scorer in self.scorers:
            total += scorer.walk.beta * scorer.scores(user)
        return total

    def batch(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """Scores (len(users), num_products)."""
        total = np.zeros((len(users), self.graph.num_products), np.float32)
        self._add(users, total)
        return total

    def rows(self, users: NDArray[np.int32]) -> Vector:
        """What `scores` gives for each user (len(users), num_products)."""
        total = np.zeros((len(users), self.graph.num_products))
        self._add(users, total)
        return total

    @property
    def joins_scores(self) -> bool:
        """One walk alone that has a table, or one hop."""
        return len(self.scorers) == 1 and self.scorers[0].has_rows

    @property
    def joins_lines(self) -> bool:
        """Where no walk begins with people."""
        return bool(self.scorers) and not any(scorer.via_user for scorer in self.scorers)

    def _add(self, users: NDArray[np.int32], total: NDArray[np.float32] | Vector) -> None:
        for scorer in self.scorers:
            add_walk_scores(scorer, users, scorer.walk.beta, total)

    def shares(self, user: int, products: NDArray[np.int32]) -> Shares:
        """One line per real path, or per neighbour where the paths lead through other users."""
        parts = []
        for position, scorer in enumerate(self.scorers):
            for group, via, mid, values in scorer.shares(user, products, position):
                parts.append((group, via, mid, scorer.walk.beta * values))
        return Shares.stack(parts) if parts else Shares.none(len(products))

    def edges(self, user: int) -> list[Edge]:
        """The first hops of its walks."""
        edges = ((scorer.walk.hops[0], node) for scorer in self.scorers for node in scorer.first.row(user).tolist())
        return list(dict.fromkeys(edges))

    def without_edges(self, user: int, edges: Sequence[Edge]) -> Self:
        """Every walk on the edges that are left."""
        graph = graph_without(self.graph, user, edges)
        return replace(self, graph=graph, scorers=tuple(one.without_edges(user, edges, graph) for one in self.scorers))

    def reading(self, graph: Graph) -> Self:
        """Every walk from the user's other rows."""
        return replace(self, graph=graph, scorers=tuple(one.reading(graph) for one in self.scorers))

    def scores_without(self, user: int, edges: Sequence[Edge], kept: NDArray[np.bool_]) -> Vector:
        """A sum of what the remaining first hops give, with what else a deleted edge changes put right.

        Of the degrees on the remaining paths only that of the product itself counts a deleted edge (it loses one),
        unless the walk begins with people: such a walk is counted anew.
        """
        places = {edge: place for place, edge in enumerate(edges)}
        total = np.zeros((len(kept), self.graph.num_products))
        for scorer in self.scorers:
            if not scorer.is_additive:
                total += scorer.walk.beta * self._counted_anew(scorer, user, edges, kept)
                continue
            nodes, rows = scorer.rows_of(user)
            chosen = [places[scorer.walk.hops[0], node] for node in nodes.tolist()]
            found = kept[:, chosen].astype(np.float64) @ rows
            for edge, growth in scorer.growth(user):
                if edge in places:
                    found[~kept[:, places[edge]], edge[1]] *= growth
            total += scorer.walk.beta * found
        return total

    def _counted_anew(self, scorer: WalkScorer, user: int, edges: Sequence[Edge], kept: NDArray[np.bool_]) -> Vector:
        found = np.empty((len(kept), self.graph.num_products))
        for case, there in enumerate(kept.tolist()):
            gone = [edge for edge, is_there in zip(edges, there, strict=True) if not is_there]
            found[case] = scorer.without_edges(user, gone, graph_without(self.graph, user, gone)).scores(user)
        return found

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of its training must know: ways that were left out to keep a table small."""
        return tuple(
            f"{self.name}: the table of {scorer.walk} left out {scorer.table.dropped:,} pairs that fewer than "
            f"{scorer.table.least} people join, to keep its size"
            for scorer in self.scorers
            if isinstance(scorer, PeopleScorer) and scorer.table.dropped
        )

    def describe(self) -> Described:
        """The walks with their weights, and what is multiplied out of them; nothing of a person."""
        walks = []
        arrays: dict[str, Stored] = {}
        rows: dict[str, StoredRows] = {}
        for n, scorer in enumerate(self.scorers):
            walk, own, tables = scorer.describe()
            walks.append(walk)
            arrays |= {f"{n}/{name}": stored for name, stored in own.items()}
            rows |= {f"{n}/{name}": stored for name, stored in tables.items()}
        return Described(self.name, {"walks": walks}, arrays, rows)

    @classmethod
    def open(cls, described: Described, graph: Graph) -> Self:
        """The kernel of the described walks."""
        scorers = tuple(_opened(described, n, entry, graph) for n, entry in enumerate(described.settings["walks"]))
        return cls(described.name, graph, scorers)


def _opened(described: Described, n: int, entry: dict[str, Any], graph: Graph) -> WalkScorer:
    own = described.under(f"{n}/")
    hops = tuple(Hop.parse(hop) for hop in entry["walk"].split())
    walk = Walk(hops, tuple(entry["powers"]), entry["beta"])
    learned = {place: own[f"learned/{place}"] for place in range(len(hops)) if f"learned/{place}" in own}
    degrees = {place: own[f"degrees/{place}"] for place in range(len(hops)) if f"degrees/{place}" in own}
    if f"{n}/people" in described.rows:
        rows = _rows(described.rows[f"{n}/people"], graph.num_products)
        table = PeopleTable(rows, own["counts"], entry["least"], entry["dropped"])
        return PeopleScorer(graph, walk, table, degrees=degrees, learned=learned)
    if len(hops) > 1 and graph.target(hops[0]) == graph.schema.roles.user:
        return AcquaintedScorer(graph, walk, degrees=degrees, learned=learned)
    return ContentScorer(graph, walk, own.get("diagonal"), own.get("table"), degrees=degrees, learned=learned)


def _rows(stored: StoredRows, num_targets: int) -> Adjacency:
    """Rows as they are read: checked where they are in a file."""
    arrays: tuple[Any, Any, Any] = stored.indptr, stored.indices, stored.values
    if isinstance(arrays[0], CheckedArray):
        return StoredAdjacency(*arrays, num_targets)
    return stored.adjacency()


def add_walk_scores(
    scorer: WalkScorer, users: NDArray[np.int32], beta: float, total: NDArray[np.float32] | Vector
) -> None:
    """Add beta times a walk's scores of some users to `total` (len(users), num_products); compiled where it can be."""
    if compiled.is_there() and not scorer.via_user:
        from graphrec.terms.compiled.scores import walk_scores

        walk_scores(scorer, users, beta, total)
        return
    for row, user in zip(total, users, strict=True):
        row += beta * scorer.scores(int(user))
