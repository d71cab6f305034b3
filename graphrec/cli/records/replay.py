"""graphrec replay: a recorded answer computed again."""

from typing import Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, note, say
from graphrec.errors import RecordError


def command(
    number: Annotated[int, typer.Argument(min=1, help="Number of the entry; `graphrec record list` shows them.")],
    json: Json = False,
) -> None:
    """Compute a recorded answer again from the snapshot, the model and the policy of that time.

    Prints that the bytes are the same, or names each file that is gone and each value that differs.

    Example: graphrec replay 12
    """
    done = bank().replay(number)
    if json:
        emit_json(done)
    else:
        for text in done.versions:
            note(f"note: {text}")
        for text in done.differences if done.is_computed else ():
            say(text)
    if not done.is_computed:
        raise RecordError(f"entry {number} cannot be replayed: {done.differences[0]}")
    if done.other_platform is not None:
        raise RecordError(done.other_platform)
    if not done.same:
        raise RecordError(f"the replay of entry {number} does not give the bytes of the record")
    if not json:
        say(f"entry {number}: same bytes")
