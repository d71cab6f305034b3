"""Runs over time as a page, and an alarm that a webhook and a mail server hear of."""

import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from graphrec.delivery.webhook import signature
from graphrec.errors import DeliveryError, UsageError
from graphrec.monitoring.history import FILE, SHOWN, Run, keep, read, rendered
from graphrec.monitoring.limits import Limits, Tell, read_monitor
from graphrec.monitoring.measure import measured
from graphrec.monitoring.tell import is_told, tell

LIMITS = Limits()


def run(day: int, value: float) -> Run:
    found = measured("inputs", "psi", "Customer.income", value, LIMITS)
    steady = measured("age", "data_age", "facts", 1.0, LIMITS)
    return Run(f"2026-01-{day:02d}T02:30:00+00:00", f"2026-01-{day:02d}", found.state, "blend-final", (found, steady))


class Mails(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs."""

    got: ClassVar[list[str]] = []

    def handle(self) -> None:
        self.wfile.write(b"220 stub\r\n")
        while line := self.rfile.readline().decode().strip().upper():
            if line == "DATA":
                self.wfile.write(b"354 go on\r\n")
                text = b""
                while not text.endswith(b"\r\n.\r\n"):
                    text += self.rfile.readline()
                self.got.append(text.decode())
            self.wfile.write(b"221 bye\r\n" if line == "QUIT" else b"250 ok\r\n")
            if line == "QUIT":
                return


class Hooks(BaseHTTPRequestHandler):
    got: ClassVar[list[tuple[dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        self.got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(422 if self.path == "/refuses" else 204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        del format, args


@pytest.fixture
def ports() -> Iterator[tuple[int, int]]:
    """Of a mail server and of a webhook."""
    Mails.got, Hooks.got = [], []
    servers = [socketserver.TCPServer(("127.0.0.1", 0), Mails), HTTPServer(("127.0.0.1", 0), Hooks)]
    threads = [threading.Thread(target=one.serve_forever, args=(0.05,)) for one in servers]
    for thread in threads:
        thread.start()
    yield servers[0].server_address[1], servers[1].server_address[1]
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        server.server_close()
        thread.join()


def test_runs_are_kept_and_the_page_shows_them(tmp_path: Path) -> None:
    for day, value in ((1, 0.02), (2, 0.15), (3, 0.4)):
        keep(tmp_path, run(day, value))
    with (tmp_path / FILE).open("a") as file:
        file.write('{"at": "2026-01-04')  # cut short
    runs = read(tmp_path)
    assert [(one.as_of, one.state) for one in runs] == [
        ("2026-01-01", "ok"), ("2026-01-02", "warn"), ("2026-01-03", "alarm"),
    ]  # fmt: skip
    assert runs[1] == run(2, 0.15)
    page = rendered(runs)
    assert "2026-01-03: alarm, 1 of 2 measures are beyond a limit; live model blend-final." in page
    assert "psi: 0.4, of Customer.income the most" in page
    assert page.count("<svg") == 2
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert f"{SHOWN} runs since" in rendered(runs * 30)


def test_an_alarm_is_told_to_both(ports: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mail, hook = ports
    monkeypatch.setenv("GRAPHREC_WEBHOOK_SECRET", "s3cret")
    wanted = Tell(
        webhook=f"http://127.0.0.1:{hook}/in", mail_to=("ops@bank.example",), mail_from="graphrec@bank.example",
        mail_server=f"127.0.0.1:{mail}", mail_tls=False,
    )  # fmt: skip
    assert [is_told(wanted, run(1, value)) for value in (0.02, 0.15, 0.4)] == [False, False, True]
    assert is_told(Tell(least="warn", mail_to=("x",)), run(1, 0.15))
    assert not is_told(Tell(), run(1, 0.4))
    assert tell(wanted, run(1, 0.4), tmp_path) == (f"http://127.0.0.1:{hook}/in", "ops@bank.example")
    ((headers, body),) = Hooks.got
    assert headers["X-Graphrec-Signature"] == f"sha256={signature('s3cret', headers['X-Graphrec-Timestamp'], body)}"
    assert json.loads(body)["faults"] == [
        {"state": "alarm", "part": "inputs", "name": "psi", "about": "Customer.income", "value": 0.4, "warn": 0.1,
         "alarm": 0.25}
    ]  # fmt: skip
    (text,) = Mails.got
    assert "Subject: graphrec monitor: alarm, 1 measures beyond their limits" in text
    assert "alarm: psi of Customer.income is 0.4 (warn 0.1, alarm 0.25)" in text
    assert "To: ops@bank.example" in text


def test_who_cannot_be_reached_is_named_and_the_others_are_told(ports: tuple[int, int], tmp_path: Path) -> None:
    mail, hook = ports
    wanted = Tell(
        webhook=f"http://127.0.0.1:{hook}/refuses", mail_to=("ops@bank.example",), mail_from="graphrec@bank.example",
        mail_server=f"127.0.0.1:{mail}", mail_tls=False,
    )  # fmt: skip
    with pytest.raises(DeliveryError, match=r"/refuses refused monitor-2026-01-01.* with 422"):
        tell(wanted, run(1, 0.4), tmp_path)
    assert len(Mails.got) == 1
    assert len(list(tmp_path.glob("*.json"))) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('mail_to = ["a@b"]', "mail wants a sender"),
        ('mail_to = ["a@b"]\nmail_from = "c@d"\nmail_server = "mail.example:25"\nmail_tls = false', "by TLS alone"),
        ('mail_server = "mail.example"', "mail_server"),
        ('least = "loud"', "least"),
    ],
)
def test_a_wrong_table_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "monitor.toml").write_text(f"[tell]\n{text}\n", "utf-8")
    with pytest.raises(UsageError, match=message):
        read_monitor(tmp_path / "monitor.toml")
