"""graphrec explain: every part of one score."""

from pathlib import Path
from typing import Annotated

import typer

from graphrec.cli.answers import show_ledger
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
    no_record: Annotated[bool, typer.Option("--no-record", help="Leave no entry in the decision record.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show every line of the score of one product for one user.

    The lines add up to the score. A path stands with the Cypher that returns it, and its share, from the store.
    """
    from graphrec.records.decision import Request
    from graphrec.serving.engine import Engine

    engine = Engine.open(state.home, model)
    answer = engine.explain(user, product, k)
    recording = Recording(engine, Request("explain", k), wanted=not no_record)
    recording.add([answer], product)
    if picture is not None and answer.items:
        from graphrec.serving.picture import write_picture

        write_picture(answer, picture)
        note(f"picture: {picture}")
    if json:
        emit_json({**answer.to_json(), "record": recording.number})
    else:
        show_ledger(answer, cypher=cypher)
        recording.tell()
