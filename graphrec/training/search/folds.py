"""How sure a choice is: other validation parts, and how often each model would be the best of customers drawn again.

What a few hundred customers prefer follows luck. With other hidden pairs the likeliest weights are others; their mean
is less lucky than each (bagging: Breiman, 1996). Of models that stand close together the best one is a guess: each
counts by how often it is the best of as many customers, drawn with replacement (Buckland, Burnham and Augustin, 1997).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Graph
from graphrec.models.inputs import Inputs
from graphrec.terms.meta import Configuration
from graphrec.training.assemble import parts_of
from graphrec.training.search.candidates import Candidates
from graphrec.training.search.weights import Weights, fit_weights
from graphrec.training.validation import Validation

FEW = 2_000
"""Validation users below which a choice asks other validation parts too."""
MOST_FOLDS = 4
"""How many of them at most: as many as there are users fewer."""
DRAWS = 1_000
LEAST_CHANCE = 0.1
"""A model that is the best less often is left out."""


@dataclass(frozen=True, eq=False)
class Fold:
    """Another validation part, what a fit for it may see, and what such a fit takes."""

    graph: Graph
    validation: Validation
    inputs: Inputs


#: Gives the folds: made when they are needed.
Folds = Callable[[], Sequence[Fold]]


def no_folds() -> Sequence[Fold]:
    """Where the validation part is all there is."""
    return ()


def refitted(fold: Fold, chosen: Configuration, num_parts: int) -> Candidates | None:
    """The scores of configurations, fitted again for a fold; None where a walk of them leads nowhere there."""
    parts = parts_of(chosen, fold.graph, fold.inputs)
    if len(parts) != num_parts:
        return None
    return Candidates.of([part for part, _ in parts], fold.validation.part(fold.validation.halves()[1]))


def mean_weights(likely: Weights, others: Sequence[Candidates]) -> Weights:
    """The mean of the likeliest weights (num_parts,) of the validation part and of folds, each with sum 1."""
    found = [likely, *(fit_weights(one, most=len(likely)) for one in others)]
    return np.asarray(np.mean([weights / weights.sum() for weights in found], axis=0))


def chances(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How often each model is the best of users drawn with replacement (num_models,); rare ones never.

    Args:
        values: the metric of each model and user (num_models, num_users).
    """
    num_users = values.shape[1]
    drawn = np.random.default_rng(0).multinomial(num_users, np.full(num_users, 1 / num_users), DRAWS)
    best = np.bincount(np.argmax(drawn @ values.T, axis=1), minlength=len(values)) / DRAWS
    best[best < LEAST_CHANCE] = 0.0
    return np.asarray(best / best.sum())
