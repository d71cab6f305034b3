"""Which parts of a sum are worth having, and how much of each, on validation only.

Weights are the non-negative ones under which what validation users took is likeliest: every relevant pair is a choice
among the user's candidates with probability softmax(sum_m weight_m * score_m). The log-likelihood is concave, so that
many parts can be weighed at once, where a search on the nDCG of a few hundred users follows luck (docs/log.md,
2026-11-22).
"""

from collections.abc import Callable, Sequence

import numba
import numpy as np
from numpy.typing import NDArray

from graphrec.models.inputs import PATH_SHARE
from graphrec.training.search.candidates import Candidates

Weights = NDArray[np.float64]

WORTH = 2.0
"""Log-likelihood a part must add to stay: twice the one that Akaike's criterion asks of a parameter."""


MOST_STEPS = 50
LEAST_GRADIENT = 1e-4
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
        weights[int(np.argmax([candidates.evaluate(unit).mean() for unit in np.eye(num_parts)]))] = 1.0
    return weights


def fitted_weights(candidates: Candidates, weights: Weights, *, refit: bool) -> tuple[Weights, float]:
    """Weights of the parts that have one, the likeliest ones with `refit`, and their log-likelihood."""
    used = np.flatnonzero(weights)
    if not refit:
        return weights, -_loss(candidates, used, weights[used], curved=False)[0]
    own, cost = _fit(candidates, used, weights[used])
    found = np.zeros(len(weights))
    found[used] = own
    return (found, -cost) if own.any() else (weights, -np.inf)


def log_likelihood(candidates: Candidates, weights: Weights) -> float:
    """The log-likelihood of what users took under some weights (num_parts,)."""
    return -_loss(candidates, np.arange(len(weights)), weights, curved=False)[0]


def _fit(candidates: Candidates, parts: NDArray[np.integer], begin: Weights) -> tuple[Weights, float]:
    """The likeliest weights of some parts, and the negative log-likelihood; the search starts at `begin`.

    Projected Newton steps: parts at 0 that would fall below it stay out of a step. Source: Bertsekas, SIAM J. Control
    and Optimization 20 (1982).
    """
    weights = begin
    value, gradient, curve = _loss(candidates, parts, weights)
    for _ in range(MOST_STEPS):
        free = (weights > 0) | (gradient < 0)
        if not free.any() or np.abs(gradient[free]).max() < LEAST_GRADIENT:
            break
        step = np.zeros(len(parts))
        step[free] = np.linalg.solve(curve[np.ix_(free, free)], -gradient[free])
        found = _along(candidates, parts, (weights, value, gradient), step)
        if found is None:
            break
        gain, weights = value - found[1], found[0]
        value, gradient, curve = _loss(candidates, parts, weights)
        if gain < SMALL_GAIN:
            break
    return weights, value


def _along(
    candidates: Candidates, parts: NDArray[np.integer], at: tuple[Weights, float, Weights], step: Weights
) -> tuple[Weights, float] | None:
    """The first point along a step, cut at 0 and halved when too long, that is better enough; None without one."""
    weights, value, gradient = at
    for halvings in range(20):
        trial = np.maximum(weights + step / 2**halvings, 0.0)
        found = _loss(candidates, parts, trial, curved=False)[0]
        if found <= value + 1e-4 * float(gradient @ (trial - weights)):
            return trial, found
    return None


def _loss(
    candidates: Candidates, parts: NDArray[np.integer], weights: Weights, *, curved: bool = True
) -> tuple[float, Weights, NDArray[np.float64]]:
    """The negative log-likelihood of weights of some parts, its gradient and, when asked, its curvature."""
    gradient, curve = np.zeros(len(parts)), np.zeros((len(parts), len(parts)))
    relevant, widest = candidates.validation.relevant.indptr, int(np.diff(candidates.indptr).max())
    value = _sum_loss(
        candidates.values,
        parts,
        weights,
        candidates.indptr,
        relevant,
        candidates.places,
        widest,
        gradient,
        curve,
        curved,
    )
    # A trace of a prior, so that choices that are all explained have an answer below infinity.
    curve[np.diag_indices(len(parts))] += PRIOR
    return value + PRIOR * float(weights @ weights) / 2, gradient + PRIOR * weights, curve


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
def _add_mean(chances, lines, size, taken, mean, gradient):  # type: ignore[no-untyped-def]
    """The expectation of each part, added to the gradient."""
    for m in range(len(mean)):
        mean[m] = 0.0
        for i in range(size):
            mean[m] += chances[i] * lines[m, i]
        gradient[m] += taken * mean[m]


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
def _sum_loss(values, parts, weights, indptr, relevant_ptr, places, widest, gradient, curve, curved):  # type: ignore[no-untyped-def]
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
                gradient[m] -= lines[m, place]
        value += taken * _to_chances(mass, size)
        _add_mean(mass, lines, size, taken, mean, gradient)
        if curved:
            _add_curve(mass, lines, size, taken, mean, curve)
    return value


#: The metric of every validation user for some weights.
Evaluate = Callable[[Weights], NDArray[np.float64]]

MOST_COST = 0.005
"""Part of the metric on validation that better reasons may cost."""
LOST = 1.645
"""Standard errors of the paired difference from which on a loss is seen: p is below .05 there."""
SHARES = (1.0, 0.75, 0.5, 0.25)
"""What is tried as the part of the way to the wanted share of paths."""
COLLABORATIVE_PARTS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""What is tried as the part of the weight on what others do that stays."""


def towards_paths(
    evaluate: Evaluate, weights: Weights, is_path: NDArray[np.bool_], alone: Weights, share: float = PATH_SHARE
) -> Weights:
    """The weights with a share of their sum on paths, or part of the way there, where validation sees no loss.

    Among themselves paths keep their weights or take those that they have `alone`, whichever is better: a few paths
    that add a little to a good term may be poor ones to lean on.
    """
    others = np.where(is_path, 0.0, weights)
    wanted, there = share / (1 - share) * others.sum(), weights[is_path].sum()
    if there >= wanted:
        return weights
    paths = [np.where(is_path, own, 0.0) for own in (weights, alone) if own[is_path].any()]
    trials = []
    for part in SHARES if paths else ():
        sums = [others + own * ((there + part * (wanted - there)) / own.sum()) for own in paths]
        trials.append(max(sums, key=lambda one: float(evaluate(one).mean())))
    return _unless_worse(evaluate, weights, trials)


def towards_names(evaluate: Evaluate, weights: Weights, of_others: NDArray[np.bool_]) -> Weights:
    """The weights with as little on what others do as validation sees no loss of.

    That somebody holds another product of the same issuer is a reason a person can check; that others hold both says
    the same again, with a number. Where both explain a purchase, the first should get the credit.
    """
    return _unless_worse(
        evaluate, weights, [np.where(of_others, part * weights, weights) for part in COLLABORATIVE_PARTS]
    )


def _unless_worse(evaluate: Evaluate, weights: Weights, trials: Sequence[Weights]) -> Weights:
    """The first of the trials that is no loss; else the weights."""
    before = evaluate(weights)
    return next((trial for trial in trials if not is_loss(before, evaluate(trial))), weights)


def is_loss(before: NDArray[np.float64], after: NDArray[np.float64]) -> bool:
    """Whether the metric of users (num_users,) falls by more than MOST_COST, or by LOST standard errors."""
    lost = before - after
    return bool(lost.mean() > min(MOST_COST * before.mean(), LOST * standard_error(lost)))


def is_ahead(evaluate: Evaluate, one: Weights, other: Weights, by: float = 0.0) -> bool:
    """Whether some weights are better than others by more than so many standard errors of the difference."""
    gain = evaluate(one) - evaluate(other)
    return bool(gain.mean() > by * standard_error(gain))


def standard_error(values: NDArray[np.float64]) -> float:
    """Of the mean."""
    return float(values.std() / np.sqrt(len(values)))
