"""One walk while its weights are learned: its mass for a batch of users, and the gradients of the mass."""

import numba
import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Adjacency, Graph, among, codes_of, from_rows
from graphrec.models.kernel import multiplied_out
from graphrec.models.learned_kernel import gradients as gradients_of
from graphrec.terms.walks import Walk, WalkScorer, closing_walks

Vector = NDArray[np.float64]
Scores = NDArray[np.float32]

ROUNDING = 1e-6
"""What is left of a mass after taking out walks is nothing below this part of the user's largest."""
TABLE_ENTRIES = 40_000_000
"""Hops 2 and 3 through people are multiplied out up to this size (160 MB)."""
EMPTY = np.zeros(0)


class WalkSteps:
    """One walk in training: its weights, its mass and the gradients of the mass."""

    def __init__(self, graph: Graph, walk: Walk) -> None:
        self.scorer = scorer = WalkScorer(graph, walk)
        self.graph = graph
        self.sizes = {
            position: graph.counts[scorer.labels[position]]
            for position in range(scorer.length)
            if scorer.names(position)
        }
        """How many weights are learned per position."""
        self.powers = scorer.scales
        self.table = _table(graph, scorer)
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
        if scorer.length == 1:
            gradients_of.direct_mass(users, *kept, mass)
        elif scorer.length == 2:
            gradients_of.linked_mass(users, *kept, self.first, *_csr(scorer.steps[1]), mass)
        elif self.table is not None:
            gradients_of.tabled_mass(users, *kept, self.first, self.table, mass)
        else:
            gradients_of.chained_mass(
                users, *kept, self.first, *_csr(scorer.steps[1]), self.middle, *_csr(scorer.steps[2]),
                scorer.mid_user, numba.get_num_threads(), mass,
            )  # fmt: skip
        high = mass.max(axis=1, keepdims=True)
        if self.table is not None:
            gradients_of.take_out_user(users, *kept, self.first, self.middle, self._own(), mass)
        if scorer.closes:
            self.closing = self._closing()
            gradients_of.take_out(
                users, *kept, self.first, self.closing, self.middle, scorer.mid_user, self._own(), mass
            )
        mass[mass < ROUNDING * high] = 0.0
        mass *= self.last.astype(np.float32)
        return mass

    def gradients(self, users: NDArray[np.int32], mass: Scores, pulls: Scores) -> dict[int, Vector]:
        """Gradients by theta, per position, from those by the last mass (len(users), num_products)."""
        scorer, kept = self.scorer, self._kept()
        found = {scorer.length - 1: np.einsum("ui,ui->i", pulls, mass).astype(np.float64)}
        if scorer.length == 1:
            return found
        pulls = pulls * self.last.astype(np.float32)
        threads = numba.get_num_threads()
        first, middle = np.zeros((threads, len(self.first))), np.zeros((threads, len(self.middle)))
        if scorer.length == 2:
            gradients_of.linked_gradients(users, *kept, self.first, *_csr(scorer.steps[1]), pulls, first)
        elif self.table is not None:
            gradients_of.tabled_gradients(users, *kept, self.first, self.table, *self._own(), self.middle, pulls, first)
        else:
            gradients_of.chained_gradients(
                users, *kept, self.first, *_csr(scorer.steps[1]), self.middle, *_csr(scorer.steps[2]),
                scorer.mid_user, pulls, first, middle,
            )  # fmt: skip
        if scorer.closes:
            gradients_of.take_out_gradients(
                users, *kept, self.first, self.closing, self.middle, scorer.mid_user, self._own(), pulls, first
            )
        return {0: first.sum(axis=0), 1: middle.sum(axis=0), **found} if scorer.length == 3 else {
            0: first.sum(axis=0), **found
        }  # fmt: skip

    def _kept(self) -> tuple[NDArray[np.int64], NDArray[np.int32], Vector]:
        weight = EMPTY if self.left.weight is None else np.asarray(self.left.weight, np.float64)
        return self.left.indptr, self.left.indices, weight

    def _own(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
        """What finds the walks through the user: their edges of hops 2 (back) and 3."""
        if not self.scorer.mid_user:
            return np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.int32)
        return *_csr(self.scorer.back[1]), *_csr(self.scorer.steps[2])

    def _closing(self) -> Vector:
        """What leads from every product at the first hop back to itself, before the last weight."""
        if self.table is not None:
            return np.ascontiguousarray(np.diagonal(self.table)).astype(np.float64)
        if len(self.closing) and 1 not in self.sizes:
            return self.closing
        ones = np.ones(self.graph.num_products)
        weights = [*[self.first, self.middle][: self.scorer.length - 1], ones]
        return closing_walks(self.scorer.steps, self.scorer.back, weights, len(ones))


def _table(graph: Graph, scorer: WalkScorer) -> Scores | None:
    """Hops 2 and 3 through people multiplied out (nodes, num_products) without the last weight, where that is small."""
    if not scorer.mid_user or graph.counts[scorer.labels[0]] * graph.num_products > TABLE_ENTRIES:
        return None
    return multiplied_out(scorer.steps[1:], [scorer.scales[1], np.ones(graph.num_products)]).astype(np.float32)


def _csr(adjacency: Adjacency) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    return adjacency.indptr, adjacency.indices
