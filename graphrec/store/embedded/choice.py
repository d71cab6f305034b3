"""A sink that chooses when the load begins: in bulk into an empty store, merged into any other."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from graphrec.errors import StoreError
from graphrec.graph.rows import Counts, Identities, Part, Source

if TYPE_CHECKING:
    import pyarrow as pa

    from graphrec.store.embedded.bulk import BulkSink
    from graphrec.store.writing.merge import MergeSink


class ChoosingSink:
    """The sink of the embedded store: an empty store is loaded in bulk, any other one by a merge."""

    def __init__(
        self, *, is_empty: Callable[[], bool], bulk: "Callable[[], BulkSink]", merge: "Callable[[], MergeSink]"
    ) -> None:
        self._is_empty = is_empty
        self._bulk = bulk
        self._merge = merge
        self._chosen: BulkSink | MergeSink | None = None

    def is_current(self, source: Source) -> bool:
        """Whether the last full load of this source read the same files and all it wrote is there."""
        return not self._is_empty() and self._merge().is_current(source)

    def begin(self, source: Source) -> None:
        """Start a load."""
        self.give_up()
        sink = self._bulk() if self._is_empty() else self._merge()
        sink.begin(source)
        self._chosen = sink

    def known_ids(self, label: str) -> "pa.Array":
        """The ids an edge may name."""
        return self._begun().known_ids(label)

    def would_remove(self, brought: Mapping[str, Identities]) -> dict[str, tuple[int, int]]:
        """How many rows of this source are there, and how many of them this load would remove."""
        return self._begun().would_remove(brought)

    def add_nodes(self, label: str, rows: "pa.Table") -> Counts:
        """Merge nodes by id."""
        return self._begun().add_nodes(label, rows)

    def add_edges(self, edge_type: str, rows: "pa.Table") -> Counts:
        """Merge edges by source, target and key."""
        return self._begun().add_edges(edge_type, rows)

    def add_series(self, name: str, rows: "pa.RecordBatchReader") -> None:
        """Replace this source's rows of a series."""
        self._begun().add_series(name, rows)

    def finish(self, split: "dict[Part, pa.Table] | None") -> dict[str, int]:
        """Complete the load."""
        removed = self._begun().finish(split)
        self._chosen = None
        return removed

    def give_up(self) -> None:
        """Abandon an unfinished load."""
        sink, self._chosen = self._chosen, None
        if sink is not None:
            sink.give_up()

    def _begun(self) -> "BulkSink | MergeSink":
        if self._chosen is None:
            raise StoreError("rows came before the load began; call begin first")
        return self._chosen
