"""Alerts to the sinks of lists: one table, a row an alert in its present state.

A file has all that are not closed. A receiver (HTTP, a database) gets each alert once in each state: the home keeps
which batches have arrived, so that a delivery that was killed goes on with the batch that it had begun, under the same
key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from graphrec.delivery.journal import FORMAT, append, lines_of
from graphrec.delivery.sinks import SinkSpec, TableTarget
from graphrec.errors import DeliveryError, UsageError
from graphrec.files import make_folder

BATCH = 200
"""Alerts of one batch to a receiver."""


class AlertRow(NamedTuple):
    """One alert; None is an empty cell."""

    alert: str
    rule: str
    kind: str
    name: str
    severity: str
    state: str
    about: str
    label: str
    user: str | None
    crm_id: str | None
    at: str
    evidence: tuple[str, ...]
    path: tuple[Mapping[str, Any], ...]
    by: str | None
    why: str | None
    run: str = ""


SAYS = {
    "alert": "Id of the alert: the same in every state.",
    "rule": "Id of the rule, signal or jump of alerts.toml.",
    "kind": "rule, answers, graph or class.",
    "name": "What people read.",
    "severity": "info, warning or critical.",
    "state": "open, acknowledged or closed.",
    "about": "Id of the customer or the account, or of the product whose class changed.",
    "label": "What it is.",
    "user": "The customer; null: nobody is known to own the account.",
    "crm_id": "The customer's key in the CRM, by the mapping's `crm_id`.",
    "at": "The day.",
    "evidence": "The condition and what it read, or what a pattern is made of, a line each.",
    "path": "The steps of a pattern: from, to, day and amount.",
    "by": "Who acknowledged or closed it.",
    "why": "The reason why it is closed.",
    "run": "The same for all rows of a file, or of a batch.",
}


def schema() -> dict[str, Any]:
    """JSON Schema of a row, as `alerts run --to FILE.jsonl` and a receiver's `alerts` have it."""
    text, parts = {"type": "string"}, {name: {"type": "string"} for name in ("from", "to")}
    parts |= {"at": {"type": ["string", "null"]}, "amount": {"type": ["number", "null"]}}  # type: ignore[dict-item]
    step = {"type": "object", "properties": parts, "required": list(parts), "additionalProperties": False}
    kinds: dict[str, dict[str, Any]] = {
        "evidence": {"type": "array", "items": text},
        "path": {"type": "array", "items": step},
        **{key: {"type": ["string", "null"]} for key in ("user", "crm_id", "by", "why")},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The rows of graphrec alerts run",
        "type": "object",
        "properties": {name: {"description": SAYS[name], **kinds.get(name, text)} for name in AlertRow._fields},
        "required": list(AlertRow._fields),
        "additionalProperties": False,
    }


@dataclass(frozen=True)
class AlertsDelivered:
    """What a delivery of alerts brought."""

    to: str
    alerts: int
    """Delivered now."""
    before: int
    """Those of a receiver that had arrived in this state before."""

    def lines(self) -> list[str]:
        """What a person reads."""
        more = f"; {self.before:,} had arrived before" if self.before else ""
        return [f"{self.alerts:,} alerts: {self.to}{more}"]


def deliver_alerts(spec: SinkSpec, target: TableTarget, rows: Sequence[AlertRow], folder: Path) -> AlertsDelivered:
    """Give alerts to a sink.

    Args:
        target: where to; the table and its batches are set here.
        rows: the alerts, oldest first, closed ones among them.
        folder: where what has arrived at receivers is kept.

    Raises:
        UsageError: the sink takes lists alone.
        DeliveryError: a receiver does not take them; what arrived before is kept.
    """
    check_takes_tables(spec)
    assert spec.table is not None, "just checked"
    told = target.shown
    if not spec.resumes:
        kept = [row for row in rows if row.state != "closed"]
        spec.table(target.of("alerts", AlertRow, ("alert",), _run(kept)), _named(kept))
        return AlertsDelivered(told, len(kept), 0)
    receiver = hashlib.sha256(str(target.address).encode()).hexdigest()[:16]
    journal = _Arrived(folder / f"alerts-{receiver}.jsonl")
    known = {(row.alert, row.state): row for row in rows}
    left = [row for row in rows if (row.alert, row.state) not in journal.arrived]
    begun = [known[one] for one in journal.begun if one in known]
    batches = [begun] if begun and len(begun) == len(journal.begun) else []
    rest = [row for row in left if not batches or row not in begun]
    batches += [rest[start : start + BATCH] for start in range(0, len(rest), BATCH)]
    count, refused = 0, []
    for batch in batches:
        journal.begin([(row.alert, row.state) for row in batch])
        if spec.table(target.of("alerts", AlertRow, ("alert",), _run(batch)), _named(batch)):
            journal.end()
            count += len(batch)
        else:
            refused.append(_run(batch))
    if refused:
        raise DeliveryError(
            f"{told} refused {len(refused)} of {len(batches)} batches of alerts; they are in {target.letters}; correct "
            "the receiver and run it again: it sends these alone"
        )
    return AlertsDelivered(told, count, len(rows) - len(left))


def check_takes_tables(spec: SinkSpec) -> None:
    """Stop where a sink takes lists alone.

    Raises:
        UsageError: it does.
    """
    if spec.table is None:
        wanted = "want a file, a folder/, https:// or postgresql://"
        raise UsageError(f"--to {spec.name} takes lists and no alerts; {wanted}")


def _run(rows: Sequence[AlertRow]) -> str:
    """The name of a batch: the same for the same alerts in the same states."""
    digest = hashlib.sha256(json.dumps([[row.alert, row.state] for row in rows]).encode()).hexdigest()
    last = max((row.at for row in rows), default="0000-00-00").replace("-", "")
    return f"alerts-{last}-{digest[:16]}"


def _named(rows: Sequence[AlertRow]) -> list[AlertRow]:
    run = _run(rows)
    return [row._replace(run=run) for row in rows]


@dataclass
class _Arrived:
    """Ids and states of the alerts that have arrived at a receiver, in the order of their batches."""

    file: Path
    arrived: set[tuple[str, str]] = field(default_factory=set)
    begun: list[tuple[str, str]] = field(default_factory=list)
    """The batch that was begun, and of which nothing is known."""

    def __post_init__(self) -> None:
        """Read what is there; half a line of a killed process counts as none."""
        for line in lines_of(self.file):
            if line.get("format") != FORMAT:
                continue
            if "batch" in line:
                self.begun = [(str(one), str(state)) for one, state in line["batch"]]
            elif line.get("arrived"):
                self.arrived.update(self.begun)
                self.begun = []

    def begin(self, batch: Sequence[tuple[str, str]]) -> None:
        """A batch goes out."""
        self.begun = list(batch)
        self._append({"batch": batch})

    def end(self) -> None:
        """It arrived."""
        self.arrived.update(self.begun)
        self.begun = []
        self._append({"arrived": True})

    def _append(self, content: Mapping[str, Any]) -> None:
        make_folder(self.file.parent)
        append(self.file, {"format": FORMAT, **content})
