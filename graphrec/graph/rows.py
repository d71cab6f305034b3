"""The rows that a load produces and that a store or a snapshot takes.

One Arrow table per label and per edge type, with fixed first columns; `Sink` is the seam between both sides.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from graphrec.schema import Column, GraphSchema

if TYPE_CHECKING:
    import pyarrow as pa

# First columns of a node table: id (string), known_at (timestamp[us, UTC], null: always); then the schema's columns.
#: First columns of an edge table: source, target, key (strings), at, known_at (timestamp[us, UTC]), weight (double).
EDGE_COLUMNS = ("source", "target", "key", "at", "known_at", "weight")

Part = Literal["test", "valid"]


@dataclass(frozen=True)
class Source:
    """The source of a load, and whether rows that it does not bring again are removed (`full`)."""

    name: str
    run: str
    full: bool
    schema: GraphSchema
    files_hash: str
    """Hash of the mapping and of the content of every file it reads."""


@dataclass(frozen=True)
class Counts:
    """How many rows of one label or type were read, and how the load changed what was there."""

    read: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    rejected: int = 0
    suppressed: int = 0
    """Rows of persons who were forgotten."""


@dataclass(frozen=True)
class LoadReport:
    """The counts of a load, per label and per edge type."""

    mapping: str
    run: str
    nodes: dict[str, Counts] = field(default_factory=dict)
    edges: dict[str, Counts] = field(default_factory=dict)
    seconds: float = 0.0
    cleaned: dict[str, int] = field(default_factory=dict)
    """How many values were filled in, brought into a range, or spelled as others, by label and column."""
    marks: tuple[str, ...] = ()
    """Of a check: what the mapping does not mark and looks as if it should."""


Identities = Callable[[], "pa.Table"]
"""Gives the columns that name the rows of a kind: id, or source, target and key."""


class Sink(Protocol):
    """A target of rows; of a first load, readers see nothing before `finish`."""

    def is_current(self, source: Source) -> bool:
        """Whether the last full load of this source read the same files with the same mapping."""
        ...

    def begin(self, source: Source) -> None:
        """Start a load."""
        ...

    def known_ids(self, label: str) -> "pa.Array":
        """The ids of a label that any source brought before (strings, sorted)."""
        ...

    def would_remove(self, brought: "Mapping[str, Identities]") -> dict[str, tuple[int, int]]:
        """How many rows of this source are there, and how many of them a full load would remove; nothing is written.

        Args:
            brought: by label and edge type, the identities of the rows that the load brings.
        """
        ...

    def add_nodes(self, label: str, rows: "pa.Table") -> Counts:
        """Merge nodes by id; ids are unique within the table. Counts without `removed`."""
        ...

    def add_edges(self, edge_type: str, rows: "pa.Table") -> Counts:
        """Merge edges by (source, target, key); both ends are there, identities are unique within the table."""
        ...

    def add_series(self, name: str, rows: "pa.RecordBatchReader") -> None:
        """Replace this source's rows of a series; an increment adds its rows to them.

        Args:
            name: the series.
            rows: id (string), at (timestamp), one double column per value; read once, batch by batch.
        """
        ...

    def finish(self, split: "dict[Part, pa.Table] | None") -> dict[str, int]:
        """Complete the load: schema, split pairs (user, product) and, when full, removals.

        Returns how many rows of each label and edge type were removed.
        """
        ...


def arrow_type(column: Column) -> "pa.DataType":
    """The Arrow type of a column kind."""
    import pyarrow as pa

    return {
        "text": pa.string(),
        "integer": pa.int64(),
        "real": pa.float64(),
        "boolean": pa.bool_(),
        "time": pa.timestamp("us", tz="UTC"),
    }[column.kind]


def node_fields(columns: tuple[Column, ...]) -> "pa.Schema":
    """The Arrow schema of a node table with these columns, sorted by name after the fixed ones."""
    import pyarrow as pa

    fixed = [pa.field("id", pa.string()), pa.field("known_at", pa.timestamp("us", tz="UTC"))]
    return pa.schema(fixed + _fields(columns))


def edge_fields(columns: tuple[Column, ...]) -> "pa.Schema":
    """The Arrow schema of an edge table with these columns, sorted by name after the fixed ones."""
    import pyarrow as pa

    strings = [pa.field(name, pa.string()) for name in EDGE_COLUMNS[:3]]
    times = [pa.field(name, pa.timestamp("us", tz="UTC")) for name in EDGE_COLUMNS[3:5]]
    return pa.schema([*strings, *times, pa.field("weight", pa.float64()), *_fields(columns)])


def _fields(columns: tuple[Column, ...]) -> "list[pa.Field]":
    import pyarrow as pa

    return [pa.field(column.name, arrow_type(column)) for column in sorted(columns, key=lambda column: column.name)]
