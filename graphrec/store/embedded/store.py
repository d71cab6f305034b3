"""The embedded store: ArcadeDB in this process, one folder, one process at a time."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, LiteralString, TypeVar

from graphrec import queries
from graphrec.errors import StoreError
from graphrec.files import sweep, tighten
from graphrec.graph.rows import Sink
from graphrec.progress import Progress, silent
from graphrec.schema import GraphSchema
from graphrec.store.base import (
    BATCH_ROWS,
    Bounds,
    Hit,
    Index,
    Info,
    Parameters,
    Result,
    SourceInfo,
    Statement,
    Store,
)
from graphrec.store.checks.contents import Contents
from graphrec.store.embedded import arcade, sums
from graphrec.store.embedded.apart import ask_apart
from graphrec.store.embedded.bulk import BulkSink
from graphrec.store.embedded.choice import ChoosingSink
from graphrec.store.kinds import RESERVED
from graphrec.store.search import search_statement
from graphrec.store.writing.loading import schema_statements
from graphrec.store.writing.merge import MergeSink

_T = TypeVar("_T")

#: Rows that cross from the engine at once.
CHUNK_ROWS = 2_048


class EmbeddedStore(Store):
    """A store in a folder; the folder appears with the first load, and other processes are kept out while it is open.

    Args:
        path: the folder.
        series_folder: where the series of the home are.
    """

    def __init__(self, path: Path, series_folder: Path) -> None:
        self.path = path
        self.address = str(path)
        self.is_shared = False
        self.series_folder = series_folder
        self._database: Any = None
        self._is_written = False
        self._sink: ChoosingSink | None = None

    def query(
        self, statement: LiteralString, parameters: Parameters | None = None, bounds: Bounds | None = None
    ) -> Result:
        """The rows of a read-only statement; one with bounds runs in a process of its own."""
        text, values = self._text(statement), dict(parameters or {})
        if bounds is not None:
            self._exists()
            self._let_go()
            return ask_apart(self.path, text, values, bounds)
        with arcade.errors(self.path):
            return _result(text, self.open().query("opencypher", text, values).to_list())

    def first_rows(self, text: str, parameters: Parameters, limit: int) -> Result:
        """At most so many rows of a read-only statement."""
        with arcade.errors(self.path):
            answer = self.open().query("opencypher", text, dict(parameters))
            rows: list[dict[str, Any]] = []
            for chunk in answer.iter_chunks(min(CHUNK_ROWS, limit + 1)):
                rows.extend(chunk)
                if len(rows) > limit:
                    break
            return replace(_result(text, rows[:limit]), is_cut=len(rows) > limit)

    def stream(
        self, statement: LiteralString, parameters: Parameters | None = None
    ) -> Iterator[Sequence[Sequence[Any]]]:
        """Chunks of rows of a read-only statement."""
        text = self._text(statement)
        with arcade.errors(self.path):
            rows = self.open().query("opencypher", text, dict(parameters or {}))
            for chunk in rows.iter_chunks(CHUNK_ROWS):
                yield [tuple(row.values()) for row in chunk]

    def write(
        self,
        statement: LiteralString,
        parameters: Parameters | None = None,
        rows: Sequence[Mapping[str, Any]] | None = None,
        batch: int = BATCH_ROWS,
    ) -> Result:
        """The rows of a writing statement; with `rows`, one transaction per batch and no rows."""
        text, values = self._text(statement), dict(parameters or {})
        if rows is None:
            return self._transact(lambda: _result(text, self._command(text, values)))
        for start in range(0, len(rows), batch):
            self.transaction([Statement(text, {**values, "rows": list(rows[start : start + batch])})])
        return Result((), [])

    def transaction(self, statements: Sequence[Statement]) -> None:
        """Run these statements in one transaction."""

        def run() -> None:
            for statement in statements:
                self._command(statement.text, dict(statement.parameters))

        self._transact(run)

    def ensure_schema(self, schema: GraphSchema) -> None:
        """Create the constraint on ids for every label, and the edge types."""
        database = self.open(create=True)
        with arcade.errors(self.path):
            for statement in schema_statements(schema):
                database.command("opencypher", statement).close()
            for edge_type in sorted(schema.edges):
                database.command("sql", f"CREATE EDGE TYPE {arcade.quote(edge_type)} IF NOT EXISTS").close()

    def sink(self, progress: Progress = silent) -> Sink:
        """Where a load puts its rows: a folder of its own for the first one, transactional batches later."""
        if self._sink is not None:
            self._sink.give_up()
        if self._database is None and self._exists():
            arcade.check_files(self.path)
        sweep(self.path.parent, self.path.name)
        self._sink = ChoosingSink(
            is_empty=self._is_empty,
            bulk=lambda: BulkSink(self.path, self.series_folder, self._is_empty, self._let_go, progress),
            merge=lambda: MergeSink(self, progress),
        )
        return self._sink

    def sources(self) -> tuple[SourceInfo, ...]:
        """The sources that ever began a load here, by name."""
        return super().sources() if self._exists() and f"{RESERVED}Source" in self._counts() else ()

    def contents(self) -> Contents | None:
        """What the store holds by its own account; None before the first load is complete."""
        return super().contents() if self._exists() and f"{RESERVED}Contents" in self._counts() else None

    def check_engine(self) -> list[str]:
        """What the engine's own check of its files finds, one line each."""
        with arcade.errors(self.path):
            (found,) = self.open().command("sql", "CHECK DATABASE").to_list()
        return [f"the engine finds {name}: {found[name]}" for name in _FAULTS if found.get(name)]

    def create_index(self, index: Index) -> str:
        """Create a full-text or vector index unless it is there; its name for `search`."""
        label, name = arcade.quote(index.label), arcade.quote(index.property)
        vector = f'LSM_VECTOR METADATA {{"dimensions": {index.dimensions}, "similarity": "COSINE"}}'
        kind, rule = ("STRING", "FULL_TEXT") if index.dimensions is None else ("ARRAY_OF_FLOATS", vector)
        database = self.open(create=True)
        with arcade.errors(self.path):
            database.command("sql", f"CREATE PROPERTY {label}.{name} IF NOT EXISTS {kind}").close()
            database.command("sql", f"CREATE INDEX IF NOT EXISTS ON {label} ({name}) {rule}").close()
        return f"{index.label}[{index.property}]"

    def search(self, index: str, sought: str | Sequence[float], k: int = 10) -> list[Hit]:
        """The k best nodes of an index for a text or a vector, ties by id."""
        return [Hit(*row) for row in self.query(*search_statement(index, sought, k)).rows]

    def info(self) -> Info:
        """What the store is and holds."""
        counts = self._counts() if self._exists() else {}
        named = {name: one for name, one in counts.items() if not name.startswith(RESERVED)}
        return Info(
            kind="embedded",
            address=self.address,
            version=f"ArcadeDB {arcade.chosen().version}",
            nodes={name: count for name, (kind, count) in sorted(named.items()) if kind == "vertex"},
            edges={name: count for name, (kind, count) in sorted(named.items()) if kind == "edge"},
            sources=tuple(source.name for source in self.sources()),
        )

    def close(self) -> None:
        """Close the store; an unfinished first load leaves nothing."""
        if self._sink is not None:
            self._sink.give_up()
            self._sink = None
        self._let_go()

    def _let_go(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            with arcade.errors(self.path):
                database.close()
            if not self._is_read_only and (self._is_written or not (self.path / sums.FILE).exists()):
                sums.write(self.path)
            # The engines write as the umask says.
            tighten(self.path)

    def _exists(self) -> bool:
        """Whether the store is there; a folder of other things must not become one, for a first load replaces it."""
        if self._database is not None or (self.path / "configuration.json").exists():
            return True
        if self.path.exists() and not (self.path.is_dir() and not any(self.path.iterdir())):
            raise StoreError(f"{self.path} is no store and not an empty folder; name another one with --store")
        return False

    def open(self, *, create: bool = False) -> Any:
        """The database of the engine, read-only where the folder cannot be written.

        Raises:
            StoreError: there is none, or it cannot be opened.
            Unreachable: another process has it open.
        """
        if self._database is None:
            is_there = self._exists()
            self._is_written = False
            if not is_there and not create:
                raise StoreError(
                    f"the store {self.path} is empty; next: graphrec load MAPPING, or graphrec demo for a built-in bank"
                )
            if is_there:
                # Before the engine sees it: it strikes a file that is gone from its schema, and nobody can tell later.
                arcade.check_files(self.path)
            read_only = is_there and not create and self._is_read_only
            self._database = arcade.open_database(self.path, create=not is_there, read_only=read_only)
        if create and not self._is_written:
            sums.remove(self.path)
            self._is_written = True
        return self._database

    @property
    def _is_read_only(self) -> bool:
        """Whether the folder cannot be written: on a read-only disk, or of another user."""
        return self.path.exists() and not os.access(self.path, os.W_OK)

    def _counts(self) -> dict[str, tuple[str, int]]:
        """Kind and number of rows of every type."""
        with arcade.errors(self.path):
            rows = self.open().query("sql", "SELECT name, type, records FROM schema:types").to_list()
        return {row["name"]: (row["type"], row["records"]) for row in rows}

    def _is_empty(self) -> bool:
        return not self._exists() or not any(count for _, count in self._counts().values())

    def _text(self, statement: LiteralString) -> LiteralString:
        if not queries.is_name(statement):
            return statement
        return queries.text(statement, queries.roles(self.read_schema()))

    def _command(self, text: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.open(create=True).command("opencypher", text, parameters).to_list()
        return found

    def _transact(self, run: Callable[[], _T]) -> _T:
        with arcade.errors(self.path):
            result: _T = self.open(create=True).run_in_transaction(run)
            return result


#: What CHECK DATABASE counts or lists that a store in order has none of.
_FAULTS = (
    "totalErrors",
    "totalWarnings",
    "warnings",
    "corruptedRecords",
    "corruptedIndexes",
    "undecodableRecords",
    "invalidLinks",
    "edgesMissingOutReference",
    "edgesMissingInReference",
    "missingReferenceBack",
    "unreachableEdgeRecords",
    "danglingPlaceholderPointers",
    "staleRecordCounters",
)


def _result(text: str, rows: list[dict[str, Any]]) -> Result:
    columns = tuple(rows[0]) if rows else queries.columns(text)
    return Result(columns, [tuple(_plain(value) for value in row.values()) for row in rows])


def _plain(value: Any) -> Any:
    """A node or edge of a person's own statement as the map of its properties."""
    if isinstance(value, dict):
        return {
            name: _plain(one) for name, one in value.items() if name not in ("@rid", "@type", "@cat", "@in", "@out")
        }
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
