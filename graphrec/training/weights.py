"""Which parts of a sum are worth having, and how much of each, on validation only.

Weights are the non-negative ones under which what validation users took is likeliest: every relevant pair is a choice
among the user's candidates with probability softmax(sum_m weight_m * score_m). The log-likelihood is concave, so that
many parts can be judged at once, where a search on the nDCG of a few hundred users follows luck (docs/log.md,
2026-11-22).
"""

import numba
import numpy as np
from numpy.typing import NDArray

from graphrec.training.candidates import Candidates

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
    relevant = candidates.validation.relevant.indptr
    value = _sum_loss(
        candidates.values, parts, weights, candidates.indptr, relevant, candidates.places, slope, curve, curved
    )
    # A trace of a prior, so that choices that are all explained have an answer below infinity.
    curve[np.diag_indices(len(parts))] += PRIOR
    return value + PRIOR * float(weights @ weights) / 2, slope + PRIOR * weights, curve


@numba.njit(cache=True)
def _add_curve(mass, lines, mean, total, taken, curve):  # type: ignore[no-untyped-def]
    """Add the covariances of the parts under the choice probabilities mass / total."""
    for m in range(len(mean)):
        for n in range(m + 1):
            both = 0.0
            for i in range(len(mass)):
                both += mass[i] * lines[m, i] * lines[n, i]
            curve[m, n] += taken * (both / total - mean[m] * mean[n])
            curve[n, m] = curve[m, n]


# One thread, as in candidates.py.
@numba.njit(cache=True)
def _sum_loss(values, parts, weights, indptr, relevant_ptr, places, slope, curve, curved):  # type: ignore[no-untyped-def]
    num_parts = len(parts)
    widest = np.diff(indptr).max()
    mass = np.empty(widest)
    mean = np.empty(num_parts)
    lines = np.empty((num_parts, widest))
    value = 0.0
    for user in range(len(indptr) - 1):
        start = indptr[user]
        size = indptr[user + 1] - start
        taken = relevant_ptr[user + 1] - relevant_ptr[user]
        mass[:size] = 0.0
        for m in range(num_parts):
            line = values[parts[m]]
            for i in range(size):
                lines[m, i] = line[start + i]
                mass[i] += weights[m] * lines[m, i]
        for p in range(relevant_ptr[user], relevant_ptr[user + 1]):
            place = places[p] - start
            value -= mass[place]
            for m in range(num_parts):
                slope[m] -= lines[m, place]
        highest = mass[:size].max()
        mass[:size] = np.exp(mass[:size] - highest)
        total = mass[:size].sum()
        value += taken * (np.log(total) + highest)
        for m in range(num_parts):
            mean[m] = (mass[:size] * lines[m, :size]).sum() / total
            slope[m] += taken * mean[m]
        if curved:
            _add_curve(mass[:size], lines, mean, total, taken, curve)
    return value
