"""graphrec risk: models of default and other risks, fitted, measured and used."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from graphrec.app.jobs import FitRisk, ReportRisk, ScoreRisk
from graphrec.app.results import RiskLine
from graphrec.cli.invocation import bank
from graphrec.cli.options import Json, NoRecord
from graphrec.cli.output import emit_json, note, progress, say, table
from graphrec.errors import UsageError

_SHOWN = 3
"""Lines of a row that a table shows."""


def command(
    action: Annotated[
        Literal["fit", "report", "score"],
        typer.Argument(help="fit FILE.toml, report FILE.toml or score FILE.csv."),
    ],
    file: Annotated[Path, typer.Argument(help="The models (TOML), or for score the rows (CSV).")],
    name: Annotated[str | None, typer.Option(help="One model of the file; for score: the model.")] = None,
    user: Annotated[str | None, typer.Option(help="score: column with the ids of customers.")] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="score: keep the scores as user.NAME, user.NAME_band, user.NAME_on.")
    ] = False,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="score: the day of the scores.")] = None,
    no_record: NoRecord = False,
    json: Json = False,
) -> None:
    """Fit models of default and other risks, measure them beside their peers, and score rows with every line shown.

    The probability is a sum of points like a score: base and lines are its logit.

    Example: graphrec risk fit risk.toml
    """
    if action == "score":
        if name is None:
            raise UsageError("graphrec risk score wants --name MODEL")
        _score(ScoreRisk(name, file, user, keep, as_of, not no_record), json=json)
        return
    if user is not None or keep or as_of is not None:
        raise UsageError("--user, --keep and --as-of go with graphrec risk score alone")
    if action == "fit":
        _fit(FitRisk(file, name, not no_record), json=json)
    else:
        _report(ReportRisk(file, name), json=json)


def _fit(request: FitRisk, *, json: bool) -> None:
    with progress(json=json) as update:
        done = bank().fit_risk(request, progress=update)
    if json:
        emit_json({"models": done})
        return
    for one in done:
        found = one.held_out
        what = f"{len(one.columns)} columns, {len(one.pairs)} pairs"
        say(f"{one.name}: {one.events:,} of {one.rows:,}; {what}; {one.file}")
        say(f"  AUC {_interval(found.auc)}, ECE {found.ece:.4f} on rows that its fits did not see")


def _report(request: ReportRisk, *, json: bool) -> None:
    with progress(json=json) as update:
        done = bank().report_risk(request, progress=update)
    if json:
        emit_json({"models": done})
        return
    for one in done:
        how = "later rows" if one.by_time else "rows, each from other folds"
        say(f"{one.name}: {one.events:,} of {one.rows:,}; figures of {one.held_out:,} {how}")
        rows = [
            [name, _interval(q.auc), _interval(q.ks), _interval(q.brier), f"{q.ece:.4f}"]
            for name, q in one.models.items()
        ]
        table(["model", "AUC", "KS", "Brier", "ECE"], rows)
        bands = [[b.name, b.rows, f"{b.predicted:.2%}", f"{_interval(b.observed)}"] for b in one.bands]
        table(["band", "rows", "predicted", "observed"], bands, right=["rows", "predicted"])
        say(
            f"calibrated by isotonic regression: ECE {one.isotonic_ece:.4f}; by Venn-Abers: {one.venn_abers_ece:.4f}, "
            f"mean width {one.venn_abers_width:.4f}"
        )
        if one.protected_price is not None:
            say(f"protected columns would add {one.protected_price:+.4f} AUC; no model reads them")
        for column, index in sorted(one.drift.items(), key=lambda pair: -pair[1])[:_SHOWN]:
            say(f"stability index of {column}: {index:.3f}")
        for text in one.notes:
            note(f"note: {text}")


def _score(request: ScoreRisk, *, json: bool) -> None:
    found = bank().score_risk(request)
    if json:
        emit_json(found)
        return
    rows: list[list[Any]] = [
        [one.user or one.row, f"{one.probability:.4f}", one.band, _lines(one.lines)] for one in found.rows
    ]
    table(["row", "probability", "band", "because of"], rows)
    for text in found.notes:
        note(f"note: {text}")
    if found.kept:
        say(f"{found.kept:,} scores of {found.on} are kept as user.{found.name}")


def _lines(lines: tuple[RiskLine, ...]) -> str:
    said = [
        " and ".join(f"{column} {value}" for column, value in zip(one.columns, one.values, strict=True))
        + f" ({one.share:+.2f})"
        for one in lines[:_SHOWN]
    ]
    return "; ".join(said)


def _interval(found: Any) -> str:
    return f"{found.value:.4f} ({found.low:.4f} to {found.high:.4f})"
