"""The first load: written in bulk into a folder of its own that becomes the store when it is whole.

A killed bulk write leaves ArcadeDB's files torn, so nothing is ever written in bulk where a reader could look.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphrec.errors import StoreError, Unreachable
from graphrec.files import replace_folder
from graphrec.graph.rows import Counts, Identities, Part, Source
from graphrec.progress import Progress, silent
from graphrec.store.embedded import arcade
from graphrec.store.embedded.lock import exclusive
from graphrec.store.kinds import Kind, kinds_of
from graphrec.store.series import write_series
from graphrec.store.values import to_stored
from graphrec.store.writing.loading import Account, Completion, check_fits, row_fields, schema_statements

if TYPE_CHECKING:
    import pyarrow as pa

#: Rows that cross to the engine at once.
CHUNK_ROWS = 20_000


class BulkSink:
    """Writes one load into an empty store.

    Args:
        path: the folder of the store, absent or without rows.
        series_folder: where the series of the home are.
        is_empty: whether the store still is, asked when other first loads are kept out.
        let_go: called before the folder takes its place, to close what is open there.
    """

    def __init__(
        self,
        path: Path,
        series_folder: Path,
        is_empty: Callable[[], bool],
        let_go: Callable[[], None],
        progress: Progress = silent,
    ) -> None:
        self._path = path
        self._series_folder = series_folder
        self._is_empty = is_empty
        self._let_go = let_go
        self._progress = progress
        self._stack = ExitStack()
        self._source: Source | None = None
        self._database: Any = None
        self._batch: Any = None
        self._ids: dict[str, list[pa.Array]] = {}
        self._records: dict[str, list[pa.Array]] = {}
        self._account: Account | None = None

    def begin(self, source: Source) -> None:
        """Start the load in a folder beside the store.

        Raises:
            Unreachable: another process is loading it for the first time, or just did.
        """
        check_fits(source, [])
        self._source, self._account = source, Account(source)
        with ExitStack() as stack:
            stack.enter_context(exclusive(self._path))
            if not self._is_empty():
                raise Unreachable(f"another process has just loaded the store {self._path}; run this again")
            folder = stack.enter_context(replace_folder(self._path))
            self._database = arcade.open_database(folder, create=True)
            stack.callback(self._close)
            with arcade.errors(self._path):
                for label in sorted(source.schema.nodes):
                    self._command(f"CREATE VERTEX TYPE {arcade.quote(label)}")
                for edge_type in sorted(source.schema.edges):
                    self._command(f"CREATE EDGE TYPE {arcade.quote(edge_type)}")
                self._batch = self._database.graph_batch()
            self._stack = stack.pop_all()

    def known_ids(self, label: str) -> "pa.Array":
        """The ids that this load brought."""
        import pyarrow.compute as pc

        ids, _ = self._vertices(label)
        return ids.take(pc.sort_indices(ids))

    def would_remove(self, brought: Mapping[str, Identities]) -> dict[str, tuple[int, int]]:
        """Nothing: a load in bulk removes no rows."""
        del brought
        return {}

    def add_nodes(self, label: str, rows: "pa.Table") -> Counts:
        """Write nodes."""
        import pyarrow as pa

        for chunk in self._chunks(Kind(label), rows):
            stamped = [{**_present(row), **self._stamp()} for row in chunk.to_pylist()]
            with arcade.errors(self._path):
                records = self._batch.create_vertices(label, stamped)
            self._ids.setdefault(label, []).append(chunk["id"].combine_chunks())
            self._records.setdefault(label, []).append(pa.array(records, pa.string()))
        return Counts(read=len(rows), created=len(rows))

    def add_edges(self, edge_type: str, rows: "pa.Table") -> Counts:
        """Write edges."""
        edge = self._begun.schema.edges[edge_type]
        for chunk in self._chunks(Kind(edge_type, edge.source, edge.target), rows):
            sources, targets = self._find(edge.source, chunk["source"]), self._find(edge.target, chunk["target"])
            properties = chunk.drop_columns(["source", "target"]).to_pylist()
            stamped = [{**_present(row), **self._stamp()} for row in properties]
            with arcade.errors(self._path):
                self._batch.new_edges(sources, edge_type, targets, stamped)
        return Counts(read=len(rows), created=len(rows))

    def add_series(self, name: str, rows: "pa.RecordBatchReader") -> None:
        """Write this source's rows of a series; without a store nothing speaks of them."""
        write_series(self._series_folder, self._begun.name, name, rows)

    def finish(self, split: "dict[Part, pa.Table] | None") -> dict[str, int]:
        """Complete the load: the folder takes its place, whole."""
        source = self._begun
        self._progress("writing the store", 0, None)
        with arcade.errors(self._path):
            self._batch.close()
            self._batch = None
            for statement in schema_statements(source.schema):
                self._database.command("opencypher", statement).close()
            with self._database.transaction():
                files_hash = source.files_hash if source.full else ""
                contents = self._counted.contents(split, self._series_folder)
                completion = Completion(source, split, source.schema, files_hash, kinds_of(source.schema), contents)
                for one in completion.statements():
                    self._database.command("opencypher", one.text, dict(one.parameters)).close()
        self._let_go()
        self._stack.close()
        return {}

    def give_up(self) -> None:
        """Leave nothing of this load."""
        error = StoreError("the load was given up")
        with suppress(StoreError):
            if not self._stack.__exit__(StoreError, error, None):
                raise error

    @property
    def _begun(self) -> Source:
        if self._source is None:
            raise StoreError("rows came before the load began; call begin first")
        return self._source

    @property
    def _counted(self) -> Account:
        if self._account is None:
            raise StoreError("rows came before the load began; call begin first")
        return self._account

    def _stamp(self) -> dict[str, Any]:
        return {"sources": [self._begun.name], "run": self._begun.run}

    def _chunks(self, kind: Kind, rows: "pa.Table") -> "Iterator[pa.Table]":
        fields = row_fields(self._begun.schema, kind)
        rows = rows.select(fields.names).cast(fields)
        stored = to_stored(rows)
        for start in range(0, len(stored), CHUNK_ROWS):
            yield stored.slice(start, CHUNK_ROWS)
            self._counted.add(kind, rows.slice(start, CHUNK_ROWS))
            self._progress(kind.name, min(start + CHUNK_ROWS, len(stored)), len(stored))

    def _vertices(self, label: str) -> "tuple[pa.Array, pa.Array]":
        """The ids and the engine's record ids of a label, in the same order."""
        import pyarrow as pa

        for parts in (self._ids, self._records):
            parts[label] = [pa.concat_arrays([pa.array([], pa.string()), *parts.get(label, [])])]
        return self._ids[label][0], self._records[label][0]

    def _find(self, label: str, ids: "pa.ChunkedArray") -> list[str]:
        import pyarrow.compute as pc

        known, records = self._vertices(label)
        found = records.take(pc.index_in(ids, value_set=known).combine_chunks())
        if found.null_count:
            unknown = ids.filter(found.is_null())[0].as_py()
            raise StoreError(f"an edge names {label} {unknown!r}, and the load brings no such node; reject it before")
        return list(found.to_pylist())

    def _command(self, statement: str) -> None:
        self._database.command("sql", statement).close()

    def _close(self) -> None:
        if self._batch is not None:
            with suppress(*arcade.failures()):
                self._batch.close()
            self._batch = None
        self._database.close()


def _present(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}
