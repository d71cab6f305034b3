"""An attacker who may ask everything that a view allows, before and after: did one person buy one product?

Each trial is a bank of its own: customers with holdings and attributes, five accomplices with accounts, one person who
buys a product on that day, or does not; nobody else does anything, the best case for the attacker. What is asked:

    sentences   of the accomplices' explanations: how many others with one of their holdings, or any, hold the product
    page        how many hold the product
    audience    of the product: asked, eligible, refused as held, listed, and by each value of three attributes
    export      how many lists have the product

The attacker guesses that it happened where anything differs. Advantage = |true positives - false positives|, by parts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from graphrec.app.lists.audience import _People
from graphrec.serving.views import STARTS, Viewer

MIN_GROUP, PRODUCTS, ACCOMPLICES = 5, 150, 5
SMALLEST, LARGEST = 2_000, 50_000
"""Customers of a bank."""
BEFORE = (1, 2, 5)
"""Where bands began before they were made wide."""
Counts = Mapping[str, int]
Shown = Callable[[str, int], object]


@dataclass(frozen=True)
class World:
    """One trial: what each statistic counts without and with the event."""

    before: Counts
    after: Counts


@dataclass(frozen=True)
class Advantage:
    """How much better than a guess the attacker is."""

    value: float
    low: float
    high: float
    trials: int


def world(rng: np.random.Generator) -> World:
    """A bank as small as demo bank S, or up to as large as M."""
    people = int(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST))))
    popular = 1 / np.arange(1, PRODUCTS + 1) ** 0.8
    held = rng.random((people, PRODUCTS)) < np.minimum(popular * rng.uniform(0.2, 0.6), 0.9)
    held[np.arange(people), rng.integers(0, PRODUCTS, people)] = True
    attributes = np.stack([rng.integers(0, size, people) for size in (4, 6, 8)], axis=1)
    listed = rng.random(people) < 0.25
    person, accomplices = 0, np.arange(1, 1 + ACCOMPLICES)
    free = np.flatnonzero(~held[person])
    product = int(rng.choice(free))
    happened = held.copy()
    happened[person, product] = True
    return World(*(_counts(one, attributes, listed, accomplices, product) for one in (held, happened)))


def _counts(
    held: np.ndarray, attributes: np.ndarray, listed: np.ndarray, accomplices: np.ndarray, product: int
) -> Counts:
    holds = held[:, product]
    found = {"page": int(holds.sum())}
    for asker in accomplices.tolist():
        others = holds.copy()
        others[asker] = False
        own = np.flatnonzero(held[asker])
        ways = {other: int((held[:, other] & others).sum()) for other in own[own != product].tolist()}
        # A line is there or it is not, in the same words for everybody who asks: the way without the asker.
        found |= {f"sentence: line {other}": count for other, count in ways.items()}
        found[f"sentence: reason {own.tolist()}"] = int((held[:, own[own != product]].any(axis=1) & others).sum())
        found[f"sentence: fewest {asker}"] = min((one for one in ways.values() if one >= MIN_GROUP), default=0)
    in_list = listed & ~holds
    found |= {
        "audience asked": len(held), "audience eligible": int((~holds).sum()), "audience held": int(holds.sum()),
        "audience listed": int(in_list.sum()), "export lists": int(in_list.sum()),
    }  # fmt: skip
    for column in range(attributes.shape[1]):
        for value in np.unique(attributes[:, column]).tolist():
            members = attributes[:, column] == value
            found[f"audience {column}={value} eligible"] = int((members & ~holds).sum())
            found[f"audience {column}={value} listed"] = int((members & in_list).sum())
    return found


def exact(_statistic: str, count: int) -> object:
    """No protection but `min_group`."""
    return count if count >= MIN_GROUP else None


def banded(rng: np.random.Generator, starts: Sequence[int] = STARTS) -> Shown:
    """What a view shows of a count, in a bank with a secret of its own."""
    viewer = Viewer(
        "analyst", secret=rng.bytes(32), month="2026-11", min_group=MIN_GROUP, often="many", starts=starts
    )  # fmt: skip
    count = _People(viewer, MIN_GROUP, "asked").count

    def shown(statistic: str, number: int) -> object:
        if statistic.startswith("sentence: line") and starts == STARTS:
            return number >= MIN_GROUP and viewer.band(statistic, number).low >= 2 * MIN_GROUP
        if statistic.startswith("sentence: fewest"):
            # It decides whether per cents are in steps of ten.
            return number < MIN_GROUP or viewer.band(statistic, number).low < 2 * MIN_GROUP
        return count(statistic, number)

    return shown


def tells(one: World, shown: Shown, part: str = "") -> tuple[bool, bool]:
    """Whether anything differs where the person bought the product, and where that one did not."""
    names = [name for name in one.before if name.startswith(part)]
    first = [shown(name, one.before[name]) for name in names]
    return [shown(name, one.after[name]) for name in names] != first, [
        shown(name, one.before[name]) for name in names
    ] != first


def advantage(hits: Sequence[tuple[bool, bool]]) -> Advantage:
    """|TPR - FPR| with Wilson's interval of the true positives (no false ones are possible: nothing else happens)."""
    count, rate = len(hits), sum(hit for hit, _ in hits) / len(hits)
    wrong = sum(false for _, false in hits) / len(hits)
    middle, width = rate + 1.92 / count, 1.96 * sqrt(rate * (1 - rate) / count + 0.9604 / count**2)
    low, high = ((middle + sign * width) / (1 + 3.84 / count) for sign in (-1, 1))
    return Advantage(abs(rate - wrong), max(low - wrong, 0.0), high - wrong, count)
