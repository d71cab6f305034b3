"""What was shown to whom, read from the decision record, and what came of it.

An impression is one product at one place of one recorded list. The same product shown to the same customer again on the
same day is one impression, the first. It counts for the window that begins with it; an event belongs to the entry that
it names, else to the last impression of its product before it.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from graphrec.policy.facts import DAY, microseconds
from graphrec.records.read import Entry

#: Commands whose entries are lists that somebody is shown.
LISTS = ("recommend", "export")


@dataclass(frozen=True)
class Impression:
    """One product at one place of one list."""

    user: str
    product: str
    rank: int
    at: int
    """When it was shown, in microseconds since 1970."""
    entry: int
    """Of the decision record."""
    model: str
    channel: str | None
    """Where it was shown, as the request says."""
    reason: str | None
    """Kind of the reason that leads."""
    k: int
    """Length of the list."""
    experiment: str | None = None
    arm: str | None = None
    way: str | None = None
    """How places of the list were drawn: swap or even; None: they were not."""
    propensity: float | None = None
    """With which the draw shows this product at this place."""
    count: int | None = None
    """From how many products was drawn."""
    unsuitable: bool = False
    """A rule refuses the product, and it was shown all the same."""

    @property
    def month(self) -> str:
        """Of the showing, as 2026-01."""
        return f"{_moment(self.at):%Y-%m}"


@dataclass(frozen=True)
class Exposure:
    """A customer got a list, or was to get one, in an arm of an experiment."""

    user: str
    at: int
    experiment: str
    arm: str


@dataclass(frozen=True)
class Happened:
    """What an event says of a product, or of a customer alone."""

    user: str
    type: str
    at: int
    product: str | None = None
    entry: int | None = None


@dataclass(frozen=True)
class Joined:
    """An impression, and which types of events belong to it within its window."""

    shown: Impression
    types: frozenset[str]

    def is_one_of(self, types: Iterable[str]) -> bool:
        """Whether an event of one of these types belongs to it."""
        return not self.types.isdisjoint(types)


def shown_at(entry: Entry) -> int:
    """When a list was shown: when it was recorded, or the date of its answer where that is another day."""
    recorded = microseconds(entry.shared["recorded_at"])
    now = entry.shared.get("now")
    return recorded if now is None or now // DAY == recorded // DAY else int(now)


def impressions(entries: Iterable[Entry]) -> Iterator[Impression]:
    """The impressions of entries, in their order; lists as of an earlier date were shown to nobody.

    An erased entry says nothing any more.
    """
    for one in entries:
        if is_list(one):
            yield from _of_entry(one, one.shared["request"])


def is_list(entry: Entry) -> bool:
    """Whether an entry is a list of today; that of a finished export holds none, nor does an erased one."""
    request = entry.shared["request"]
    is_asked = request["command"] in LISTS and "model" in entry.shared and request.get("as_of") is None
    return is_asked and not entry.is_erased


def exposures(entries: Iterable[Entry]) -> Iterator[Exposure]:
    """The lists that an experiment decided; one that stayed empty is one of them."""
    for one in entries:
        if is_list(one):
            arm = one.entry.get("arm")
            if arm is not None:
                yield Exposure(one.entry["user"], shown_at(one), arm["experiment"], arm["arm"])


def _of_entry(entry: Entry, request: Mapping[str, Any]) -> Iterator[Impression]:
    plain = entry.entry
    answer, arm = plain["answer"], plain.get("arm") or {}
    drawn = answer.get("drawn") or {}
    at, chances = shown_at(entry), drawn.get("propensities") or ()
    for place, item in enumerate(answer["items"]):
        reasons = item.get("reasons") or ()
        judged = plain["judged"][place] if place < len(plain.get("judged", ())) else {"outcomes": ""}
        yield Impression(
            user=plain["user"],
            product=item["product"],
            rank=place + 1,
            at=at,
            entry=entry.number,
            model=str(entry.shared["model"]["name"]),
            channel=request.get("channel"),
            reason=reasons[0]["kind"] if reasons else None,
            k=int(request["k"]),
            experiment=arm.get("experiment"),
            arm=arm.get("arm"),
            way=drawn.get("way"),
            propensity=chances[place] if place < len(chances) else None,
            count=drawn.get("count"),
            unsuitable="x" in judged["outcomes"],
        )


def joined(all_shown: Iterable[Impression], events: Iterable[Happened], window: timedelta) -> list[Joined]:
    """The first impression of each customer, product and day, in the order of time, with what belongs to it.

    Args:
        window: how long after an impression an event counts.
    """
    shown: list[Impression] = []
    of_day: dict[tuple[str, str, int], int] = {}
    of_entry: dict[tuple[int, str], int] = {}
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in sorted(all_shown, key=lambda one: (one.at, one.entry, one.rank)):
        number = of_day.setdefault((one.user, one.product, one.at // DAY), len(shown))
        of_entry[one.entry, one.product] = number
        if number == len(shown):
            shown.append(one)
            places[one.user, one.product].append(number)
    span = window // timedelta(microseconds=1)
    found: dict[int, set[str]] = defaultdict(set)
    for event in events:
        if event.product is None:
            continue
        if event.entry is not None:
            belongs = of_entry.get((event.entry, event.product))
        else:
            known = places.get((event.user, event.product), [])
            last = bisect_right(known, event.at, key=lambda number: shown[number].at) - 1
            belongs = known[last] if last >= 0 else None
        if belongs is None or shown[belongs].user != event.user:
            continue
        if shown[belongs].at <= event.at < shown[belongs].at + span:
            found[belongs].add(event.type)
    return [Joined(one, frozenset(found.get(number, ()))) for number, one in enumerate(shown)]


def _moment(at: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
