"""Newness: the head start of products that fewer than `min_group` customers hold, for users who hold something.

No way leads to such a product through people, so that all it scores is what its text and entities say.
"""

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Graph
from graphrec.models.inputs import Inputs
from graphrec.models.spec import Fitted, ModelSpec, NoConfig
from graphrec.models.support import enough_holders
from graphrec.terms.forms.factors import FactorTerm, Neighbours, Own


def is_new(graph: Graph) -> NDArray[np.bool_]:
    """Whether fewer than `min_group` customers hold a product (num_products,)."""
    return ~enough_holders(graph)


def fit_newness(graph: Graph) -> tuple[FactorTerm, float]:
    """The term that scores 1 for new products and users who hold something, 0 else, and its spread.

    A blend divides a term by its spread: with this as its weight it adds 1, however many products are new.
    """
    new = is_new(graph).astype(np.float32)
    term = FactorTerm("new", graph, [Neighbours(None, Own(), kind="new")], new[:, None])
    return term, float(new.astype(np.float64).std())


def fit(graph: Graph, _config: NoConfig, _inputs: Inputs) -> Fitted:
    """The term with its spread as its weight, so that its weight in a blend is in units of the whole score."""
    return Fitted((fit_newness(graph),))


SPEC = ModelSpec(
    name="new",
    sentence="The head start of products that nobody holds yet, or too few to learn from.",
    fit=fit,
    config=NoConfig,
    is_alone=False,
)
