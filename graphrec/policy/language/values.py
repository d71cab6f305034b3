"""Values and truths of a block of pairs, with missing values kept separate (three-valued logic of Kleene).

Arrays are broadcastable to (num_users, num_products) of the block: what depends on users alone is (num_users, 1), on
products alone (1, num_products), on neither (1, 1), so that only what compares both is computed for every pair.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.frozen import dataclass

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Value:
    """Numbers, codes of texts, or times in microseconds; `valid` is None where no value is missing."""

    values: NDArray[Any]
    valid: Flags | None = None

    def missing(self) -> Flags:
        """True where there is no value."""
        return np.zeros((1, 1), np.bool_) if self.valid is None else ~self.valid


@dataclass(frozen=True, eq=False)
class Truth:
    """Pairs known to meet a condition and pairs known not to; `no` is None when every other pair is known not to."""

    yes: Flags
    no: Flags | None = None

    @classmethod
    def known(cls, holds: NDArray[np.bool_], valid: Flags | None) -> "Truth":
        """The truth of `holds` where it is valid, unknown elsewhere."""
        return cls(holds) if valid is None else cls(holds & valid, ~holds & valid)

    def known_not(self) -> Flags:
        """True where it is known not to hold."""
        return ~self.yes if self.no is None else self.no

    def unknown(self) -> Flags:
        """True where a missing value leaves it open."""
        return np.zeros((1, 1), np.bool_) if self.no is None else ~(self.yes | self.no)

    def __and__(self, other: "Truth") -> "Truth":
        known = self.no is None and other.no is None
        return Truth(self.yes & other.yes, None if known else self.known_not() | other.known_not())

    def __or__(self, other: "Truth") -> "Truth":
        known = self.no is None and other.no is None
        return Truth(self.yes | other.yes, None if known else self.known_not() & other.known_not())

    def __invert__(self) -> "Truth":
        return Truth(~self.yes) if self.no is None else Truth(self.no, self.yes)


def both(one: Flags | None, other: Flags | None) -> Flags | None:
    """Where both are valid; None is everywhere."""
    if one is None or other is None:
        return other if one is None else one
    return one & other
