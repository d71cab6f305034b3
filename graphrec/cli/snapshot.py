"""graphrec snapshot: the graph as of a date, as arrays."""

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphrec.cli.as_of import parse_moment
from graphrec.cli.output import emit_json, note, progress, say
from graphrec.cli.state import state
from graphrec.errors import UsageError

if TYPE_CHECKING:
    from graphrec.graph.snapshot import Snapshot
    from graphrec.progress import Progress


def command(
    as_of: Annotated[
        str | None, typer.Option(help="Date or time (UTC unless it says otherwise): keep what was known before.")
    ] = None,
    mapping: Annotated[
        str | None, typer.Option("--from", help="Read the files of this mapping instead of the store.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the files of --from (default: that of its file).")
    ] = None,
    max_rejected: Annotated[
        str, typer.Option(help="Rows of --from that may be rejected: a number, or a share such as 0.5%.")
    ] = "0",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write the graph as of a date as arrays, from the store or straight from a mapping.

    Training and recommendations read the latest snapshot. Equal content is kept once.
    """
    if data is not None and mapping is None:
        raise UsageError(f"--data {data} goes with --from MAPPING; without it the store is read")
    began = time.monotonic()
    moment = None if as_of is None else parse_moment(as_of)
    with progress(json=json) as report:
        snapshot = (
            _from_mapping(mapping, data, max_rejected, moment, report) if mapping else _from_store(moment, report)
        )
    seconds = time.monotonic() - began
    nodes, edges = snapshot.meta["nodes"], snapshot.meta["edges"]
    if json:
        answer = {
            "path": snapshot.folder,
            "hash": snapshot.hash,
            "as_of": snapshot.as_of,
            "nodes": nodes,
            "edges": edges,
            "notes": [snapshot.uncut] if snapshot.uncut else [],
        }
        emit_json({**answer, "seconds": round(seconds, 3)})
    else:
        when = "" if snapshot.as_of is None else f" as of {snapshot.as_of}"
        counts = f"{sum(nodes.values()):,} nodes, {sum(edges.values()):,} edges{when}"
        if snapshot.uncut:
            note(f"note: {snapshot.uncut}")
        say(f"{snapshot.folder}: {counts}, hash {snapshot.hash[:16]}, {seconds:.1f} s")


def _from_store(as_of: datetime | None, report: "Progress") -> "Snapshot":
    from graphrec.graph.shelf import SnapshotShelf
    from graphrec.store import open_store
    from graphrec.store.read import take_snapshot

    home = state.home.prepare()
    with open_store(state.settings.store, home.store) as store:
        return take_snapshot(store, SnapshotShelf(home.snapshots), as_of, report)


def _from_mapping(
    name: str, data: Path | None, max_rejected: str, as_of: datetime | None, report: "Progress"
) -> "Snapshot":
    from graphrec.graph.build import write_snapshot
    from graphrec.graph.memory import MemorySink
    from graphrec.graph.shelf import SnapshotShelf
    from graphrec.loading import load_mapping, parse_limit, run_load
    from graphrec.store.read import forget_origin

    chosen = load_mapping(name, state.settings.roles)
    folder = data or (Path(name).parent if Path(name).is_file() else Path())
    home = state.home.prepare()
    sink = MemorySink()
    rejected = home.path / "rejected.csv"
    limit = parse_limit(max_rejected)
    run_load(chosen, folder, sink, max_rejected=limit, rejected_path=rejected, scratch=home.path, progress=report)
    forget_origin(home.snapshots)
    split = {str(part): pairs for part, pairs in (sink.split or {}).items()}
    return SnapshotShelf(home.snapshots).add(
        lambda path: write_snapshot(path, sink.schema, sink.nodes, sink.edges, sink.series, split, as_of)
    )
