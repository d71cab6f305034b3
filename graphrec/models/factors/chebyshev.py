"""The Chebyshev filter: a step over all lengths of walks between holdings that keeps what many have in common.

    N = D_u^-1/2 R D_i^-1/2,    L = I - 2 N^T N,    F = sum over k <= K: c_k T_k(L) + alpha V V^T
    W = D_i^-b F D_i^b,  0 between a product and itself

c_k is the fit of t(x) = 1/2 - sign(x) |x|^phi / 2 at x_j = cos((K - j) pi / K), put at the roots of T_(K+1); V has the
leading patterns. Source: ChebyCF, arXiv 2505.00552. Up to `most_whole` products all eigenvectors of N^T N are found and
F is exact. Above, F is closed on the leading patterns, and on what they leave the polynomial is a straight line:

    F = V (p(s) - q_0 - q_1 s + alpha) V^T + q_0 I + q_1 N^T N

The strengths that are left lie between 0 and the weakest pattern's, where p is nearly straight. That is the model, for
lists and lines alike. Up to `most_dense` products W is a dense table; above, factors and a sparse table of co-counts.
Entries of N^T N and of W that rest on fewer than `min_group` customers are 0 (support.py); the spectrum is measured
then, and L scaled back to [-1, 1].
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from graphrec.extras import needs_extra
from graphrec.graph.edges.adjacency import Adjacency, Graph
from graphrec.models.factors.spectral import SpectralConfig, leading_patterns, normal_matrix
from graphrec.models.fitting.config import Count, NotNegative, Positive
from graphrec.models.inputs import Inputs, Values
from graphrec.models.matrix import column, csr, holders_per_product, inverse_power, relevant_hops
from graphrec.models.spec import Fitted, ModelSpec
from graphrec.models.support import strongest, supported, supported_pairs
from graphrec.progress import Progress, silent
from graphrec.terms.base import Term
from graphrec.terms.forms.compound import SumTerm
from graphrec.terms.forms.factors import FactorTerm, Neighbours, TableTerm

if TYPE_CHECKING:
    from optuna import Trial
    from scipy.sparse import csr_array

Matrix = NDArray[np.float32]

MOST_PAIRS = 200_000_000
"""Pairs of products up to which a blend tries it: N^T N is held in memory, at 8 bytes a pair."""
LEAST = 1e-6
"""Width that a spectrum has at least."""
NODES = 64
"""Points between which the straight line is fitted."""


@dataclass(frozen=True)
class ChebyshevConfig:
    """The polynomial, and what is added to it; the defaults are those of its authors on Gowalla."""

    degree: Count = 8
    """K, of the polynomial: walks of up to 2 K + 1 hops."""
    steepness: Positive = 1.5
    """phi: how far the filter is from a straight line; large values keep nothing but the strongest patterns."""
    power: NotNegative = 0.4
    """b, how far popular products are divided down as a neighbour and raised as a result."""
    patterns: Count = 512
    """Leading patterns that count more (eta), and that F is closed on; never more than an eighth of the products."""
    more: NotNegative = 0.2
    """alpha: how much more."""
    most_whole: Count = 3_000
    """Products up to which all eigenvectors are found, in seconds."""
    most_dense: Count = 12_000
    """Products up to which W is a dense table (12,000: 576 MB)."""
    seed: int = 0
    """Of the random start of the patterns."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvectors of N^T N, strongest first, and what is left.

    Shapes: vectors (num_products, num_vectors), strengths (num_vectors,).
    """

    vectors: Matrix
    strengths: NDArray[np.float64]
    low: float
    high: float
    """The ends of the whole spectrum."""
    rest: "csr_array | None"
    """N^T N; None where the vectors are all there are."""


_found: "WeakKeyDictionary[Graph, dict[tuple[int, int], Spectrum]]" = WeakKeyDictionary()


def coefficients(config: ChebyshevConfig) -> NDArray[np.float64]:
    """c_0 to c_K."""
    K = config.degree
    x = np.cos(np.arange(K, -1, -1) * np.pi / K)
    wanted = 0.5 - 0.5 * np.sign(x) * np.abs(x) ** config.steepness
    roots = np.cos((K + 1.5 - np.arange(1, K + 2)) * np.pi / (K + 1))
    found = 2 / (K + 1) * chebyshev.chebvander(roots, K).T @ wanted
    found[0] /= 2
    return np.asarray(found, np.float64)


def fit_chebyshev(graph: Graph, config: ChebyshevConfig | None = None, *, progress: Progress = silent) -> Term:
    """The term of the relevant edges; a product held by several types counts once per type."""
    config = config or ChebyshevConfig()
    seen = supported(graph).graph
    counted = SpectralConfig(dim=config.patterns).dim_for(graph.num_products)
    spectrum = _spectrum(seen, counted, config, progress)
    weights = coefficients(config)

    def kept(strengths: NDArray[np.float64]) -> NDArray[np.float64]:
        x = 1 - 2 * (strengths - spectrum.low) / max(spectrum.high - spectrum.low, LEAST)
        return np.asarray(chebyshev.chebval(x, weights), np.float64)

    line = _straight(kept, spectrum) if spectrum.rest is not None else np.zeros(2)
    gains = kept(spectrum.strengths) - line[0] - line[1] * spectrum.strengths
    gains[:counted] += config.more
    degrees = holders_per_product(seen)
    down, up = inverse_power(degrees, config.power), np.where(degrees > 0, degrees**config.power, 0.0)
    left = spectrum.vectors * column(down)
    right = spectrum.vectors * gains.astype(np.float32) * column(up)
    rest = None if spectrum.rest is None else _scaled(spectrum.rest, line[1] * down, up)
    if graph.num_products <= config.most_dense:
        return _dense(graph, left, right, rest)
    assert rest is not None, "a large catalogue has a rest"
    return _masked(graph, left, right, rest) if graph.schema.roles.min_group > 1 else _sum(graph, left, right, rest)


def _dense(graph: Graph, left: Matrix, right: Matrix, rest: "csr_array | None") -> TableTerm:
    """All of W, but for pairs of too few customers."""
    table = left @ right.T
    if rest is not None:
        table += rest.toarray()
    np.fill_diagonal(table, 0.0)
    hops, seen = relevant_hops(graph), supported(graph).graph
    tables = dict.fromkeys(hops, table)
    if graph.schema.roles.min_group > 1:
        for hop in hops:
            pairs = supported_pairs(seen, hop)
            places = np.repeat(np.arange(len(table)), pairs.degrees()), pairs.indices
            tables[hop] = np.zeros_like(table)
            tables[hop][places] = table[places]
    return TableTerm("chebyshev", graph, [Neighbours(hop, one) for hop, one in tables.items()])


def _masked(graph: Graph, left: Matrix, right: Matrix, rest: "csr_array") -> TableTerm:
    """The weights of pairs that enough customers have in common."""
    from graphrec.terms.compiled.scores import products_of

    tables, seen = [], supported(graph).graph
    for hop in relevant_hops(graph):
        pairs = supported_pairs(seen, hop)
        counts = rest.multiply(csr(pairs, graph.num_products)).tocsr()
        counts.sort_indices()
        values = products_of(pairs, left, right) + counts.data
        values[np.repeat(np.arange(graph.num_products), pairs.degrees()) == pairs.indices] = 0.0
        tables.append(Neighbours(hop, strongest("chebyshev", pairs, values, graph.num_products)))
    return TableTerm("chebyshev", graph, tables)


def _sum(graph: Graph, left: Matrix, right: Matrix, rest: "csr_array") -> SumTerm:
    """Factors and a sparse table, which takes off what the factors say of a product and itself."""
    factors = FactorTerm("chebyshev", graph, [Neighbours(hop, left) for hop in relevant_hops(graph)], right)
    own = np.einsum("ij,ij->i", factors.neighbours[0].dense, factors.right)
    rows = np.repeat(np.arange(graph.num_products), np.diff(rest.indptr))
    values = np.where(rows == rest.indices, -own[rows], rest.data).astype(np.float32)
    pairs = Adjacency(rest.indptr.astype(np.int64), rest.indices.astype(np.int32))
    table = strongest("chebyshev", pairs, values, graph.num_products)
    tables = TableTerm("chebyshev", graph, [Neighbours(hop, table) for hop in relevant_hops(graph)])
    return SumTerm("chebyshev", graph, (factors, tables))


def _spectrum(seen: Graph, patterns: int, config: ChebyshevConfig, progress: Progress) -> Spectrum:
    """Eigenvectors of N^T N and its ends, found once for a graph: all of them, or the leading ones."""
    known, all_of_them = _found.setdefault(seen, {}), seen.num_products <= config.most_whole
    key = (0, 0) if all_of_them else (patterns, config.seed)
    if key not in known:
        progress("spectrum", 0, 1)
        known[key] = _whole(seen) if all_of_them else _leading(seen, patterns, config.seed)
        progress("spectrum", 1, 1)
    return known[key]


def _whole(seen: Graph) -> Spectrum:
    with needs_extra("train", "chebyshev"):
        from scipy.linalg import eigh

    strengths, vectors = eigh(normal_matrix(seen).toarray().astype(np.float64), overwrite_a=True, check_finite=False)
    low, high = _ends(seen, strengths[0], strengths[-1])
    return Spectrum(vectors[:, ::-1].astype(np.float32), strengths[::-1], low, high, None)


def _leading(seen: Graph, patterns: int, seed: int) -> Spectrum:
    from scipy.sparse.linalg import eigsh

    found, rest = leading_patterns(seen, patterns, SpectralConfig(seed=seed)), normal_matrix(seen)
    lowest = 0.0
    if seen.schema.roles.min_group > 1:
        start = np.random.default_rng(seed).standard_normal(len(found.vectors)).astype(np.float32)
        lowest = float(eigsh(rest, 1, which="SA", v0=start, return_eigenvectors=False)[0])
    low, high = _ends(seen, lowest, found.strengths[0] if len(found.strengths) else 1.0)
    return Spectrum(found.vectors, found.strengths, low, high, rest)


def _ends(seen: Graph, lowest: float, highest: float) -> tuple[float, float]:
    """The ends of the spectrum: 0 and 1, but where entries are left out."""
    return (min(lowest, 0.0), highest) if seen.schema.roles.min_group > 1 else (0.0, 1.0)


def _straight(kept: Callable[[NDArray[np.float64]], NDArray[np.float64]], spectrum: Spectrum) -> NDArray[np.float64]:
    """q_0 and q_1: the line nearest to the filter over the strengths that the patterns leave."""
    weakest = float(spectrum.strengths[-1]) if len(spectrum.strengths) else spectrum.high
    strengths = np.linspace(spectrum.low, max(weakest, spectrum.low + LEAST), NODES)
    return np.asarray(np.polynomial.polynomial.polyfit(strengths, kept(strengths), 1), np.float64)


def _scaled(matrix: "csr_array", left: NDArray[np.float64], right: NDArray[np.float64]) -> "csr_array":
    """The matrix with its rows and columns multiplied."""
    from scipy.sparse import csr_array

    rows = np.repeat(left, np.diff(matrix.indptr))
    values = (matrix.data * rows * right[matrix.indices]).astype(np.float32)
    return csr_array((values, matrix.indices, matrix.indptr), shape=matrix.shape)


def fit(graph: Graph, config: ChebyshevConfig, inputs: Inputs) -> Fitted:
    """The term of the relevant edges."""
    return Fitted.of(fit_chebyshev(graph, config, progress=inputs.progress))


def is_affordable(graph: Graph, _inputs: Inputs) -> bool:
    """Whether the pairs of products that are held together fit into memory."""
    together = int((graph.held().degrees().astype(np.int64) ** 2).sum())
    return min(together, graph.num_products**2) <= MOST_PAIRS


def peak(graph: Graph, config: ChebyshevConfig) -> int:
    """Bytes at the fullest moment of a dense fit: 24 to 27 a pair with all eigenvectors, 12 with the leading ones.

    Measured at 2,000 and 3,000, and at 4,000 products.
    """
    if graph.num_products > config.most_dense:
        return 0
    return (27 if graph.num_products <= config.most_whole else 12) * graph.num_products**2


def trials(_graph: Graph) -> Iterator[Values]:
    """Powers of popularity, shapes of the filter and weights of the leading patterns."""
    for power in (0.2, 0.4):
        for steepness, more in ((1.0, 0.0), (1.5, 0.2), (3.0, 0.5), (6.0, 0.5)):
            yield {"power": power, "steepness": steepness, "more": more}


def space(trial: "Trial", _graph: Graph) -> Values:
    """What `graphrec tune` varies."""
    return {
        "power": trial.suggest_float("power", 0.0, 0.8),
        "steepness": trial.suggest_float("steepness", 0.5, 6.0, log=True),
        "more": trial.suggest_float("more", 0.0, 1.0),
        "degree": trial.suggest_int("degree", 3, 16),
    }


SPEC = ModelSpec(
    name="chebyshev",
    sentence="A filter over walks of all lengths between holdings, which keeps what many have in common.",
    fit=fit,
    config=ChebyshevConfig,
    trials=trials,
    space=space,
    is_affordable=is_affordable,
    peak=peak,
    in_blend=True,
    fixed_weight=1.0,
)
