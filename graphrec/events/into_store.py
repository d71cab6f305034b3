"""Events written on into the store: a source of its own, `event log`, beside the files of the mappings.

A load brings all events of the log that no file covers as one full load of this source, so that a run that was killed
is simply run again, and what the files cover by now goes. In between, a server gets the newest events as increments.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import reduce
from typing import TYPE_CHECKING, Any, LiteralString

import numpy as np
from numpy.typing import NDArray

from graphrec import queries
from graphrec.events.covered import Covered
from graphrec.events.event import Event, moment_in
from graphrec.events.log import EventLog, Logged, mark
from graphrec.graph.edges.own import Plain
from graphrec.graph.folders.facts import HeldEvents
from graphrec.graph.folders.meta import TakenEvents
from graphrec.graph.rows import Sink, Source, edge_fields, node_fields
from graphrec.progress import Progress, silent
from graphrec.schema import SOLD, EdgeSchema, EventSchema, GraphSchema, NodeSchema
from graphrec.store.base import BATCH_ROWS, Store
from graphrec.store.kinds import Kind

if TYPE_CHECKING:
    import pyarrow as pa

#: The source in the store.
SOURCE = "event log"


@dataclass(frozen=True)
class TakenIn:
    """What the store holds of the log."""

    log: str
    number: int
    """All events up to it are in the store, or covered."""
    marks: NDArray[np.uint64]
    """Of all events that are in the store or covered, ascending."""
    covered: Mapping[str, int]
    written: int = 0
    superseded: int = 0
    """Events that the files have by now."""
    waiting: int = 0
    """Events of customers or products that the store does not have, and ends that it has no place for."""
    is_new: bool = False
    """Whether anything was written."""

    @property
    def held(self) -> HeldEvents:
        """What facts say of it."""
        counts = {"written": self.written, "superseded": self.superseded, "waiting": self.waiting}
        covered = dict(sorted(self.covered.items()))
        return HeldEvents(TakenEvents(self.log, self.number, covered, counts), self.marks)


@dataclass
class _Sorted:
    """The events of a log by what becomes of them."""

    edges: dict[str, dict[tuple[str, str, str], Event]] = field(default_factory=dict)
    """By edge type and identity."""
    values: dict[str, dict[str, tuple[tuple[int, int], Plain]]] = field(default_factory=dict)
    """By customer and column: when it was set, and to what."""
    written: list[str] = field(default_factory=list)
    superseded: list[str] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)


def take_in(store: Store, log: EventLog, covered: Sequence[Covered], progress: Progress = silent) -> TakenIn | None:
    """Bring the events of a log into a store; None where there are none and never were.

    Args:
        covered: what loads of the store cover.

    Raises:
        StoreError: the store cannot be used, or nothing is loaded.
    """
    last, files = log.last(), _Files.of(store, covered)
    if files is None:
        return None
    found = _sorted(store, list(log.since(0, last)), files)
    source, tables = _brought(files.schema, found, full=True)
    sink = store.sink(progress)
    is_new = (bool(tables) or files.had_events) and not sink.is_current(source)
    if is_new:
        _write(sink, source, tables)
    marks = np.sort(np.array([mark(one) for one in (*found.written, *found.superseded)], np.uint64))
    number = min(found.waiting, default=last + 1) - 1
    return TakenIn(
        log.identity(), number, marks, files.until, len(found.written), len(found.superseded), len(found.waiting),
        is_new,
    )  # fmt: skip


def write_on(store: Store, log: EventLog, covered: Sequence[Covered], after: int) -> int:
    """Add the events with larger numbers to a store that others read meanwhile; the number of the last one.

    The next load brings all events again, so that one which is written twice, or by two processes, counts once.

    Args:
        covered: what loads of the store cover.

    Raises:
        StoreError: the store cannot be used, or a load holds it.
    """
    last, files = log.last(), _Files.of(store, covered)
    if files is None or last <= after:
        return last
    rows = list(log.since(after, last))
    # The latest value by time counts, and it may have come before.
    setters = sorted({one.event.user for one in rows if one.event.set})
    earlier = [one for user in setters for one in log.of_user(user) if one.number <= after and one.event.set]
    source, tables = _brought(files.schema, _sorted(store, [*earlier, *rows], files), full=False)
    if tables:
        _write(store.sink(), source, tables)
    return last


@dataclass(frozen=True)
class _Files:
    """What loads of files say of a store."""

    schema: GraphSchema
    until: Mapping[str, int]
    """By type of event, up to when the files have them."""
    began: int
    """When the last load of customers began."""
    had_events: bool

    @classmethod
    def of(cls, store: Store, covered: Sequence[Covered]) -> "_Files | None":
        """None where nothing is loaded."""
        sources = {one.name: one for one in store.sources()}
        schemas = [one.schema for name, one in sources.items() if name != SOURCE and one.schema is not None]
        if not schemas:
            return None
        effective = [one for one in covered if one.run in {known.run for known in sources.values()}]
        until: dict[str, int] = {}
        for one in effective:
            for kind, moment in one.until.items():
                until[kind] = max(moment, until.get(kind, moment))
        began = max((one.began for one in effective if one.users), default=0)
        return cls(reduce(GraphSchema.merge, schemas), until, began, SOURCE in sources)


def _brought(schema: GraphSchema, found: _Sorted, *, full: bool) -> "tuple[Source, dict[str, pa.Table]]":
    """A load of events: its source, and the rows of each label and edge type."""
    own = _own_schema(schema, found)
    tables = _tables(own, found)
    digest = hashlib.sha256(repr([(name, table.to_pylist()) for name, table in sorted(tables.items())]).encode())
    run = f"events-{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{digest.hexdigest()[:8]}"
    return Source(SOURCE, run, full=full, schema=own, files_hash=digest.hexdigest()), tables


def _write(sink: Sink, source: Source, tables: "Mapping[str, pa.Table]") -> None:
    sink.begin(source)
    for name, table in tables.items():
        (sink.add_nodes if name == source.schema.roles.user else sink.add_edges)(name, table)
    sink.finish(None)


def _sorted(store: Store, rows: Sequence[Logged], files: _Files) -> _Sorted:
    schema, roles, types, found = files.schema, files.schema.roles, files.schema.event_types(), _Sorted()
    users = _brought_nodes(store, roles.user, {one.event.user for one in rows})
    products = _brought_nodes(
        store, roles.product, {one.event.product for one in rows if one.event.product is not None}
    )
    loaded = {
        name: _brought_edges(store, schema.edges[name], some) for name, some in sorted(_keyed(rows, schema).items())
    }
    for logged in rows:
        event = logged.event
        kind = types.get(event.type, EventSchema(event.type))
        is_covered = event.microseconds <= files.until.get(event.type, event.microseconds - 1)
        if event.user not in users:
            found.waiting.append(logged.number)
            continue
        state = "written"
        if kind.edge in schema.edges and event.product is not None:
            edge = schema.edges[str(kind.edge)]
            identity = (event.user, event.product, _key(event, kind))
            if identity in loaded.get(edge.type, ()) or (event.key is None and is_covered):
                state = "superseded"
            elif event.product not in products or (event.type == SOLD and None in (edge.quantity, event.quantity)):
                state = "waiting"
            else:
                found.edges.setdefault(edge.type, {})[identity] = event
        for column, value in event.set.items():
            if is_covered or logged.received < files.began:
                state = "superseded"
                continue
            values = found.values.setdefault(event.user, {})
            moment = (event.microseconds, logged.number)
            if column not in values or values[column][0] <= moment:
                values[column] = (moment, value)
        if state == "waiting":
            found.waiting.append(logged.number)
        else:
            (found.written if state == "written" else found.superseded).append(event.id)
    return found


def _keyed(rows: Sequence[Logged], schema: GraphSchema) -> dict[str, set[tuple[str, str, str]]]:
    """By edge type, the identities of the events with a key, which files may have brought."""
    types, found = schema.event_types(), dict[str, set[tuple[str, str, str]]]()
    for event in (one.event for one in rows):
        kind = types.get(event.type)
        if kind is not None and kind.edge in schema.edges and event.product is not None and event.key is not None:
            found.setdefault(str(kind.edge), set()).add((event.user, event.product, _key(event, kind)))
    return found


def _key(event: Event, kind: EventSchema) -> str:
    """The key of the edge that an event is: that of the files, where it names one."""
    return event.key if kind.keyed and event.key is not None else f"event:{event.id}"


def _brought_nodes(store: Store, label: str, ids: Collection[str]) -> frozenset[str]:
    """Those of some ids that files brought."""
    rows = _found(store, "load/found_nodes", {"Node": label}, [{"id": one} for one in sorted(ids)])
    return frozenset(str(row[0]) for row in rows if row[2])


def _brought_edges(
    store: Store, edge: EdgeSchema, identities: Collection[tuple[str, str, str]]
) -> frozenset[tuple[str, str, str]]:
    """Those of some edges of a type that files brought."""
    wanted = [{"source": one[0], "target": one[1], "key": one[2]} for one in sorted(identities)]
    rows = _found(store, "load/found_edges", Kind(edge.type, edge.source, edge.target).labels, wanted)
    return frozenset((str(row[0]), str(row[1]), str(row[2])) for row in rows if row[4])


def _found(
    store: Store, name: LiteralString, labels: queries.Labels, wanted: Sequence[Mapping[str, str]]
) -> Iterator[Sequence[Any]]:
    """The rows of a store that are wanted, as load/found_* gives them."""
    text = queries.text(name, labels)
    for start in range(0, len(wanted), BATCH_ROWS):
        asked = {"rows": wanted[start : start + BATCH_ROWS], "source": SOURCE, "sources": [], "columns": []}
        for chunk in store.stream(text, asked):
            yield from (row[0] for row in chunk)


def _own_schema(schema: GraphSchema, found: _Sorted) -> GraphSchema:
    """What the events of the log bring, as a source has a schema."""
    user = schema.roles.user
    columns = {column for values in found.values.values() for column in values}
    kept = tuple(one for one in schema.nodes[user].columns if one.name in columns)
    edges = {}
    for name in found.edges:
        edge = schema.edges[name]
        edges[name] = replace(edge, columns=tuple(one for one in edge.columns if one.name == edge.quantity))
    return GraphSchema(schema.roles, {user: NodeSchema(user, kept)} if kept else {}, edges)


def _tables(schema: GraphSchema, found: _Sorted) -> "dict[str, pa.Table]":
    """The rows of each label and edge type."""
    import pyarrow as pa

    user, tables = schema.roles.user, {}
    for node in schema.nodes.values():
        kinds = {column.name: column.kind for column in node.columns}
        rows = [
            {"id": one, "known_at": None, **{name: _value(kinds[name], value) for name, (_, value) in values.items()}}
            for one, values in sorted(found.values.items())
        ]
        tables[user] = pa.Table.from_pylist(rows, node_fields(node.columns))
    for name, edge in schema.edges.items():
        rows = [_row(identity, event, edge) for identity, event in sorted(found.edges[name].items())]
        tables[name] = pa.Table.from_pylist(rows, edge_fields(edge.columns))
    return tables


def _row(identity: tuple[str, str, str], event: Event, edge: EdgeSchema) -> dict[str, Any]:
    source, target, key = identity
    quantity = event.quantity
    if event.type == SOLD and quantity is not None:
        quantity = -abs(quantity)
    row: dict[str, Any] = {"source": source, "target": target, "key": key, "at": event.moment, "known_at": event.moment}
    return {**row, "weight": quantity} if edge.quantity is None else {**row, edge.quantity: quantity}


def _value(kind: str, value: Plain) -> Any:
    return moment_in(value) if kind == "time" and isinstance(value, str) else value
