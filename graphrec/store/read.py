"""From a store to a snapshot: everything that `write_snapshot` takes, and whether it has to be read again."""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from graphrec import queries
from graphrec.errors import QueryError, StoreError
from graphrec.files import make_folder, whole_file
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.progress import Progress, silent
from graphrec.schema import GraphSchema
from graphrec.store.base import Store, merge_splits
from graphrec.store.checks.check import check, compare, compare_split, lost_series, lost_sources, unfinished
from graphrec.store.checks.contents import Contents, sum_split
from graphrec.store.kinds import Kind, columns_of, kinds_of
from graphrec.store.series import SeriesFiles

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
    series: dict[str, SeriesFiles]
    split: "dict[str, pa.Table] | None"


def snapshot_inputs(store: Store, progress: Progress = silent) -> SnapshotInputs:
    """All that a snapshot of this store is made of, compared with the store's own account of it.

    Raises:
        StoreError: nothing is loaded, a load is not complete, or rows are missing or changed.
    """
    sources, contents = store.sources(), whole_contents(store)
    schema, names = store.read_schema(), [source.name for source in sources]
    tables, found = {}, {}
    for step, kind in enumerate(kinds := kinds_of(schema)):
        progress(f"reading {kind.part}", step, len(kinds))
        columns = schema.nodes[kind.name].public_columns() if kind.part == "nodes" else columns_of(schema, kind)
        try:
            tables[kind.key], found[kind.key] = store.read_rows(kind, columns, names)
        except QueryError as error:
            raise StoreError(
                f"{kind.name} cannot be read from {store.address}: {error}; look at it with graphrec doctor --deep"
            ) from error
        if not contents.is_edited:
            compare(store, contents, kind.key, found[kind.key])
    splits = store.read_splits()
    pairs = {key: one for name, split in splits.items() for key, one in sum_split(name, split).items()}
    if not contents.is_edited:
        compare_split(contents, pairs, store)
    if lost := lost_series(store, contents):
        raise StoreError(f"{lost[0]}; load again: graphrec load {names[0]}")
    series = {name: store.read_series(name, schema) for name in schema.series}
    if store.sources() != sources:
        raise StoreError(f"a load has changed {store.address} while it was read; take the snapshot again")
    if contents.is_edited:
        counted = replace(contents, types=found, split=pairs, is_edited=False)
        store.write(queries.text("load/contents"), {"text": counted.to_text()})
    nodes = {label: tables[Kind(label).key] for label in schema.nodes}
    edges = {kind.name: tables[kind.key] for kind in kinds if kind.part == "edges"}
    merged = merge_splits(splits)
    split = None if merged is None else {str(part): rows for part, rows in merged.items()}
    return SnapshotInputs(schema, nodes, edges, series, split)


def is_unused(store: Store) -> bool:
    """Whether no load was ever completed here or began."""
    return not store.sources() and store.contents() is None


def whole_contents(store: Store) -> Contents:
    """The account of a store of which every load is complete.

    Raises:
        StoreError: nothing is loaded, a load is not complete, or an older graphrec loaded it and kept no account.
    """
    sources = store.sources()
    line = unfinished(sources)
    if line is not None:
        raise StoreError(line)
    contents = store.contents()
    if contents is None:
        store.read_schema()
        raise StoreError(check(store)[0])
    if lost := lost_sources(sources, contents):
        raise StoreError(lost[0])
    return contents


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
        StoreError: nothing is loaded, a load is not complete, or rows are missing or changed.
    """
    from graphrec.graph.folders.build import write_snapshot

    origin, stays = fingerprint(store), as_of is None or follows
    inputs = snapshot_inputs(store, progress)
    progress("writing the snapshot", 0, None)
    if stays:
        _write_origin(shelf.folder, "", "")  # a kill leaves a latest snapshot of the store that is taken anew
    snapshot = shelf.add(
        lambda path: write_snapshot(path, inputs.schema, inputs.nodes, inputs.edges, inputs.series, inputs.split, as_of)
    )
    if stays:
        _write_origin(shelf.folder, origin, snapshot.hash)
    else:
        choose_latest(shelf.folder)
    return snapshot


def _write_origin(snapshots: Path, store: str, snapshot: str) -> None:
    make_folder(snapshots)
    with whole_file(snapshots / ORIGIN) as temporary:
        temporary.write_text(json.dumps({"store": store, "snapshot": snapshot}) + "\n", "utf-8")


def current_snapshot(store: Store, shelf: SnapshotShelf) -> Snapshot | None:
    """The latest snapshot when its rows are those of the store; None when a new one has to be taken.

    Raises:
        StoreError: a load is not complete, or the store keeps no account of what it holds.
    """
    whole_contents(store)
    try:
        origin = json.loads((shelf.folder / ORIGIN).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    if not origin.get("store") or origin["store"] != fingerprint(store):
        return None
    latest = shelf.latest()
    return latest if latest.hash == origin.get("snapshot") else None


def is_chosen(shelf: SnapshotShelf) -> bool:
    """Whether the latest snapshot was asked for by date or from a mapping, so that nothing in the store replaces it."""
    return shelf.has_latest() and not (shelf.folder / ORIGIN).exists()


def choose_latest(snapshots: Path) -> None:
    """Say that the latest snapshot was asked for by date or from a mapping, once it is there."""
    (snapshots / ORIGIN).unlink(missing_ok=True)


def forget_origin(snapshots: Path) -> None:
    """Say that nobody knows which rows the latest snapshots, of now and of dates, are from: before others are written.

    They stay snapshots of the store, so that the next use takes them anew; what was chosen stays chosen.
    """
    for path in (snapshots / ORIGIN, *snapshots.parent.glob(f"as-of/*/{snapshots.name}/{ORIGIN}")):
        if path.exists():
            _write_origin(path.parent, "", "")


def fingerprint(store: Store) -> str:
    """A hash over the last full loads of all sources; empty when other rows are in the store."""
    # A home may be moved or restored: the path of its store says nothing of the rows.
    server = store.address if "://" in store.address else ""
    sources = [(server, one.name, one.run, one.files_hash) for one in store.sources()]
    if not sources or not all(files_hash for *_, files_hash in sources):
        return ""
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()
