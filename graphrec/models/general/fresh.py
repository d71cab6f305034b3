"""Freshness: how lately those who hold a product took it, the same for everyone.

    fresh_i = mean over the users who hold i: 2 ** -(age of the newest event in days / h)

h is the age that a quarter of all holdings are below, at least a day. Beside what models know of all years it says
which products rise and which are on their way out; alone it says nothing of how many take a product.
"""

import numpy as np

from graphrec.errors import NothingToLearn
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.general.trend import days_ago, holders_left, oldest
from graphrec.models.inputs import Inputs
from graphrec.models.spec import Fitted, ModelSpec, NoConfig
from graphrec.models.support import has_times
from graphrec.terms.forms.factors import TableTerm

QUARTER = 0.25
"""Of the holdings: those younger than the half-life. A half is better on cards, worse on the demo bank (validation)."""


def fit_fresh(graph: Graph) -> TableTerm:
    """The term of freshness; 0 for products below `min_group`.

    Raises:
        NothingToLearn: no holding has a time.
    """
    if not has_times(graph):
        raise NothingToLearn("fresh has nothing to learn from: no holding has a time; load times")
    days = max(oldest(graph, QUARTER), 1.0)
    left, whole = holders_left(graph, days), holders_left(graph, None)
    scores = np.divide(left, whole, out=np.zeros(graph.num_products), where=whole > 0)
    return TableTerm.of_everyone("fresh", graph, scores, since=days_ago(graph, days))


def fit(graph: Graph, _config: NoConfig, _inputs: Inputs) -> Fitted:
    """The term of everyone."""
    return Fitted.of(fit_fresh(graph))


SPEC = ModelSpec(
    name="fresh",
    sentence="How lately those who hold a product took it, the same for everyone.",
    fit=fit,
    config=NoConfig,
    in_blend=True,
    is_alone=False,
    needs_times=True,
)
