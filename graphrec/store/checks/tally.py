"""Keep the sums of a store up to date during a merge: add written rows, subtract removed ones, read nothing again."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphrec.store.checks.contents import Contents
from graphrec.store.checks.sums import Sum, sum_rows
from graphrec.store.kinds import Kind
from graphrec.store.writing import diff

if TYPE_CHECKING:
    import pyarrow as pa


class Tally:
    """The sums of one load into a store that holds rows already.

    Args:
        before: the account that the store has.
        is_trusted: whether it is that of what the store holds; else nothing can be added to it.
    """

    def __init__(self, before: Contents, *, is_trusted: bool) -> None:
        self.before = before
        self.damaged: set[str] = set()
        """Kinds whose rows differed from the account before this load wrote any."""
        self._is_trusted = is_trusted
        self._moved: dict[str, Sum] = {}
        self._new: set[str] = set()
        self._unknown: set[str] = set()

    def begin(self, kind: Kind, stored: diff.Stored) -> None:
        """Compare the stored rows of a kind with the account; not after the first write of this load."""
        if not self._is_trusted or kind.key in self._moved:
            return
        claimed = np.flatnonzero(stored.is_claimed)
        known, found = self.before.types.get(kind.key), _sum(stored, claimed, kind)
        if known is None and found.rows == 0:
            self._new.add(kind.key)
        elif known is not None and known.differs(found):
            self.damaged.add(kind.key)
            self._unknown.add(kind.key)

    def write(
        self, kind: Kind, rows: "pa.Table", stored: diff.Stored, places: "pa.Array", changes: diff.Changes
    ) -> None:
        """Add a batch that was written.

        Args:
            rows: the batch, times as times.
            stored: what was there of it; `places` says where, row by row.
        """
        there = np.asarray(places.fill_null(0), np.int64)
        known = np.concatenate([changes.changed, changes.filled, changes.claimed])
        if not stored.comparable or not stored.is_claimed[there[known]].all():
            # Rows of no source become rows of this one, with values that were not read.
            self._unknown.add(kind.key)
        if kind.key in self._unknown or not self._is_trusted:
            return
        changed, filled = there[changes.changed], there[changes.filled]
        moved = sum_rows(rows.take(np.concatenate([changes.created, changes.changed])), kind.identity)
        moved -= _sum(stored, np.concatenate([changed, filled]), kind)
        moved += sum_rows(_filled(rows.take(changes.filled), stored, filled), kind.identity)
        self._moved[kind.key] = self._moved.get(kind.key, Sum()) + moved

    def remove(self, kind: Kind, stored: diff.Stored, gone: NDArray[np.int64]) -> None:
        """Take away the rows that this source no longer brings and no other one claims."""
        lost = gone[~stored.is_shared[gone]]
        known = self.before.types.get(kind.key, Sum()).columns.keys()
        if len(lost) and known - set(stored.rows.column_names):
            self._unknown.add(kind.key)  # a column that this source does not have goes with them
        elif len(lost):
            self._moved[kind.key] = self._moved.get(kind.key, Sum()) - _sum(stored, lost, kind)

    def total(self, kind: Kind, columns: list[str]) -> Sum | None:
        """The sum of a kind after the load, of these columns; None when only the store can tell."""
        known = self.before.types.get(kind.key)
        if not self._is_trusted or kind.key in self._unknown or (known is None and kind.key not in self._new):
            return None
        if known is not None and known.rows and set(columns) - known.columns.keys():
            return None
        total = (known or Sum()) + self._moved.get(kind.key, Sum())
        return Sum(total.rows, total.identities, {name: total.columns.get(name, 0) for name in columns})


def _sum(stored: diff.Stored, places: NDArray[np.int64], kind: Kind) -> Sum:
    return sum_rows(_timed(stored.rows.take(places)), kind.identity)


def _timed(rows: "pa.Table") -> "pa.Table":
    """The rows with their times as times; a store keeps them as text."""
    import pyarrow as pa

    for position, field in enumerate(rows.schema):
        if field.metadata == {b"kind": b"time"}:
            rows = rows.set_column(position, field.name, rows.column(position).cast(pa.timestamp("us", tz="UTC")))
    return rows


def _filled(rows: "pa.Table", stored: diff.Stored, places: NDArray[np.int64]) -> "pa.Table":
    """The rows with the values that are there where they have none."""
    import pyarrow.compute as pc

    there = _timed(stored.rows.take(places))
    for position, name in enumerate(rows.column_names):
        rows = rows.set_column(position, name, pc.coalesce(rows[name], there[name]))
    return rows
