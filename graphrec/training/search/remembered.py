"""A chosen blend's scores, kept while one more term is tried beside it with several weights."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from graphrec.terms.base import Term
from graphrec.terms.forms.blend import Blend, weighed

MOST_KEPT = 50_000_000
"""Scores that are kept (200 MB); of more, none, and each question computes them again."""


@dataclass(frozen=True, eq=False)
class Remembered:
    """What a blend says of customers, computed once for each batch of them.

    Args:
        blend: fitted.
        num_scores: of all customers who will be asked for.
    """

    blend: Blend
    num_scores: int
    _kept: dict[bytes, NDArray[np.float32]] = field(default_factory=dict)

    def batch(self, users: NDArray[np.int32], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """The scores (len(users), num_products) of the blend."""
        if self.num_scores > MOST_KEPT:
            return self.blend.batch(users, out)
        key = users.tobytes()
        if key not in self._kept:
            self._kept[key] = self.blend.batch(users)
        return self._kept[key].copy()

    def plus(self, term: Term, weight: float) -> "Sum":
        """The blend with one term more, as the last."""
        return Sum(self, term, weight)


@dataclass(frozen=True, eq=False)
class Sum:
    """The scores of a blend and one term more."""

    first: Remembered
    term: Term
    weight: float

    def batch(self, users: NDArray[np.int32], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """The scores (len(users), num_products), to the bit those of the blend with this term as its last."""
        total = self.first.batch(users, out)
        if not self.weight:
            return total
        return np.add(total, weighed(self.term, users, self.weight), out=total)
