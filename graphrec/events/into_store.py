"""Events written on into the store: a source of its own, `event log`, beside the files of the mappings.

Each time all events of the log that no file covers are brought as one full load of this source, so that a run that was
killed is simply run again, and what the files cover by now goes.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphrec import queries
from graphrec.events.covered import Covered
from graphrec.events.event import Event, moment_of
from graphrec.events.log import EventLog, mark
from graphrec.graph.facts import HeldEvents
from graphrec.graph.own import Plain
from graphrec.graph.rows import Source, edge_fields, node_fields
from graphrec.progress import Progress, silent
from graphrec.schema import SOLD, EdgeSchema, EventSchema, GraphSchema, NodeSchema
from graphrec.store.base import Store
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
        meta = {"log": self.log, "number": self.number, "covered": dict(sorted(self.covered.items())), "counts": counts}
        return HeldEvents(meta, self.marks)


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
    sources = {one.name: one for one in store.sources()}
    last = log.last()
    schemas = [one.schema for name, one in sources.items() if name != SOURCE and one.schema is not None]
    if not schemas:
        return None
    schema = reduce(GraphSchema.merge, schemas)
    effective = [one for one in covered if one.run in {known.run for known in sources.values()}]
    until: dict[str, int] = {}
    for one in effective:
        for kind, moment in one.until.items():
            until[kind] = max(moment, until.get(kind, moment))
    began = max((one.began for one in effective if one.users), default=0)
    found = _sorted(store, log, last, schema, until, began)
    own = _own_schema(schema, found)
    tables = _tables(own, found)
    digest = hashlib.sha256(repr([(name, table.to_pylist()) for name, table in sorted(tables.items())]).encode())
    run = f"events-{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{digest.hexdigest()[:8]}"
    source = Source(SOURCE, run, full=True, schema=own, files_hash=digest.hexdigest())
    sink = store.sink(progress)
    is_new = (bool(tables) or SOURCE in sources) and not sink.is_current(source)
    if is_new:
        sink.begin(source)
        for name, table in tables.items():
            (sink.add_nodes if name == schema.roles.user else sink.add_edges)(name, table)
        sink.finish(None)
    marks = np.sort(np.array([mark(one) for one in (*found.written, *found.superseded)], np.uint64))
    number = min(found.waiting, default=last + 1) - 1
    return TakenIn(
        log.identity(), number, marks, until, len(found.written), len(found.superseded), len(found.waiting), is_new
    )


def _sorted(
    store: Store, log: EventLog, last: int, schema: GraphSchema, until: Mapping[str, int], began: int
) -> _Sorted:
    roles, types, found = schema.roles, schema.event_types(), _Sorted()
    users, products = _ids(store, roles.user), _ids(store, roles.product)
    rows = list(log.since(0, last))
    keyed = {types[one.event.type].edge for one in rows if one.event.key and one.event.type in types}
    loaded = {name: _loaded(store, schema.edges[name]) for name in sorted(filter(None, keyed)) if name in schema.edges}
    for logged in rows:
        event = logged.event
        kind = types.get(event.type, EventSchema(event.type))
        is_covered = event.microseconds <= until.get(event.type, event.microseconds - 1)
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
            if is_covered or logged.received < began:
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


def _key(event: Event, kind: EventSchema) -> str:
    """The key of the edge that an event is: that of the files, where it names one."""
    return event.key if kind.keyed and event.key is not None else f"event:{event.id}"


def _ids(store: Store, label: str) -> frozenset[str]:
    """The ids of a label that files brought."""
    chunks = store.stream(queries.text("load/ids", {"Node": label}), {"source": SOURCE})
    return frozenset(str(one) for chunk in chunks for one, others in chunk if others)


def _loaded(store: Store, edge: EdgeSchema) -> frozenset[tuple[str, str, str]]:
    """The identities of the edges of a type that files brought."""
    names = Kind(edge.type, edge.source, edge.target).labels
    asked = {"source": SOURCE, "sources": [], "columns": []}
    chunks = store.stream(queries.text("load/stored_edges", names), asked)
    rows = (row[0] for chunk in chunks for row in chunk)
    return frozenset((str(row[0]), str(row[1]), str(row[2])) for row in rows if row[4])


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
    return moment_of(value) if kind == "time" and isinstance(value, str) else value
