"""graphrec alerts: what the bank wants to be told of its customers and their transfers."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from graphrec.app.jobs import ListAlerts, RunAlerts, SetAlert
from graphrec.app.results import Alert
from graphrec.cli.finance.first_file import write_first
from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, progress, say, table
from graphrec.errors import UsageError

SHOWN = 20
"""New alerts that run shows."""


def command(
    action: Annotated[
        Literal["init", "run", "list", "ack", "close"],
        typer.Argument(help="init writes a first alerts.toml; ack ID and close ID change one."),
    ],
    alert: Annotated[str | None, typer.Argument(help="ack, close: the id of the alert.")] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="run: what was known before this date.")] = None,
    state: Annotated[Literal["open", "acknowledged", "closed"] | None, typer.Option(help="list: only these.")] = None,
    kind: Annotated[
        Literal["rule", "answers", "graph", "class"] | None,
        typer.Option(help="run, list: only rules, jumps of answers, signals of the graph, or changed risk classes."),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="URI", help="run: FILE, FOLDER/, https://… or postgresql://… that gets alerts."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="list: a file: .csv, .jsonl, .parquet or .xlsx.")] = None,
    by: Annotated[str | None, typer.Option(help="ack, close: who (default: actor of the settings).")] = None,
    why: Annotated[str | None, typer.Option(help="ack, close: the reason.")] = None,
    force: Annotated[bool, typer.Option("--force", help="init: replace the alerts.toml that is there.")] = False,
    json: Json = False,
) -> None:
    """Raise alerts by the rules and signals of alerts.toml, list them, acknowledge and close them.

    Each alert has its evidence, a severity and a state, and is in the decision record. It is raised once while it is
    not closed.

    Examples: graphrec alerts init; graphrec alerts run --kind graph --to alerts.xlsx
    """
    _check(action, alert, to)
    if action == "init":
        write_first("alerts", "graphrec alerts run", force=force, json=json)
    elif action == "run":
        _run(RunAlerts(as_of, kind, to), json=json)
    elif action == "list":
        found = bank().alerts(ListAlerts(state, out, kind))
        if json:
            emit_json({"alerts": found})
        elif out is None:
            _show(found)
        else:
            say(f"{len(found):,} alerts in {out}")
    else:
        changed = bank().set_alert(SetAlert(str(alert), "acknowledged" if action == "ack" else "closed", by, why))
        if json:
            emit_json(changed)
        else:
            say(f"alert {changed.id} is {changed.state} by {changed.by}")


def _check(action: str, alert: str | None, to: str | None) -> None:
    if (action in ("ack", "close")) != (alert is not None):
        raise UsageError("graphrec alerts ack and close want the id of an alert, the others none")
    if to is not None and action != "run":
        raise UsageError(f"graphrec alerts {action} takes no --to: alerts go out with graphrec alerts run --to {to}")


def _run(request: RunAlerts, *, json: bool) -> None:
    with progress(json=json) as update:
        done = bank().run_alerts(request, progress=update)
    if json:
        emit_json(done)
        return
    _show(done.alerts[:SHOWN])
    if len(done.alerts) > SHOWN:
        say(f"and {len(done.alerts) - SHOWN:,} more; all of them: graphrec alerts list")
    said = f"{len(done.alerts):,} new alerts as of {done.as_of}, {done.known:,} raised before"
    say(f"{said}; {done.customers:,} customers")
    for line in done.delivered.lines() if done.delivered else ():
        say(line)


def _show(found: tuple[Alert, ...]) -> None:
    rows = [
        [one.id, one.severity, one.name, _about(one), one.at, one.state, "; ".join(one.evidence[:3])] for one in found
    ]
    if rows:
        table(["alert", "severity", "what", "about", "on", "state", "evidence"], rows)


def _about(one: Alert) -> str:
    """Whom an alert is about; a changed class concerns a product and a customer."""
    return f"{one.about}: {one.user}" if one.kind == "class" else one.about
