"""A process to kill: `python -m tests.store.killed HOME LOAD` loads one of two banks and says when it begins."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pyarrow as pa

from graphrec.graph.rows import edge_fields, node_fields
from graphrec.store import open_store
from graphrec.store.base import Store
from graphrec.store.writing import merge

from .feed import SCHEMA, source

#: Rows of one batch, small so that a load has many of them.
BATCH = 125
PRODUCTS = 40
SIZES = {"first": (300, 3_000), "second": (400, 2_500)}


def load(home: Path, name: str) -> None:
    """Load `first` or `second` into the embedded store of a home."""
    with open_store(None, home / "store") as store:
        feed_bank(store, name)


def feed_bank(store: Store, name: str) -> None:
    """Load `first` (all users and edges), or `second` (more users; every third edge gone, some changed or new)."""
    users, _ = SIZES[name]
    is_second = name == "second"
    kept = brought(name)
    schema = replace(SCHEMA, series={})
    customers = {
        "id": [f"c{n}" for n in range(users)],
        "age": [n % 70 + is_second * (n % 5 == 0) for n in range(users)],
    }
    bought = {
        "source": [f"c{n * 7 % SIZES['first'][0]}" for n in kept],
        "target": [f"p{n * 13 % PRODUCTS}" for n in kept],
        "key": [f"t{n}" for n in kept],
        "weight": [float(n + is_second * (n % 4 == 0)) for n in kept],
    }
    with mock.patch.object(merge, "BATCH_ROWS", BATCH):
        sink = store.sink()
        sink.begin(source(run=name, schema=schema, files=name))
        sink.add_nodes("Customer", filled(customers, node_fields(schema.nodes["Customer"].columns)))
        products = {"id": [f"p{n}" for n in range(PRODUCTS)]}
        sink.add_nodes("Product", filled(products, node_fields(schema.nodes["Product"].columns)))
        sink.add_edges("BOUGHT", filled(bought, edge_fields(schema.edges["BOUGHT"].columns)))
        sink.finish(None)


def brought(name: str) -> list[int]:
    """The numbers of the edges that a load brings, in order."""
    if name == "first":
        return list(range(SIZES[name][1]))
    return [number for number in range(SIZES[name][1] + 1_000) if number % 3]


def written_after(batches: int) -> int:
    """How many edges the second load has written after so many of its batches."""
    numbers = brought("second")[: batches * BATCH]
    return sum(1 for number in numbers if number % 4 == 0 or number >= SIZES["first"][1])


def filled(columns: Mapping[str, Sequence[object]], fields: pa.Schema) -> pa.Table:
    """A table with these columns and nulls in the others."""
    rows = len(next(iter(columns.values())))
    return pa.table({one.name: pa.array(columns.get(one.name, [None] * rows), one.type) for one in fields}, fields)


if __name__ == "__main__":
    from graphrec.store.embedded import arcade

    assert arcade.chosen().version
    print("begin", flush=True)
    load(Path(sys.argv[1]), sys.argv[2])
