"""graphrec report: what every measurement says, on one page, beside the last report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json, Language, NoRecord, parse_names
from graphrec.cli.output import emit_json, note, progress, say_wrapped, table
from graphrec.errors import LimitPassed

if TYPE_CHECKING:
    from graphrec.app.report.make import ReportMade


def command(
    out: Annotated[Path | None, typer.Option(help="Write FILE.html, which needs nothing but itself, or .json.")] = None,
    against: Annotated[
        Path | None, typer.Option(help="Compare with FILE.json (default: the last report of the home).")
    ] = None,
    without: Annotated[str, typer.Option(help="Parts to leave out, with commas between them.")] = "none",
    anew: Annotated[
        bool, typer.Option("--anew", help="Measure again what cannot have changed: same model, same data.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 7 where a part wants attention.")] = False,
    language: Language = None,
    no_record: NoRecord = False,
    json: Json = False,
) -> None:
    """Measure everything, and say on one page what it comes to: a summary first, then each part with its command.

    Parts: accuracy, money, returns, risk, suitability, fairness, explanations, stability, privacy, operations. What
    cannot be measured says why and names the command. Each report is kept in the home as JSON, beside which the
    next one is set.

    Examples: graphrec report --out report.html; graphrec report --without stability --json
    """
    from graphrec.app.jobs import MakeReport

    request = MakeReport(out, against, parse_names(without), anew, language, record=not no_record)
    with progress(json=json) as update:
        done = bank().report(request, progress=update)
    if json:
        from graphrec.app.report.page import as_json

        emit_json(as_json(done))
    else:
        for text in done.notes:
            note(f"note: {text}")
        _show(done)
    wanting = [one.name for one in done.report.parts if one.state == "attention"]
    if strict and wanting:
        raise LimitPassed(f"{len(wanting)} parts want attention: {', '.join(wanting)}")


def _show(done: "ReportMade") -> None:
    words = done.words
    for text in words.summary(done.report):
        say_wrapped(text)
    rows = []
    for part in done.report.parts:
        first = part.figures[0] if part.figures else None
        found = None if first is None else done.changes.get(f"{part.name}.{first.key}")
        rows.append(
            [
                words.part(part), words.state(part.state),
                part.missing or "" if first is None else words.name(first),
                "" if first is None else words.shown(first),
                "" if first is None or found is None else words.change(first, found),
            ]
        )  # fmt: skip
    heads = [words.say(f"h_{name}") for name in ("subject", "state", "figure", "value", "change")]
    table(heads, rows, right=heads[3:4], optional=heads[4:])
    for part in done.report.parts:
        for one in part.concerns:
            say_wrapped(f"! {words.part(part)}: {words.concern(one)}", indent=2)
    note(f"kept: {done.kept}" if done.out is None else f"report: {done.out}")
