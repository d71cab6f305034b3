"""Walks: every unit of score is a real path from the user to the product, with a non-negative number.

    score(u, i) = sum over walks m: beta_m * sum over simple paths u - n_1 - ... - n_L = i:
                  x(u, n_1) * prod_j deg_j(n_j) ** -power_j

deg_j(n_j) counts the edges of the j-th hop that arrive at n_j, x is the evidence of the first edge (docs/formulas.md).
There is a power per position. Walks that come back to the user or pass through the product are no paths and are
taken out again in closed form. A learned number of a node is a factor of its power.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Adjacency, Graph, Hop, among
from graphrec.terms.base import LineGroup, Shares

Vector = NDArray[np.float64]
#: What is left of a sum after taking out parts of it is nothing below this share of the sum.
ROUNDING = 1e-12
#: Of how many products the walks that come back are sought at once.
PRODUCTS_AT_ONCE = 4096


@dataclass(frozen=True)
class Walk:
    """A typed walk from user to product, a power per hop, and its weight in the kernel."""

    hops: tuple[Hop, ...]
    powers: tuple[float, ...]
    beta: float = 1.0

    def __str__(self) -> str:
        return " ".join(str(hop) for hop in self.hops)


class WalkScorer:
    """Scores and shares of one walk (beta left out) on one graph."""

    def __init__(
        self,
        graph: Graph,
        walk: Walk,
        diagonal: Vector | None = None,
        table: Vector | None = None,
        learned: Mapping[int, Vector] | None = None,
    ) -> None:
        self.walk = walk
        self.first = graph.hops[walk.hops[0]]
        self.steps = [graph.hops[hop] for hop in walk.hops]
        self.back = [graph.hops[hop.back()] for hop in walk.hops]
        self.labels = [graph.target(hop) for hop in walk.hops]
        self.num_products = graph.num_products
        self.user_label, self.product_label = graph.schema.roles.user, graph.schema.roles.product
        self.length = len(walk.hops)
        self.via_user = self.length > 1 and self.labels[0] == self.user_label
        self.mid_user = self.length == 3 and self.labels[1] == self.user_label
        self.people = self.via_user or self.mid_user
        self.closes = self.length > 1 and self.labels[0] == self.product_label
        self._diagonal = diagonal
        self.learned = learned or {}
        """Learned numbers (nodes,) by position; only where a line names its node (`names`)."""
        self.table = table
        """W (nodes at the first hop, num_products) multiplied out, with the powers of hops 2.. only, or None."""

    @cached_property
    def scales(self) -> list[Vector]:
        """The number of every node, per hop."""
        return [self.numbers(place, np.arange(len(back.indptr) - 1)) for place, back in enumerate(self.back)]

    def numbers(self, place: int, nodes: NDArray[np.integer]) -> Vector:
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
        values = self.first.weights(user) * self.numbers(0, nodes)
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
            step, label_size = self.steps[position], len(self.back[position].indptr) - 1
            origin, reached = step.expand(nodes)
            dense = np.bincount(reached, values[origin], label_size)
            nodes = np.flatnonzero(dense).astype(np.int32)
            values = dense[nodes] * self.numbers(position, nodes)
        score = np.zeros(self.num_products)
        score[nodes] = values
        return score

    @cached_property
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
            through_self = self.numbers(1, np.array([user]))[0]
            ends = through_self * self.numbers(2, last)
            score[last] -= _in_order(values[own]) * ends
        if self.closes:
            back = values * self.diagonal[nodes]
            if self.mid_user:
                both = own & among(nodes, last)
                back[both] -= values[both] * through_self * self.numbers(2, nodes[both])
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
        through = values[origin] * self.numbers(1, mid)
        found = np.empty((len(origin), len(products)))
        for column, marks in self._arrivals(products):
            found[:, column] = through * marks[mid]
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
            for column, marks in self._arrivals(products):
                found[:, column] = values * marks[nodes]
            return found * self._open(nodes, products)
        origin, mid = self.steps[1].expand(nodes)
        through = values[origin] * self.numbers(1, mid)
        if self.mid_user:
            through[mid == user] = 0.0
        for column, marks in self._arrivals(products):
            found[:, column] = np.bincount(origin, through * marks[mid], len(nodes))
        return found * self._open(nodes, products)

    def _through_self(self, user: int, nodes: NDArray[np.int32], products: NDArray[np.int32]) -> Vector:
        """What W holds for walks that lead through the user again (len(nodes), len(products))."""
        own = among(nodes, self.back[1].row(user))
        ends = among(products, self.steps[2].row(user)) * self.numbers(2, products)
        return own[:, None] * ends[None, :] * self.numbers(1, np.array([user]))

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
        marks = np.zeros(len(self.steps[-1].indptr) - 1)
        ends = self.numbers(self.length - 1, products)
        for column, product in enumerate(products):
            before = self.back[-1].row(int(product))
            marks[before] = ends[column]
            yield column, marks
            marks[before] = 0.0

    def _open(self, nodes: NDArray[np.int32], products: NDArray[np.int32]) -> NDArray[np.bool_]:
        """False where the neighbour is the product itself."""
        if not self.closes:
            return np.ones((1, len(products)), np.bool_)
        apart: NDArray[np.bool_] = nodes[:, None] != products[None, :]
        return apart


class WalkTerm:
    """The walk kernel: a weighted sum of walks."""

    def __init__(self, name: str, graph: Graph, scorers: Sequence[WalkScorer]) -> None:
        self.name = name
        self.graph = graph
        self.scorers = tuple(scorers)

    def scores(self, user: int) -> Vector:
        """Scores of all products (num_products,) for one user."""
        total = np.zeros(self.graph.num_products)
        for scorer in self.scorers:
            total += scorer.walk.beta * scorer.scores(user)
        return total

    def batch(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """Scores (len(users), num_products), compiled."""
        total = np.zeros((len(users), self.graph.num_products), np.float32)
        self._add(users, total)
        return total

    def rows(self, users: NDArray[np.int32]) -> Vector:
        """What `scores` gives for each user (len(users), num_products), compiled."""
        total = np.zeros((len(users), self.graph.num_products))
        self._add(users, total)
        return total

    def _add(self, users: NDArray[np.int32], total: NDArray[np.float32] | Vector) -> None:
        from graphrec.terms.compiled.scores import walk_scores

        for scorer in self.scorers:
            walk_scores(scorer, users, scorer.walk.beta, total)

    def shares(self, user: int, products: NDArray[np.int32]) -> Shares:
        """One line per real path, or per neighbour where the paths lead through other users."""
        parts = []
        for position, scorer in enumerate(self.scorers):
            for group, via, mid, values in scorer.shares(user, products, position):
                parts.append((group, via, mid, scorer.walk.beta * values))
        return Shares.stack(parts) if parts else Shares.none(len(products))


def closing_walks(steps: list[Adjacency], back: list[Adjacency], numbers: Sequence[Vector], size: int) -> Vector:
    """For every product at the first hop: the value of all walks over hops 2.. that end at itself (size,).

    Args:
        numbers: of the nodes at every hop; those at the first are not read.
    """
    result = np.zeros(size)
    for start in range(0, size, PRODUCTS_AT_ONCE):
        end = min(start + PRODUCTS_AT_ONCE, size)
        products, nodes = _pairs(steps[1], start, end)
        if len(steps) == 2:
            own = products == nodes
            values = numbers[1][nodes[own]]
        else:
            count = len(back[1].indptr) - 1
            others, reached = _pairs(back[2], start, end)
            own = among(products * count + nodes, others * count + reached)
            values = numbers[1][nodes[own]] * numbers[2][products[own]]
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
    degrees = (back.indptr[np.asarray(nodes) + 1] - back.indptr[nodes]).astype(np.float64)
    return np.where(degrees > 0, np.maximum(degrees, 1.0) ** -power, 0.0)


def _filled(
    group: LineGroup, via: NDArray[np.int32], mid: NDArray[np.int32], values: Vector
) -> list[tuple[LineGroup, NDArray[np.int32], NDArray[np.int32], Vector]]:
    used = (values != 0).any(axis=1)
    return [(group, via[used], mid[used], values[used])] if used.any() else []
