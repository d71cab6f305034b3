"""Acceptance of what was shown: by group, against the control, over the months, by place."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from graphrec.metrics.off_policy import effective_size, off_policy
from graphrec.metrics.rates import design_effect, rates_differ, wilson
from graphrec.outcomes.experiments import HOLDOUT
from graphrec.outcomes.impressions import Impression, Joined

By = Literal["rank", "kind", "model", "reason", "channel", "segment", "arm"]
BY: tuple[By, ...] = get_args(By)
#: Drawn places of a rank that say something of it.
LEAST_DRAWN = 30
#: The chance of speaking of a drift where none is.
ALPHA = 0.05


@dataclass(frozen=True)
class Group:
    """Some impressions, and what came of them."""

    group: str
    """By what: rank, kind, …"""
    value: str
    shown: int
    accepted: int
    rate: float
    """accepted / shown, 0 to 1, with an interval of 95 % that knows that products of a customer go together."""
    low: float
    high: float
    customers: int
    rejected: int


@dataclass(frozen=True)
class Lift:
    """The rate of all but the control minus that of the control."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Drift:
    """Acceptance by month."""

    months: tuple[Group, ...]
    p: float | None
    """That all months have one rate, as a p-value; None: there are not two."""
    text: str


@dataclass(frozen=True)
class Place:
    """What a place does to a product, whichever it is."""

    rank: int
    rate: float
    """Acceptance of products that were drawn evenly for this place."""
    low: float
    high: float
    relative: float | None
    """Its rate over that of the first place."""
    effective: float
    """Choices that this rests on."""


@dataclass(frozen=True)
class Positions:
    """How much of acceptance is the place and not the product."""

    places: tuple[Place, ...]
    text: str


@dataclass(frozen=True)
class Outcomes:
    """What came of what was shown."""

    by: tuple[Group, ...]
    control: Group | None
    """Lists that were drawn evenly; None: there are too few."""
    lift: Lift | None
    total: Group | None
    """All but the control."""
    drift: Drift
    position: Positions
    open: int
    """Impressions whose window is not over; they are in no figure."""
    hidden: int
    """Groups with fewer customers than `min_group`; they are in the total alone."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """How impressions are told apart and counted."""

    by: By
    success: tuple[str, ...]
    min_group: int
    kinds: Mapping[str, str]
    """Of products."""
    segments: Mapping[str, str]
    """Of customers."""

    def value(self, shown: Impression) -> str:
        """The group of an impression."""
        arm = "none" if shown.experiment is None else f"{shown.experiment}/{shown.arm}"
        found: dict[By, str | None] = {
            "rank": str(shown.rank),
            "kind": self.kinds.get(shown.product),
            "model": shown.model,
            "reason": shown.reason,
            "channel": shown.channel,
            "segment": self.segments.get(shown.user),
            "arm": arm,
        }
        return found[self.by] or "unknown"


def outcomes(joined: Sequence[Joined], question: Question, *, still_open: int = 0) -> Outcomes:
    """Acceptance by group; groups of fewer than `min_group` customers are left out.

    Args:
        joined: impressions whose window is over.
        still_open: how many there are besides.
    """
    control = [one for one in joined if one.shown.experiment == HOLDOUT]
    rest = [one for one in joined if one.shown.experiment != HOLDOUT]
    groups, hidden = _groups(rest, question.by, question, lambda one: question.value(one.shown))
    made = _group("control", "drawn evenly", control, question)
    total = _group("all", "all", rest, question)
    is_shown = total.customers >= question.min_group
    kept_control = made if made.customers >= question.min_group else None
    notes = _notes(kept_control, control, total, question)
    return Outcomes(
        by=groups if is_shown else (),
        control=kept_control,
        lift=_lift(rest, control, question) if kept_control and is_shown else None,
        total=total if is_shown else None,
        drift=_drift(rest, question),
        position=_positions(joined, question),
        open=still_open,
        hidden=hidden,
        notes=notes,
    )


def _notes(control: Group | None, drawn: Sequence[Joined], total: Group, question: Question) -> tuple[str, ...]:
    found = []
    if not total.shown:
        found.append("no list whose window is over is in the record for these days")
    elif total.customers < question.min_group:
        found.append(f"fewer than {question.min_group} customers were shown anything: their outcomes stay hidden")
    if control is None:
        why = "no list was drawn evenly" if not drawn else f"fewer than {question.min_group} customers are in it"
        found.append(f"there is no control ({why}): what would have been accepted anyway is not known; [holdout] in "
                     "experiments.toml makes one")  # fmt: skip
    return tuple(found)


def _groups(
    joined: Sequence[Joined], name: str, question: Question, value: Callable[[Joined], str]
) -> tuple[tuple[Group, ...], int]:
    """The groups that are large enough, and how many are not; what is left out stands for enough people too."""
    members: dict[str, list[Joined]] = defaultdict(list)
    for one in joined:
        members[value(one)].append(one)
    people = {key: {one.shown.user for one in found} for key, found in members.items()}
    kept = {key for key in members if len(people[key]) >= question.min_group}
    left: set[str] = set().union(*(people[key] for key in members if key not in kept))
    while kept and 0 < len(left) < question.min_group:
        smallest = min(kept, key=lambda key: (len(people[key]), key))
        kept.remove(smallest)
        left |= people[smallest]
    found = [_group(name, key, members[key], question) for key in kept]
    order = sorted(found, key=lambda one: (one.value.isdigit() and int(one.value), -one.shown, one.value))
    return tuple(order), len(members) - len(kept)


def _counts(joined: Sequence[Joined], question: Question) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Accepted and shown, by customer."""
    places: dict[str, int] = {}
    owners = np.array([places.setdefault(one.shown.user, len(places)) for one in joined], np.int64)
    accepted = np.array([one.is_one_of(question.success) for one in joined], np.int64)
    shown = np.bincount(owners, minlength=len(places))
    return np.bincount(owners, accepted, minlength=len(places)).astype(np.int64), shown


def _group(name: str, value: str, joined: Sequence[Joined], question: Question) -> Group:
    accepted, shown = _counts(joined, question)
    effect = design_effect(accepted, shown)
    rate = wilson(float(accepted.sum()) / effect, float(shown.sum()) / effect)
    rejected = sum(one.is_one_of(("rejected",)) for one in joined)
    return Group(
        name, value, int(shown.sum()), int(accepted.sum()), rate.value, rate.low, rate.high, len(shown), rejected
    )  # fmt: skip


def _lift(rest: Sequence[Joined], control: Sequence[Joined], question: Question) -> Lift:
    """The difference of two rates from their intervals: Newcombe, Statistics in Medicine 17 (1998), method 10."""
    one, other = (_group("", "", part, question) for part in (rest, control))
    value = one.rate - other.rate
    below = sqrt((one.rate - one.low) ** 2 + (other.high - other.rate) ** 2)
    above = sqrt((one.high - one.rate) ** 2 + (other.rate - other.low) ** 2)
    return Lift(value, value - below, value + above)


def _drift(rest: Sequence[Joined], question: Question) -> Drift:
    months, _ = _groups(rest, "month", question, lambda one: one.shown.month)
    months = tuple(sorted(months, key=lambda one: one.value))
    if not months:
        return Drift(months, None, "no month has enough customers" if rest else "no list's window is over")
    if len(months) < 2:
        return Drift(months, None, "one month says nothing of a drift")
    parts = [[one for one in rest if one.shown.month == month.value] for month in months]
    counts = [_counts(part, question) for part in parts]
    effects = [design_effect(accepted, shown) for accepted, shown in counts]
    p = rates_differ(
        np.array([accepted.sum() / effect for (accepted, _), effect in zip(counts, effects, strict=True)]),
        np.array([shown.sum() / effect for (_, shown), effect in zip(counts, effects, strict=True)]),
    )
    span = f"from {months[0].value} ({months[0].rate:.1%}) to {months[-1].value} ({months[-1].rate:.1%})"
    if p < ALPHA:
        return Drift(months, p, f"acceptance is not the same in all months, {span} (p = {p:.3g}): it has drifted")
    return Drift(months, p, f"no drift is seen {span} (p = {p:.3g})")


def _positions(joined: Sequence[Joined], question: Question) -> Positions:
    """The effect of places, from lists whose products were drawn; the kind of draw that says most."""
    found = []
    for way in ("swap", "even"):
        drawn = [one for one in joined if one.shown.way == way and one.shown.propensity]
        if len({one.shown.user for one in drawn}) < question.min_group:
            continue
        places = _places(drawn, question)
        if sum(place.effective >= LEAST_DRAWN for place in places) >= 2:
            found.append((sum(place.effective for place in places), way, places))
    if not found:
        return Positions(
            (),
            "how much the place does is not known: in lists that are not drawn the best products stand first, so that "
            "place and product cannot be told apart; [explore] or [holdout] in experiments.toml draws some",
        )
    _, way, places = max(found)
    among = "the best products" if way == "swap" else "all that may be shown"
    first, last = places[0], places[-1]
    rates = f"{first.rate:.1%} at place {first.rank} and by {last.rate:.1%} at place {last.rank}"
    held = f"a product that is drawn from {among} is accepted by {rates}"
    apart = first.high < last.low or last.high < first.low
    return Positions(places, f"{held}: {'the place itself matters' if apart else 'no effect of the place is sure'}")


def _places(drawn: Sequence[Joined], question: Question) -> tuple[Place, ...]:
    found: list[Place] = []
    for rank in sorted({one.shown.rank for one in drawn}):
        here = [one for one in drawn if one.shown.rank == rank]
        # As if each of the products that could be drawn stood there equally often.
        weights = np.array([1 / ((one.shown.count or 1) * (one.shown.propensity or 1)) for one in here])
        rewards = np.array([float(one.is_one_of(question.success)) for one in here])
        users = {user: place for place, user in enumerate(dict.fromkeys(one.shown.user for one in here))}
        owners = np.array([users[one.shown.user] for one in here])
        nothing = np.zeros(len(here))
        rate = off_policy(rewards, weights, nothing, nothing, owners, seed=rank).snips
        first = found[0].rate if found else rate.value
        relative = rate.value / first if first > 0 else None
        found.append(Place(rank, rate.value, rate.low, rate.high, relative, effective_size(weights)))
    return tuple(found)
