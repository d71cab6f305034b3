"""The mapping of FAR-Trans on small files of the same form, and on the published ones as far as they are there."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from graphrec.graph.memory import MemorySink
from graphrec.graph.rows import LoadReport
from graphrec.loading import load_mapping, run_load
from tests.loading import far_trans

DAYS = [date(2019, 1, 2), date(2019, 1, 3)]


def loaded(folder: Path) -> tuple[MemorySink, LoadReport]:
    sink = MemorySink()
    return sink, run_load(load_mapping("far-trans"), folder, sink)


def rejected(report: LoadReport) -> int:
    return sum(count.rejected for count in (*report.nodes.values(), *report.edges.values()))


def rows(table: object, *columns: str) -> list[tuple]:
    return sorted(zip(*(table[name].to_pylist() for name in columns), strict=True))  # type: ignore[index]


def test_nodes_take_the_latest_update_and_edges_keep_the_day_of_each(tmp_path: Path) -> None:
    trades = [("c1", "A", "Buy", "2019-01-02"), ("c1", "A", "Sell", "2019-03-04"), ("c2", "B", "Buy", "2019-01-02")]
    prices = {"A": dict.fromkeys(DAYS, 2.0), "B": dict.fromkeys(DAYS, 3.5)}
    sink, report = loaded(far_trans.write(tmp_path, trades, prices))
    assert rows(sink.nodes["Customer"], "id", "customer_type", "risk_level") == [
        ("c1", "Premium", "Aggressive"), ("c2", "Mass", "Predicted_Balanced"),
    ]  # fmt: skip
    levels = [(s, t, str(at)[:10]) for s, t, at in rows(sink.edges["HAS_RISK_LEVEL"], "source", "target", "known_at")]
    assert levels == [
        ("c1", "Aggressive", "2020-06-02"), ("c1", "Conservative", "2018-05-02"), ("c2", "Balanced", "2018-05-02"),
    ]  # fmt: skip
    assert rows(sink.nodes["Asset"], "id", "name") == [("A", "FUND 0 RENAMED"), ("B", "FUND 1, CLASS A")]
    assert rows(sink.edges["BOUGHT"], "source", "target", "key") == [("c1", "A", "0"), ("c2", "B", "2")]
    assert rows(sink.edges["SOLD"], "source", "target", "key") == [("c1", "A", "1")]
    assert rows(sink.edges["IN_SECTOR"], "source", "target") == [("A", "Energy")]
    assert rows(sink.edges["TRADED_ON"], "source", "target") == [("A", "AEDAK"), ("B", "AEDAK")]
    assert rows(sink.series["price"], "id", "close") == [("A", 2.0), ("A", 2.0), ("B", 3.5), ("B", 3.5)]
    assert rejected(report) == 0


def test_a_sale_is_no_evidence_and_no_hit() -> None:
    roles = load_mapping("far-trans").roles
    assert (tuple(roles.relevant), list(roles.evidence())) == (("BOUGHT",), ["BOUGHT"])


def test_of_a_day_that_stands_twice_the_later_line_counts(tmp_path: Path) -> None:
    folder = far_trans.write(tmp_path, [("c1", "A", "Buy", "2019-01-02")], {"A": {DAYS[0]: 2.0}})
    with (folder / "close_prices.csv").open("a") as file:
        file.write("A,2019-01-02,2.5\n")
    sink, _ = loaded(folder)
    assert rows(sink.series["price"], "id", "close") == [("A", 2.5)]


@pytest.mark.slow
def test_the_published_customers_assets_and_markets_load(tmp_path: Path, data_dir: Callable[[str], Path]) -> None:
    """Transactions and prices are not there: empty ones take their place."""
    for file in data_dir("far-trans").glob("*.csv"):
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "transactions.csv").write_text(far_trans.TRANSACTIONS + "\n")
    (tmp_path / "close_prices.csv").write_text(far_trans.PRICES + "\n")
    sink, report = loaded(tmp_path)
    assert len(sink.nodes["Customer"]) == 29_090
    assert len(sink.nodes["Asset"]) == 806
    assert sorted(sink.nodes["RiskLevel"]["id"].to_pylist()) == ["Aggressive", "Balanced", "Conservative", "Income"]
    assert rejected(report) == 0
