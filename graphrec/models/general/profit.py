"""Profit: what products are expected to return by their prices alone; off unless the bank sets its weight.

    score(u, i) = (e_i - mean e) / sd e,   e_i = expected simple return of the next AHEAD trading days

e is learned on the same products at earlier dates, every AHEAD days: features of the returns before a date, each in
standard deviations over products of that date, against the return after it less the mean of that date. Ridge solves
them in closed form; boosting is LightGBM. The features are momentum over 21, 63, 126 and 252 days (the last month left
out of the two longer ones), volatility over 63 days, the fall below the highest price of 126 days, and the beta to the
mean of all products over 126 days.

It reads the feature block `portfolio`, is never searched and never in a customer's reason: `train --blocks
text,portfolio --set profit.weight=0.2`, in parts of the sum of all other weights. What prices did is no promise.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from graphrec.extras import needs_extra
from graphrec.features.blocks import FeatureBlock
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.general.diversification import BLOCK, block_of
from graphrec.models.inputs import Inputs
from graphrec.models.spec import Fitted, ModelSpec
from graphrec.terms.forms.factors import Neighbours, TableTerm

Floats = NDArray[np.float64]
AHEAD = 21
LOOK = 252
"""Daily returns that the features of one date read."""
LEAST = LOOK + 2 * AHEAD
"""Daily returns without which nothing is learned."""
PENALTY = 100.0
NAMES = ("momentum_21", "momentum_63", "momentum_126", "momentum_252", "volatility", "drawdown", "beta")


@dataclass(frozen=True)
class ProfitConfig:
    """How much it counts, and what learns it."""

    weight: Annotated[float, Meta(ge=0, le=10)] | None = None
    """As a part of the sum of all other weights; None: it is no part of the model."""
    learner: Literal["ridge", "boosting"] = "ridge"


def features_of(returns: Floats) -> Floats:
    """The features of products from their last LOOK daily returns (num_products, num_days), standardised.

    Shapes: (num_products, len(NAMES)).
    """
    own = returns[:, -LOOK:]
    course = np.cumprod(1 + own, axis=1)
    grown = [course[:, -1] / course[:, -1 - days] - 1 for days in (21, 63)]
    late = course[:, -22]
    grown += [late / course[:, -126] - 1, late / course[:, 0] - 1]
    market = own[:, -126:].mean(axis=0)
    around = market - market.mean()
    beta = own[:, -126:] @ around / max(float(around @ around), 1e-12)
    fall = 1 - course[:, -1] / course[:, -126:].max(axis=1)
    table = np.stack([*grown, own[:, -63:].std(axis=1), fall, beta], axis=1)
    spread = table.std(axis=0)
    found: Floats = np.clip((table - table.mean(axis=0)) / np.where(spread > 0, spread, 1.0), -4, 4)
    return found


def expected_returns(returns: Floats, learner: str = "ridge") -> Floats:
    """What products are expected to return in the next AHEAD days, less the mean of all (num_products,).

    Args:
        returns: (num_products, num_days) daily, of at least LEAST days.
        learner: ridge or boosting.

    Raises:
        MissingExtra: LightGBM is not installed.
    """
    rows, targets = [], []
    for end in range(returns.shape[1] - AHEAD, LOOK - 1, -AHEAD):
        after = np.prod(1 + returns[:, end : end + AHEAD], axis=1) - 1
        rows.append(features_of(returns[:, :end]))
        targets.append(after - after.mean())
    table, wanted = np.concatenate(rows), np.concatenate(targets)
    low, high = np.quantile(wanted, (0.01, 0.99))
    wanted, asked = np.clip(wanted, low, high), features_of(returns)
    if learner == "ridge":
        weights = np.linalg.solve(table.T @ table + PENALTY * np.eye(table.shape[1]), table.T @ wanted)
        return np.asarray(asked @ weights, np.float64)
    return _boosted(table, wanted, asked)


@needs_extra("finance", "profit.learner=boosting")
def _boosted(table: Floats, wanted: Floats, asked: Floats) -> Floats:
    import lightgbm as lgb

    chosen = {
        "objective": "regression", "learning_rate": 0.03, "num_leaves": 7, "min_data_in_leaf": 200, "verbose": -1,
        "num_threads": 1, "seed": 0, "deterministic": True,
    }  # fmt: skip
    machine = lgb.train(chosen, lgb.Dataset(table, wanted), num_boost_round=60)
    return np.asarray(machine.predict(asked), np.float64)


def monthly(grown: Floats, days: int) -> Floats:
    """Returns of some trading days as returns of 21.

    >>> monthly(np.array([0.21]), 42).round(6).tolist()
    [0.1]
    """
    return np.asarray((1 + grown) ** (AHEAD / days) - 1, np.float64)


def fit_profit(graph: Graph, block: FeatureBlock, learner: str = "ridge") -> TableTerm | None:
    """The term of a graph, the same for everyone; None where prices are too few. Without prices a product scores 0."""
    returns, known = np.asarray(block.matrix[:, :-2], np.float64), np.asarray(block.matrix[:, -1])
    there = np.flatnonzero(known == 1)
    if returns.shape[1] < LEAST or len(there) < 2:
        return None
    expected = expected_returns(returns[there], learner)
    spread = float(expected.std())
    if not spread:
        return None
    scores = np.zeros((1, graph.num_products), np.float32)
    scores[0, there] = (expected - expected.mean()) / spread
    return TableTerm("profit", graph, [Neighbours(None, scores, kind="profit")])


def fit(graph: Graph, config: ProfitConfig, inputs: Inputs) -> Fitted:
    """The term; nothing without the block."""
    block = block_of(inputs)
    term = None if block is None else fit_profit(graph, block, config.learner)
    return Fitted(()) if term is None else Fitted.of(term)


SPEC = ModelSpec(
    name="profit",
    sentence="What past prices let expect; only where the bank sets its weight. The past is no promise.",
    fit=fit,
    config=ProfitConfig,
    is_alone=False,
    needs=((BLOCK, "product"),),
)
