"""What is computed of customers and products, kept in the store: a source of its own beside those of the mappings.

Columns so kept are dated: a snapshot as of an earlier day does not hold their values.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import reduce
from typing import TYPE_CHECKING

from graphrec import queries
from graphrec.app.bank import Bank
from graphrec.app.data.facts import changing, publish
from graphrec.errors import StoreError, UnknownId
from graphrec.graph.rows import Source, edge_fields, node_fields
from graphrec.progress import Progress, silent
from graphrec.schema import Column, EdgeSchema, GraphSchema, LiveBounds, NodeSchema
from graphrec.store.base import Store
from graphrec.store.kinds import Kind

if TYPE_CHECKING:
    import pyarrow as pa

Plain = str | float | datetime | None
PREFIX = "graphrec "
"""What the names of these sources begin with."""


@dataclass(frozen=True)
class Derived:
    """Rows to keep.

    A row of nodes is an id and values by column; one of edges both ends and since when it holds.
    """

    nodes: Mapping[str, Sequence[tuple[str, Mapping[str, Plain]]]]
    columns: Mapping[str, tuple[Column, ...]]
    """By label."""
    dated: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By label: columns, each with the column that says of which day it is."""
    names: Mapping[str, str] = field(default_factory=dict)
    """By label: the column that a person reads."""
    edges: Mapping[str, tuple[str, str, Sequence[tuple[str, str, datetime]]]] = field(default_factory=dict)
    """By type: labels of both ends, and rows."""


def loaded_schema(store: Store, but: str = "") -> GraphSchema:
    """The schema of all that is loaded.

    Args:
        but: a source that does not count.

    Raises:
        StoreError: nothing is loaded.
    """
    schemas = [one.schema for one in store.sources() if one.name != but and one.schema is not None]
    if not schemas:
        raise StoreError(f"nothing is loaded in {store.address}; run: graphrec load MAPPING")
    return reduce(GraphSchema.merge, schemas)


def keep(bank: Bank, source: str, derived: Derived, progress: Progress = silent) -> bool:
    """Keep rows in the store of a home, in place of what this source brought before, and publish them as facts.

    Returns:
        Whether they are others than before.

    Raises:
        StoreError: nothing is loaded, or the store cannot be used.
        UnknownId: a node of a loaded label is not there.
    """
    from graphrec.store import open_store

    home = bank.home
    home.need_vault("what is computed of customers")
    with open_store(bank.settings.store, home.store, bank.settings.login) as store:
        schema = loaded_schema(store, source)
        own = _schema(schema, derived)
        tables = {label: _nodes(own, derived, label) for label in derived.nodes}
        tables |= {name: _edges(own, name, rows) for name, (_, _, rows) in derived.edges.items()}
        for label in derived.nodes.keys() & schema.nodes.keys():
            known = set(_known(store, label, source))
            if gone := next((one for one, _ in derived.nodes[label] if one not in known), None):
                raise UnknownId(f"no {label} {gone!r}")
        with changing(home, store, source):
            is_new = _bring(store, source, own, tables, progress)
        publish(home, store, progress)
    return is_new


def _schema(schema: GraphSchema, derived: Derived) -> GraphSchema:
    nodes = {
        label: NodeSchema(
            label,
            columns=tuple(sorted(derived.columns.get(label, ()), key=lambda column: column.name)),
            name=derived.names.get(label),
            dated=dict(derived.dated.get(label, {})),
        )
        for label in {*derived.nodes, *(end for one in derived.edges.values() for end in one[:2])}
    }
    edges = {name: EdgeSchema(name, start, end) for name, (start, end, _) in derived.edges.items()}
    return replace(
        schema,
        nodes=nodes,
        edges=edges,
        series={},
        reasons={},
        reasons_in={},
        words={},
        split=None,
        events={},
        live=LiveBounds(),
    )


def _nodes(schema: GraphSchema, derived: Derived, label: str) -> pa.Table:
    import pyarrow as pa

    columns = schema.nodes[label].columns
    rows = [{"id": one, "known_at": None, **values} for one, values in sorted(derived.nodes[label], key=lambda r: r[0])]
    return pa.Table.from_pylist(rows, node_fields(columns))


def _edges(schema: GraphSchema, name: str, rows: Sequence[tuple[str, str, datetime]]) -> pa.Table:
    import pyarrow as pa

    made = [
        {"source": start, "target": end, "key": "", "at": since, "known_at": since, "weight": None}
        for start, end, since in sorted(rows)
    ]
    return pa.Table.from_pylist(made, edge_fields(schema.edges[name].columns))


def drop_gone(store: Store, progress: Progress = silent) -> None:
    """Take away what was computed of nodes that no mapping brings any more."""
    names = [one.name for one in store.sources()]
    for source in [one for one in store.sources() if one.name.startswith(PREFIX)]:
        others, own, gone = loaded_schema(store, source.name), source.schema, {}
        if own is None:
            continue
        for label in own.nodes.keys() & others.nodes.keys():
            gone[label] = set(_known(store, label, source.name, claimed=False))
        if not any(gone.values()):
            continue
        tables = {
            label: _left(store.read_rows(Kind(label), node.columns, names)[0], {"id": gone.get(label, set())}, node)
            for label, node in own.nodes.items()
            if node.columns
        }
        for name, edge in own.edges.items():
            kind = Kind(name, edge.source, edge.target)
            ends = {"source": gone.get(edge.source, set()), "target": gone.get(edge.target, set())}
            tables[name] = _left(store.read_rows(kind, edge.columns, names)[0], ends)
        _bring(store, source.name, own, tables, progress)


def _known(store: Store, label: str, source: str, *, claimed: bool = True) -> Iterator[str]:
    """The ids of a label that sources besides one claim, or that none does."""
    chunks = store.stream(queries.text("load/ids", {"Node": label}), {"source": source})
    return (str(one) for chunk in chunks for one, count in chunk if bool(count) == claimed)


def _left(table: pa.Table, gone: Mapping[str, set[str]], node: NodeSchema | None = None) -> pa.Table:
    """The rows that name nothing that is gone and, of nodes, that have a value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for column, ids in gone.items():
        table = table.filter(pc.invert(pc.is_in(table[column], value_set=pa.array(sorted(ids), pa.string()))))
    if node is not None:
        valued = reduce(pc.or_, [pc.is_valid(table[one.name]) for one in node.columns])
        table = table.filter(valued)
    return table


def _bring(store: Store, name: str, own: GraphSchema, tables: Mapping[str, pa.Table], progress: Progress) -> bool:
    """One full load of a source; whether its rows are others than before."""
    digest = hashlib.sha256(repr([(key, table.to_pylist()) for key, table in sorted(tables.items())]).encode())
    run = f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{digest.hexdigest()[:8]}"
    sink = store.sink(progress)
    source = Source(name, run, full=True, schema=own, files_hash=digest.hexdigest())
    if sink.is_current(source):
        return False
    sink.begin(source)
    for label in own.nodes:
        if label in tables:
            sink.add_nodes(label, tables[label])
    for kind in own.edges:
        sink.add_edges(kind, tables[kind])
    sink.finish(None)
    return True
