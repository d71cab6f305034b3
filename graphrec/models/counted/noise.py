"""How much Gaussian noise hides one customer, and the noise.

A release with sensitivity D (L2) and standard deviation s is (epsilon, delta)-private where, with mu = D / s,

    delta >= Phi(mu / 2 - epsilon / mu) - e^epsilon Phi(-mu / 2 - epsilon / mu)

Source: Balle and Wang, ICML 2018, theorem 8; it is exact. Several Gaussian releases are one with
mu^2 = mu_1^2 + mu_2^2 + ... (Dong, Roth and Su, JRSS-B 2022): a budget is added up by that.
"""

import math
import os
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from graphrec.extras import needs_extra

Uniform = Callable[[int], NDArray[np.float64]]
"""So many numbers between 0 and 1."""
MOST_EPSILON = 1000.0


def delta_of(mu: float, epsilon: float) -> float:
    """The smallest delta of a Gaussian release.

    >>> round(delta_of(1.0, 1.0), 6)
    0.126937
    """
    if mu <= 0:
        return 0.0
    return max(_phi(mu / 2 - epsilon / mu) - math.exp(epsilon + _log_phi(-mu / 2 - epsilon / mu)), 0.0)


def mu_of(epsilon: float, delta: float) -> float:
    """The largest mu with which a Gaussian release is (epsilon, delta)-private.

    >>> round(delta_of(mu_of(3.0, 1e-6), 3.0) * 1e6, 3)
    1.0
    """
    low, high = 0.0, 1.0
    while delta_of(high, epsilon) < delta:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if delta_of(middle, epsilon) <= delta else (low, middle)
    return low


def epsilon_of(mus: Iterable[float], delta: float) -> float:
    """The epsilon of several releases together.

    >>> round(epsilon_of([mu_of(3.0, 1e-6)], 1e-6), 6)
    3.0
    """
    mu = math.sqrt(sum(one * one for one in mus))
    low, high = 0.0, MOST_EPSILON
    if delta_of(mu, high) > delta:
        return math.inf
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if delta_of(mu, middle) > delta else (low, middle)
    return high


def from_system(count: int) -> NDArray[np.float64]:
    """Numbers between 0 and 1 from the operating system's generator; nothing keeps a seed."""
    bits = np.frombuffer(os.urandom(8 * count), np.uint64) >> np.uint64(11)
    return (bits.astype(np.float64) + 0.5) * 2.0**-53


def from_seed(seed: int) -> Uniform:
    """Numbers that anybody can draw again: for tests alone."""
    rng = np.random.default_rng(seed)
    return lambda count: (rng.integers(0, 2**53, count).astype(np.float64) + 0.5) * 2.0**-53


def gaussian(count: int, deviation: float, uniform: Uniform) -> NDArray[np.int64]:
    """Whole numbers around 0: a normal one of this deviation, rounded."""
    with needs_extra("train", "private"):
        from scipy.special import ndtri
    found: NDArray[np.int64] = np.rint(deviation * ndtri(uniform(count))).astype(np.int64)
    return found


def _phi(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def _log_phi(x: float) -> float:
    """The logarithm of Phi; far below 0 by its series, where erfc is 0."""
    if x > -30:
        return math.log(_phi(x))
    return -x * x / 2 - math.log(-x) - 0.5 * math.log(2 * math.pi) + math.log1p(-1 / (x * x))
