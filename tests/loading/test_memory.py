"""The sink in memory: several mappings in one place."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from graphrec.errors import GraphrecError, SourceError
from graphrec.graph.memory import MemorySink
from graphrec.graph.rows import Counts
from graphrec.loading import load_mapping, run_load
from tests.loading.conftest import Bank

SECTORS = """
[source]
name = "sectors"
[source.files]
companies = "companies.csv"
[roles]
user = "Customer"
product = "Product"
interactions = ["BOUGHT", "VIEWED"]
weights = { BOUGHT = 1.0, VIEWED = 0.2 }
relevant = ["BOUGHT"]
min_group = 2
[nodes.Product]
key = "isin"
sql = "SELECT isin, kind, CAST(esg AS DOUBLE) AS esg FROM companies"
[nodes.Company]
key = "company"
sql = "SELECT DISTINCT company FROM companies"
[edges.ISSUED_BY]
from = "Product.isin"
to = "Company.company"
sql = "SELECT isin, company FROM companies"
"""


@pytest.fixture
def two(bank: Bank, tmp_path: Path) -> Callable[[], dict[str, Counts]]:
    """The tiny bank is loaded; calling loads a second mapping of companies."""
    folder = tmp_path / "second"
    folder.mkdir()
    (folder / "companies.csv").write_text("isin,kind,esg,company\nP1,ETF,0.5,Acme\nP7,,0.1,Bolt\n")
    (folder / "sectors.toml").write_text(SECTORS)
    bank.load()

    def load() -> dict[str, Counts]:
        report = run_load(load_mapping(folder / "sectors.toml"), folder, bank.sink)
        return {**report.nodes, **report.edges}

    return load


def test_rows_join_by_key(bank: Bank, two: Callable[[], dict[str, Counts]]) -> None:
    counts = two()
    assert counts["Product"] == Counts(read=2, created=1, changed=1)
    assert counts["ISSUED_BY"] == Counts(read=2, created=2)
    products = {row.pop("id"): row for row in bank.sink.nodes["Product"].to_pylist()}
    assert sorted(products) == ["P1", "P2", "P3", "P7"]
    assert products["P1"] == {
        "known_at": datetime(2015, 1, 2, tzinfo=UTC),
        "description": "Shares of companies all over the world; no country above 60 %",
        "esg": 0.5,
        "kind": "ETF",
        "name": "World Equity Fund",
    }
    assert products["P7"] == {"known_at": None, "description": None, "esg": 0.1, "kind": None, "name": None}
    assert set(bank.sink.edges) == {"IN_BAND", "IN_SECTOR", "BOUGHT", "VIEWED", "ISSUED_BY"}
    assert bank.sink.split is not None


@pytest.mark.slow
def test_a_row_lives_while_a_source_claims_it(bank: Bank, two: Callable[[], dict[str, Counts]]) -> None:
    two()
    bank.edit("products.csv", "P1;World", "P8;World")
    for file in ("trades.csv", "views/2024-01.jsonl", "prices.tsv", "sectors.txt"):
        bank.edit(file, "P1", "P8")
    bank.edit("bank.toml", "'P1' AS isin", "'P8' AS isin")
    report = bank.load()
    assert report.nodes["Product"] == Counts(read=3, created=1, unchanged=2)
    assert report.edges["BOUGHT"] == Counts(read=4, created=3, unchanged=1, removed=3)
    products = {row.pop("id"): row for row in bank.sink.nodes["Product"].to_pylist()}
    assert products["P1"]["name"] is None
    assert products["P1"]["kind"] == "ETF"


@pytest.mark.slow
def test_ends_may_be_those_of_another_source(bank: Bank, two: Callable[[], dict[str, Counts]]) -> None:
    two()
    bank.append("trades.csv", "T5,C1,P7,5,2024-05-01,")
    assert bank.load().edges["BOUGHT"] == Counts(read=5, created=1, unchanged=4)


@pytest.mark.slow
def test_ends_that_only_this_source_brought_go_with_a_full_load(bank: Bank) -> None:
    bank.load()
    bank.edit("customers.csv", "C4,Dan Lenz,,M,3,30-39\n", "")
    report = bank.load(max_rejected=1)
    assert report.edges["VIEWED"] == Counts(read=3, unchanged=2, rejected=1, removed=1)


@pytest.mark.slow
def test_edges_go_with_the_node_of_another_source(bank: Bank, two: Callable[[], dict[str, Counts]]) -> None:
    two()
    bank.append("trades.csv", "T5,C1,P7,5,2024-05-01,")
    bank.load()
    folder = bank.folder.parent / "second"
    (folder / "companies.csv").write_text("isin,kind,esg,company\nP1,ETF,0.5,Acme\n")
    run_load(load_mapping(folder / "sectors.toml"), folder, bank.sink)
    assert "P7" not in bank.sink.nodes["Product"]["id"].to_pylist()
    assert sorted(bank.sink.edges["BOUGHT"]["key"].to_pylist()) == ["T1", "T2", "T3", "T4"]


def test_roles_must_agree(bank: Bank, two: Callable[[], dict[str, Counts]]) -> None:
    mapping = bank.folder.parent / "second" / "sectors.toml"
    mapping.write_text(mapping.read_text().replace("min_group = 2", "min_group = 3"))
    with pytest.raises(
        SourceError, match="two mappings in one home give different roles: .*set roles in graphrec.toml"
    ):
        two()
    assert "Company" not in bank.sink.nodes


def test_nothing_yet() -> None:
    sink = MemorySink()
    with pytest.raises(GraphrecError) as caught:
        _ = sink.schema
    assert str(caught.value) == "nothing was loaded yet; load a mapping first"
    with pytest.raises(GraphrecError, match="rows came without a load; call begin first"):
        sink.add_nodes("Customer", pa.table({"id": ["C1"]}))
