"""What a policy would have earned, from the choices of another one: IPS, SNIPS and DR.

Of every choice that was logged, r is its reward, p the probability with which the logging policy made it, and
w = pi / p, with pi the probability with which the new policy makes it; q is an estimate of the reward.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.metrics.intervals import Interval, bootstrap_all

Values = NDArray[np.float64]


@dataclass(frozen=True)
class OffPolicy:
    """The value of a policy that was not served, in units of the reward of one choice."""

    ips: Interval
    snips: Interval
    dr: Interval
    effective: float
    """Choices that the estimate rests on: (sum w)^2 / sum w^2."""
    largest: float
    """The largest weight."""


def ips(rewards: Values, weights: Values) -> float:
    """Return the mean of w r: unbiased where the logging policy could make every choice of the new one.

    Source: Horvitz and Thompson (1952); Strehl et al., NIPS 2010.

    >>> ips(np.array([1.0, 0.0, 1.0, 0.0]), np.array([2.0, 0.0, 0.0, 2.0]))
    0.5
    """
    return float(np.mean(weights * rewards))


def snips(rewards: Values, weights: Values) -> float:
    """Return sum w r / sum w: a little biased, and less spread; 0 where all weights are 0.

    Source: Swaminathan and Joachims, NIPS 2015.

    >>> snips(np.array([1.0, 0.0, 1.0, 0.0]), np.array([2.0, 0.0, 0.0, 1.0]))
    0.6666666666666666
    """
    total = weights.sum()
    return float((weights * rewards).sum() / total) if total > 0 else 0.0


def doubly_robust(rewards: Values, weights: Values, logged: Values, wanted: Values) -> float:
    """Return the mean of q(new) + w (r - q(logged)): right where either p or q is.

    Args:
        logged: q of the choice that was logged.
        wanted: the mean of q over the choices of the new policy.

    Source: Dudik et al., Statistical Science 29 (2014).

    >>> doubly_robust(np.array([1.0, 0.0]), np.array([2.0, 0.0]), np.array([0.5, 0.5]), np.array([0.5, 0.5]))
    1.0
    """
    return float(np.mean(wanted + weights * (rewards - logged)))


def effective_size(weights: Values) -> float:
    """Return (sum w)^2 / sum w^2: as many choices of equal weight would say as much; 0 where all weights are 0.

    >>> effective_size(np.array([1.0, 1.0, 0.0, 0.0])), effective_size(np.array([3.0, 1.0]))
    (2.0, 1.6)
    """
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def off_policy(
    rewards: Values,
    weights: Values,
    logged: Values,
    wanted: Values,
    owners: NDArray[np.integer],
    *,
    seed: int,
    level: float = 0.95,
) -> OffPolicy:
    """Return the three estimates with bootstrap intervals over owners.

    The interval of SNIPS is that of its linearised form, sum w (r - value) / sum w.

    Args:
        logged, wanted: as of `doubly_robust`.
        owners: whose choice each one is, 0 to num_owners - 1: those of one customer are drawn together.
    """
    count = int(owners.max()) + 1
    value = snips(rewards, weights)
    mean_weight = max(float(weights.mean()), np.finfo(float).tiny)
    terms = {
        "ips": weights * rewards,
        "snips": value + weights * (rewards - value) / mean_weight,
        "dr": wanted + weights * (rewards - logged),
    }
    # Sums by owner, scaled so that their mean over owners is the mean over choices.
    scale = count / len(rewards)
    summed = {name: np.multiply(scale, np.bincount(owners, one, minlength=count)) for name, one in terms.items()}
    found = bootstrap_all(summed, seed=seed, level=level)
    exact = {
        "ips": ips(rewards, weights), "snips": value, "dr": doubly_robust(rewards, weights, logged, wanted),
    }  # fmt: skip
    ends = {name: Interval(exact[name], one.low, one.high) for name, one in found.items()}
    largest = float(weights.max(initial=0.0))
    return OffPolicy(ends["ips"], ends["snips"], ends["dr"], effective_size(weights), largest)


@dataclass(frozen=True, eq=False)
class MeanRewards:
    """The mean reward of each choice, drawn towards the mean of its place, for DR."""

    values: Values
    """(num_actions, num_places)."""

    @classmethod
    def of(
        cls,
        actions: NDArray[np.integer],
        places: NDArray[np.integer],
        rewards: Values,
        shape: tuple[int, int],
        *,
        prior: float = 20.0,
    ) -> "MeanRewards":
        """Means of rewards by choice and place.

        Args:
            actions, places: of each choice, from 0.
            shape: (num_actions, num_places).
            prior: as many choices as the mean of the place counts for.
        """
        flat = actions * shape[1] + places
        total = np.bincount(flat, rewards, minlength=shape[0] * shape[1]).reshape(shape)
        count = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape)
        everywhere = float(rewards.mean()) if len(rewards) else 0.0
        of_place = (total.sum(axis=0) + everywhere) / (count.sum(axis=0) + 1.0)
        return cls((total + prior * of_place) / (count + prior))
