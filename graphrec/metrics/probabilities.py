"""How good probabilities are: who ranks above whom, how far they are from what happened, and how they shift."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.metrics.intervals import Interval

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_BINS = 256
"""Groups of equal scores that Venn-Abers predictors are computed for, at most."""


@dataclass(frozen=True)
class Quality:
    """Figures of one model on rows that its fits did not see, with 95 % intervals."""

    auc: Interval
    ks: Interval
    brier: Interval
    ece: float


def quality(probabilities: Floats, happened: Flags, *, seed: int = 0, resamples: int = 200) -> Quality:
    """Return AUC, KS and Brier score with percentile bootstrap intervals over rows, and the ECE.

    AUC: the chance that a row where it happened has the higher probability, ties half; KS: the largest difference of
    the two distribution functions; Brier: the mean square of what is missing.

    >>> found = quality(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    >>> found.auc.value, found.ks.value, round(found.brier.value, 4)
    (0.75, 0.5, 0.1581)
    """
    _, place = np.unique(probabilities, return_inverse=True)
    square = (probabilities - happened) ** 2
    plain = _figures(place, happened, square, np.ones(len(place)))
    random, rows = np.random.default_rng(seed), len(place)
    drawn = []
    for _ in range(resamples):
        weight = np.bincount(random.integers(0, rows, rows), minlength=rows).astype(np.float64)
        if 0 < (weight * happened).sum() < rows:
            drawn.append(_figures(place, happened, square, weight))
    ends = np.quantile(np.array(drawn or [plain]), [0.025, 0.975], axis=0)
    auc, ks, brier = (Interval(v, float(low), float(high)) for v, low, high in zip(plain, *ends, strict=True))
    return Quality(auc, ks, brier, calibration_error(probabilities, happened))


def _figures(place: NDArray[np.int64], happened: Flags, square: Floats, weight: Floats) -> tuple[float, float, float]:
    ones = np.bincount(place, weight * happened)
    zeros = np.bincount(place, weight * ~happened)
    below = np.cumsum(zeros)
    auc = float((ones * (below - zeros / 2)).sum() / (ones.sum() * zeros.sum()))
    ks = float(np.abs(np.cumsum(ones) / ones.sum() - below / zeros.sum()).max())
    return auc, ks, float((weight * square).sum() / weight.sum())


@dataclass(frozen=True)
class Reliability:
    """Rows of like probability."""

    rows: int
    predicted: float
    observed: float


def reliability(probabilities: Floats, happened: Flags, bins: int = 10) -> tuple[Reliability, ...]:
    """Return mean probability and rate of rows in groups of equal counts, by rising probability.

    >>> reliability(np.array([0.1, 0.3]), np.array([False, True]), bins=1)
    (Reliability(rows=2, predicted=0.2, observed=0.5),)
    """
    order = np.argsort(probabilities, kind="stable")
    groups = [rows for rows in np.array_split(order, bins) if len(rows)]
    return tuple(Reliability(len(g), float(probabilities[g].mean()), float(happened[g].mean())) for g in groups)


def calibration_error(probabilities: Floats, happened: Flags, bins: int = 10) -> float:
    """Return the expected calibration error: the mean of |predicted - observed| over groups of equal counts.

    Source: Naeini, Cooper, Hauskrecht, AAAI 2015.

    >>> round(calibration_error(np.array([0.1, 0.3]), np.array([False, True]), bins=1), 6)
    0.3
    """
    found = reliability(probabilities, happened, bins)
    return sum(one.rows * abs(one.predicted - one.observed) for one in found) / len(probabilities)


def stability_index(before: Floats, after: Floats, bins: int = 10) -> float:
    """Return the population stability index of two samples: sum of (a - b) log(a / b) over groups of the first.

    Below .1 nothing moved, above .25 much did. Missing values are a group of their own.

    >>> stability_index(np.arange(100.0), np.arange(100.0))
    0.0
    """
    known = before[~np.isnan(before)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1])) if len(known) else np.zeros(0)

    def shares(values: Floats) -> Floats:
        places = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left"))
        counts = np.bincount(places, minlength=len(edges) + 2)
        found: Floats = (counts + 1e-4) / (counts + 1e-4).sum()
        return found

    first, second = shares(before), shares(after)
    return float(((second - first) * np.log(second / first)).sum())


def isotonic(scores: Floats, happened: Flags, weight: Floats | None = None) -> tuple[Floats, Floats]:
    """Return distinct scores, ascending, and the rising rates that fit them best (pool adjacent violators).

    >>> isotonic(np.array([1.0, 2.0, 3.0]), np.array([False, True, False]))[1].tolist()
    [0.0, 0.5, 0.5]
    """
    values, place = np.unique(scores, return_inverse=True)
    given = np.ones(len(scores)) if weight is None else weight
    weights = np.bincount(place, given).astype(np.float64)
    return values, _pooled(np.bincount(place, given * happened).astype(np.float64), weights)


def _pooled(ones: Floats, weights: Floats) -> Floats:
    rates: list[float] = []
    sizes: list[float] = []
    widths: list[int] = []
    for own, size in zip((ones / weights).tolist(), weights.tolist(), strict=True):
        rate, width = own, 1
        while rates and rates[-1] >= rate:
            before = sizes.pop()
            rate = (rates.pop() * before + rate * size) / (before + size)
            size, width = size + before, width + widths.pop()
        rates.append(rate)
        sizes.append(size)
        widths.append(width)
    return np.repeat(np.array(rates), widths)


def venn_abers(scores: Floats, happened: Flags, asked: Floats) -> tuple[Floats, Floats]:
    """Return for each score the rates that isotonic regression gives it as one that did not happen, and did.

    Scores are put into groups of equal counts first, so that many rows stay quick.

    Source: Vovk, Petej, Fedorova, NIPS 2015.

    >>> low, high = venn_abers(np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, False, True, True]), np.array([4.0]))
    >>> round(float(low[0]), 3), float(high[0])
    (0.667, 1.0)
    """
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, _BINS + 1)[1:-1], method="lower"))
    place = np.searchsorted(edges, scores, side="left")
    weights = np.bincount(place, minlength=len(edges) + 1).astype(np.float64)
    ones = np.bincount(place, happened, minlength=len(edges) + 1).astype(np.float64)
    there = weights > 0
    own = np.cumsum(there) - 1
    low, high = np.zeros(len(weights)), np.zeros(len(weights))
    for group in np.flatnonzero(there):
        more = weights + (np.arange(len(weights)) == group)
        low[group] = _pooled(ones[there], more[there])[own[group]]
        high[group] = _pooled((ones + more - weights)[there], more[there])[own[group]]
    asked_place = np.searchsorted(edges, asked, side="left")
    return low[asked_place], high[asked_place]


def sigmoid(z: Floats) -> Floats:
    """1 / (1 + exp(-z)), without overflow.

    >>> sigmoid(np.array([0.0])).tolist()
    [0.5]
    """
    found: Floats = 0.5 * (1.0 + np.tanh(0.5 * z))
    return found
