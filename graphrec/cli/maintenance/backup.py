"""graphrec backup: the home in one file."""

from pathlib import Path
from typing import Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, progress, say


def command(
    to: Annotated[Path, typer.Option(help="A new file outside the home.")],
    encrypt: Annotated[
        list[str] | None, typer.Option(metavar="AGE1…", help="Encrypt to this public key of age; may be repeated.")
    ] = None,
    json: Json = False,
) -> None:
    """Write the home to one file, whole or not at all; it may be served and appended to meanwhile.

    The keys of the decision record are not in it, so that who is forgotten stays unreadable in every backup: keep
    vault/keys apart. Nothing may be loading. --encrypt writes a file that graphrec restore --identity, or age, opens
    with the secret key.

    Example: graphrec backup --to home-2026-01-02.tar
    """
    from graphrec.app.jobs import Backup

    with progress(json=json) as report:
        done = bank().backup(Backup(to, tuple(encrypt or ())), progress=report)
    if json:
        emit_json(done)
        return
    say(f"{done.path}: {done.files:,} files, {done.bytes / 1e6:.1f} MB{', encrypted' if done.encrypted else ''}")
    if done.anchor is not None:
        say(f"record up to {done.anchor}")
