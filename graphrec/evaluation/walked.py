"""The paths that are shown: how recent, how popular, how various; and how many paths begin with each edge."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.evaluation.deletion import Edge
from graphrec.evaluation.judged import Judged
from graphrec.graph.adjacency import Hop
from graphrec.graph.snapshot import ALWAYS
from graphrec.metrics.paths import entity_popularity, interaction_recency, mean_of_known, type_diversity
from graphrec.terms.blend import Blend, Ledger
from graphrec.terms.walks import WalkScorer, WalkTerm


@dataclass(frozen=True)
class Walked:
    """LIR, SEP and ETD of one user's shown paths, nan where they are not known."""

    recency: float
    popularity: float
    diversity: float


class Walks:
    """Judges the strongest path of every product in a list."""

    def __init__(self, judged: Judged) -> None:
        self.judged = judged
        terms = [term for term in judged.model.blend.terms if isinstance(term, WalkTerm)]
        self.types = {scorer.walk.hops[-1] for term in terms for scorer in term.scorers}
        self._popularity: dict[Hop, NDArray[np.float64]] = {}

    def of(self, user: int, ledger: Ledger, lines: Sequence[Sequence[int]]) -> Walked:
        """The metrics of a list, from the lines of each product in their order."""
        history = self._history(user)
        recency, popularity, types = [], [], []
        for shown in lines:
            line = next((line for line in shown if ledger.groups[int(ledger.group[line])].walk is not None), None)
            if line is None:
                continue
            scorer = self._scorer(ledger, line)
            via, mid = int(ledger.via[line]), int(ledger.mid[line])
            types.append(scorer.walk.hops[-1])
            recency.append(history.get((scorer.walk.hops[0], via), float("nan")))
            entity = mid if scorer.length > 2 else via
            if scorer.length > 1 and not scorer.people and entity >= 0:
                popularity.append(float(self._popular(scorer)[entity]))
        # A user without any path has diversity 0; recency and popularity are of paths alone.
        diversity = type_diversity(types, len(self.types)) if self.types else float("nan")
        return Walked(mean_of_known(recency), mean_of_known(popularity), diversity)

    def _scorer(self, ledger: Ledger, line: int) -> WalkScorer:
        term = self.judged.model.blend.terms[int(ledger.term[line])]
        walk = ledger.groups[int(ledger.group[line])].walk
        assert isinstance(term, WalkTerm), "only walks have paths"
        assert walk is not None, "a path line has its walk"
        return term.scorers[walk]

    def _popular(self, scorer: WalkScorer) -> NDArray[np.float64]:
        """SEP of every node before the product, by how many products it leads to."""
        last = scorer.walk.hops[-1]
        if last not in self._popularity:
            self._popularity[last] = entity_popularity(scorer.steps[-1].degrees())
        return self._popularity[last]

    def _history(self, user: int) -> dict[tuple[Hop, int], float]:
        """LIR of every interaction of a user that the model knows; none where interactions have no times."""
        edges, times = [], []
        snapshot, graph = self.judged.snapshot, self.judged.model.graph
        for name in snapshot.schema.roles.evidence():
            events = snapshot.edges(name)
            span = slice(int(events.indptr[user]), int(events.indptr[user + 1]))
            targets, at = np.asarray(events.indices[span]), np.asarray(events.at[span])
            known = np.asarray(events.known_at[span]) if self._until is not None else None
            for node in graph.hops[Hop(name)].row(user):
                seen = targets == node
                if known is not None:
                    seen &= known < self._until
                last = at[seen].max(initial=ALWAYS)
                if last != ALWAYS:
                    edges.append((Hop(name), int(node)))
                    times.append(int(last))
        values = interaction_recency(np.array(times, np.int64))
        return dict(zip(edges, values.tolist(), strict=True))

    @property
    def _until(self) -> int | None:
        """The time from which on the fit saw nothing."""
        until: int | None = self.judged.model.meta["hidden"]["known_from"]
        return until


def path_counts(blend: Blend, user: int, products: NDArray[np.int32], edges: Sequence[Edge]) -> NDArray[np.int64]:
    """How many simple paths of the blend's walks to each product begin with each edge (num_edges, num_products)."""
    places = {edge: place for place, edge in enumerate(edges)}
    counts = np.zeros((len(edges), len(products)), np.int64)
    for term in blend.terms:
        for scorer in term.scorers if isinstance(term, WalkTerm) else ():
            nodes = scorer.first.row(user)
            rows = [places[scorer.walk.hops[0], int(node)] for node in nodes]
            np.add.at(counts, rows, _counted(scorer, user, nodes, products))
    return counts


def _counted(scorer: WalkScorer, user: int, nodes: NDArray[np.int32], products: NDArray[np.int32]) -> NDArray[np.int64]:
    found = np.zeros((len(nodes), len(products)), np.int64)
    if scorer.length == 1:
        return np.asarray(nodes[:, None] == products[None, :], np.int64)
    origin, middle = (np.arange(len(nodes)), nodes) if scorer.length == 2 else scorer.steps[1].expand(nodes)
    for column, product in enumerate(products):
        marks = np.zeros(len(scorer.steps[-1].indptr) - 1, np.bool_)
        marks[scorer.back[-1].row(int(product))] = True
        if scorer.mid_user:
            marks[user] = False
        found[:, column] = np.bincount(origin, marks[middle], len(nodes))
    if scorer.closes:
        found[nodes[:, None] == products[None, :]] = 0
    return found
