"""Sparse matrices of a graph's hops, for models that fit with linear algebra."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def csr(adjacency: Adjacency, num_targets: int, dtype: type = np.float32) -> "csr_array":
    """The 0/1 matrix of an adjacency (num_sources, num_targets)."""
    from scipy.sparse import csr_array

    ones: NDArray[np.floating] = np.ones(len(adjacency.indices), dtype)
    indices = np.asarray(adjacency.indices, np.int32)
    return csr_array((ones, indices, adjacency.indptr), shape=(len(adjacency.indptr) - 1, num_targets))


def relevant_hops(graph: Graph) -> list[Hop]:
    """The hops from a user to what they hold, one per relevant edge type."""
    return [Hop(name) for name in graph.schema.roles.relevant]


def holders_per_product(graph: Graph) -> NDArray[np.float64]:
    """The degree of every product over all relevant edge types (num_products,)."""
    total = np.zeros(graph.num_products)
    for hop in relevant_hops(graph):
        total += graph.hops[hop.back()].degrees()
    return total


def holdings_per_user(graph: Graph) -> NDArray[np.float64]:
    """The degree of every user over all relevant edge types (num_users,)."""
    total = np.zeros(graph.num_users)
    for hop in relevant_hops(graph):
        total += graph.hops[hop].degrees()
    return total


def holdings(graph: Graph, dtype: type = np.float32) -> "csr_array":
    """R (num_users, num_products): how many relevant edge types join the two, 0 or 1 where there is one type.

    Scores sum over edges: a product that is held by two types has two lines and speaks twice. Fitting on the sum of
    the types keeps that consistent; counting the pair once would leave open which of its edges speaks.
    """
    parts = [csr(graph.hops[hop], graph.num_products, dtype) for hop in relevant_hops(graph)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def inverse_power(degrees: NDArray[np.number], power: float) -> NDArray[np.float64]:
    """degree ** -power, 0 where the degree is 0."""
    values = np.asarray(degrees, np.float64)
    return np.power(values, -power, out=np.zeros_like(values), where=values > 0)


def column(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The values as a column (len(values), 1), to scale the rows of a matrix."""
    return values[:, None].astype(np.float32)
