"""graphrec portrait: what is computed of customers from what they did and hold."""

from pathlib import Path
from typing import Annotated

import typer

from graphrec.app.jobs import MakePortraits
from graphrec.app.requests import AskPortrait
from graphrec.cli.invocation import bank
from graphrec.cli.options import Json, NoRecord
from graphrec.cli.output import emit_json, note, progress, say, say_wrapped, table
from graphrec.errors import UsageError


def command(
    user: Annotated[str | None, typer.Argument(help="The customer's id; none with --all.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="All customers, with --out or --keep.")] = False,
    out: Annotated[Path | None, typer.Option(help="--all: a CSV file with a row a customer.")] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="--all: keep numbers as columns, tags and bands as nodes of the graph.")
    ] = False,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="What was known before this date.")] = None,
    no_record: NoRecord = False,
    json: Json = False,
) -> None:
    """Show the portrait of a customer: numbers, tags by the bank's rules with their evidence, and what is missing.

    portrait.toml in the home says windows, tags and bands.

    Example: graphrec portrait C00042
    """
    if everyone == (user is not None):
        raise UsageError("graphrec portrait wants a customer, or --all")
    if not everyone and (out is not None or keep):
        raise UsageError("--out and --keep go with --all")
    if user is not None:
        _one(AskPortrait(user, as_of), json=json)
        return
    with progress(json=json) as update:
        done = bank().make_portraits(MakePortraits(out, keep, as_of, not no_record), progress=update)
    if json:
        emit_json(done)
        return
    for text in done.notes:
        note(f"note: {text}")
    where = " and ".join([*([str(done.out)] if done.out else []), *(["the store"] if done.kept else [])])
    say(f"{done.customers:,} portraits as of {done.as_of} in {where}; {len(done.numbers)} numbers")
    if done.tags:
        table(["tag", "customers"], [[name, count] for name, count in done.tags.items()], right=["customers"])


def _one(request: AskPortrait, *, json: bool) -> None:
    found = bank().portrait(request)
    if json:
        emit_json(found)
        return
    say(f"{found.user} as of {found.as_of}")
    say_wrapped(found.text)
    for tag in found.tags:
        evidence = ", ".join(f"{name} is {value}" for name, value in tag.evidence.items())
        say(f"{tag.name}: {tag.rule} ({evidence})")
    say()
    table(["number", "value"], [[name, f"{value:,.6g}"] for name, value in found.numbers.items()], right=["value"])
    for band in found.bands:
        say(f"{band.number}: {band.band}")
    if found.missing:
        say(f"not known: {', '.join(found.missing)}")
