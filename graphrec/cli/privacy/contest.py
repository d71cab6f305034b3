"""graphrec contest: what a customer says is not true, or not relevant."""

from typing import Annotated, Literal

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, note, say, table
from graphrec.errors import UsageError


def command(
    user: Annotated[str, typer.Argument(help="Id of the customer.")],
    edge: Annotated[str | None, typer.Option(help="Type of the edge, such as BOUGHT; none: list the contests.")] = None,
    of: Annotated[str | None, typer.Option(help="Id at its other end, such as a product's.")] = None,
    ground: Annotated[
        Literal["not-true", "not-relevant"],
        typer.Option(help="not-true: it counts nowhere; not-relevant: it is in no score and no reason."),
    ] = "not-relevant",
    reason: Annotated[str | None, typer.Option(help="Why, in the customer's words.")] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="End the contest.")] = False,
    k: Annotated[int, typer.Option("-k", min=1, help="Length of the list that is compared.")] = 5,
    by: Annotated[str | None, typer.Option(help="Who enters it (default: actor of the settings).")] = None,
    json: Json = False,
) -> None:
    """Leave an edge that a customer contests out of lists, and show what that does to the list of now.

    What is not true counts nowhere, not for rules either; what is not relevant is in no score and no reason, and rules
    still see it. A contest stays, whatever is loaded or trained, until it is withdrawn. It is recorded, and recorded
    answers replay as they were given.

    Example: graphrec contest C000004 --edge VIEWED --of P00012 --reason "it was for my brother"
    """
    if (edge is None) != (of is None) or (edge is None and withdraw):
        raise UsageError("graphrec contest wants --edge TYPE and --of ID together; neither lists the contests")
    if edge is None or of is None:
        found = bank().contests(user)
        if json:
            emit_json({"contests": found})
        elif found:
            rows = [[one.edge, one.of, one.ground, one.since, one.by, one.why] for one in found]
            table(["edge", "of", "ground", "since", "by", "why"], rows, optional=["by", "why"])
        else:
            say(f"{user} contests nothing")
        return
    from graphrec.app.requests import PutContest

    done = bank().contest(PutContest(user, edge, of, ground, reason, withdraw, k, by))
    if json:
        emit_json(done)
        return
    for text in done.notes:
        note(f"note: {text}")
    one = done.contest
    say(f"{one.edge} {one.of} of {one.user} is {'counted again' if done.withdrawn else f'contested as {one.ground}'}")
    moves = [[move.product, move.name, _rank(move.before), _rank(move.after)] for move in done.moves]
    table(["product", "name", "before", "after"], moves, right=["before", "after"], optional=["name"])


def _rank(rank: int | None) -> str:
    return "–" if rank is None else str(rank)
