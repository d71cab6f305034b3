"""graphrec models: which model answers, promote another one, roll back."""

from typing import Annotated, Literal

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json, NoRecord
from graphrec.cli.output import emit_json, note, say, table
from graphrec.errors import UsageError


def command(
    action: Annotated[
        Literal["list", "promote", "rollback", "follow"],
        typer.Argument(help="list, promote NAME, rollback, or follow: the newest model is live again."),
    ] = "list",
    name: Annotated[str | None, typer.Argument(help="promote: the model, as the list names it.")] = None,
    no_record: NoRecord = False,
    json: Json = False,
) -> None:
    """List the models of the home, and say which one answers by default: the one that is live.

    The newest model is live until one is promoted. A promoted model stays live whatever is trained after it, and
    `rollback` goes back to what was live before it; without a promotion, to what the last training replaced. A running
    service takes the change with its next answer.

    Example: graphrec models promote blend-final
    """
    if (action == "promote") != (name is not None):
        raise UsageError(
            "graphrec models promote wants the NAME of a model"
            if name is None
            else f"graphrec models {action} takes no NAME"
        )
    if action == "list":
        _list(json=json)
        return
    from graphrec.app.requests import SwitchModel

    done = bank().switch_model(SwitchModel(action, name, record=not no_record))
    if json:
        emit_json(done)
        return
    for text in done.notes:
        note(f"note: {text}")
    say(f"{done.live} is live; before: {done.before}")


def _list(*, json: bool) -> None:
    models, history = bank().models(), bank().switches()
    if json:
        emit_json({"models": models, "history": history})
        return
    if not models:
        say("there is no model; make one: graphrec train")
        return
    rows = [[one.id, one.state, one.kind, one.since, one.by, one.hash[:10], one.snapshot[:10]] for one in models]
    table(["model", "state", "kind", "since", "by", "hash", "snapshot"], rows, optional=["by"])
    if history:
        say()
        changes = [[one.at, one.action, one.model or "the newest", one.before, one.by] for one in history]
        table(["at", "action", "live", "before", "by"], changes, optional=["by"])
