"""Trend: what customers took lately, the same for everyone; the pseudo-neighbour of every user.

    trend_i = log(1 + sum over the users who hold i: 2 ** -(age of the newest event in days / half-life))

Where what is popular moves, the last weeks say more of the next ones than all years do. The logarithm is what a choice
among products with these chances asks for, so that it adds up with tastes. A holding without a time counts whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import NothingToLearn
from graphrec.graph.edges.adjacency import Adjacency, Graph, among, codes_of
from graphrec.graph.edges.fading import DAY, ages, fading
from graphrec.models.fitting.config import Positive
from graphrec.models.inputs import Inputs, Values
from graphrec.models.matrix import relevant_hops
from graphrec.models.spec import Fitted, ModelSpec
from graphrec.models.support import has_times, supported
from graphrec.terms.forms.factors import TableTerm

if TYPE_CHECKING:
    from optuna import Trial

DAYS = (2.0, 7.0, 30.0, 90.0, 180.0, 365.0, 730.0)
"""What is tried, as far as holdings are old enough to tell it from nothing."""
MOST = 0.9
"""Part of the dated holdings that are younger than the longest half-life that is tried."""


@dataclass(frozen=True)
class TrendConfig:
    """How fast what was taken is out of date."""

    half_life_days: Positive = 30.0
    """Days after which a holding counts half."""


def fit_trend(graph: Graph, config: TrendConfig | None = None) -> TableTerm:
    """The trend term; 0 for products below `min_group`.

    Raises:
        NothingToLearn: no holding has a time.
    """
    if not has_times(graph):
        raise NothingToLearn(
            "trend has nothing to learn from: no holding has a time; load times, or run: graphrec train --model "
            "popularity"
        )
    days = (config or TrendConfig()).half_life_days
    return TableTerm.of_everyone("trend", graph, np.log1p(holders_left(graph, days)), since=days_ago(graph, days))


def holders_left(graph: Graph, days: float | None) -> NDArray[np.float64]:
    """Holders of each product (num_products,), half of each gone every so many days; None: nothing fades."""
    seen, total = supported(graph).graph, np.zeros(graph.num_products)
    for hop in relevant_hops(graph):
        edges = graph.hops[hop]
        counted = among(codes_of(edges, graph.num_products), codes_of(seen.hops[hop], graph.num_products))
        left = counted if days is None else counted * _left(graph, edges, days)
        total += np.bincount(edges.indices, left, minlength=graph.num_products)
    return total


def days_ago(graph: Graph, days: float) -> int | None:
    """Where the day begins that is so many days before the date of a graph, in microseconds since 1970.

    None where the graph has no date.
    """
    return None if graph.now is None else (graph.now // DAY - int(days)) * DAY


def oldest(graph: Graph, part: float) -> float:
    """The age in days that this part of the dated holdings are below; 0 where none has a time."""
    now, found = graph.now, [np.zeros(0, np.int64)]
    for hop in relevant_hops(graph):
        newest = graph.hops[hop].newest
        if newest is not None and now is not None:
            found.append(ages(np.asarray(newest), now))
    old = np.concatenate(found)
    return float(np.quantile(old[old >= 0], part)) if (old >= 0).any() else 0.0


def _left(graph: Graph, edges: Adjacency, days: float) -> NDArray[np.float64]:
    """What age leaves of edges (nnz,)."""
    if edges.newest is None or graph.now is None:
        return np.ones(len(edges.indices))
    return fading(np.asarray(edges.newest), graph.now, days)


def fit(graph: Graph, config: TrendConfig, _inputs: Inputs) -> Fitted:
    """The term of everyone."""
    return Fitted.of(fit_trend(graph, config))


def trials(graph: Graph) -> Iterator[Values]:
    """Half-lives up to the age of most holdings, the shortest at least."""
    most = max(oldest(graph, MOST), DAYS[0])
    for days in DAYS:
        if days <= most:
            yield {"half_life_days": days}


def space(trial: "Trial", _graph: Graph) -> Values:
    """What `graphrec tune` varies."""
    return {"half_life_days": trial.suggest_float("half_life_days", 1.0, 1000.0, log=True)}


SPEC = ModelSpec(
    name="trend",
    sentence="What users took lately, the same for everyone.",
    fit=fit,
    config=TrendConfig,
    trials=trials,
    space=space,
    in_blend=True,
    needs_times=True,
)
