"""Which parts of a sum are worth having, and how much of each, on validation only.

Weights are the non-negative ones under which what validation users took is likeliest: every relevant pair is a choice
among the user's candidates with probability softmax(sum_m weight_m * score_m). The log-likelihood is concave, so that
many parts can be judged at once, where a search on the nDCG of a few hundred users follows luck (docs/log.md,
2026-11-22).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from graphrec.training.candidates import Candidates

Weights = NDArray[np.float64]

WORTH = 2.0
"""Log-likelihood a part must add to stay: twice the one that Akaike's criterion asks of a parameter."""


@dataclass(frozen=True, eq=False)
class _Choices:
    """Shapes: values (num_parts, total); segment (total,) = user of each candidate; taken (num_users,) = choices."""

    values: NDArray[np.float64]
    starts: NDArray[np.int64]
    segment: NDArray[np.int64]
    taken: NDArray[np.int64]
    places: NDArray[np.int64]

    def fit(self, parts: NDArray[np.integer], begin: Weights) -> tuple[Weights, float]:
        """The likeliest weights of some parts, and the negative log-likelihood; the search starts at `begin`."""
        bounds = [(0.0, None)] * len(parts)
        found = minimize(self.loss(parts), begin, jac=True, bounds=bounds, method="L-BFGS-B")
        return np.asarray(found.x), float(found.fun)

    def loss(self, parts: NDArray[np.integer]) -> Callable[[Weights], tuple[float, Weights]]:
        """The negative log-likelihood of weights of some parts, with its gradient."""
        values = self.values[parts]
        chosen = values[:, self.places].sum(axis=1)

        def loss(weights: Weights) -> tuple[float, Weights]:
            total = weights @ values
            highest = np.maximum.reduceat(total, self.starts)
            mass = np.exp(total - highest[self.segment])
            sums = np.add.reduceat(mass, self.starts)
            value = (self.taken * (np.log(sums) + highest)).sum() - total[self.places].sum()
            return float(value), values @ (mass * (self.taken / sums)[self.segment]) - chosen

        return loss


def fit_weights(candidates: Candidates, *, most: int) -> Weights:
    """The likeliest weights (num_parts,), at most `most` above 0, without parts that add less than WORTH.

    They are not normalised: their size is how sharply users choose.
    """
    num_parts = len(candidates.values)
    choices = _choices(candidates)
    weights = np.zeros(num_parts)
    found, cost = choices.fit(np.arange(num_parts), np.full(num_parts, 0.1))
    kept = np.flatnonzero(found > 1e-6)
    found = found[kept]
    while len(kept) > 1:
        without = [choices.fit(np.delete(kept, n), np.delete(found, n)) for n in range(len(kept))]
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
    return -_choices(candidates).loss(np.arange(len(weights)))(weights)[0]


def _choices(candidates: Candidates) -> _Choices:
    indptr = candidates.indptr
    return _Choices(
        candidates.values.astype(np.float64),
        indptr[:-1],
        np.repeat(np.arange(len(indptr) - 1), np.diff(indptr)),
        np.diff(candidates.validation.relevant.indptr),
        candidates.places,
    )
