"""What moved in the lists of the decision record: scores, products, reasons, refusals, and what came of them.

A window of days is compared with as many days before it. Of each customer the last list of a window counts, so that
lists do not depend on each other; a number of fewer than `min_group` customers is not shown.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from graphrec.metrics.rates import chi_squared_tail
from graphrec.monitoring.limits import Limits
from graphrec.monitoring.measure import FEWEST, Measure, counted, doublings, index_of, measured
from graphrec.outcomes.impressions import Joined, shown_at
from graphrec.records.read import Entry

DAY = 86_400_000_000
MOST = 100
"""Products that are compared one by one; the others are one group."""
FEW = 30
"""Customers with a list from which on lists are judged."""
_TENTHS = np.linspace(0, 1, 11)[1:-1]


@dataclass(frozen=True)
class Shown:
    """One list, without whose it is."""

    model: str
    products: tuple[str, ...]
    scores: tuple[float, ...]
    confidences: tuple[float, ...]
    reasons: tuple[str, ...]
    """Kind of the reason that leads, of each product that has one."""
    refused: Mapping[str, int]
    candidates: int

    @property
    def is_barred(self) -> bool:
        """Whether one rule refused all there was, such as one about the consent of the customer."""
        return not self.products and len([count for count in self.refused.values() if count]) == 1


@dataclass
class Window:
    """The lists of some days."""

    start: int
    end: int
    """Before this moment."""
    asked: int = 0
    """Lists, several of one customer too."""
    lists: dict[str, Shown] = field(default_factory=dict)
    """The last of each customer."""

    def add(self, entry: Entry) -> None:
        """Count a list, if it was shown on these days; lists come the last one first."""
        if not self.start <= shown_at(entry) < self.end:
            return
        self.asked += 1
        user = str(entry.entry["user"])
        if user not in self.lists:
            self.lists[user] = _shown(entry)

    @property
    def models(self) -> tuple[str, ...]:
        """Models of the lists, most used first."""
        return tuple(name for name, _ in Counter(one.model for one in self.lists.values()).most_common())


def _shown(entry: Entry) -> Shown:
    plain = entry.entry
    items = plain["answer"]["items"]
    return Shown(
        model=str(entry.shared["model"]["name"]),
        products=tuple(str(one["product"]) for one in items),
        scores=tuple(float(one["score"]) for one in items),
        confidences=tuple(float(one["confidence"]) for one in items if one.get("confidence") is not None),
        reasons=tuple(str(one["reasons"][0]["kind"]) for one in items if one.get("reasons")),
        refused={str(name): int(count) for name, count in plain["refused"].items()},
        candidates=int(plain["candidates"]),
    )


def lists(before: Window, now: Window, limits: Limits, min_group: int) -> Iterator[Measure]:
    """Every measure of the lists."""
    first, second = list(before.lists.values()), list(now.lists.values())
    least = max(FEW, min_group)
    if len(second) < least:
        yield measured("lists", "volume", "lists", None, limits, note=f"fewer than {least} customers had a list")
        return
    barred = sum(one.is_barred for one in second)
    empty = sum(not one.products for one in second) - barred
    note = f"{empty:,} of {len(second):,}" + f", and {barred:,} that one rule refuses whole" * bool(barred)
    yield measured("lists", "empty", "lists", empty / len(second), limits, note=note)
    if len(first) < least:
        yield measured("lists", "volume", "lists", None, limits, note="there are too few lists before to compare with")
        return
    yield measured(
        "lists", "volume", "lists", doublings(before.asked, now.asked), limits,
        note=f"{before.asked:,} to {now.asked:,}",
    )  # fmt: skip
    changed = "" if before.models == now.models else f"models: {_named(before.models)} before, {_named(now.models)} now"
    for name, kind in (("psi", "scores"), ("psi", "confidence")):
        value, chance = index_of(*_numbers(first, second, kind))
        yield measured("lists", name, kind, value, limits, by_chance=chance, note=changed)
    for what in ("products", "reasons"):
        of_first, of_second = ([getattr(one, what) for one in side] for side in (first, second))
        yield _composition(what, of_first, of_second, limits, changed)
    yield _coverage(first, second, limits)
    yield from _refusals(first, second, limits)


def _named(models: Sequence[str]) -> str:
    return ", ".join(models[:3]) + (" …" if len(models) > 3 else "")


def _numbers(first: list[Shown], second: list[Shown], kind: str) -> tuple[np.ndarray, np.ndarray]:
    """The first score, or the first confidence, of each list, between tenths of those before."""
    name = "scores" if kind == "scores" else "confidences"
    before, after = (
        np.array([getattr(one, name)[0] for one in side if getattr(one, name)]) for side in (first, second)
    )
    edges = np.unique(np.quantile(before, _TENTHS)) if len(before) else np.zeros(0)
    counts = [
        np.bincount(np.searchsorted(edges, one, side="left"), minlength=len(edges) + 1) for one in (before, after)
    ]
    return counts[0], counts[1]


def _composition(
    about: str, first: Sequence[Sequence[str]], second: Sequence[Sequence[str]], limits: Limits, note: str
) -> Measure:
    """What lists are made of: shares of their places."""
    every = Counter(value for side in (first, second) for one in side for value in one)
    known = [value for value, _ in sorted(every.items(), key=lambda one: (-one[1], one[0]))]
    sides = []
    for side in (first, second):
        counts = counted([value for one in side for value in one], known)
        sides.append(np.append(counts[:MOST], counts[MOST:].sum()))
    value, _ = index_of(*sides)
    chance = _chance(first, second, known[:MOST])
    return measured("lists", f"{about}_psi", about, value, limits, by_chance=chance, note=note)


def _chance(first: Sequence[Sequence[str]], second: Sequence[Sequence[str]], known: Sequence[str]) -> float:
    """How often chance moves any value so far: that of the value that moved most, times how many there are.

    What counts is how many lists have a value: places of one list depend on each other, lists of customers do not.
    """
    if not known:
        return 1.0
    n, m = len(first), len(second)
    before, after = (counted([one for single in side for one in set(single)], known) for side in (first, second))
    share = (before + after) / (n + m)
    spread = share * (1 - share) * (1 / n + 1 / m)
    enough = (share * min(n, m) >= FEWEST) & (spread > 0)
    squares = (before / n - after / m)[enough] ** 2 / spread[enough]
    return min(1.0, len(known) * chi_squared_tail(min(float(squares.max(initial=0.0)), 1400.0), 1))


def _coverage(first: list[Shown], second: list[Shown], limits: Limits) -> Measure:
    """How many products are listed, in as many lists of either side."""
    size = min(len(first), len(second))
    before, after = ({product for one in side[:size] for product in one.products} for side in (first, second))
    lost = max(0.0, 1 - len(after) / len(before)) if before else None
    return measured("lists", "coverage", "products", lost, limits, note=f"{len(before):,} to {len(after):,} products")


def _refusals(first: list[Shown], second: list[Shown], limits: Limits) -> Iterator[Measure]:
    """The share of products that each rule refuses."""
    for rule in sorted({name for one in (*first, *second) for name in one.refused}):
        shares = [
            float(np.mean([one.refused.get(rule, 0) / max(_all(one), 1) for one in side])) for side in (first, second)
        ]
        yield measured(
            "lists", "refused", rule, abs(shares[1] - shares[0]), limits,
            note=f"{shares[0]:.1%} to {shares[1]:.1%} of products",
        )  # fmt: skip


def _all(one: Shown) -> int:
    return one.candidates + sum(one.refused.values())


def outcomes(before: Sequence[Joined], now: Sequence[Joined], success: Sequence[str], limits: Limits) -> Measure:
    """The acceptance of what was shown, of customers: how much of it is lost."""
    rates, customers = [], []
    for side in (before, now):
        users = {one.shown.user: False for one in side}
        for one in side:
            users[one.shown.user] |= one.is_one_of(success)
        customers.append(len(users))
        rates.append(sum(users.values()))
    if min(customers) < FEW or not rates[0]:
        return measured("outcomes", "acceptance", "customers", None, limits, note="there is too little to compare")
    first, second = rates[0] / customers[0], rates[1] / customers[1]
    both = sum(rates) / sum(customers)
    spread = both * (1 - both) * (1 / customers[0] + 1 / customers[1])
    chance = chi_squared_tail(min((first - second) ** 2 / spread, 1400.0), 1) if spread else 1.0
    return measured(
        "outcomes", "acceptance", "customers", max(0.0, 1 - second / first), limits, by_chance=chance,
        note=f"{first:.1%} to {second:.1%} of customers took something of what they were shown",
    )  # fmt: skip
