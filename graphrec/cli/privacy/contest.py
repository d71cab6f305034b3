"""graphrec contest: edges and reasons that a customer says are not true, or not relevant."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, note, say, table
from graphrec.errors import UsageError

if TYPE_CHECKING:
    from graphrec.privacy.contests import Contest


def command(
    user: Annotated[str, typer.Argument(help="Id of the customer.")],
    edge: Annotated[str | None, typer.Option(help="Type of the edge, such as BOUGHT; none: list the contests.")] = None,
    of: Annotated[str | None, typer.Option(help="Id at its other end, such as a product's.")] = None,
    product: Annotated[
        str | None, typer.Option(help="Product whose reason is contested; without --number: show its reasons.")
    ] = None,
    number: Annotated[int | None, typer.Option(min=1, help="Which of its reasons, as --product shows them.")] = None,
    ground: Annotated[
        Literal["not-true", "not-relevant"],
        typer.Option(help="not-true: it counts nowhere; not-relevant: it is in no score and no reason."),
    ] = "not-relevant",
    reason: Annotated[str | None, typer.Option(help="Why, in the customer's words.")] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="End the contest; of --product, of all its reasons.")
    ] = False,
    k: Annotated[int, typer.Option("-k", min=1, help="Length of the list that is compared.")] = 5,
    by: Annotated[str | None, typer.Option(help="Who enters it (default: actor of the settings).")] = None,
    json: Json = False,
) -> None:
    """Leave an edge or a reason that a customer contests out of lists, and show what that does to the list of now.

    An edge that is not true counts nowhere, not for rules either; one that is not relevant is in no score and no
    reason, and rules still see it. A reason that is contested leaves the score of that product and is shown no more;
    what it starts with counts for other products. A contest stays, whatever is loaded or trained, until it is
    withdrawn. It is recorded, and recorded answers replay as they were given.

    Example: graphrec contest C000004 --edge VIEWED --of P00012 --reason "it was for my brother"
    """
    _check(edge, of, product, number, withdraw=withdraw)
    if product is not None and number is None and not withdraw:
        _show_reasons(user, product, json=json)
        return
    if edge is None and product is None:
        _show_contests(user, json=json)
        return
    from graphrec.app.requests import PutContest

    done = bank().contest(PutContest(user, edge, of, ground, reason, withdraw, k, by, product, number))
    if json:
        emit_json(done)
        return
    for text in done.notes:
        note(f"note: {text}")
    one = done.contest
    say(f"{_what(one)} of {one.user} is {'counted again' if done.withdrawn else f'contested as {one.ground}'}")
    moves = [[move.product, move.name, _rank(move.before), _rank(move.after)] for move in done.moves]
    table(["product", "name", "before", "after"], moves, right=["before", "after"], optional=["name"])


def _check(edge: str | None, of: str | None, product: str | None, number: int | None, *, withdraw: bool) -> None:
    if (edge is None) != (of is None) or (edge is None and product is None and withdraw):
        raise UsageError(
            "graphrec contest wants --edge TYPE and --of ID together, or --product ID; with neither it lists"
        )
    if product is not None and edge is not None:
        raise UsageError("graphrec contest wants an edge or a reason; leave out --edge and --of, or --product")
    if number is not None and product is None:
        raise UsageError("--number is that of a reason; want --product ID too")


def _show_reasons(user: str, product: str, *, json: bool) -> None:
    reasons = bank().contestable(user, product)
    if json:
        emit_json({"product": product, "reasons": reasons})
    elif reasons:
        rows = [[str(one.number), one.text, _percent(one.percent)] for one in reasons]
        table(["number", "reason", "%"], rows, right=["number", "%"])
    else:
        say(f"nothing that can be contested speaks for {product} to {user}")


def _show_contests(user: str, *, json: bool) -> None:
    found = bank().contests(user)
    if json:
        emit_json({"contests": found})
    elif found:
        rows = [[_what(one), one.ground, one.since, one.by, one.why] for one in found]
        table(["what", "ground", "since", "by", "why"], rows, optional=["by", "why"])
    else:
        say(f"{user} contests nothing")


def _what(one: "Contest") -> str:
    return f"{one.edge} {one.of}" if one.product is None else f"reason of {one.product}: {one.text}"


def _percent(percent: float | None) -> str:
    return "–" if percent is None else f"{percent:.0f}"


def _rank(rank: int | None) -> str:
    return "–" if rank is None else str(rank)
