"""The sink in memory: rows are told apart by their keys."""

from typing import Any

import pyarrow as pa

from graphrec.graph.memory import MemorySink
from graphrec.graph.rows import Counts, Source, edge_fields, node_fields
from graphrec.schema import EdgeSchema, GraphSchema, NodeSchema, Roles

SCHEMA = GraphSchema(
    Roles("User", "Product", ("BOUGHT",), {"BOUGHT": 1.0}, ("BOUGHT",)),
    {"User": NodeSchema("User"), "Product": NodeSchema("Product")},
    {"BOUGHT": EdgeSchema("BOUGHT", "User", "Product")},
)
PAIRS = [
    ("a\x1fb", "c", "k"),
    ("a", "b\x1fc", "k"),
    ("a", "b", "\x1fck"),
    ("1:1", "a", ":"),
    ("1", "1:a", ":"),
    ("", "", ""),
]


def load(sink: MemorySink, run: str, pairs: list[tuple[str, str, str]]) -> tuple[Counts, dict[str, int]]:
    """Load edges with their ends; what became of them, and what went."""
    sink.begin(Source("source", run, True, SCHEMA, run))
    for label, place in (("User", 0), ("Product", 1)):
        rows: list[dict[str, Any]] = [{"id": one} for one in sorted({pair[place] for pair in pairs})]
        sink.add_nodes(label, pa.Table.from_pylist(rows, schema=node_fields(())))
    rows = [dict(zip(("source", "target", "key"), pair, strict=True)) for pair in pairs]
    counts = sink.add_edges("BOUGHT", pa.Table.from_pylist(rows, schema=edge_fields(())))
    return counts, sink.finish(None)


def test_keys_that_would_join_to_the_same_text_are_kept_apart() -> None:
    sink = MemorySink()
    load(sink, "one", PAIRS[:1])
    for n in range(1, len(PAIRS)):
        counts, removed = load(sink, f"run {n}", [PAIRS[n]])
        assert counts == Counts(created=1), PAIRS[n]
        assert removed["BOUGHT"] == 1, PAIRS[n - 1]
    counts, removed = load(sink, "all", PAIRS)
    assert counts == Counts(created=len(PAIRS) - 1, unchanged=1)
    assert "BOUGHT" not in removed
