"""Order-free sums over the rows of a table: equal for equal rows in any order, and rows can be added or taken away.

A sum has one 64-bit number per column, over the hashes of (identity of the row, value); a missing value adds nothing.
So a batch of changes moves only the columns that it writes, and a reader compares only the columns that it reads. The
hashes find damage, not forgery: anybody can compute them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

Hashes = NDArray[np.uint64]

#: Rows that are hashed at once.
CHUNK_ROWS = 65_536
_WORD = (1 << 64) - 1
#: Odd constants of splitmix64 and the golden ratio; the base of the polynomial over the bytes of a text.
_NULL = 0xA0761D6478BD642F
_FIRST, _SECOND, _GOLDEN, _BASE = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93


@dataclass(frozen=True)
class Sum:
    """The number of rows of a type and one sum per column; `identities` is the sum over their identities."""

    rows: int = 0
    identities: int = 0
    columns: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: "Sum") -> "Sum":
        return self._with(other, 1)

    def __sub__(self, other: "Sum") -> "Sum":
        return self._with(other, -1)

    def _with(self, other: "Sum", sign: int) -> "Sum":
        columns = dict(self.columns)
        for name, value in other.columns.items():
            columns[name] = (columns.get(name, 0) + sign * value) & _WORD
        identities = (self.identities + sign * other.identities) & _WORD
        return Sum(self.rows + sign * other.rows, identities, columns)

    def differs(self, other: "Sum") -> str | None:
        """What both know and do not agree on: the number of rows, the identities or a column; None when nothing.

        A column that only one of them knows is not compared.
        """
        if self.rows != other.rows:
            return "rows"
        if self.identities != other.identities:
            return "ids"
        shared = self.columns.keys() & other.columns.keys()
        return next((name for name in sorted(shared) if self.columns[name] != other.columns[name]), None)

    def to_json(self) -> dict[str, Any]:
        """The form in which a store keeps it; numbers as hexadecimal text, which no reader rounds."""
        columns = {name: f"{value:016x}" for name, value in sorted(self.columns.items())}
        return {"rows": self.rows, "identities": f"{self.identities:016x}", "columns": columns}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Sum":
        """The sum that `to_json` wrote."""
        columns = {name: int(one, 16) for name, one in value["columns"].items()}
        return cls(int(value["rows"]), int(value["identities"], 16), columns)


def sum_rows(rows: "pa.Table", identity: Sequence[str]) -> Sum:
    """The sum of a table.

    Args:
        rows: columns of texts, whole numbers, real numbers, booleans and times.
        identity: the columns that name a row; they have no nulls.
    """
    total = Sum(columns={name: 0 for name in rows.column_names if name not in identity})
    for chunk in _chunks(rows):
        names = _identities(chunk, identity)
        columns = {name: _column(chunk[name].combine_chunks(), names) for name in total.columns}
        total += Sum(len(chunk), _total(_mix(names)), columns)
    return total


def _chunks(rows: "pa.Table") -> "Iterator[pa.Table]":
    for start in range(0, len(rows), CHUNK_ROWS):
        yield rows.slice(start, CHUNK_ROWS)


def _identities(rows: "pa.Table", identity: Sequence[str]) -> Hashes:
    """One hash per row; each part is hashed by itself, so that no separator can be part of an id."""
    found = np.zeros(len(rows), np.uint64)
    for name in identity:
        found = _mix(found * np.uint64(_GOLDEN) + _values(rows[name].combine_chunks()))
    return found


def _column(column: "pa.Array", names: Hashes) -> int:
    hashes = _mix(names ^ _mix(_values(column) + np.uint64(_GOLDEN)))
    if column.null_count:
        hashes = hashes[np.asarray(column.is_valid())]
    return _total(hashes)


def _values(column: "pa.Array") -> Hashes:
    """One hash per value of an array; a null has one of its own."""
    if column.null_count:
        found = _present(column)
        found[np.asarray(column.is_null())] = _NULL
        return found
    return _present(column)


def _present(column: "pa.Array") -> Hashes:
    import pyarrow as pa
    import pyarrow.compute as pc

    bits: Hashes
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _texts(column.fill_null("").cast(pa.large_string()))
    if pa.types.is_floating(column.type):
        numbers = np.array(column.fill_null(0.0), np.float64) + 0.0  # -0.0 is the same number as 0.0
        numbers[np.isnan(numbers)] = np.nan
        bits = numbers.view(np.uint64)
        return bits
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
    if pa.types.is_null(column.type):
        return np.zeros(len(column), np.uint64)
    bits = np.array(pc.fill_null(column.cast(pa.int64()), 0), np.int64).view(np.uint64)
    return bits


def _texts(column: "pa.LargeStringArray") -> Hashes:
    """A polynomial over the bytes of each text, computed over all texts at once."""
    _, ends, data = column.buffers()
    bounds = np.frombuffer(ends, np.int64)[column.offset : column.offset + len(column) + 1]
    lengths = np.diff(bounds)
    longest = int(lengths.max(initial=0))
    if longest == 0:
        return np.zeros(len(column), np.uint64)
    read = np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]].astype(np.uint64) + np.uint64(1)
    starts = bounds[:-1] - bounds[0]
    places = np.arange(len(read)) - np.repeat(starts, lengths)
    powers = np.multiply.accumulate(np.full(longest, _BASE, np.uint64))
    running = np.concatenate([np.zeros(1, np.uint64), np.add.accumulate(read * powers[places])])
    found: Hashes = running[starts + lengths] - running[starts] + lengths.astype(np.uint64)
    return found


def _mix(values: Hashes) -> Hashes:
    """The finaliser of splitmix64: every bit of the input moves about half of the output."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(_FIRST)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(_SECOND)
    return values ^ (values >> np.uint64(31))


def _total(hashes: Hashes) -> int:
    return int(np.add.reduce(hashes, dtype=np.uint64))
