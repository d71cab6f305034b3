"""Training steps that hide their targets: what a step predicts carries no message in that step.

With `min_group` above 1 a step has a row per target, where only neighbours speak that form a supported pair with it
(models/support.py); no message comes from users, and what a user holds without any supported pair is not held.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop, among, codes_of, from_codes, from_rows
from graphrec.models.support import PairCodes

#: Holdings whose other neighbours are looked through at once.
HOLDINGS_AT_ONCE = 100_000


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of a row of the step and a product, sorted by row.

    Shapes: rows, products (num_pairs,).
    """

    rows: NDArray[np.int64]
    products: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Step:
    """One batch of users, a row each: the edges that are left to them, what to predict, what they are known to hold.

    A user may have several rows, and `kept` has one for each. `whole` is the graph of all nodes without the targets,
    both directions; it is there only when propagation goes further than the user's own edges.
    """

    users: NDArray[np.int32]
    kept: Mapping[Hop, Adjacency]
    targets: Pairs
    held: Pairs
    whole: Mapping[Hop, Adjacency] | None = None


class Holdings:
    """Who holds what, and products to contrast it with."""

    def __init__(self, held: Adjacency, num_products: int) -> None:
        self.num_products = num_products
        self._codes = codes_of(held, num_products)
        popularity = np.bincount(held.indices, minlength=num_products).astype(np.float64)
        self._known = np.flatnonzero(popularity)
        uniform = (popularity > 0) / max(len(self._known), 1)
        self._popularity = popularity / max(popularity.sum(), 1.0)
        self._chances = 0.5 * uniform + 0.5 * self._popularity

    def pairs(self, users: NDArray[np.integer], products: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Whether each user holds the product beside them."""
        return among(np.asarray(users, np.int64) * self.num_products + products, self._codes)

    def table(self, users: NDArray[np.integer], products: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Which of these users hold which of these products (len(users), len(products))."""
        codes = np.asarray(users, np.int64)[:, None] * self.num_products + products[None, :]
        return among(codes.ravel(), self._codes).reshape(codes.shape)

    def sample(self, count: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Products that somebody holds, half evenly and half by popularity, and how often each is expected."""
        drawn = rng.choice(self.num_products, count, p=self._chances)
        return drawn, count * self._chances[drawn]

    def in_batch(self, targets: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The distinct targets of a batch, and how often each is expected there, per time that it came."""
        drawn, times = np.unique(targets, return_counts=True)
        return drawn.astype(np.int64), len(targets) * self._popularity[drawn] / times

    def others(self, users: NDArray[np.integer], rng: np.random.Generator) -> NDArray[np.int64]:
        """For each user a random product that somebody holds and they do not; one of theirs after ten vain tries."""
        drawn = rng.choice(self._known, len(users))
        doubted = np.arange(len(users))
        for _ in range(10):
            doubted = doubted[self.pairs(users[doubted], drawn[doubted])]
            drawn[doubted] = rng.choice(self._known, len(doubted))
        return drawn


class StepSource:
    """Draws steps from a graph, seeded by the generator it is given.

    Args:
        hops: the hops that carry messages; those that leave a user give `kept`.
        drop: share of each user's held products that become targets, one at least.
        min_held: users who hold fewer products are not learned from.
        whole: whether steps carry the whole graph too.
    """

    def __init__(
        self, graph: Graph, hops: Sequence[Hop], drop: float, *, min_held: int = 1, whole: bool = False
    ) -> None:
        roles = graph.schema.roles
        self.graph = graph
        self.hops = tuple(hops)
        self.user_hops = [hop for hop in hops if graph.source(hop) == roles.user]
        self.pairs = PairCodes(graph, self.user_hops) if roles.min_group > 1 else None
        self.held = graph.held() if self.pairs is None else self._supported_holdings(self.pairs)
        self.holdings = Holdings(self.held, graph.num_products)
        self.interactions = set(roles.interactions)
        self.drop = drop
        self.with_whole = whole
        learners = graph.learners(max(1, min(min_held, int(self.held.degrees().max(initial=0)))))
        self.learners = learners[self.held.degrees()[learners] > 0]
        """Users who hold something, so that there is something to predict."""

    def draw(self, users: NDArray[np.int32], rng: np.random.Generator) -> Step:
        """The step of these users with targets drawn at random."""
        rows, products = self.held.expand(users)
        chosen = hidden_part(rows, len(users), self.drop, rng)
        targets = Pairs(rows[chosen], products[chosen])
        hidden = np.sort(targets.rows * self.graph.num_products + targets.products)
        kept = {hop: self._kept(hop, users, hidden) for hop in self.user_hops}
        if self.pairs is not None:
            return self._by_target(self.pairs, users, kept, targets)
        whole = self._whole(users, targets) if self.with_whole else None
        return Step(users, kept, targets, Pairs(rows[~chosen], products[~chosen]), whole)

    def _supported_holdings(self, pairs: PairCodes) -> Adjacency:
        """What each user holds that forms a supported pair with another neighbour of theirs."""
        held, num_products = self.graph.held(), self.graph.num_products
        owners = np.repeat(np.arange(self.graph.num_users), held.degrees())
        there = np.zeros(len(held.indices), np.bool_)
        for start in range(0, len(owners), HOLDINGS_AT_ONCE):
            span = slice(start, start + HOLDINGS_AT_ONCE)
            for hop in self.user_hops:
                origin, nodes = self.graph.hops[hop].expand(owners[span])
                products = held.indices[span][origin]
                found = pairs(hop, nodes, products)
                if self.graph.target(hop) == self.graph.schema.roles.product:
                    found &= nodes != products
                there[span] |= np.bincount(origin[found], minlength=len(owners[span])) > 0
        return from_codes(codes_of(held, num_products)[there], self.graph.num_users, num_products)

    def _by_target(
        self, pairs: PairCodes, users: NDArray[np.int32], kept: Mapping[Hop, Adjacency], targets: Pairs
    ) -> Step:
        """A row for every target that a neighbour is left to speak for."""
        rows: dict[Hop, tuple[NDArray[np.int64], NDArray[np.int32]]] = {}
        count = np.zeros(len(targets.rows), np.int64)
        for hop, adjacency in kept.items():
            origin, nodes = adjacency.expand(targets.rows)
            open_ = pairs(hop, nodes, targets.products[origin])
            rows[hop] = origin[open_], nodes[open_]
            count += np.bincount(rows[hop][0], minlength=len(count))
        spoken = np.flatnonzero(count)
        place = np.cumsum(count > 0) - 1
        left = {hop: from_rows(place[origin], nodes, len(spoken)) for hop, (origin, nodes) in rows.items()}
        owners, wanted = users[targets.rows[spoken]], targets.products[spoken]
        origin, products = self.held.expand(owners)
        others = products != wanted[origin]
        between = [hop for hop in self.hops if hop not in self.user_hops]
        whole = {hop: self.graph.hops[hop] for hop in between} if self.with_whole else None
        asked = Pairs(np.arange(len(spoken)), wanted)
        return Step(owners, left, asked, Pairs(origin[others], products[others]), whole)

    def _kept(self, hop: Hop, users: NDArray[np.int32], hidden: NDArray[np.int64]) -> Adjacency:
        rows, nodes = self.graph.hops[hop].expand(users)
        if hop.type in self.interactions:
            left = ~among(rows * self.graph.num_products + nodes, hidden)
            rows, nodes = rows[left], nodes[left]
        return from_rows(rows, nodes, len(users))

    def _whole(self, users: NDArray[np.int32], targets: Pairs) -> dict[Hop, Adjacency]:
        """Every hop without the targets, whichever interaction joins the pair."""
        num_products = self.graph.num_products
        hidden = np.sort(users[targets.rows].astype(np.int64) * num_products + targets.products)
        everyone = np.arange(self.graph.num_users, dtype=np.int32)
        left = {hop: self.graph.hops[hop] for hop in self.hops}
        for hop in self.user_hops:
            if hop.type in self.interactions:
                left[hop] = self._kept(hop, everyone, hidden)
                left[hop.back()] = left[hop].transposed(num_products)
        return left


def hidden_part(rows: NDArray[np.int64], num_rows: int, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A random choice of the pairs of every row, which are sorted by row: their share, rounded, at least one."""
    order = np.lexsort((rng.random(len(rows)), rows))
    degrees = np.bincount(rows, minlength=num_rows)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(degrees) - degrees, degrees)
    wanted = np.maximum(np.rint(share * degrees), 1)
    chosen = np.zeros(len(rows), np.bool_)
    chosen[order] = place < wanted[rows]
    return chosen
