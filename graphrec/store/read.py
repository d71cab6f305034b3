"""From a store to a snapshot: everything that `write_snapshot` takes, and whether it has to be read again."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from graphrec.files import whole_file
from graphrec.graph.shelf import SnapshotShelf
from graphrec.graph.snapshot import Snapshot
from graphrec.progress import Progress, silent
from graphrec.schema import GraphSchema
from graphrec.store.base import Store

if TYPE_CHECKING:
    import pyarrow as pa

#: File beside the snapshots that says what the latest one was read from.
ORIGIN = "origin.json"


@dataclass(frozen=True)
class SnapshotInputs:
    """The rows of a graph, without personal columns."""

    schema: GraphSchema
    nodes: "dict[str, pa.Table]"
    edges: "dict[str, pa.Table]"
    series: "dict[str, pa.Table]"
    split: "dict[str, pa.Table] | None"


def snapshot_inputs(store: Store, progress: Progress = silent) -> SnapshotInputs:
    """All that a snapshot of this store is made of.

    Raises:
        StoreError: nothing is loaded.
    """
    schema = store.read_schema()
    nodes, edges = {}, {}
    for step, label in enumerate(schema.nodes):
        progress("reading nodes", step, len(schema.nodes))
        nodes[label] = store.read_nodes(label, schema)
    for step, edge_type in enumerate(schema.edges):
        progress("reading edges", step, len(schema.edges))
        edges[edge_type] = store.read_edges(edge_type, schema)
    series = {name: store.read_series(name, schema) for name in schema.series}
    split = store.read_split()
    parts = None if split is None else {str(part): pairs for part, pairs in split.items()}
    return SnapshotInputs(schema, nodes, edges, series, parts)


def take_snapshot(
    store: Store,
    shelf: SnapshotShelf,
    as_of: datetime | None = None,
    progress: Progress = silent,
    *,
    follows: bool = False,
) -> Snapshot:
    """The snapshot of a store as of a date, now the latest of its shelf.

    Args:
        follows: it is taken anew when the store changes, also where a date is given.

    Raises:
        StoreError: nothing is loaded.
    """
    from graphrec.graph.build import write_snapshot

    forget_origin(shelf.folder)
    origin = _fingerprint(store)
    inputs = snapshot_inputs(store, progress)
    progress("writing the snapshot", 0, None)
    snapshot = shelf.add(
        lambda path: write_snapshot(path, inputs.schema, inputs.nodes, inputs.edges, inputs.series, inputs.split, as_of)
    )
    if as_of is None or follows:
        with whole_file(shelf.folder / ORIGIN) as temporary:
            temporary.write_text(json.dumps({"store": origin, "snapshot": snapshot.hash}) + "\n", "utf-8")
    return snapshot


def current_snapshot(store: Store, shelf: SnapshotShelf) -> Snapshot | None:
    """The latest snapshot when it holds just what the store does; None when it has to be taken again."""
    try:
        origin = json.loads((shelf.folder / ORIGIN).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    if not origin.get("store") or origin["store"] != _fingerprint(store):
        return None
    latest = shelf.latest()
    return latest if latest.hash == origin.get("snapshot") else None


def is_chosen(shelf: SnapshotShelf) -> bool:
    """Whether the latest snapshot was asked for by date or from a mapping, so that nothing in the store replaces it."""
    return shelf.has_latest() and not (shelf.folder / ORIGIN).exists()


def forget_origin(snapshots: Path) -> None:
    """Say nothing of where the latest snapshots, of now and of dates, are from: before anything else is written."""
    for path in (snapshots / ORIGIN, *snapshots.parent.glob(f"as-of/*/{snapshots.name}/{ORIGIN}")):
        path.unlink(missing_ok=True)


def _fingerprint(store: Store) -> str:
    """One text for what full loads brought; empty while anything else is in the store."""
    sources = [(store.info().address, one.name, one.run, one.files_hash) for one in store.sources()]
    if not sources or not all(files_hash for *_, files_hash in sources):
        return ""
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()
