"""graphrec monitor: lists that moved are found, lists that did not are not, and nobody is named."""

import csv
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.app import jobs
from graphrec.app.bank import Bank
from graphrec.app.data.events import accept
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import NotTrained, UnknownId
from graphrec.home import Home
from tests.served import copied

DAY = date(2026, 1, 2)
OPEN = 'version = "1"\n'
CLOSED = OPEN + '[[rule]]\nid = "bonds"\nsentence = "no bonds"\nrequire = "product.kind != \'bond\'"\n'


@pytest.fixture
def bank(served_home: Home, tmp_path: Path) -> Bank:
    """The small bank with lists of 40 days ago, of 10 days ago, and the same of today."""
    copied(served_home, tmp_path / "home")
    (tmp_path / "home" / "policy.toml").write_text(OPEN)
    (tmp_path / "home" / "monitor.toml").write_text(
        "window_days = 20\n[limits]\ndata_age = { warn = 9e3, alarm = 9e3 }\n"
    )
    bank = Bank(Settings(home=tmp_path / "home", today=DAY))
    for ago in (50, 30):
        show(bank, ago, tmp_path)
    return bank


def show(bank: Bank, ago: int, folder: Path) -> None:
    """Lists of all customers, so many days ago."""
    day = Bank(replace(bank.settings, today=DAY - timedelta(days=ago)))
    day.export(jobs.Export(folder / f"{ago}.csv", k=4))


def states(bank: Bank) -> dict[tuple[str, str], str]:
    return {(one.name, one.about): one.state for one in bank.monitor(jobs.Monitor()).measures if one.part != "inputs"}


def test_lists_that_did_not_move_are_no_fault(bank: Bank, tmp_path: Path) -> None:
    show(bank, 1, tmp_path)
    found = bank.monitor(jobs.Monitor())
    assert found.state == "ok"
    assert found.notes == ("inputs are those that the live model was fitted on: nothing can have moved",)
    told = {(one.name, one.about): one.value for one in found.measures if one.part == "lists"}
    assert told["products_psi", "products"] == told["psi", "scores"] == told["coverage", "products"] == 0.0
    assert bank.record_list(jobs.ListRecord(last=1))[0].command == "monitor"


def test_a_rule_that_refuses_half_is_found(bank: Bank, tmp_path: Path) -> None:
    (bank.home.path / "policy.toml").write_text(CLOSED)
    show(bank, 1, tmp_path)
    found = states(bank)
    assert found["refused", "bonds"] == "alarm"
    assert found["coverage", "products"] == "alarm"
    assert found["products_psi", "products"] == "alarm"
    assert found["volume", "lists"] == "ok"
    done = CliRunner().invoke(app, ["--home", str(bank.home.path), "monitor", "--json"])
    plain = json.loads(done.stdout)
    assert (done.exit_code, plain["state"]) == (7, "alarm")
    assert "measures are above their limits" in done.stderr
    assert not any(f"C{n:03}" in done.stdout for n in range(60))
    text = CliRunner().invoke(app, ["--home", str(bank.home.path), "monitor", "--prometheus"]).stdout
    assert 'graphrec_monitor_state{part="lists",measure="refused",about="bonds"} 2\n' in text


@pytest.mark.slow
def test_acceptance_that_is_lost_is_found(bank: Bank, tmp_path: Path) -> None:
    with (tmp_path / "50.csv").open(newline="") as file:
        first = {row["user"]: row["product"] for row in csv.DictReader(file) if row["rank"] == "1"}
    at = (DAY - timedelta(days=45)).isoformat() + "T12:00:00Z"
    accept(bank, [
        {"id": f"e-{one}", "user": one, "type": "accepted", "product": what, "at": at} for one, what in first.items()
    ])  # fmt: skip
    show(bank, 1, tmp_path)
    assert states(bank)["acceptance", "customers"] == "alarm"


def test_what_inputs_are_compared_with(bank: Bank) -> None:
    own = bank.monitor(jobs.Monitor(record=False))
    assert bank.monitor(jobs.Monitor(own.after[:8], record=False)).before == own.after
    assert {one.state for one in own.measures if one.name == "psi" and one.about == "scores"} == set()
    with pytest.raises(UnknownId, match="--against zzz names 0 snapshots; there are "):
        bank.monitor(jobs.Monitor("zzz"))
    with pytest.raises(NotTrained, match="there is no snapshot as of 2020-01-01; run: graphrec snapshot --as-of 2020"):
        bank.monitor(jobs.Monitor("2020-01-01"))


def test_each_run_is_kept_and_the_page_is_written(bank: Bank, tmp_path: Path) -> None:
    words = ["--home", str(bank.home.path), "monitor", "--html", str(tmp_path / "moved.html")]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert CliRunner().invoke(app, [*words, "--no-record"]).exit_code == 0
    kept = (bank.home.path / "reports" / "monitor.jsonl").read_text("utf-8").splitlines()
    assert len(kept) == 1
    assert "2 runs since" in (tmp_path / "moved.html").read_text("utf-8")
