"""Time series beside a store: one Parquet file per source and series, written whole."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import numpy as np

from graphrec.files import private_folder, whole_file
from graphrec.progress import Progress
from graphrec.schema import SeriesSchema

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


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


@dataclass(frozen=True)
class SeriesFiles:
    """The rows of a series from all its sources: one for every id and time, each value from the first that has one."""

    series: SeriesSchema
    files: tuple[Path, ...]
    """Sources that come first stand first."""

    def by_id(self, only: Sequence[str] | None = None) -> "Iterator[pa.Table]":
        """Tables of id, at and the values, sorted by id and time; all rows of an id are in one of them.

        Args:
            only: ids; rows of others are not read. None: of all.

        The rows are sorted on disk beside the series where they take more than a quarter of the memory.
        """
        import duckdb
        import pyarrow as pa
        import pyarrow.compute as pc

        if not self.files:
            return
        with (
            private_folder(self.files[0].parent.parent, "series") as scratch,
            duckdb.connect(config={"temp_directory": str(scratch / "spill"), "memory_limit": "25%"}) as database,
        ):
            database.execute("SET TimeZone = 'UTC'")
            database.execute("SET enable_progress_bar = false")
            params = [one for file in self.files for one in ((str(file),) if only is None else (str(file), list(only)))]
            rows = database.sql(self._statement(only is not None), params=params).to_arrow_reader()
            fields, held = series_fields(self.series), None
            for batch in rows:
                table = pa.Table.from_batches([batch]).rename_columns(fields.names).cast(fields)
                if not table.num_rows:
                    continue
                whole = table if held is None else pa.concat_tables([held, table])
                # The last id of a batch may go on in the next one.
                ends = pc.index(whole["id"], whole["id"][-1]).as_py()
                held = whole.slice(ends)
                if ends:
                    yield whole.slice(0, ends)
            if held is not None:
                yield held

    def courses(
        self, value: str, progress: Progress, only: Sequence[str] | None = None
    ) -> "Iterator[tuple[str, NDArray[np.int64], NDArray[np.float64]]]":
        """Each id with its times in microseconds since 1970, ascending, and what one value was then, NaN: nothing.

        Shapes: times and values (num_times,).
        """
        import pyarrow as pa

        for done, table in enumerate(self.by_id(only)):
            progress("reading prices", done, None)
            names = np.asarray(table["id"].to_numpy(zero_copy_only=False), object)
            times = np.asarray(table["at"].cast(pa.int64()).to_numpy(), np.int64)
            values = np.asarray(table[value].to_numpy(zero_copy_only=False), np.float64)
            bounds = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist(), len(names)]
            for start, end in pairwise(bounds):
                yield str(names[start]), times[start:end], values[start:end]

    def _statement(self, some: bool) -> str:
        import pyarrow.parquet as pq

        names = [_quoted(name) for name in self.series.values]
        parts, chosen = [], " WHERE id IN (SELECT unnest(?::VARCHAR[]))" if some else ""
        for position, file in enumerate(self.files):
            known = pq.read_schema(file).names
            columns = [
                quoted if name in known else f"NULL::DOUBLE AS {quoted}"
                for name, quoted in zip(self.series.values, names, strict=True)
            ]
            parts.append(f'SELECT id, "at", {", ".join(columns)}, {position} AS _part FROM read_parquet(?){chosen}')
        if len(parts) == 1:
            return f'SELECT * EXCLUDE (_part) FROM ({parts[0]}) ORDER BY id, "at"'
        first = [f"arg_min({name}, _part) FILTER ({name} IS NOT NULL) AS {name}" for name in names]
        whole, key = " UNION ALL ".join(parts), 'id, "at"'
        return f"SELECT {key}, {', '.join(first)} FROM ({whole}) GROUP BY {key} ORDER BY {key}"


def series_of(folder: Path, series: SeriesSchema, sources: Sequence[str]) -> SeriesFiles:
    """The rows of a series from these sources, as far as they have any."""
    files = (series_file(folder, source, series.name) for source in sources)
    return SeriesFiles(series, tuple(file for file in files if file.exists()))


def all_series(folder: Path, series: SeriesSchema) -> SeriesFiles:
    """The rows of a series from all sources that have files."""
    ending = f"@{quote(series.name, safe='')}.parquet"
    sources = sorted(unquote(file.name.removesuffix(ending)) for file in folder.glob(f"*{ending}"))
    return series_of(folder, series, sources)


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
