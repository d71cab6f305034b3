"""One walk while its weights are learned: its mass for a batch of users, and the gradients of the mass."""

import numba
import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Adjacency, Graph, among, codes_of, from_rows
from graphrec.models.walks.kernel import scorer_of
from graphrec.models.walks.learned_kernel import gradients as gradients_of
from graphrec.terms.compiled.hops import own_edges, people_of
from graphrec.terms.walks import AcquaintedScorer, ContentScorer, PeopleScorer, Walk, closing_walks

Vector = NDArray[np.float64]
Scores = NDArray[np.float32]

ROUNDING = 1e-6
"""What is left of a mass after taking out walks is nothing below this part of the user's largest."""
DENSE_ENTRIES = 40_000_000
"""A table of ways through people is written out in full up to this size (160 MB) ..."""
DENSE_PART = 5
"""... where at least one in so many of its pairs is there: adding whole rows is quicker then."""
EMPTY = np.zeros(0)


class WalkSteps:
    """One walk in training: its weights, its mass and the gradients of the mass."""

    def __init__(self, graph: Graph, walk: Walk) -> None:
        self.scorer = scorer = scorer_of(graph, walk)
        self.graph = graph
        self.sizes = {
            position: graph.counts[scorer.labels[position]]
            for position in range(scorer.length)
            if scorer.names(position)
        }
        """How many weights are learned per position."""
        self.powers = scorer.scales
        self.dense = _dense(scorer) if isinstance(scorer, PeopleScorer) else np.zeros((0, 0), np.float32)
        self.left = scorer.first
        self.first = self.middle = self.last = self.powers[-1]
        self.closing = EMPTY

    def begin(self, codes: NDArray[np.int64]) -> None:
        """Hide some pairs of user and product in the first hop, if it is an interaction."""
        first, hop = self.scorer.first, self.scorer.walk.hops[0]
        if hop.type not in self.graph.schema.roles.interactions:
            return
        keep = ~among(codes_of(first, self.graph.num_products), codes)
        weight = None if first.weight is None else first.weight[keep]
        rows = np.repeat(np.arange(len(first.indptr) - 1), first.degrees())[keep]
        self.left = from_rows(rows, first.indices[keep], len(first.indptr) - 1, weight)

    def mass(self, users: NDArray[np.int32], thetas: dict[int, Vector]) -> Scores:
        """The walk's scores (len(users), num_products) with these weights, without what is hidden."""
        weights = [
            power * np.exp(thetas[position]) if position in thetas else power
            for position, power in enumerate(self.powers)
        ]
        self.first, self.middle, self.last = weights[0], weights[min(1, len(weights) - 1)], weights[-1]
        mass = np.zeros((len(users), self.graph.num_products), np.float32)
        scorer, kept = self.scorer, self._kept()
        if isinstance(scorer, AcquaintedScorer):
            for row, user in zip(mass, users.tolist(), strict=True):
                products, _, arrived = scorer.ways(user)
                row[products] = arrived
        elif isinstance(scorer, PeopleScorer):
            gradients_of.people_mass(users, *kept, self.first, people_of(scorer), own_edges(scorer), self.dense, mass)
        else:
            assert isinstance(scorer, ContentScorer), "there is no other scorer"
            self._content_mass(scorer, users, mass)
        mass *= self.last.astype(np.float32)
        return mass

    def _content_mass(self, scorer: ContentScorer, users: NDArray[np.int32], mass: Scores) -> None:
        kept = self._kept()
        if scorer.length == 1:
            gradients_of.direct_mass(users, *kept, mass)
        elif scorer.length == 2:
            gradients_of.linked_mass(users, *kept, self.first, *_csr(scorer.steps[1]), mass)
        else:
            gradients_of.chained_mass(
                users, *kept, self.first, *_csr(scorer.steps[1]), self.middle, *_csr(scorer.steps[2]),
                numba.get_num_threads(), mass,
            )  # fmt: skip
        if scorer.closes:
            high = mass.max(axis=1, keepdims=True)
            self.closing = self._closing(scorer)
            gradients_of.take_out(users, *kept, self.first, self.closing, mass)
            mass[mass < ROUNDING * high] = 0.0

    def gradients(self, users: NDArray[np.int32], mass: Scores, pulls: Scores) -> dict[int, Vector]:
        """Gradients by theta, per position, from those by the last mass (len(users), num_products)."""
        scorer, kept = self.scorer, self._kept()
        found = {scorer.length - 1: np.einsum("ui,ui->i", pulls, mass).astype(np.float64)}
        if scorer.length == 1 or scorer.via_user:
            return found
        pulls = pulls * self.last.astype(np.float32)
        threads = numba.get_num_threads()
        first, middle = np.zeros((threads, len(self.first))), np.zeros((threads, len(self.middle)))
        if isinstance(scorer, PeopleScorer):
            people, own = people_of(scorer), own_edges(scorer)
            gradients_of.people_gradients(users, *kept, self.first, people, own, self.dense, pulls, first)
            return {0: first.sum(axis=0), **found}
        assert isinstance(scorer, ContentScorer), "there is no other scorer"
        if scorer.length == 2:
            gradients_of.linked_gradients(users, *kept, self.first, *_csr(scorer.steps[1]), pulls, first)
        else:
            gradients_of.chained_gradients(
                users, *kept, self.first, *_csr(scorer.steps[1]), self.middle, *_csr(scorer.steps[2]),
                pulls, first, middle,
            )  # fmt: skip
            found[1] = middle.sum(axis=0)
        found[0] = first.sum(axis=0)
        if scorer.closes:
            met = np.zeros((threads, len(self.first)))
            gradients_of.come_back(users, *kept, self.first, pulls, met)
            self._take_out(scorer, met.sum(axis=0), found)
        return found

    def _take_out(self, scorer: ContentScorer, met: Vector, found: dict[int, Vector]) -> None:
        """Take walks that end where the first hop led out of the gradients; met: those by what flows back there."""
        found[0] -= self.closing * met
        if scorer.length > 2:
            ways, ends = scorer.steps[1], scorer.back[1]
            products = np.repeat(np.arange(ways.num_rows), ways.degrees())
            count = self.graph.counts[scorer.labels[1]]
            back = among(codes_of(ways, count), codes_of(ends, count))
            nodes = ways.indices[back]
            found[1] -= np.bincount(nodes, met[products[back]], count) * self.middle

    def _kept(self) -> tuple[NDArray[np.int64], NDArray[np.int32], Vector]:
        weight = EMPTY if self.left.weight is None else np.asarray(self.left.weight, np.float64)
        return self.left.indptr, self.left.indices, weight

    def _closing(self, scorer: ContentScorer) -> Vector:
        """What leads from every product at the first hop back to itself, before the last weight."""
        if len(self.closing) and 1 not in self.sizes:
            return self.closing
        ones = np.ones(self.graph.num_products)
        weights = [*[self.first, self.middle][: scorer.length - 1], ones]
        return closing_walks(scorer.steps, scorer.back, weights, len(ones))


def _dense(scorer: PeopleScorer) -> Scores:
    """What people pass on from each node to each product, where it is quicker to read in full; else empty."""
    size, entries = scorer.table.rows.num_rows * scorer.num_products, len(scorer.table.counts)
    if size > DENSE_ENTRIES or entries * DENSE_PART < size:
        return np.zeros((0, 0), np.float32)
    rows = scorer.table.rows
    dense = np.zeros((rows.num_rows, scorer.num_products), np.float32)
    dense[np.repeat(np.arange(rows.num_rows), rows.degrees()), rows.indices] = rows.weight
    return dense


def _csr(adjacency: Adjacency) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    return adjacency.indptr, adjacency.indices
