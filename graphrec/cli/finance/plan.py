"""graphrec plan: which loan a customer can bear, over which term, and why not the others; and what a customer needs."""

from typing import Annotated, Literal

import typer

from graphrec.app.jobs import PlanCover, PlanLoan
from graphrec.cli.finance.first_file import write_first
from graphrec.cli.invocation import bank
from graphrec.cli.options import Json, NoRecord
from graphrec.cli.output import emit_json, note, say, table
from graphrec.errors import UsageError

_SHOWN = 12
"""Plans that a table shows of each kind."""


def command(
    what: Annotated[Literal["loan", "cover"], typer.Argument(help="What is planned: a loan, or cover by needs.")],
    user: Annotated[str | None, typer.Argument(help="Id of the user; none with --init.")] = None,
    amount: Annotated[float | None, typer.Option(min=1, help="loan: what is borrowed.")] = None,
    purpose: Annotated[
        str | None, typer.Option(help="loan: what for; products for other purposes are refused.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="Rules of the policy as of this date.")] = None,
    init: Annotated[bool, typer.Option("--init", help="Write a first plan.toml or needs.toml into the home.")] = False,
    force: Annotated[bool, typer.Option("--force", help="--init: replace the one that is there.")] = False,
    no_record: NoRecord = False,
    json: Json = False,
) -> None:
    """Plan a loan: instalment, debt service, what is left a month, probability of default; or the rule that refuses it.

    plan.toml in the home says which columns hold rates, incomes and bounds. Rates come from the product table.
    cover: the needs of needs.toml, each with its rule, what the rule read, what is missing, and what would meet it.

    Examples: graphrec plan loan --init; graphrec plan loan C000004 --amount 12000; graphrec plan cover --init;
    graphrec plan cover C000004
    """
    if what == "cover":
        if amount is not None or purpose is not None or init == (user is not None):
            raise UsageError("graphrec plan cover wants a user or --init, and no --amount or --purpose")
        _cover(None if user is None else PlanCover(user, as_of, not no_record), force=force, json=json)
        return
    if init:
        write_first("plan", "graphrec plan loan USER --amount AMOUNT", force=force, json=json)
        return
    if user is None or amount is None:
        raise UsageError("graphrec plan loan wants a user and --amount, or --init")
    found = bank().plan_loan(PlanLoan(user, amount, purpose, as_of, not no_record))
    if json:
        emit_json(found)
        return
    for text in found.notes:
        note(f"note: {text}")
    offered = [one for one in found.plans if one.rank is not None]
    rows = [
        [one.rank, one.product, one.name, one.months, f"{one.rate_percent:g} %", f"{one.instalment:,.2f}",
         f"{one.total:,.2f}", f"{one.share:.1%}", f"{one.left:,.2f}"]
        for one in offered[:_SHOWN]
    ]  # fmt: skip
    if rows:
        heads = ["months", "rate", "instalment", "in all", "debt service", "left a month"]
        table(["rank", "product", "name", *heads], rows, right=heads)
    refused = {one.product: one for one in found.plans if one.rank is None}
    for one in list(refused.values())[:_SHOWN]:
        say(f"{one.product} over {one.months} months is refused: {'; '.join(one.refused)}")
    if found.limit is None:
        say("no amount may be offered")
    else:
        most = found.limit
        say(f"at most {most.amount:,.2f}: {most.name} over {most.months} months, {most.instalment:,.2f} a month")


def _cover(request: PlanCover | None, *, force: bool, json: bool) -> None:
    """Show the needs of a customer; without one, write a first file."""
    if request is None:
        write_first("needs", "graphrec plan cover USER", force=force, json=json)
        return
    found = bank().plan_cover(request)
    if json:
        emit_json(found)
        return
    for text in found.notes:
        note(f"note: {text}")
    if not found.needs:
        note("note: needs.toml declares no need that is in force; fill in those that stand there as comments")
    rows = []
    for one in found.needs:
        need = one.need
        evidence = ", ".join(
            f"{name} is {'not known' if value is None else value}" for name, value in need.evidence.items()
        )
        met = {"open": "may be offered: " + (", ".join(one.products[:_SHOWN]) or "none"),
               "covered": "held: " + ", ".join(need.held), "none": "",
               "unknown": "missing: " + ", ".join(need.missing)}[need.state]  # fmt: skip
        rows.append([need.name, need.state, need.rule, evidence, met])
    table(["need", "state", "rule", "because", ""], rows)
    for one in found.needs:
        for other in one.refused[:_SHOWN]:
            say(f"{other.product} would meet {one.need.name} and is refused: {'; '.join(other.why)}")
