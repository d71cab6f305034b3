"""What customers have in common, in whole numbers: each adds the same whatever the others hold.

    together[a, i]  customers who hold both
    weighted[a, i]  sum over them of round(2^bits d_u^-power), d_u = products that u holds

Whole numbers are added and taken away without rounding, in any order and modulo 2^64, so that the sums of two parts are
those of both, and the sums without a customer are those of data that never had them. The diagonal counts the holders.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.graph.edges.adjacency import Adjacency
from graphrec.models.matrix import csr, inverse_power
from graphrec.models.sharded import crossed

MOST_PRODUCTS = 10_000
"""Products that such a model takes: the sums are dense (10,000: 800 MB each)."""
BITS = 36
"""Binary places of a customer's weight: 2^27 customers fit into 64 bits."""

Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sums:
    """What is known of customers, and nothing else.

    Shapes: together, weighted (num_products, num_products).
    """

    together: Whole
    weighted: Whole
    power: float
    bits: int = BITS

    @property
    def holders(self) -> Whole:
        """Customers who hold each product (num_products,)."""
        return np.diagonal(self.together).copy()

    @property
    def weights(self) -> NDArray[np.float64]:
        """`weighted` as numbers."""
        return np.ldexp(self.weighted.astype(np.float64), -self.bits)

    def plus(self, other: "Sums") -> "Sums":
        """The sums of both parts.

        Raises:
            ModelError: they were not counted alike.
        """
        self._check(other)
        return replace(self, together=self.together + other.together, weighted=self.weighted + other.weighted)

    def minus(self, other: "Sums") -> "Sums":
        """The sums without a part that is in them: to the bit those of data that never had it; raises as `plus`."""
        self._check(other)
        return replace(self, together=self.together - other.together, weighted=self.weighted - other.weighted)

    def supported(self, least: int) -> "Sums":
        """Without what fewer than `least` customers have in common."""
        few = self.together < least
        return replace(
            self, together=np.where(few, 0, self.together), weighted=np.where(few, 0, self.weighted)
        )  # fmt: skip

    def _check(self, other: "Sums") -> None:
        mine, theirs = ((one.together.shape, one.power, one.bits) for one in (self, other))
        if mine != theirs:
            raise ModelError(
                f"sums of {mine[0][0]:,} products with power {mine[1]} and {mine[2]} bits cannot be added to those of "
                f"{theirs[0][0]:,} with {theirs[1]} and {theirs[2]}"
            )


def symmetric(upper: NDArray[Any], size: int) -> NDArray[Any]:
    """A symmetric matrix (size, size) from its upper triangle, row by row."""
    found = np.zeros((size, size), upper.dtype)
    found[np.triu_indices(size)] = upper
    return found + np.triu(found, 1).T


def sums_of(held: Adjacency, num_products: int, power: float, bits: int = BITS) -> Sums:
    """The sums over the customers whose holdings these are.

    Args:
        held: distinct products of each customer.
        num_products: of the catalogue.
        power: how far customers with many holdings count less.
        bits: binary places of a weight.

    Raises:
        ModelError: the catalogue is too large.
    """
    check_size(num_products)
    weights = np.rint(np.ldexp(inverse_power(held.degrees(), power), bits))
    rows = csr(held, num_products, np.int64)
    scaled = rows.copy()
    scaled.data = np.repeat(weights.astype(np.int64), held.degrees())
    return Sums(crossed(rows, rows).toarray(), crossed(rows, scaled).toarray(), power, bits)


def clipped(held: Adjacency, num_products: int, most: int) -> Adjacency:
    """At most so many products of each customer: which, depends on the catalogue alone, so that nobody moves another.

    They come by the order of a fixed shuffle of the catalogue, not by popularity.
    """
    place = np.random.default_rng(0).permutation(num_products)
    rows = np.repeat(np.arange(held.num_rows), held.degrees())
    order = np.lexsort((place[held.indices], rows))
    rank = np.arange(len(rows)) - np.repeat(held.indptr[:-1], held.degrees())
    kept = np.sort(order[rank < most])
    ends = np.concatenate(([0], np.cumsum(np.minimum(held.degrees(), most))))
    return Adjacency(ends.astype(np.int64), held.indices[kept])


def check_size(num_products: int) -> None:
    """Stop where a catalogue is too large for dense sums."""
    if num_products > MOST_PRODUCTS:
        raise ModelError(
            f"sums between {num_products:,} products do not fit: want at most {MOST_PRODUCTS:,}; train another model"
        )
