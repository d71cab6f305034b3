"""graphrec recommend: products for one user, with reasons."""

from typing import Annotated, Literal

import typer

from graphrec.app.answers import to_json
from graphrec.cli.answers import show_answer, show_seen, show_served
from graphrec.cli.invocation import bank, reader
from graphrec.cli.options import Amount, AsOf, Channel, Json, Language, Model, NoPolicy, NoRecord, Purpose, View, Voice
from graphrec.cli.output import emit_json
from graphrec.schema import EXACT


def command(
    user: Annotated[str, typer.Argument(help="Id of the user; `graphrec find TEXT` looks one up.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many products.")] = 5,
    model: Model = None,
    reasons: Annotated[int, typer.Option(min=1, help="How many reasons per product, at most.")] = 5,
    all_lines: Annotated[bool, typer.Option("--all-lines", help="Show every line of every ledger.")] = False,
    plain: Annotated[
        bool,
        typer.Option(
            "--plain",
            help="Order reasons by share alone: none stands behind others because it speaks for all products alike.",
        ),
    ] = False,
    min_confidence: Annotated[
        float | None,
        typer.Option(min=0, max=0.999, help="Leave out products below this confidence (0 to 1; default 0)."),
    ] = None,
    prefer: Annotated[
        Literal["recent", "popular", "novel", "diverse"] | None,
        typer.Option(help="Which path leads the reasons of a product, where shares are near."),
    ] = None,
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
    """List the products that fit one user best, each with its reasons.

    A reason says how many per cent of what speaks for a product it is; graphrec explain shows every line behind it.
    What the policy of the bank refuses is left out.

    Examples: graphrec recommend C000004; graphrec recommend C000004 -k 3 --voice customer --language de
    """
    from graphrec.app.requests import Recommend
    from graphrec.policy.facts import Occasion

    served = bank().recommend(
        Recommend(
            user, k, model, None if all_lines else reasons, plain=plain, min_confidence=min_confidence, prefer=prefer,
            language=language, voice=voice, record=not no_record, as_of=as_of, no_policy=no_policy,
            occasion=Occasion(amount, channel, purpose),
        )
    )  # fmt: skip
    if reader(view) != EXACT:
        show_seen(bank().seen(served, reader(view)), json=json)
    elif json:
        emit_json(to_json(served))
    else:
        show_answer(served.answer, served.sentences)
    show_served(served)
