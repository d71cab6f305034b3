"""A load needs no more memory than its limit, however large the files are: measured in processes of their own."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphrec.store.series import series_file, write_series
from tests.loading.conftest import SMALL

ROWS = 3_000_000
LOAD = """
import functools, resource, sys
from pathlib import Path
from graphrec.graph.rows import Counts
from graphrec.loading import load_mapping, run_load
from graphrec.loading.run import engine
from graphrec.store.series import write_series

folder = Path(sys.argv[1])
engine.open_database = functools.partial(engine.open_database, memory="80MB")

class Sink:
    def is_current(self, source): return False
    def begin(self, source): self.source = source
    def known_ids(self, label): return None
    def would_remove(self, brought): return {}
    def add_nodes(self, label, rows): return Counts(created=rows.num_rows)
    def add_edges(self, kind, rows): return Counts(created=rows.num_rows)
    def add_series(self, name, rows): write_series(folder / "series", self.source.name, name, rows)
    def finish(self, split): return {}

def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

before = peak()
run_load(load_mapping(folder / "small.toml"), folder, Sink(), scratch=folder / "home")
print(peak() - before)
"""
MERGE = """
import resource, sys
from pathlib import Path
import pyarrow.parquet as pq, pyarrow as pa, duckdb
from graphrec.store.series import write_series

folder = Path(sys.argv[1])
file = pq.ParquetFile(folder / "prices.parquet")
fields = pa.schema([("id", pa.string()), ("at", pa.timestamp("us", tz="UTC")), ("close", pa.float64())])

def batches():
    for batch in file.iter_batches(100_000):
        columns = [column.cast(field.type) for column, field in zip(batch.columns, fields)]
        yield pa.RecordBatch.from_arrays(columns, schema=fields)

def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

before = peak()
rows = pa.RecordBatchReader.from_batches(fields, batches())
write_series(folder / "series", "s", "price", rows, full=False, memory="200MB")
print(peak() - before)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of three million prices: some 100 MB as a table, twice that with file and line."""
    (tmp_path / "people.csv").write_text("person\nAda\n")
    (tmp_path / "things.csv").write_text("thing\n" + "".join(f"product-{number:04}\n" for number in range(1000)))
    (tmp_path / "likes.csv").write_text("person,thing\nAda,product-0001\n")
    with pq.ParquetWriter(tmp_path / "prices.parquet", prices(0, 1).schema) as writer:
        for start in range(0, ROWS, 300_000):
            writer.write_table(prices(start, 300_000))
    series = (
        '[series.price]\nof = "Thing.isin"\nat = "day"\nvalues = ["close"]\nsql = "SELECT isin, day, close FROM prices"'
    )
    files = 'people = "people.csv"\nthings = "things.csv"\nlikes = "likes.csv"\nprices = "prices.parquet"'
    (tmp_path / "small.toml").write_text(SMALL.replace("FILES", files) + series)
    return tmp_path


def prices(start: int, rows: int) -> pa.Table:
    number = np.arange(start, start + rows)
    isin = pa.array([f"product-{each:04}" for each in range(1000)]).take(pa.array(number % 1000))
    return pa.table(
        {"isin": isin, "day": pa.array(number // 1000 * 86_400_000_000, pa.timestamp("us")), "close": number * 0.5}
    )


def megabytes(script: str, folder: Path) -> int:
    """By how much the peak of memory grew."""
    done = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.slow
def test_a_large_series_is_loaded_in_bounded_memory(folder: Path) -> None:
    grown = megabytes(LOAD, folder)
    assert grown < 260  # 500 where nothing limits it
    assert pq.read_metadata(series_file(folder / "series", "small", "price")).num_rows == ROWS
    assert not (folder / "home").exists()


@pytest.mark.slow
def test_an_increment_is_merged_in_bounded_memory(folder: Path) -> None:
    """Every second row is newer, and the others stay."""
    old = prices(0, ROWS).rename_columns(["id", "at", "close"])
    old = old.set_column(1, "at", old["at"].cast(pa.timestamp("us", tz="UTC")))
    write_series(folder / "series", "s", "price", old.slice(ROWS // 2).to_reader(), full=True)
    del old
    grown = megabytes(MERGE, folder)
    assert grown < 260  # 500 where nothing limits it
    file = pq.ParquetFile(series_file(folder / "series", "s", "price"))
    assert file.metadata.num_rows == ROWS
    first = next(file.iter_batches(2)).to_pylist()
    assert [(row["id"], row["close"]) for row in first] == [("product-0000", 0.0), ("product-0001", 0.5)]
