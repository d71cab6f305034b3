"""The series of a home: an increment adds to the rows that are there."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from graphrec.graph.series import series_features
from graphrec.schema import SeriesSchema
from graphrec.store.series import series_file, series_of, write_series


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


@pytest.mark.slow
def test_all_rows_of_an_id_come_together_however_many_batches_there_are(tmp_path: Path) -> None:
    series = SeriesSchema("price", "Product", ("close", "volume"))
    rng = np.random.default_rng(3)
    names = rng.permutation(np.repeat([f"p{n:03}" for n in range(40)], 7_000))  # more than two batches of DuckDB's
    days = pa.array(np.arange(len(names)) * 1_000_000, pa.timestamp("us", tz="UTC"))
    close, volume = rng.random(len(names)), rng.random(len(names))
    bank = pa.table({"id": names, "at": days, "close": close, "volume": pa.nulls(len(names), pa.float64())})
    agency = pa.table({"id": names, "at": days, "close": -close, "volume": volume})
    write_series(tmp_path / "series", "bank", "price", bank.to_reader())
    write_series(tmp_path / "series", "agency", "price", agency.to_reader())
    tables = list(series_of(tmp_path / "series", series, ["bank", "agency"]).by_id())
    assert len(tables) > 1
    seen = [name for table in tables for name in table["id"].unique().to_pylist()]
    assert seen == sorted(set(names.tolist()))
    whole = pa.concat_tables(tables)
    order = np.lexsort((np.arange(len(names)), names))
    assert whole["at"].to_pylist() == days.take(pa.array(order)).to_pylist()
    assert whole["close"].to_pylist() == close[order].tolist()  # the first source that has a value gives it
    assert whole["volume"].to_pylist() == volume[order].tolist()
    some = pa.concat_tables(series_of(tmp_path / "series", series, ["bank", "agency"]).by_id(["p007", "p003", "none"]))
    assert some.equals(whole.filter(pc.is_in(whole["id"], pa.array(["p003", "p007"]))).combine_chunks())
    found = series_features(whole, ("close", "volume"), None)
    again = series_features(series_of(tmp_path / "series", series, ["bank", "agency"]), ("close", "volume"), None)
    for value in found:
        assert found[value][0] == again[value][0]
        assert np.array_equal(found[value][1], again[value][1], equal_nan=True)
    assert [path.name for path in tmp_path.iterdir()] == ["series"]
