"""ALS: matrix factorisation of who holds what, where not holding is weak evidence against.

    minimise sum over all u, i: c_ui (p_ui - <x_u, y_i>)^2 + lambda (|X|^2 + |Y|^2)

p = 1 and c = 1 + alpha where u holds i, else p = 0 and c = 1.

Users' and products' vectors are solved in turns, each by a few steps of conjugate gradients from the last turn's.
Source: Hu, Koren and Volinsky, ICDM 2008. Only the products' vectors stay: a user's is solved from them again, exactly
(terms/forms/als.py). A holding says nothing of a product that fewer than
`min_group` customers hold beside it (support.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Graph
from graphrec.models.fitting.config import Count, Positive
from graphrec.models.inputs import Inputs, Values
from graphrec.models.matrix import holdings, relevant_hops
from graphrec.models.spec import Fitted, ModelSpec, stronger
from graphrec.models.support import supported, supported_pairs
from graphrec.progress import Progress, silent
from graphrec.terms.forms.als import AlsTerm

if TYPE_CHECKING:
    from optuna import Trial
    from scipy.sparse import csr_array


MOST_HELD = 2_000_000
"""Held pairs up to which a blend tries it."""
WIDTH = 64
"""Of vectors, where the catalogue is not small."""
STEPS = 3
"""Of conjugate gradients in a turn: on ml-100k as good as exact turns, in a fifth of the time."""


@dataclass(frozen=True)
class AlsConfig:
    """How the factorisation is fitted."""

    dim: Count = 64
    """Width of a vector."""
    alpha: Positive = 10.0
    """How much more a holding weighs than what is not held."""
    regularization: Positive = 10.0
    """lambda."""
    iterations: Count = 12
    """Turns of both halves."""
    seed: int = 0
    """Of the random start."""


def fit_als(graph: Graph, config: AlsConfig | None = None, *, progress: Progress = silent) -> AlsTerm:
    """The ALS term of the relevant edges; a product held by several types weighs once per type."""
    config = config or AlsConfig()
    seen = supported(graph).graph
    by_user = holdings(seen)
    by_product = by_user.T.tocsr()
    rng = np.random.default_rng(config.seed)
    products = rng.standard_normal((graph.num_products, config.dim)) / config.dim**0.5
    users = np.zeros((graph.num_users, config.dim))
    for done in range(config.iterations):
        progress("least squares", done, config.iterations)
        _half(by_user, products, config, users)
        _half(by_product, users, config, products)
    progress("least squares", config.iterations, config.iterations)
    pairs = {}
    if graph.schema.roles.min_group > 1:
        pairs = {hop: supported_pairs(seen, hop) for hop in relevant_hops(graph)}
    return AlsTerm(graph, products.astype(np.float32), config.alpha, config.regularization, supported=pairs)


def _half(matrix: "csr_array", factors: NDArray[np.float64], config: AlsConfig, found: NDArray[np.float64]) -> None:
    """Moves the vectors of all rows (num_rows, dim) towards the best, given those of the columns."""
    from graphrec.terms.compiled.least_squares import near_rows

    times = matrix.data.astype(np.int64)
    # A pair of several types is as many observations.
    indices = np.repeat(matrix.indices.astype(np.int64), times)
    indptr = np.concatenate(([0], np.cumsum(times)))[matrix.indptr].astype(np.int64)
    gram = factors.T @ factors + config.regularization * np.eye(config.dim)
    near_rows(indptr, indices, factors, gram, config.alpha, found, STEPS)


def fit(graph: Graph, config: AlsConfig, inputs: Inputs) -> Fitted:
    """The term of the relevant edges."""
    return Fitted.of(fit_als(graph, config, progress=inputs.progress))


def is_affordable(graph: Graph, _inputs: Inputs) -> bool:
    """Whether what is held is so little that a fit takes a minute at most."""
    return len(graph.held().indices) <= MOST_HELD


def trials(graph: Graph) -> Iterator[Values]:
    """Weights of holdings and regularisations; vectors of two widths, both much narrower, in a small catalogue.

    As wide as the catalogue they would say again what is held, and nothing of what is not.
    """
    dims = [WIDTH]
    if graph.num_products < 3 * WIDTH:
        dims = list(dict.fromkeys(max(2, graph.num_products // part) for part in (8, 3)))
    for dim in dims:
        for alpha in (1.0, 10.0):
            for regularization in (1.0, 30.0):
                yield {"alpha": alpha, "regularization": regularization, "dim": dim}


def space(trial: "Trial", _graph: Graph) -> Values:
    """What `graphrec tune` varies."""
    return {
        "alpha": trial.suggest_float("alpha", 0.3, 100.0, log=True),
        "regularization": trial.suggest_float("regularization", 0.1, 300.0, log=True),
    }


SPEC = ModelSpec(
    name="als",
    sentence="Matrix factorisation of who holds what, by alternating least squares.",
    fit=fit,
    config=AlsConfig,
    trials=trials,
    beyond=stronger("regularization", (30.0, 100.0, 300.0)),
    space=space,
    is_affordable=is_affordable,
    in_blend=True,
)
