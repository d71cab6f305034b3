"""A load of the tiny bank: every row, type and mark that docs/mappings.md promises."""

import os
import signal
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from graphrec.graph.rows import Counts, edge_fields, node_fields
from graphrec.schema import Column, SplitRule
from tests.loading.conftest import Bank


def moment(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def test_counts_of_a_first_load(bank: Bank) -> None:
    report = bank.load()
    assert report.mapping == "tiny-bank"
    assert report.run.startswith("tiny-bank-2")
    assert report.nodes == {
        "Customer": Counts(read=4, created=4),
        "Product": Counts(read=3, created=3),
        "AgeBand": Counts(read=3, created=3),
        "Sector": Counts(read=2, created=2),
    }
    assert report.edges == {
        "IN_BAND": Counts(read=4, created=4),
        "IN_SECTOR": Counts(read=3, created=3),
        "BOUGHT": Counts(read=4, created=4),
        "VIEWED": Counts(read=3, created=3),
    }
    assert not bank.rejected.exists()


def test_nodes_are_typed_rows(bank: Bank) -> None:
    bank.load()
    customers = bank.sink.nodes["Customer"].sort_by("id")
    assert customers.schema == node_fields(bank.sink.schema.nodes["Customer"].columns)
    assert customers.slice(1, 2).to_pylist() == [
        {
            "id": "C2",
            "known_at": None,
            "birth_date": moment(1988, 11, 30),
            "display_name": 'Ben "Benny" Sommer',
            "risk_tolerance": 2,
            "sex": "M",
        },
        {
            "id": "C3",
            "known_at": None,
            "birth_date": moment(1995, 7, 15),
            "display_name": "Cleo Herbst",
            "risk_tolerance": None,
            "sex": "F",
        },
    ]
    products = {row["id"]: row for row in bank.sink.nodes["Product"].to_pylist()}
    assert products["P1"]["description"] == "Shares of companies all over the world; no country above 60 %"
    assert products["P2"]["known_at"] == moment(2020, 6, 1)
    assert products["P3"] == {"id": "P3", "known_at": None, "description": None, "kind": "note", "name": "Gold Note"}


def test_edges_are_events(bank: Bank) -> None:
    bank.load()
    bought = bank.sink.edges["BOUGHT"].sort_by("key")
    assert bought.schema == edge_fields(())
    assert bought.slice(0, 2).to_pylist() == [
        {
            "source": "C1",
            "target": "P1",
            "key": "T1",
            "at": moment(2024, 1, 10),
            "known_at": moment(2024, 1, 12),
            "weight": 1000.5,
        },
        {
            "source": "C1",
            "target": "P2",
            "key": "T2",
            "at": moment(2024, 2, 1, 8, 30),
            "known_at": moment(2024, 2, 1, 8, 30),
            "weight": 250.0,
        },
    ]
    viewed = bank.sink.edges["VIEWED"].sort_by("key").slice(0, 1).to_pylist()
    assert viewed == [
        {
            "source": "C1",
            "target": "P3",
            "key": "2024-01-05T10:00:00.000000Z",
            "at": moment(2024, 1, 5, 10),
            "known_at": moment(2024, 1, 5, 10),
            "weight": None,
        }
    ]
    in_sector = [(row["source"], row["target"], row["key"]) for row in bank.sink.edges["IN_SECTOR"].to_pylist()]
    assert sorted(in_sector) == [("P1", "Energy", ""), ("P1", "Technology", ""), ("P2", "Energy", "")]


def test_schema_carries_roles_marks_and_reasons(bank: Bank) -> None:
    bank.load()
    schema = bank.sink.schema
    assert (schema.roles.user, schema.roles.product, schema.roles.relevant) == ("Customer", "Product", ("BOUGHT",))
    assert (schema.roles.weights, schema.roles.min_group) == ({"BOUGHT": 1.0, "VIEWED": 0.2}, 2)
    customer = schema.nodes["Customer"]
    assert (customer.name, customer.personal, customer.protected) == (
        "display_name",
        ("birth_date", "display_name"),
        ("sex",),
    )
    assert customer.columns == (
        Column("birth_date", "time"),
        Column("display_name", "text"),
        Column("risk_tolerance", "integer"),
        Column("sex", "text"),
    )
    assert schema.nodes["Product"].text == ("name", "description")
    assert (schema.edges["BOUGHT"].source, schema.edges["BOUGHT"].target) == ("Customer", "Product")
    assert schema.reasons["BOUGHT <BOUGHT BOUGHT"] == "{n} customers who hold {a} also hold {i}"


def test_series_and_split(bank: Bank) -> None:
    bank.load()
    price = bank.sink.series["price"]
    assert price.schema.types == [pa.string(), pa.timestamp("us", tz="UTC"), pa.float64(), pa.float64()]
    assert price.slice(1, 1).to_pylist() == [{"id": "P1", "at": moment(2024, 1, 3), "close": 102.25, "volume": None}]
    assert bank.sink.split is not None
    assert {part: pairs.to_pylist() for part, pairs in bank.sink.split.items()} == {
        "test": [{"user": "C2", "product": "P1"}]
    }
    assert bank.sink.schema.split == SplitRule(refit=True, mask="train+valid")


def test_an_optional_file_that_is_there(bank: Bank) -> None:
    (bank.folder / "holdout.csv").write_text("customer_id,isin\nC1,P2\nC1,P1\nC1,P2\n")
    bank.load()
    assert bank.sink.split is not None
    assert bank.sink.split["valid"].to_pylist() == [{"user": "C1", "product": "P1"}, {"user": "C1", "product": "P2"}]
    assert bank.sink.schema.split == SplitRule(refit=False, mask="train+valid")


def test_a_second_load_has_nothing_to_do(bank: Bank) -> None:
    bank.load()
    before = bank.sink.nodes["Customer"]
    report = bank.load()
    assert set(report.nodes.values()) == {Counts()}
    assert set(report.edges.values()) == {Counts()}
    assert bank.sink.nodes["Customer"] is before


@pytest.mark.slow
def test_a_full_load_removes_what_it_does_not_bring(bank: Bank) -> None:
    bank.load()
    bank.edit("trades.csv", "T3,C2,P1,80,2024-02-03,2024-02-05\n", "")
    bank.edit("trades.csv", "T4,C2,P1,120", "T4,C2,P1,125")
    bank.edit("customers.csv", "C4,Dan Lenz,,M,3,30-39\n", "")
    (bank.folder / "views" / "2024-02.jsonl").unlink()
    report = bank.load()
    assert report.nodes["Customer"] == Counts(read=3, unchanged=3, removed=1)
    assert report.edges["BOUGHT"] == Counts(read=3, changed=1, unchanged=2, removed=1)
    assert report.edges["VIEWED"] == Counts(read=2, unchanged=2, removed=1)
    assert sorted(bank.sink.edges["BOUGHT"]["key"].to_pylist()) == ["T1", "T2", "T4"]


@pytest.mark.slow
def test_an_incremental_load_only_merges(bank: Bank) -> None:
    bank.load()
    header = "trade_id,customer_id,isin,amount_eur,traded_at,booked_at\n"
    (bank.folder / "trades.csv").write_text(header + "T5,C3,P2,10,2024-04-01,2024-04-02\n")
    report = bank.load(incremental=True)
    assert report.edges["BOUGHT"] == Counts(read=1, created=1)
    assert report.nodes["Customer"] == Counts(read=4, unchanged=4)
    assert sorted(bank.sink.edges["BOUGHT"]["key"].to_pylist()) == ["T1", "T2", "T3", "T4", "T5"]
    bank.append("trades.csv", "T4,C2,P1,120,2024-03-03,2024-03-05")
    report = bank.load()
    assert report.edges["BOUGHT"] == Counts(read=2, unchanged=2, removed=3)


def test_check_reads_everything_and_writes_nothing(bank: Bank) -> None:
    report = bank.check()
    assert report.edges["BOUGHT"] == Counts(read=4)
    assert bank.sink.nodes == {}


def test_ctrl_c_ends_a_statement_and_leaves_nothing(
    bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    long = "SELECT sum(hash(a.range + b.range))::VARCHAR AS band FROM range(1000000) AS a, range(300) AS b"
    bank.edit("bank.toml", "SELECT DISTINCT age_band AS band FROM customers", long)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        bank.load()
    timer.join()
    assert bank.sink.nodes == {}
    assert list((tmp_path / "temporary").iterdir()) == []
