"""One measure: a number that grows with what is wrong, its limits, and what follows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from graphrec.metrics.rates import chi_squared_tail
from graphrec.monitoring.limits import Limit, Limits

PartName = Literal["inputs", "lists", "outcomes", "service", "age"]
State = Literal["ok", "warn", "alarm", "unknown"]
Counts = NDArray[np.integer]
STATES: tuple[State, ...] = ("unknown", "ok", "warn", "alarm")
"""From the best to the worst; what is not known is no fault."""
CHANCE = 1e-4
"""A change that chance alone makes more often than this is none."""
FEWEST = 5
"""What is expected in a group of values, at least; groups with less are summed."""


@dataclass(frozen=True)
class Measure:
    """What was measured of one thing."""

    part: PartName
    name: str
    """As the limits of monitor.toml call it."""
    about: str
    """Label and column, type of edges, rule or kind."""
    value: float | None
    """None: there is too little to tell."""
    state: State
    warn: float
    alarm: float
    note: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether it is beyond a limit."""
        return self.state in ("warn", "alarm")


def measured(
    part: PartName,
    name: str,
    about: str,
    value: float | None,
    limits: Limits,
    *,
    by_chance: float = 0.0,
    note: str = "",
) -> Measure:
    """A value beside its limits.

    Args:
        by_chance: how often chance alone makes such a change; above CHANCE it is none.
    """
    limit: Limit = getattr(limits, name)
    state: State = "unknown" if value is None else "ok"
    if value is not None and by_chance <= CHANCE:
        state = "alarm" if value >= limit.alarm else "warn" if value >= limit.warn else "ok"
    return Measure(part, name, about, value, state, limit.warn, limit.alarm, note)


def worst(states: Iterable[State]) -> State:
    """The worst of some states; `unknown` without any.

    >>> worst(["ok", "alarm", "unknown"])
    'alarm'
    """
    place = max((STATES.index(one) for one in states), default=0)
    return STATES[place]


def index_of(before: Counts, after: Counts) -> tuple[float, float]:
    """The stability index of two histograms over the same groups, and how often chance alone makes one so large.

    Groups of which few are expected are summed first. Chance: the index times n m / (n + m) is about
    chi-squared where both are drawn from one distribution.

    >>> index_of(np.array([50, 50]), np.array([50, 50]))
    (0.0, 1.0)
    """
    before, after = _summed(before, after)
    total, later = int(before.sum()), int(after.sum())
    if not total or not later or len(before) < 2:
        return 0.0, 1.0
    first, second = ((counts + 1e-4) / (counts + 1e-4).sum() for counts in (before, after))
    value = float(((second - first) * np.log(second / first)).sum())
    # Counts of 0 make the index larger than chi-squared is: Pearson's statistic has no such tail.
    expected = (before + after) / (total + later)
    pearson = float(((before / total - after / later) ** 2 / expected).sum()) * total * later / (total + later)
    return value, chi_squared_tail(min(pearson, 1400.0), len(before) - 1)


def _summed(before: Counts, after: Counts) -> tuple[Counts, Counts]:
    """The histograms with groups summed, smallest first, until both sides expect enough of each if nothing moved."""
    total, later = max(int(before.sum()), 1), max(int(after.sum()), 1)
    expected = (before + after) / (total + later) * min(total, later)
    if not (expected < FEWEST).any():
        return before, after
    into, held, pool = np.zeros(len(before), np.int64), 0.0, 0
    for place in np.argsort(expected, kind="stable").tolist():
        if held >= FEWEST:
            pool, held = pool + 1, 0.0
        into[place] = pool
        held += float(expected[place])
    if held < FEWEST:
        into[into == pool] = max(pool - 1, 0)
    first, second = (np.bincount(into, counts).astype(np.int64) for counts in (before, after))
    return first, second


def doublings(before: float, after: float) -> float | None:
    """How often a number doubled or halved; None without any on both sides.

    >>> doublings(10, 40), doublings(40, 10)
    (2.0, 2.0)
    """
    if before <= 0 and after <= 0:
        return None
    return abs(float(np.log2((after + 0.5) / (before + 0.5)))) if min(before, after) <= 0 else abs(
        float(np.log2(after / before))
    )  # fmt: skip


def counted(values: Sequence[str], known: Sequence[str]) -> Counts:
    """How often each of some known values is among others.

    >>> counted(["a", "b", "a"], ["a", "c"]).tolist()
    [2, 0]
    """
    places = {value: place for place, value in enumerate(known)}
    found = np.zeros(len(known), np.int64)
    for value in values:
        if value in places:
            found[places[value]] += 1
    return found
