"""The contract of a store: loads write to it, analysts query it, snapshots are read from it.

One contract, two stores: `embedded/` and `neo4j/`. Everything that both can do with the same Cypher is written
here once, over four primitives: `query`, `write`, `transaction` and `stream`.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, LiteralString, Self

from graphrec import queries
from graphrec.errors import QueryError, StoreError
from graphrec.graph.rows import Part, Sink, edge_fields, node_fields
from graphrec.progress import Progress, silent
from graphrec.schema import Column, EdgeSchema, GraphSchema, NodeSchema
from graphrec.store.checks.contents import Contents, digest_text
from graphrec.store.checks.sums import Sum, sum_rows
from graphrec.store.kinds import Kind
from graphrec.store.series import SeriesFiles, series_of
from graphrec.store.values import to_rows

if TYPE_CHECKING:
    import pyarrow as pa

#: Rows of one transactional batch.
BATCH_ROWS = 5_000

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Result:
    """The answer to a query: names of its columns and one tuple per row, plain values only."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    is_cut: bool = False
    """There are more rows than the limit that was set."""

    def records(self) -> list[dict[str, Any]]:
        """The rows by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Bounds:
    """How long a statement may run and how many rows it may give."""

    seconds: float = 60.0
    rows: int = 10_000


@dataclass(frozen=True)
class Statement:
    """One Cypher text with its parameters."""

    text: LiteralString
    parameters: Parameters = field(default_factory=dict)


@dataclass(frozen=True)
class SourceInfo:
    """What the store knows of one source; `schema` is none until its first load is complete."""

    name: str
    run: str
    files_hash: str
    """Hash of the files of its last full load; empty when other loads have changed its rows since."""
    schema: GraphSchema | None
    touched: tuple[tuple[str, ...], ...]
    """(label,) and (type, source label, target label) that it may own rows of."""
    unfinished: tuple[str, ...] = ()
    """One mark for each of its loads that began and did not complete; without marks its rows are whole."""
    schema_digest: str | None = None
    """The SHA-256 of the schema as it is stored."""


@dataclass(frozen=True)
class Info:
    """What a store holds."""

    kind: str
    """embedded or neo4j."""
    address: str
    version: str
    nodes: dict[str, int]
    edges: dict[str, int]
    sources: tuple[str, ...]

    def totals(self) -> dict[str, int]:
        """The rows of each type by `Kind.key`."""
        nodes = {f"nodes/{label}": count for label, count in self.nodes.items()}
        return nodes | {f"edges/{name}": count for name, count in self.edges.items()}


@dataclass(frozen=True)
class Index:
    """A full-text or vector index on one property of one label."""

    label: str
    property: str
    dimensions: int | None = None
    """None: full text; else a vector index (cosine) of that many numbers."""


@dataclass(frozen=True)
class Hit:
    """One answer of `search`; a higher score is better."""

    id: str
    score: float


class Store(ABC):
    """A place that keeps a graph. Not for several threads; close it, or use it in a `with`."""

    #: Folder of the series files of this home.
    series_folder: Path
    #: Where the store is, as a person names it.
    address: str
    #: Whether others may write into the same graph: then it may hold more than its account says, and never less.
    is_shared: bool

    @abstractmethod
    def query(
        self, statement: LiteralString, parameters: Parameters | None = None, bounds: "Bounds | None" = None
    ) -> Result:
        """The rows of a read-only statement, held to reading by the access mode.

        Args:
            statement: Cypher, or the name of a file ("read/count"); role placeholders are those of `read_schema`.
            bounds: of time and rows; None: as long and as many as it takes.

        Raises:
            QueryError: the store refuses it; its own message with the position. Or it ran past its time.
        """

    @abstractmethod
    def stream(
        self, statement: LiteralString, parameters: Parameters | None = None
    ) -> Iterator[Sequence[Sequence[Any]]]:
        """Chunks of rows of a read-only statement, for results that should never be in memory at once."""

    @abstractmethod
    def write(
        self,
        statement: LiteralString,
        parameters: Parameters | None = None,
        rows: Sequence[Mapping[str, Any]] | None = None,
        batch: int = BATCH_ROWS,
    ) -> Result:
        """The rows of a writing statement, in one managed transaction with retries.

        With `rows`, one transaction per `batch` of them, given to the statement as `$rows`; the result is empty.
        """

    @abstractmethod
    def transaction(self, statements: Sequence[Statement]) -> None:
        """Run these statements in one transaction: all of them or none."""

    @abstractmethod
    def ensure_schema(self, schema: GraphSchema) -> None:
        """Create the constraints of cypher/schema/ for every label; those that are there stay."""

    @abstractmethod
    def sink(self, progress: Progress = silent) -> Sink:
        """Where a load puts its rows."""

    @abstractmethod
    def create_index(self, index: Index) -> str:
        """Create a full-text or vector index unless it is there; its name for `search`."""

    @abstractmethod
    def search(self, index: str, sought: str | Sequence[float], k: int = 10) -> list[Hit]:
        """The k best nodes of an index for a text or a vector, ties by id."""

    @abstractmethod
    def info(self) -> Info:
        """What the store is and holds."""

    @abstractmethod
    def close(self) -> None:
        """Close the store; an unfinished load is abandoned."""

    def sources(self) -> tuple[SourceInfo, ...]:
        """The sources that ever began a load here, by name."""
        return tuple(_source_info(row) for row in self.query(queries.text("read/sources")).records())

    def read_schema(self) -> GraphSchema:
        """The schema of all sources whose load is complete, merged.

        Raises:
            StoreError: nothing is loaded.
            SourceError: two sources do not fit together.
        """
        schemas = [source.schema for source in self.sources() if source.schema is not None]
        if not schemas:
            raise StoreError("nothing is loaded into the store yet; next: graphrec load MAPPING, or graphrec demo")
        return reduce(GraphSchema.merge, schemas)

    def read_nodes(self, label: str, schema: GraphSchema | None = None, *, personal: bool = False) -> "pa.Table":
        """The nodes of a label in the form of `rows.node_fields`, in no order; personal columns only when asked for."""
        node: NodeSchema = (schema or self.read_schema()).nodes[label]
        return self.read_rows(Kind(label), node.columns if personal else node.public_columns(), ())[0]

    def read_edges(self, edge_type: str, schema: GraphSchema | None = None) -> "pa.Table":
        """The edges of a type in the form of `rows.edge_fields`, in no order."""
        edge: EdgeSchema = (schema or self.read_schema()).edges[edge_type]
        return self.read_rows(Kind(edge_type, edge.source, edge.target), edge.columns, ())[0]

    def read_series(self, name: str, schema: GraphSchema | None = None) -> SeriesFiles:
        """The rows of a series from all sources: id, at, values."""
        found = schema or self.read_schema()
        return series_of(self.series_folder, found.series[name], [source.name for source in self.sources()])

    def read_splits(self) -> "dict[str, dict[Part, pa.Table]]":
        """The pairs (user, product) of each part of each source's own split."""
        import pyarrow as pa

        chunks: dict[str, dict[Part, list[pa.Table]]] = {}
        for owner, part, users, products in self.query(queries.text("read/split")).rows:
            if len(users or ()) != len(products or ()):
                raise StoreError(f"the split pairs of {owner} are damaged; load again: graphrec load {owner}")
            pairs = {"user": pa.array(users or [], pa.string()), "product": pa.array(products or [], pa.string())}
            chunks.setdefault(owner, {}).setdefault(part, []).append(pa.table(pairs))
        return {
            owner: {part: pa.concat_tables(tables) for part, tables in sorted(parts.items())}
            for owner, parts in sorted(chunks.items())
        }

    def contents(self) -> Contents | None:
        """What the store holds by its own account; None before the first load is complete."""
        rows = self.query(queries.text("read/contents")).rows
        return Contents.from_text(rows[0][0]) if rows else None

    def read_rows(self, kind: Kind, columns: tuple[Column, ...], sources: Sequence[str]) -> "tuple[pa.Table, Sum]":
        """The rows of a kind in no order, and the sum of those that one of these sources claims."""
        import pyarrow as pa

        fields = node_fields(columns) if kind.part == "nodes" else edge_fields(columns)
        name: LiteralString = "read/nodes" if kind.part == "nodes" else "read/edges"
        chunks = self.stream(queries.text(name, kind.labels), {"columns": _names(columns), "sources": list(sources)})
        rows = to_rows(chunks, pa.schema([pa.field(_IS_CLAIMED, pa.bool_()), *fields]))
        claimed = rows.filter(rows[_IS_CLAIMED])
        rows = rows.drop_columns([_IS_CLAIMED])
        return rows, sum_rows(rows if len(claimed) == len(rows) else claimed.drop_columns([_IS_CLAIMED]), kind.identity)

    @abstractmethod
    def check_engine(self) -> list[str]:
        """What the engine's own check of its files finds, one line each; nothing where all is well."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def out_of_time(bounds: Bounds) -> QueryError:
    """The error of a statement that ran past its time."""
    return QueryError(
        f"the query ran longer than {bounds.seconds:g} s; ask for less (a label, a LIMIT), or raise --timeout"
    )


def merge_splits(splits: "Mapping[str, Mapping[Part, pa.Table]]") -> "dict[Part, pa.Table] | None":
    """The pairs of each part of all sources; None without any."""
    import pyarrow as pa

    merged: dict[Part, list[pa.Table]] = {}
    for parts in splits.values():
        for part, pairs in parts.items():
            merged.setdefault(part, []).append(pairs)
    return {part: pa.concat_tables(tables) for part, tables in sorted(merged.items())} or None


#: The column of streamed rows that says whether a source claims them; no column of a mapping has a space.
_IS_CLAIMED = "is claimed"


def _names(columns: tuple[Column, ...]) -> list[str]:
    return sorted(column.name for column in columns)


def _source_info(row: Mapping[str, Any]) -> SourceInfo:
    text = row["schema"]
    try:
        return SourceInfo(
            name=row["name"],
            run=row["run"] or "",
            files_hash=row["files_hash"] or "",
            schema=GraphSchema.from_json(json.loads(text)) if text else None,
            touched=tuple(tuple(one) for one in json.loads(row["touched"] or "[]")),
            unfinished=tuple(row["unfinished"]),
            schema_digest=digest_text(text) if text else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"what the store knows of source {row['name']!r} is damaged; remove the store and load its mappings again"
        ) from error
