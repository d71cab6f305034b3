"""EASE: each product is a least-squares sum of what a user holds, and of the user's attributes.

    minimise |Y - X B|^2 + lambda |B|^2,  B[c, i] = 0 for every column c that is product i itself

Rows may be weighted, by (d_u / mean of d)^-user_power, so that a user with many holdings does not count for many, and
B[c, i] divided by (n_c n_i)^popularity_power, so that what many have says less and is recommended less; n = how many
have it. X has a column per product and relevant type, then one-hot attributes; Y says whether a product is held.
Source: Steck, WWW 2019; with attributes as further columns. With one relevant type and no attributes it is EASE itself.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.graph.adjacency import Graph, Hop
from graphrec.models.matrix import csr, inverse_power, relevant_hops
from graphrec.progress import Progress, silent
from graphrec.terms.factors import Neighbours, TableTerm

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class EaseConfig:
    """How EASE is fitted."""

    regularization: float = 100.0
    """lambda, in edges; 100 is good on zimnat."""
    user_power: float = 0.0
    """How far users with many holdings count less; .7 is better than 0 on ml-1m."""
    popularity_power: float = 0.0
    """How far popular products count less, as a neighbour and as a result; .1 is better than 0 on ml-1m."""
    attributes: bool = True
    """Whether the user's attribute nodes are columns too."""
    use_protected: bool = False
    """Whether protected edge types are among them."""
    max_columns: int = 12_000
    """Columns at most: the Gram matrix is dense (12,000: 1.2 GB, a minute or two)."""


def fit_ease(graph: Graph, config: EaseConfig | None = None, *, progress: Progress = silent) -> TableTerm:
    """The EASE term.

    Raises:
        ModelError: there are more columns than `max_columns`.
    """
    from scipy.linalg import cho_factor, cho_solve
    from scipy.sparse import hstack

    config = config or EaseConfig()
    hops = relevant_hops(graph) + (attribute_hops(graph, config.use_protected) if config.attributes else [])
    blocks = [csr(graph.hops[hop], graph.counts[graph.target(hop)]) for hop in hops]
    widths = [graph.counts[graph.target(hop)] for hop in hops]
    columns = sum(widths)
    if columns > config.max_columns:
        raise ModelError(
            f"EASE needs a dense table over {columns:,} products and attributes, more than max_columns = "
            f"{config.max_columns:,}; use --model kernel, spectral or lightgcn for a catalogue of this size"
        )
    progress("EASE", 0, 2)
    X = hstack(blocks, format="csr")
    Y = csr(graph.held(), graph.num_products)
    weighted = X.multiply(_user_weights(graph, config.user_power)[:, None]).tocsr() if config.user_power else X
    gram = np.asarray((weighted.T @ X).toarray(), np.float64)
    gram[np.diag_indices(columns)] += config.regularization
    inverse = cho_solve(cho_factor(gram, lower=True, overwrite_a=True), np.eye(columns), overwrite_b=True)
    progress("EASE", 1, 2)
    table = _without_self(inverse, inverse @ _dense(weighted.T @ Y), len(relevant_hops(graph)))
    if config.popularity_power:
        table *= _rarity(X, config.popularity_power)[:, None] * _rarity(Y, config.popularity_power)[None, :]
    progress("EASE", 2, 2)
    lefts = np.split(table.astype(np.float32), np.cumsum(widths)[:-1])
    return TableTerm("ease", graph, [Neighbours(hop, left) for hop, left in zip(hops, lefts, strict=True)])


def attribute_hops(graph: Graph, use_protected: bool) -> list[Hop]:
    """The hops from a user to what describes them: neighbours that are neither products nor people."""
    roles = graph.schema.roles
    found = []
    for hop in sorted(graph.hops, key=str):
        ends = graph.source(hop), graph.target(hop)
        allowed = use_protected or not graph.schema.edges[hop.type].protected
        if allowed and ends[0] == roles.user and ends[1] not in (roles.user, roles.product):
            found.append(hop)
    return found


def _user_weights(graph: Graph, power: float) -> NDArray[np.float32]:
    """(d_u / mean of d) ** -power of every user, 0 for those who hold nothing."""
    degrees = graph.held().degrees()
    mean = float(degrees[degrees > 0].mean()) if degrees.any() else 1.0
    return inverse_power(degrees / mean, power).astype(np.float32)


def _rarity(matrix: "csr_array", power: float) -> NDArray[np.float64]:
    """(entries of the column) ** -power of every column, 0 for an empty one."""
    return inverse_power(np.asarray(matrix.sum(axis=0), np.float64).ravel(), power)


def _dense(matrix: "csr_array") -> NDArray[np.float64]:
    return np.asarray(matrix.toarray(), np.float64)


def _without_self(inverse: NDArray[np.float64], free: NDArray[np.float64], num_types: int) -> NDArray[np.float64]:
    """The best B with B[own columns of i, i] = 0, from the unconstrained best one.

    B[:, i] = free[:, i] - P[:, S] (P[S, S])^-1 free[S, i], S = the columns of product i, one per relevant type.
    """
    num_products = free.shape[1]
    own = np.arange(num_products)[:, None] + num_products * np.arange(num_types)[None, :]
    inner = inverse[own[:, :, None], own[:, None, :]]
    pull = np.linalg.solve(inner, free[own, np.arange(num_products)[:, None]][..., None])[..., 0]
    for part in range(num_types):
        free -= inverse[:, own[:, part]] * pull[:, part]
    free[own, np.arange(num_products)[:, None]] = 0.0
    return free
