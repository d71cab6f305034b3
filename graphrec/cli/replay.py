"""graphrec replay: a recorded answer computed again."""

from typing import Annotated

import typer

from graphrec.cli.output import emit_json, note, say
from graphrec.cli.state import state
from graphrec.errors import RecordError


def command(
    number: Annotated[int, typer.Argument(min=1, help="Number of the entry; `graphrec record list` shows them.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compute a recorded answer again from the snapshot, the model and the policy of that time.

    Either the bytes are those of the record, or it is said what is not there any more and what differs.
    """
    from graphrec.records.read import entry_of
    from graphrec.records.replay import replay

    done = replay(state.home, entry_of(state.home.records, number))
    if json:
        emit_json(done)
    else:
        for text in done.versions:
            note(f"note: {text}")
        for text in done.differences:
            say(text)
    if not done.same:
        raise RecordError(f"the replay of entry {number} does not give the bytes of the record")
    if not json:
        say(f"entry {number}: same bytes")
