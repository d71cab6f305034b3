"""How sure a mean over users is: bootstrap intervals, a jackknife, a paired test.

The same values and seed give the same bits on every machine: means are exactly rounded, and sums over
resamples are taken over values put on a grid so coarse (2^-31 of the largest at a million users) that
float64 adds them without rounding, in any order.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil, fsum, log2, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

PerUser = NDArray[np.float64]

_CHUNK = 1 << 18  # random numbers held at once: they and their counts stay in the processor's cache


@dataclass(frozen=True)
class Interval:
    """A value with the two ends of its confidence interval, all in the value's own unit."""

    value: float
    low: float
    high: float


def bootstrap(values: PerUser, *, seed: int, resamples: int = 1000, level: float = 0.95) -> Interval:
    """Return the mean with its percentile bootstrap interval over users.

    Args:
        values: one value per user, finite.
        seed: the same seed and number of users draw the same users, whatever the values.
        resamples: how often as many users are drawn with replacement.
        level: the probability between the two ends.

    >>> bootstrap(np.array([0.25, 0.25, 0.25]), seed=1)
    Interval(value=0.25, low=0.25, high=0.25)
    >>> bootstrap(np.array([0.0, 1.0] * 200), seed=1)  # the standard error is .5 / 20
    Interval(value=0.5, low=0.45, high=0.5475)
    """
    return bootstrap_all({"": values}, seed=seed, resamples=resamples, level=level)[""]


def bootstrap_all(
    values: Mapping[str, PerUser], *, seed: int, resamples: int = 1000, level: float = 0.95
) -> dict[str, Interval]:
    """Return `bootstrap` of each of several metrics of the same users, drawing the users only once.

    Each interval is bit for bit the one `bootstrap` gives alone.
    """
    if not values:
        return {}
    num_users = len(next(iter(values.values())))
    for name, column in values.items():
        if column.shape != (num_users,) or num_users == 0 or not np.isfinite(column).all():
            raise ValueError(f"{name or 'values'}: need one finite value per user, at least one (got {column.shape})")
    means = [fsum(column) / num_users for column in values.values()]
    grids = [_on_grid(column - mean) for column, mean in zip(values.values(), means, strict=True)]
    matrix = np.stack([column for column, _ in grids], axis=1)
    sums = np.concatenate([counts @ matrix for counts in _resampled(num_users, resamples, seed)])
    tail = (1 - level) / 2
    ends = np.quantile(sums, [tail, 1 - tail], axis=0)
    out: dict[str, Interval] = {}
    for place, ((name, column), mean) in enumerate(zip(values.items(), means, strict=True)):
        ends_here = mean + ends[:, place] * (grids[place][1] / num_users)
        # A mean lies among its values; what rounding adds would print as -0.
        low, high = np.clip(ends_here, column.min(), column.max())
        out[name] = Interval(mean, float(low), float(high))
    return out


def block_bootstrap(values: PerUser, block: int, *, seed: int, resamples: int = 2000, level: float = 0.95) -> Interval:
    """Return the mean with its interval over blocks of values that follow one another, which may depend on each other.

    Args:
        values: one for each date, in their order, at least `block`.
        block: how many of them are drawn together.

    >>> block_bootstrap(np.array([0.5, 0.5, 0.5, 0.5]), 2, seed=1)
    Interval(value=0.5, low=0.5, high=0.5)
    """
    starts = np.arange(len(values) - block + 1)
    chosen = np.random.default_rng(seed).choice(starts, (resamples, -(-len(values) // block)))
    rows = (chosen[:, :, None] + np.arange(block)).reshape(resamples, -1)[:, : len(values)]
    low, high = np.quantile(values[rows].mean(axis=1), ((1 - level) / 2, (1 + level) / 2))
    return Interval(fsum(values) / len(values), float(low), float(high))


def jackknife(
    value: float, without_each: PerUser, *, level: float = 0.95, bounds: tuple[float, float] = (0.0, 1.0)
) -> Interval:
    """Return the value with a normal interval from leaving out each user in turn, cut to `bounds`.

    For what is no mean over users, such as coverage, where drawing users twice would show too few products.
    SE^2 = (n - 1) / n * sum over users of (value without u - mean of these)^2.

    Source: Heltshe and Forrester, Biometrics 39 (1983), for counts of distinct species.

    >>> jackknife(0.6, np.array([0.4, 0.4, 0.6]), level=0.6826894921370859)  # one SE: 2/3 * .02667 = .1333^2
    Interval(value=0.6, low=0.4666666666666667, high=0.7333333333333333)
    """
    if len(without_each) < 2:
        return Interval(value, *bounds)
    deviation = without_each - without_each.mean()
    spread = sqrt((1 - 1 / len(without_each)) * float((deviation * deviation).sum()))
    half = NormalDist().inv_cdf((1 + level) / 2) * spread
    return Interval(value, max(bounds[0], value - half), min(bounds[1], value + half))


def paired_test(a: PerUser, b: PerUser, seed: int, *, resamples: int = 10_000) -> float:
    """Return the two-sided p-value that a and b have the same mean over the same users.

    Sign-flip permutation of d = a - b: the share of sign patterns s with |sum s d| >= |sum d|, over all
    2^n patterns when there are no more than `resamples`, otherwise (1 + count) / (1 + resamples) of
    random ones. Users with a = b do not count.

    >>> paired_test(np.array([0.9, 0.8, 0.7, 0.6]), np.array([0.4, 0.3, 0.2, 0.1]), seed=1)  # 2 of 16 patterns
    0.125
    >>> paired_test(np.array([0.5, 0.5]), np.array([0.5, 0.5]), seed=1)
    1.0
    """
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"a {a.shape} and b {b.shape} are not values of the same users")
    difference = a - b
    if not np.isfinite(difference).all():
        raise ValueError("a and b must be finite")
    moved, _ = _on_grid(difference[difference != 0])
    moved = moved[moved != 0]
    if not len(moved):
        return 1.0
    seen = abs(moved.sum())
    exact = len(moved) < 63 and 2 ** len(moved) <= resamples
    patterns = _all_signs(len(moved)) if exact else _random_signs(len(moved), resamples, seed)
    # sum of s d = 2 * (sum of d with s = +1) - sum of d
    extreme = sum(int((np.abs(2 * (plus @ moved) - moved.sum()) >= seen).sum()) for plus in patterns)
    return extreme / 2 ** len(moved) if exact else (1 + extreme) / (1 + resamples)


def _on_grid(values: PerUser) -> tuple[PerUser, float]:
    """Return the values as whole numbers, and the unit that turns them back; sums of n stay below 2^52."""
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0:
        return values, 1.0
    unit = 2.0 ** (ceil(log2(largest)) + ceil(log2(len(values))) - 51)
    return np.rint(values / unit), unit


def _resampled(num_users: int, resamples: int, seed: int) -> Iterator[PerUser]:
    """Yield how often every user is drawn, some resamples at a time: (resamples, num_users) in all."""
    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK // num_users)
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = rng.integers(0, num_users, (rows, num_users)) + np.arange(rows)[:, None] * num_users
        counts = np.bincount(drawn.ravel(), minlength=rows * num_users)
        yield counts.reshape(rows, num_users).astype(np.float64)


def _all_signs(num_users: int) -> Iterator[PerUser]:
    yield ((np.arange(2**num_users)[:, None] >> np.arange(num_users)) & 1).astype(np.float64)


def _random_signs(num_users: int, resamples: int, seed: int) -> Iterator[PerUser]:
    rng = np.random.default_rng(seed)
    width = (num_users + 7) // 8
    step = max(1, _CHUNK // num_users)
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        octets = np.frombuffer(rng.bytes(rows * width), np.uint8).reshape(rows, width)
        yield np.unpackbits(octets, axis=1, count=num_users).astype(np.float64)
