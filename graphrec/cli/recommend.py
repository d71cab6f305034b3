"""graphrec recommend: products for one user, with reasons."""

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from graphrec.cli.answers import show_answer
from graphrec.cli.as_of import AsOf, look_back
from graphrec.cli.output import emit_json
from graphrec.cli.recording import Recording
from graphrec.cli.state import state


def command(
    user: Annotated[str, typer.Argument(help="Id of the user; `graphrec find TEXT` looks one up.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many products.")] = 5,
    model: Annotated[str | None, typer.Option(help="Kind of model (default: the blend, final before tested).")] = None,
    reasons: Annotated[int, typer.Option(min=1, help="How many reasons per product, at most.")] = 3,
    all_lines: Annotated[bool, typer.Option("--all-lines", help="Show every line of every ledger.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Order reasons by share, not by contrast.")] = False,
    min_confidence: Annotated[
        float | None,
        typer.Option(min=0, max=0.999, help="Leave out products below this confidence (0 to 1; default 0)."),
    ] = None,
    prefer: Annotated[
        Literal["recent", "popular", "novel", "diverse"] | None,
        typer.Option(help="Which path leads the reasons of a product, where shares are near."),
    ] = None,
    language: Annotated[
        Literal["en", "zh"] | None, typer.Option(help="Language of the reasons (default en, or GRAPHREC_LANGUAGE).")
    ] = None,
    no_record: Annotated[bool, typer.Option("--no-record", help="Leave no entry in the decision record.")] = False,
    as_of: AsOf = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the products that fit one user best, each with its strongest reasons.

    Every score is the sum of its lines: the reasons that are shown, and the rest. What the user holds already and what
    is not offered any more is left out.
    """
    from graphrec.records.decision import Request
    from graphrec.serving.answer import ListOptions
    from graphrec.serving.engine import Engine

    asked = look_back(as_of)
    engine = Engine.open(state.home, model)
    settings = state.settings
    options = ListOptions(
        reasons=None if all_lines else reasons,
        plain=plain,
        min_confidence=settings.min_confidence if min_confidence is None else min_confidence,
        count_groups=True,
        language=language or settings.language,
        prefer=prefer,
    )
    answer = engine.recommend(user, k, options)
    recording = Recording(engine, Request("recommend", k, asdict(options), asked), wanted=not no_record)
    recording.add([answer])
    if json:
        emit_json({**answer.to_json(), "record": recording.number})
    else:
        show_answer(answer, engine.reasons_in(options.language).sentences)
        recording.tell()
