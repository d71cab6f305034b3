"""Popularity: everyone holds what everyone holds; the pseudo-neighbour of every user."""

import numpy as np

from graphrec.graph.edges.adjacency import Graph
from graphrec.models.inputs import Inputs
from graphrec.models.spec import Fitted, ModelSpec, NoConfig
from graphrec.models.support import supported
from graphrec.terms.forms.factors import TableTerm


def fit_popularity(graph: Graph) -> TableTerm:
    """The popularity term: a product's score is the number of users who hold it, 0 below `min_group`."""
    held = supported(graph).graph.held()
    holders = np.bincount(held.indices, minlength=graph.num_products).astype(np.float32)
    return TableTerm.of_everyone("popularity", graph, holders)


def fit(graph: Graph, _config: NoConfig, _inputs: Inputs) -> Fitted:
    """The term of everyone."""
    return Fitted.of(fit_popularity(graph))


SPEC = ModelSpec(
    name="popularity",
    sentence="What most users hold, the same for everyone.",
    fit=fit,
    config=NoConfig,
    in_blend=True,
)
