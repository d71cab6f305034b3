"""The least volatile mix of some products within limits, and how such mixes did on days that they had not seen.

    minimise  w' S w   over  w = start + bought - sold,   sum w = 1,   least <= w <= most,
                             sum of w in a group <= its limit,   sum of sold <= turnover

S is the covariance of Ledoit and Wolf (graphrec.finance.market.portfolio.shrunk).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import UsageError
from graphrec.finance.market.figures import TRADING_DAYS
from graphrec.finance.market.portfolio import shrunk

Floats = NDArray[np.float64]
LOOK, STEP = 504, 63
"""Days that a mix is made of, and after how many it is made anew."""
SMALLEST = 1e-6
"""A part below it is none."""


@dataclass(frozen=True)
class Walk:
    """Volatility a year on days that the mixes had not seen."""

    days: int
    proposed: float
    equal: float
    """Of equal weights."""
    benchmark: float | None
    turnover: float
    """Of the proposed mixes, a year, one way."""


def least_volatile(
    covariance: Floats,
    start: Floats,
    bounds: tuple[Floats, Floats],
    groups: Sequence[tuple[NDArray[np.int64], float]] = (),
    turnover: float = 1.0,
) -> Floats:
    """The weights of the least volatile mix.

    Args:
        covariance: (n, n).
        start: (n,) what is held; the rest to 1 is money to be invested.
        bounds: (n,) smallest and largest weights.
        groups: members, and what they may weigh together.
        turnover: what may be sold, as a part of all.

    Raises:
        UsageError: no mix is within the limits.

    >>> least_volatile(np.diag([0.01, 0.04]), np.array([0.5, 0.5]), (np.zeros(2), np.ones(2))).round(6).tolist()
    [0.8, 0.2]
    """
    from scipy.optimize import minimize

    count, left = len(start), 1 - float(start.sum())
    both = np.hstack([np.eye(count), -np.eye(count)])
    scale = float(np.trace(covariance)) / count or 1.0

    def risk(moved: Floats) -> tuple[float, Floats]:
        weights = start + both @ moved
        return float(weights @ covariance @ weights) / scale, both.T @ (2 * covariance @ weights) / scale

    # What is bought and sold of a product is bounded by its own limits, so that its weight is too.
    moves = [(0.0, max(float(high - now), 0.0)) for now, high in zip(start, bounds[1], strict=True)]
    moves += [(0.0, max(float(now - low), 0.0)) for now, low in zip(start, bounds[0], strict=True)]
    rows = [np.concatenate([np.zeros(count), np.ones(count)])]
    room = [turnover]
    for members, limit in groups:
        rows.append(both[members].sum(axis=0))
        room.append(limit - float(start[members].sum()))
    inside, most, whole = np.stack(rows), np.array(room), both.sum(axis=0)
    done = minimize(
        risk, np.concatenate([np.full(count, left / count), np.zeros(count)]), jac=True, method="SLSQP", bounds=moves,
        constraints=[
            {"type": "eq", "fun": lambda x: whole @ x - left, "jac": lambda _: whole},
            {"type": "ineq", "fun": lambda x: most - inside @ x, "jac": lambda _: -inside},
        ],
        options={"maxiter": 1000, "ftol": 1e-12},
    )  # fmt: skip
    weights: Floats = start + both @ done.x
    if not done.success or abs(weights.sum() - 1) > SMALLEST:
        raise UsageError("no mix is within the limits: allow more per product or group, or more turnover")
    return np.where(weights < SMALLEST, 0.0, weights)


def walk_forward(
    returns: Floats, cap: float, benchmark: Floats | None = None, *, look: int = LOOK, step: int = STEP
) -> Walk | None:
    """How the least volatile mixes did beside equal weights and a benchmark; None: there are too few days.

    Args:
        returns: (days, n) simple daily returns.
        cap: the largest weight of one product.
        benchmark: (days,) its returns.
    """
    days, count = returns.shape
    if days < look + step:
        return None
    equal = np.full(count, 1 / count)
    bounds = np.zeros(count), np.full(count, max(cap, 1 / count))
    before, sold, seen = equal, [], []
    for begin in range(look, days - step + 1, step):
        covariance, _ = shrunk(returns[begin - look : begin])
        weights = least_volatile(TRADING_DAYS * covariance, equal, bounds)
        sold.append(float(np.maximum(before - weights, 0).sum()))
        after = returns[begin : begin + step]
        seen.append(after @ weights)
        grown = weights * np.prod(1 + after, axis=0)
        before = grown / grown.sum()
    last = look + step * len(seen)
    own = np.concatenate(seen)
    return Walk(
        len(own), _yearly(own), _yearly(returns[look:last] @ equal),
        None if benchmark is None else _yearly(benchmark[look:last]),
        float(np.mean(sold)) * TRADING_DAYS / step,
    )  # fmt: skip


def _yearly(returns: Floats) -> float:
    return float(returns.std(ddof=1) * np.sqrt(TRADING_DAYS))
