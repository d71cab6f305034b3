"""graphrec explain: every part of one score."""

from pathlib import Path
from typing import Annotated

import typer

from graphrec.app.answers import to_json
from graphrec.cli.answers import show_ledger, show_seen, show_served
from graphrec.cli.invocation import bank, reader
from graphrec.cli.options import Amount, AsOf, Channel, Json, Language, Model, NoPolicy, NoRecord, Purpose, View, Voice
from graphrec.cli.output import emit_json, note
from graphrec.schema import EXACT


def command(
    user: Annotated[str, typer.Argument(help="Id of the user.")],
    product: Annotated[str, typer.Argument(help="Id of the product, or its name where no other has it.")],
    k: Annotated[int, typer.Option("-k", min=1, help="Length of the list the product is contrasted with.")] = 5,
    model: Model = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the explanation to FILE.png, .svg or .pdf, or write FILE.graphml.")
    ] = None,
    cypher: Annotated[
        bool, typer.Option("--cypher/--no-cypher", help="Print the Cypher that returns each path.")
    ] = True,
    audit: Annotated[
        bool, typer.Option("--audit", help="Delete each edge behind the lines and print its real effect.")
    ] = False,
    plain: Annotated[
        bool,
        typer.Option(
            "--plain",
            help="Order reasons by share alone: none stands behind others because it speaks for all products alike.",
        ),
    ] = False,
    language: Language = None,
    voice: Voice = "adviser",
    view: View = None,
    no_policy: NoPolicy = False,
    amount: Amount = None,
    channel: Channel = None,
    purpose: Purpose = None,
    no_record: NoRecord = False,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Show every line of the score of one product for one user.

    The lines add up to the score. A path stands with the Cypher that returns it, and its share, from the store. --audit
    deletes the user's edges one at a time, counts degrees anew, and prints predicted effect, actual effect and rank.

    Example: graphrec explain C000004 P00055 --picture why.png
    """
    from graphrec.app.requests import Explain
    from graphrec.policy.facts import Occasion
    from graphrec.serving.views import only_exact

    for name, is_asked in (("--audit", audit), ("--picture", picture is not None)):
        if is_asked:
            only_exact(reader(view), name)
    served = bank().explain(
        Explain(
            user, product, k, model, audit, picture, plain, language, voice,
            record=not no_record, as_of=as_of, no_policy=no_policy, occasion=Occasion(amount, channel, purpose),
        )
    )  # fmt: skip
    if picture is not None and served.answer.items:
        note(f"picture: {picture}")
    if reader(view) != EXACT:
        show_seen(bank().seen(served, reader(view)), json=json, cypher=cypher)
    elif json:
        emit_json(to_json(served))
    else:
        show_ledger(served.answer, served.sentences, cypher=cypher)
    show_served(served)
