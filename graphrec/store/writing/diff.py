"""Compare a batch of incoming rows with the stored rows, and group it by what has to be written."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Stored:
    """Rows that are there, whether this source claims them, and how to find them."""

    keys: "pa.Array"
    """Identities as `identities` gives them."""
    is_own: NDArray[np.bool_]
    is_shared: NDArray[np.bool_]
    """Another source claims it: then a null of this source does not remove a value."""
    is_claimed: NDArray[np.bool_]
    """A source that the store knows claims it: it is in the store's account."""
    rows: "pa.Table"
    comparable: bool = True
    """False: `rows` has only the columns of the identity, so every row counts as changed."""


@dataclass(frozen=True)
class Changes:
    """Positions of the rows of a batch, grouped by the change that they bring."""

    created: NDArray[np.int64]
    changed: NDArray[np.int64]
    filled: NDArray[np.int64]
    """Changed, and claimed by another source too: nulls are not written."""
    claimed: NDArray[np.int64]
    """Unchanged, and not yet claimed by this source."""
    unchanged: int
    """All unchanged rows, claimed or not."""


def identities(rows: "pa.Table", names: tuple[str, ...]) -> "pa.Array":
    """One text per row, different for different identities: parts may hold any character."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = [rows[name].cast(pa.large_string()) for name in names]
    if len(parts) > 1:
        # The lengths at the end say where one part stops, even when a part holds the separator.
        lengths = [pc.binary_length(part).cast(pa.large_string()) for part in parts[:-1]]
        parts = [pc.binary_join_element_wise(*parts, *lengths, pa.scalar("\0", pa.large_string()))]
    return _flat(parts[0])


def locate(stored: Stored, keys: "pa.Array") -> "pa.Array":
    """Where each identity is among the rows that are there, null where it is not; costs a pass over those rows."""
    import pyarrow.compute as pc

    return pc.index_in(keys, value_set=stored.keys)


def compare(stored: Stored, incoming: "pa.Table", found: "pa.Array") -> Changes:
    """How each incoming row stands to the row that `locate` found for it."""
    is_there = np.asarray(found.is_valid())
    there = np.flatnonzero(is_there)
    positions = np.asarray(found.fill_null(0), np.int64)[there]
    differs = np.ones(len(there), np.bool_)
    if stored.comparable:
        differs = _differs(stored.rows.take(positions), incoming.take(there), stored.is_shared[positions])
    return Changes(
        created=np.flatnonzero(~is_there),
        changed=there[differs & ~stored.is_shared[positions]],
        filled=there[differs & stored.is_shared[positions]],
        claimed=there[~differs & ~stored.is_own[positions]],
        unchanged=int(np.count_nonzero(~differs)),
    )


def missing(stored: Stored, kept: "list[pa.Array]") -> NDArray[np.int64]:
    """Positions of this source's stored rows that are not among the kept identities."""
    import pyarrow as pa
    import pyarrow.compute as pc

    brought = pa.concat_arrays(kept) if kept else pa.array([], pa.large_string())
    is_kept = np.asarray(pc.is_in(stored.keys, value_set=brought))
    return np.flatnonzero(stored.is_own & ~is_kept)


def _differs(old: "pa.Table", new: "pa.Table", is_shared: NDArray[np.bool_]) -> NDArray[np.bool_]:
    differs = np.zeros(len(new), np.bool_)
    for name in new.column_names:
        one = _flat(new[name])
        differs |= _column_differs(_flat(old[name]), one) & ~(is_shared & np.asarray(one.is_null()))
    return differs


def _column_differs(old: "pa.Array", new: "pa.Array") -> NDArray[np.bool_]:
    import pyarrow as pa
    import pyarrow.compute as pc

    unequal = pc.not_equal(old, new)
    if pa.types.is_floating(new.type):
        unequal = pc.and_(unequal, pc.invert(pc.and_(pc.is_nan(old), pc.is_nan(new))))
    one_missing = pc.xor(old.is_null(), new.is_null())
    return np.asarray(pc.or_(unequal.fill_null(False), one_missing), np.bool_)


def _flat(column: "pa.ChunkedArray | pa.Array") -> "pa.Array":
    import pyarrow as pa

    if isinstance(column, pa.Array):
        return column
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)
