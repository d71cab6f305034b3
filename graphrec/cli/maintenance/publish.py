"""graphrec publish: the serving side of the home, for a serving machine."""

from pathlib import Path
from typing import Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, note, progress, say


def command(
    to: Annotated[Path, typer.Option(help="Folder of the copy: new, empty, or a copy that was published before.")],
    json: Json = False,
) -> None:
    """Copy what answers need to a folder without the vault, for a serving machine.

    The copy is a home: recommend, explain, why-not, find and export answer from it with the same bytes. It holds no
    personal field. Commands that need the vault (load, snapshot, train, …) refuse it. One home that loads, trains and
    answers needs no publish: its commands write the serving side themselves.

    Example: graphrec publish --to serving-home
    """
    from graphrec.app.jobs import Publish

    with progress(json=json) as report:
        done = bank().publish(Publish(to), progress=report)
    if json:
        emit_json(done)
    elif done.is_new:
        say(f"{done.path}: {done.files:,} files, {done.bytes / 1e6:.1f} MB")
        note(f"next, on the serving machine: graphrec --home {done.path} recommend USER")
    else:
        say(f"nothing to do: {done.path} holds what this home serves")
