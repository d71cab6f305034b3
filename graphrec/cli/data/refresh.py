"""graphrec refresh: from new files to new lists, doing only what changed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, progress, say
from graphrec.errors import LimitPassed

if TYPE_CHECKING:
    from graphrec.app.data.refresh import Refreshed


def command(
    mappings: Annotated[
        list[str] | None, typer.Argument(help="Shipped mappings, or TOML files; none: the store as it is.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the files (default: that of each TOML file).")] = None,
    to: Annotated[str | None, typer.Option(help="Where the lists go, as in export; default: nowhere.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many products per user.")] = 10,
    model: Annotated[str, typer.Option(help="Kind of model.")] = "blend",
    no_train: Annotated[bool, typer.Option("--no-train", help="Leave the model as it is.")] = False,
    max_rejected: Annotated[str, typer.Option(help="Rows that may be rejected, as in load.")] = "0",
    max_removed: Annotated[str, typer.Option(help="What a load may remove, as in load.")] = "10%",
    no_record: Annotated[bool, typer.Option("--no-record", help="Leave no entries in the decision record.")] = False,
    json: Json = False,
) -> None:
    """Load, embed, train and export what changed: one command for a nightly job.

    Every step leaves its result whole or not at all. A refresh that was killed is run again and goes on where it was;
    one that has nothing to do says so.

    Example: graphrec refresh bank.toml --data incoming --to lists.csv
    """
    from graphrec.app.jobs import Refresh

    request = Refresh(
        tuple(mappings or ()), data, max_rejected, max_removed, model, not no_train, to, k, not no_record
    )  # fmt: skip
    with progress(json=json) as report:
        done = bank().refresh(request, progress=report)
    if json:
        emit_json({"steps": done.steps, "unchanged": done.unchanged})
    else:
        _show(done)
    if any("not_live" in step.counts for step in done.steps):
        raise LimitPassed("the new model does not keep the bounds of [live] and is not live; see: graphrec models")


def _show(done: "Refreshed") -> None:
    for step in done.steps:
        counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in step.counts.items())
        did = (counts or "done") if step.did else "nothing to do"
        say(f"{step.name}: {did} ({step.seconds:.1f} s)")
    if done.unchanged:
        say("nothing to do: files, texts, model and lists are as they were")
