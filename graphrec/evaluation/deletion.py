"""What a model would score if some of a user's edges were not there, degrees counted anew.

Every term is linear in the user's first hops, so that a score without some edges is a sum without their rows. What else
an edge touches is put right exactly: of the degrees on the remaining simple paths only that of the product itself can
count a deleted edge (somebody looked at it), and each term is divided by its own new spread. Learned factors stay as
they are, as for a new user (fold-in). Walks that begin with people and pass a product on their way to another count the
user's own edge to it in its degree: that one stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Graph, Hop
from graphrec.models.matrix import csr
from graphrec.terms.base import Term
from graphrec.terms.blend import NO_SPREAD, Blend
from graphrec.terms.factors import FactorTerm, SparseRows, TableTerm
from graphrec.terms.walks import WalkScorer, WalkTerm

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Matrix = NDArray[np.float64]
#: Lines that rest on no edge of the user, so that no deletion takes them away.
ROOTLESS = frozenset({"general", "new", "self", "nonlinear"})
#: A first hop and the node it leads to; no hop: the user's own text.
Edge = tuple[Hop | None, int]


@dataclass(frozen=True, eq=False)
class _Part:
    """What each edge adds to a walk or another term: rows (num_edges, num_products); what none adds (num_products,)."""

    edges: list[Edge]
    rows: Matrix
    base: Matrix
    growth: Mapping[Edge, float]
    """By how much the score of a product grows when its own edge to the user is gone: one degree less."""


class Evidence:
    """The edges of one user, and the scores that any of them give together."""

    def __init__(self, weights: Sequence[float], terms: Sequence[Sequence[_Part]]) -> None:
        self._weights = weights
        self._terms = terms
        self.edges: list[Edge] = list(dict.fromkeys(edge for parts in terms for part in parts for edge in part.edges))
        self._places = {edge: place for place, edge in enumerate(self.edges)}

    def place(self, edge: Edge) -> int | None:
        """Where an edge is in `edges`; None where no term knows it."""
        return self._places.get(edge)

    def scores(self, kept: NDArray[np.bool_]) -> Matrix:
        """The blend's scores (num_cases, num_products) when only some edges are there: kept (num_cases, num_edges)."""
        rows = [weight * _standardised(self.term_scores(n, kept)) for n, weight in enumerate(self._weights)]
        total: Matrix = np.sum(rows, axis=0)
        return total

    def term_scores(self, position: int, kept: NDArray[np.bool_]) -> Matrix:
        """The scores of one term, in its own units, as `scores`."""
        found = []
        for part in self._terms[position]:
            chosen = [self._places[edge] for edge in part.edges]
            scores = kept[:, chosen].astype(np.float64) @ part.rows + part.base
            for edge, growth in part.growth.items():
                place = self._places.get(edge)
                if place is not None:
                    scores[~kept[:, place], edge[1]] *= growth
            found.append(scores)
        total: Matrix = np.sum(found, axis=0)
        return total


class Deletions:
    """Takes the scores of a blend apart, user by user."""

    def __init__(self, blend: Blend, graph: Graph) -> None:
        self.blend = blend
        self.graph = graph
        self._steps: dict[tuple[WalkScorer, int], csr_array] = {}

    @property
    def inexact(self) -> tuple[str, ...]:
        """The terms that are not linear in the edges of a user: their lines stand for what a deletion would do."""
        linear = (WalkTerm, FactorTerm, TableTerm)
        return tuple(term.name for term in self.blend.terms if not isinstance(term, linear))

    def evidence(self, user: int) -> Evidence:
        """The edges of a user that the blend knows."""
        return Evidence(self.blend.weights, [self._parts(term, user) for term in self.blend.terms])

    def _parts(self, term: Term, user: int) -> list[_Part]:
        if isinstance(term, WalkTerm):
            return [self._walk(scorer, user) for scorer in term.scorers]
        return [self._factors(term, user) if isinstance(term, FactorTerm) else self._lines(term, user)]

    def _walk(self, scorer: WalkScorer, user: int) -> _Part:
        nodes, values = scorer.start(user)
        hop, ending = scorer.walk.hops[0], scorer.walk.hops[-1]
        rows = scorer.walk.beta * self._walk_rows(scorer, user, nodes, values)
        growth: dict[Edge, float] = {}
        if scorer.length > 1 and self.graph.source(ending) == scorer.user_label:
            products = self.graph.hops[ending].row(user)
            degrees = np.maximum(scorer.back[-1].degrees()[products], 2)
            grown = (degrees / (degrees - 1)) ** scorer.walk.powers[-1]
            growth = {(ending, int(product)): float(by) for product, by in zip(products, grown, strict=True)}
        return _Part([(hop, int(node)) for node in nodes], rows, np.zeros(self.graph.num_products), growth)

    def _walk_rows(self, scorer: WalkScorer, user: int, nodes: NDArray[np.int32], values: Matrix) -> Matrix:
        """What each first hop of a walk gives to every product (len(nodes), num_products), simple paths only."""
        if scorer.length == 1:
            rows = np.zeros((len(nodes), scorer.num_products))
            rows[np.arange(len(nodes)), nodes] = values
            return rows
        if scorer.table is not None:
            rows = values[:, None] * scorer.table[nodes]
        else:
            found = self._step(scorer, 1)[nodes]
            rows = values[:, None] * np.asarray(
                (found @ self._step(scorer, 2) if scorer.length > 2 else found).toarray()
            )
        if scorer.mid_user or scorer.closes:
            for place, row in enumerate(rows):
                scorer.correct(user, nodes[place : place + 1], values[place : place + 1], row)
        return rows

    def _step(self, scorer: WalkScorer, position: int) -> "csr_array":
        """One step of a walk with the powers of the nodes it arrives at."""
        key = scorer, position
        if key not in self._steps:
            scale = scorer.scales[position]
            step = csr(scorer.steps[position], len(scale), np.float64)
            step.data *= scale[step.indices]
            self._steps[key] = step
        return self._steps[key]

    def _factors(self, term: FactorTerm, user: int) -> _Part:
        edges: list[Edge] = []
        rows, base = [], np.zeros(self.graph.num_products)
        for source in term.neighbours:
            assert not isinstance(source.left, SparseRows), "factors are dense"
            found = source.rows(self.graph, user)
            given = np.asarray(source.left[found] @ np.asarray(term.right).T, np.float64)
            if source.group(self.graph).kind in ROOTLESS:
                base += given.sum(axis=0)
            else:
                edges += [(source.hop, int(row) if source.hop else -1) for row in found]
                rows.append(given)
        return _Part(edges, _stacked(rows, self.graph), base, {})

    def _lines(self, term: Term, user: int) -> _Part:
        """Of any other term: its ledger over all products, line by line."""
        shares = term.shares(user, np.arange(self.graph.num_products, dtype=np.int32))
        edges: list[Edge] = []
        rows, base = [], np.zeros(self.graph.num_products)
        for position, via, values in zip(shares.group, shares.via, shares.values, strict=True):
            group = shares.groups[int(position)]
            if group.kind in ROOTLESS:
                base += values
            else:
                edges.append((group.hop, int(via)))
                rows.append(values[None, :])
        return _Part(edges, _stacked(rows, self.graph), base, {})


def _stacked(rows: list[Matrix], graph: Graph) -> Matrix:
    return np.concatenate(rows) if rows else np.zeros((0, graph.num_products))


def _standardised(scores: Matrix) -> Matrix:
    """Every row divided by its spread, 0 without spread, as a blend does."""
    spread = scores.std(axis=1, keepdims=True)
    known = spread > NO_SPREAD * np.abs(scores).max(axis=1, keepdims=True)
    return np.asarray(np.divide(scores, spread, out=np.zeros_like(scores), where=known))
