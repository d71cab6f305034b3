"""The page of what moved: the last run, each measure over time beside its limits, all runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from graphrec.app import jobs
from graphrec.monitoring.history import Run
from graphrec.monitoring.measure import Measure
from graphrec.service.core import Service
from graphrec.service.page.visit import View, Visit

PARTS = ("inputs", "lists", "outcomes", "service", "age")
DRAWN, LISTED = 30, 60
"""Runs of a line, and of the list of runs: the newest ones."""
WIDTH, HEIGHT = 120, 24
"""Of a line, in units of its own."""


@dataclass(frozen=True)
class Row:
    """One measure of the last run, and how it came there."""

    measure: Measure
    line: str
    """Points of a polyline; empty where there are fewer than two values."""
    warn: float
    """Where the limit from which it warns lies, in units of the line."""


class MonitorPages:
    """The page of what moved, of one service."""

    def __init__(self, service: Service) -> None:
        self._bank = service.bank

    def monitor(self, _visit: Visit) -> View:
        """What moved, and since when."""
        runs = self._bank.monitored()
        values: dict[str, Any] = {"runs": runs[::-1][:LISTED], "last": runs[-1] if runs else None, "parts": []}
        if runs:
            rows = list(_rows(runs))
            values["parts"] = [
                (part, found) for part in PARTS if (found := [one for one in rows if one.measure.part == part])
            ]
        return View("monitor.html", values)

    def measure(self, visit: Visit) -> Response:
        """One run more, which is kept and recorded, and told to those whom monitor.toml names."""
        self._bank.monitor(jobs.Monitor())
        return visit.go("/monitor")


def _rows(runs: Sequence[Run]) -> Iterator[Row]:
    for one in sorted(runs[-1].measures, key=lambda one: not one.is_fault):
        values = [
            found.value
            for run in runs[-DRAWN:]
            for found in run.measures
            if (found.part, found.name, found.about) == (one.part, one.name, one.about) and found.value is not None
        ]
        top = max([*values, one.warn, 1e-9])
        step = WIDTH / max(len(values) - 1, 1)
        points = [f"{place * step:.1f},{HEIGHT * (1 - value / top):.1f}" for place, value in enumerate(values)]
        yield Row(one, " ".join(points) if len(points) > 1 else "", round(HEIGHT * (1 - one.warn / top), 1))
