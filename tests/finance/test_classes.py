"""Risk classes that changed: kept day by day, and told once of those with a holding or an open offer."""

import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import AskClasses, AskMarket, ListAlerts, Load, RunAlerts
from graphrec.app.results import OpenOffer
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import Damaged, UnknownId, UsageError
from graphrec.finance.market.classes import Classes, ClassHistory
from graphrec.records.decision import event
from graphrec.records.read import entries
from tests.finance.test_market import MAPPING, TODAY, write_files

ALERTS = """[[change]]
id = "rose"
name = "the risk class rose"
above = "tolerance"
"""


def bank_in(folder: Path, today: date = TODAY) -> Bank:
    return Bank(Settings(home=folder / "home", today=today))


def load(folder: Path, own: int) -> None:
    """Three customers, two of whom hold Beta; the seller's class of it."""
    files = folder / "files"
    write_files(files)
    mapping = MAPPING.replace(
        "SELECT id FROM customers", "SELECT id, TRY_CAST(tolerance AS INTEGER) AS tolerance FROM customers"
    )
    (files / "exchange.toml").write_text(mapping)
    (files / "customers.csv").write_text("id,tolerance\nc1,4\nc2,6\nc3,\n")
    (files / "bought.csv").write_text("customer,product\nc1,B\nc2,B\nc3,A\n")
    (files / "products.csv").write_text(
        f"id,name,issuer_class,own\nA,Alpha,2,6\nB,Beta,4,{own}\nINDEX,Index,,\nNEW,New,,\n"
    )
    bank_in(folder).load(Load(str(files / "exchange.toml")))


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("changed")
    load(folder, own=1)
    (folder / "home" / "market.toml").write_text('ratings = ["issuer_class", "own"]\n')
    (folder / "home" / "alerts.toml").write_text(ALERTS)
    assert bank_in(folder, date(2025, 5, 20)).market(AskMarket(keep=True)).changed == ()
    load(folder, own=6)
    offer = {"basis": {"user": "c3", "product": "B", "date": "2025-05-25"}, "statement": {"refused": None}}
    event(bank_in(folder).home, "statement", None, {"did": "statement", **offer}, user="c3")
    seen = bank_in(folder).market(AskMarket(keep=True, record=False)).changed
    assert [(one.product, one.on, one.before, one.after) for one in seen] == [("B", "2025-06-01", 4, 6)]
    return folder


def test_a_history_keeps_what_differs_and_the_later_line_of_a_day(tmp_path: Path) -> None:
    history = ClassHistory(tmp_path / "classes.jsonl")
    assert history.add([Classes("A", "2025-01-01", {"own": 3}), Classes("B", "2025-01-01", {})]) == ()
    assert history.add([Classes("A", "2025-01-05", {"own": 3, "issuer": 2})]) == ()  # the highest is the same
    (one,) = history.add([Classes("A", "2025-01-09", {"own": 5, "issuer": 2})])
    assert (one.before, one.after, one.was, one.given) == (3, 5, {"own": 3, "issuer": 2}, {"own": 5, "issuer": 2})
    assert history.add([Classes("A", "2025-01-02", {"own": 7})]) == ()  # an earlier day is no news
    (again,) = history.add([Classes("A", "2025-01-09", {"own": 2, "issuer": 2})])
    assert (again.before, again.after) == (3, 2)
    history.add([Classes("A", "2025-01-10", {})])
    (back,) = history.add([Classes("A", "2025-01-11", {"own": 4})])
    assert (back.before, back.after) == (2, 4)
    read = ClassHistory(tmp_path / "classes.jsonl")
    assert [(one.on, one.after) for one in read.changes("2025-01-10")] == [("2025-01-09", 2)]
    assert [one.rating for one in read.of("A", "2025-01-10")] == [3, 3, 2, None]
    (tmp_path / "classes.jsonl").write_text('{"product": "A"}\n')
    with pytest.raises(Damaged, match=r"classes\.jsonl line 1 is no line of classes"):
        ClassHistory(tmp_path / "classes.jsonl")


def test_a_change_names_holders_and_open_offers(changed: Path) -> None:
    found = bank_in(changed).class_changes(AskClasses())
    (one,) = found.changes
    assert (one.product, one.name, one.before, one.after) == ("B", "Beta", 4, 6)
    assert (dict(one.was), dict(one.given)) == ({"issuer_class": 4, "own": 1}, {"issuer_class": 4, "own": 6})
    assert one.holders == ("c1", "c2")
    number = next(entry.number for entry in entries(bank_in(changed).home.records, "c3"))
    assert one.offers == (OpenOffer("c3", number, "2025-05-25"),)
    assert bank_in(changed).class_changes(AskClasses(as_of="2025-05-31")).changes == ()
    assert bank_in(changed, date(2026, 7, 1)).class_changes(AskClasses(days=30)).changes == ()
    assert bank_in(changed).class_changes(AskClasses("A")).changes == ()
    with pytest.raises(UnknownId, match="^no product 'Z'"):
        bank_in(changed).class_changes(AskClasses("Z"))
    kept = [
        one.entry["event"]
        for one in entries(bank_in(changed).home.records)
        if one.shared["request"]["command"] == "market"
    ]
    assert [[one["product"] for one in content["changed"]] for content in kept] == [["B"], []]


def test_customers_below_the_new_class_are_told_of_once(changed: Path) -> None:
    bank = bank_in(changed)
    raised = {one.user: one for one in bank.run_alerts(RunAlerts(kind="class")).alerts}
    assert set(raised) == {"c1", "c3"}  # c2 accepts class 6
    assert (raised["c1"].kind, raised["c1"].about, raised["c1"].at) == ("class", "B", "2025-06-01")
    assert raised["c1"].evidence == (
        "class of Beta (B): 4 before 2025-06-01, 6 since (issuer_class 4, own 6)", "holds it", "user.tolerance is 4",
    )  # fmt: skip
    assert "open offer: statement" in raised["c3"].evidence[1]
    assert raised["c3"].evidence[2] == "user.tolerance is not known"
    again = bank.run_alerts(RunAlerts(kind="class"))
    assert (again.alerts, again.known) == ((), 2)
    assert {one.kind for one in bank.alerts(ListAlerts(kind="class"))} == {"class"}
    file = changed / "home" / "alerts.toml"
    file.write_text(ALERTS.replace("tolerance", "tolerence"))
    try:
        with pytest.raises(UsageError, match="rose: Customer has no column tolerence of numbers"):
            bank.run_alerts(RunAlerts(kind="class"))
        file.write_text(ALERTS.replace('above = "tolerance"', 'way = "down"'))
        assert bank.run_alerts(RunAlerts(kind="class")).alerts == ()
    finally:
        file.write_text(ALERTS)


def test_the_command(changed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHREC_HOME", str(changed / "home"))
    monkeypatch.setenv("GRAPHREC_TODAY", str(TODAY))
    shown = CliRunner().invoke(app, ["market", "--changes"])
    assert shown.exit_code == 0, shown.output
    assert "issuer_class 4, own 6" in shown.output
    assert "c1" not in shown.output
    told = json.loads(CliRunner().invoke(app, ["market", "B", "--changes", "--json"]).output)
    assert told["changes"][0]["holders"] == ["c1", "c2"]
    none = CliRunner().invoke(app, ["market", "--changes", "--as-of", "2025-05-31"])
    assert "no risk class changed in 365 days before 2025-05-31" in none.output
