"""The customers' rows: from a user to what their edges lead to, as terms read them, one user at a time.

x of an edge is the evidence of its events: the role's weight, times log(1 + weight) where an event has one, summed over
repeated events, less what its age has taken of it (graph/edges/fading.py). The rows are those of facts or of a
snapshot; what they lead to stands in positions of a model.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.frozen import dataclass
from graphrec.graph.edges.adjacency import Adjacency, Hop, evidence, from_rows, summed_evidence
from graphrec.graph.edges.fading import ages
from graphrec.graph.folders.arrays import CheckedArray
from graphrec.graph.folders.facts import events_of, user_types
from graphrec.graph.folders.snapshot import Snapshot

Array = NDArray[Any] | CheckedArray
Places = Mapping[str, NDArray[np.int64]]
"""By label where each node is in a model, -1: nowhere; a label that is not there has the same nodes in both."""


@dataclass(frozen=True, eq=False)
class Events:
    """The events of a hop by user.

    Shapes: indptr (num_users + 1,), indices, at, known_at, weight, quantity (num_events,).
    """

    indptr: Array
    indices: Array
    at: Array
    known_at: Array
    weight: Array | None
    quantity: Array | None = None

    def read(self, span: slice) -> "Events":
        """The events at some places, read from their files."""
        weight, quantity = (None if one is None else np.asarray(one[span]) for one in (self.weight, self.quantity))
        indices, at, known_at = (np.asarray(one[span]) for one in (self.indices, self.at, self.known_at))
        return Events(np.array([0, len(indices)]), indices, at, known_at, weight, quantity)


class FirstHop(Adjacency):
    """The distinct neighbours of users over one hop; rows are read when they are asked for.

    Args:
        events: of the hop, by user.
        num_targets: the nodes that rows may name.
        role: evidence of one event; None: the edges are no interactions, and each is 1.
        known_before: events known at or after it, in microseconds since 1970, are not seen; None: all are.
        targets: where each node that an event names is in the model, -1: nowhere; None: in the same place.
        users: where each user of the model is in the events, -1: nowhere; None: in the same place.
    """

    _events: Events
    _num_targets: int
    _role: float | None
    _known_before: int | None
    _targets: NDArray[np.int64] | None
    _users: NDArray[np.int64] | None
    _last: tuple[int, Adjacency] | None
    _half_life: float | None
    _now: int
    _is_alone: bool

    def __init__(
        self,
        events: Events,
        num_targets: int,
        *,
        role: float | None,
        known_before: int | None = None,
        targets: NDArray[np.int64] | None = None,
        users: NDArray[np.int64] | None = None,
    ) -> None:
        vars(self).update(
            _events=events, _num_targets=num_targets, _role=role, _known_before=known_before, _targets=targets,
            _users=users, _last=None, _half_life=None, _now=0, _is_alone=False,
        )  # fmt: skip

    def fading(self, half_life: float, now: int) -> "FirstHop":
        return self._like(self._events, half_life, now)

    def reading(self, snapshot: Snapshot, hop: Hop) -> "FirstHop":
        """The same rows of facts that differ in events of one user alone."""
        found = self._like(_events(snapshot, hop.type, reverse=hop.reverse), self._half_life, self._now)
        vars(found).update(_is_alone=True)
        return found

    def _like(self, events: Events, half_life: float | None, now: int) -> "FirstHop":
        found = FirstHop(
            events, self._num_targets, role=self._role, known_before=self._known_before, targets=self._targets,
            users=self._users,
        )  # fmt: skip
        vars(found).update(_half_life=half_life, _now=now)
        return found

    @property
    def is_alone(self) -> bool:
        return self._is_alone

    @property
    def fades(self) -> bool:
        """Whether age takes a part of the evidence."""
        return self._half_life is not None

    @property
    def num_rows(self) -> int:
        return len(self._events.indptr) - 1 if self._users is None else len(self._users)

    @cached_property
    def _whole(self) -> Adjacency:
        bounds = np.asarray(self._events.indptr)
        rows = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        found = self._distinct(rows, self._events.read(slice(None)), len(bounds) - 1)
        if self._users is None:
            return found
        there = np.maximum(self._users, 0)
        origin, reached = found.expand(there)
        kept = self._users[origin] >= 0
        own = from_rows(origin[kept], reached[kept], len(self._users))
        places = np.concatenate([np.arange(*found.indptr[user : user + 2]) for user in there.tolist()])[kept]
        columns: tuple[Any, ...] = (found.weight, found.newest, found.faded)
        return Adjacency(own.indptr, own.indices, *(None if one is None else one[places] for one in columns))

    @cached_property
    def indptr(self) -> NDArray[np.int64]:
        return self._whole.indptr

    @cached_property
    def indices(self) -> NDArray[np.int32]:
        return self._whole.indices

    @cached_property
    def weight(self) -> NDArray[np.float64] | None:
        return self._whole.weight

    @cached_property
    def newest(self) -> NDArray[np.int64] | None:
        return self._whole.newest

    @cached_property
    def faded(self) -> NDArray[np.float64] | None:
        return None if self._half_life is None else self._whole.faded

    def row(self, node: int) -> NDArray[np.int32]:
        return self._one(node).indices

    def weights(self, node: int) -> NDArray[np.float64]:
        found = self._one(node)
        return np.ones(len(found.indices)) if found.weight is None else found.weight

    def left(self, node: int) -> NDArray[np.float64] | None:
        return None if self._half_life is None else self._one(node).faded

    def age(self, node: int, place: int) -> int | None:
        """How many days old the edge at a place of a user's row is; None: it does not fade, or has no time."""
        found = self._one(node)
        if found.faded is None or found.newest is None:
            return None
        days = int(ages(found.newest[place : place + 1], self._now)[0])
        return None if days < 0 else days

    def degrees_of(self, nodes: NDArray[np.integer]) -> NDArray[np.int64]:
        return np.array([len(self.row(int(node))) for node in nodes], np.int64)

    def expand(self, nodes: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        if "_whole" in vars(self):
            return self._whole.expand(nodes)
        rows = [self.row(int(node)) for node in nodes]
        origin = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        return origin, np.concatenate(rows) if rows else np.zeros(0, np.int32)

    def unknown(self, place: int, *, all_of_them: bool = False) -> int:
        """How many neighbours of a user, by position in the events, the model does not know, or of all of them."""
        start, end = self._events.indptr[place : place + 2]
        found = np.unique(self._events.indices[int(start) : int(end)])
        if not all_of_them:
            return 0 if self._targets is None else int((self._targets[found] < 0).sum())
        return len(found)

    def _one(self, node: int) -> Adjacency:
        last = self._last
        if last is not None and last[0] == node:
            return last[1]
        if "_whole" in vars(self):
            found = _row_of(self._whole, node)
        else:
            events = self._events.read(self._span(node))
            found = self._distinct(np.zeros(len(events.indices), np.int64), events, 1)
        vars(self)["_last"] = (node, found)
        return found

    def _span(self, node: int) -> slice:
        place = int(node) if self._users is None else int(self._users[node])
        if place < 0:
            return slice(0, 0)
        start, end = self._events.indptr[place : place + 2]
        return slice(int(start), int(end))

    def _distinct(self, rows: NDArray[np.int64], events: Events, num_rows: int) -> Adjacency:
        """Events of one pair added up; all that a row needs stands in it, so that one row gives what all rows give."""
        keep, targets = np.ones(len(rows), np.bool_), np.asarray(events.indices)
        if self._known_before is not None:
            keep &= np.asarray(events.known_at) < self._known_before
        if self._targets is not None:
            targets = self._targets[targets].astype(np.int32)
            keep &= targets >= 0
        written, quantity = (None if one is None else np.asarray(one) for one in (events.weight, events.quantity))
        weight = evidence(written, quantity, len(rows))
        at = np.asarray(events.at)[keep]
        rows, targets, weight = rows[keep], targets[keep], weight[keep]
        first = np.ones(len(rows), np.bool_)
        first[1:] = (rows[1:] != rows[:-1]) | (targets[1:] != targets[:-1])
        starts = np.flatnonzero(first)
        distinct = from_rows(rows[first], targets[first], num_rows)
        if self._role is None:
            return distinct
        newest = np.maximum.reduceat(at, starts) if len(rows) else at
        distinct = replace(distinct, newest=newest)
        if self._half_life is not None:
            distinct = distinct.fading(self._half_life, self._now)
        summed = summed_evidence(weight, starts, signed=events.quantity is not None)
        if self._role == 1 and bool((summed == 1).all()):
            return distinct
        return replace(distinct, weight=summed * self._role)


def _row_of(whole: Adjacency, node: int) -> Adjacency:
    """One row of an adjacency, alone."""
    start, end = whole.indptr[node : node + 2].tolist()
    columns: tuple[Any, ...] = (whole.weight, whole.newest, whole.faded)
    bounds = np.array([0, end - start])
    return Adjacency(bounds, whole.indices[start:end], *(None if one is None else one[start:end] for one in columns))


def first_hops(
    snapshot: Snapshot, counts: Mapping[str, int], *, known_before: int | None = None, places: Places | None = None,
    users: NDArray[np.int64] | None = None,
) -> dict[Hop, FirstHop]:  # fmt: skip
    """Every hop that leaves users, by hop.

    Args:
        snapshot: facts, or a whole snapshot.
        counts: nodes of every label in the model.
        known_before: events known at or after it, in microseconds since 1970, are not seen; None: all are.
        places: where the nodes of the snapshot are in the model.
        users: where the users of the model are in the snapshot; None: they are the same.
    """
    schema, places = snapshot.schema, places or {}
    roles = schema.roles
    found = {}
    for name in snapshot.types:
        edge = schema.edges[name]
        role = roles.weight(name) if name in roles.interactions else None
        for reverse in (False, True):
            start, end = (edge.target, edge.source) if reverse else (edge.source, edge.target)
            if start != roles.user or end not in counts:
                continue
            found[Hop(name, reverse)] = FirstHop(
                _events(snapshot, name, reverse=reverse), counts[end], role=role, known_before=known_before,
                targets=places.get(end), users=users,
            )  # fmt: skip
    return found


def _events(snapshot: Snapshot, name: str, *, reverse: bool) -> Events:
    """The events of a type by user, mapped where their files are by user."""
    edges = snapshot.edges(name)
    if not reverse:
        return Events(edges.indptr, edges.indices, edges.at, edges.known_at, edges.weight, edges.quantity)
    if edges.is_by_target:
        at, known_at = edges.array("in_at"), edges.array("in_known_at")
        assert at is not None, "it is by target"
        assert known_at is not None, "it is by target"
        weight, quantity = edges.array("in_weight"), edges.array("in_quantity")
        return Events(edges.in_indptr, edges.in_indices, at, known_at, weight, quantity)
    whole: dict[str, Any] = events_of(edges, reverse=True)
    return Events(**{name: whole[name] for name in ("indptr", "indices", "at", "known_at", "weight", "quantity")})


def known_until(snapshot: Snapshot) -> int:
    """The time, in microseconds since 1970, before which all edges of users were known."""
    last = 0
    for name in user_types(snapshot):
        last = max(last, int(snapshot.edges(name).known_at.whole().max(initial=0)) + 1)
    return last
