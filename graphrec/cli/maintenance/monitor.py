"""graphrec monitor: what changed in inputs, lists and outcomes, beside limits."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json, NoRecord
from graphrec.cli.output import emit_json, note, progress, say, say_block, table
from graphrec.errors import LimitPassed, UsageError

if TYPE_CHECKING:
    from graphrec.app.results import Monitored


def command(
    against: Annotated[
        str | None,
        typer.Option(help="A date with a snapshot, or a snapshot's hash (default: that of the live model)."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="A warning is a failure too.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Show what is as it should be too.")] = False,
    prometheus: Annotated[bool, typer.Option("--prometheus", help="Print Prometheus' text format.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write FILE.html: every measure over time.")] = None,
    no_tell: Annotated[bool, typer.Option("--no-tell", help="Tell nobody whom monitor.toml names.")] = False,
    no_record: NoRecord = False,
    json: Json = False,
) -> None:
    """Measure what changed: columns, volumes, scores, lists, refusals of rules, acceptance, age of data and model.

    Inputs are compared with the snapshot that the live model was fitted on, lists of the last days with those before
    them. monitor.toml in the home sets the limits. A change that chance makes is none. The exit code is 7 where a
    measure is an alarm. No customer is named.

    Each run is kept, and `--html` writes all of them over time as one page. A webhook and mail hear of an alarm where
    `[tell]` in monitor.toml names them.

    Examples: graphrec monitor --json; graphrec monitor --html moved.html
    """
    if json and prometheus:
        raise UsageError("--json and --prometheus are two forms of one answer; take one of them")
    from graphrec.app.jobs import Monitor

    with progress(json=json or prometheus) as report:
        found = bank().monitor(Monitor(against, not no_record, html, tell=not no_tell), progress=report)
    if json:
        emit_json(found)
    elif prometheus:
        from graphrec.monitoring.prometheus import text_of

        say_block(text_of(found.measures).rstrip("\n"))
    else:
        _show(found, every=every)
    if found.state == "alarm" or (strict and found.state == "warn"):
        faults = [one for one in found.measures if one.state in ("alarm", "warn")]
        raise LimitPassed(
            f"{len(faults)} of {len(found.measures)} measures are above their limits, first {faults[0].name} of "
            f"{faults[0].about}: {faults[0].value:.3g}, and {faults[0].warn:g} warns"
        )


def _show(found: "Monitored", *, every: bool) -> None:
    for text in found.notes:
        note(f"note: {text}")
    shown = [one for one in found.measures if every or one.is_fault]
    if shown:
        rows = [
            [
                one.state, one.part, one.name, one.about, "–" if one.value is None else f"{one.value:.3g}",
                f"{one.warn:g}", f"{one.alarm:g}", one.note,
            ]
            for one in shown
        ]  # fmt: skip
        heads = ["state", "part", "measure", "of", "value", "warn", "alarm", "note"]
        table(heads, rows, right=["value", "warn", "alarm"], optional=["note"])
        say()
    counts = {state: sum(one.state == state for one in found.measures) for state in ("ok", "warn", "alarm", "unknown")}
    summary = ", ".join(f"{number} {state}" for state, number in counts.items() if number)
    say(f"{found.as_of}: {found.state} ({summary}); snapshot {found.before[:10]} to {found.after[:10]}")
