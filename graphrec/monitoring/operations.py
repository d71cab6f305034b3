"""How quickly the service answers, and how often advisers decide against a proposal: a window beside the one before."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from graphrec.metrics.rates import chi_squared_tail
from graphrec.monitoring.limits import Limits
from graphrec.monitoring.lists import FEW
from graphrec.monitoring.measure import Measure, measured
from graphrec.policy.facts import microseconds

QUICK = 0.95
"""Share of the answers that are at least as quick as what is told."""
ANSWERS = 100
"""Answers of an operation from which on it is judged."""


@dataclass
class Decided:
    """What advisers decided in a window."""

    start: int
    end: int
    """Before this moment."""
    decisions: int = 0
    against: int = 0
    """Modified or rejected."""

    def add(self, at: int, outcome: str) -> None:
        """Count a decision of the window."""
        if self.start <= at < self.end:
            self.decisions += 1
            self.against += outcome in ("modified", "rejected")


def overrides(before: Decided, now: Decided, limits: Limits) -> Measure:
    """The change of the share of statements that an adviser changed or rejected."""
    if min(before.decisions, now.decisions) < FEW:
        return measured(
            "outcomes", "overrides", "advisers", None, limits, note="there are too few decisions to compare"
        )
    first, second = before.against / before.decisions, now.against / now.decisions
    return measured(
        "outcomes", "overrides", "advisers", abs(second - first), limits,
        by_chance=_chance(before.against, before.decisions, now.against, now.decisions),
        note=f"{first:.1%} to {second:.1%} of {now.decisions:,} decisions go against the proposal",
    )  # fmt: skip


@dataclass
class Times:
    """Seconds of answers by operation in two windows, from the audit log of the service."""

    before: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    now: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def read(cls, logs: Path, start: int, middle: int, end: int) -> Times:
        """The answers since a moment, those before another one apart; lines without a time are left out."""
        found = cls()
        for file in sorted(logs.glob("access-*.log")):
            with file.open(encoding="utf-8") as lines:
                for line in lines:
                    try:
                        one = json.loads(line)
                        at, seconds, status = microseconds(one["at"]), float(one["seconds"]), int(one["status"])
                    except (ValueError, KeyError, TypeError):
                        continue
                    if start <= at < end and status < 400:
                        (found.before if at < middle else found.now)[str(one["operation"])].append(seconds)
        return found


def latency(times: Times, limits: Limits) -> Iterator[Measure]:
    """How often the time of 95 % of the answers doubled, of every operation with enough answers in both windows."""
    told = False
    for name in sorted(times.now):
        first, second = times.before.get(name, []), times.now[name]
        if min(len(first), len(second)) < ANSWERS:
            continue
        told = True
        yield _slower(name, first, second, limits)
    if not told:
        note = f"fewer than {ANSWERS} answers of the service in one of the windows"
        yield measured("service", "latency", "service", None, limits, note=note)


def _slower(name: str, first: Sequence[float], second: Sequence[float], limits: Limits) -> Measure:
    before, after = (float(np.quantile(one, QUICK)) for one in (first, second))
    beyond = [sum(seconds > before for seconds in one) for one in (first, second)]
    value = max(0.0, float(np.log2(max(after, 1e-6) / max(before, 1e-6))))
    return measured(
        "service", "latency", name, value, limits,
        by_chance=_chance(beyond[0], len(first), beyond[1], len(second)),
        note=f"{1000 * before:,.1f} to {1000 * after:,.1f} ms for {QUICK:.0%} of {len(second):,} answers",
    )  # fmt: skip


def _chance(first: int, n: int, second: int, m: int) -> float:
    """How often chance alone makes two shares differ so much."""
    share = (first + second) / (n + m)
    spread = share * (1 - share) * (1 / n + 1 / m)
    return chi_squared_tail(min((first / n - second / m) ** 2 / spread, 1400.0), 1) if spread else 1.0
