"""The paths among the reasons: how recent, how popular, how various; and how many paths begin with each edge."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Hop
from graphrec.metrics.paths import entity_popularity, mean_of_known, type_diversity
from graphrec.serving.engine import Engine, Listed
from graphrec.serving.reasons.prefer import history
from graphrec.terms.forms.blend import Blend
from graphrec.terms.ledger import Edge
from graphrec.terms.walks import ContentScorer

#: Later than every event.
EVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class PathQuality:
    """LIR, SEP and ETD of the leading paths of one list, nan where they are not known."""

    recency: float
    popularity: float
    diversity: float


class Paths:
    """Measures the strongest path of the first reason on paths of every product in a list."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.types = {scorer.walk.hops[-1] for term in engine.model.blend.terms for scorer in term.scorers}
        self._popularity: dict[Hop, NDArray[np.float64]] = {}

    def quality(self, listed: Listed) -> PathQuality:
        """The metrics of a list; without any path the diversity is 0, and nothing else is known."""
        model, ledger, user = self.engine.model, listed.scored.ledger, listed.scored.user
        known_before = model.meta.hidden.known_from or EVER
        known = history(self.engine.positions, model.graph, user, known_before)
        recency, popularity, types = [], [], []
        for found in listed.reasons:
            strongest = [int(one.lines[0]) for one in found.sentences]
            walked = ((line, model.blend.scorer(ledger, line)) for line in strongest)
            line, scorer = next(((line, scorer) for line, scorer in walked if scorer is not None), (-1, None))
            if scorer is None:
                continue
            via, mid = int(ledger.via[line]), int(ledger.mid[line])
            types.append(scorer.walk.hops[-1])
            recency.append(known.get((scorer.walk.hops[0], via), float("nan")))
            entity = mid if scorer.length > 2 else via
            if scorer.length > 1 and isinstance(scorer, ContentScorer) and entity >= 0:
                popularity.append(float(self._popular(scorer)[entity]))
        diversity = type_diversity(types, len(self.types)) if self.types else float("nan")
        return PathQuality(mean_of_known(recency), mean_of_known(popularity), diversity)

    def _popular(self, scorer: ContentScorer) -> NDArray[np.float64]:
        """SEP of every node before the product, by how many products it leads to."""
        last = scorer.walk.hops[-1]
        if last not in self._popularity:
            self._popularity[last] = entity_popularity(scorer.steps[-1].degrees())
        return self._popularity[last]


def path_counts(blend: Blend, user: int, products: NDArray[np.int32], edges: Sequence[Edge]) -> NDArray[np.int64]:
    """How many simple paths of the blend's walks to each product begin with each edge (num_edges, num_products)."""
    places = {edge: place for place, edge in enumerate(edges)}
    counts = np.zeros((len(edges), len(products)), np.int64)
    for term in blend.terms:
        for scorer in term.scorers:
            nodes = scorer.first.row(user)
            rows = [places[scorer.walk.hops[0], int(node)] for node in nodes]
            np.add.at(counts, rows, scorer.num_paths(user, products))
    return counts
