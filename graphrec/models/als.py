"""ALS: matrix factorisation of who holds what, where not holding is weak evidence against.

    minimise sum over all u, i: c_ui (p_ui - <x_u, y_i>)^2 + lambda (|X|^2 + |Y|^2)

p = 1 and c = 1 + alpha where u holds i, else p = 0 and c = 1.

Users' vectors and products' vectors are solved in turns. Source: Hu, Koren and Volinsky, ICDM 2008. Only the products'
vectors stay: a user's is solved from them again (terms/als.py).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Graph
from graphrec.models.matrix import holdings
from graphrec.progress import Progress, silent
from graphrec.terms.als import AlsTerm
from graphrec.terms.compiled.least_squares import solve_rows

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class AlsConfig:
    """How the factorisation is fitted."""

    dim: int = 64
    """Width of a vector."""
    alpha: float = 10.0
    """How much more a holding weighs than what is not held."""
    regularization: float = 10.0
    """lambda."""
    iterations: int = 12
    """Turns of both halves."""
    seed: int = 0
    """Of the random start."""


def fit_als(graph: Graph, config: AlsConfig | None = None, *, progress: Progress = silent) -> AlsTerm:
    """The ALS term of the relevant edges; a product held by several types weighs once per type."""
    config = config or AlsConfig()
    by_user = holdings(graph)
    by_product = by_user.T.tocsr()
    rng = np.random.default_rng(config.seed)
    products = rng.standard_normal((graph.num_products, config.dim)) / config.dim**0.5
    for done in range(config.iterations):
        progress("least squares", done, config.iterations)
        users = _half(by_user, products, config)
        products = _half(by_product, users, config)
    progress("least squares", config.iterations, config.iterations)
    return AlsTerm(graph, products.astype(np.float32), config.alpha, config.regularization)


def _half(matrix: "csr_array", factors: NDArray[np.float64], config: AlsConfig) -> NDArray[np.float64]:
    """The vectors of all rows, given those of the columns."""
    times = matrix.data.astype(np.int64)
    # A pair of several types is as many observations.
    indices = np.repeat(matrix.indices.astype(np.int64), times)
    indptr = np.concatenate(([0], np.cumsum(times)))[matrix.indptr].astype(np.int64)
    gram = factors.T @ factors + config.regularization * np.eye(config.dim)
    return solve_rows(indptr, indices, factors, gram, config.alpha)
