"""How much evidence stands behind a product: what a list is shortened by.

    mass(u, i) = (s(u, i) - mean over eligible j of s(u, j)) / sum over terms t of w_t
    confidence = mass^2 / (1 + mass^2) where mass > 0, else 0

The mass says by how many spreads, averaged over all terms, a product stands above those that the user may be shown. A
term that knows nothing of the user adds nothing to the score but stays in the divisor: less evidence, less confidence.
The squashing is Cantelli's inequality: at most about 1 - confidence of the products can stand that high.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.terms.forms.blend import Blend


def confidence(
    scores: NDArray[np.floating[Any]], allowed: NDArray[np.bool_], total_weight: float
) -> NDArray[np.float64]:
    """The confidence of every product, from 0 to below 1; within a user it rises with the score.

    One user or many: the last axis are the products. For the lists of many users: scores = blend.batch(users), allowed
    = Eligibility.masks or what is not held, total_weight = `total_weight(blend)`; then take the columns of the lists
    with np.take_along_axis.

    Shapes: scores, allowed and the result (..., num_products); allowed marks what the user may be shown.
    """
    known = np.asarray(scores, np.float64)
    count = np.maximum(allowed.sum(axis=-1, keepdims=True), 1)
    mean = np.sum(known, axis=-1, keepdims=True, where=allowed) / count
    mass = np.maximum((known - mean) / total_weight, 0.0)
    squared = mass * mass
    found: NDArray[np.float64] = squared / (1.0 + squared)
    return found


def confidence_of(
    scores: NDArray[np.float64], allowed: NDArray[np.bool_], total_weight: float, products: NDArray[np.integer]
) -> NDArray[np.float64]:
    """What `confidence` gives for some products of one user, to the bit (len(products),)."""
    count = max(int(np.count_nonzero(allowed)), 1)
    mass = np.maximum((scores[products] - np.sum(scores, where=allowed) / count) / total_weight, 0.0)
    squared = mass * mass
    found: NDArray[np.float64] = squared / (1.0 + squared)
    return found


def total_weight(blend: Blend) -> float:
    """The sum of the weights of all terms: the most spreads that a score can be made of."""
    return sum(abs(weight) for weight in blend.weights)
