"""Which parts of a sum are worth having, and how much of each: a search without gradients, on validation only."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float64]
#: The metric of every validation user for some weights.
Judge = Callable[[Weights], NDArray[np.float64]]

FIRST_TRIES = (0.1, 0.3, 1.0, 3.0)
"""Weights, relative to the largest so far, that a new part is tried with."""
FACTORS = (0.5, 0.7, 0.85, 1.2, 1.4, 2.0)
"""What a weight is multiplied by when it is refined."""
ROUNDS = 6


def fit_weights(judge: Judge, num_parts: int, *, most: int) -> Weights:
    """Non-negative weights (num_parts,), the largest 1; 0 for what does not help.

    Parts come in one by one, the best first, while the mean gain over users is larger than its standard error: with
    many parts to choose from, a smaller gain is as likely luck. Then weights are refined, and parts whose absence
    costs nothing leave again.
    """
    alone = [judge(_unit(num_parts, part)) for part in range(num_parts)]
    best = int(np.argmax([values.mean() for values in alone]))
    weights, values = _unit(num_parts, best), alone[best]
    while np.count_nonzero(weights) < min(most, num_parts):
        trial, found = _best_addition(judge, weights)
        if not _is_better(found, values):
            break
        weights, values = trial, found
    weights, values = refine(judge, weights, values)
    weights = _pruned(judge, weights, values)
    return weights / weights.max()


def refine(judge: Judge, weights: Weights, values: NDArray[np.float64]) -> tuple[Weights, NDArray[np.float64]]:
    """The weights after coordinate steps that raise the mean, and their values."""
    if np.count_nonzero(weights) < 2:
        return weights, values
    for _ in range(ROUNDS):
        before = values.mean()
        for part in np.flatnonzero(weights):
            for factor in FACTORS:
                trial = weights.copy()
                trial[part] *= factor
                found = judge(trial)
                if found.mean() > values.mean():
                    weights, values = trial, found
        if values.mean() <= before * 1.0002:
            break
    return weights, values


def _best_addition(judge: Judge, weights: Weights) -> tuple[Weights, NDArray[np.float64]]:
    tries = []
    for part in np.flatnonzero(weights == 0):
        for relative in FIRST_TRIES:
            trial = weights.copy()
            trial[part] = relative * weights.max()
            tries.append((trial, judge(trial)))
    return max(tries, key=lambda pair: float(pair[1].mean()))


def _pruned(judge: Judge, weights: Weights, values: NDArray[np.float64]) -> Weights:
    """The weights without the parts that can go: whose absence does not lower the mean by its standard error."""
    for part in sorted(np.flatnonzero(weights), key=lambda part: weights[part]):
        if np.count_nonzero(weights) == 1:
            break
        trial = weights.copy()
        trial[part] = 0.0
        found = judge(trial)
        if not _is_better(values, found):
            weights, values = trial, found
    return weights


def _is_better(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Whether the mean gain over users is above its standard error."""
    gain = one - other
    return float(gain.mean()) > float(gain.std()) / np.sqrt(max(len(gain), 1)) + 1e-12


def _unit(num_parts: int, part: int) -> Weights:
    weights = np.zeros(num_parts)
    weights[part] = 1.0
    return weights
