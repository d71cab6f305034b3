"""graphrec campaign: who hears about what, delivered to advisers, and what came of it."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from graphrec.app.jobs import DeliverCampaign, FitResponse, PlanCampaign, ReportCampaign, ScoreResponse
from graphrec.cli.invocation import bank
from graphrec.cli.options import Json, Language, NoRecord, parse_names
from graphrec.cli.output import emit_json, note, progress, say, table
from graphrec.errors import UsageError

_KINDS = ("response", "treated", "control", "uplift")


def command(
    action: Annotated[
        Literal["plan", "deliver", "report", "fit", "score"],
        typer.Argument(help="plan FILE.toml, deliver NAME, report NAME, fit FILE.csv or score FILE.csv."),
    ],
    what: Annotated[str, typer.Argument(help="The file, or for deliver and report the name of the campaign.")],
    to: Annotated[Path | None, typer.Option(help="deliver: a new folder for the files of advisers.")] = None,
    form: Annotated[
        Literal["csv", "jsonl", "parquet", "xlsx"], typer.Option(help="deliver: form of the files.")
    ] = "csv",
    name: Annotated[str | None, typer.Option(help="fit, score: name of the response model.")] = None,
    response: Annotated[str | None, typer.Option(help="fit: column that says who responded.")] = None,
    treatment: Annotated[
        str | None, typer.Option(help="fit: column that says who was contacted; then the difference counts.")
    ] = None,
    without: Annotated[str, typer.Option(help="fit: columns that no model may read, with commas.")] = "none",
    ordered: Annotated[bool, typer.Option("--ordered", help="fit: rows are in the order of time.")] = False,
    language: Language = None,
    no_record: NoRecord = False,
    json: Json = False,
) -> None:
    """Plan a campaign, deliver its contacts to advisers, and compare what came of it with the control.

    The plan offers nobody what the policy refuses, and keeps consents, caps, capacities and the budget; it says how far
    from the best possible plan it is at most, and what the bounds cost.

    Example: graphrec campaign plan spring.toml
    """
    if (action in ("fit", "score")) != (name is not None) or (action == "fit") != (response is not None):
        raise UsageError("graphrec campaign fit wants --name and --response, score wants --name, and no other action")
    if (action == "deliver") != (to is not None):
        raise UsageError("graphrec campaign deliver wants --to FOLDER, and no other action takes it")
    if action == "plan":
        _plan(Path(what), record=not no_record, json=json)
    elif action == "deliver":
        _deliver(DeliverCampaign(what, to or Path(), form, language, not no_record), json=json)
    elif action == "report":
        _report(what, json=json)
    elif action == "fit":
        left_out = parse_names(without)
        asked = FitResponse(Path(what), name or "", response or "", treatment, left_out, ordered, not no_record)
        _fit(asked, json=json)
    else:
        _score(ScoreResponse(Path(what), name or ""), json=json)


def _plan(file: Path, *, record: bool, json: bool) -> None:
    with progress(json=json) as update:
        made = bank().plan_campaign(PlanCampaign(file, record=record), progress=update)
    if json:
        emit_json(made)
        return
    for text in made.notes:
        note(f"note: {text}")
    say(f"{made.contacts:,} contacts of {made.customers:,} customers out of {made.audience:,}; {made.file}")
    say(f"control: {made.control:,} customers are chosen and not contacted")
    budget = "" if made.budget_eur is None else f" of {made.budget_eur:,.2f}"
    say(f"cost: {made.cost_eur:,.2f}{budget} EUR, and {made.reserved_eur:,.2f} EUR reserved for the control")
    say(f"value: {made.value:,.3f}; at most {made.bound:,.3f} is possible: gap {made.gap:.4%}")
    say(f"without budget, capacities and quotas: {made.unconstrained:,.3f}; they cost {made.loss:.1%}")
    rows: list[list[Any]] = [
        *(["refused by", name, count] for name, count in made.refused.items()),
        *(["no consent", name, count] for name, count in made.without_consent.items()),
        ["contacted often enough", "", made.capped],
        *(["contacts by", name, count] for name, count in made.by_channel.items()),
        *(["contacts about", name, count] for name, count in made.by_product.items()),
        *(["one more is worth", name, f"{price:.4g}"] for name, price in made.prices.items()),
    ]
    say()
    table(["", "of", "count"], rows, right=["count"])


def _deliver(request: DeliverCampaign, *, json: bool) -> None:
    with progress(json=json) as update:
        done = bank().deliver_campaign(request, progress=update)
    if json:
        emit_json(done)
        return
    for text in done.notes:
        note(f"note: {text}")
    left = "".join(f"; {count:,} left out: {why}" for why, count in done.left_out.items())
    say(f"{done.contacts:,} contacts in {done.files:,} files below {done.path}{left}")


def _report(campaign: str, *, json: bool) -> None:
    found = bank().report_campaign(ReportCampaign(campaign))
    if json:
        emit_json(found)
        return
    rows: list[list[Any]] = [
        ["contacted", found.contacted, found.accepted, _rate(found.rate)],
        ["control", found.control, found.control_accepted, _rate(found.control_rate)],
    ]
    table(["", "contacts", "accepted", "rate"], rows, right=["contacts", "accepted", "rate"])
    say(f"uplift: {found.uplift:.2%} ({found.low:.2%} to {found.high:.2%}) since {found.since[:10]}")


def _fit(request: FitResponse, *, json: bool) -> None:
    with progress(json=json) as update:
        done = bank().fit_response(request, progress=update)
    if json:
        emit_json(done)
        return
    say(f"{done.name}: {done.responses:,} of {done.rows:,} responded; {len(done.columns)} columns; {done.file}")
    for name, found in done.auc.items():
        say(f"  {name}: AUC {found:.3f} on rows that its fits did not see; ridge {done.ridge[name]:g}")


def _score(request: ScoreResponse, *, json: bool) -> None:
    found = bank().score_response(request)
    if json:
        emit_json(found)
        return
    kinds = [kind for kind in _KINDS if getattr(found.rows[0], kind) is not None]
    rows = [[row.user or row.row, *(f"{getattr(row, kind):.4f}" for kind in kinds)] for row in found.rows]
    table(["row", *kinds], rows)


def _rate(found: "object") -> str:
    from graphrec.metrics.intervals import Interval

    assert isinstance(found, Interval)
    return f"{found.value:.2%} ({found.low:.2%} to {found.high:.2%})"
