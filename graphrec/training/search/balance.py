"""Which of about equally good weights are taken: those that are easier to explain."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from graphrec.training.recipes import PATH_SHARE
from graphrec.training.search.weights import Weights

#: The metric of every validation user for some weights.
Judge = Callable[[Weights], NDArray[np.float64]]

PATH_COST = 0.02
"""Part of the metric on validation that the share of paths may cost, or one standard error where that is more."""
CROWD_PARTS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""What is tried as the part of the weight on crowds that stays."""


def towards_paths(
    judge: Judge, weights: Weights, is_path: NDArray[np.bool_], alone: Weights, share: float = PATH_SHARE
) -> Weights:
    """The weights with a share of their sum on paths, where that costs at most PATH_COST or one standard error.

    Among themselves paths keep their weights or take those that they have `alone`, whichever is better: a few paths
    that add a little to a good term may be poor ones to lean on.
    """
    others = np.where(is_path, 0.0, weights)
    wanted = share / (1 - share) * others.sum()
    if weights[is_path].sum() >= wanted:
        return weights
    paths = [np.where(is_path, own, 0.0) for own in (weights, alone) if own[is_path].any()]
    trials = sorted((others + own * (wanted / own.sum()) for own in paths), key=lambda one: -judge(one).mean())
    return _unless_worse(judge, weights, trials[:1], PATH_COST)


def towards_names(judge: Judge, weights: Weights, is_crowd: NDArray[np.bool_]) -> Weights:
    """The weights with as little on what crowds do as costs at most one standard error on validation.

    That somebody holds another product of the same issuer is a reason a person can check; that others hold both says
    the same again, with a number. Where both explain a purchase, the first should get the credit.
    """
    return _unless_worse(judge, weights, [np.where(is_crowd, part * weights, weights) for part in CROWD_PARTS])


def _unless_worse(judge: Judge, weights: Weights, trials: Sequence[Weights], cost: float = 0.0) -> Weights:
    """The first of the trials whose metric is tolerated; else the weights."""
    least = tolerated(judge(weights), cost)
    return next((trial for trial in trials if judge(trial).mean() >= least), weights)


def tolerated(values: NDArray[np.float64], cost: float = 0.0) -> float:
    """The mean of a metric less one standard error, or less this part of it where that is more.

    Source: the one-standard-error rule of Breiman et al., Classification and Regression Trees, 1984.
    """
    return float(values.mean() - max(values.std() / np.sqrt(len(values)), cost * values.mean()))
