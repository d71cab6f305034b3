"""EASE: each product is a least-squares sum of what a user holds, and of the user's attributes.

    minimise |Y - X B|^2 + lambda |B|^2,  B[c, i] = 0 for every column c that is product i itself

X has a column per product and relevant type, then one-hot attributes; Y says whether a product is held. Source: Steck,
WWW 2019; with attributes as further columns. With one relevant type and no attributes it is EASE itself. Three powers,
all 0 there, of d_u = holdings of user u and n_c = how many have c, each divided by its mean:

    sum over u: d_u^-user_power |Y_u - d_u^-holdings_power X_u B|^2 + lambda sum over c: n_c^(2 q) |B_c|^2
    W[c, i] = B[c, i] (n_c n_i)^-q,  q = popularity_power
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
    """How far users with many holdings count less; .3 on ml-1m, .7 there without `holdings_power`."""
    holdings_power: float = 0.0
    """How far each of many holdings says less; .4 is better than 0 on ml-1m."""
    popularity_power: float = 0.0
    """q: how far popular products say less and are recommended less; .1 is better than 0 on ml-1m."""
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
    from scipy.sparse import csr_array, hstack

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
    X = csr_array(hstack(blocks, format="csr"))
    Y = csr(graph.held(), graph.num_products)
    inputs = _divided(X, graph, config.holdings_power)
    weighted = _divided(inputs, graph, config.user_power)
    gram = np.asarray((weighted.T @ inputs).toarray(), np.float64)
    rarity = [_rarity(matrix, config.popularity_power) for matrix in (X, Y)]
    gram[np.diag_indices(columns)] += config.regularization / rarity[0] ** 2
    inverse = cho_solve(cho_factor(gram, lower=True, overwrite_a=True), np.eye(columns), overwrite_b=True)
    progress("EASE", 1, 2)
    table = _without_self(inverse, inverse @ _dense(weighted.T @ Y), len(relevant_hops(graph)))
    table *= rarity[0][:, None]
    table *= rarity[1][None, :]
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


def _divided(rows: "csr_array", graph: Graph, power: float) -> "csr_array":
    """Every user's row times (d_u / mean of d) ** -power."""
    if not power:
        return rows
    degrees = graph.held().degrees()
    weights = inverse_power(degrees / _mean(degrees), power).astype(np.float32)
    return rows.multiply(weights[:, None]).tocsr()


def _rarity(matrix: "csr_array", power: float) -> NDArray[np.float64]:
    """(entries of the column / their mean) ** -power of every column; an empty one as if it had one."""
    counts = np.asarray(matrix.sum(axis=0), np.float64).ravel()
    return (np.maximum(counts, 1) / _mean(counts)) ** -power


def _mean(counts: NDArray[np.number]) -> float:
    """The mean of those that are not 0."""
    return float(counts[counts > 0].mean()) if counts.any() else 1.0


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
