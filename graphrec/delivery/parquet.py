"""Lists as Parquet: a file beside one of the users without a list, or a folder with a part for each run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphrec.delivery.rows import TIMES, Batch, Packing, Row, Without
from graphrec.delivery.sinks import SinkReport, SinkSpec, TableTarget, Target
from graphrec.delivery.text_files import FileReport, both_files
from graphrec.files import replace_folder, whole_file

RUN = ("run",)
PART_USERS = 1_000_000
"""Users whose lists one file of a folder holds; another file follows."""

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq


class _Parquet:
    """Writes both tables; columns of `given` stand in the name of the folder."""

    def __init__(
        self, lists: pq.ParquetWriter, without: pq.ParquetWriter, path: Path, given: Sequence[str] = ()
    ) -> None:
        self._lists = lists
        self._without = without
        self._path = path
        self._given = given

    def write(self, batch: Batch) -> None:
        """Write the rows of some answers as one row group."""
        if batch.packed is None:
            self._lists.write_table(_table(batch.rows, Row, self._given))
            self._without.write_table(_table(batch.without, Without, self._given))
            return
        for writer, table, records in zip((self._lists, self._without), batch.packed, batch.records, strict=True):
            writer.write_table(_unpacked(table, records))

    def finish(self, totals: SinkReport) -> FileReport:
        """What was written."""
        return FileReport(totals.users, totals.rows, totals.without_list, str(self._path))


class _Parts:
    """A part of a folder: `run=RUN/lists.parquet` and `run=RUN/without.parquet`; readers take `run` for a column.

    After PART_USERS users, `lists.2.parquet` and `without.2.parquet` follow, and so on: where a file ends depends on
    the users alone, not on who made their lists.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._temporary: Path | None = None
        self._part: _Parquet | None = None
        self._open_files = stack.enter_context(ExitStack())
        self._users = self._number = 0

    def write(self, batch: Batch) -> None:
        """Write the rows of some answers; the first of them names the part."""
        if not any(batch.counts):
            return
        if self._temporary is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._folder = self._folder / f"run={batch.run}"
            self._temporary = self._stack.enter_context(replace_folder(self._folder))
            # Files are closed before the folder takes its place.
            self._stack.callback(self._open_files.close)
        if self._part is None or self._users >= PART_USERS:
            self._part = self._next(self._temporary)
        self._part.write(batch)
        self._users += len(batch.lists)

    def _next(self, folder: Path) -> _Parquet:
        self._open_files.close()
        self._users, self._number = 0, self._number + 1
        suffix = ".parquet" if self._number == 1 else f".{self._number}.parquet"
        lists = self._open_files.enter_context(_writer(folder / f"lists{suffix}", Row, RUN))
        without = self._open_files.enter_context(_writer(folder / f"without{suffix}", Without, RUN))
        return _Parquet(lists, without, self._folder, RUN)

    def finish(self, totals: SinkReport) -> PartReport:
        """What was written."""
        return PartReport(totals.users, totals.rows, totals.without_list, str(self._folder))


class PartReport(FileReport):
    """What was written to a folder."""

    @property
    def where(self) -> str:
        """Where the users without a list are."""
        return str(Path(self.path) / "without.parquet")


def _fields(kind: type[Row | Without], given: Sequence[str] = ()) -> pa.Schema:
    import pyarrow as pa

    number, moment = pa.float64(), pa.timestamp("us", tz="UTC")
    reason = pa.struct([("text", pa.string()), ("percent", number), ("kind", pa.string()), ("lines", pa.int32())])
    kinds: dict[str, Any] = {
        "rank": pa.int32(), "record": pa.int64(), "reasons": pa.list_(reason),
        **dict.fromkeys(("score", "reason_share", "reason_percent", "confidence"), number),
        **dict.fromkeys(TIMES, moment),
    }  # fmt: skip
    return pa.schema([(name, kinds.get(name, pa.string())) for name in kind._fields if name not in given])


def _table(rows: Sequence[Row | Without], kind: type[Row | Without], given: Sequence[str] = ()) -> pa.Table:
    import pyarrow as pa

    columns = dict(zip(kind._fields, zip(*rows, strict=True), strict=True)) if rows else {}
    fields = _fields(kind, given)
    return pa.table([_column(name, columns.get(name, ())) for name in fields.names], fields)


def _packing(given: Sequence[str], _target: Target) -> Packing:
    """Tables that other processes make; the numbers in the decision record come in here."""
    return Packing(lambda rows, without: (_packed(_table(rows, Row, given)), _packed(_table(without, Without, given))))


def _packed(table: pa.Table) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")  # texts of a batch are much alike
    with pa.ipc.new_stream(sink, table.schema, options=options) as stream:
        stream.write_table(table)
    found: bytes = sink.getvalue().to_pybytes()
    return found


def _unpacked(packed: bytes, records: Sequence[int | None]) -> pa.Table:
    import pyarrow as pa

    table = pa.ipc.open_stream(packed).read_all()
    place = table.schema.get_field_index("record")
    return table.set_column(place, table.schema.field(place), pa.array(records, pa.int64()))


def _column(name: str, values: Sequence[Any]) -> list[Any]:
    if name not in TIMES:
        return list(values)
    known = {value: _moment(value) for value in set(values)}
    return [known[value] for value in values]


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _writer(path: Path, kind: type[Row | Without], given: Sequence[str] = ()) -> pq.ParquetWriter:
    import pyarrow.parquet as pq

    return pq.ParquetWriter(str(path), _fields(kind, given))


@contextmanager
def _open(target: Target) -> Iterator[_Parquet]:
    with (
        both_files(target.file) as (lists, without),
        _writer(lists, Row) as first,
        _writer(without, Without) as second,
    ):
        yield _Parquet(first, second, target.file)


@contextmanager
def _open_parts(target: Target) -> Iterator[_Parts]:
    with ExitStack() as stack:
        yield _Parts(target.file, stack)


def _rows(target: TableTarget, rows: Sequence[tuple[Any, ...]]) -> bool:
    with whole_file(target.file) as temporary:
        _write_rows(temporary, target, rows)
    return True


def _part(target: TableTarget, rows: Sequence[tuple[Any, ...]]) -> bool:
    target.file.mkdir(parents=True, exist_ok=True)
    with replace_folder(target.file / f"run={target.run}") as folder:
        _write_rows(folder / f"{target.name}.parquet", target, rows, RUN)
    return True


def _write_rows(path: Path, target: TableTarget, rows: Sequence[tuple[Any, ...]], given: Sequence[str] = ()) -> None:
    """A table whose lists are columns of lists; steps have structured columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    step = pa.struct([("from", pa.string()), ("to", pa.string()), ("at", pa.string()), ("amount", pa.float64())])
    kinds = {"evidence": pa.list_(pa.string()), "path": pa.list_(step)}
    fields = [(name, kinds.get(name, pa.string())) for name in target.fields if name not in given]
    columns = dict(zip(target.fields, zip(*rows, strict=True), strict=True)) if rows else {}
    table = pa.table({name: pa.array(columns.get(name, ()), kind) for name, kind in fields})
    pq.write_table(table, path)


PARQUET = SinkSpec("parquet", _open, ".parquet", lines=False, form=partial(_packing, ()), table=_rows)
PARTITIONS = SinkSpec("parquet folder", _open_parts, "/", lines=False, form=partial(_packing, RUN), table=_part)
