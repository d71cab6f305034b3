"""graphrec reidentify: who the pseudonyms of an export are."""

from typing import Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, say, table


def command(
    receiver: Annotated[str, typer.Argument(help="As export --pseudonyms named it.")],
    pseudonyms: Annotated[list[str], typer.Argument(metavar="PSEUDONYM...", help="From the column user.")],
    reason: Annotated[str, typer.Option(help="Why; no name, no id.")] = "",
    by: Annotated[str | None, typer.Option(help="Who asks (default: actor of the settings).")] = None,
    json: Json = False,
) -> None:
    """Tell who the pseudonyms of an export are.

    It wants the key of the home. Each look goes into the decision record, under the key of the customer.

    Example: graphrec reidentify "Agency One" 5d1c0d0f3e7f4c7a8a4b1c2d3e4f5a6b --reason "complaint 12" --by "Ms A"
    """
    from graphrec.app.jobs import Reidentify

    done = bank().reidentify(Reidentify(receiver, tuple(dict.fromkeys(pseudonyms)), reason, by))
    if json:
        emit_json(done)
        return
    if done.users:
        table(["pseudonym", "user"], [[one, user] for one, user in done.users.items()])
    for one in done.unknown:
        say(f"{one} is nobody who is there")
