"""graphrec decide: what a person decided of a statement, appended to the record."""

from typing import Annotated

import typer

from graphrec.app.requests import Decide, Outcome
from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, say


def command(
    entry: Annotated[int, typer.Argument(help="The statement's entry in the record.")],
    outcome: Annotated[
        Outcome,
        typer.Argument(help="approved: by a second person, where a rule asks for approval."),
    ],
    why: Annotated[str, typer.Option(help="The reason.")],
    by: Annotated[str | None, typer.Option(help="Who decides (default: actor of the settings).")] = None,
    json: Json = False,
) -> None:
    """Keep what an adviser decided of a statement: by whom, when and why; it is decided once.

    Where a rule of the policy asks for approval, another person approves what the first one accepted.

    Example: graphrec decide 12 accepted --by "A. Baker" --why "agreed on the phone"
    """
    found = bank().decide(Decide(entry, outcome, why, by))
    if json:
        emit_json(found.to_json())
        return
    decision = found.decision
    approved = f", approved by {decision.approved_by}" if decision.approved_by else ""
    waits = "; it waits for the approval of a second person" if decision.waits_for_second else ""
    say(f"statement {entry} is {decision.state} by {decision.by}{approved}{waits}")
