"""Lists as Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from graphrec.delivery.rows import Row, rows_of
from graphrec.delivery.sinks import SinkReport, SinkSpec, Target
from graphrec.delivery.text_files import FileReport
from graphrec.files import whole_file
from graphrec.serving.answer import Answer

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq


class _Parquet:
    def __init__(self, writer: pq.ParquetWriter, fields: pa.Schema, path: Path) -> None:
        self._writer = writer
        self._fields = fields
        self._path = path

    def write(self, answers: Sequence[Answer]) -> None:
        """Write the rows of some answers as one row group."""
        import pyarrow as pa

        columns = list(zip(*rows_of(answers), strict=True)) or [()] * len(Row._fields)
        self._writer.write_table(pa.table([list(column) for column in columns], self._fields))

    def finish(self, totals: SinkReport) -> FileReport:
        """What was written."""
        return FileReport(totals.users, totals.rows, totals.without_list, str(self._path))


def _fields() -> pa.Schema:
    import pyarrow as pa

    kinds = {"rank": pa.int32(), "score": pa.float64(), "reason_share": pa.float64(), "confidence": pa.float64()}
    return pa.schema([(name, kinds.get(name, pa.string())) for name in Row._fields])


@contextmanager
def _open(target: Target) -> Iterator[_Parquet]:
    import pyarrow.parquet as pq

    fields = _fields()
    with whole_file(target.file) as temporary, pq.ParquetWriter(str(temporary), fields) as writer:
        yield _Parquet(writer, fields, target.file)


PARQUET = SinkSpec("parquet", _open, ".parquet")
