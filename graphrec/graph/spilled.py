"""A sink for one load whose edges lie in Parquet files: a snapshot of more edges than memory holds."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from graphrec.errors import GraphrecError
from graphrec.graph.memory import latest_series, with_form
from graphrec.graph.rows import Counts, Identities, Part, Source, edge_fields, node_fields
from graphrec.schema import GraphSchema

BATCH = 1 << 20
"""Rows that are read at once."""


class EdgeFile:
    """The edges of one type in a file, as tables without the keys that tell events apart."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[pa.Table]:
        with pq.ParquetFile(self._path) as file:
            columns = [name for name in file.schema_arrow.names if name != "key"]
            for batch in file.iter_batches(BATCH, columns=columns):
                yield pa.Table.from_batches([batch])


class SpilledSink:
    """Nodes, series and split of one load in memory, its edges in files: complete after `finish`.

    Unlike `MemorySink` it takes one load alone, so that it merges nothing.

    Args:
        folder: empty; the files lie in it and outlive the sink.
    """

    def __init__(self, folder: Path) -> None:
        self.nodes: dict[str, pa.Table] = {}
        self.edges: dict[str, EdgeFile] = {}
        self.series: dict[str, pa.Table] = {}
        self.split: dict[Part, pa.Table] | None = None
        self._folder = folder
        self._source: Source | None = None
        self._nodes: dict[str, list[pa.Table]] = {}
        self._writers: dict[str, pq.ParquetWriter] = {}

    @property
    def schema(self) -> GraphSchema:
        """The schema of the source.

        Raises:
            GraphrecError: nothing was loaded yet.
        """
        if self._source is None:
            raise GraphrecError("nothing was loaded yet; load a mapping first")
        return self._source.schema

    def is_current(self, source: Source) -> bool:  # noqa: ARG002 - as every sink is asked
        """No: nothing was loaded before."""
        return False

    def begin(self, source: Source) -> None:
        """Start the load."""
        if self._source is not None:
            raise GraphrecError("this sink takes one load alone; take another one for a second load")
        self._source = source

    def known_ids(self, label: str) -> pa.Array:  # noqa: ARG002 - as every sink is asked
        """None: nothing was loaded before."""
        return pa.array([], pa.string())

    def would_remove(self, brought: Mapping[str, Identities]) -> dict[str, tuple[int, int]]:  # noqa: ARG002 - as above
        """Nothing."""
        return {}

    def add_nodes(self, label: str, rows: pa.Table) -> Counts:
        """Take nodes of one label."""
        self._nodes.setdefault(label, []).append(rows)
        return Counts(created=rows.num_rows)

    def add_edges(self, edge_type: str, rows: pa.Table) -> Counts:
        """Take edges of one type."""
        if edge_type not in self._writers:
            self._writers[edge_type] = self._writer(edge_type)
        writer = self._writers[edge_type]
        writer.write_table(with_form(rows, writer.schema))
        return Counts(created=rows.num_rows)

    def add_series(self, name: str, rows: pa.RecordBatchReader) -> None:
        """Take the rows of a series."""
        table = rows.read_all()
        self.series[name] = latest_series([*([self.series[name]] if name in self.series else []), table])

    def finish(self, split: dict[Part, pa.Table] | None) -> dict[str, int]:
        """Close the files; nothing is removed."""
        schema = self.schema
        for label, node in schema.nodes.items():
            form = node_fields(node.columns)
            brought = [with_form(rows, form) for rows in self._nodes.pop(label, [])]
            self.nodes[label] = pa.concat_tables([form.empty_table(), *brought])
        for edge_type in schema.edges:
            if edge_type not in self._writers:
                self._writers[edge_type] = self._writer(edge_type)
            self._writers[edge_type].close()
            self.edges[edge_type] = EdgeFile(self._file(edge_type))
        self.split = split or None
        return {}

    def _writer(self, edge_type: str) -> pq.ParquetWriter:
        return pq.ParquetWriter(
            self._file(edge_type), edge_fields(self.schema.edges[edge_type].columns), compression="zstd"
        )

    def _file(self, edge_type: str) -> Path:
        return self._folder / f"{sorted(self.schema.edges).index(edge_type)}.parquet"
