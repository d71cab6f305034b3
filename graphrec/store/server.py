"""How a load writes to a server: merged like into any store, by several writers, with other loads kept out."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, LiteralString

from graphrec import queries
from graphrec.graph.rows import Counts, Part, Source
from graphrec.progress import Progress, silent
from graphrec.store import diff
from graphrec.store.base import Statement, Store
from graphrec.store.loading import Kind, property_rows
from graphrec.store.merge import MergeSink
from graphrec.store.parallel import Cell, batches, cut, run_apart

if TYPE_CHECKING:
    import pyarrow as pa

#: Sessions that write at once: while one waits for its commit, the others keep the server and this process busy.
WRITERS = 3
#: Rows collected before they are cut into cells and written.
COLLECTED_ROWS = 500_000


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
        super().__init__(store, progress, is_alone=True)
        self._hold = hold
        self._writers = writers
        self._held = ExitStack()
        self._collected: dict[tuple[LiteralString, bool], list[pa.Table]] = {}

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
            self._spread(kind, queries.text(name, kind.labels), pa.concat_tables(tables), gaps=gaps)

    def _spread(self, kind: Kind, text: LiteralString, rows: "pa.Table", *, gaps: bool) -> None:
        def work(cell: Cell) -> None:
            for batch in batches(rows.take(cell.positions)):
                given = {"source": self.source.name, "run": self.source.run}
                written = property_rows(batch, kind.identity, gaps=gaps)
                self._store.transaction([Statement(text, {**given, "rows": written})])

        run_apart(cut(kind, rows), work, self._writers)
