"""graphrec explain: every part of one score."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from graphrec.cli.answers import show_ledger
from graphrec.cli.as_of import AsOf, look_back
from graphrec.cli.output import emit_json, note
from graphrec.cli.recording import Recording
from graphrec.cli.state import state


def command(
    user: Annotated[str, typer.Argument(help="Id of the user.")],
    product: Annotated[str, typer.Argument(help="Id of the product.")],
    k: Annotated[int, typer.Option("-k", min=1, help="Length of the list the product is contrasted with.")] = 5,
    model: Annotated[str | None, typer.Option(help="Kind of model (default: the blend, final before tested).")] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the explanation to FILE.png, .svg or .pdf, or write FILE.graphml.")
    ] = None,
    cypher: Annotated[
        bool, typer.Option("--cypher/--no-cypher", help="Print the Cypher that returns each path.")
    ] = True,
    audit: Annotated[
        bool, typer.Option("--audit", help="Delete each edge behind the lines and print what that really does.")
    ] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Order lines by share, not by contrast.")] = False,
    language: Annotated[
        Literal["en", "zh"] | None, typer.Option(help="Language of the reasons (default en, or GRAPHREC_LANGUAGE).")
    ] = None,
    no_record: Annotated[bool, typer.Option("--no-record", help="Leave no entry in the decision record.")] = False,
    as_of: AsOf = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show every line of the score of one product for one user.

    The lines add up to the score. A path stands with the Cypher that returns it, and its share, from the store. --audit
    deletes the user's edges one at a time, counts degrees anew, and prints predicted effect, actual effect and rank.
    """
    from graphrec.records.decision import Request
    from graphrec.serving.answer import ExplainOptions
    from graphrec.serving.engine import Engine

    asked = look_back(as_of)
    engine = Engine.open(state.home, model)
    options = ExplainOptions(plain, language or state.settings.language)
    answer = engine.explain(user, product, k, options)
    recording = Recording(engine, Request("explain", k, asdict(options), asked), wanted=not no_record)
    recording.add([answer], product)
    if audit:
        from graphrec.serving.audit import audited

        answer = audited(engine, answer)
    if picture is not None and answer.items:
        from graphrec.serving.picture import write_picture

        write_picture(answer, picture)
        note(f"picture: {picture}")
    if json:
        emit_json({**answer.to_json(), "record": recording.number})
    else:
        show_ledger(answer, engine.reasons_in(options.language).sentences, cypher=cypher)
        recording.tell()
