"""How sure a rate is: Wilson's interval, for trials that come in groups too, and whether rates differ."""

from math import erfc, exp, gamma, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from graphrec.metrics.intervals import Interval

Counts = NDArray[np.integer]


def wilson(successes: float, trials: float, *, level: float = 0.95) -> Interval:
    """Return successes / trials with Wilson's score interval; without a trial 0, from 0 to 1.

    centre = (p + z^2 / 2n) / (1 + z^2 / n), half = z / (1 + z^2 / n) * sqrt(p (1 - p) / n + z^2 / 4n^2).

    Args:
        successes, trials: whole, or divided by a design effect.

    Source: Wilson, Journal of the American Statistical Association 22 (1927).

    >>> wilson(10, 100)
    Interval(value=0.1, low=0.0552291370606751, high=0.17436566150491345)
    >>> wilson(0, 0)
    Interval(value=0.0, low=0.0, high=1.0)
    """
    if trials <= 0:
        return Interval(0.0, 0.0, 1.0)
    z, rate = NormalDist().inv_cdf((1 + level) / 2), successes / trials
    shrunk = 1 + z * z / trials
    centre = (rate + z * z / (2 * trials)) / shrunk
    half = z / shrunk * sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    return Interval(rate, min(max(centre - half, 0.0), rate), max(min(centre + half, 1.0), rate))


def design_effect(successes: Counts, trials: Counts) -> float:
    """Return by how much the variance of a rate is larger because trials come in groups; at least 1.

    deff = m / (m - 1) * sum_g (y_g - p n_g)^2 / (n p (1 - p)), for m groups of n_g trials with y_g successes.

    Args:
        successes, trials: one value a group (num_groups,), such as a customer with several products shown.

    Source: Rao and Scott, Biometrics 48 (1992): dividing both counts by it gives the interval its level.

    >>> design_effect(np.array([1, 0, 1, 0]), np.array([1, 1, 1, 1]))  # one trial a group: almost 1
    1.3333333333333333
    >>> design_effect(np.array([3, 0, 3, 0]), np.array([3, 3, 3, 3]))  # three that always agree
    4.0
    """
    total, groups = float(trials.sum()), int((trials > 0).sum())
    if groups < 2:
        return 1.0
    rate = float(successes.sum()) / total
    plain = total * rate * (1 - rate)
    if plain <= 0:
        return 1.0
    around = successes - rate * trials
    return max(1.0, groups / (groups - 1) * float(around @ around) / plain)


def grouped_rate(successes: Counts, trials: Counts, *, level: float = 0.95) -> Interval:
    """Return the rate over all trials with Wilson's interval, both counts divided by their design effect.

    Args:
        successes, trials: one value a group (num_groups,); trials of one group depend on each other.

    >>> one = grouped_rate(np.array([3, 0, 3, 0] * 25), np.array([3, 3, 3, 3] * 25))
    >>> one == wilson(50 * 3 / design_effect(np.array([3, 0] * 50), np.array([3, 3] * 50)), 300 / 3.0303030303030303)
    True
    """
    effect = design_effect(successes, trials)
    return wilson(float(successes.sum()) / effect, float(trials.sum()) / effect, level=level)


def rates_differ(successes: NDArray[np.floating], trials: NDArray[np.floating]) -> float:
    """Return the p-value of the chi-squared test that several rates are one.

    Args:
        successes, trials: one value a rate (num_rates,), divided by their design effects where trials depend on
            each other. A rate without trials is left out.

    >>> round(rates_differ(np.array([10.0, 20.0]), np.array([100.0, 100.0])), 6)
    0.04767
    >>> rates_differ(np.array([5.0]), np.array([10.0]))
    1.0
    """
    seen = trials > 0
    successes, trials = successes[seen], trials[seen]
    if len(trials) < 2:
        return 1.0
    rate = float(successes.sum() / trials.sum())
    if not 0 < rate < 1:
        return 1.0
    statistic = float(((successes - rate * trials) ** 2 / (trials * rate * (1 - rate))).sum())
    return chi_squared_tail(statistic, len(trials) - 1)


def chi_squared_tail(value: float, freedom: int) -> float:
    """Return the probability that a chi-squared variable of whole degrees of freedom is larger than a value.

    Q = exp(-x/2) sum_j (x/2)^j / Gamma(j + 1), over j = 0, 1, … or 1/2, 3/2, … below freedom / 2, and for odd degrees
    also erfc(sqrt(x/2)).

    >>> round(chi_squared_tail(3.841458820694124, 1), 12), round(chi_squared_tail(5.991464547107979, 2), 12)
    (0.05, 0.05)
    """
    half, odd = value / 2, freedom % 2
    tail = erfc(sqrt(half)) if odd else 0.0
    power = sqrt(half) / gamma(1.5) if odd else 1.0
    order = 0.5 if odd else 0.0
    while order < freedom / 2 - 0.25:
        tail += exp(-half) * power
        order += 1
        power *= half / order
    return min(tail, 1.0)


def holm(p_values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return p-values corrected for how many there are: rejecting those below a level errs anywhere that often at most.

        p'_(i) = max over j <= i of (n - j + 1) p_(j),  p_(1) <= ... <= p_(n)

    Source: Holm, Scandinavian Journal of Statistics 6 (1979).

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    scaled = np.asarray(p_values, np.float64)[order] * np.arange(len(p_values), 0, -1)
    found = np.empty(len(p_values))
    found[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return found
