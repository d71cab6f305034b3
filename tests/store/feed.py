"""A small bank as a load brings it, and what to compare of a store."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from graphrec.graph.rows import Counts, Part, Sink, Source, edge_fields, node_fields
from graphrec.queries import quote
from graphrec.schema import Column, EdgeSchema, GraphSchema, NodeSchema, Roles, SeriesSchema
from graphrec.store.base import Store

NOON = datetime(2024, 1, 31, 12, 0, 0, 5, UTC)

SCHEMA = GraphSchema(
    roles=Roles(user="Customer", product="Product", interactions=("BOUGHT", "VIEWED"), relevant=("BOUGHT",)),
    nodes={
        "Customer": NodeSchema(
            "Customer", (Column("age", "integer"), Column("name", "text")), name="name", personal=("name",)
        ),
        "Product": NodeSchema(
            "Product",
            (Column("fee", "real"), Column("is_open", "boolean"), Column("issued", "time"), Column("name", "text")),
            name="name",
            text=("name",),
        ),
        "Sector": NodeSchema("Sector"),
    },
    edges={
        "BOUGHT": EdgeSchema("BOUGHT", "Customer", "Product", (Column("channel", "text"),)),
        "VIEWED": EdgeSchema("VIEWED", "Customer", "Product"),
        "IN_SECTOR": EdgeSchema("IN_SECTOR", "Product", "Sector"),
    },
    series={"price": SeriesSchema("price", "Product", ("close",))},
)

Rows = Sequence[Mapping[str, Any]]

CUSTOMERS: Rows = [
    {"id": "c1", "age": 40, "name": "Ada"},
    {"id": "c2", "age": None, "name": None},
    {"id": "c3", "age": 3},
]
PRODUCTS: Rows = [
    {"id": "p1", "fee": 0.1 + 0.2, "is_open": True, "issued": NOON, "name": "Green fund", "known_at": NOON},
    {"id": "p2", "fee": None, "is_open": False, "issued": None, "name": "Bond 2030"},
]
SECTORS: Rows = [{"id": "energy"}]
BOUGHT: Rows = [
    {"source": "c1", "target": "p1", "key": "t1", "at": NOON, "known_at": NOON, "weight": 10.5, "channel": "web"},
    {"source": "c1", "target": "p1", "key": "t2", "at": NOON, "known_at": NOON, "weight": 1.0, "channel": None},
    {"source": "c2", "target": "p2", "key": "t3", "at": None, "known_at": None, "weight": None, "channel": "desk"},
]
IN_SECTOR: Rows = [{"source": "p1", "target": "energy", "key": ""}]
PRICES: Rows = [{"id": "p1", "at": NOON, "close": 101.5}]


def source(
    name: str = "bank", run: str = "r1", *, full: bool = True, schema: GraphSchema = SCHEMA, files: str = "f1"
) -> Source:
    """A load of the small bank."""
    return Source(name, run, full, schema, files)


def feed(
    sink: Sink,
    loaded: Source,
    nodes: Mapping[str, Rows] | None = None,
    edges: Mapping[str, Rows] | None = None,
    *,
    split: Mapping[Part, Sequence[tuple[str, str]]] | None = None,
    finish: bool = True,
) -> tuple[dict[str, Counts], dict[str, int]]:
    """Put the rows of one load into a sink; counts per label and type, and what was removed."""
    nodes = {"Customer": CUSTOMERS, "Product": PRODUCTS, "Sector": SECTORS} if nodes is None else nodes
    edges = {"BOUGHT": BOUGHT, "IN_SECTOR": IN_SECTOR} if edges is None else edges
    sink.begin(loaded)
    counts = {}
    for label, rows in nodes.items():
        counts[label] = sink.add_nodes(label, table(rows, node_fields(loaded.schema.nodes[label].columns)))
    for edge_type, rows in edges.items():
        counts[edge_type] = sink.add_edges(edge_type, table(rows, edge_fields(loaded.schema.edges[edge_type].columns)))
    if "price" in loaded.schema.series:
        prices = pa.schema([("id", pa.string()), ("at", pa.timestamp("us", tz="UTC")), ("close", pa.float64())])
        sink.add_series("price", table(PRICES, prices).to_reader())
    if not finish:
        return counts, {}
    if split is None:
        return counts, sink.finish(None)
    pairs: dict[Part, pa.Table] = {part: pair_table(rows) for part, rows in split.items()}
    return counts, sink.finish(pairs)


def pair_table(pairs: Sequence[tuple[str, str]]) -> pa.Table:
    """Split pairs as a table."""
    users, products = [user for user, _ in pairs], [product for _, product in pairs]
    return pa.table({"user": pa.array(users, pa.string()), "product": pa.array(products, pa.string())})


def table(rows: Rows, fields: pa.Schema) -> pa.Table:
    """Rows as a table of these fields, absent values null."""
    return pa.Table.from_pylist([dict(row) for row in rows], fields)


def content(store: Store) -> dict[str, list[dict[str, Any]]]:
    """All rows of a store by label and type, sorted, with their sources; not their runs."""
    schema = store.read_schema()
    found: dict[str, list[dict[str, Any]]] = {}
    for label in schema.nodes:
        found[label] = store.read_nodes(label, schema, personal=True).to_pylist()
        sources = {
            row["id"]: row["sources"]
            for row in store.query(
                f"MATCH (n:{quote(label)}) RETURN n.id AS id, n.sources AS sources"  # pyright: ignore[reportArgumentType]
            ).records()
        }
        for row in found[label]:
            row["sources"] = sorted(sources[row["id"]])
    for edge_type in schema.edges:
        found[edge_type] = store.read_edges(edge_type, schema).to_pylist()
    return {name: sorted(rows, key=lambda row: json.dumps(row, default=str)) for name, rows in found.items()}


def content_hash(store: Store) -> str:
    """One hash over all rows of a store."""
    return hashlib.sha256(json.dumps(content(store), default=str, sort_keys=True).encode()).hexdigest()
