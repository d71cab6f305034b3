"""graphrec portfolio: what a customer holds, how concentrated and how volatile it is, and a product in it."""

from typing import Annotated

import typer

from graphrec.app.jobs import AskPortfolio
from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, say, table


def command(
    user: Annotated[str, typer.Argument(help="Id of the user.")],
    candidate: Annotated[
        str | None, typer.Option("--with", help="A product: what 1, 5 and 10 % of it would do.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="What was known before this date.")] = None,
    json: Json = False,
) -> None:
    """Show the portfolio of a user: positions, weights, concentration, volatility and who brings how much of it.

    market.toml in the home names the series of prices, the column with cash and the one with yearly costs. What a
    price did is no promise.

    Example: graphrec portfolio C000004 --with P00055
    """
    found = bank().portfolio(AskPortfolio(user, candidate, as_of))
    if json:
        emit_json(found)
        return
    rows = [
        [
            one.product,
            one.name,
            f"{one.value:,.2f}",
            f"{one.weight:.1%}",
            _percent(one.volatility),
            _percent(one.contribution),
        ]
        for one in found.positions
    ]
    heads = ["value", "weight", "volatility", "contribution"]
    table(["product", "name", *heads], rows, right=heads)
    cash = "not known" if found.cash is None else f"{found.cash:,.2f}"
    said = f"wealth {found.wealth:,.2f}, cash {cash}; volatility {_percent(found.volatility)}"
    say(f"{said}, greatest fall {_percent(found.drawdown)} over {found.days:,} days before {found.as_of}")
    say("concentration (HHI): " + ", ".join(f"{what} {value:.3f}" for what, value in found.concentration.items()))
    if found.without_prices:
        say(f"without prices, and so without a part of the volatility: {', '.join(found.without_prices)}")
    if found.candidate is None:
        return
    one = found.candidate
    correlation = "not known" if one.correlation is None else f"{one.correlation:.2f}"
    say()
    say(f"{one.name}: volatility {_percent(one.volatility)}, correlation with the portfolio {correlation}")
    for after in one.purchases:
        moved = f"volatility {_percent(found.volatility)} to {_percent(after.volatility)}"
        cost = (
            ""
            if after.cost_percent is None
            else f", cost {found.cost_percent or 0:.2f} to {after.cost_percent:.2f} % a year"
        )
        spread = f"HHI {found.concentration.get('product', 0):.3f} to {after.concentration.get('product', 0):.3f}"
        say(f"{after.part:.0%} of the wealth ({after.amount:,.2f}) in it: {moved}, {spread}{cost}")


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
