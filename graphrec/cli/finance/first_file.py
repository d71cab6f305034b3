"""What commands print of a first file that they wrote."""

from typing import Literal

from graphrec.app.jobs import InitFile
from graphrec.cli.invocation import bank
from graphrec.cli.output import emit_json, note, say


def write_first(
    kind: Literal["statement", "plan", "needs", "market", "alerts"], then: str, *, force: bool, json: bool
) -> None:
    """Write a first file into the home and say what is in it.

    Args:
        then: the command that reads it.
    """
    written = bank().init_file(InitFile(kind, force))
    if json:
        emit_json(written)
        return
    say(f"{written.path}: found {', '.join(written.found) or 'nothing'}")
    if written.left_out:
        say(f"fill in yourself: {', '.join(written.left_out)}")
    note(f"next: read the file, then: {then}")
