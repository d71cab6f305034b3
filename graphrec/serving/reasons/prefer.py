"""Which of equally exact reasons leads those of a product: the recent, popular, novel or diverse one.

A soft re-ranking over reasons: scores, shares and lists stay as they are. Of the reasons that are large enough to lead,
the one comes first whose strongest line is a path with the highest value: LIR of the interaction it starts with, SEP
(or 1 - SEP) of the entity it shares, or whether its type is new in the list; LIR and SEP in the variant of SIGIR 2022
(metrics/paths.py). Source of the idea: Balloccu et al., SIGIR 2022, who choose among paths after the fact; here each
reason keeps its number.
"""

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.graph.folders.snapshot import ALWAYS
from graphrec.graph.folders.strings import ABSENT
from graphrec.metrics.paths import entity_popularity, interaction_recency
from graphrec.serving.answer import Preference
from graphrec.serving.positions import Positions
from graphrec.serving.reasons.groups import LEADS, Chosen
from graphrec.terms.forms.blend import Blend
from graphrec.terms.ledger import Ledger
from graphrec.terms.walks import ContentScorer, WalkScorer

#: What stands for the popularity of an entity that has none: an unpopular one does not stand over it.
MIDDLING = 0.5


class Wish:
    """What is preferred among the paths of one user's list.

    Args:
        known_before: microseconds since 1970; later events are not looked at.
    """

    def __init__(
        self, kind: Preference, positions: Positions, graph: Graph, blend: Blend, user: int, known_before: int
    ) -> None:
        self.kind = kind
        self._blend = blend
        self._recency = history(positions, graph, user, known_before) if kind == "recent" else {}
        self._popularity: dict[Hop, NDArray[np.float64]] = {}
        self._shown_types: set[Hop] = set()

    def led(self, ledger: Ledger, shown: tuple[Chosen, ...]) -> tuple[Chosen, ...]:
        """The reasons of a product, of those that may lead the one first whose strongest path is preferred."""
        able = [one for one in shown if one.may_lead and (one.percent or 0.0) >= 100 * LEADS]
        values = [(self.value(ledger, int(one.lines[0])), one) for one in able]
        preferred = [(value, one) for value, one in values if value is not None]
        first = max(preferred, key=lambda pair: pair[0])[1] if preferred else None
        led = shown if first is None else (first, *(one for one in shown if one is not first))
        walked = [
            scorer
            for scorer in (self._blend.scorer(ledger, int(one.lines[0])) for one in led if len(one.lines))
            if scorer
        ]
        self._shown_types.update(scorer.walk.hops[-1] for scorer in walked[:1])
        return led

    def value(self, ledger: Ledger, place: int) -> float | None:
        """How much a line is preferred; None: it is no path that can be measured."""
        scorer = self._blend.scorer(ledger, place)
        if scorer is None:
            return None
        if self.kind == "diverse":
            return float(scorer.walk.hops[-1] not in self._shown_types)
        if self.kind == "recent":
            recency = self._recency.get((scorer.walk.hops[0], int(ledger.via[place])), np.nan)
            return None if np.isnan(recency) else recency
        popularity = self.popularity(scorer, int(ledger.via[place]), int(ledger.mid[place]))
        return popularity if self.kind == "popular" else 1 - popularity

    def popularity(self, scorer: WalkScorer, via: int, mid: int) -> float:
        """SEP of the entity before the product; MIDDLING where that is a person or there is none."""
        entity = mid if scorer.length > 2 else via
        if scorer.length < 2 or not isinstance(scorer, ContentScorer) or entity < 0:
            return MIDDLING
        last = scorer.walk.hops[-1]
        if last not in self._popularity:
            self._popularity[last] = entity_popularity(scorer.steps[-1].degrees())
        found = float(self._popularity[last][entity])
        return MIDDLING if np.isnan(found) else found


def history(positions: Positions, graph: Graph, user: int, known_before: int) -> dict[tuple[Hop, int], float]:
    """LIR of every interaction of a user that the model knows, by hop and product.

    Args:
        user: position in the model, as the products of the result are.
        known_before: microseconds since 1970; later events are not looked at.
    """
    snapshot, edges, times = positions.snapshot, [], []
    roles = snapshot.schema.roles
    here = positions.in_snapshot(roles.user, user)
    for name in roles.evidence() if here != ABSENT else ():
        events = snapshot.edges(name)
        span = slice(int(events.indptr[here]), int(events.indptr[here + 1]))
        known = events.known_at[span] < known_before
        targets, at = events.indices[span][known], events.at[span][known]
        for node in graph.hops[Hop(name)].row(user).tolist():
            last = int(at[targets == positions.in_snapshot(roles.product, node)].max(initial=ALWAYS))
            if last != ALWAYS:
                edges.append((Hop(name), node))
                times.append(last)
    return dict(zip(edges, interaction_recency(np.array(times, np.int64)).tolist(), strict=True))
