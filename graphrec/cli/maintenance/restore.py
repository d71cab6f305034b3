"""graphrec restore: the home of a backup."""

from pathlib import Path
from typing import Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, note, progress, say


def command(
    file: Annotated[Path, typer.Argument(help="What graphrec backup wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of the home that is there.")] = False,
    keys: Annotated[
        Path | None, typer.Option(help="Folder with the keys of the record (default: those of the home that is there).")
    ] = None,
    identity: Annotated[
        Path | None,
        typer.Option(help="File with the secret key of an encrypted backup (default: GRAPHREC_BACKUP_IDENTITY)."),
    ] = None,
    json: Json = False,
) -> None:
    """Put the home of a backup in its place; nothing is changed before every file is checked.

    Who was forgotten after the backup is forgotten again.

    Example: graphrec restore home-2026-01-02.tar --keys bank/vault/keys
    """
    from graphrec.app.jobs import Restore

    with progress(json=json) as report:
        done = bank().restore(Restore(file, replace, keys, identity), progress=report)
    for text in done.notes:
        note(f"note: {text}")
    if json:
        emit_json(done)
    else:
        say(f"{done.path}: {done.files:,} files of {done.made_at[:19].replace('T', ' ')}")
