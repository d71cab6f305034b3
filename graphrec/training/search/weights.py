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
        return weights, -_loss(candidates, used, weights[used])[0]
    own, cost = _fit(candidates, used, weights[used])
    found = np.zeros(len(weights))
    found[used] = own
    return (found, -cost) if own.any() else (weights, -np.inf)


def log_likelihood(candidates: Candidates, weights: Weights) -> float:
    """The log-likelihood of what users took under some weights (num_parts,)."""
    return -_loss(candidates, np.arange(len(weights)), weights)[0]


def _fit(candidates: Candidates, parts: NDArray[np.integer], begin: Weights) -> tuple[Weights, float]:
    """The likeliest weights of some parts, and the negative log-likelihood; the search starts at `begin`.

    Projected Newton steps: parts at 0 that would fall below it stay out of a step. Source: Bertsekas, SIAM J. Control
    and Optimization 20 (1982).
    """
    weights = begin
    value, chances = _loss(candidates, parts, weights)
    for _ in range(MOST_STEPS):
        gradient, curve = _slopes(candidates, parts, weights, chances)
        free = (weights > 0) | (gradient < 0)
        if not free.any() or np.abs(gradient[free]).max() < LEAST_GRADIENT:
            break
        step = np.zeros(len(parts))
        step[free] = np.linalg.solve(curve[np.ix_(free, free)], -gradient[free])
        found = _along(candidates, parts, (weights, value, gradient), step)
        if found is None:
            break
        before = value
        weights, value, chances = found
        if before - value < SMALL_GAIN:
            break
    return weights, value


def _along(
    candidates: Candidates, parts: NDArray[np.integer], at: tuple[Weights, float, Weights], step: Weights
) -> tuple[Weights, float, Weights] | None:
    """The first point along a step, cut at 0 and halved when too long, that is better enough; None without one."""
    weights, value, gradient = at
    for halvings in range(20):
        trial = np.maximum(weights + step / 2**halvings, 0.0)
        found, chances = _loss(candidates, parts, trial)
        if found <= value + 1e-4 * float(gradient @ (trial - weights)):
            return trial, found, chances
    return None


def _loss(candidates: Candidates, parts: NDArray[np.integer], weights: Weights) -> tuple[float, Weights]:
    """The negative log-likelihood of weights of some parts, and the chance of every candidate (total,)."""
    chances = np.empty(len(candidates.products))
    value = _choices(
        candidates.values, parts, weights, candidates.indptr, candidates.validation.relevant.indptr, candidates.places,
        chances,
    )  # fmt: skip
    return value + PRIOR * float(weights @ weights) / 2, chances


def _slopes(
    candidates: Candidates, parts: NDArray[np.integer], weights: Weights, chances: Weights
) -> tuple[Weights, NDArray[np.float64]]:
    """The gradient of the negative log-likelihood and its curvature, where candidates have these chances."""
    gradient, curve = np.zeros(len(parts)), np.zeros((len(parts), len(parts)))
    widest = int(np.diff(candidates.indptr).max())
    _add_slopes(
        candidates.values, parts, chances, candidates.indptr, candidates.validation.relevant.indptr, candidates.places,
        widest, gradient, curve,
    )  # fmt: skip
    # A trace of a prior, so that choices that are all explained have an answer below infinity.
    curve[np.diag_indices(len(parts))] += PRIOR
    return gradient + PRIOR * weights, curve


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


# One thread, as in candidates.py.
@numba.njit(cache=True)
def _choices(values, parts, weights, indptr, relevant_ptr, places, chances):  # type: ignore[no-untyped-def]
    """Write the chance of every candidate; returns the negative log-likelihood of what was taken."""
    value = 0.0
    for user in range(len(indptr) - 1):
        start = indptr[user]
        size = indptr[user + 1] - start
        mass = chances[start : start + size]
        for i in range(size):
            mass[i] = 0.0
        for m in range(len(parts)):
            line, weight = values[parts[m]], weights[m]
            for i in range(size):
                mass[i] += weight * np.float64(line[start + i])
        for p in range(relevant_ptr[user], relevant_ptr[user + 1]):
            value -= mass[places[p] - start]
        value += (relevant_ptr[user + 1] - relevant_ptr[user]) * _to_chances(mass, size)
    return value


@numba.njit(cache=True)
def _add_slopes(values, parts, chances, indptr, relevant_ptr, places, widest, gradient, curve):  # type: ignore[no-untyped-def]
    """Add expectations less what was taken to the gradient, and covariances of the parts to the curvature."""
    num_parts = len(parts)
    lines, expected = np.empty((num_parts, widest)), np.empty(widest)
    mean, both = np.empty(num_parts), np.empty(num_parts + 3)
    for user in range(len(indptr) - 1):
        start = indptr[user]
        size = indptr[user + 1] - start
        taken = relevant_ptr[user + 1] - relevant_ptr[user]
        for m in range(num_parts):
            line = values[parts[m]]
            for i in range(size):
                lines[m, i] = line[start + i]
            for p in range(relevant_ptr[user], relevant_ptr[user + 1]):
                gradient[m] -= lines[m, places[p] - start]
        for m in range(num_parts):
            for i in range(size):
                expected[i] = chances[start + i] * lines[m, i]
            _four_at_once(expected, lines, size, m, both)
            mean[m] = 0.0
            for i in range(size):
                mean[m] += expected[i]
            gradient[m] += taken * mean[m]
            for n in range(m + 1):
                curve[m, n] += taken * (both[n] - mean[m] * mean[n])
                curve[n, m] = curve[m, n]


@numba.njit(cache=True)
def _four_at_once(expected, lines, size, last, both):  # type: ignore[no-untyped-def]
    """Products with lines 0 to `last`: each sum in its own order, four side by side so that none waits for itself."""
    for n in range(0, last + 1, 4):
        second, third, fourth = min(n + 1, last), min(n + 2, last), min(n + 3, last)
        a = b = c = d = 0.0
        for i in range(size):
            own = expected[i]
            a += own * lines[n, i]
            b += own * lines[second, i]
            c += own * lines[third, i]
            d += own * lines[fourth, i]
        both[n], both[n + 1], both[n + 2], both[n + 3] = a, b, c, d


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
