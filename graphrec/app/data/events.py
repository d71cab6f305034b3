"""Events: accepted into the log of the home, and folded into the answers that come after."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphrec.errors import EventRefused, NotTrained, SourceError
from graphrec.events.event import Event, event_of, written
from graphrec.events.fold import Pending
from graphrec.events.log import Appended, DeadLetter, EventLog
from graphrec.graph.edges.own import Own
from graphrec.graph.folders.facts import FactsShelf
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.privacy.contests import Contests
from graphrec.privacy.suppression import Suppression
from graphrec.progress import Progress
from graphrec.schema import EventSchema

if TYPE_CHECKING:
    from graphrec.app import requests
    from graphrec.app.bank import Bank

#: Events that go to the disk together.
BATCH = 500
#: How far the clock of a sender may be ahead.
SKEW = timedelta(minutes=5)


class Events:
    """The events of one home; threads may share it."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.log = EventLog(home)
        self.contests = Contests(home)
        self._lock = threading.Lock()
        self._pending: tuple[Snapshot, Pending] | None = None
        self._known: tuple[object, Known] | None = None

    def owns(self, facts: Snapshot, users: Sequence[str] | None) -> Mapping[str, Own]:
        """What events and contests say over some facts: of some customers, or of all."""
        owns = dict(self._folded(facts, users))
        every = self.contests.all()
        for one in every if users is None else every.keys() & set(users):
            known = [each for each in every[one] if facts.as_of is None or each.since < facts.as_of]
            if known:
                hidden = tuple(each.hidden for each in known if each.product is None)
                reasons = tuple(each.hidden_reason for each in known if each.product is not None)
                owns[one] = replace(owns.get(one, Own(one, None)), hidden=hidden, reasons=reasons)
        return owns

    def _folded(self, facts: Snapshot, users: Sequence[str] | None) -> Mapping[str, Own]:
        if not self.log.is_there():
            return {}
        held = self._pending
        if held is None or held[0] is not facts:
            held = self._pending = (facts, Pending(facts, self.log))
        if users is None:
            return held[1].all()
        found = {user: held[1].of_user(user) for user in dict.fromkeys(users)}
        return {user: own for user, own in found.items() if own is not None}

    def known(self) -> Known:
        """What events may name, of the newest facts.

        Raises:
            NotTrained: nothing is loaded yet.
        """
        shelf = FactsShelf(self._home.facts)
        newest = self._home.facts / "latest" if shelf.has_latest() else self._home.snapshots / "latest"
        try:
            found = newest.stat()
        except OSError:
            raise NotTrained(
                "there are no customers yet that an event could be of; run: graphrec load MAPPING"
            ) from None
        state = (found.st_ino, found.st_mtime_ns)
        held = self._known
        if held is None or held[0] != state:
            facts = shelf.latest() if shelf.is_served() else SnapshotShelf(self._home.snapshots).latest()
            held = self._known = (state, Known(facts))
        return held[1]


class Known:
    """What events may name in some facts."""

    def __init__(self, facts: Snapshot) -> None:
        self.facts = facts
        self.types: Mapping[str, EventSchema] = facts.schema.event_types()
        roles = facts.schema.roles
        self._users, self._products = facts.nodes(roles.user), facts.nodes(roles.product)

    def check(self, event: Event, latest: datetime) -> None:
        """Stop where an event names what is not there, or cannot have happened yet.

        Args:
            latest: the latest time that it may have.

        Raises:
            EventRefused: it does.
        """
        about = f"event {event.id!r}"
        kind = self.types.get(event.type)
        if kind is None:
            raise EventRefused(
                "unknown-type",
                f"{about}: there is no type {event.type!r}; want one of {', '.join(self.types)}, or name it in the "
                "mapping: [events.TYPE]",
            )
        if self._users.ids.find(event.user) < 0:
            raise EventRefused("unknown-user", f"{about}: there is no user {event.user!r}; load the customer first")
        if event.product is not None and self._products.ids.find(event.product) < 0:
            raise EventRefused(
                "unknown-product", f"{about}: there is no product {event.product!r}; load the product first"
            )
        if kind.edge is not None and event.product is None and not event.set:
            raise EventRefused("missing", f"{about}: {event.type} is about a product, and it names none; add product")
        if event.moment > latest:
            raise EventRefused(
                "future", f"{about}: at {event.at} is after now, {written(latest)}; correct the time or the clock"
            )
        for column, value in event.set.items():
            self._check_value(about, kind, column, value)

    def value(self, column: str, text: str) -> str | int | float | bool | None:
        """The value of a column that a person writes; `none` takes a value away, unless the column holds texts."""
        kind = self._users.columns.get(column, "text")
        if kind in ("text", "time"):
            return text
        if text.lower() == "none":
            return None
        if kind == "boolean":
            return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower(), text)
        try:
            return int(text) if kind == "integer" else float(text)
        except ValueError:
            return text

    def _check_value(self, about: str, kind: EventSchema, column: str, value: object) -> None:
        if column not in kind.sets:
            allowed = f"{', '.join(kind.sets)} alone" if kind.sets else "nothing"
            raise EventRefused(
                "unknown-column",
                f"{about}: {kind.type} may set {allowed}, and it sets {column}; name it in the mapping: "
                f"events.{kind.type}.sets",
            )
        wanted = self._users.columns.get(column)
        if wanted is None:
            raise EventRefused("unknown-column", f"{about}: there is no column {column} of users; load it first")
        if value is None or _fits(wanted, value):
            return
        raise EventRefused(
            "bad-value", f"{about}: {column} is {value!r}, and its values are of type {wanted}; correct it"
        )


def _fits(kind: str, value: object) -> bool:
    """Whether a value is one of a column."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "time":
        try:
            datetime.fromisoformat(str(value))
        except ValueError:
            return False
        return isinstance(value, str)
    return {
        "text": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63,
        "real": is_number,
    }[kind]


def accept(bank: Bank, sent: Sequence[Event | Mapping[str, object] | bytes]) -> Appended:
    """Events into the log, all of them or none; they are on the disk when this returns.

    Raises:
        EventRefused: one cannot be counted; `events.N` of the line says which.
        NotTrained: nothing is loaded yet.
    """
    known, latest = bank.events.known(), latest_moment(bank)
    events = []
    for number, one in enumerate(sent):
        try:
            event = one if isinstance(one, Event) else event_of(one)
            known.check(event, latest)
        except EventRefused as error:
            raise EventRefused(error.kind, f"events.{number}: {error}" if len(sent) > 1 else str(error)) from None
        events.append(event)
    done = bank.events.log.append(events)
    bank.onward.wake()
    bank.watching.wake(done)
    return done


def consume(bank: Bank, source: str, sent: Sequence[tuple[str, bytes]]) -> tuple[Appended, int]:
    """What a feed brings: events that count, and dead letters with their reason; all are on the disk when this returns.

    What customers who were forgotten did is not kept, and counts as neither.

    Args:
        source: what the feed is called.
        sent: of each its place in the feed, such as a line, and its bytes.

    Returns:
        What became of the events, and how many dead letters there were.

    Raises:
        NotTrained: nothing is loaded yet.
    """
    known, latest = bank.events.known(), latest_moment(bank)
    forgotten = Suppression(bank.home)
    events: list[tuple[str, bytes, Event]] = []
    dead: list[DeadLetter] = []
    for place, content in sent:
        try:
            event = event_of(content)
            if forgotten.among((event.user,)):
                continue
            known.check(event, latest)
        except EventRefused as error:
            dead.append(DeadLetter(source, place, error.kind, str(error), content))
        else:
            events.append((place, content, event))
    log = bank.events.log
    try:
        done = log.append([event for _, _, event in events], dead)
    except EventRefused:
        done = _one_by_one(log, source, events, dead)
    bank.onward.wake()
    bank.watching.wake(done)
    return done, len(dead)


def _one_by_one(
    log: EventLog, source: str, events: Sequence[tuple[str, bytes, Event]], dead: list[DeadLetter]
) -> Appended:
    """What became of events of which one was sent before with another content: that one is a dead letter."""
    accepted = duplicates = 0
    for place, content, event in events:
        try:
            done = log.append([event])
        except EventRefused as error:
            dead.append(DeadLetter(source, place, error.kind, str(error), content))
        else:
            accepted, duplicates = accepted + done.accepted, duplicates + done.duplicates
    return Appended(accepted, duplicates, log.append([], dead).last)


@dataclass(frozen=True)
class Consumed:
    """What a feed brought."""

    source: str
    read: int = 0
    accepted: int = 0
    duplicates: int = 0
    dead: int = 0

    @property
    def suppressed(self) -> int:
        """Events of customers who were forgotten."""
        return self.read - self.accepted - self.duplicates - self.dead

    def plus(self, read: int, done: Appended, dead: int) -> Consumed:
        """With what one more batch brought."""
        return Consumed(
            self.source, self.read + read, self.accepted + done.accepted, self.duplicates + done.duplicates,
            self.dead + dead,
        )  # fmt: skip


def consume_file(bank: Bank, path: Path, progress: Progress) -> Consumed:
    """The events of a file, one JSON object a line; empty lines are no events.

    Raises:
        SourceError: the file cannot be read.
        NotTrained: nothing is loaded yet.
    """
    total, batch = Consumed(str(path)), []
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    batch.append((f"line {number}", line.strip()))
                if len(batch) >= BATCH:
                    total = total.plus(len(batch), *consume(bank, str(path), batch))
                    batch = []
                    progress("events", total.read, None)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}; want a file with one event a line") from error
    return total.plus(len(batch), *consume(bank, str(path), batch)) if batch else total


def latest_moment(bank: Bank) -> datetime:
    """The latest time that an event may have: now, or the end of the day that settings call today."""
    today = bank.settings.today
    if today is not None:
        return datetime.combine(today, datetime.max.time(), UTC)
    return datetime.now(UTC) + SKEW


def one_event(bank: Bank, request: requests.SendEvent) -> Appended:
    """One event that a person writes: its time is now, on the day that settings call today, unless it says another.

    Raises:
        EventRefused: it cannot be counted.
    """
    now, today = datetime.now(UTC), bank.settings.today
    moment = now if today is None else datetime.combine(today, now.time(), UTC)
    content: dict[str, Any] = {
        "id": request.id or uuid.uuid4().hex, "user": request.user, "type": request.type,
        "at": request.at or written(moment), "product": request.product, "key": request.key,
        "quantity": request.quantity, "reason": request.reason, "entry": request.entry,
    }  # fmt: skip
    if request.values:
        content["set"] = {column: bank.events.known().value(column, text) for column, text in request.values}
    return accept(bank, [{name: value for name, value in content.items() if value is not None}])
