"""A blend on the graph without some edges of one user: degrees counted anew, what was learned held fixed.

Walks are computed from the edges that are left. A learned term takes the user's neighbours that are left and keeps its
weights W (fold-in). Spreads and the weights of walks and terms stay what they were.
"""

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Adjacency, Graph, Hop
from graphrec.terms.base import Term
from graphrec.terms.blend import Blend
from graphrec.terms.sage import SageTerm
from graphrec.terms.walks import WalkScorer, WalkTerm


def without_edges(graph: Graph, hop: Hop, user: int, vias: Sequence[int]) -> Graph:
    """The graph without the edges of a hop from a user to some nodes, in both directions."""
    hops = dict(graph.hops)
    for via in vias:
        hops[hop] = _without(hops[hop], user, via)
        if hop.back() in hops:
            hops[hop.back()] = _without(hops[hop.back()], via, user)
    return replace(graph, hops=hops)


def blend_without_edges(blend: Blend, hop: Hop, user: int, vias: Sequence[int]) -> Blend:
    """The blend as it scores this user (and no other) when the edges to some nodes are gone."""
    return Blend([_term_without(term, hop, user, vias) for term in blend.terms], blend.weights)


def _term_without(term: Term, hop: Hop, user: int, vias: Sequence[int]) -> Term:
    edited = copy.copy(term)
    edited.graph = without_edges(term.graph, hop, user, vias)  # type: ignore[attr-defined]
    if isinstance(edited, WalkTerm):
        edited.scorers = tuple(_scorer_on(scorer, edited.graph, user) for scorer in edited.scorers)
    if isinstance(edited, SageTerm):
        heard = dict(edited.network.heard)
        for via in vias:
            for one, start, end in ((hop, user, via), (hop.back(), via, user)):
                if one in heard:
                    heard[one] = _without(heard[one], start, end)
        edited.network = replace(edited.network, heard=heard)
    return edited


def _scorer_on(scorer: WalkScorer, graph: Graph, user: int) -> WalkScorer:
    """The scorer of the same walk on another graph, for one user: nothing of the old edges is kept."""
    edited = copy.copy(scorer)
    for cached in ("scales", "diagonal"):
        edited.__dict__.pop(cached, None)
    edited.first = graph.hops[scorer.walk.hops[0]]
    edited.steps = [graph.hops[hop] for hop in scorer.walk.hops]
    edited.back = [graph.hops[hop.back()] for hop in scorer.walk.hops]
    edited.table = None
    if edited.closes:
        # Only what comes back to the user's own neighbours is ever taken out.
        edited._diagonal = np.zeros(edited.num_products)
        for node in edited.first.row(user):
            edited._diagonal[node] = edited._spread(np.array([node], np.int32), np.ones(1))[node]
    return edited


def _without(adjacency: Adjacency, row: int, target: int) -> Adjacency:
    start, end = int(adjacency.indptr[row]), int(adjacency.indptr[row + 1])
    places: NDArray[np.int64] = start + np.flatnonzero(adjacency.indices[start:end] == target)
    indptr = np.array(adjacency.indptr, np.int64)
    indptr[row + 1 :] -= len(places)
    weight = None if adjacency.weight is None else np.delete(adjacency.weight, places)
    return Adjacency(indptr, np.delete(adjacency.indices, places), weight)
