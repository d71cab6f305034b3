"""graphrec market: what prices of products did until a date, and their risk classes."""

from typing import Annotated

import typer

from graphrec.app.jobs import AskClasses, AskMarket
from graphrec.cli.finance.first_file import write_first
from graphrec.cli.invocation import bank
from graphrec.cli.options import Json, NoRecord
from graphrec.cli.output import emit_json, note, percent, progress, say, table


def command(
    product: Annotated[str | None, typer.Argument(help="The product's id; none: all.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the figures as dated columns of products.")] = False,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="Prices before this date.")] = None,
    init: Annotated[bool, typer.Option("--init", help="Write a first market.toml into the home.")] = False,
    changes: Annotated[
        bool, typer.Option("--changes", help="Which risk classes changed, who holds such a product, and open offers.")
    ] = False,
    days: Annotated[int, typer.Option(min=1, max=3660, help="--changes: within so many days before the date.")] = 365,
    force: Annotated[bool, typer.Option("--force", help="--init: replace the one that is there.")] = False,
    garch: Annotated[
        bool, typer.Option("--garch", help="Fit GARCH(1,1) too: the volatility of the next 21 trading days.")
    ] = False,
    no_record: NoRecord = False,
    json: Json = False,
) -> None:
    """Show returns, volatility, drawdown, beta and risk class of products from their prices as of a date.

    market.toml in the home names series, benchmark and the ratings of others. What a price did is no promise.

    Examples: graphrec market --init; graphrec market P00055 --garch; graphrec market --changes
    """
    if init:
        write_first("market", "graphrec market", force=force, json=json)
        return
    if changes:
        _changes(AskClasses(product, days, as_of), json=json)
        return
    with progress(json=json) as update:
        found = bank().market(AskMarket(product, keep, as_of, not no_record, garch), progress=update)
    if json:
        emit_json(found)
        return
    for text in found.notes:
        note(f"note: {text}")
    has_garch = any(one.figures is not None and one.figures.garch is not None for one in found.products)
    heads = ["30 days", "365 days", "volatility", *["GARCH"] * has_garch, "drawdown", "beta", "class", "rating"]
    rows = []
    for one in found.products:
        f = one.figures
        shown = ["–"] * (len(heads) - 1) if f is None else [
            percent(f.returns["30d"]), percent(f.returns["365d"]), percent(f.volatility),
            *[percent(f.garch)] * has_garch, percent(f.drawdown),
            "–" if f.beta is None else f"{f.beta:.2f}", "–" if f.market_class is None else str(f.market_class),
        ]  # fmt: skip
        rows.append([one.product, one.name or "", *shown, "–" if one.rating is None else str(one.rating)])
    if rows:
        table(["product", "name", *heads], rows, right=heads)
    if found.without:
        who = product or f"{found.without:,} of the products"
        say(f"no price before {found.as_of} and no rating: {who}")
    if found.kept:
        say(f"figures of {len(found.products):,} products of {found.as_of} are kept as product.market_…")
    for change in found.changed:
        said = f"class of {change.product}: {change.before} before, {change.after} now"
        say(f"{said}; who is affected: graphrec market --changes")


def _changes(request: AskClasses, *, json: bool) -> None:
    found = bank().class_changes(request)
    if json:
        emit_json(found)
        return
    rows = [
        [one.product, one.name or "", one.on, str(one.before), str(one.after),
         ", ".join(f"{source} {value}" for source, value in sorted(one.given.items())),
         f"{len(one.holders):,}", f"{len(one.offers):,}"]
        for one in found.changes
    ]  # fmt: skip
    if rows:
        counts = ["before", "since", "holders", "open offers"]
        table(["product", "name", "on", "before", "since", "by", "holders", "open offers"], rows, right=counts)
    else:
        say(f"no risk class changed in {request.days} days before {found.as_of}, as far as graphrec market --keep saw")
