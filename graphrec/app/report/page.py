"""The page of a report, which needs nothing but itself, and the same figures as JSON."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphrec.app.report.figures import Details, Figure, Part, plain
from graphrec.app.report.words import Words

if TYPE_CHECKING:
    from jinja2 import Template

    from graphrec.app.report.make import ReportMade

FOLDER = Path(__file__).parent / "templates"
_HOW = {"explanations": "chart_how_explanations"}
"""What the pictures of parts say below them, where it is not what that of returns says."""


def rendered(made: ReportMade) -> str:
    """The whole page."""
    return _template().render(made=made, words=made.words, parts=[_shown(made, one) for one in made.report.parts])


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return found.get_template("report.html")


def _shown(made: ReportMade, part: Part) -> dict[str, Any]:
    """A part as the page prints it."""
    words = made.words
    figures = [_figure(made, part, one) for one in part.figures]
    details = part.details
    table = None
    if details is not None:
        table = {
            "heads": [words.say(f"h_{one}") for one in details.columns],
            "numeric": [form is not None for form in details.forms],
            "rows": [
                [
                    words.cell(name, str(cell))
                    if form is None
                    else words.value(None if cell is None else float(cell), form)
                    for name, cell, form in zip(details.columns, row, details.forms, strict=True)
                ]
                for row in details.rows
            ],
        }
    return {
        "name": part.name, "title": words.part(part), "state": part.state,
        "concerns": [words.concern(one) for one in part.concerns],
        "chart": _chart(words, part), "chart_how": words.say(_HOW.get(part.name, "chart_how")),
        "missing": part.missing, "command": part.command,
        "figures": figures, "table": table,
        "has_intervals": any(one["interval"] for one in figures),
        "earlier": words.say("earlier", date=words.day(part.measured_at))
        if part.measured_at != made.report.made_at else None,
    }  # fmt: skip


def _chart(words: Words, part: Part) -> str | None:
    """The details of a part as a picture; None where it has none."""
    if part.details is None:
        return None
    if part.name == "returns":
        return _curve(words, part, part.details)
    return _left(words, part.details) if part.name == "explanations" else None


def _left(words: Words, details: Details) -> str:
    """What is left of lists, over how much of what is known of customers is deleted."""
    from graphrec.evaluation.report.charts import Series, curves

    columns = [[float(value or 0.0) for value in column] for column in zip(*details.rows, strict=True)]
    return curves(
        [Series(words.say(f"h_{name}"), list(zip(columns[0], column, strict=True)))
         for name, column in zip(details.columns[1:], columns[1:], strict=True)],
        title=words.say("chart_explanations"), x_name=words.say(f"h_{details.columns[0]}"),
        y_name=words.say("chart_explanations"), x_percent=True, y_percent=True, from_zero=True,
    )  # fmt: skip


def _curve(words: Words, part: Part, details: Details) -> str:
    """Return and nDCG by the weight of the profit term as a picture."""
    from graphrec.evaluation.report.charts import Series, Spot, curves

    at = [details.columns.index(name) for name in ("weight", "monthly", "ndcg")]
    points = [tuple(float(row[place] or 0.0) for place in at) for row in details.rows]
    market = part.figure("monthly_market")
    return curves(
        [Series("", [(x, y) for _, x, y in points])], title=words.say("chart_returns"),
        x_name=words.say("h_monthly"), y_name="nDCG", x_percent=True, from_zero=True,
        spots=[Spot(f"{weight:g}", (x, y)) for weight, x, y in points],
        lines_at=[] if market is None or market.value is None else [(market.value, words.say("market"))],
    )  # fmt: skip


def _figure(made: ReportMade, part: Part, one: Figure) -> dict[str, Any]:
    words, found = made.words, made.changes.get(f"{part.name}.{one.key}")
    return {
        "name": words.name(one), "value": words.shown(one), "interval": words.interval(one),
        "bar": _bar(one), "change": None if found is None else words.change(one, found),
        "before": None if found is None else words.value(found.before, one.form),
        "verdict": None if found is None else found.verdict,
    }  # fmt: skip


def _bar(one: Figure) -> dict[str, float] | None:
    """Where a share or a metric between 0 and 1 stands, with its interval, in per cents of a bar."""
    if one.low is None or one.high is None or one.value is None or not 0 <= one.low <= one.high <= 1:
        return None
    at, low, high = (round(100 * end, 2) for end in (one.value, one.low, one.high))
    return {"at": at, "low": low, "wide": round(max(high - low, 0.5), 2)}


def as_json(made: ReportMade) -> dict[str, Any]:
    """What `graphrec report --json` prints: the report, its sentences, and what changed."""
    words, whole = made.words, plain(made.report)
    for one, part in zip(made.report.parts, whole["parts"], strict=True):
        part["title"] = words.part(one)
        part["said"] = [words.concern(concern) for concern in one.concerns]
        for figure, told in zip(one.figures, part["figures"], strict=True):
            told["key"], told["text"] = figure.key, words.name(figure)
    return {
        **whole,
        "summary": list(words.summary(made.report)),
        "compared_with": None if made.last is None else made.last.made_at,
        "changes": {key: asdict(one) for key, one in made.changes.items()},
        "kept": str(made.kept),
        "out": None if made.out is None else str(made.out),
        "record": made.record,
        "notes": list(made.notes),
    }
