"""What a mapping says: every table of docs/mappings.md as a frozen dataclass."""

from collections.abc import Mapping as Keys
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from graphrec.schema import Kind, LiveBounds, Roles

Reader = Literal["csv", "json", "parquet", "lines", "xlsx", "sqlite", "database", "xml", "fixed", "dump"]
Mask = Literal["fitted", "train", "train+valid"]
READERS: tuple[Reader, ...] = get_args(Reader)
MASKS: tuple[Mask, ...] = ("fitted", "train", "train+valid")
SUFFIXES: Keys[str, Reader] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xlsx",
    ".xlsb": "xlsx",
    ".ods": "xlsx",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".db": "sqlite",
    ".xml": "xml",
    ".sql": "dump",
}
PACKED = (".gz", ".bz2", ".zst")


@dataclass(frozen=True)
class FileSpec:
    """One entry of `[source.files]`: a path or glob, or a statement of a database, that becomes a table."""

    name: str
    path: str
    reader: Reader
    optional: bool = False
    options: Keys[str, Any] = field(default_factory=dict)
    sheets: tuple[str, ...] = ()
    """Of a workbook: which of its sheets are read; the only one where it is empty."""
    url_env: str | None = None
    query: str | None = None
    newest: bool = False
    """Whether of several files only those of the latest day in their names are read."""

    @property
    def shown(self) -> str:
        """What messages and `_file` call it where it is no file of its own."""
        return self.path or f"{self.name} of {self.url_env}"


@dataclass(frozen=True)
class End:
    """A `Label.column`: whose key a column of a statement holds."""

    label: str
    column: str


@dataclass(frozen=True)
class ParseSpec:
    """How the text of one column is read; a value that does not fit is rejected."""

    type: Kind = "text"
    format: tuple[str, ...] = ()
    """Of a time: forms of strptime, tried in this order, or iso, era, buddhist, minguo, hijri, sheet_days, days,
    seconds, milliseconds, microseconds."""
    decimal: str = "."
    thousands: str = ""
    null: tuple[str, ...] = ()
    """Texts that stand for a gap."""
    unit: str = ""
    """What may stand before or behind a number, such as EUR or %."""
    factors: Keys[str, float] = field(default_factory=dict)
    """Words behind a number, each with what it is multiplied by: 万, lakh, Mio; the empty word is behind every one."""
    latest: int | None = None
    """The last of the hundred years that years of two digits lie in; None: 2068."""


@dataclass(frozen=True)
class CleanSpec:
    """How the values of one column are cleaned."""

    range: tuple[float | str, float | str] | None = None
    outside: Literal["reject", "missing", "clip"] = "reject"
    missing: Literal["median", "band", "interpolation", "last"] | None = None
    of: str | None = None
    """Another column: whose value makes a band, or along which it is interpolated."""


@dataclass(frozen=True)
class NodeSpec:
    """One `[nodes.Label]`."""

    label: str
    key: str
    sql: str
    name: str | None = None
    text: tuple[str, ...] = ()
    vector: str | None = None
    personal: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    known_at: str | None = None
    crm_id: str | None = None
    adviser: str | None = None
    data_as_of: str | None = None
    show: Keys[str, str] = field(default_factory=dict)
    parse: Keys[str, ParseSpec] = field(default_factory=dict)
    clean: Keys[str, CleanSpec] = field(default_factory=dict)
    fold: bool = False
    """Whether keys that are one but for case and spaces are one node."""


@dataclass(frozen=True)
class EdgeSpec:
    """One `[edges.TYPE]`."""

    type: str
    source: End
    target: End
    sql: str
    key: str | None = None
    at: str | None = None
    known_at: str | None = None
    weight: str | None = None
    protected: bool = False
    risk: bool = False
    sensitive: bool = False
    until: str | None = None
    until_known_at: str | None = None
    quantity: str | None = None
    half_life_days: float | Literal["fit", "none"] | None = None
    parse: Keys[str, ParseSpec] = field(default_factory=dict)


@dataclass(frozen=True)
class SeriesSpec:
    """One `[series.name]`."""

    name: str
    of: End
    at: str
    values: tuple[str, ...]
    sql: str
    parse: Keys[str, ParseSpec] = field(default_factory=dict)


@dataclass(frozen=True)
class EventSpec:
    """One `[events.TYPE]`."""

    type: str
    edge: str | None = None
    key: str | None = None
    covered_until: str | None = None
    """Statement that gives one time: events up to it are in the files."""
    sets: tuple[str, ...] = ()


@dataclass(frozen=True)
class DocumentSpec:
    """One `[documents.NAME]`."""

    name: str
    sql: str
    key: str
    text: str
    published: str
    title: str | None = None
    form: Literal["text", "html", "pdf"] = "text"
    """pdf: the column of the text has paths of files, below the folder of the data."""


@dataclass(frozen=True)
class SplitSpec:
    """The `[split]`."""

    test: str
    valid: str | None = None
    refit: bool | str = True
    mask: Mask = "fitted"


@dataclass(frozen=True)
class Mapping:
    """A whole mapping; `where` is the file it was read from, `digest` the hash of its text."""

    name: str
    where: str
    digest: str
    files: Keys[str, FileSpec]
    roles: Roles
    nodes: Keys[str, NodeSpec]
    edges: Keys[str, EdgeSpec]
    series: Keys[str, SeriesSpec]
    split: SplitSpec | None
    reasons: Keys[str, str]
    reasons_in: Keys[str, Keys[str, str]] = field(default_factory=dict)
    """By language."""
    words: Keys[str, Keys[str, str]] = field(default_factory=dict)
    """By language: what labels, edge types and names of nodes are called."""
    events: Keys[str, EventSpec] = field(default_factory=dict)
    documents: Keys[str, DocumentSpec] = field(default_factory=dict)
    live: LiveBounds = field(default_factory=LiveBounds)
    lines: Keys[tuple[str, ...], int] = field(default_factory=dict)
    """The line of each key in the file, such as that of ("nodes", "Customer", "sql")."""

    def place(self, *path: str) -> str:
        """File, line and key, for messages."""
        known = next((path[:length] for length in range(len(path), 0, -1) if path[:length] in self.lines), None)
        file = self.where if known is None else f"{self.where} line {self.lines[known]}"
        return f"{file}: {'.'.join(path)}"
