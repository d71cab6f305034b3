"""What every run of `graphrec monitor` measured, a line a run, and a page of it over time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from graphrec.evaluation.report.charts import Series, curves
from graphrec.evaluation.report.page import page, paragraph, section, table
from graphrec.files import append_line, make_folder
from graphrec.monitoring.measure import STATES, Measure, State

FILE = "monitor.jsonl"
SHOWN = 60
"""Runs of a page, the newest ones."""
LIMITS = ("warn", "alarm")
TITLES = {"inputs": "Inputs", "lists": "Lists", "outcomes": "Outcomes", "service": "Service", "age": "Age"}


@dataclass(frozen=True)
class Run:
    """One run."""

    at: str
    """UTC."""
    as_of: str
    state: State
    model: str | None
    measures: tuple[Measure, ...]


def keep(folder: Path, run: Run) -> None:
    """Append one run; two at once do not mix."""
    make_folder(folder)
    append_line(folder / FILE, json.dumps(asdict(run), ensure_ascii=False))


def read(folder: Path) -> list[Run]:
    """The runs, oldest first; a line that was cut short by a full disk is left out."""
    try:
        lines = (folder / FILE).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [run for line in lines if (run := _run(line)) is not None]


def _run(line: str) -> Run | None:
    try:
        plain: dict[str, Any] = json.loads(line)
        return Run(**{**plain, "measures": tuple(Measure(**one) for one in plain["measures"])})
    except (ValueError, KeyError, TypeError):
        return None


def rendered(runs: Sequence[Run]) -> str:
    """The page: the newest run first, then each measure over time, beside its limits.

    Raises:
        ValueError: there is no run.
    """
    if not runs:
        raise ValueError("a page over time needs a run")
    shown, last = runs[-SHOWN:], runs[-1]
    faults = [one for one in last.measures if one.is_fault]
    lead = (
        f"{last.as_of}: {_said(last.state)}, {len(faults)} of {len(last.measures)} measures are beyond a limit; live "
        f"model {last.model or 'none'}."
    )
    since = paragraph(f"{len(shown)} runs since {shown[0].at[:10]}.", "small")
    head = f"<header><h1>What moved</h1>{paragraph(lead, 'lead')}{since}</header>"
    told = [
        [one.state, one.part, one.name, one.about, _number(one.value), f"{one.warn:g}", f"{one.alarm:g}"]
        for one in faults
    ]
    now = section("Beyond a limit now", table(["state", "part", "measure", "of", "value", "warn", "alarm"], told,
                                              left=(0, 1, 2, 3))) if told else ""  # fmt: skip
    rows = [[run.at[:16].replace("T", " "), run.state, str(sum(one.is_fault for one in run.measures)),
             run.model or "–"] for run in reversed(shown)]  # fmt: skip
    history = section("Runs", table(["at", "state", "beyond a limit", "live model"], rows, left=(0, 1, 3)))
    parts = [section(TITLES[part], *_charts(shown, part)) for part in TITLES]
    return page("What moved", [head, now, *parts, history])


def _charts(runs: Sequence[Run], part: str) -> Iterator[str]:
    """One chart a measure: the worst of all that it is of, beside its two limits."""
    names = list(dict.fromkeys(one.name for run in runs for one in run.measures if one.part == part))
    first = datetime.fromisoformat(runs[0].at)
    for name in names:
        points, limits, about = [], (0.0, 0.0), ""
        for run in runs:
            found = [one for one in run.measures if (one.part, one.name) == (part, name) and one.value is not None]
            if found:
                most = max(found, key=lambda one: (STATES.index(one.state), one.value or 0.0))
                day = (datetime.fromisoformat(run.at) - first).total_seconds() / 86400
                points.append((day, float(most.value or 0.0)))
                limits, about = (most.warn, most.alarm), most.about
        if not points:
            continue
        title = f"{name}: {_number(points[-1][1])}, of {about} the most"
        yield f"<h3>{escape(title)}</h3>"
        if len(points) > 1:
            ends = (points[0][0], points[-1][0])
            lines = [Series(name, points)]
            lines += [Series(what, [(end, limit) for end in ends]) for what, limit in zip(LIMITS, limits, strict=True)]
            yield curves(lines, title=f"{name} by day", x_name="days", y_name=name, from_zero=True)
        else:
            yield paragraph(f"warn from {limits[0]:g}, alarm from {limits[1]:g}; one run so far", "small")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _said(state: State) -> str:
    return {"ok": "all is as it was", "warn": "something warns", "alarm": "alarm", "unknown": "too little to tell"}[
        state
    ]
