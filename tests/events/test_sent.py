"""Events over HTTP and by command: kept whole or not at all, classified refusals, tags, metrics."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.data.events import accept
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import EventRefused
from graphrec.service.application import make_app
from graphrec.service.core import ServiceOptions

EVENT: dict[str, Any] = {"id": "h1", "user": "c00", "type": "bought", "product": "p0", "at": "2025-06-01T09:00:00Z"}


@pytest.fixture
def client(bank: Bank) -> Iterator[TestClient]:
    with TestClient(make_app(bank, ServiceOptions(is_open=True)), raise_server_exceptions=False) as client:
        yield client


def test_an_acknowledged_event_is_in_the_next_answer_of_every_worker(client: TestClient, shop: Path) -> None:
    path = "/v1/users/c00/recommendations?k=4&model=kernel"
    before = client.get(path)
    listed = [item["product"] for item in before.json()["items"]]
    event = {**EVENT, "product": listed[0]}
    assert client.get(path, headers={"If-None-Match": before.headers["etag"]}).status_code == 304
    assert client.post("/v1/events", json={"events": [event]}).json() == {"accepted": 1, "duplicates": 0}
    assert client.post("/v1/events", json=event).json() == {"accepted": 0, "duplicates": 1}
    other = make_app(
        Bank(Settings(home=shop / "home", today=datetime(2025, 6, 1, tzinfo=UTC).date())), ServiceOptions(is_open=True)
    )
    with TestClient(other) as worker:
        for one in (client, worker):
            after = one.get(path, headers={"If-None-Match": before.headers["etag"]})
            assert after.status_code == 200
            assert after.json()["last_event"] == "h1"
            assert listed[0] not in [item["product"] for item in after.json()["items"]]
    entry = client.get(f"/v1/records/{after.json()['record']}").json()
    assert entry["events"]["last"] == "h1"
    metrics = client.get("/metrics").text
    assert "graphrec_events 1.0" in metrics
    assert "graphrec_dead_letters 0.0" in metrics


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"user": "nobody"}, 422, "there is no user 'nobody'"),
        ({"product": "p99"}, 422, "there is no product 'p99'"),
        ({"type": "stolen"}, 422, "there is no type 'stolen'"),
        ({"product": None}, 422, "names none"),
        ({"at": "2025-06-02T00:00:00Z"}, 422, "is after now"),
        ({"at": "yesterday"}, 422, "is no time"),
        ({"set": {"risk": 1}}, 422, "bought may set nothing"),
        ({"type": "advised", "set": {"name": "x"}}, 422, "advised may set consent, risk alone"),
        ({"type": "advised", "set": {"risk": "high"}}, 422, "its values are of type integer"),
        ({"other": 1}, 422, "Extra inputs are not permitted"),
        ({"id": "kept"}, 409, "was sent before with another content"),
    ],
)
def test_what_cannot_be_counted_is_refused_and_nothing_beside_it_is_kept(
    client: TestClient, bank: Bank, change: dict[str, Any], status: int, told: str
) -> None:
    accept(bank, [{**EVENT, "id": "kept"}])
    event = {name: value for name, value in {**EVENT, "product": "p2", **change}.items() if value is not None}
    found = client.post("/v1/events", json={"events": [{**EVENT, "id": "h2"}, event]})
    assert (found.status_code, found.headers["content-type"]) == (status, "application/problem+json")
    assert told in found.json()["detail"]
    assert bank.events.log.last() == 1


def test_without_a_today_the_clock_says_what_is_to_come(shop: Path) -> None:
    bank = Bank(Settings(home=shop / "home"))
    now = datetime.now(UTC)
    accept(bank, [{**EVENT, "at": (now + timedelta(minutes=2)).isoformat()}])
    with pytest.raises(EventRefused, match="is after now") as refused:
        accept(bank, [{**EVENT, "id": "h2", "at": (now + timedelta(minutes=9)).isoformat()}])
    assert refused.value.kind == "future"


def test_the_commands(shop: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GRAPHREC_HOME", str(shop / "home"))
    monkeypatch.setenv("GRAPHREC_TODAY", "2025-06-01")
    run = CliRunner().invoke
    sent = ["event", "c00", "bought", "p0", "--id", "x", "--at", "2025-06-01T08:00", "--quantity", "2", "--key", "T9"]
    assert json.loads(run(app, [*sent, "--json"]).stdout) == {"accepted": 1, "duplicates": 0}
    assert run(app, sent).stdout == "it was kept before, and counts once\n"
    assert run(app, ["event", "c00", "advised", "--set", "consent=no", "--set", "risk=2"]).exit_code == 0
    told = json.loads(run(app, ["recommend", "c00", "--model", "kernel", "--json"]).stdout)
    assert (told["items"], told["limits"]) == ([], {"consent": "no", "risk": 2})
    told = run(app, ["event", "c00", "complained", "--reason", "a fee"]).stdout
    assert told == "kept for outcomes; it changes no list until the mapping says what it is: [events.complained] edge\n"
    refused = run(app, ["event", "c00", "bought", "p99"])
    assert (refused.exit_code, refused.stdout) == (3, "")
    assert refused.stderr.count("\n") == 1
    assert run(app, ["event", "c00", "advised", "--set", "consent"]).exit_code == 2
    feed = tmp_path / "feed.jsonl"
    feed.write_text(json.dumps({**EVENT, "id": "f1", "user": "c01"}) + "\n{\n")
    done = run(app, ["consume", str(feed), "--json"])
    assert json.loads(done.stdout) == {"source": str(feed), "read": 2, "accepted": 1, "duplicates": 0, "dead": 1}
    assert "1 could not be counted" in done.stderr
    (letter,) = json.loads(run(app, ["consume", "--dead", "--json"]).stdout)["dead"]
    assert (letter["kind"], letter["content"]) == ("malformed", "{")
    assert run(app, ["consume", str(tmp_path / "nothing")]).exit_code == 3
