"""The text term: products whose texts are like those of the holdings, and like the customer's own text.

    W[a, i] = <t_a, t_i>,  t = text vector minus the mean of all products' vectors, of length 1

Without the centring every description is much like every other (they share a language and a trade).
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.graph.adjacency import Graph, Hop
from graphrec.terms.factors import FactorTerm, Neighbours


def fit_text(graph: Graph, vectors: Mapping[str, NDArray[np.float32]]) -> FactorTerm:
    """The text term of the holdings, with a profile line where users have texts.

    A product that was only looked at would be likest to itself.

    Args:
        vectors: text vectors (num_nodes, dim) by label; a row of zeros stands for a node without text.

    Raises:
        ModelError: products have no text vectors.
    """
    roles = graph.schema.roles
    if roles.product not in vectors:
        raise ModelError(
            f"the text term needs text vectors of {roles.product}, none were given; "
            f"name text columns under [nodes.{roles.product}] and run: graphrec embed"
        )
    centre = mean_text(vectors[roles.product])
    products = centred(vectors[roles.product], centre)
    neighbours = [Neighbours(Hop(name), products) for name in roles.relevant]
    if roles.user in vectors:
        neighbours.append(Neighbours(None, centred(vectors[roles.user], centre), own=True))
    return FactorTerm("text", graph, neighbours, products, text_dim=products.shape[1])


def mean_text(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean (dim,) of the rows that are not zero."""
    present = vectors[_present(vectors)]
    return np.asarray(present.mean(axis=0, dtype=np.float64) if len(present) else vectors.sum(axis=0), np.float32)


def centred(vectors: NDArray[np.float32], centre: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows minus the centre, of length 1; rows of zeros stay so."""
    present = _present(vectors)
    moved = np.where(present[:, None], vectors - centre, np.float32(0))
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.asarray(moved / np.where(length > 1e-6, length, np.inf), np.float32)


def _present(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.asarray((vectors != 0).any(axis=1))
