"""A small bank as rows, for tests that need a snapshot without a loader."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.rows import edge_fields, node_fields
from graphrec.schema import Column, EdgeSchema, GraphSchema, NodeSchema, Roles

START = datetime(2024, 1, 1, tzinfo=UTC)

SCHEMA = GraphSchema(
    Roles("Customer", "Product", ("BOUGHT", "VIEWED"), {"BOUGHT": 1.0, "VIEWED": 0.2}, ("BOUGHT",), min_group=3),
    {
        "Customer": NodeSchema(
            "Customer", (Column("display_name", "text"),), name="display_name", personal=("display_name",)
        ),
        "Product": NodeSchema(
            "Product",
            tuple(Column(name, "text") for name in ("description", "kind", "name", "status")),
            name="name",
            text=("name", "description"),
        ),
        "AgeBand": NodeSchema("AgeBand"),
        "Sector": NodeSchema("Sector", (Column("name", "text"),), name="name"),
    },
    {
        "BOUGHT": EdgeSchema("BOUGHT", "Customer", "Product"),
        "VIEWED": EdgeSchema("VIEWED", "Customer", "Product"),
        "IN_AGE_BAND": EdgeSchema("IN_AGE_BAND", "Customer", "AgeBand"),
        "IN_SECTOR": EdgeSchema("IN_SECTOR", "Product", "Sector"),
    },
    reasons={"BOUGHT IN_SECTOR <IN_SECTOR": "{i} is in {sector}, like your {a}"},
)


def small_bank(
    seed: int = 1, customers: int = 60, products: int = 20, *, twice: bool = True
) -> tuple[dict[str, pa.Table], dict[str, pa.Table]]:
    """Node and edge tables: customers (the last without anything), products (the last closed), bands, sectors."""
    rng = np.random.default_rng(seed)
    nodes = {
        "Customer": [{"id": f"C{n:03}", "display_name": f"Person {n}"} for n in range(customers)],
        "Product": [
            {
                "id": f"P{n:02}",
                "name": f"Fund {n}",
                "description": f"A fund of the {n % 4} kind.",
                "kind": ("fund", "bond")[n % 2],
                "status": "closed" if n == products - 1 else "open",
            }
            for n in range(products)
        ],
        "AgeBand": [{"id": band} for band in ("18-34", "35-54", "55+")],
        "Sector": [{"id": f"S{n}", "name": f"Sector {n}"} for n in range(4)],
    }
    edges: dict[str, list[dict[str, object]]] = {"BOUGHT": [], "VIEWED": [], "IN_AGE_BAND": [], "IN_SECTOR": []}
    for customer in range(customers - 1):
        taste = customer % 4
        chances = np.where(np.arange(products) % 4 == taste, 0.45, 0.08)
        for product in np.flatnonzero(rng.random(products) < chances):
            for _ in range(2 if twice and rng.random() < 0.2 else 1):
                edges["BOUGHT"].append(_event(rng, customer, int(product)))
        for product in np.flatnonzero(rng.random(products) < 0.15):
            edges["VIEWED"].append(_event(rng, customer, int(product)))
        edges["IN_AGE_BAND"].append({"source": f"C{customer:03}", "target": ("18-34", "35-54", "55+")[customer % 3]})
    edges["IN_SECTOR"] = [{"source": f"P{n:02}", "target": f"S{n % 4}"} for n in range(products)]
    return (
        {label: _table(rows, node_fields(SCHEMA.nodes[label].columns)) for label, rows in nodes.items()},
        {name: _table(rows, edge_fields(())) for name, rows in edges.items()},
    )


def bank_snapshot(folder: Path, seed: int = 1, schema: GraphSchema = SCHEMA, **size: int) -> Snapshot:
    """The snapshot of `small_bank`."""
    nodes, edges = small_bank(seed, **size)
    return write_snapshot(folder, schema, nodes, edges)


def _event(rng: np.random.Generator, customer: int, product: int) -> dict[str, object]:
    at = START + timedelta(minutes=int(rng.integers(0, 500_000)))
    key = at.isoformat()
    return {"source": f"C{customer:03}", "target": f"P{product:02}", "key": key, "at": at, "known_at": at}


def _table(rows: list[dict[str, object]], fields: pa.Schema) -> pa.Table:
    filled = [{"key": "", **row} if "source" in row else row for row in rows]
    return pa.Table.from_pylist(filled, schema=fields)
