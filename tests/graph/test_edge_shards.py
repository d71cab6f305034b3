"""Edges written in shards: the bytes of a sort of all, however small the shards and however the rows come."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from graphrec.errors import GraphrecError
from graphrec.graph.folders import edge_shards
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import ALWAYS, Edges
from graphrec.graph.rows import Source, edge_fields, node_fields
from graphrec.graph.spilled import SpilledSink
from graphrec.schema import Column, EdgeSchema, GraphSchema, NodeSchema, Roles
from graphrec.times import microseconds_of

START = datetime(2025, 1, 1, tzinfo=UTC)
SCHEMA = GraphSchema(
    Roles("Customer", "Product", ("HELD", "SEEN"), {"HELD": 1.0}, ("HELD",)),
    {"Customer": NodeSchema("Customer"), "Product": NodeSchema("Product")},
    {
        "HELD": EdgeSchema(
            "HELD", "Customer", "Product", until="until", until_known_at="told", quantity="pieces",
            columns=(Column("until", "time"), Column("told", "time"), Column("pieces", "real")),
        ),
        "SEEN": EdgeSchema("SEEN", "Customer", "Product"),
    },
)  # fmt: skip
CUT = START + timedelta(days=200)


def tables(count: int = 500, users: int = 23, products: int = 7) -> tuple[dict[str, pa.Table], dict[str, pa.Table]]:
    """Nodes known at several times; edges that tie, without times, ended, or to nodes that are not there."""
    rng = np.random.default_rng(3)

    def day(low: int, high: int) -> datetime:
        return START + timedelta(days=int(rng.integers(low, high)))

    nodes = {
        label: pa.Table.from_pylist(
            [{"id": f"{label[0]}{n}", "known_at": day(0, 300) if n % 3 == 0 else None} for n in range(size)],
            node_fields(()),
        )
        for label, size in (("Customer", users), ("Product", products))
    }
    rows = []
    for n in range(count):
        at = None if n % 11 == 0 else day(0, 20) if n % 2 else day(100, 300)
        ended = day(150, 400) if n % 3 == 0 else None
        rows.append({
            "source": f"C{int(rng.integers(0, users + 1))}", "target": f"P{int(rng.integers(0, products + 1))}",
            "key": str(n), "at": at, "known_at": at, "weight": float(rng.integers(0, 3)) if n % 5 else None,
            "until": ended, "told": ended if n % 2 else None, "pieces": float(rng.integers(-2, 3)),
        })  # fmt: skip
    held = pa.Table.from_pylist(rows, edge_fields(SCHEMA.edges["HELD"].columns))
    seen = pa.Table.from_pylist([{**row, "weight": None} for row in rows[:40]], edge_fields(()))
    return nodes, {"HELD": held, "SEEN": seen}


@pytest.mark.parametrize("cut", [None, CUT])
@pytest.mark.parametrize("shard", [1, 7, 64, 499, 10_000])
def test_shards_give_the_arrays_of_one_sort(
    shard: int, cut: datetime | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes, edges = tables()
    monkeypatch.setattr(edge_shards, "SHARD", shard)
    mixed = {name: edges[name].take(np.random.default_rng(shard).permutation(len(edges[name]))) for name in edges}
    parts = {name: [mixed[name][start : start + 13] for start in range(0, len(mixed[name]), 13)] for name in mixed}
    found = write_snapshot(tmp_path / "s", SCHEMA, nodes, parts, as_of=cut)

    ids = {label: sorted(nodes[label]["id"].to_pylist()) for label in nodes}
    until = None if cut is None else microseconds_of(cut)
    known = {
        label: {
            row["id"]
            for row in nodes[label].to_pylist()
            if until is None or row["known_at"] is None or row["known_at"] < cut
        }
        for label in nodes
    }
    ids = {label: [one for one in ids[label] if one in known[label]] for label in ids}
    for name, columns in (("HELD", ("until", "until_known_at", "quantity")), ("SEEN", ())):
        expected = sorted(
            one for row in edges[name].to_pylist() if (one := record(row, ids, until, columns)) is not None
        )
        own = found.edges(name)
        rows = np.repeat(np.arange(len(ids["Customer"])), np.diff(whole(own, "indptr")))
        arrays = [rows, *(whole(own, column) for column in ("indices", "known_at", "at"))]
        weight = own.weight
        assert (weight is None) == (name == "SEEN")
        arrays.append(np.full(len(rows), np.nan) if weight is None else weight[:])
        arrays += [whole(own, column) for column in columns]
        assert [tuple(map(str, one)) for one in zip(*(array.tolist() for array in arrays), strict=True)] == [
            tuple(map(str, undone(one))) for one in expected
        ]
        order = np.lexsort((np.arange(len(rows)), whole(own, "indices")))
        assert whole(own, "in_indices").tolist() == rows[order].tolist()
        degrees = np.bincount(whole(own, "indices"), minlength=len(ids["Product"]))
        assert np.diff(whole(own, "in_indptr")).tolist() == degrees.tolist()
    assert not list(tmp_path.rglob("shards"))


def whole(edges: Edges, name: str) -> NDArray[Any]:
    found = edges.array(name)
    assert found is not None
    return np.asarray(found[:])


def record(
    row: dict[str, object], ids: dict[str, list[str]], cut: int | None, columns: tuple[str, ...]
) -> tuple[float, ...] | None:
    """A row as it stands in the arrays, in the order of their sort; None: it is not there."""

    def time(name: str) -> int:
        value = row[name]
        return int(ALWAYS) if value is None else microseconds_of(value)  # type: ignore[arg-type]

    if row["source"] not in ids["Customer"] or row["target"] not in ids["Product"]:
        return None
    if cut is not None and time("known_at") >= cut:
        return None
    ends: tuple[float, ...] = ()
    if columns:
        known = time("until") if ALWAYS in (time("told"), time("until")) else time("told")
        is_known = cut is None or known < cut
        ends = (float(row["pieces"]), *((known, time("until")) if is_known else (int(ALWAYS), int(ALWAYS))))  # type: ignore[arg-type]
    weight = np.inf if row["weight"] is None else float(row["weight"])  # type: ignore[arg-type]
    # A sort puts NaN last.
    place = ids["Customer"].index(str(row["source"])), ids["Product"].index(str(row["target"]))
    return (*place, time("known_at"), time("at"), weight, *ends)


def undone(one: tuple[float, ...]) -> tuple[float, ...]:
    """The same in the order of the arrays."""
    weight = float("nan") if one[4] == np.inf else one[4]
    return (*one[:4], weight, *(() if len(one) == 5 else (one[7], one[6], one[5])))


def test_a_spilled_load_gives_the_same_snapshot(tmp_path: Path) -> None:
    nodes, edges = tables()
    sink = SpilledSink(tmp_path)
    source = Source("bank", "run", True, SCHEMA, "hash")
    with pytest.raises(GraphrecError, match="nothing was loaded yet"):
        _ = sink.schema
    sink.begin(source)
    for label, table in nodes.items():
        assert sink.add_nodes(label, table).created == len(table)
    for start in (0, 100, 250):
        end = {0: 100, 100: 250, 250: 500}[start]
        assert sink.add_edges("HELD", edges["HELD"][start:end]).created == end - start
    assert sink.finish(None) == {}
    assert sink.split is None
    assert sum(len(table) for table in sink.edges["HELD"]) == 500
    assert "key" not in next(iter(sink.edges["HELD"])).column_names
    assert list(sink.edges["SEEN"]) == [] or sum(len(table) for table in sink.edges["SEEN"]) == 0
    edges["SEEN"] = edges["SEEN"][:0]
    one = write_snapshot(tmp_path / "one", SCHEMA, sink.nodes, sink.edges)
    two = write_snapshot(tmp_path / "two", SCHEMA, nodes, edges)
    assert one.hash == two.hash
    with pytest.raises(GraphrecError, match="one load alone"):
        sink.begin(source)
