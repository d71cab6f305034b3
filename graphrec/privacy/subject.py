"""What a store and the log of events hold of one person, with who brought each value and when."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from graphrec import queries
from graphrec.events.log import Logged
from graphrec.schema import GraphSchema
from graphrec.store.base import Store
from graphrec.store.kinds import Kind

_OWN = ("id", "sources", "run")
_STAMP = re.compile(r"-(\d{8}T\d{6})\d{6}-")
"""In the name of a run: when it began."""


@dataclass(frozen=True)
class HeldValue:
    """One value of the person."""

    name: str
    value: Any
    marks: tuple[str, ...]
    """personal, protected, sensitive: as the mapping marks the column."""
    sources: tuple[str, ...]
    loaded: str | None
    """When the load began that wrote the row last, in UTC."""


@dataclass(frozen=True)
class HeldEdge:
    """One thing that the person did, has or is."""

    type: str
    other: str
    """Id at the other end."""
    label: str
    values: Mapping[str, Any]
    sources: tuple[str, ...]
    loaded: str | None


@dataclass(frozen=True)
class HeldEvent:
    """One event of the log."""

    id: str
    type: str
    at: str
    received: str
    product: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    """What else it says."""


@dataclass(frozen=True)
class Held:
    """All that is held of a person."""

    values: tuple[HeldValue, ...] = ()
    edges: tuple[HeldEdge, ...] = ()
    series: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    """Rows by the name of the series."""
    split: tuple[str, ...] = ()
    """Parts of the mapping's own split that the person is in."""
    events: tuple[HeldEvent, ...] = ()
    """Of the log."""


def held_event(logged: Logged) -> HeldEvent:
    """An event as a person reads it."""
    plain = logged.event.to_json()
    named = ("id", "type", "at", "product", "user")
    received = datetime.fromtimestamp(logged.received / 1e6, UTC).isoformat(timespec="seconds")
    values = {name: value for name, value in plain.items() if name not in named}
    return HeldEvent(plain["id"], plain["type"], plain["at"], received, plain.get("product"), values)


def held(store: Store, user: str) -> Held:
    """All that a store holds of a person; nothing where that one is not there.

    Raises:
        StoreError: nothing is loaded, or the store cannot be used.
    """
    schema = store.read_schema()
    label = schema.roles.user
    found = store.query(queries.text("read/subject", {"Node": label}), {"id": user}).rows
    values = _values(schema, dict(found[0][0])) if found else ()
    kinds = (Kind(edge.type, edge.source, edge.target) for edge in schema.edges.values())
    edges = [one for kind in kinds for one in _edges(store, kind, label, user)]
    series = {name: _series(store, schema, name, user) for name, one in schema.series.items() if one.of == label}
    split = sorted(
        f"{name}/{part}"
        for name, parts in store.read_splits().items()
        for part, pairs in parts.items()
        if user in pairs["user"].to_pylist()
    )
    edges.sort(key=lambda one: (one.type, str(one.values.get("at") or ""), one.other))
    return Held(values, tuple(edges), {name: rows for name, rows in series.items() if rows}, tuple(split))


def _values(schema: GraphSchema, properties: Mapping[str, Any]) -> tuple[HeldValue, ...]:
    node = schema.nodes[schema.roles.user]
    marks = {"personal": node.personal, "protected": node.protected, "sensitive": node.sensitive}
    sources, loaded = tuple(properties.get("sources") or ()), _loaded(properties)
    return tuple(
        HeldValue(name, _plain(value), tuple(mark for mark, names in marks.items() if name in names), sources, loaded)
        for name, value in sorted(properties.items())
        if name not in _OWN and value is not None
    )


def _edges(store: Store, kind: Kind, label: str, user: str) -> list[HeldEdge]:
    found = []
    texts: list[tuple[Any, str | None]]
    texts = [(queries.text("read/subject_edges", kind.labels), kind.target)] if kind.source == label else []
    if kind.target == label:
        texts.append((queries.text("read/subject_edges_in", kind.labels), kind.source))
    for text, other in texts:
        for end, properties in store.query(text, {"id": user}).rows:
            values = {name: _plain(one) for name, one in sorted(properties.items()) if name not in _OWN}
            values = {name: one for name, one in values.items() if one is not None}
            sources = tuple(properties.get("sources") or ())
            found.append(HeldEdge(kind.name, str(end), str(other), values, sources, _loaded(properties)))
    return found


def _series(store: Store, schema: GraphSchema, name: str, user: str) -> tuple[Mapping[str, Any], ...]:
    rows = []
    for table in store.read_series(name, schema).by_id():
        rows += [row for row in table.to_pylist() if row["id"] == user]
    return tuple({key: _plain(one) for key, one in row.items() if key != "id"} for row in rows)


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _loaded(properties: Mapping[str, Any]) -> str | None:
    found = _STAMP.search(str(properties.get("run") or ""))
    return None if found is None else datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC).isoformat()
