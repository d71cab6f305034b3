"""graphrec upgrade: the home of an older graphrec, converted."""

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, progress, say


def command(json: Json = False) -> None:
    """Convert the home of an older graphrec to the format of this one.

    Moves its parts into the folders `vault` and `serving`, writes the decision record anew with every entry under a key
    of its person, and takes the rights of others off all files. Let no other command run on the home meanwhile. After a
    kill, run it again.

    Example: graphrec upgrade
    """
    with progress(json=json) as report:
        done = bank().upgrade(progress=report)
    if json:
        emit_json(done)
    elif done.is_done:
        say(f"the home has format {done.after} now; it had format {done.before}")
        if done.anchor is not None:
            say(f"the decision record was written anew; its anchor, in the place of the old one: {done.anchor}")
    else:
        say(f"nothing to do: the home has format {done.after}")
