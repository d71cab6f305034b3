"""graphrec exposure: what part of all lists goes to the bank's own products, and to those that it is paid for."""

from typing import Annotated

import typer

from graphrec.app.jobs import AskExposure
from graphrec.cli.invocation import bank
from graphrec.cli.options import AsOf, Json, Model
from graphrec.cli.output import emit_json, note, percent, progress, say, table


def command(
    by: Annotated[
        list[str] | None,
        typer.Option("--by", help="A column of products; unset: own_brand and inducement of statement.toml."),
    ] = None,
    k: Annotated[int, typer.Option("-k", "--k", min=1, help="Length of the lists.")] = 10,
    model: Model = None,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Count what part of all lists goes to products by a column, beside their part of what the policy allows.

    A lift above 1 says that lists show them more often than chance would among what is allowed. The counts are kept in
    the record.

    Examples: graphrec exposure; graphrec exposure --by kind -k 5
    """
    with progress(json=json) as report:
        found = bank().exposure(AskExposure(tuple(by or ()), k, model, as_of), progress=report)
    if json:
        emit_json(found)
        return
    for text in found.notes:
        note(f"note: {text}")
    if found.record is not None:
        note(f"recorded as entry {found.record}")
    say(f"{found.places:,} places in the lists of {found.customers:,} customers, {found.k} at most each")
    heads = ["products", "of products", "of allowed", "of lists", "lift", "mean rank"]
    rows = [
        [one.column, one.value, f"{one.products:,}", percent(one.of_products), percent(one.of_allowed),
         percent(one.of_lists), _number(one.lift), _number(one.mean_rank)]
        for one in found.groups
    ]  # fmt: skip
    table(["column", "value", *heads], rows, right=heads)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
