"""What a report is made of: parts with figures, what wants attention, and the command that computes them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from graphrec.metrics.intervals import Interval

Form = Literal["share", "rate", "short", "number", "count", "days", "p"]
"""rate: a share of which hundredths of a per cent count; short: a number of which two digits count."""
State = Literal["good", "attention", "unknown"]
COMMANDS = {
    "accuracy": "graphrec evaluate",
    "money": "graphrec outcomes",
    "returns": "graphrec evaluate --profit ridge",
    "risk": "graphrec alerts list",
    "suitability": "graphrec policy check",
    "fairness": "graphrec fairness",
    "explanations": "graphrec evaluate --report report.html",
    "stability": "graphrec stability",
    "privacy": "graphrec snapshot",
    "operations": "graphrec monitor",
}
"""What computes the figures of a part again, in the order of the page."""
PARTS = tuple(COMMANDS)


@dataclass(frozen=True)
class Figure:
    """One number of a part."""

    name: str
    """As the texts of a language call it."""
    value: float | None
    """None: there is too little to tell."""
    form: Form = "number"
    low: float | None = None
    high: float | None = None
    """Ends of its 95 % interval, where there is one."""
    better: int = 0
    """1: more is better; -1: less is; 0: neither."""
    of: str = ""
    """Of what, where a part has several: a baseline, a group, a rule."""

    @classmethod
    def within(
        cls, name: str, found: Interval, form: Form = "number", *, better: int = 0, of: str = "", sign: int = 1
    ) -> Figure:
        """A figure with its interval."""
        return cls(name, sign * found.value, form, found.low, found.high, better, of)

    @property
    def key(self) -> str:
        """What tells it from others of its part."""
        return f"{self.name}:{self.of}" if self.of else self.name


@dataclass(frozen=True)
class Concern:
    """Something that a manager should look at, by the text that says it."""

    name: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Details:
    """A table of a part."""

    columns: tuple[str, ...]
    """As the texts of a language call them."""
    forms: tuple[Form | None, ...]
    """Of each column; None: words."""
    rows: tuple[tuple[str | float | None, ...], ...]


@dataclass(frozen=True)
class Part:
    """One subject of a report."""

    name: str
    command: str
    """What computes its figures again."""
    figures: tuple[Figure, ...] = ()
    """The first one stands in the summary."""
    concerns: tuple[Concern, ...] = ()
    details: Details | None = None
    missing: str | None = None
    """Why it was not measured."""
    measured_at: str = ""
    """UTC; before the report where model and data are the same since."""

    @property
    def state(self) -> State:
        """What the summary says of it."""
        return "unknown" if self.missing is not None else "attention" if self.concerns else "good"

    def figure(self, key: str) -> Figure | None:
        """The figure of a key."""
        return next((one for one in self.figures if one.key == key), None)


def part_of(
    name: str,
    figures: Sequence[Figure] = (),
    concerns: Sequence[Concern] = (),
    details: Details | None = None,
    missing: str | None = None,
) -> Part:
    """A part with the command that computes its figures again."""
    return Part(name, COMMANDS[name], tuple(figures), tuple(concerns), details, missing)


@dataclass(frozen=True)
class Change:
    """A figure beside that of the last report."""

    before: float
    change: float
    verdict: Literal["better", "worse", "other", "same", "within"]
    """within: the intervals of both overlap, so that it may be chance."""


@dataclass(frozen=True)
class Report:
    """What every measurement of a home says."""

    made_at: str
    as_of: str
    model: str | None
    """The live one; None: there is none."""
    hash: str | None
    snapshot: str | None
    graphrec: str
    parts: tuple[Part, ...]
    basis: str | None = None
    """Hashes of the tested model, of its snapshot and of the policy, on which the lasting parts depend."""
    prices: str | None = None
    """Of the prices and market.toml, on which returns depend besides."""

    def part(self, name: str) -> Part | None:
        """The part of a name."""
        return next((one for one in self.parts if one.name == name), None)


def changes(report: Report, last: Report) -> dict[str, Change]:
    """Each figure that both reports have, by part and key, beside the earlier one."""
    found = {}
    for part in report.parts:
        earlier = last.part(part.name)
        for figure in part.figures:
            before = None if earlier is None else earlier.figure(figure.key)
            if figure.value is not None and before is not None and before.value is not None:
                found[f"{part.name}.{figure.key}"] = _change(figure, before, figure.value, before.value)
    return found


def _change(now: Figure, then: Figure, value: float, before: float) -> Change:
    change = value - before
    if change == 0:
        return Change(before, change, "same")
    ends = (now.low, now.high, then.low, then.high)
    if None not in ends and now.low <= then.high and then.low <= now.high:  # type: ignore[operator]
        return Change(before, change, "within")
    if not now.better:
        return Change(before, change, "other")
    return Change(before, change, "better" if change * now.better > 0 else "worse")


def plain(report: Report) -> dict[str, Any]:
    """A report as JSON has it."""
    from dataclasses import asdict

    return {**asdict(report), "parts": [{**asdict(one), "state": one.state} for one in report.parts]}


def read(plain: Mapping[str, Any]) -> Report:
    """A report from its JSON.

    Raises:
        ValueError: it is none.
    """
    return msgspec.convert(plain, Report)
