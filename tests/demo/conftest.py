"""One S bank for all tests of the demo bank, and SQL over its files."""

from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pytest

from graphrec.demo import BankReport, write_bank
from graphrec.demo.draw.products import Products, draw_products
from graphrec.demo.sizes import SIZES

Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> BankReport:
    """The default bank; its folder is for reading only."""
    return write_bank(tmp_path_factory.mktemp("demo") / "bank")


@pytest.fixture(scope="session")
def catalogue() -> Products:
    """The products of the default bank, with the twin groups that no file tells."""
    return draw_products(SIZES["S"], np.random.default_rng([7, 1]))


@pytest.fixture(scope="session")
def ask(bank: BankReport, catalogue: Products) -> Ask:
    """A function from SQL over the files to rows; `groups` holds each product's group in every relation."""
    database = duckdb.connect()
    for file in sorted(bank.path.rglob("*.*")):
        if file.suffix in {".csv", ".parquet"}:
            database.execute(f"CREATE VIEW {file.stem} AS SELECT * FROM '{file}'")
    database.execute("CREATE TABLE groups (product_id VARCHAR, sector INT, issuer INT, holders INT, text INT)")
    for number in range(catalogue.count):
        labels = [int(groups.of[number]) for groups in catalogue.relations]
        database.execute("INSERT INTO groups VALUES (?, ?, ?, ?, ?)", [f"P{number + 1:05d}", *labels])
    database.execute("CREATE VIEW purchases AS SELECT * FROM interactions WHERE kind IN ('buy', 'hold')")
    return lambda sql: database.execute(sql).fetchall()


def only(rows: list[tuple[Any, ...]]) -> Any:
    """The single value of a single row."""
    ((value,),) = rows
    return value
