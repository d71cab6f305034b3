"""Walks: every unit of score is a real path from the user to the product, with a non-negative number.

    score(u, i) = sum over walks m: beta_m * sum over simple paths u - n_1 - ... - n_L = i:
                  x(u, n_1) * prod_j deg_j(n_j) ** -power_j

deg_j(n_j) counts the edges of the j-th hop that arrive at n_j, x is the evidence of the first edge (docs/formulas.md).
There is a power per position. Walks that come back to the user or pass through the product are no paths and are
taken out again in closed form. A learned weight of a node is a factor of its power.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Adjacency, Graph, Hop, among
from graphrec.terms import compiled
from graphrec.terms.base import Described, Stored, Term, graph_without, once
from graphrec.terms.ledger import Edge, LineGroup, Lines, Shares

Vector = NDArray[np.float64]
#: What is left of a sum after taking out parts of it is nothing below this share of the sum.
ROUNDING = 1e-12
#: Of how many products the walks that come back are sought at once.
PRODUCTS_AT_ONCE = 4096
#: Degrees below it have their powers in a table.
MOST_USUAL = 1024


@dataclass(frozen=True)
class Walk:
    """A typed walk from user to product, a power per hop, and its weight in the kernel."""

    hops: tuple[Hop, ...]
    powers: tuple[float, ...]
    beta: float = 1.0

    def __str__(self) -> str:
        return " ".join(str(hop) for hop in self.hops)


class WalkScorer:
    """Scores and shares of one walk (beta left out) on one graph; it does not change after it is made.

    Args:
        diagonal: (num_products,) W[a, a], where it is known already.
        table: W (nodes at the first hop, num_products) multiplied out, with the powers of hops 2.. only.
        learned: weights (nodes,) of the nodes at a position; only where a line names its node (`names`).
    """

    def __init__(
        self,
        graph: Graph,
        walk: Walk,
        diagonal: Vector | None = None,
        table: Vector | None = None,
        learned: Mapping[int, Vector] | None = None,
    ) -> None:
        self.graph = graph
        self.walk = walk
        self.first = graph.hops[walk.hops[0]]
        self.steps = tuple(graph.hops[hop] for hop in walk.hops)
        self.back = tuple(graph.hops[hop.back()] for hop in walk.hops)
        self.labels = tuple(graph.target(hop) for hop in walk.hops)
        self.num_products = graph.num_products
        self.user_label, self.product_label = graph.schema.roles.user, graph.schema.roles.product
        self.length = len(walk.hops)
        self.via_user = self.length > 1 and self.labels[0] == self.user_label
        self.mid_user = self.length == 3 and self.labels[1] == self.user_label
        self.people = self.via_user or self.mid_user
        self.closes = self.length > 1 and self.labels[0] == self.product_label
        self._diagonal = diagonal
        self.learned = learned or {}
        self.table = table

    def weighted(self, beta: float) -> "WalkScorer":
        """The same walk with another weight in its kernel."""
        walk = replace(self.walk, beta=beta)
        return WalkScorer(self.graph, walk, self._diagonal, self.table, self.learned)

    def without_edges(self, user: int, graph: Graph) -> "WalkScorer":
        """The walk on the graph that is left without some edges of this user; it scores them alone."""
        anew = WalkScorer(graph, self.walk, learned=self.learned)
        if not anew.closes:
            return anew
        # Only what comes back to the user's own neighbours is ever taken out.
        diagonal = np.zeros(anew.num_products)
        for node in anew.first.row(user):
            diagonal[node] = anew._spread(np.array([node], np.int32), np.ones(1))[node]
        return WalkScorer(graph, self.walk, diagonal, learned=self.learned)

    def rows_of(self, user: int) -> tuple[NDArray[np.int32], Vector]:
        """The nodes after the first hop, and what each gives to every product (len(nodes), num_products)."""
        nodes, values = self.start(user)
        if self.length == 1:
            rows = np.zeros((len(nodes), self.num_products))
            rows[np.arange(len(nodes)), nodes] = values
            return nodes, rows
        rows = self._spread_each(nodes, values) if self.table is None else values[:, None] * self.table[nodes]
        if self.mid_user or self.closes:
            for place, row in enumerate(rows):
                self.correct(user, nodes[place : place + 1], values[place : place + 1], row)
        return nodes, rows

    def growth(self, user: int) -> list[tuple[Edge, float]]:
        """By how much the score of a product grows when the user's own edge to it is gone: one degree less."""
        ending = self.walk.hops[-1]
        if self.length == 1 or self.graph.source(ending) != self.user_label:
            return []
        products = self.graph.hops[ending].row(user)
        degrees = np.maximum(self.back[-1].degrees()[products], 2)
        grown = (degrees / (degrees - 1)) ** self.walk.powers[-1]
        return [((ending, product), by) for product, by in zip(products.tolist(), grown.tolist(), strict=True)]

    @property
    def counts_edges(self) -> Hop | None:
        """The hop whose edges of the user count in degrees inside a walk through other people; None where none do."""
        return self.walk.hops[1] if self.length == 3 and self.via_user else None

    @once
    def scales(self) -> list[Vector]:
        """The factor of every node, per hop."""
        return [self.node_weights(place, np.arange(back.num_rows)) for place, back in enumerate(self.back)]

    def node_weights(self, place: int, nodes: NDArray[np.integer]) -> Vector:
        """What a path is multiplied with at some nodes of one hop: deg ** -power, times what was learned."""
        found = _power_of(self.back[place], nodes, self.walk.powers[place])
        return found * self.learned[place][nodes] if place in self.learned else found

    def names(self, place: int) -> bool:
        """Whether a line of this walk names its node after this hop; other people, and what lies behind them, no."""
        return place == self.length - 1 or (place == 0 and not self.via_user) or not self.people

    def learned_factor(self, via: int, mid: int, product: int) -> float:
        """What was learned of the nodes that a line names, multiplied; 1 without learning."""
        nodes = {0: via, 1: mid, self.length - 1: product}
        factor = 1.0
        for place, learned in self.learned.items():
            factor *= float(learned[nodes[place]])
        return factor

    def start(self, user: int) -> tuple[NDArray[np.int32], Vector]:
        """The nodes after the first hop and x * deg ** -power of each."""
        nodes = self.first.row(user)
        values = self.first.weights(user) * self.node_weights(0, nodes)
        return nodes, values

    def scores(self, user: int) -> Vector:
        """Scores (num_products,) of one user."""
        nodes, values = self.start(user)
        if self.length == 1:
            return np.bincount(nodes, values, self.num_products).astype(np.float64, copy=False)
        if self.table is not None:
            score: Vector = (values[:, None] * self.table[nodes]).sum(axis=0)
        else:
            score = self._spread(nodes, values)
        if self.mid_user or self.closes:
            self.correct(user, nodes, values, score)
        return score

    def _spread(self, nodes: NDArray[np.int32], values: Vector) -> Vector:
        for position in range(1, self.length):
            step, label_size = self.steps[position], self.back[position].num_rows
            origin, reached = step.expand(nodes)
            dense = np.bincount(reached, values[origin], label_size)
            nodes = np.flatnonzero(dense).astype(np.int32)
            values = dense[nodes] * self.node_weights(position, nodes)
        score = np.zeros(self.num_products)
        score[nodes] = values
        return score

    def _spread_each(self, nodes: NDArray[np.int32], values: Vector) -> Vector:
        """`_spread` of every node apart (len(nodes), num_products)."""
        count, origin = len(nodes), np.arange(len(nodes))
        for position in range(1, self.length):
            step, size = self.steps[position], self.back[position].num_rows
            came_from, reached = step.expand(nodes)
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

    def correct(self, user: int, nodes: NDArray[np.int32], values: Vector, score: Vector) -> None:
        """Take out of a score row what walks give that are no simple paths; what is only rounding becomes 0."""
        before = score.copy()
        self._take_out(user, nodes, values, score)
        score[score < ROUNDING * before] = 0.0

    def _take_out(self, user: int, nodes: NDArray[np.int32], values: Vector, score: Vector) -> None:
        if self.mid_user:
            own = among(nodes, self.back[1].row(user))
            last = self.steps[2].row(user)
            through_self = self.node_weights(1, np.array([user]))[0]
            ends = through_self * self.node_weights(2, last)
            score[last] -= _in_order(values[own]) * ends
        if self.closes:
            back = values * self.diagonal[nodes]
            if self.mid_user:
                both = own & among(nodes, last)
                back[both] -= values[both] * through_self * self.node_weights(2, nodes[both])
            score[nodes] -= back

    def shares(
        self, user: int, products: NDArray[np.int32], position: int
    ) -> list[tuple[LineGroup, NDArray[np.int32], NDArray[np.int32], Vector]]:
        """The lines of this walk for some products; `position` is the walk's place in its term."""
        nodes, values = self.start(user)
        group = LineGroup("path", self.walk.hops[0], position, people=self.people)
        if self.length == 1:
            found = values[:, None] * (nodes[:, None] == products[None, :])
            return _filled(group, nodes, np.full(len(nodes), -1, np.int32), found)
        none = np.full(len(nodes), -1, np.int32)
        if self.people or self.length == 2:
            found = self._by_neighbour(user, nodes, values, products)
            if self.via_user:
                # The neighbour is a person: one line for all of them.
                return _filled(group, none[:1], none[:1], np.cumsum(found, axis=0)[-1:]) if len(nodes) else []
            return _filled(group, nodes, none, found)
        origin, mid = self.steps[1].expand(nodes)
        through = values[origin] * self.node_weights(1, mid)
        found = np.empty((len(origin), len(products)))
        for column, arriving in self._arrivals(products):
            found[:, column] = through * arriving[mid]
        found *= self._open(nodes[origin], products)
        return _filled(group, nodes[origin], mid, found)

    def _by_neighbour(self, user: int, nodes: NDArray[np.int32], values: Vector, products: NDArray[np.int32]) -> Vector:
        """The walk's shares (len(nodes), len(products)) summed over what lies between neighbour and product."""
        if self.table is not None:
            found = values[:, None] * self.table[nodes[:, None], products[None, :]]
            if self.mid_user:
                before = found.copy()
                found -= values[:, None] * self._through_self(user, nodes, products)
                found[found < ROUNDING * before] = 0.0
            return found * self._open(nodes, products)
        found = np.empty((len(nodes), len(products)))
        if self.length == 2:
            for column, arriving in self._arrivals(products):
                found[:, column] = values * arriving[nodes]
            return found * self._open(nodes, products)
        origin, mid = self.steps[1].expand(nodes)
        through = values[origin] * self.node_weights(1, mid)
        if self.mid_user:
            through[mid == user] = 0.0
        for column, arriving in self._arrivals(products):
            found[:, column] = np.bincount(origin, through * arriving[mid], len(nodes))
        return found * self._open(nodes, products)

    def _through_self(self, user: int, nodes: NDArray[np.int32], products: NDArray[np.int32]) -> Vector:
        """What W holds for walks that lead through the user again (len(nodes), len(products))."""
        own = among(nodes, self.back[1].row(user))
        ends = among(products, self.steps[2].row(user)) * self.node_weights(2, products)
        return own[:, None] * ends[None, :] * self.node_weights(1, np.array([user]))

    def people_between(self, user: int, via: int, product: int) -> int:
        """How many other users the paths from the user by way of `via` (-1: any) to the product lead through."""
        ends = self.back[-1].row(product)
        if self.length == 2:
            return int(among(self.first.row(user), ends).sum())
        if self.mid_user:
            middle = self.steps[1].row(via) if via >= 0 else np.unique(self.steps[1].expand(self.first.row(user))[1])
            fewer, more = sorted((middle, ends), key=len)
            return int((among(fewer, more) & (fewer != user)).sum())
        starts = self.first.row(user)
        origin, middle = self.steps[1].expand(starts)
        return len(np.unique(starts[origin[among(middle, ends)]]))

    def _arrivals(self, products: NDArray[np.int32]) -> Iterator[tuple[int, Vector]]:
        """For each product in turn: deg(product) ** -power at the nodes before it, 0 elsewhere (one reused array)."""
        arriving = np.zeros(self.steps[-1].num_rows)
        ends = self.node_weights(self.length - 1, products)
        for column, product in enumerate(products):
            before = self.back[-1].row(int(product))
            arriving[before] = ends[column]
            yield column, arriving
            arriving[before] = 0.0

    def _open(self, nodes: NDArray[np.int32], products: NDArray[np.int32]) -> NDArray[np.bool_]:
        """False where the neighbour is the product itself."""
        if not self.closes:
            return np.ones((1, len(products)), np.bool_)
        apart: NDArray[np.bool_] = nodes[:, None] != products[None, :]
        return apart


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
        """Every hop of its walks, both ways."""
        own = {hop for scorer in self.scorers for hop in scorer.walk.hops}
        return frozenset(own | {hop.back() for hop in own})

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

    def lines_of(self, users: NDArray[np.int32], products: Sequence[NDArray[np.int32]]) -> Lines:
        """The lines of many users, compiled where numba is installed."""
        if not compiled.is_there():
            return super().lines_of(users, products)
        from graphrec.terms.compiled.walk_lines import WalkLines

        return WalkLines(self.scorers, users)

    def edges(self, user: int) -> list[Edge]:
        """The first hops of its walks."""
        edges = ((scorer.walk.hops[0], node) for scorer in self.scorers for node in scorer.first.row(user).tolist())
        return list(dict.fromkeys(edges))

    def without_edges(self, user: int, edges: Sequence[Edge]) -> Self:
        """Every walk on the edges that are left."""
        graph = graph_without(self.graph, user, edges)
        return replace(self, graph=graph, scorers=tuple(one.without_edges(user, graph) for one in self.scorers))

    def scores_without(self, user: int, edges: Sequence[Edge], kept: NDArray[np.bool_]) -> Vector:
        """A sum of what the remaining first hops give, with what else a deleted edge changes put right.

        Of the degrees on the remaining paths only that of the product itself counts a deleted edge (it loses one),
        unless the walk begins with people: such a walk is counted anew.
        """
        places = {edge: place for place, edge in enumerate(edges)}
        total = np.zeros((len(kept), self.graph.num_products))
        for scorer in self.scorers:
            nodes, rows = scorer.rows_of(user)
            chosen = [places[scorer.walk.hops[0], node] for node in nodes.tolist()]
            found = kept[:, chosen].astype(np.float64) @ rows
            for edge, growth in scorer.growth(user):
                if edge in places:
                    found[~kept[:, places[edge]], edge[1]] *= growth
            counted = [place for (hop, _), place in places.items() if hop is not None and hop == scorer.counts_edges]
            for case in np.flatnonzero(~kept[:, counted].all(axis=1)):
                gone = [edge for edge, place in places.items() if not kept[case, place]]
                left = scorer.without_edges(user, graph_without(self.graph, user, gone))
                found[case] = left.scores(user)
            total += scorer.walk.beta * found
        return total

    def describe(self) -> Described:
        """The walks with their weights, and what is multiplied out of them."""
        walks, arrays = [], {}
        for n, scorer in enumerate(self.scorers):
            walk, (first, *_) = scorer.walk, scorer.labels
            walks.append({"walk": str(walk), "powers": list(walk.powers), "beta": walk.beta})
            for place, learned in scorer.learned.items():
                arrays[f"{n}/learned/{place}"] = Stored(learned, (scorer.labels[place],))
            if scorer.table is not None:
                arrays[f"{n}/table"] = Stored(scorer.table, (first, scorer.product_label))
            if scorer.closes:
                arrays[f"{n}/diagonal"] = Stored(scorer.diagonal, (scorer.product_label,))
        return Described(self.name, {"walks": walks}, arrays)

    @classmethod
    def open(cls, described: Described, graph: Graph) -> Self:
        """The kernel of the described walks."""
        scorers = []
        for n, entry in enumerate(described.settings["walks"]):
            own = described.under(f"{n}/")
            walk = Walk(tuple(Hop.parse(hop) for hop in entry["walk"].split()), tuple(entry["powers"]), entry["beta"])
            learned = {place: own[f"learned/{place}"] for place in range(len(walk.hops)) if f"learned/{place}" in own}
            scorers.append(WalkScorer(graph, walk, own.get("diagonal"), own.get("table"), learned))
        return cls(described.name, graph, tuple(scorers))


def add_walk_scores(
    scorer: WalkScorer, users: NDArray[np.int32], beta: float, total: NDArray[np.float32] | Vector
) -> None:
    """Add beta times a walk's scores of some users to `total` (len(users), num_products); compiled where it can be."""
    if compiled.is_there():
        from graphrec.terms.compiled.scores import walk_scores

        walk_scores(scorer, users, beta, total)
        return
    for row, user in zip(total, users, strict=True):
        row += beta * scorer.scores(int(user))


def closing_walks(
    steps: Sequence[Adjacency], back: Sequence[Adjacency], weights: Sequence[Vector], size: int
) -> Vector:
    """For every product at the first hop: the value of all walks over hops 2.. that end at itself (size,).

    Args:
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
            count = back[1].num_rows
            others, reached = _pairs(back[2], start, end)
            own = among(products * count + nodes, others * count + reached)
            values = weights[1][nodes[own]] * weights[2][products[own]]
        result += np.bincount(products[own], values, size)
    return result


def _pairs(hop: Adjacency, start: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and node of every entry of some rows, in their order."""
    rows = np.repeat(np.arange(start, end), np.diff(hop.indptr[start : end + 1]))
    return rows, hop.indices[hop.indptr[start] : hop.indptr[end]].astype(np.int64)


def _in_order(values: Vector) -> float:
    """The sum from first to last: numpy's own pairs values, compiled code does not."""
    return float(np.cumsum(values)[-1]) if len(values) else 0.0


def _power_of(back: Adjacency, nodes: NDArray[np.integer], power: float) -> Vector:
    degrees = back.degrees_of(nodes)
    return powers(degrees, power)


def powers(degrees: NDArray[np.int64], power: float) -> Vector:
    """degree ** -power, 0 for degree 0.

    By the C library, one number at a time: numpy's own powers differ in the last digit from processor to processor.
    """
    table = _table_of_powers(power)
    found = table[np.minimum(degrees, len(table) - 1)]
    for place in np.flatnonzero(degrees >= len(table)):
        found[place] = math.pow(int(degrees[place]), -power)
    return found


@lru_cache(maxsize=256)
def _table_of_powers(power: float) -> Vector:
    return np.array([0.0, *(math.pow(degree, -power) for degree in range(1, MOST_USUAL))])


def _filled(
    group: LineGroup, via: NDArray[np.int32], mid: NDArray[np.int32], values: Vector
) -> list[tuple[LineGroup, NDArray[np.int32], NDArray[np.int32], Vector]]:
    used = (values != 0).any(axis=1)
    return [(group, via[used], mid[used], values[used])] if used.any() else []
