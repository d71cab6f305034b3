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
from graphrec.training.search.weights import Weights, fit_weights, fitted_weights
from graphrec.training.validation import Validation

FEW = 2_000
"""Validation users below which a choice asks other validation parts too."""
FEW_SCORES = 200_000
"""A small catalogue asks others of more users, up to this many scores per term: its models are fitted in seconds."""
MOST_FOLDS = 4
"""How many of them at most: as many as there are users fewer."""
GROUPS = 5
"""Of users, each of which is asked how good the weights of the others are."""
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


def number_of_folds(num_users: int, num_products: int) -> int:
    """How many other validation parts are asked beside one of so many users."""
    return min(MOST_FOLDS, max(FEW, FEW_SCORES // max(num_products, 1)) // num_users)


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


def crossed(judges: Sequence[Candidates], likely: Weights) -> NDArray[np.float64]:
    """The metric of every user under weights that the other users prefer, part by part (num_users in all,).

    What was fitted on the customers who are asked would win by that. A fifth of them at a time is left out; which parts
    have a weight stays. Where there are many customers, the weights are those of all.

    Args:
        judges: of each validation part.
        likely: the weights (num_parts,) of all customers.
    """
    if sum(len(judge.validation) for judge in judges) >= FEW:
        return np.concatenate([judge.evaluate(likely) for judge in judges])
    groups = [np.random.default_rng(0).permutation(len(judge.validation)) % GROUPS for judge in judges]
    found = [np.empty(len(judge.validation)) for judge in judges]
    for one in range(GROUPS):
        fitted = [
            fitted_weights(judge.of_users(np.flatnonzero(group != one)), likely, refit=True)[0]
            for judge, group in zip(judges, groups, strict=True)
            if (group != one).any()
        ]
        weights = np.asarray(np.mean([own / own.sum() for own in fitted], axis=0)) if fitted else likely
        for judge, group, values in zip(judges, groups, found, strict=True):
            if (group == one).any():
                values[group == one] = judge.of_users(np.flatnonzero(group == one)).evaluate(weights)
    return np.concatenate(found)


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
