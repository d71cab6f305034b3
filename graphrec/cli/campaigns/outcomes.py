"""graphrec outcomes: what came of what was shown, and what a model would have earned."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json, parse_names
from graphrec.cli.output import emit_json, note, progress, say, say_wrapped, table
from graphrec.errors import UsageError

if TYPE_CHECKING:
    from graphrec.app.results import OffPolicyOf, OutcomesOf
    from graphrec.metrics.intervals import Interval
    from graphrec.outcomes.tables import Group

By = Literal["rank", "kind", "model", "reason", "channel", "segment", "arm"]


def command(
    by: Annotated[By, typer.Option(help="How impressions are told apart.")] = "rank",
    segment: Annotated[str | None, typer.Option(help="Column of the customer, with --by segment.")] = None,
    since: Annotated[str | None, typer.Option(help="Only lists shown from this date on.")] = None,
    until: Annotated[str | None, typer.Option(help="Only lists shown before this date.")] = None,
    window: Annotated[float, typer.Option(help="Days after a list in which an event counts.")] = 30.0,
    success: Annotated[
        str, typer.Option("--success", help="Types of events that count as acceptance, with commas between them.")
    ] = "accepted,bought",
    picture: Annotated[Path | None, typer.Option(help="Draw the groups to this .svg file.")] = None,
    model: Annotated[
        str | None, typer.Option(help="What this kind of model would have earned on drawn lists, before it serves.")
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="A log with item_id, position, click, propensity_score, in place of the record.")
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option(help="With --log, whose value: a CSV of item_id, position, probability; another log; or even."),
    ] = None,
    json: Json = False,
) -> None:
    """Show what came of what was shown: acceptance by rank, kind, model, reason, channel, segment or arm.

    Impressions are the lists in the decision record; events after one belong to it for a window of days. Beside the
    groups stand a control whose lists were drawn evenly, drift over the months, and how much a place does. With --model
    the drawn lists say what another model would have earned: IPS, SNIPS and DR with intervals.

    Example: graphrec outcomes --by kind --since 2026-01-01 --picture outcomes.svg
    """
    types = parse_names(success)
    if not types:
        raise UsageError("--success none: want one type of event or more, such as accepted,bought")
    if model is not None or log is not None or target is not None:
        _off_policy(model, log, target, window, types, json=json)
        return
    from graphrec.app.jobs import AskOutcomes

    with progress(json=json) as report:
        found = bank().outcomes(AskOutcomes(by, since, until, window, types, segment), progress=report)
    if picture is not None:
        _draw(picture, found, by, window)
    if json:
        emit_json(found)
    else:
        _show(found, by, window)


def _draw(file: Path, found: "OutcomesOf", by: str, window: float) -> None:
    from graphrec.files import whole_file
    from graphrec.outcomes.picture import picture

    if file.suffix != ".svg":
        raise UsageError(f"--picture {file}: want a file that ends with .svg")
    with whole_file(file) as temporary:
        temporary.write_text(picture(found.by, found.control, f"Accepted within {window:g} days, by {by}"), "utf-8")


def _show(found: "OutcomesOf", by: str, window: float) -> None:
    for text in found.notes:
        note(f"note: {text}")
    if found.by:
        rows = [_row(one) for one in found.by]
        rows += [_row(one) for one in (found.total, found.control) if one is not None]
        columns = [by, "shown", "accepted", "rate", "low", "high", "customers", "rejected"]
        table(columns, rows, title=f"accepted within {window:g} days", right=columns[1:])
    if found.hidden:
        say(f"groups with too few customers to be told: {found.hidden}")
    if found.open:
        say(f"impressions whose {window:g} days are not over, in no figure: {found.open:,}")
    if found.lift is not None:
        lift = found.lift
        say_wrapped(f"against lists that are drawn evenly: {lift.value:+.1%} ({lift.low:+.1%} to {lift.high:+.1%})")
    say_wrapped(f"drift: {found.drift.text}")
    say_wrapped(f"place: {found.position.text}")


def _row(one: "Group") -> list[str]:
    rates = [f"{rate:.2%}" for rate in (one.rate, one.low, one.high)]
    return [one.value, f"{one.shown:,}", f"{one.accepted:,}", *rates, f"{one.customers:,}", f"{one.rejected:,}"]


def _off_policy(
    model: str | None, log: Path | None, target: Path | None, window: float, success: tuple[str, ...], *, json: bool
) -> None:
    from graphrec.app.jobs import AskOffPolicy

    if (log is None) != (target is None) or (model is not None and log is not None):
        raise UsageError("an estimate wants --model NAME, or --log FILE and --target FILE")
    with progress(json=json) as report:
        found = bank().off_policy(AskOffPolicy(model, log, target, window, success), progress=report)
    if json:
        emit_json(found)
    else:
        _show_estimate(found)


def _show_estimate(found: "OffPolicyOf") -> None:
    one = found.estimate
    for text in one.notes:
        note(f"note: {text}")
    rows = [_estimate("IPS", one.ips), _estimate("SNIPS", one.snips), _estimate("DR", one.dr)]
    table(["estimate", "value", "low", "high"], rows, title=found.policy, right=["value", "low", "high"])
    say_wrapped(
        f"logged: {one.logged:.3%} of {one.choices:,} places; the estimate rests on {one.effective:,.0f} of them "
        f"(largest weight {one.largest_weight:.3g}; {one.support:.1%} of what it shows could have been logged)"
    )


def _estimate(name: str, found: "Interval") -> list[str]:
    return [name, f"{found.value:.3%}", f"{found.low:.3%}", f"{found.high:.3%}"]
