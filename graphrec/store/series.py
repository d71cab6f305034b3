"""Time series beside a store: one Parquet file per source and series, written whole."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from graphrec.files import whole_file
from graphrec.schema import SeriesSchema

if TYPE_CHECKING:
    import pyarrow as pa


def series_file(folder: Path, source: str, name: str) -> Path:
    """Where one source's rows of a series are; odd characters are percent-encoded, `@` among them."""
    return folder / f"{quote(source, safe='')}@{quote(name, safe='')}.parquet"


def write_series(folder: Path, source: str, name: str, rows: "pa.Table", *, full: bool = True) -> None:
    """Replace one source's rows of a series, or, when it is no full load, those of the same id and time."""
    import pyarrow.parquet as pq

    from graphrec.graph.memory import latest_series

    file = series_file(folder, source, name)
    if not full and file.exists() and set(rows.column_names) <= set(pq.read_schema(file).names):
        rows = latest_series([rows, pq.read_table(file).select(rows.column_names).cast(rows.schema)])
    with whole_file(file) as temporary:
        pq.write_table(rows, temporary)


def read_series(folder: Path, series: SeriesSchema, sources: Sequence[str]) -> "pa.Table":
    """The rows of a series from all sources in their order: id, at, values; no rows when there is no file."""
    import pyarrow.parquet as pq

    from graphrec.graph.memory import latest_series

    fields = series_fields(series)
    files = [series_file(folder, source, series.name) for source in sources]
    tables = [pq.read_table(file, columns=fields.names).cast(fields) for file in files if file.exists()]
    return latest_series(tables) if tables else fields.empty_table()


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
