"""A table of weights between products from sums over customers alone.

M is `weighted`, n the holders, W[a, i] the weight of a held product a for i; 0 between a product and itself.

    popularity  n_i, the same for everyone
    itemknn     M[a, i] / sqrt(M[a, a] M[i, i]), the `neighbours` largest of each a
    ease        argmin |X - X B|^2 + lambda |B|^2 by X^T X = M, with a diagonal of 0
    kernel      n_a^-.7 M[a, i] n_i^-.3: the walk over those who hold both
    spectral    D^-1/2 V V^T D^1/2, V the `dim` leading eigenvectors of S = D^-1/2 M D^-1/2, D = the diagonal of M
    chebyshev   D^-b p(S) D^b, the filter of models/factors/chebyshev.py, with S scaled into [-1, 1] by its own ends

With noise, what is known of it is used and nothing else: entries below `floor` are 0 where a method reads single ones,
and negative eigenvalues, which no sums have, are 0.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.polynomial import chebyshev as polynomials
from numpy.typing import NDArray

from graphrec.extras import needs_extra
from graphrec.models.fitting.config import Count, NotNegative, Positive

Method = Literal["popularity", "itemknn", "ease", "kernel", "spectral", "chebyshev"]
Matrix = NDArray[np.float64]

KERNEL_POWERS = (0.7, 0.3)
"""Of the held product and of the recommended one: as the walk over people has them (models/walks/kernel.py)."""
LEAST = 1e-12
"""Below it a diagonal entry is none."""


@dataclass(frozen=True)
class SolveConfig:
    """How a table comes from sums."""

    method: Method = "ease"
    """popularity, itemknn, ease, kernel, spectral or chebyshev."""
    regularization: Positive = 100.0
    """lambda of ease, in edges; it is multiplied by the mean weight of an edge."""
    neighbours: Count = 100
    """Of itemknn."""
    dim: Count = 64
    """Patterns of spectral, an eighth of the products at most."""
    exponent: NotNegative = 0.4
    """b of spectral and chebyshev."""


def table_of(
    matrix: Matrix,
    holders: Matrix,
    config: SolveConfig,
    *,
    few: NDArray[np.bool_] | None = None,
    floor: float = 0.0,
    ridge: float = 0.0,
) -> Matrix:
    """W (num_products, num_products); of popularity its only row (1, num_products).

    Args:
        matrix: M.
        holders: n.
        config: the method.
        few: pairs that too few customers have in common: no entry of M, and none of W.
        floor: entries of M below it are taken for noise.
        ridge: what is added to lambda, and to whatever is divided by, for the noise.
    """
    if config.method == "popularity":
        return np.maximum(holders, 0.0)[None, :]
    single = np.where(matrix > floor, matrix, 0.0)
    if few is not None:
        single[few] = 0.0
    if config.method == "itemknn":
        found = _nearest(single, np.maximum(np.diagonal(matrix), 0.0) + ridge, config.neighbours)
    elif config.method == "kernel":
        left, right = ((np.maximum(holders, 1.0) + ridge) ** -power for power in KERNEL_POWERS)
        found = left[:, None] * single * right[None, :]
    elif config.method == "ease":
        found = _ease(matrix, holders, config, few, ridge)
    else:
        found = _filtered(matrix, config, few, ridge)
    if few is not None:
        found[few] = 0.0
    np.fill_diagonal(found, 0.0)
    return found


def filter_gains(strengths: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
    """The Chebyshev filter at eigenvalues of any ends: they are scaled into [-1, 1], where no polynomial grows."""
    from graphrec.models.factors.chebyshev import ChebyshevConfig, coefficients

    low, high = float(strengths.min(initial=0.0)), float(strengths.max(initial=1.0))
    x = 1 - 2 * (strengths - low) / max(high - low, LEAST)
    gains = polynomials.chebval(np.clip(x, -1.0, 1.0), coefficients(ChebyshevConfig(degree=degree)))
    return np.asarray(gains, np.float64)


def _nearest(single: Matrix, diagonal: Matrix, neighbours: int) -> Matrix:
    norms = np.sqrt(np.maximum(diagonal, 0.0))
    norms[norms < LEAST] = np.inf
    cosine = single / norms[:, None] / norms[None, :]
    np.fill_diagonal(cosine, 0.0)
    if neighbours < len(cosine):
        last = -np.sort(-cosine, axis=1, kind="stable")[:, neighbours - 1]
        cosine[cosine < last[:, None]] = 0.0
    return cosine


def _ease(matrix: Matrix, holders: Matrix, config: SolveConfig, few: NDArray[np.bool_] | None, ridge: float) -> Matrix:
    with needs_extra("train", "counted"):
        from scipy.linalg import cho_factor, eigh
        from scipy.linalg.lapack import dpotri
    from graphrec.models.tables.ease import without_self, without_small

    gram, edges = matrix.copy(), float(np.maximum(holders, 0.0).sum())
    if few is not None:
        gram = without_small(gram, few)
    if ridge:
        strengths, vectors = eigh(gram)
        gram = (vectors * np.maximum(strengths, 0.0)) @ vectors.T
    answers = (gram if ridge else matrix).copy()
    if few is not None:
        answers[few] = 0.0
    mean = max(float(np.trace(matrix)), LEAST) / max(edges, 1.0)
    gram[np.diag_indices(len(gram))] += config.regularization * mean + ridge
    lower = dpotri(cho_factor(gram, lower=True, overwrite_a=True)[0], lower=True, overwrite_c=True)[0]
    inverse = np.tril(lower) + np.tril(lower, -1).T
    return without_self(inverse, inverse @ answers, 1)


def _filtered(matrix: Matrix, config: SolveConfig, few: NDArray[np.bool_] | None, ridge: float) -> Matrix:
    with needs_extra("train", "counted"):
        from scipy.linalg import eigh
    from graphrec.models.factors.chebyshev import ChebyshevConfig

    degrees = np.maximum(np.diagonal(matrix), 0.0) + ridge
    there = degrees > LEAST
    scale = np.power(degrees, -0.5, out=np.zeros_like(degrees), where=there)
    normal = scale[:, None] * matrix * scale[None, :]
    if few is not None:
        normal[few] = 0.0
    strengths, vectors = eigh(normal)
    if config.method == "spectral":
        kept = max(1, min(config.dim, len(matrix) // 8))
        gains = np.where(np.arange(len(strengths)) >= len(strengths) - kept, 1.0, 0.0)
    else:
        gains = filter_gains(strengths, ChebyshevConfig().degree)
    down = np.power(degrees, -config.exponent, out=np.zeros_like(degrees), where=there)
    up = np.where(there, degrees**config.exponent, 0.0)
    found: Matrix = down[:, None] * ((vectors * gains) @ vectors.T) * up[None, :]
    return found
