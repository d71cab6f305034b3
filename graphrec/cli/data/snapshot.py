"""graphrec snapshot: the graph as of a date, as arrays."""

from pathlib import Path
from typing import Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, note, progress, say


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
    keep: Annotated[
        int, typer.Option(min=1, help="So many of the newest snapshots stay, besides the latest and those of models.")
    ] = 3,
    json: Json = False,
) -> None:
    """Write the graph as of a date as arrays, from the store or straight from a mapping.

    Training and recommendations read the latest snapshot. Equal content is kept once, and older snapshots that nothing
    needs are removed.

    Examples: graphrec snapshot; graphrec snapshot --as-of 2025-06-30
    """
    from graphrec.app.jobs import TakeSnapshot

    with progress(json=json) as report:
        taken = bank().take_snapshot(TakeSnapshot(as_of, mapping, data, max_rejected, keep), progress=report)
    snapshot = taken.snapshot
    nodes, edges = snapshot.meta.nodes, snapshot.meta.edges
    if json:
        answer = {
            "path": snapshot.folder,
            "hash": snapshot.hash,
            "as_of": snapshot.as_of,
            "nodes": nodes,
            "edges": edges,
            "anonymity": taken.anonymity,
        }
        emit_json({**answer, "notes": taken.notes, "seconds": round(taken.seconds, 3)})
        return
    for text in taken.notes:
        note(f"note: {text}")
    when = "" if snapshot.as_of is None else f" as of {snapshot.as_of}"
    counts = f"{sum(nodes.values()):,} nodes, {sum(edges.values()):,} edges{when}"
    say(f"{snapshot.folder}: {counts}, hash {snapshot.hash[:16]}, {taken.seconds:.1f} s")
    say(taken.anonymity.sentence(snapshot.schema.roles.min_group))
