"""Rejection: what is like a product that the customer rejected, gave back or rated low is put back.

    W[a, i] = -(cosine of the holders of a and i + cosine of what both are linked with) / 2,    W[a, a] = -1

The neighbours are the customer's edges of interactions with a weight below 0; no other term reads them, so that lines
of paths stay positive. It is evidence against alone: who has nothing else gets no list from it. Its weight in a blend
is fitted on validation and may be 0.
"""

from dataclasses import dataclass

import numpy as np

from graphrec.extras import needs_extra
from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.models.fitting.config import Count
from graphrec.models.inputs import Inputs
from graphrec.models.matrix import csr
from graphrec.models.spec import Fitted, ModelSpec
from graphrec.models.tables.itemknn import ItemKnnConfig
from graphrec.terms.forms.factors import Neighbours, SparseRows, TableTerm

MOST_PRODUCTS = 20_000
"""Of larger catalogues what products are linked with is left out: all pairs are compared."""
ROWS = 256
"""Products whose likeness to all others is computed at once."""


@dataclass(frozen=True)
class RejectionConfig:
    """What is like what."""

    neighbours: Count = 100
    """Products that a rejection speaks against."""


def rejected_hops(graph: Graph) -> list[Hop]:
    """The hops to what customers turned down, where there is any."""
    hops = [Hop(name) for name in graph.schema.roles.against()]
    return [hop for hop in hops if hop in graph.hops and len(graph.hops[hop].indices)]


def fit_rejection(graph: Graph, config: RejectionConfig) -> TableTerm:
    """The term of the rejections of a graph."""
    with needs_extra("train", "rejection"):
        from graphrec.models.tables.itemknn.neighbours import fit_itemknn

    holders = fit_itemknn(graph, ItemKnnConfig(config.neighbours)).neighbours[0].left
    assert isinstance(holders, SparseRows), "item-kNN is sparse"
    left = _likeness(graph, holders, config.neighbours)
    return TableTerm("rejection", graph, [Neighbours(hop, left, kind="against") for hop in rejected_hops(graph)])


def _likeness(graph: Graph, holders: SparseRows, neighbours: int) -> SparseRows:
    """The negative likeness of every product to its nearest ones and to itself."""
    from scipy.sparse import csr_array

    size = graph.num_products
    both = csr_array((holders.values, holders.indices, holders.indptr), shape=(size, size))
    links = _links(graph) if size <= MOST_PRODUCTS else None
    indptr, indices, values = [0], [], []
    for start in range(0, size, ROWS):
        block = both[start : start + ROWS].toarray().astype(np.float64)
        if links is not None:
            block = (block + (links[start : start + ROWS] @ links.T).toarray()) / 2
        for place, row in enumerate(block):
            row[start + place] = 1.0
            found = np.flatnonzero(row)
            found = found[np.argsort(-row[found], kind="stable")[: neighbours + 1]]
            found.sort()
            indices.append(found.astype(np.int32))
            values.append(-row[found].astype(np.float32))
            indptr.append(indptr[-1] + len(found))
    return SparseRows(np.array(indptr, np.int64), np.concatenate(indices), np.concatenate(values), size)


def _links(graph: Graph):  # type: ignore[no-untyped-def]  # a sparse matrix of scipy
    """What products are linked with besides people, each row of length 1 (num_products, num_nodes)."""
    from scipy.sparse import diags_array, hstack

    roles = graph.schema.roles
    ways = [
        hop
        for hop in sorted(graph.hops, key=str)
        if graph.source(hop) == roles.product
        and graph.target(hop) not in (roles.user, roles.product)
        and not graph.schema.edges[hop.type].protected
    ]
    if not ways:
        return None
    whole = hstack([csr(graph.hops[hop], graph.counts[graph.target(hop)], np.float64) for hop in ways]).tocsr()
    whole.data[:] = 1.0
    length = np.sqrt(np.asarray(whole.sum(axis=1)).ravel())
    return (diags_array(np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)) @ whole).tocsr()


def fit(graph: Graph, config: RejectionConfig, _inputs: Inputs) -> Fitted:
    """The term of the rejections; nothing where nobody turned anything down."""
    return Fitted.of(fit_rejection(graph, config)) if rejected_hops(graph) else Fitted(())


SPEC = ModelSpec(
    name="rejection",
    sentence="What is like a product that the user rejected, gave back or rated low is put back.",
    fit=fit,
    config=RejectionConfig,
    is_alone=False,
)
