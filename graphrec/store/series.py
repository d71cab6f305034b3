"""Time series beside a store: one Parquet file per source and series, written whole."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from graphrec.files import private_folder, whole_file
from graphrec.schema import SeriesSchema

if TYPE_CHECKING:
    import pyarrow as pa


def series_file(folder: Path, source: str, name: str) -> Path:
    """Where one source's rows of a series are; odd characters are percent-encoded, `@` among them."""
    return folder / f"{quote(source, safe='')}@{quote(name, safe='')}.parquet"


def write_series(
    folder: Path, source: str, name: str, rows: "pa.RecordBatchReader", *, full: bool = True, memory: str = "25%"
) -> None:
    """Replace one source's rows of a series, or, when it is no full load, those of the same id and time.

    Args:
        folder: where the series of the home are.
        source: whose rows they are.
        name: the series.
        rows: read batch by batch, so that memory does not grow with them.
        full: whether they are all the rows of this source.
        memory: what the merge of an increment may take before it spills into the home.
    """
    import pyarrow.parquet as pq

    file = series_file(folder, source, name)
    with whole_file(file) as temporary:
        if full or not file.exists():
            _write(temporary, rows)
            return
        with private_folder(folder.parent, "series") as scratch:
            newer = scratch / "newer.parquet"
            _write(newer, rows)
            with _merged(newer, file, pq.read_schema(file).names, scratch, memory) as merged:
                _write(temporary, merged)


def _write(file: Path, rows: "pa.RecordBatchReader") -> None:
    import pyarrow.parquet as pq

    with pq.ParquetWriter(file, rows.schema) as writer:
        for batch in rows:
            writer.write_batch(batch)


@contextmanager
def _merged(
    newer: Path, older: Path, known: Sequence[str], scratch: Path, memory: str
) -> "Iterator[pa.RecordBatchReader]":
    """The newer rows in their order, gaps in them filled from the older ones, and then the other older rows."""
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = pq.read_schema(newer)
    columns = [_quoted(column) for column in fields.names]
    older_columns = [
        _quoted(column) if column in known else f"NULL::DOUBLE AS {_quoted(column)}" for column in fields.names
    ]
    key = ", ".join(columns[:2])
    values = columns[:2] + [f"coalesce(newer.{column}, older.{column})" for column in columns[2:]]
    spill = scratch / "spill"
    with duckdb.connect(config={"temp_directory": str(spill), "memory_limit": memory}) as database:
        database.execute("SET TimeZone = 'UTC'")
        database.execute("SET enable_progress_bar = false")  # DuckDB's own goes to stdout
        rows = database.sql(
            "WITH newer AS (SELECT *, file_row_number AS _row FROM read_parquet(?, file_row_number = true)), "
            f"older AS (SELECT {', '.join(older_columns)}, file_row_number AS _row "
            "FROM read_parquet(?, file_row_number = true)), "
            f"whole AS (SELECT {', '.join(values)}, 0 AS _part, newer._row "
            f"FROM newer LEFT JOIN older USING ({key}) "
            f"UNION ALL SELECT {', '.join(columns)}, 1, _row FROM older ANTI JOIN newer USING ({key})) "
            "SELECT * EXCLUDE (_part, _row) FROM whole ORDER BY _part, _row",
            params=[str(newer), str(older)],
        ).to_arrow_reader()
        batches = (pa.Table.from_batches([batch]).rename_columns(fields.names).cast(fields) for batch in rows)
        yield pa.RecordBatchReader.from_batches(fields, (part for table in batches for part in table.to_batches()))


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def read_series(folder: Path, series: SeriesSchema, sources: Sequence[str]) -> "pa.Table":
    """The rows of a series from all sources in their order: id, at, values; no rows when there is no file."""
    import pyarrow.parquet as pq

    from graphrec.graph.memory import latest_series

    fields = series_fields(series)
    files = [series_file(folder, source, series.name) for source in sources]
    tables = [pq.read_table(file, columns=fields.names).cast(fields) for file in files if file.exists()]
    return latest_series(tables) if tables else fields.empty_table()


def read_all_series(folder: Path, series: SeriesSchema) -> "pa.Table":
    """The rows of a series from all sources that have files: id, at, values."""
    ending = f"@{quote(series.name, safe='')}.parquet"
    sources = sorted(unquote(file.name.removesuffix(ending)) for file in folder.glob(f"*{ending}"))
    return read_series(folder, series, sources)


def remove_series(folder: Path, source: str, keep: Sequence[str]) -> None:
    """Remove the files of one source's series that are not to keep."""
    kept = {series_file(folder, source, name) for name in keep}
    for file in folder.glob("*.parquet") if folder.is_dir() else ():
        if file.name.startswith(f"{quote(source, safe='')}@") and file not in kept:
            file.unlink()


def series_fields(series: SeriesSchema) -> "pa.Schema":
    """The Arrow schema of a series: id, at and one double per value."""
    import pyarrow as pa

    fixed = [pa.field("id", pa.string()), pa.field("at", pa.timestamp("us", tz="UTC"))]
    return pa.schema([*fixed, *(pa.field(value, pa.float64()) for value in series.values)])
