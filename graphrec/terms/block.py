"""The lines of several users side by side, as compiled loops fill them and as one ledger for each user."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphrec.terms.base import LineGroup
from graphrec.terms.blend import Ledger


class Asked(NamedTuple):
    """What lines are wanted of one term: users, their products padded with -1, how many those are, and the scales."""

    users: NDArray[np.int32]
    products: NDArray[np.int32]
    widths: NDArray[np.int64]
    scale: NDArray[np.float64]


class Out(NamedTuple):
    """Where compiled loops write lines: `filled` (num_users,) tells the next free one; the rest (num_lines, ...).

    Write in a function that the parallel loop calls: numba drops, as dead, what the loop itself writes to a field.
    """

    filled: NDArray[np.int64]
    values: NDArray[np.float64]
    via: NDArray[np.int32]
    mid: NDArray[np.int32]
    group: NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Block:
    """The lines of several users, each in a region of its own that is filled from its start."""

    users: NDArray[np.int32]
    products: NDArray[np.int32]
    widths: NDArray[np.int64]
    starts: NDArray[np.int64]
    out: Out
    groups: list[LineGroup] = field(default_factory=list)
    terms: list[int] = field(default_factory=list)
    """The term of each group."""

    @classmethod
    def empty(cls, users: NDArray[np.int32], products: Sequence[NDArray[np.int32]], most: NDArray[np.int64]) -> "Block":
        """Room for at most so many lines of each user (num_users,)."""
        starts = np.concatenate(([0], np.cumsum(most)))
        widths = np.array([len(wanted) for wanted in products], np.int64)
        padded = np.full((len(users), int(widths.max(initial=0))), -1, np.int32)
        for place, wanted in enumerate(products):
            padded[place, : len(wanted)] = wanted
        size = int(starts[-1])
        values = np.empty((size, padded.shape[1]))
        via, mid, group = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int16)
        return cls(users, padded, widths, starts[:-1], Out(starts[:-1].copy(), values, via, mid, group))

    def asked(self, scale: NDArray[np.float64]) -> Asked:
        """What a compiled loop writes lines of, at the scale of a term for each user."""
        return Asked(self.users, self.products, self.widths, scale)

    def add_group(self, group: LineGroup, term: int) -> int:
        """The number of a new group of lines."""
        self.groups.append(group)
        self.terms.append(term)
        return len(self.groups) - 1

    def ledger(self, place: int) -> Ledger:
        """The lines of one user."""
        out, span = self.out, slice(int(self.starts[place]), int(self.out.filled[place]))
        group = out.group[span].copy()
        values = np.ascontiguousarray(out.values[span, : self.widths[place]])
        terms = np.array(self.terms, np.int16)[group] if self.terms else np.zeros(0, np.int16)
        return Ledger(terms, tuple(self.groups), group, out.via[span].copy(), out.mid[span].copy(), values)
