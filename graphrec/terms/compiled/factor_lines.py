"""The lines of a factor term for many users, compiled: a line for every neighbour and part of the factors."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from graphrec.terms.compiled.hops import read_only
from graphrec.terms.ledger import Block

if TYPE_CHECKING:
    from graphrec.terms.forms.factors import FactorTerm

    OfUsers: TypeAlias = tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class FactorLines:
    """The lines of a factor term for many users."""

    term: "FactorTerm"
    users: NDArray[np.int32]

    def most(self) -> NDArray[np.int64]:
        """How many lines each user has."""
        found = np.zeros(len(self.users), np.int64)
        for _, _, ends, _ in self._rows:
            found += ends[1:] - ends[:-1]
        return len(self.term.parts()) * found

    @cached_property
    def _rows(self) -> "list[OfUsers]":
        """What the users have of each sort of neighbours."""
        return [source.of_users(self.term.graph, self.users) for source in self.term.neighbours]

    def write(self, block: Block, scale: NDArray[np.float64], position: int) -> None:
        """Append the lines of the term at a position of the blend."""
        term = self.term
        right = read_only(np.ascontiguousarray(term.right))
        for source, (matrix, rows, indptr, x) in zip(term.neighbours, self._rows, strict=True):
            given = read_only(rows), read_only(indptr), read_only(x)
            left, shown = read_only(np.ascontiguousarray(matrix)), source.hop is not None
            for part, span in term.parts():
                number = block.add_group(source.group(term.graph, part), position)
                start, stop, _ = span.indices(term.right.shape[1])
                _factor_lines(block.asked(scale), *given, shown, left, right, start, stop, number, block.out)


@numba.njit(parallel=True, cache=True)
def _factor_lines(asked, rows, indptr, x, shown, left, right, start, stop, number, out):  # type: ignore[no-untyped-def]
    for r in numba.prange(len(asked.widths)):
        if asked.scale[r] != 0.0:
            for p in range(indptr[r], indptr[r + 1]):
                node = rows[p] if shown else -1
                _append(asked, r, x[p] if len(x) else 1.0, left[rows[p]], right, start, stop, number, node, out)


@numba.njit(cache=True)
def _append(asked, r, x, left, right, start, stop, number, node, out):  # type: ignore[no-untyped-def]
    """Write a line of user r."""
    at = out.filled[r]
    for c in range(asked.widths[r]):
        out.values[at, c] = asked.scale[r] * (x * _dot(left, right[asked.products[r, c]], start, stop))
    out.via[at], out.mid[at], out.group[at] = node, -1, number
    out.filled[r] = at + 1


@numba.njit(cache=True, fastmath={"reassoc", "contract"})
def _dot(left, right, start, stop):  # type: ignore[no-untyped-def]
    """The sum in any order: no difference where `exact_rows` made it exact."""
    total = 0.0
    for d in range(start, stop):
        total += np.float64(left[d]) * np.float64(right[d])
    return total
