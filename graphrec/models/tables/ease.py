"""EASE: each product is a least-squares sum of what a user holds, and of the user's attributes.

    minimise |Y - X B|^2 + lambda |B|^2,  B[c, i] = 0 for every column c that is product i itself

X has a column per product and relevant type, then one-hot attributes; Y says whether a product is held. Source: Steck,
WWW 2019; with attributes as further columns. With one relevant type and no attributes it is EASE itself. Three powers,
all 0 there, of d_u = holdings of user u and n_c = how many have c, each divided by its mean:

    sum over u: d_u^-user_power |Y_u - d_u^-holdings_power X_u B|^2 + lambda sum over c: n_c^(2 q) |B_c|^2
    W[c, i] = B[c, i] (n_c n_i)^-q,  q = popularity_power

Beyond `max_columns` each product has the `nearest` columns alone, those with the largest cosine, and B is what is best
among them: a small system a product instead of one large one. Source: Steck, NeurIPS 2019.

Entries of X^T X and X^T Y, and of B, that rest on fewer than `min_group` customers are 0 (support.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphrec.extras import needs_extra
from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.models.fitting.config import Count, NotNegative, Positive
from graphrec.models.inputs import Inputs, Values
from graphrec.models.matrix import csr, inverse_power, relevant_hops
from graphrec.models.sharded import crossed
from graphrec.models.spec import Fitted, ModelSpec, stronger
from graphrec.models.support import supported
from graphrec.progress import Progress, silent
from graphrec.terms.forms.factors import Neighbours, SparseRows, TableTerm

if TYPE_CHECKING:
    from optuna import Trial
    from scipy.sparse import csc_array, csr_array

MOST_COLUMNS = 6_000
"""Products and attribute nodes up to which a blend inverts one matrix: that takes seconds, twice as many minutes."""
MOST_PAIRS = 200_000_000
"""Pairs of products that customers have together, up to which a large catalogue is tried: 16 bytes a pair are held."""
MOST_NEAR = 60_000
"""Products and attribute nodes up to which a blend tries it: beyond `MOST_COLUMNS` a small system a product."""

POWERS = {"user_power": 0.7, "holdings_power": 0.4, "popularity_power": 0.1}
"""What half of the trials divide by: good on ml-1m, and so is .3 for users."""
DIAGONAL = (0.0, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
"""Parts of what small entries take from a row of the Gram matrix that its diagonal may gain."""
TOLERANCE = 1e-9
"""Eigenvalues below zero by no more than this part of the largest diagonal entry are rounding."""


@dataclass(frozen=True)
class EaseConfig:
    """How EASE is fitted."""

    regularization: Positive = 100.0
    """lambda, in edges; 100 is good on zimnat."""
    user_power: NotNegative = 0.0
    """How far users with many holdings count less; .3 on ml-1m, .7 there without `holdings_power`."""
    holdings_power: NotNegative = 0.0
    """How far each of many holdings says less; .4 is better than 0 on ml-1m."""
    popularity_power: NotNegative = 0.0
    """q: how far popular products say less and are recommended less; .1 is better than 0 on ml-1m."""
    attributes: bool = True
    """Whether the user's attribute nodes are columns too."""
    use_protected: bool = False
    """Whether protected edge types are among them."""
    max_columns: Count = 12_000
    """Columns up to which B is found whole: the Gram matrix is dense then (12,000: 1.2 GB, some 10 GB at the fullest
    moment of the fit, a minute or two)."""
    nearest: Count = 64
    """Columns of a product beyond that."""


def fit_ease(graph: Graph, config: EaseConfig | None = None, *, progress: Progress = silent) -> TableTerm:
    """The EASE term."""
    with needs_extra("train", "ease"):
        from scipy.sparse import csr_array, hstack

    config = config or EaseConfig()
    hops = relevant_hops(graph) + (shared_hops(graph, config.use_protected) if config.attributes else [])
    left = supported(graph)
    seen = left.graph
    blocks = [csr(seen.hops[hop], graph.counts[graph.target(hop)]) for hop in hops]
    widths = [graph.counts[graph.target(hop)] for hop in hops]
    columns = sum(widths)
    progress("EASE", 0, 2)
    X = csr_array(hstack(blocks, format="csr"))
    Y = csr(seen.held(), graph.num_products)
    inputs = _divided(X, seen, config.holdings_power)
    weighted = _divided(inputs, seen, config.user_power)
    if columns > config.max_columns:
        return _near(graph, config, (X, Y), (inputs, weighted), hops)
    gram, answers = _dense(crossed(weighted, inputs)), _dense(crossed(weighted, Y))
    least = graph.schema.roles.min_group
    few = (_dense(crossed(X, X)) < least, _dense(crossed(X, Y)) < least) if least > 1 else None
    counts = tuple(np.asarray(one.sum(axis=0), np.float64).ravel() for one in (X, Y))
    progress("EASE", 1, 2)
    table = solved(gram, answers, few, (counts[0], counts[1]), config, len(relevant_hops(graph)))
    progress("EASE", 2, 2)
    lefts = np.split(table.astype(np.float32), np.cumsum(widths)[:-1])
    neighbours = [Neighbours(hop, left.rows(hop, part)) for hop, part in zip(hops, lefts, strict=True)]
    return TableTerm("ease", graph, neighbours)


def solved(
    gram: NDArray[np.float64],
    answers: NDArray[np.float64],
    few: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None,
    counts: tuple[NDArray[np.float64], NDArray[np.float64]],
    config: EaseConfig,
    num_types: int,
) -> NDArray[np.float64]:
    """The weights (num_columns, num_products) from sums over customers alone; the sums are written to.

    Args:
        gram: X^T X, divided and weighted.
        answers: X^T Y, weighted.
        few: entries of both that rest on too few customers; None: none do.
        counts: customers of each column of X and of Y.
        config: how it is fitted.
        num_types: relevant types, whose columns come first.
    """
    with needs_extra("train", "ease"):
        from scipy.linalg import cho_factor
        from scipy.linalg.lapack import dpotri

    if few is not None:
        answers[few[1]] = 0.0
        gram = without_small(gram, few[0])
    rarity = [_rarity(one, config.popularity_power) for one in counts]
    gram[np.diag_indices(len(gram))] += config.regularization / rarity[0] ** 2
    lower = dpotri(cho_factor(gram, lower=True, overwrite_a=True)[0], lower=True, overwrite_c=True)[0]
    inverse = np.tril(lower) + np.tril(lower, -1).T
    table = without_self(inverse, inverse @ answers, num_types)
    if few is not None:
        table[few[1]] = 0.0
    table *= rarity[0][:, None]
    table *= rarity[1][None, :]
    return table


def _near(
    graph: Graph,
    config: EaseConfig,
    plain: tuple["csr_array", "csr_array"],
    divided: tuple["csr_array", "csr_array"],
    hops: list[Hop],
) -> TableTerm:
    """The term of a large catalogue.

    Args:
        graph: of the term.
        config: how it is fitted.
        plain: X and Y.
        divided: X by powers of what users hold, and that weighted.
        hops: of the columns, those of products first.
    """
    from scipy.sparse import csr_array

    from graphrec.terms.compiled.near_squares import near_squares

    least, num_products = graph.schema.roles.min_group, graph.num_products
    (X, Y), (inputs, weighted) = plain, divided
    num_columns = sum(graph.counts[graph.target(hop)] for hop in hops)
    gram, answers = _sorted(weighted.T @ inputs), _sorted(Y.T @ weighted)
    if least > 1:
        few = _sorted(X.T @ X).data < least
        few &= np.repeat(np.arange(num_columns), np.diff(gram.indptr)) != gram.indices
        gram.data[few] *= -1
        answers.data[_sorted(Y.T @ X).data < least] = 0.0
    rows = np.repeat(np.arange(num_products), np.diff(answers.indptr))
    is_own = (answers.indices % num_products == rows) & (answers.indices < num_products * len(relevant_hops(graph)))
    answers.data[is_own] = 0.0
    rarity = [_rarity(np.asarray(matrix.sum(axis=0), np.float64).ravel(), config.popularity_power) for matrix in (X, Y)]
    columns, weights = near_squares(
        _arrays(gram),
        _arrays(answers),
        config.regularization / rarity[0] ** 2,
        config.nearest,
    )
    weights *= rarity[1][:, None]
    found, column = np.nonzero(columns >= 0)
    place = columns[found, column]
    values = (weights[found, column] * rarity[0][place]).astype(np.float32)
    table = csr_array((values, (place, found)), shape=(num_columns, num_products))
    table.sort_indices()
    neighbours, start = [], 0
    for hop in hops:
        part = table[start : start + graph.counts[graph.target(hop)]]
        left = SparseRows(part.indptr.astype(np.int64), part.indices.astype(np.int32), part.data, num_products)
        neighbours.append(Neighbours(hop, left))
        start += graph.counts[graph.target(hop)]
    return TableTerm("ease", graph, neighbours)


def _arrays(matrix: "csr_array") -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Rows of a sparse matrix as arrays."""
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data.astype(np.float32)


def _sorted(matrix: "csr_array") -> "csr_array":
    """The matrix in float32 by rows with sorted columns."""
    from scipy.sparse import csr_array

    found = csr_array(matrix, dtype=np.float32)
    found.sort_indices()
    return found


def without_small(gram: NDArray[np.float64], few: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The Gram matrix without the entries of too few customers, still positive semidefinite.

    What a row loses comes onto its diagonal, the smallest part of DIAGONAL that is enough; all of it always is, since
    diag(row sums of E) - E is positive semidefinite for every symmetric E >= 0.
    """
    from scipy.linalg import LinAlgError, cholesky

    few = few.copy()
    places = np.diag_indices(len(gram))
    few[places] = False
    lost = np.where(few, gram, 0.0).sum(axis=1)
    found = np.where(few, 0.0, gram)
    before = found[places].copy()
    slack = TOLERANCE * before.max(initial=1.0)
    for part in DIAGONAL:
        found[places] = before + part * lost
        if part == DIAGONAL[-1]:
            break
        try:
            cholesky(found + slack * np.eye(len(found)), lower=True, overwrite_a=True, check_finite=False)
        except LinAlgError:
            continue
        break
    return found


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


def shared_hops(graph: Graph, use_protected: bool) -> list[Hop]:
    """Those of `attribute_hops` of which `min_group` leaves anything to learn from: no transactions of one customer."""
    seen = supported(graph).graph
    return [hop for hop in attribute_hops(graph, use_protected) if len(seen.hops[hop].indices)]


def _divided(rows: "csr_array", graph: Graph, power: float) -> "csr_array":
    """Every user's row times (d_u / mean of d) ** -power."""
    if not power:
        return rows
    degrees = graph.held().degrees()
    weights = inverse_power(degrees / _mean(degrees), power).astype(np.float32)
    return rows.multiply(weights[:, None]).tocsr()


def _rarity(counts: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    """(entries of the column / their mean) ** -power of every column; an empty one as if it had one."""
    return (np.maximum(counts, 1) / _mean(counts)) ** -power


def _mean(counts: NDArray[np.number]) -> float:
    """The mean of those that are not 0."""
    return float(counts[counts > 0].mean()) if counts.any() else 1.0


def _dense(matrix: "csc_array | csr_array") -> NDArray[np.float64]:
    return np.asarray(matrix.toarray(), np.float64)


def without_self(inverse: NDArray[np.float64], free: NDArray[np.float64], num_types: int) -> NDArray[np.float64]:
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


def fit(graph: Graph, config: EaseConfig, inputs: Inputs) -> Fitted:
    """The term of the relevant edges and the user's attributes."""
    return Fitted.of(fit_ease(graph, config, progress=inputs.progress))


def is_affordable(graph: Graph, inputs: Inputs) -> bool:
    """Whether products and attribute nodes are few enough to fit it in seconds."""
    attributes = {graph.target(hop) for hop in shared_hops(graph, inputs.use_protected)}
    columns = graph.num_products + sum(graph.counts[label] for label in attributes)
    if columns <= MOST_COLUMNS:
        return True
    together = int((graph.held().degrees().astype(np.int64) ** 2).sum())
    return columns <= MOST_NEAR and min(together, columns**2) <= MOST_PAIRS


def peak(graph: Graph, config: EaseConfig) -> int:
    """Bytes at the fullest moment of a dense fit: 69 to 70 a pair of columns were measured at 2,000 and at 3,000."""
    columns = graph.num_products
    if config.attributes:
        columns += sum(graph.counts[label] for label in {graph.target(hop) for hop in shared_hops(graph, False)})
    return 70 * columns**2 if columns <= config.max_columns else 0


def trials(graph: Graph) -> Iterator[Values]:
    """Regularisations, without and with powers; of large catalogues fewer and smaller ones, as their systems are."""
    if graph.num_products > MOST_COLUMNS:
        for regularization in (10.0, 100.0):
            yield {"regularization": regularization, **POWERS, "max_columns": MOST_COLUMNS}
        return
    for regularization in (20.0, 200.0):
        yield {"regularization": regularization}
    for regularization in (100.0, 700.0):
        yield {"regularization": regularization, **POWERS}


def space(trial: "Trial", _graph: Graph) -> Values:
    """What `graphrec tune` varies."""
    return {
        "regularization": trial.suggest_float("regularization", 1.0, 5000.0, log=True),
        "attributes": trial.suggest_categorical("attributes", [True, False]),
        "user_power": trial.suggest_float("user_power", 0.0, 1.0),
        "holdings_power": trial.suggest_float("holdings_power", 0.0, 0.6),
        "popularity_power": trial.suggest_float("popularity_power", 0.0, 0.4),
    }


SPEC = ModelSpec(
    name="ease",
    sentence="Each product is a least-squares sum of what a user holds, and of the user's attributes.",
    fit=fit,
    config=EaseConfig,
    trials=trials,
    beyond=stronger("regularization", (200.0, 2000.0), (700.0, 3000.0)),
    space=space,
    is_affordable=is_affordable,
    peak=peak,
    in_blend=True,
)
