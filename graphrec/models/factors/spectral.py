"""The spectral term: what the strongest common patterns of the holdings say, with nothing to train.

    N = D_u^-1/2 R D_i^-1/2 = U diag(s) V^T,    W = D_i^-b V diag(h(s)) V^T D_i^b,    h = 1 for the first k

Entries of N^T N and of W that rest on fewer than `min_group` customers are 0 (support.py): W is a table then.
Formula: docs/formulas.md, Spectral. Only V is needed; it comes from a randomised block power iteration on N^T N.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from graphrec.extras import needs_extra
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.fitting.config import Count, NotNegative, Share
from graphrec.models.inputs import Inputs, Values
from graphrec.models.matrix import (
    column,
    holders_per_product,
    holdings,
    holdings_per_user,
    inverse_power,
    relevant_hops,
)
from graphrec.models.sharded import crossed
from graphrec.models.spec import Fitted, ModelSpec
from graphrec.models.support import masked_term, supported, supported_gram
from graphrec.progress import Progress, silent
from graphrec.terms.forms.factors import FactorTerm, TableTerm

if TYPE_CHECKING:
    from optuna import Trial
    from scipy.sparse import csr_array

Matrix = NDArray[np.float32]

#: Directions weaker than this part of the strongest are rounding in float32.
RANK_TOLERANCE = 1e-6


@dataclass(frozen=True)
class SpectralConfig:
    """How many patterns are kept and how they are found."""

    dim: Count = 512
    """Patterns at most (k); never more than a part of the products, see `max_share`."""
    max_share: Share = 0.125
    """Patterns per product at most: with all of them W is the identity and says nothing new."""
    min_dim: Count = 4
    """Patterns at least, where there are that many products."""
    min_strength: Share = 0.05
    """s^2 at least: weaker patterns are single purchases, not habits; on Gowalla the 512th has .2, so none is lost."""
    power: NotNegative = 0.5
    """b, how far popular products are divided down as a neighbour and raised as a result."""
    oversampling: Count = 32
    """Further directions the iteration carries, for accuracy at the edge of the first k."""
    iterations: Count = 4
    """Rounds of the block power iteration, each one product with N and one with its transpose. 4 take a few seconds on
    Gowalla; 30 rounds (the exact patterns) rank no better there (recall@20 with the kernel .1890 against .1910)."""
    seed: int = 0
    """Of the random start."""

    def dim_for(self, num_products: int) -> int:
        """The number of patterns for a catalogue."""
        return max(1, min(self.dim, max(self.min_dim, int(num_products * self.max_share)), num_products))


@dataclass(frozen=True, eq=False)
class Patterns:
    """Leading right singular vectors of N, strongest first.

    Shapes: vectors (num_products, num_patterns), strengths (num_patterns,) = s^2.
    """

    vectors: Matrix
    strengths: NDArray[np.float64]


_found: "WeakKeyDictionary[Graph, dict[SpectralConfig, Patterns]]" = WeakKeyDictionary()


def fit_spectral(
    graph: Graph, config: SpectralConfig | None = None, *, progress: Progress = silent
) -> FactorTerm | TableTerm:
    """The spectral term of the relevant edges; a product held by several types counts once per type."""
    config = config or SpectralConfig()
    seen = supported(graph).graph
    degrees = holders_per_product(seen)
    patterns = leading_patterns(seen, config.dim_for(graph.num_products), config, progress).vectors
    left = patterns * column(inverse_power(degrees, config.power))
    right = patterns * column(degrees**config.power)
    return masked_term("spectral", graph, dict.fromkeys(relevant_hops(graph), left), right)


def leading_patterns(graph: Graph, dim: int, config: SpectralConfig, progress: Progress = silent) -> Patterns:
    """The leading right singular vectors of N, at most `dim`, none without strength; found once for a graph.

    Args:
        graph: of `supported`.
    """
    known, key = _found.setdefault(graph, {}), replace(config, dim=dim, max_share=1.0, power=0.0)
    if key not in known:
        known[key] = _leading(graph, dim, config, progress)
    return known[key]


def _leading(graph: Graph, dim: int, config: SpectralConfig, progress: Progress) -> Patterns:
    width = min(dim + config.oversampling, graph.num_products)
    normal = _normal_operator(graph)
    basis = np.random.default_rng(config.seed).standard_normal((graph.num_products, width), np.float32)
    for done in range(config.iterations):
        progress("patterns", done, config.iterations + 1)
        basis = _orthonormal(normal(basis))
    progress("patterns", config.iterations, config.iterations + 1)
    # Rayleigh-Ritz: the best patterns within the span of the basis.
    strengths, rotation = np.linalg.eigh(_symmetric(basis, normal(basis)))
    least = max(config.min_strength, RANK_TOLERANCE)
    strongest = [place for place in np.argsort(-strengths, kind="stable")[:dim] if strengths[place] >= least]
    progress("patterns", config.iterations + 1, config.iterations + 1)
    return Patterns(basis @ rotation[:, strongest].astype(np.float32), strengths[strongest])


def normal_matrix(graph: Graph) -> "csr_array":
    """N^T N (num_products, num_products) in float32, without entries of too few customers; a seen graph's own."""
    from scipy.sparse import csr_array

    scale, of_user = inverse_power(holders_per_product(graph), 0.5), inverse_power(holdings_per_user(graph), 1.0)
    if graph.schema.roles.min_group > 1:
        matrix = supported_gram(graph, of_user)
    else:
        by_user = holdings(graph)
        matrix = csr_array(crossed(by_user.multiply(of_user[:, None].astype(np.float32)).tocsr(), by_user))
    rows = np.repeat(scale, np.diff(matrix.indptr))
    values = (matrix.data * rows * scale[matrix.indices]).astype(np.float32)
    found = csr_array((values, matrix.indices, matrix.indptr), shape=matrix.shape)
    found.sort_indices()
    return found


def _normal_operator(graph: Graph) -> Callable[[Matrix], Matrix]:
    """N^T N as a function of a block of columns (num_products, width), without entries of too few customers."""
    if graph.schema.roles.min_group > 1:
        matrix = normal_matrix(graph)
        return lambda block: np.asarray(matrix @ block)
    with needs_extra("train", "spectral"):
        from graphrec.terms.compiled.scores import sum_of_dense
    hops = relevant_hops(graph)
    everyone = np.arange(graph.num_users, dtype=np.int32)
    catalogue = np.arange(graph.num_products, dtype=np.int32)
    per_user = column(inverse_power(holdings_per_user(graph), 1.0))
    per_product = column(inverse_power(holders_per_product(graph), 0.5))

    def apply(block: Matrix) -> Matrix:
        scaled = block * per_product
        reached = _summed([sum_of_dense(graph.hops[hop], everyone, scaled) for hop in hops])
        reached *= per_user
        result = _summed([sum_of_dense(graph.hops[hop.back()], catalogue, reached) for hop in hops])
        result *= per_product
        return result

    return apply


def _orthonormal(block: Matrix) -> Matrix:
    """An orthonormal basis of the columns' span, by the eigenvectors of their Gram matrix (fast for tall blocks)."""
    values, vectors = np.linalg.eigh(_symmetric(block, block))
    if not len(values) or not values[-1] > 0:
        return block[:, :0]
    kept = values > RANK_TOLERANCE * values[-1]
    scaled: Matrix = (vectors[:, kept] / np.sqrt(values[kept])).astype(np.float32)
    return block @ scaled


def _symmetric(left: Matrix, right: Matrix) -> NDArray[np.float64]:
    product = (left.T @ right).astype(np.float64)
    return (product + product.T) / 2


def _summed(parts: list[Matrix]) -> Matrix:
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total


def fit(graph: Graph, config: SpectralConfig, inputs: Inputs) -> Fitted:
    """The term of the relevant edges."""
    return Fitted.of(fit_spectral(graph, config, progress=inputs.progress))


def trials(graph: Graph) -> Iterator[Values]:
    """Numbers of patterns, the four largest that the catalogue allows."""
    dims = [dim for dim in (768, 512, 256, 128, 64, 32, 16, 8, 4, 2, 1) if dim <= max(1, graph.num_products // 4)]
    for dim in dims[:4]:
        yield {"dim": dim, "max_share": 1.0}


def space(trial: "Trial", graph: Graph) -> Values:
    """What `graphrec tune` varies."""
    most = max(5, min(1024, graph.num_products))
    return {
        "dim": trial.suggest_int("dim", 4, most, log=True),
        "max_share": 1.0,
        "power": trial.suggest_float("power", 0.0, 1.0),
    }


SPEC = ModelSpec(
    name="spectral",
    sentence="What the strongest common patterns of the holdings say, with nothing to train.",
    fit=fit,
    config=SpectralConfig,
    trials=trials,
    space=space,
    in_blend=True,
)
