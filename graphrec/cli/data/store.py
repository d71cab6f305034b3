"""graphrec store: the embedded store itself."""

from typing import Annotated, Literal

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, progress, say


def command(
    action: Annotated[
        Literal["convert"], typer.Argument(help="convert: write the store anew with the engine of GRAPHREC_ENGINE.")
    ],
    json: Json = False,
) -> None:
    """Write the embedded store of the home anew, for another engine or another version of it.

    A home names the engine and the version that wrote its store, and another one does not open it. Everything is copied
    into a fresh folder, compared with the counts and sums of the last load, and only then takes the old one's place.

    Example: graphrec store convert
    """
    assert action == "convert"
    with progress(json=json) as report:
        done = bank().convert_store(progress=report)
    if json:
        emit_json(done)
    elif done.is_done:
        say(f"{done.nodes:,} nodes and {done.edges:,} edges: from engine {done.before} to {done.after}")
    else:
        say(f"nothing to do: the store is that of engine {done.after}")
