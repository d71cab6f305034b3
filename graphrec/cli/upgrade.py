"""graphrec upgrade: the home of an older graphrec, converted."""

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, say


def command(json: Json = False) -> None:
    """Convert the home of an older graphrec to the format of this one.

    Moves its parts into the folders `vault` and `serving` and takes the rights of others
    off all files. Let no other command run on the home meanwhile. After a kill, run it again.
    """
    done = bank().upgrade()
    if json:
        emit_json(done)
    elif done.is_done:
        say(f"the home has format {done.after} now; it had format {done.before}")
    else:
        say(f"nothing to do: the home has format {done.after}")
