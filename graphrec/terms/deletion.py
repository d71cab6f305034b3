"""The scores of a user without some of their edges: degrees counted anew, what was learned held fixed.

Walks are computed from the edges that are left. A learned term takes the user's neighbours that are left and keeps its
weights W (fold-in). Each term is divided by its spread, which is either held fixed, so that its lines show what they
lose, or computed anew, as a new list would do. Formula: docs/formulas.md, Deletion.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Hop
from graphrec.terms.base import Matrix
from graphrec.terms.forms.blend import NO_SPREAD, Blend, Offered
from graphrec.terms.forms.contested import ContestedBlend
from graphrec.terms.ledger import Edge

Spreads = Literal["fixed", "anew"]
"""What a deletion divides the terms by: the spreads of before, or those of the scores that are left."""


class Evidence:
    """The edges of one user, and the scores that any of them give together.

    Args:
        spreads: held fixed or computed anew.
    """

    def __init__(self, blend: Blend, user: int, spreads: Spreads) -> None:
        self.blend = blend
        self.user = user
        self.spreads: Spreads = spreads
        self._own = [term.edges(user) for term in blend.terms]
        self.edges: list[Edge] = list(dict.fromkeys(edge for edges in self._own for edge in edges))
        self._places = {edge: place for place, edge in enumerate(self.edges)}
        self._scales = blend.row(user).scales if spreads == "fixed" else np.array(blend.weights)

    def place(self, edge: Edge) -> int | None:
        """Where an edge is in `edges`; None where no term knows it."""
        return self._places.get(edge)

    def all_but(self, edges: Sequence[Edge]) -> NDArray[np.bool_]:
        """The case (num_edges,) in which these edges are gone and all others there."""
        kept = np.ones(len(self.edges), np.bool_)
        kept[[self._places[edge] for edge in edges if edge in self._places]] = False
        return kept

    def scores(self, kept: NDArray[np.bool_]) -> Matrix:
        """The blend's scores (num_cases, num_products) when only some edges are there: kept (num_cases, num_edges)."""
        return np.asarray(sum(self.parts(kept)), np.float64)

    def parts(self, kept: NDArray[np.bool_]) -> list[Matrix]:
        """What each term adds to `scores`."""
        return [self._part(position, kept) for position in range(len(self.blend.terms))]

    def _part(self, position: int, kept: NDArray[np.bool_]) -> Matrix:
        scale = self._scales[position]
        if not scale:
            return np.zeros((len(kept), self.blend.num_products))
        scores, offered = self.term_scores(position, kept), self.blend.offered
        counted = self._counted(position, kept, scores)
        if self.spreads == "anew" and not self.blend.terms[position].has_own_scale:
            scores = _standardised(counted, scores, offered) * self._left(position, kept)
        else:
            scores = counted
        found = np.asarray(scale * scores)
        return offered.widened(found) if offered else found

    def _counted(self, position: int, kept: NDArray[np.bool_], scores: Matrix) -> Matrix:
        """The scores of a term in each case without what the user contests."""
        if not isinstance(self.blend, ContestedBlend):
            return scores
        known, found = set(self._own[position]), scores.copy()
        for case, there in enumerate(kept.tolist()):
            gone = [edge for edge, is_there in zip(self.edges, there, strict=True) if not is_there and edge in known]
            products, left = self.blend.left_scores(position, self.user, gone)
            found[case, products] = left
        return found

    def _left(self, position: int, kept: NDArray[np.bool_]) -> Matrix:
        """What age leaves of the edges that are there in each case (num_cases, 1): see `Term.left`."""
        term, parts = self.blend.terms[position], []
        if not term.is_linear:
            return np.ones((len(kept), 1))
        for place, (hop, via) in enumerate(self.edges):
            if hop is not None and hop in term.first_hops:
                adjacency = term.graph.hops[hop]
                left, row = adjacency.left(self.user), adjacency.row(self.user)
                parts.append((place, 1.0 if left is None else float(left[np.searchsorted(row, via)])))
        places, values = [place for place, _ in parts], np.array([part for _, part in parts])
        count = kept[:, places].sum(axis=1)
        found = np.where(count > 0, (kept[:, places] @ values) / np.maximum(count, 1), 1.0)
        return np.asarray(found[:, None], np.float64)

    def term_scores(self, position: int, kept: NDArray[np.bool_]) -> Matrix:
        """The scores of one term, in its own units, as `scores`."""
        own = self._own[position]
        return self.blend.terms[position].scores_without(self.user, own, kept[:, [self._places[edge] for edge in own]])


def blend_without_edges(blend: Blend, hop: Hop, user: int, vias: Sequence[int]) -> Blend:
    """The blend as it scores this user, and no other, when the edges to some nodes are gone."""
    return blend.without_edges(user, [(hop, via) for via in vias])


def _standardised(counted: Matrix, scores: Matrix, offered: Offered | None) -> Matrix:
    """What counts of every row, divided by the spread of the whole row; 0 without spread, as a blend does."""
    spread = offered.spread(scores)[:, None] if offered else scores.std(axis=1, keepdims=True)
    varied = spread > NO_SPREAD * np.abs(scores).max(axis=1, keepdims=True)
    return np.asarray(np.divide(counted, spread, out=np.zeros(scores.shape), where=varied))
