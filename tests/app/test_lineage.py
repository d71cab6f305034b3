"""OpenLineage events: one run begins and ends, names what it read and made, and a silent catalogue stops nothing."""

import json
import threading
import uuid
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from graphrec.app.bank import Bank
from graphrec.app.jobs import Export, Train
from graphrec.config.settings import NO_POLICY, Settings
from graphrec.errors import UsageError
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from tests.evaluation.test_fairness import write_bank
from tests.served import copied


class Catalogue(BaseHTTPRequestHandler):
    got: ClassVar[list[tuple[str, str | None, dict[str, Any]]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.got.append((self.path, self.headers["Authorization"], body))
        self.send_response(201)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        del format, args


@pytest.fixture
def port() -> Iterator[int]:
    Catalogue.got.clear()
    server = HTTPServer(("127.0.0.1", 0), Catalogue)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def check(one: dict[str, Any]) -> None:
    """What the schema of OpenLineage 2-0-2 asks for of a RunEvent."""
    assert {"eventTime", "producer", "schemaURL", "run", "job"} <= one.keys()
    assert one["eventType"] in ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER")
    assert datetime.fromisoformat(one["eventTime"]).tzinfo is not None
    assert str(uuid.UUID(one["run"]["runId"])) == one["run"]["runId"]
    assert {"namespace", "name"} <= one["job"].keys()
    facets = [*one["run"]["facets"].values()]
    for data in (*one["inputs"], *one["outputs"]):
        assert {"namespace", "name"} <= data.keys()
        facets += data.get("facets", {}).values()
    for facet in facets:
        assert facet["_producer"].startswith("https://")
        assert facet["_schemaURL"].startswith("https://openlineage.io/spec/")


def test_a_training_begins_and_ends_with_hashes(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path / "home").prepare()
    SnapshotShelf(home.snapshots).add(write_bank)
    monkeypatch.setenv("GRAPHREC_LINEAGE", str(tmp_path / "events.jsonl"))
    monkeypatch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "k3y")
    done = Bank(Settings(home=home.path)).train(Train("popularity", fixed=True, blocks=()))
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text("utf-8").splitlines()]
    assert [one["eventType"] for one in events] == ["START", "COMPLETE"]
    for one in events:
        check(one)
    assert events[0]["run"]["runId"] == events[1]["run"]["runId"]
    (read,), (made,) = events[1]["inputs"], events[1]["outputs"]
    assert read["facets"]["version"]["datasetVersion"] == done.snapshot
    assert made["facets"]["version"]["datasetVersion"] == done.hash
    assert [(path, key, one["eventType"]) for path, key, one in Catalogue.got] == [
        ("/api/v1/lineage", "Bearer k3y", "START"), ("/api/v1/lineage", "Bearer k3y", "COMPLETE"),
    ]  # fmt: skip


def test_a_failure_is_told_without_a_value_and_a_silent_catalogue_stops_nothing(
    served_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied(served_home, tmp_path / "home")
    notes: list[str] = []
    bank = Bank(Settings(home=tmp_path / "home", policy=NO_POLICY), on_note=notes.append)
    monkeypatch.setenv("GRAPHREC_LINEAGE", str(tmp_path / "events.jsonl"))
    with pytest.raises(UsageError):
        bank.export(Export(tmp_path / "lists.unknown"))
    last = json.loads((tmp_path / "events.jsonl").read_text("utf-8").splitlines()[-1])
    check(last)
    assert (last["eventType"], last["run"]["facets"]["errorMessage"]["message"]) == ("FAIL", "UsageError")
    monkeypatch.delenv("GRAPHREC_LINEAGE")
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:9")
    assert bank.export(Export(tmp_path / "lists.csv", k=2)).report.rows > 0
    assert len(notes) == 2
    assert notes[0].startswith("lineage was not told: ")
    monkeypatch.delenv("OPENLINEAGE_URL")
    bank.export(Export(tmp_path / "again.csv", k=2))
    assert len(notes) == 2
