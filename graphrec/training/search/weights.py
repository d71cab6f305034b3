"""Which parts of a sum are worth having, and how much of each, on validation only.

Weights are the non-negative ones under which what validation users took is likeliest: every relevant pair is a choice
among the user's candidates with probability softmax(sum_m weight_m * score_m). The log-likelihood is concave, so that
many parts can be judged at once, where a search on the nDCG of a few hundred users follows luck (docs/log.md,
2026-11-22).
"""

import numba
import numpy as np
from numpy.typing import NDArray

from graphrec.training.search.candidates import Candidates

Weights = NDArray[np.float64]

WORTH = 2.0
"""Log-likelihood a part must add to stay: twice the one that Akaike's criterion asks of a parameter."""


MOST_STEPS = 50
SLOPE = 1e-4
SMALL_GAIN = 1e-6
PRIOR = 1e-3


def fit_weights(candidates: Candidates, *, most: int) -> Weights:
    """The likeliest weights (num_parts,), at most `most` above 0, without parts that add less than WORTH.

    They are not normalised: their size is how sharply users choose.
    """
    num_parts = len(candidates.values)
    weights = np.zeros(num_parts)
    found, cost = _fit(candidates, np.arange(num_parts), np.full(num_parts, 0.1))
    kept = np.flatnonzero(found > 1e-6)
    found = found[kept]
    while len(kept) > 1:
        without = [_fit(candidates, np.delete(kept, n), np.delete(found, n)) for n in range(len(kept))]
        weakest = int(np.argmin([one[1] for one in without]))
        if without[weakest][1] - cost >= WORTH and len(kept) <= most:
            break
        found, cost = without[weakest]
        kept = np.delete(kept, weakest)
    weights[kept] = found
    if not weights.any():
        weights[int(np.argmax([candidates.judge(unit).mean() for unit in np.eye(num_parts)]))] = 1.0
    return weights


def log_likelihood(candidates: Candidates, weights: Weights) -> float:
    """The log-likelihood of what users took under some weights (num_parts,)."""
    return -_loss(candidates, np.arange(len(weights)), weights, curved=False)[0]


def _fit(candidates: Candidates, parts: NDArray[np.integer], begin: Weights) -> tuple[Weights, float]:
    """The likeliest weights of some parts, and the negative log-likelihood; the search starts at `begin`.

    Projected Newton steps: parts at 0 that would fall below it stay out of a step. Source: Bertsekas, SIAM J. Control
    and Optimization 20 (1982).
    """
    weights = begin
    value, slope, curve = _loss(candidates, parts, weights)
    for _ in range(MOST_STEPS):
        free = (weights > 0) | (slope < 0)
        if not free.any() or np.abs(slope[free]).max() < SLOPE:
            break
        step = np.zeros(len(parts))
        step[free] = np.linalg.solve(curve[np.ix_(free, free)], -slope[free])
        found = _along(candidates, parts, (weights, value, slope), step)
        if found is None:
            break
        gain, weights = value - found[1], found[0]
        value, slope, curve = _loss(candidates, parts, weights)
        if gain < SMALL_GAIN:
            break
    return weights, value


def _along(
    candidates: Candidates, parts: NDArray[np.integer], at: tuple[Weights, float, Weights], step: Weights
) -> tuple[Weights, float] | None:
    """The first point along a step, cut at 0 and halved when too long, that is better enough; None without one."""
    weights, value, slope = at
    for halvings in range(20):
        trial = np.maximum(weights + step / 2**halvings, 0.0)
        found = _loss(candidates, parts, trial, curved=False)[0]
        if found <= value + 1e-4 * float(slope @ (trial - weights)):
            return trial, found
    return None


def _loss(
    candidates: Candidates, parts: NDArray[np.integer], weights: Weights, *, curved: bool = True
) -> tuple[float, Weights, NDArray[np.float64]]:
    """The negative log-likelihood of weights of some parts, its slope and, when asked, its curvature."""
    slope, curve = np.zeros(len(parts)), np.zeros((len(parts), len(parts)))
    relevant, widest = candidates.validation.relevant.indptr, int(np.diff(candidates.indptr).max())
    value = _sum_loss(
        candidates.values, parts, weights, candidates.indptr, relevant, candidates.places, widest, slope, curve, curved
    )
    # A trace of a prior, so that choices that are all explained have an answer below infinity.
    curve[np.diag_indices(len(parts))] += PRIOR
    return value + PRIOR * float(weights @ weights) / 2, slope + PRIOR * weights, curve


@numba.njit(cache=True)
def _to_chances(mass, size):  # type: ignore[no-untyped-def]
    """Turn scores into softmax in place; returns log sum exp."""
    highest = mass[0]
    for i in range(size):
        highest = max(highest, mass[i])
    total = 0.0
    for i in range(size):
        mass[i] = np.exp(mass[i] - highest)
        total += mass[i]
    for i in range(size):
        mass[i] /= total
    return highest + np.log(total)


@numba.njit(cache=True)
def _add_mean(chances, lines, size, taken, mean, slope):  # type: ignore[no-untyped-def]
    """The expectation of each part, added to the slope."""
    for m in range(len(mean)):
        mean[m] = 0.0
        for i in range(size):
            mean[m] += chances[i] * lines[m, i]
        slope[m] += taken * mean[m]


@numba.njit(cache=True)
def _add_curve(chances, lines, size, taken, mean, curve):  # type: ignore[no-untyped-def]
    """Add the covariances of the parts."""
    for m in range(len(mean)):
        for n in range(m + 1):
            both = 0.0
            for i in range(size):
                both += chances[i] * lines[m, i] * lines[n, i]
            curve[m, n] += taken * (both - mean[m] * mean[n])
            curve[n, m] = curve[m, n]


# One thread, as in candidates.py.
@numba.njit(cache=True)
def _sum_loss(values, parts, weights, indptr, relevant_ptr, places, widest, slope, curve, curved):  # type: ignore[no-untyped-def]
    num_parts = len(parts)
    mass = np.empty(widest)
    mean = np.empty(num_parts)
    lines = np.empty((num_parts, widest))
    value = 0.0
    for user in range(len(indptr) - 1):
        start = indptr[user]
        size = indptr[user + 1] - start
        taken = relevant_ptr[user + 1] - relevant_ptr[user]
        for i in range(size):
            mass[i] = 0.0
        for m in range(num_parts):
            for i in range(size):
                lines[m, i] = values[parts[m], start + i]
                mass[i] += weights[m] * lines[m, i]
        for p in range(relevant_ptr[user], relevant_ptr[user + 1]):
            place = places[p] - start
            value -= mass[place]
            for m in range(num_parts):
                slope[m] -= lines[m, place]
        value += taken * _to_chances(mass, size)
        _add_mean(mass, lines, size, taken, mean, slope)
        if curved:
            _add_curve(mass, lines, size, taken, mean, curve)
    return value
