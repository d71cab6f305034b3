"""graphrec portfolio: what a customer holds, how concentrated and how volatile it is, and a product in it."""

from pathlib import Path
from typing import Annotated

import typer

from graphrec.app.jobs import AskPortfolio, AskPortfolios, ProposePortfolio
from graphrec.cli.invocation import bank
from graphrec.cli.options import Json, NoRecord
from graphrec.cli.output import emit_json, note, percent, progress, say, table
from graphrec.errors import UsageError
from graphrec.finance.market.portfolio import Portfolio


def command(
    user: Annotated[str | None, typer.Argument(help="Id of the user; or propose, and then the id.")] = None,
    of: Annotated[str | None, typer.Argument(help="propose: id of the user.", metavar="[USER]")] = None,
    candidate: Annotated[
        str | None, typer.Option("--with", help="A product: what 1, 5 and 10 % of it would do.")
    ] = None,
    amount: Annotated[float, typer.Option(min=0, help="propose: what is invested besides, from cash.")] = 0.0,
    out: Annotated[
        Path | None, typer.Option("--out", help="Without a user: all portfolios, as JSON lines in this file.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="What was known before this date.")] = None,
    no_record: NoRecord = False,
    json: Json = False,
) -> None:
    """Show the portfolio of a user: positions, weights, concentration, volatility and who brings how much of it.

    propose USER: the least volatile mix of what is held and of the products of the user's list, within the limits of
    market.toml; nothing is bought that the policy refuses.

    market.toml in the home names the series of prices, the column with cash and the one with yearly costs. What a
    price did is no promise.

    Without a user, --out FILE has a line for every user, with stress by history and with --with what it would do.

    Examples: graphrec portfolio C000004 --with P00055; graphrec portfolio propose C000004;
    graphrec portfolio --out portfolios.jsonl --with P00055
    """
    if user is None or out is not None:
        if user is not None or out is None:
            raise UsageError("graphrec portfolio wants a user, or --out FILE without one for all of them")
        _all(AskPortfolios(out, candidate, as_of), json=json)
        return
    if of is not None:
        if user != "propose" or candidate is not None:
            raise UsageError("graphrec portfolio wants a user, or propose and a user without --with")
        _propose(ProposePortfolio(of, amount, as_of, not no_record), json=json)
        return
    found = bank().portfolio(AskPortfolio(user, candidate, as_of))
    if json:
        emit_json(found)
        return
    _show(found)


def _show(found: Portfolio) -> None:
    """Print a portfolio, and a candidate in it."""
    rows = [
        [
            one.product,
            one.name,
            f"{one.value:,.2f}",
            f"{one.weight:.1%}",
            percent(one.volatility),
            percent(one.contribution),
        ]
        for one in found.positions
    ]
    heads = ["value", "weight", "volatility", "contribution"]
    table(["product", "name", *heads], rows, right=heads)
    cash = "not known" if found.cash is None else f"{found.cash:,.2f}"
    said = f"wealth {found.wealth:,.2f}, cash {cash}; volatility {percent(found.volatility)}"
    say(f"{said}, greatest fall {percent(found.drawdown)} over {found.days:,} days before {found.as_of}")
    say("concentration (HHI): " + ", ".join(f"{what} {value:.3f}" for what, value in found.concentration.items()))
    if found.without_prices:
        say(f"without prices, and so without a part of the volatility: {', '.join(found.without_prices)}")
    for loss in found.stress:
        said = f"{loss.loss:.1%} of the wealth lost" if loss.loss >= 0 else f"{-loss.loss:.1%} of the wealth gained"
        name = "" if loss.episode == f"{loss.begin} to {loss.end}" else f"{loss.episode}, "
        say(f"stress, {name}{loss.begin} to {loss.end}: {said}; known of {loss.covered:.0%} of it")
    if found.candidate is None:
        return
    one = found.candidate
    correlation = "not known" if one.correlation is None else f"{one.correlation:.2f}"
    say()
    say(f"{one.name}: volatility {percent(one.volatility)}, correlation with the portfolio {correlation}")
    for after in one.purchases:
        moved = f"volatility {percent(found.volatility)} to {percent(after.volatility)}"
        cost = (
            ""
            if after.cost_percent is None
            else f", cost {found.cost_percent or 0:.2f} to {after.cost_percent:.2f} % a year"
        )
        spread = f"HHI {found.concentration.get('product', 0):.3f} to {after.concentration.get('product', 0):.3f}"
        say(f"{after.part:.0%} of the wealth ({after.amount:,.2f}) in it: {moved}, {spread}{cost}")
        for before, then in zip(found.stress, after.stress, strict=True):
            say(f"  stress, {before.episode}: {before.loss:.1%} to {then.loss:.1%} of the wealth lost")


def _all(request: AskPortfolios, *, json: bool) -> None:
    with progress(json=json) as report:
        found = bank().portfolios(request, progress=report)
    if json:
        emit_json(found)
        return
    say(f"{found.customers:,} portfolios as of {found.as_of} in {found.path}; {found.empty:,} customers hold nothing")
    said = f"volatility of {found.known:,} of them, {percent(found.volatility)} on average"
    say(said if found.shrinkage is None else f"{said}; covariance drawn to its mean by {found.shrinkage:.2f}")
    for one in found.episodes:
        say(f"stress: {one.name if one.is_declared else f'{one.begin} to {one.end}'}")


def _propose(request: ProposePortfolio, *, json: bool) -> None:
    found = bank().propose_portfolio(request)
    if json:
        emit_json(found)
        return
    for text in found.notes:
        note(f"note: {text}")
    rows = [
        [one.product, one.name, f"{one.before:.1%}", f"{one.after:.1%}", f"{one.amount:+,.2f}"]
        for one in found.dealings
    ]  # fmt: skip
    heads = ["now", "then", "buy or sell"]
    table(["product", "name", *heads], rows, right=heads)
    said = f"volatility {percent(found.volatility_before)} to {percent(found.volatility)} a year"
    if found.cost_before is not None and found.cost is not None:
        said += f", cost {found.cost_before:.2f} to {found.cost:.2f} % a year"
    say(f"of {found.invested:,.2f} in products with prices: {said}; {found.turnover:.1%} is sold")
    if found.left_alone:
        say(f"stays as it is: {', '.join(found.left_alone)}")
    if (walk := found.walk) is not None:
        beside = "" if walk.benchmark is None else f", the benchmark {percent(walk.benchmark)}"
        mixes = f"such mixes had a volatility of {percent(walk.proposed)}"
        say(f"on {walk.days:,} days that they had not seen, {mixes}, equal weights {percent(walk.equal)}{beside}")
    say("What prices did is no promise.")
