"""From the log to what answers read: the events of a customer that the facts do not hold yet."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import numpy as np

from graphrec.events.log import EventLog, Logged, mark
from graphrec.graph.edges.own import Own, OwnEdge, Plain
from graphrec.graph.folders.facts import MARKS
from graphrec.graph.folders.meta import TakenEvents
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.schema import SOLD, EventSchema
from graphrec.times import microseconds_of


class Pending:
    """What events say over some facts."""

    def __init__(self, facts: Snapshot, log: EventLog) -> None:
        self._log = log
        self._types = facts.schema.event_types()
        taken = facts.meta.events or TakenEvents()
        self._covered: Mapping[str, int] = taken.covered
        # Facts of another home, such as a published one: its log numbers events otherwise.
        self._after = taken.number if taken.log == log.identity() else 0
        self._taken = facts.files.array(MARKS).whole() if MARKS in facts.files else np.zeros(0, np.uint64)
        self._before = None if facts.as_of is None else microseconds_of(datetime.fromisoformat(facts.as_of))

    def of_user(self, user: str) -> Own | None:
        """What events say of one customer; None: nothing."""
        return self._folded(user, self._log.of_user(user, self._after))

    def all(self) -> dict[str, Own]:
        """What they say of every customer of whom they say something."""
        found: dict[str, list[Logged]] = {}
        for logged in self._log.since(self._after):
            found.setdefault(logged.event.user, []).append(logged)
        owns = {user: self._folded(user, rows) for user, rows in found.items()}
        return {user: own for user, own in owns.items() if own is not None}

    def _folded(self, user: str, rows: Iterable[Logged]) -> Own | None:
        left = [row for row in rows if not self._is_held(row)]
        return folded(user, left, self._types) if left else None

    def _is_held(self, logged: Logged) -> bool:
        """Whether the facts hold an event, or were taken for a date before it."""
        event = logged.event
        place = int(np.searchsorted(self._taken, np.uint64(mark(event.id))))
        if place < len(self._taken) and int(self._taken[place]) == mark(event.id):
            return True
        if self._before is not None and event.microseconds >= self._before:
            return True
        return (
            event.key is None
            and not event.set
            and event.microseconds <= self._covered.get(event.type, event.microseconds - 1)
        )


def folded(user: str, rows: Iterable[Logged], types: Mapping[str, EventSchema]) -> Own:
    """What some events of a customer say together: the last one of a key, and the latest value of a column."""
    edges: dict[object, OwnEdge] = {}
    values: dict[str, tuple[int, Plain]] = {}
    last = ""
    for logged in rows:
        event, last = logged.event, logged.event.id
        at, kind = event.microseconds, types.get(event.type)
        if kind is not None and kind.edge is not None and event.product is not None:
            identity = event.id if event.key is None else (kind.edge, event.product, event.key)
            is_sale = event.type == SOLD
            quantity = -abs(event.quantity) if is_sale and event.quantity is not None else event.quantity
            edges[identity] = OwnEdge(kind.edge, event.product, at, at, quantity, is_sale and quantity is None)
        for column, value in event.set.items():
            if column not in values or values[column][0] <= at:
                values[column] = (at, value)
    return Own(user, last, tuple(edges.values()), {column: value for column, (_, value) in sorted(values.items())})
