"""Lists by HTTP, to a real server: signed batches with a key, retries, dead letters, and going on after a failure."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from graphrec.app.bank import Bank
from graphrec.app.jobs import Export
from graphrec.config.settings import Settings
from graphrec.delivery import sinks, webhook
from graphrec.delivery.journal import Arrived, Journal
from graphrec.delivery.last import read_last
from graphrec.delivery.webhook import WEBHOOK, signature
from graphrec.errors import DeliveryError, UsageError
from graphrec.home import Home


class Receiver(ThreadingHTTPServer):
    """Keeps what it takes; `answers` are the codes of the next requests, 200 when there are none left."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[int] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.taken: dict[str, Any] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/lists"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((dict(self.headers), body))
        code = self.server.answers.pop(0) if self.server.answers else 200
        if code == 200:
            self.server.taken[self.headers["Idempotency-Key"]] = json.loads(body)
        self.send_response(code)
        if code == 503:
            self.send_header("Retry-After", "7")
        if code == 307:
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"no!")

    def log_message(self, *_given: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the sink would have slept; batches are of 20 users."""
    found: list[float] = []
    monkeypatch.setattr(webhook, "sleep", found.append)
    small = sinks.SinkSpec("webhook", WEBHOOK.open, schemes=WEBHOOK.schemes, chunk=20, resumes=True)
    monkeypatch.setattr(webhook, "WEBHOOK", small)
    for name in (webhook.SECRET, webhook.TOKEN):
        monkeypatch.delenv(name, raising=False)
    return found


@pytest.fixture
def bank(own_home: Home) -> Bank:
    return Bank(Settings(home=own_home.path, policy="none"))


def request(receiver: Receiver, **more: Any) -> Export:
    return Export(to=receiver.address, k=2, record=False, **more)


def test_every_batch_arrives_once_signed_and_with_its_key(
    bank: Bank, receiver: Receiver, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(webhook.SECRET, "ours")
    monkeypatch.setenv(webhook.TOKEN, "key")
    report = bank.export(request(receiver)).report
    rows = [row for batch in receiver.taken.values() for row in batch["lists"]]
    users = {row["user"] for row in rows} | {row["user"] for one in receiver.taken.values() for row in one["without"]}
    assert (len(receiver.requests), len(rows), len(users)) == (3, report.rows, 60)
    assert list(receiver.taken) == [f"{rows[0]['run']}-{number}" for number in range(3)]
    for headers, body in receiver.requests:
        sent = signature("ours", headers["X-Graphrec-Timestamp"], body)
        assert headers["X-Graphrec-Signature"] == f"sha256={sent}"
        assert headers["Authorization"] == "Bearer key"
    assert report.lines()[0].endswith("/lists, 3 batches sent")
    assert not waits
    again = bank.export(request(receiver))
    assert again.notes[0].startswith("nothing to do: these lists were delivered before, run export-")
    assert (len(receiver.requests), again.report.rows, again.report.users) == (3, report.rows, 60)


def test_a_busy_receiver_is_asked_again_later_each_time(bank: Bank, receiver: Receiver, waits: list[float]) -> None:
    receiver.answers = [500, 503, 429]
    report = bank.export(request(receiver)).report
    keys = [headers["Idempotency-Key"] for headers, _ in receiver.requests]
    assert [keys.count(key) for key in receiver.taken] == [4, 1, 1]
    assert waits == [1.0, 7.0, 14.0]
    assert len({body for _, body in receiver.requests[:4]}) == 1
    assert "the batches are not signed: GRAPHREC_WEBHOOK_SECRET is not set" in report.lines()


def test_a_delivery_that_failed_goes_on_with_what_has_not_arrived(
    bank: Bank, receiver: Receiver, waits: list[float]
) -> None:
    receiver.answers = [200, *[502] * webhook.TRIES]
    with pytest.raises(DeliveryError, match=r"does not take batch export-.*-1 after 6 tries: 502"):
        bank.export(request(receiver))
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert read_last(bank.home.vault / "exports" / "last.json") is None
    first = list(receiver.taken)
    done = bank.export(request(receiver))
    assert done.notes[0] == "1 batches had arrived before and were not sent again"
    keys = [headers["Idempotency-Key"] for headers, _ in receiver.requests]
    assert [keys.count(key) for key in receiver.taken] == [1, 1 + webhook.TRIES, 1]
    assert first == list(receiver.taken)[:1]
    assert len(read_last(bank.home.vault / "exports" / "last.json") or {}) == 60
    assert sum(len(one["lists"]) for one in receiver.taken.values()) == done.report.rows


def test_what_is_refused_for_good_is_kept_and_sent_alone(bank: Bank, receiver: Receiver, waits: list[float]) -> None:
    receiver.answers = [200, 422, 307]
    with pytest.raises(DeliveryError, match="refused 2 of 3 batches, the last with 307"):
        bank.export(request(receiver))
    letters = sorted((bank.home.vault / "exports" / "refused").glob("*.json"))
    kept = [json.loads(file.read_text("utf-8")) for file in letters]
    assert [(one["batch"], one["refused"][:3]) for one in kept] == [(1, "422"), (2, "307")]
    assert not waits
    bank.export(request(receiver))
    assert [headers["Idempotency-Key"][-1] for headers, _ in receiver.requests] == ["0", "1", "2", "1", "2"]
    assert len(receiver.taken) == 3


def test_lists_and_secrets_stay_off_the_open_road(bank: Bank) -> None:
    with pytest.raises(UsageError, match="lists of customers go to another machine by https:// alone"):
        bank.export(Export(to="http://crm.example/lists", k=1, record=False))
    with pytest.raises(UsageError) as caught:
        bank.export(Export(to="https://me:topsecret@crm.example/lists", k=1, record=False))
    assert "topsecret" not in str(caught.value)


def test_a_line_that_a_kill_cut_off_does_not_count(tmp_path: Any) -> None:
    journal = Journal(tmp_path / "to.jsonl", "one")
    journal.begin()
    journal.add(0, Arrived(2, 0, {"A": ["p", "q"]}))
    with journal.file.open("a") as file:
        file.write('{"batch": 1, "ro')
    again = Journal(journal.file, "one")
    assert (dict(again.arrived), again.is_finished) == ({0: Arrived(2, 0, {"A": ["p", "q"]})}, False)
    again.begin()
    again.finish()
    assert Journal(journal.file, "one").is_finished
    assert not Journal(journal.file, "another").arrived
