"""Lists by HTTP: batches as JSON to an address, signed, each with a key by which the receiver knows it again.

POST, with
* `Idempotency-Key: RUN-NUMBER`: the same batch, sent again after a failure, has the same key and the same body;
* `X-Graphrec-Timestamp` and `X-Graphrec-Signature: sha256=…`, the HMAC of `TIMESTAMP.BODY` with the secret in the
  environment variable GRAPHREC_WEBHOOK_SECRET;
* `Authorization: Bearer …` where GRAPHREC_WEBHOOK_TOKEN is set.

A receiver that is away or busy is asked again, later each time. What it refuses for good goes to the dead letters.
"""

import hashlib
import hmac
import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from graphrec.delivery.rows import Batch
from graphrec.delivery.sinks import SinkReport, SinkSpec, TableTarget, Target, shown
from graphrec.errors import DeliveryError, UsageError
from graphrec.files import make_folder, whole_file

SECRET, TOKEN = "GRAPHREC_WEBHOOK_SECRET", "GRAPHREC_WEBHOOK_TOKEN"
#: Users of one batch.
USERS = 200
#: How often one batch is sent, and seconds before the second time; they double, up to LONGEST.
TRIES, FIRST, LONGEST = 6, 1.0, 60.0
SECONDS = 30.0
"""How long an answer may take."""
#: Answers after which the same batch may pass later.
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_AT_HOME = frozenset({"localhost", "127.0.0.1", "::1"})
_SHOWN = 200
sleep = time.sleep


@dataclass(frozen=True)
class WebhookReport(SinkReport):
    """What a receiver took."""

    address: str
    batches: int
    """Sent now; those that had arrived before are not among them."""
    is_signed: bool

    def lines(self) -> list[str]:
        """The report as a person reads it."""
        lines = [f"{self.rows:,} rows for {self.users:,} users: {self.address}, {self.batches} batches sent"]
        if not self.is_signed:
            lines.append(f"the batches are not signed: {SECRET} is not set")
        return lines + self._without()


class _Stays(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: a list goes where it was sent to, or nowhere."""

    def redirect_request(self, *_given: Any, **_more: Any) -> None:
        return None


class _Webhook:
    def __init__(self, target: Target | TableTarget) -> None:
        self._address = _checked(str(target.address))
        self._shown = shown(self._address)
        self._secret, self._token = (os.environ.get(name, "").strip() for name in (SECRET, TOKEN))
        self._letters = target.letters
        self._opener = urllib.request.build_opener(_Stays)
        self._sent = 0
        self._refused: list[str] = []

    def write(self, batch: Batch) -> bool:
        """Send the rows of some answers; False where the receiver refuses them for good."""
        if not batch.rows and not batch.without:
            return True
        content = {
            "run": batch.run, "batch": batch.number,
            "lists": [row._asdict() for row in batch.rows], "without": [row._asdict() for row in batch.without],
        }  # fmt: skip
        return self.send(f"{batch.run}-{batch.number}", content)

    def send(self, key: str, content: Mapping[str, Any]) -> bool:
        """Send one batch; False where the receiver refuses it for good: then it is kept."""
        refused = self._send(key, json.dumps(content, ensure_ascii=False).encode())
        if refused is None:
            self._sent += 1
            return True
        self._refused.append(refused)
        self._keep(key, refused, content)
        return False

    def finish(self, totals: SinkReport) -> WebhookReport:
        """What was sent.

        Raises:
            DeliveryError: the receiver refused batches.
        """
        if self._refused:
            count = len(self._refused)
            raise DeliveryError(
                f"{self._shown} refused {count} of {count + self._sent} batches, the last with {self._refused[-1]}; "
                f"they are in {self._letters}; correct the receiver and run the export again: it sends these alone"
            )
        return WebhookReport(
            totals.users, totals.rows, totals.without_list, self._shown, self._sent, bool(self._secret)
        )

    def _send(self, key: str, body: bytes) -> str | None:
        """None: the receiver has it. Else what it refuses it with.

        Raises:
            DeliveryError: it does not take it after TRIES.
        """
        wait, problem = FIRST, ""
        for tried in range(1, TRIES + 1):
            try:
                with self._opener.open(self._request(key, body), timeout=SECONDS):
                    return None
            except urllib.error.HTTPError as error:
                problem = _said(error)
                if error.code not in _LATER:
                    return problem
                wait = max(wait, _asked_to_wait(error.headers))
            except (OSError, http.client.HTTPException) as error:
                problem = str(getattr(error, "reason", None) or error) or type(error).__name__
            if tried < TRIES:
                sleep(wait)
                wait = min(2 * wait, LONGEST)
        raise DeliveryError(
            f"{self._shown} does not take batch {key} after {TRIES} tries: {problem}; run the export again when it "
            "does: it goes on with what has not arrived"
        )

    def _request(self, key: str, body: bytes) -> urllib.request.Request:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key, "User-Agent": "graphrec"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if self._secret:
            stamp = str(int(time.time()))
            headers["X-Graphrec-Timestamp"] = stamp
            headers["X-Graphrec-Signature"] = f"sha256={signature(self._secret, stamp, body)}"
        return urllib.request.Request(self._address, body, headers, method="POST")  # noqa: S310 - http and https alone

    def _keep(self, key: str, refused: str, content: Mapping[str, Any]) -> None:
        assert self._letters is not None, "an export has a place for dead letters"
        make_folder(self._letters)
        with whole_file(self._letters / f"{key}.json") as temporary:
            temporary.write_text(json.dumps({"refused": refused, **content}, ensure_ascii=False), encoding="utf-8")


def send_one(address: str, key: str, content: Mapping[str, Any], letters: Path) -> str:
    """Send one message to an address, signed as lists are; the address as it may be shown.

    Raises:
        DeliveryError: it does not take it; what it refused is kept in `letters`.
        UsageError: the address holds a secret, or is not safe.
    """
    receiver = _Webhook(TableTarget(None, address, letters))
    if not receiver.send(key, content):
        raise DeliveryError(f"{shown(address)} refused {key} with {receiver._refused[-1]}; it is kept in {letters}")
    return shown(address)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The HMAC-SHA256 of `timestamp.body` in hexadecimal, as a receiver computes it to compare."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _said(error: urllib.error.HTTPError) -> str:
    with error:
        text = " ".join(error.read(_SHOWN * 4).decode("utf-8", "replace").split())[:_SHOWN]
    return f"{error.code} {error.reason}" + (f": {text}" if text else "")


def _asked_to_wait(headers: Any) -> float:
    """Seconds that an answer asks to wait for."""
    text = headers.get("Retry-After") or ""
    if text.isdigit():
        return min(float(text), 10 * LONGEST)
    try:
        return min(max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0), 10 * LONGEST)
    except (TypeError, ValueError):
        return 0.0


def _checked(address: str) -> str:
    """An address that lists may go to.

    Raises:
        UsageError: it holds a secret, or lists would go through the net for all to read.
    """
    parts = urlsplit(address)
    if parts.username or parts.password:
        raise UsageError(
            f"--to {shown(address)} holds a name or a password; take them out of the address: a secret "
            f"comes from {TOKEN}"
        )
    if parts.scheme.lower() == "http" and parts.hostname not in _AT_HOME:
        raise UsageError(f"--to {shown(address)}: lists of customers go to another machine by https:// alone")
    return address


@contextmanager
def _open(target: Target) -> Iterator[_Webhook]:
    yield _Webhook(target)


def _rows(target: TableTarget, rows: Sequence[tuple[Any, ...]]) -> bool:
    """One batch of a table that is no list."""
    content = [dict(zip(target.fields, row, strict=True)) for row in rows]
    return not rows or _Webhook(target).send(target.run, {"run": target.run, target.name: content})


WEBHOOK = SinkSpec("webhook", _open, lines=False, schemes=("https", "http"), chunk=USERS, resumes=True, table=_rows)
