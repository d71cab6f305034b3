"""graphrec consume: the events of a file or a topic, into the log."""

from typing import Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, note, progress, say, table
from graphrec.errors import UsageError


def command(
    source: Annotated[
        str | None,
        typer.Argument(help="A file with one event (JSON) a line, or kafka[+s]://HOST:PORT/TOPIC."),
    ] = None,
    group: Annotated[str, typer.Option(help="Of consumers that share a topic.")] = "graphrec",
    member: Annotated[
        str | None,
        typer.Option(help="Name of this consumer in the group: killed and started again, it goes on at once."),
    ] = None,
    idle: Annotated[
        float | None, typer.Option(min=0, help="Stop when a topic brings nothing for so many seconds.")
    ] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Show what could not be counted, and why.")] = False,
    json: Json = False,
) -> None:
    """Keep the events of a feed; each counts once however often it comes.

    What is no event that counts (an unknown customer, a time to come, …) is kept beside them as a dead letter with its
    reason. A topic goes on until SIGTERM; offsets are committed when the events are on the disk.

    Example: graphrec consume events.jsonl
    """
    if dead:
        letters = bank().events.log.dead()
        if json:
            shown = [
                {"source": one.source, "place": one.place, "kind": one.kind, "reason": one.reason,
                 "content": one.content.decode("utf-8", "replace")}
                for one in letters
            ]  # fmt: skip
            emit_json({"dead": shown})
        else:
            rows = [(one.source, one.place, one.kind, one.reason) for one in letters]
            table(("source", "place", "kind", "reason"), rows)
        return
    if source is None:
        raise UsageError("graphrec consume wants a file or kafka://HOST:PORT/TOPIC, or --dead")
    from graphrec.app.jobs import Consume

    with progress(json=json) as report:
        done = bank().consume(Consume(source, group, idle, member), progress=report)
    if done.dead:
        note(f"{done.dead:,} could not be counted; see them with: graphrec consume --dead")
    if done.suppressed:
        note(f"{done.suppressed:,} of customers who were forgotten: not kept")
    if json:
        emit_json(done)
    else:
        say(f"{done.read:,} read: {done.accepted:,} events, {done.duplicates:,} again, {done.dead:,} dead letters")
