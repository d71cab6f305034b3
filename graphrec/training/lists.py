"""Ranked lists of many users at once, in blocks that fit in memory."""

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Adjacency
from graphrec.progress import Progress, silent
from graphrec.terms.forms.blend import Blend
from graphrec.terms.topk import NOTHING, top_k

BLOCK_SCORES = 8_000_000
"""Scores held at once per array (32 MB)."""


def ranked_lists(
    blend: Blend, users: NDArray[np.int32], held: Adjacency, k: int, *, progress: Progress = silent
) -> NDArray[np.int32]:
    """The first k products of each user (len(users), k) without what they hold, padded with -1; ties by id.

    A user about whom nothing is known, so that all scores are 0, gets an empty list.
    """
    num_products = blend.num_products
    step = max(1, BLOCK_SCORES // max(num_products, 1))
    lists = np.full((len(users), k), NOTHING, np.int32)
    buffer = np.empty((min(step, len(users)), num_products), np.float32)
    for start in range(0, len(users), step):
        progress("ranking users", start, len(users))
        block = users[start : start + step]
        lists[start : start + step] = first_products(blend.batch(block, buffer[: len(block)]), k, held, block)
    progress("ranking users", len(users), len(users))
    return lists


def first_products(
    scores: NDArray[np.float32],
    k: int,
    held: Adjacency,
    users: NDArray[np.int32],
    candidates: NDArray[np.bool_] | None = None,
) -> NDArray[np.int32]:
    """The lists (len(users), k) of `ranked_lists` from scores (len(users), num_products).

    Args:
        candidates: (num_products,) what may be listed; None: everything.
    """
    shown = scores if candidates is None else np.where(candidates, scores, np.float32(-np.inf))
    lists = top_k(shown, k, held, users)
    # Where nothing is known, the first score is 0 like all others.
    doubtful = np.flatnonzero(scores[np.arange(len(users)), lists[:, 0]] == 0)
    lists[doubtful[~scores[doubtful].any(axis=1)]] = NOTHING
    return lists
