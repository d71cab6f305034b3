"""Intervals for a mean that hold at every moment at once: who looks every day errs as seldom as who looks once.

A bettor who wagers that a mean is larger (or smaller) than m has a capital that is a martingale where the mean is m; by
Ville's inequality it ever reaches 1 / a with probability a at most. The interval holds all m against which no bettor
has won that much.
"""

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from graphrec.metrics.intervals import Interval

Values = NDArray[np.float64]

#: A bettor never wagers more than this part of what keeps the capital positive.
_BOLDEST = 0.5
_STEPS = 50


@dataclass(frozen=True)
class Bounds:
    """Between which values lie, whatever comes."""

    low: float
    high: float


def confidence_sequence(values: Values, bounds: Bounds, *, alpha: float = 0.05) -> Interval:
    """Return the mean so far with an interval that holds the true mean at all times with probability 1 - alpha.

    The values come in the order of time, each with the same mean given those before it; nothing else is assumed of
    them. The interval is the intersection of those of all moments so far, so that it never grows.

    K_t(m) = prod_i (1 + lambda_i (x_i - m)), lambda_i = min(sqrt(2 log(2 / alpha) / (s_i^2 i log(i + 1))), c / m), with
    s_i^2 the variance before i, for values moved to 0 … 1; the same from above for 1 - x. m is out where either
    capital has reached 2 / alpha.

    Source: Waudby-Smith and Ramdas, Journal of the Royal Statistical Society B 86 (2024), section 4.3 (hedged capital).

    >>> half = confidence_sequence(np.array([0.0, 1.0] * 200), Bounds(0, 1))
    >>> half.value, round(half.low, 3), round(half.high, 3)
    (0.5, 0.405, 0.589)
    """
    span = bounds.high - bounds.low
    if not len(values):
        return Interval(0.0, bounds.low, bounds.high)
    if values.min() < bounds.low or values.max() > bounds.high:
        raise ValueError(f"values from {values.min()} to {values.max()} are not within {bounds}")
    unit = (values - bounds.low) / span
    wagers = _wagers(unit, alpha)
    low = _least(unit, wagers, log(2 / alpha))
    high = 1 - _least(1 - unit, wagers, log(2 / alpha))
    if low > high:  # Bettors on both sides have won: the values have no common mean.
        low = high = (low + high) / 2
    return Interval(float(values.mean()), bounds.low + span * low, bounds.low + span * high)


def _wagers(unit: Values, alpha: float) -> Values:
    """What is wagered on each value, from those before it alone."""
    before = np.arange(1, len(unit) + 1)
    mean = (0.5 + np.cumsum(unit)) / (before + 1)
    spread = (0.25 + np.cumsum((unit - mean) ** 2)) / (before + 1)
    known = np.concatenate(([0.25], spread[:-1]))
    wagers: Values = np.sqrt(2 * log(2 / alpha) / (known * before * np.log(before + 1)))
    return wagers


def _least(unit: Values, wagers: Values, won: float) -> float:
    """The smallest mean against which the bettor on larger ones has not won; its capital falls with the mean."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        mean = (low + high) / 2
        stakes = np.minimum(wagers, _BOLDEST / max(mean, np.finfo(float).tiny))
        if np.cumsum(np.log1p(stakes * (unit - mean))).max() >= won:
            low = mean
        else:
            high = mean
    return low


def difference(
    outcomes: Values, is_treated: NDArray[np.bool_], treated_share: float, *, alpha: float = 0.05
) -> Interval:
    """Return treated minus control of a mean outcome, with an interval that holds at all times.

    Each customer gives y / share where it is in the treated arm and -y / (1 - share) where it is not, whose mean is
    the difference, as arms are drawn with these shares.

    Args:
        outcomes: (num_customers,) in the order of their first exposure, from 0 to 1.
        treated_share: of the customers of both arms, within 0 and 1.

    >>> y = np.array([1.0, 0.0] * 500)
    >>> found = difference(y, y > 0, 0.5)
    >>> found.value, found.low > 0.5, found.high > 1
    (1.0, True, True)
    """
    signed = np.where(is_treated, outcomes / treated_share, -outcomes / (1 - treated_share))
    return confidence_sequence(signed, Bounds(-1 / (1 - treated_share), 1 / treated_share), alpha=alpha)
