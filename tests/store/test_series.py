"""The series of a home: an increment adds to the rows that are there."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from graphrec.store.series import series_file, write_series


def rows(*named: dict[str, object], values: tuple[str, ...]) -> pa.RecordBatchReader:
    fixed = [("id", pa.string()), ("at", pa.timestamp("us", tz="UTC"))]
    return pa.Table.from_pylist(
        list(named), pa.schema([*fixed, *((value, pa.float64()) for value in values)])
    ).to_reader()


def test_an_increment_with_a_value_that_older_rows_lack_keeps_them(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    first, second = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)
    older = rows({"id": "p1", "at": first, "close": 1.0}, {"id": "p1", "at": second, "close": 2.0}, values=("close",))
    write_series(tmp_path / "series", "bank", "price", older)
    newer = rows({"id": "p1", "at": second, "close": None, "volume": 7.0}, values=("close", "volume"))
    write_series(tmp_path / "series", "bank", "price", newer, full=False)
    assert pq.read_table(series_file(tmp_path / "series", "bank", "price")).to_pylist() == [
        {"id": "p1", "at": second, "close": 2.0, "volume": 7.0},
        {"id": "p1", "at": first, "close": 1.0, "volume": None},
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["series"]
