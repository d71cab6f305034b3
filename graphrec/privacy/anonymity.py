"""How many customers of a snapshot look alike to somebody who knows what neighbours and colleagues know of them.

    k           customers of the smallest group with the same values of all that is marked sensitive or protected
    small       customers in groups of fewer than min_group
    telling     columns whose value alone is one customer's for a tenth of them and more, such as an exact balance

Source: Sweeney, k-anonymity, IJUFKS 2002. What one buys tells more still; a snapshot is no anonymous file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.folders.snapshot import ColumnArray, Edges, Snapshot
from graphrec.graph.folders.strings import Strings

TELLING = 0.1
"""Share of customers with a value of their own, from which on a column is named."""


@dataclass(frozen=True)
class Anonymity:
    """How alike the customers of a snapshot are."""

    k: int
    small: int
    customers: int
    by: tuple[str, ...]
    """Columns and edge types that are compared; none: nothing is marked, and k is all customers."""
    telling: tuple[str, ...]

    def sentence(self, least: int) -> str:
        """What it comes to.

        Args:
            least: `min_group`.
        """
        if not self.by:
            text = "k-anonymity: no column of customers is marked sensitive or protected"
        else:
            text = (
                f"k-anonymity by {', '.join(self.by)}: k = {self.k:,}, {self.small:,} of {self.customers:,} customers "
                f"in groups of fewer than {least}"
            )
        return text + (f"; alone tell many apart: {', '.join(self.telling)}" if self.telling else "")


def anonymity(snapshot: Snapshot) -> Anonymity:
    """The k-anonymity of the customers of a snapshot."""
    roles = snapshot.schema.roles
    node, count = snapshot.schema.nodes[roles.user], snapshot.count(roles.user)
    kinds = snapshot.meta.columns[roles.user]
    codes: dict[str, NDArray[np.int64]] = {}
    telling = []
    for name in sorted(set(kinds) - {node.vector}):
        found = _of_column(snapshot.nodes(roles.user).column(name))
        alone = int((np.bincount(found, minlength=1)[found] == 1).sum()) if count else 0
        if count and alone >= max(TELLING * count, 1):
            telling.append(name)
        if name in {*node.sensitive, *node.protected}:
            codes[name] = found
    for edge in snapshot.schema.edges.values():
        is_own = edge.source == roles.user and edge.target not in (roles.user, roles.product)
        if is_own and edge.type in snapshot.types and (edge.sensitive or edge.protected):
            codes[edge.type] = _of_edges(snapshot.edges(edge.type))
    if not codes or not count:
        return Anonymity(count, 0, count, (), tuple(telling))
    _, group = np.unique(np.stack(list(codes.values()), axis=1), axis=0, return_inverse=True)
    sizes = np.bincount(group.ravel())
    small = int(sizes[sizes < roles.min_group].sum())
    return Anonymity(int(sizes.min()), small, count, tuple(codes), tuple(telling))


def _of_column(column: ColumnArray) -> NDArray[np.int64]:
    """A number for each customer, the same for the same value or none."""
    valid = np.asarray(column.valid)
    if isinstance(column.values, Strings):
        return _numbers([column.values[place] if valid[place] else None for place in range(len(valid))])
    _, found = np.unique(np.asarray(column.values), return_inverse=True)
    return np.where(valid, found.ravel() + 1, 0)


def _of_edges(edges: Edges) -> NDArray[np.int64]:
    """A number for each customer, the same for the same nodes at the other end."""
    starts, nodes = np.asarray(edges.indptr), np.asarray(edges.indices)
    return _numbers([tuple(sorted(nodes[start:end].tolist())) for start, end in pairwise(starts)])


def _numbers(values: Sequence[object]) -> NDArray[np.int64]:
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int64)
