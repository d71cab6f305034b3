"""graphrec hold: nothing of a customer may be removed for now."""

from typing import Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, say, table


def command(
    user: Annotated[str | None, typer.Argument(help="Id of the customer; none: list the holds.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, such as the number of a case.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day, YYYY-MM-DD (default: until it is lifted).")] = None,
    lift: Annotated[bool, typer.Option("--lift", help="End the hold.")] = False,
    json: Json = False,
) -> None:
    """Keep a customer from being forgotten while the law asks to keep the data.

    Example: graphrec hold C000004 --reason "case 12/2026" --until 2027-01-31
    """
    if user is None:
        found = bank().holds()
        if json:
            emit_json({"holds": found})
        elif found:
            rows = [[one.since[:10], one.until, one.by, one.reason] for one in found]
            table(["since", "until", "by", "reason"], rows, optional=["until", "by"])
        else:
            say("nothing is held")
        return
    from graphrec.app.jobs import PutHold

    made = bank().put_hold(PutHold(user, reason, until, lift))
    if json:
        emit_json({"user": user, "hold": made})
    elif made is None:
        say(f"{user} is held no more")
    else:
        say(f"{user} is held {f'until {made.until}' if made.until else 'until the hold is lifted'}: {made.reason}")
