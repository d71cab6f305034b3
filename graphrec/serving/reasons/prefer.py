"""Which of equally exact paths leads the reasons of a product: the recent, popular, novel or diverse one.

A soft re-ranking over the lines of a ledger: scores, shares and lists stay as they are. Of the path lines of a product
the one with the highest value comes first, as long as the lines shown down to this product keep KEPT of the share of
those that would be shown otherwise. Values: LIR of the interaction a path starts with, SEP (or 1 - SEP) of the entity
it shares, or whether its type is new in the list; LIR and SEP in the variant of SIGIR 2022 (metrics/paths.py). Source
of the idea: Balloccu et al., SIGIR 2022, who choose among paths after the fact; here each path keeps its number.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Graph, Hop
from graphrec.graph.snapshot import ALWAYS
from graphrec.metrics.paths import entity_popularity, interaction_recency
from graphrec.serving.answer import Preference
from graphrec.serving.positions import ABSENT, Positions
from graphrec.terms.blend import Blend
from graphrec.terms.ledger import Ledger
from graphrec.terms.walks import ContentScorer, WalkScorer

#: Part of the shown share that a preferred order keeps at least.
KEPT = 0.9
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
        # What is shown down to the last product, in default and in preferred order.
        self._default = self._kept = 0.0

    def led(
        self, ledger: Ledger, shares: NDArray[np.float64], default: Sequence[int], others: Sequence[int]
    ) -> list[int]:
        """The lines to show, the preferred path first.

        Args:
            default: positions that would be shown, in their order.
            others: further positions that may be shown instead of the last of them.
        """
        self._default += float(sum(shares[place] for place in default))
        least = KEPT * self._default - self._kept
        best, shown = None, list(default)
        for place in (*default, *others):
            value = self.value(ledger, place)
            if value is None or (best is not None and value <= best):
                continue
            changed = [place, *(one for one in default if one != place)][: len(default)]
            if sum(shares[one] for one in changed) >= least:
                best, shown = value, changed
        self._kept += float(sum(shares[place] for place in shown))
        walked = [scorer for scorer in (self._blend.scorer(ledger, one) for one in shown) if scorer is not None]
        self._shown_types.update(scorer.walk.hops[-1] for scorer in walked[:1])
        return shown

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
