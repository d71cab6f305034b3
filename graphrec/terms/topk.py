"""The best products of every user: ties by the products' order. Compiled where numba is installed."""

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.graph.edges.adjacency import Adjacency
from graphrec.terms import compiled

#: Where a list ends early: fewer than k products are left to rank.
NOTHING = -1


def top_k(
    scores: NDArray[np.float32],
    k: int,
    masked: Adjacency | None = None,
    rows: NDArray[np.int32] | None = None,
) -> NDArray[np.int32]:
    """The k best products (num_rows, k) of each row of scores, best first; -1 where nothing is left.

    Args:
        scores: (num_rows, num_products); -inf is never listed.
        masked: products that are left out, sorted within a row.
        rows: which row of `masked` belongs to each row of scores; None: the same one.

    Equal scores rank in the order of the products, which is the order of their ids.

    Raises:
        ModelError: a score is not a number.
    """
    scores = np.ascontiguousarray(scores, np.float32)
    num_rows = len(scores)
    if masked is None:
        starts = ends = np.zeros(num_rows, np.int64)
        indices = np.zeros(0, np.int32)
    else:
        chosen = np.arange(num_rows) if rows is None else np.asarray(rows)
        starts, ends, indices = masked.indptr[chosen], masked.indptr[chosen + 1], np.asarray(masked.indices)
    best, bad = np.full((num_rows, k), NOTHING, np.int32), np.full(num_rows, NOTHING, np.int64)
    if k > 0 and compiled.is_there():
        from graphrec.terms.compiled.topk import best_of

        best, bad = best_of(scores, np.asarray(starts), np.asarray(ends), indices, k)
    elif k > 0:
        for row, one in enumerate(scores):
            best[row], bad[row] = _best_of_row(one, indices[starts[row] : ends[row]], k)
    if (bad >= 0).any():
        row = int(np.flatnonzero(bad >= 0)[0])
        raise ModelError(f"the score in row {row} of product {bad[row]} is not a number; train the model again")
    return best


def _best_of_row(scores: NDArray[np.float32], masked: NDArray[np.int32], k: int) -> tuple[NDArray[np.int32], int]:
    """The k best products of one row, and the first whose score is no number (-1: none)."""
    nowhere = np.isnan(scores)
    if nowhere.any():
        return np.full(k, NOTHING, np.int32), int(nowhere.argmax())
    listed = scores > -np.inf
    listed[masked] = False
    products = np.flatnonzero(listed)
    order = products[np.lexsort((products, -scores[products]))][:k]
    return np.concatenate((order, np.full(k - len(order), NOTHING))).astype(np.int32), NOTHING
