"""Alerts go out by the sinks of lists: files with what is not closed, receivers once in each state, one schema."""

import csv
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import ListAlerts, Load, RunAlerts, SetAlert
from graphrec.cli import app
from graphrec.delivery import alerts, webhook
from graphrec.delivery.alerts import schema
from graphrec.errors import DeliveryError, UsageError
from tests.delivery.test_webhook import Receiver
from tests.finance.test_alerts import ALERTS, DATES, bank_in, write_bank
from tests.postgres.server import running

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def raised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with alerts of one run, a closed one among them."""
    folder = tmp_path_factory.mktemp("raised")
    write_bank(folder / "files")
    bank = bank_in(folder)
    bank.load(Load(str(folder / "files" / "bank.toml")))
    (folder / "home" / "alerts.toml").write_text(ALERTS)
    found = [one for day in DATES[:5] for one in bank.run_alerts(RunAlerts(day.isoformat())).alerts]
    assert len(found) > 12
    bank.set_alert(SetAlert(found[0].id, "closed", why="=1+1"))
    return folder


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A real server; batches of three alerts, and no waiting."""
    monkeypatch.setattr(alerts, "BATCH", 3)
    monkeypatch.setattr(webhook, "sleep", lambda _: None)
    monkeypatch.setenv(webhook.SECRET, "s3cret")
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def rows_of(bank: Bank) -> dict[str, str]:
    return {one.id: one.state for one in bank.alerts(ListAlerts())}


@pytest.mark.slow
def test_files_have_all_that_is_not_closed_in_one_schema(raised: Path, tmp_path: Path) -> None:
    bank = bank_in(raised)
    expected = {id_ for id_, state in rows_of(bank).items() if state != "closed"}
    as_of = DATES[4].isoformat()
    for name in ("alerts.jsonl", "alerts.csv", "alerts.parquet", "alerts.xlsx", "parts/"):
        done = bank.run_alerts(RunAlerts(as_of, to=f"{tmp_path}/{name}"))
        assert done.delivered is not None
        assert (done.delivered.alerts, done.delivered.before) == (len(expected), 0)
    lines = [json.loads(line) for line in (tmp_path / "alerts.jsonl").read_text("utf-8").splitlines()]
    described = json.loads((ROOT / "docs" / "schema" / "alert.json").read_text("utf-8"))
    assert described == schema()
    kinds = {"string": str, "number": float, "null": type(None), "array": list}
    for line in lines:
        assert list(line) == described["required"] == list(described["properties"])
        for key, value in line.items():
            wanted = described["properties"][key]["type"]
            assert isinstance(value, tuple(kinds[one] for one in ([wanted] if isinstance(wanted, str) else wanted)))
        assert all(list(step) == ["from", "to", "at", "amount"] for step in line["path"])
    assert {line["alert"] for line in lines} == expected
    assert len({line["run"] for line in lines}) == 1
    with (tmp_path / "alerts.csv").open(encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    assert [one["alert"] for one in cells] == [line["alert"] for line in lines]
    assert [one["evidence"] for one in cells] == ["; ".join(line["evidence"]) for line in lines]
    table = pq.read_table(tmp_path / "alerts.parquet").to_pylist()
    assert [{**one, "path": list(one["path"])} for one in table] == lines
    (part,) = (tmp_path / "parts").glob("run=*/alerts.parquet")
    assert part.parent.name == f"run={lines[0]['run']}"
    # The same alerts give the same bytes.
    before = (tmp_path / "alerts.csv").read_bytes()
    bank.run_alerts(RunAlerts(as_of, to=f"{tmp_path}/alerts.csv"))
    assert (tmp_path / "alerts.csv").read_bytes() == before
    # A list of closed ones too, whose cells compute nothing.
    bank.alerts(ListAlerts("closed", tmp_path / "closed.csv"))
    assert '"\'=1+1"' in (tmp_path / "closed.csv").read_text("utf-8")
    with pytest.raises(UsageError, match="takes lists and no alerts"):
        bank.run_alerts(RunAlerts(as_of, to="store"))


def test_a_receiver_gets_each_alert_once_in_each_state(raised: Path, receiver: Receiver) -> None:
    bank, as_of = bank_in(raised), DATES[4].isoformat()
    receiver.answers = [200, 503, 200, 400]
    with pytest.raises(DeliveryError, match=r"refused 1 of \d+ batches of alerts"):
        bank.run_alerts(RunAlerts(as_of, to=receiver.address))
    refused = receiver.requests[3]
    sent_twice = [headers["Idempotency-Key"] for headers, _ in receiver.requests[1:3]]
    assert sent_twice[0] == sent_twice[1], "a busy receiver gets the same batch again"
    done = bank.run_alerts(RunAlerts(as_of, to=receiver.address))
    assert done.delivered is not None
    assert done.delivered.alerts == 3
    arrived = [one for taken in receiver.taken.values() for one in taken["alerts"]]
    assert {one["alert"]: one["state"] for one in arrived} == rows_of(bank)
    assert len(arrived) == len(rows_of(bank))
    assert refused[0]["Idempotency-Key"] in receiver.taken
    assert "X-Graphrec-Signature" in refused[0]
    count = len(receiver.requests)
    again = bank.run_alerts(RunAlerts(as_of, to=receiver.address))
    assert again.delivered is not None
    assert (again.delivered.alerts, len(receiver.requests)) == (0, count)
    one = bank.alerts(ListAlerts("open"))[0]
    bank.set_alert(SetAlert(one.id, "acknowledged"))
    bank.run_alerts(RunAlerts(as_of, to=receiver.address))
    last = json.loads(receiver.requests[-1][1])
    assert [(each["alert"], each["state"]) for each in last["alerts"]] == [(one.id, "acknowledged")]


@pytest.mark.slow
def test_a_real_postgresql_has_one_row_an_alert_in_its_present_state(
    raised: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    bank, as_of = bank_in(raised), DATES[4].isoformat()
    with running() as server:
        password = str(urlsplit(server).password)
        monkeypatch.setenv("PGPASSWORD", password)
        address = server.replace(f":{password}@", "@")
        first = bank.run_alerts(RunAlerts(as_of, to=address))
        assert first.delivered is not None
        assert first.delivered.alerts == len(rows_of(bank))
        one = bank.alerts(ListAlerts("open"))[0]
        bank.set_alert(SetAlert(one.id, "closed", why="the customer called"))
        again = bank.run_alerts(RunAlerts(as_of, to=address))
        assert again.delivered is not None
        assert again.delivered.alerts == 1
        with psycopg.connect(server) as connection:
            found = connection.execute("SELECT alert, state, evidence->>0, why FROM graphrec_alerts").fetchall()
    assert {row[0]: row[1] for row in found} == rows_of(bank)
    assert len(found) == len(rows_of(bank))
    own = next(row for row in found if row[0] == one.id)
    assert own == (one.id, "closed", one.evidence[0], "the customer called")


def test_a_killed_delivery_goes_on_with_the_batch_that_it_began(
    raised: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank, as_of = bank_in(raised), DATES[4].isoformat()
    (bank.home.vault / "exports" / f"{_journal(receiver)}").unlink(missing_ok=True)

    class Killed(BaseException):
        """As a kill after a batch was sent and before that was noted."""

    def kill(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(alerts._Arrived, "end", kill)
        bank.run_alerts(RunAlerts(as_of, to=receiver.address))
    first = receiver.requests[0]
    bank.run_alerts(RunAlerts(DATES[5].isoformat(), to=receiver.address))
    assert receiver.requests[1][0]["Idempotency-Key"] == first[0]["Idempotency-Key"]
    assert receiver.requests[1][1] == first[1]
    assert {one["alert"] for taken in receiver.taken.values() for one in taken["alerts"]} == set(rows_of(bank))


def _journal(receiver: Receiver) -> str:
    import hashlib

    return f"alerts-{hashlib.sha256(receiver.address.encode()).hexdigest()[:16]}.jsonl"


def test_the_command(raised: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHREC_HOME", str(raised / "home"))
    run, as_of = CliRunner().invoke, DATES[6].isoformat()
    out = run(app, ["alerts", "run", "--as-of", as_of, "--kind", "graph", "--to", str(tmp_path / "a.csv")])
    assert out.stdout.splitlines()[-1].endswith(f"alerts: {tmp_path / 'a.csv'}")
    told = json.loads(run(app, ["alerts", "list", "--kind", "graph", "--json"]).stdout)["alerts"]
    assert {one["kind"] for one in told} == {"graph"}
    assert all(one["path"] for one in told)
    for wrong, said in (
        (["run", "--to", "ftp://x"], "cannot write"),
        (["run", "--to", "http://bank.example/x"], "by https:// alone"),
        (["list", "--to", "x.csv"], "graphrec alerts run --to x.csv"),
    ):
        failed = run(app, ["alerts", *wrong])
        assert failed.exit_code == 2
        assert said in failed.stderr
