"""graphrec escrow: what a rule keeps of the record of who was forgotten."""

from typing import Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, say, table


def command(
    release: Annotated[str | None, typer.Option(metavar="USER", help="Make a customer's entries readable.")] = None,
    close: Annotated[str | None, typer.Option(metavar="USER", help="End that again.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why they are read, such as the number of a case.")] = None,
    by: Annotated[str | None, typer.Option(help="Who asks (default: actor of the settings).")] = None,
    due: Annotated[bool, typer.Option("--due", help="Destroy the keys whose date is over.")] = False,
    json: Json = False,
) -> None:
    """List the keys in escrow, release or close one, or destroy those whose date is over.

    graphrec forget USER --keep-record-until DAY --rule TEXT puts the key of the entries there. No command reads them
    but between a release, which is recorded with its reason, and --close. graphrec refresh destroys keys that are over,
    too.

    Example: graphrec escrow --release C000004 --reason "case 12/2026" --by "Ms A"
    """
    from graphrec.app.jobs import AskEscrow

    done = bank().escrow(AskEscrow(release, close, reason, by, due))
    if json:
        emit_json(done)
        return
    if close is not None:
        say(f"the entries of {close} cannot be read any more")
    if release is not None:
        say(f"{done.entries:,} entries of {release} can be read: graphrec record list --user {release}")
    for one in done.destroyed:
        say(f"key {one.slot} is destroyed: {one.rule}, until {one.until}")
    if done.certificate is not None:
        say(f"certificate: {done.certificate}")
    if done.keys:
        rows = [[one.slot, one.until, one.rule, one.since[:10], (one.released or "")[:10]] for one in done.keys]
        table(["key", "until", "rule", "since", "released"], rows, optional=["released"])
    elif not done.destroyed:
        say("no key is in escrow")
