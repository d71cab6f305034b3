"""Diversification: products that move with what the customer holds are put back (terms/forms/portfolio.py).

    W[a, i] = -cov(a, i) / c,    c = mean over customers of the spread over products of sum over a: x_a cov(a, i)

It reads the feature block `portfolio` and customers' amounts, and is left out without them. Its weight is fitted on
validation, where it may be 0, or set by the bank: `train --blocks text,portfolio --set diversification.weight=0.3`, in
parts of the sum of all other weights.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from graphrec.features.blocks import FeatureBlock
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.inputs import Inputs
from graphrec.models.spec import Fitted, ModelSpec
from graphrec.terms.forms.portfolio import NONE, Moves, PortfolioTerm

BLOCK = "portfolio"
TRADING_DAYS = 252
USERS = 1024
"""Customers whose portfolios are held at once."""


@dataclass(frozen=True)
class DiversificationConfig:
    """How much it counts."""

    weight: Annotated[float, Meta(ge=0, le=10)] | None = None
    """As a part of the sum of all other weights; None: what validation prefers."""


def block_of(inputs: Inputs) -> FeatureBlock | None:
    """The block of returns; None without."""
    return next((one for one in inputs.blocks if one.name == BLOCK), None)


def fit_diversification(graph: Graph, block: FeatureBlock) -> PortfolioTerm | None:
    """The term of a graph; None where nobody holds an amount of a product that moves."""
    assert graph.wealth is not None, "it is fitted on a graph of a snapshot"
    returns, last, known = block.matrix[:, :-2], block.matrix[:, -2], block.matrix[:, -1]
    centred = np.asarray(returns, np.float64) - np.asarray(returns, np.float64).mean(axis=1, keepdims=True)
    there = np.flatnonzero(known != 0)
    rows = np.ascontiguousarray(centred[there]) * np.sqrt(TRADING_DAYS / (returns.shape[1] - 1))
    place = np.full(len(known), NONE, np.int32)
    place[there] = np.arange(len(there))
    types, cash = tuple(block.definition["positions"]), block.definition["cash"]
    plain = PortfolioTerm("diversification", graph, Moves(place, rows, np.asarray(last, np.float64), 1.0, types, cash))
    # The variance over products of cov(i, portfolio) = rows @ moved.
    around = rows - rows.mean(axis=0)
    between, spreads = around.T @ around / max(len(rows), 1), []
    for start in range(0, graph.num_users, USERS):
        moved = plain.portfolios(np.arange(start, min(start + USERS, graph.num_users), dtype=np.int32))
        moved = moved[moved.any(axis=1)]
        spreads.append(np.sqrt(np.maximum(((moved @ between) * moved).sum(axis=1), 0.0)))
    found = np.concatenate(spreads)
    scale = float(found.mean()) if len(found) else 0.0
    if not scale:
        return None
    moves = Moves(place, rows / np.sqrt(scale), np.asarray(last, np.float64), scale, types, cash)
    return PortfolioTerm("diversification", graph, moves)


def fit(graph: Graph, _config: DiversificationConfig, inputs: Inputs) -> Fitted:
    """The term; nothing without the block."""
    block = block_of(inputs)
    term = None if block is None else fit_diversification(graph, block)
    return Fitted(()) if term is None else Fitted.of(term)


SPEC = ModelSpec(
    name="diversification",
    sentence="Products that move with what the customer holds, weighed by its worth, are put back.",
    fit=fit,
    config=DiversificationConfig,
    is_alone=False,
    needs=((BLOCK, "product"),),
)
