"""Item-kNN: a held product speaks for its nearest neighbours by cosine of their holders.

    W[a, i] = |holders of both| / (sqrt(d_a d_i) + shrinkage),  the n largest per product a kept

Pairs that fewer than `min_group` customers hold are none (support.py).

Source: Sarwar et al., WWW 2001; shrinkage as in Bell and Koren, KDD Cup 2007.
"""

import numba
import numpy as np

from graphrec.graph.edges.adjacency import Graph
from graphrec.models.matrix import holdings, relevant_hops
from graphrec.models.support import supported
from graphrec.models.tables.itemknn import ItemKnnConfig
from graphrec.progress import Progress, silent
from graphrec.terms.compiled.topk import push
from graphrec.terms.forms.factors import Neighbours, SparseRows, TableTerm


def fit_itemknn(graph: Graph, config: ItemKnnConfig | None = None, *, progress: Progress = silent) -> TableTerm:
    """The item-kNN term of the relevant edges; a product held by several types counts once per type."""
    config = config or ItemKnnConfig()
    seen = supported(graph).graph
    by_user = holdings(seen)
    by_product = by_user.T.tocsr()
    by_product.sort_indices()
    least = graph.schema.roles.min_group
    of_product = (by_product.indptr, by_product.indices, by_product.data)
    of_user = (by_user.indptr, by_user.indices, by_user.data)
    norms = np.sqrt(np.asarray(by_product.multiply(by_product).sum(axis=1), np.float64).ravel())
    wide = min(config.neighbours, graph.num_products)
    indices = np.empty((graph.num_products, wide), np.int32)
    values = np.zeros((graph.num_products, wide), np.float32)
    counts = np.zeros(graph.num_products, np.int64)
    # In slices, so that progress is seen; each slice is compiled and parallel.
    step = max(1, graph.num_products // 20)
    for start in range(0, graph.num_products, step):
        progress("neighbours", start, graph.num_products)
        rows = np.arange(start, min(start + step, graph.num_products))
        found = (indices, values, counts)
        _nearest(rows, *of_product, *of_user, norms, config.shrinkage, least, numba.get_num_threads(), *found)
    progress("neighbours", graph.num_products, graph.num_products)
    kept = np.arange(wide)[None, :] < counts[:, None]
    indptr = np.concatenate(([0], np.cumsum(counts)))
    left = SparseRows(indptr, indices[kept], values[kept], graph.num_products)
    return TableTerm("itemknn", graph, [Neighbours(hop, left) for hop in relevant_hops(graph)])


@numba.njit(parallel=True, cache=True)
def _nearest(  # type: ignore[no-untyped-def]
    rows, item_ptr, item_idx, item_val, user_ptr, user_idx, user_val, norms, shrinkage, least, threads,
    indices, values, counts,
):  # fmt: skip
    num_products, wide = len(norms), indices.shape[1]
    for t in numba.prange(threads):
        both, people = np.zeros(num_products, np.float32), np.zeros(num_products, np.int32)
        heap, ids = np.empty(wide, np.float64), np.empty(wide, np.int32)
        for n in range(t, len(rows), threads):
            a = rows[n]
            for p in range(item_ptr[a], item_ptr[a + 1]):
                u = item_idx[p]
                for q in range(user_ptr[u], user_ptr[u + 1]):
                    both[user_idx[q]] += item_val[p] * user_val[q]
                    people[user_idx[q]] += 1
            size = 0
            for i in range(num_products):
                if people[i] < least or i == a:
                    continue
                size = push(heap, ids, size, both[i] / (norms[a] * norms[i] + shrinkage), i)
            both[:] = 0.0
            people[:] = 0
            for m in range(size):
                both[ids[m]] = heap[m]
            counts[a] = size
            # Rows are kept in the order of the products.
            chosen = np.flatnonzero(both)
            indices[a, :size] = chosen
            values[a, :size] = both[chosen]
            both[:] = 0.0
