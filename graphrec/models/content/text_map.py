"""The text term with a map between texts that is fitted on what is held together.

    W[a, i] = <t_a, B t_i>,  t as in `text.py`

B (dim, dim) starts as G^-1/2, G = the sum of t t^T over products: directions in which all texts differ count less. Then
it learns from customers: for one holding j of a customer, whose other holdings have the mean direction q, and the
holdings j' of other customers drawn with it,

    minimise  -log( exp(q B t_j / TAU) / sum over j' of exp(q B t_j' / TAU) ) + PULL / 2 |B - B_0|^2

The holding that is asked for is no part of q. Texts stay as the encoder gave them, and the score stays linear in the
customer's holdings: the map is folded into the products' rows. Holdings that `min_group` leaves out are not read.
It is for catalogues with many more products than numbers in a vector; a blend does not try it (docs/log.md).
"""

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Graph
from graphrec.models.content.text import fit_text
from graphrec.models.inputs import Inputs
from graphrec.models.matrix import holdings
from graphrec.models.spec import Fitted, ModelSpec, NoConfig
from graphrec.models.support import nothing_to_learn, supported
from graphrec.terms.forms.factors import FactorTerm

STEPS, BATCH = 300, 512
TAU = 0.1
RATE, START = 0.01, 1e-6
PULL = 0.01


def fit(graph: Graph, _config: NoConfig, inputs: Inputs) -> Fitted:
    """The term of the block `text` with a fitted map.

    Raises:
        ModelError: products have no text vectors, or no customer holds two products.
    """
    term = fit_text(graph, inputs)
    products = np.asarray(term.right, np.float32)
    held = holdings(supported(graph).graph).tocsr()
    indptr, indices = np.asarray(held.indptr, np.int64), np.asarray(held.indices, np.int64)
    if not (np.diff(indptr) > 1).any():
        raise nothing_to_learn("text-map", graph, "no user holds two products")
    mapped = fit_map(products, indptr, indices, inputs.seed)
    mapped_rows = np.asarray(products @ mapped.T, np.float32)
    whole = FactorTerm(term.name, term.graph, term.neighbours, mapped_rows, text_dim=term.text_dim, part=term.part)
    return Fitted.of(whole)


def fit_map(
    products: NDArray[np.float32], indptr: NDArray[np.int64], indices: NDArray[np.int64], seed: int
) -> NDArray[np.float32]:
    """B (dim, dim) of products' texts and of who holds what.

    Args:
        products: (num_products, dim) of length 1 or 0.
        indptr, indices: the products of each customer.
    """
    draw = np.random.default_rng(seed)
    counts = np.diff(indptr)
    learners = np.flatnonzero(counts > 1)
    start = _flattened(products)
    found, squares = start.copy(), np.full_like(start, START)
    size = min(BATCH, len(learners))
    for _ in range(STEPS):
        users = draw.choice(learners, size, replace=False)
        wanted = indices[indptr[users] + (draw.random(size) * counts[users]).astype(np.int64)]
        others = np.concatenate([indices[indptr[user] : indptr[user + 1]] for user in users])
        bounds = np.concatenate(([0], np.cumsum(counts[users])[:-1]))
        asked = np.add.reduceat(products[others], bounds, axis=0) - products[wanted]
        asked /= np.maximum(np.linalg.norm(asked, axis=1, keepdims=True), 1e-9)
        texts = products[wanted]
        scores = (asked @ found) @ texts.T / TAU
        # The same product drawn for another customer is no wrong answer.
        scores[(wanted[:, None] == wanted[None, :]) & ~np.eye(size, dtype=bool)] = -np.inf
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        odds[np.arange(size), np.arange(size)] -= 1.0
        step = asked.T @ (odds @ texts) / (TAU * size) + PULL * (found - start)
        squares += step**2
        found -= RATE * step / np.sqrt(squares)
    return found


def _flattened(products: NDArray[np.float32]) -> NDArray[np.float32]:
    """(G + s m I)^-1/2, of mean 1 on its diagonal; m is the mean variance, s = dim / num_products.

    Of directions that few products say nothing about, s makes nothing.
    """
    values, vectors = np.linalg.eigh(products.T.astype(np.float64) @ products)
    values = values + values.mean() * products.shape[1] / len(products)
    found = (vectors / np.sqrt(values)) @ vectors.T
    return np.asarray(found * len(found) / np.trace(found), np.float32)


SPEC = ModelSpec(
    name="text-map",
    sentence="Products whose texts are like those of the holdings in what is held together.",
    fit=fit,
    config=NoConfig,
    needs=(("text", "product"),),
)
