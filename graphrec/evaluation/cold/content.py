"""Content kNN, the baseline of cold start: products like those a customer holds, customers like a new one."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from graphrec.graph.edges.adjacency import Graph
from graphrec.models.content.text import mean_text
from graphrec.terms.forms.factors import centred


class ContentProducts:
    """The mean cosine of a product's text with those of the holdings that are likest to it.

    Args:
        vectors: text vectors of the products (num_products, dim).
        size: how many holdings count at most.
    """

    def __init__(self, graph: Graph, vectors: NDArray[np.float32], size: int) -> None:
        self._held = graph.held()
        self._vectors = centred(vectors, mean_text(vectors))
        self._size = size

    def batch(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """The scores (len(users), num_products)."""
        scores = np.zeros((len(users), len(self._vectors)), np.float32)
        for row, user in enumerate(users):
            held = self._held.row(int(user))
            first = len(held) - self._size
            if first > 0:
                alike = self._vectors @ self._vectors[held].T
                scores[row] = np.partition(alike, first, axis=1)[:, first:].mean(axis=1)
            elif len(held):
                scores[row] = self._vectors @ self._vectors[held].mean(axis=0)
        return scores


class SimilarUsers:
    """What the customers hold who are likest to a customer, by text where they have one, else by their attributes.

    Args:
        vectors: text vectors of the users (num_users, dim), or None.
        size: how many of them count.
    """

    def __init__(self, graph: Graph, vectors: NDArray[np.float32] | None, size: int) -> None:
        held = graph.held()
        shape = (graph.num_users, graph.num_products)
        self._holds = csr_array((np.ones(len(held.indices), np.float32), held.indices, held.indptr), shape)
        self._known = np.flatnonzero(held.degrees() > 0)
        self._profiles = _attributes(graph) if vectors is None else csr_array(centred(vectors, mean_text(vectors)))
        self._size = size

    def batch(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """The scores (len(users), num_products)."""
        alike = (self._profiles[users] @ self._profiles[self._known].T).toarray()
        first = max(0, alike.shape[1] - self._size)
        nearest = np.argpartition(alike, first, axis=1)[:, first:] if first else np.tile(
            np.arange(alike.shape[1]), (len(users), 1)
        )  # fmt: skip
        scores = np.zeros((len(users), self._holds.shape[1]), np.float32)  # pyright: ignore[reportOptionalSubscript]
        for row in range(len(users)):
            weights = alike[row, nearest[row]]
            scores[row] = weights @ self._holds[self._known[nearest[row]]]
        return scores


def _attributes(graph: Graph) -> csr_array:
    """The unprotected neighbours of every user that are no products, rows of length 1 (num_users, num_attributes)."""
    roles = graph.schema.roles
    blocks = [csr_array((graph.num_users, 1), dtype=np.float32)]
    for hop, adjacency in sorted(graph.hops.items(), key=lambda entry: str(entry[0])):
        protected = graph.schema.edges[hop.type].protected
        if graph.source(hop) == roles.user and graph.target(hop) not in (roles.product, roles.user) and not protected:
            shape = (graph.num_users, graph.counts[graph.target(hop)])
            ones = np.ones(len(adjacency.indices), np.float32)
            blocks.append(csr_array((ones, adjacency.indices, adjacency.indptr), shape))
    stacked = csr_array(hstack(blocks))
    length = np.sqrt(np.asarray(stacked.sum(axis=1)).ravel())
    return csr_array(stacked.multiply(1 / np.maximum(length, 1)[:, None]))
