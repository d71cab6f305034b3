"""How fast evidence fades: a half-life for each type of interaction, on validation only.

x of an edge is halved every so many days of its age (graph/edges/fading.py); what the models learned of the other end
stays. For each length that is tried the weights of the parts are fitted anew, the likeliest length is taken, and it
stands only where the metric of validation users rises by more than its standard error: else nothing fades.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.graph.edges.fading import ages
from graphrec.progress import Progress, silent
from graphrec.schema import GraphSchema
from graphrec.terms.base import Term
from graphrec.training.search.candidates import Candidates
from graphrec.training.search.weights import Weights, fitted_weights

DAYS = (7.0, 30.0, 90.0, 180.0, 365.0, 730.0, 1460.0)
"""What is tried, as far as the data can tell it from nothing."""
SHORT, LONG = 1 / 16, 2.0
"""A half-life is tried between these parts of the age that most edges of validation users are below."""
MOST = 0.9


@dataclass(frozen=True, eq=False)
class Faded:
    """What was chosen: half-lives in days by edge type, those of the mapping too, and the weights that fit them."""

    half_lives: Mapping[str, float]
    weights: Weights


def given_half_lives(schema: GraphSchema) -> dict[str, float]:
    """The half-lives that the mapping gives as numbers, by interaction type."""
    found = {name: schema.edges[name].half_life_days for name in schema.roles.interactions if name in schema.edges}
    return {name: float(days) for name, days in found.items() if isinstance(days, (int, float))}


def open_types(graph: Graph, protected: bool = False) -> list[str]:
    """The interaction types with times whose half-life a training chooses."""
    schema = graph.schema
    return [
        name
        for name in schema.roles.interactions
        if name in schema.edges
        and schema.edges[name].half_life_days in (None, "fit")
        and (protected or not schema.edges[name].protected)
        and graph.hops[Hop(name)].newest is not None
    ]


def choose_half_lives(
    graph: Graph,
    terms: Sequence[Term],
    weights: Weights,
    candidates: Candidates,
    *,
    refit: bool = True,
    protected: bool = False,
    progress: Progress = silent,
) -> Faded:
    """The half-lives under which validation users took what they took, and the weights of the terms with them.

    Args:
        graph: the train graph, on which what the mapping gives has faded already.
        terms: the parts of a blend.
        weights: of the parts (num_terms,); what has none is not scored again.
        candidates: the scores of the parts; those of terms that fade are replaced by their faded ones.
        refit: fit the weights anew for each length.
    """
    kept = given_half_lives(graph.schema)
    used = np.flatnonzero(weights)
    for name in open_types(graph, protected):
        hop = Hop(name)
        reading = [one for one in used.tolist() if hop in terms[one].first_hops and terms[one].is_linear]
        if not reading:
            continue
        progress("fading", 0, None)
        before = {place: candidates.values[place].copy() for place in reading}
        unfaded = candidates.evaluate(weights)
        best: tuple[float, float, Weights, dict[int, np.ndarray]] | None = None
        for days in lengths_of(graph, hop, candidates.validation.users):
            faded = graph.fading({**kept, name: days})
            for place in reading:
                candidates.put(place, terms[place].reading(faded))
            found, likely = fitted_weights(candidates, weights, refit=refit)
            if best is None or likely > best[0]:
                best = likely, days, found, {place: candidates.values[place].copy() for place in reading}
        if best is not None:
            _put(candidates, best[3])
            gain = candidates.evaluate(best[2]) - unfaded
            if gain.mean() > gain.std() / np.sqrt(len(gain)):
                kept[name], weights = best[1], best[2]
                continue
        _put(candidates, before)
    return Faded(kept, weights)


def _put(candidates: Candidates, values: Mapping[int, np.ndarray]) -> None:
    for place, own in values.items():
        candidates.values[place] = own


def lengths_of(graph: Graph, hop: Hop, users: NDArray[np.int32]) -> list[float]:
    """The lengths of DAYS that the ages of some users' edges can tell apart from nothing."""
    edges = graph.hops[hop]
    if graph.now is None or edges.newest is None:
        return []
    starts, ends = edges.indptr[users], edges.indptr[users + 1]
    of_users = np.concatenate([edges.newest[start:end] for start, end in zip(starts, ends, strict=True)])
    days = ages(of_users, graph.now)
    days = days[days >= 0]
    if not len(days):
        return []
    most = float(np.quantile(days, MOST))
    return [one for one in DAYS if SHORT * most <= one <= LONG * most]
