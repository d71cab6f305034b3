"""How a load writes to a server: merged like into any store, by several writers, with other loads kept out."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any, LiteralString

from graphrec import queries
from graphrec.graph.rows import EDGE_COLUMNS, Counts, Part, Source
from graphrec.progress import Progress, silent
from graphrec.store.base import Statement, Store
from graphrec.store.kinds import Kind
from graphrec.store.neo4j.parallel import Cell, batches, cut, run_apart
from graphrec.store.writing import diff
from graphrec.store.writing.loading import property_rows
from graphrec.store.writing.merge import MergeSink

if TYPE_CHECKING:
    import pyarrow as pa

#: Sessions that write at once: one commits while the other prepares; more would wait for their turn to commit.
WRITERS = 2
#: How edges that are not there are written: a row is a list, which is cheaper for both sides than maps.
NEW_EDGES: LiteralString = "load/edges_as_lists"
#: Rows collected before they are cut into cells and written.
COLLECTED_ROWS = 500_000


def as_lists(rows: "pa.Table") -> list[tuple[Any, ...]]:
    """The rows of edges as load/edges_as_lists takes them: the values of each in the order of the columns."""
    return list(zip(*(column.to_pylist() for column in rows.columns), strict=True))


class ParallelSink(MergeSink):
    """Merges the rows of one load into a store that takes transactions from several threads.

    Args:
        hold: keeps other loads out as long as it is open, so that edges which were not found can be created.
    """

    def __init__(
        self,
        store: Store,
        hold: Callable[[], AbstractContextManager[None]],
        progress: Progress = silent,
        writers: int = WRITERS,
    ) -> None:
        super().__init__(store, progress)
        self._new_edges = NEW_EDGES
        self._hold = hold
        self._writers = writers
        self._held = ExitStack()
        self._collected: dict[tuple[LiteralString, bool], list[pa.Table]] = {}

    def is_current(self, source: Source) -> bool:
        """Whether the last full load of this source read the same files; after a bulk import the constraints follow."""
        is_current = super().is_current(source)
        if is_current:
            self._store.ensure_schema(source.schema)
        return is_current

    def begin(self, source: Source) -> None:
        """Start a load."""
        with ExitStack() as stack:
            stack.enter_context(self._hold())
            super().begin(source)
            self._held = stack.pop_all()

    def finish(self, split: "dict[Part, pa.Table] | None") -> dict[str, int]:
        """Complete the load and let others in."""
        with self._held:
            return super().finish(split)

    def give_up(self) -> None:
        """Leave the load and let others in."""
        super().give_up()
        self._collected.clear()
        self._held.close()

    def _add(self, kind: Kind, rows: "pa.Table") -> Counts:
        counts = super()._add(kind, rows)
        self._flush(kind)
        return counts

    def _write(self, kind: Kind, batch: "pa.Table", changes: diff.Changes) -> None:
        for name, positions, gaps in self._groups(kind, changes):
            self._collected.setdefault((name, gaps), []).append(batch.take(positions))
        if sum(len(table) for tables in self._collected.values() for table in tables) >= COLLECTED_ROWS:
            self._flush(kind)

    def _flush(self, kind: Kind) -> None:
        import pyarrow as pa

        collected, self._collected = self._collected, {}
        for (name, gaps), tables in collected.items():
            self._spread(kind, name, pa.concat_tables(tables), gaps=gaps)

    def _spread(self, kind: Kind, name: LiteralString, rows: "pa.Table", *, gaps: bool) -> None:
        is_new = name == NEW_EDGES
        listed = rows.column_names[len(EDGE_COLUMNS) :] if is_new else []
        text = queries.text(name, kind.labels, columns=listed)
        rows = rows.sort_by("source") if is_new else rows

        def work(cell: Cell) -> None:
            for batch in batches(rows.take(cell.positions)):
                written = as_lists(batch) if is_new else property_rows(batch, kind.identity, gaps=gaps)
                values = {"source": self.source.name, "run": self.source.run, "rows": written}
                self._store.transaction([Statement(text, values)])

        run_apart(cut(kind, rows), work, self._writers)
