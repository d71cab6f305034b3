"""How much a rejection counts: on validation, after everything that speaks for products."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.models.general.rejection import RejectionConfig, fit_rejection, rejected_hops
from graphrec.terms.base import Term
from graphrec.terms.forms.blend import Blend
from graphrec.training.search.half_life import lengths_of, open_types
from graphrec.training.search.remembered import Remembered
from graphrec.training.validation import Validation

PARTS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""What is tried as its weight, as a part of the sum of all others."""


@dataclass(frozen=True, eq=False)
class Rejections:
    """What was chosen: the term, its weight, and the half-lives of what it reads."""

    term: Term
    weight: float
    half_lives: Mapping[str, float] = field(default_factory=dict)


def choose_rejections(
    blend: Blend,
    graph: Graph,
    validation: Validation,
    half_lives: Mapping[str, float],
    *,
    protected: bool = False,
) -> Rejections | None:
    """The weight with which validation users find most of what they took; None: rejections count nothing.

    Of the half-lives of all types that say no the best one stands where it is better than none by more than the
    standard error.

    Args:
        blend: of what speaks for products, fitted on the graph.
        half_lives: chosen already, by interaction type in days.
    """
    hops = [hop for hop in rejected_hops(graph) if protected or not graph.schema.edges[hop.type].protected]
    asked = np.zeros(len(validation), np.bool_)
    for hop in hops:
        adjacency = graph.hops[hop]
        asked |= adjacency.indptr[validation.users + 1] > adjacency.indptr[validation.users]
    if not asked.any():
        return None
    whole = sum(blend.weights)
    term = fit_rejection(graph, RejectionConfig()).reading(graph.fading(half_lives))
    remembered = Remembered(blend, validation.num_scores)
    base = validation.evaluate(remembered)

    def tried(term: Term) -> tuple[float, NDArray[np.float64]]:
        """The best weight of a term and the metric of every user with it; 0: none is better than nothing."""
        found, best = 0.0, base
        for part in PARTS:
            weight = round(part * whole, 4)
            values = validation.evaluate(remembered.plus(term, weight))
            if values.mean() > best.mean():
                found, best = weight, values
        return found, best

    weight, values = tried(term)
    names = [hop.type for hop in hops if hop.type in open_types(graph, protected)]
    kept: dict[str, float] = {}
    for days in sorted({days for name in names for days in lengths_of(graph, Hop(name), validation.users)}):
        faded = term.reading(graph.fading({**half_lives, **dict.fromkeys(names, days)}))
        own, found = tried(faded)
        gain = found - values
        if own and gain.mean() > gain.std() / np.sqrt(len(gain)):
            weight, values, kept = own, found, dict.fromkeys(names, days)
    if not weight:
        return None
    return Rejections(term.reading(graph.fading({**half_lives, **kept})), weight, kept)
