"""Hand-made snapshots: a few users, products and events with days as times."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.rows import edge_fields, node_fields
from graphrec.schema import EdgeSchema, GraphSchema, LiveBounds, NodeSchema, Roles, SplitRule
from graphrec.training.split import Split

ENDS = {
    "BOUGHT": ("User", "Product"),
    "VIEWED": ("User", "Product"),
    "LIVES_IN": ("User", "Town"),
    "OF_SEX": ("User", "Sex"),
    "IN_SECTOR": ("Product", "Sector"),
}
ROLES = Roles("User", "Product", ("BOUGHT", "VIEWED"), {"VIEWED": 0.2}, ("BOUGHT",), min_group=1)
NO_BOUNDS = LiveBounds()
DAY_ZERO = datetime(2024, 1, 1, tzinfo=UTC)

#: (source, target) or (source, target, day).
Event = tuple[str, str] | tuple[str, str, int]


def day(number: int) -> int:
    """Microseconds of a day."""
    return round((DAY_ZERO + timedelta(days=number)).timestamp() * 1_000_000)


def schema(split: SplitRule | None = None, min_group: int = 1, live: LiveBounds = NO_BOUNDS) -> GraphSchema:
    """The schema of these snapshots."""
    labels = sorted({label for ends in ENDS.values() for label in ends})
    edges = {name: EdgeSchema(name, *ends, protected=name == "OF_SEX") for name, ends in ENDS.items()}
    roles = replace(ROLES, min_group=min_group)
    return GraphSchema(roles, {label: NodeSchema(label) for label in labels}, edges, split=split, live=live)


def make(
    folder: Path,
    events: dict[str, list[Event]],
    *,
    split: dict[str, list[tuple[str, str]]] | None = None,
    rule: SplitRule | None = None,
    users: int = 0,
    products: int = 0,
    min_group: int = 1,
    live: LiveBounds = NO_BOUNDS,
) -> Snapshot:
    """The snapshot of these events; nodes are what they name, and u0, u1, … and p0, p1, … up to a number."""
    ids: dict[str, set[str]] = {label: set() for ends in ENDS.values() for label in ends}
    ids["User"] |= {f"u{n}" for n in range(users)}
    ids["Product"] |= {f"p{n}" for n in range(products)}
    for name, rows in events.items():
        for row in rows:
            ids[ENDS[name][0]].add(row[0])
            ids[ENDS[name][1]].add(row[1])
    nodes = {
        label: pa.table({"id": sorted(found), "known_at": [None] * len(found)}, schema=node_fields(()))
        for label, found in ids.items()
    }
    edges = {name: _edges(events.get(name, [])) for name in ENDS}
    pairs = {part: _pairs(rows) for part, rows in (split or {}).items()}
    return write_snapshot(folder, schema(rule, min_group, live), nodes, edges, split=pairs)


def _edges(rows: list[Event]) -> pa.Table:
    times = [DAY_ZERO + timedelta(days=row[2]) if len(row) > 2 else None for row in rows]
    return pa.table(
        {
            "source": [row[0] for row in rows],
            "target": [row[1] for row in rows],
            "key": [str(n) for n in range(len(rows))],
            "at": times,
            "known_at": times,
            "weight": [None] * len(rows),
        },
        schema=edge_fields(()),
    )


def _pairs(rows: list[tuple[str, str]]) -> pa.Table:
    text = pa.schema([("user", pa.string()), ("product", pa.string())])
    return pa.table({"user": [row[0] for row in rows], "product": [row[1] for row in rows]}, schema=text)


def named(snapshot: Snapshot, codes: np.ndarray, split: Split) -> set[tuple[str, str]]:
    """Pair codes as ids."""
    users, products = snapshot.nodes("User").ids, snapshot.nodes("Product").ids
    return {(users[int(code // split.num_products)], products[int(code % split.num_products)]) for code in codes}


def seen(snapshot: Snapshot, graph: object, hop: str) -> set[tuple[str, str]]:
    """The edges of a type that a graph shows, as ids."""
    from graphrec.graph.edges.adjacency import Graph, Hop

    assert isinstance(graph, Graph)
    source, target = (snapshot.nodes(label).ids for label in ENDS[hop])
    adjacency = graph.hops[Hop(hop)]
    rows = np.repeat(np.arange(len(adjacency.indptr) - 1), adjacency.degrees())
    return {(source[int(a)], target[int(b)]) for a, b in zip(rows, adjacency.indices, strict=True)}


def taste_bank(
    folder: Path, *, users: int = 60, products: int = 12, split: bool = True, heavy: int = 0, min_group: int = 1
) -> Snapshot:
    """Two groups of users who buy from their own half of the products; one hidden purchase each when `split`.

    The first `heavy` users buy everything.
    """
    rng = np.random.default_rng(7)
    bought: list[Event] = []
    hidden = []
    half = products // 2
    for n in range(users):
        own = rng.permutation(products) if n < heavy else rng.permutation(half) + (n % 2) * half
        bought += [(f"u{n:02d}", f"p{p:02d}") for p in own]
        hidden.append((f"u{n:02d}", f"p{own[0]:02d}"))
    lives: list[Event] = [(f"u{n:02d}", f"t{n % 2}") for n in range(users)]
    sector: list[Event] = [(f"p{p:02d}", f"s{p // half}") for p in range(products)]
    events = {"BOUGHT": bought, "LIVES_IN": lives, "IN_SECTOR": sector}
    return make(folder, events, split={"test": hidden} if split else None, min_group=min_group)
