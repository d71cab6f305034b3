"""graphrec event: what one customer did, into the log."""

from typing import Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, say
from graphrec.errors import UsageError


def command(
    user: Annotated[str, typer.Argument(help="Key of the customer.")],
    kind: Annotated[
        str,
        typer.Argument(
            metavar="TYPE",
            help="viewed, clicked, accepted, rejected, bought, sold, contacted, complained, or one of the mapping.",
        ),
    ],
    product: Annotated[str | None, typer.Argument(help="Key of the product.")] = None,
    at: Annotated[str | None, typer.Option(help="When, UTC unless it says otherwise (default: now).")] = None,
    key: Annotated[str | None, typer.Option(help="What the bank's files call the same, such as a trade.")] = None,
    quantity: Annotated[float | None, typer.Option(help="How much of it.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", help="COLUMN=VALUE of the customer from now on; as often as wanted."),
    ] = None,
    event_id: Annotated[str | None, typer.Option("--id", help="It counts once (default: a new one).")] = None,
    entry: Annotated[int | None, typer.Option(min=1, help="Entry of the record that showed the product.")] = None,
    json: Json = False,
) -> None:
    """Keep what one customer did: it is in the very next answer, and in the store at the next load or refresh.

    Example: graphrec event C00016 rejected P012 --reason "too dear"
    """
    from graphrec.app.requests import SendEvent

    pairs = []
    for text in values or ():
        column, sign, value = text.partition("=")
        if not sign or not column:
            raise UsageError(f"--set {text}: want COLUMN=VALUE")
        pairs.append((column, value))
    here = bank()
    done = here.send_event(SendEvent(user, kind, product, at, event_id, key, quantity, reason, entry, tuple(pairs)))
    if json:
        emit_json({"accepted": done.accepted, "duplicates": done.duplicates})
    elif not done.accepted:
        say("it was kept before, and counts once")
    elif pairs or here.events.known().types[kind].edge is not None:
        say("kept; it is in the next answer")
    else:
        say(f"kept for outcomes; it changes no list until the mapping says what it is: [events.{kind}] edge")
