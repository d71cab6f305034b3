"""graphrec export: the lists of all users in one file."""

from pathlib import Path
from typing import Annotated

import typer

from graphrec.cli.output import emit_json, progress, say
from graphrec.cli.state import state


def command(
    out: Annotated[Path, typer.Option(help="File to write: .csv, .parquet or .jsonl.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many products per user.")] = 10,
    model: Annotated[str | None, typer.Option(help="Kind of model (default: the blend, final before tested).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write the best products of every user, with score and strongest reason, for the CRM.

    The file appears when it is whole; an interrupted export leaves nothing and can be run again.
    """
    from graphrec.delivery.export import export_lists
    from graphrec.serving.engine import Engine

    with progress(json=json) as report:
        written = export_lists(Engine.open(state.home, model), out, k, progress=report)
    if json:
        emit_json(written)
    else:
        say(f"{written.rows:,} rows for {written.users:,} users: {written.path}")
        if written.without_list:
            say(f"{written.without_list:,} users have no list: there is not enough evidence for them")
