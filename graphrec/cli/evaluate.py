"""graphrec evaluate: a model on the hidden part, next to baselines."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from graphrec.cli.as_of import AsOf, look_back
from graphrec.cli.output import emit_json, note, progress, say, table
from graphrec.cli.state import state
from graphrec.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphrec.evaluation.evaluate import Evaluation
    from graphrec.metrics.intervals import Interval

REPORTED_USERS = 200
"""Users whose explanations a report judges unless told otherwise: seconds."""
BASELINES = "popularity,itemknn"
SHOWN = ("recall", "ndcg", "precision", "hit_rate", "mrr", "coverage", "novelty")


def command(
    k: Annotated[str, typer.Option("--k", help="Lengths of the list, such as 1,3,10,20.")] = "1,3,10,20",
    baselines: Annotated[
        str, typer.Option(help="Kinds of model with commas between them, or none; tuned on validation as ours is.")
    ] = BASELINES,
    model: Annotated[str | None, typer.Option(help="Kind of model (default: the blend).")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write a page to FILE.html: metrics, segments, explanations, plots.")
    ] = None,
    explain_users: Annotated[
        int | None,
        typer.Option(min=0, help="Sampled users whose explanations are judged [default: 200 with --report, else 0]."),
    ] = None,
    ablation: Annotated[
        bool, typer.Option("--ablation", help="Refit without, and with shuffled, attributes and product knowledge.")
    ] = False,
    cold: Annotated[
        Literal["items", "users"] | None, typer.Option(help="Hide a tenth of them whole, fit, and judge what is new.")
    ] = None,
    rolling: Annotated[
        str | None, typer.Option(help="far-trans: its 61 dates, nDCG@10 and monthly ROI@10, from the files in --data.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the files that --rolling reads.")] = None,
    as_of: AsOf = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure a tested model on the test part, which neither fit nor choice has seen.

    Every product that the user does not hold is ranked; a user without a list counts 0. The intervals hold 95 % of
    bootstrap samples of users. `--report` measures much more and draws it on one page that needs nothing but itself;
    `--json` then prints that too, under `details`.
    """
    from graphrec.cli.train import sources_named
    from graphrec.evaluation.details import Wanted
    from graphrec.evaluation.evaluate import evaluate
    from graphrec.graph.shelf import SnapshotShelf
    from graphrec.terms.folder import latest, read_meta

    apart = "--cold" if cold else "--rolling" if rolling else None
    if apart:
        others = {"--rolling": cold and rolling, "--as-of": rolling and as_of, "--report": report is not None,
                  "--ablation": ablation, "--explain-users": explain_users is not None,
                  "--baselines": baselines != BASELINES}  # fmt: skip
        _refuse_with(apart, others)
    look_back(as_of)
    if apart:
        from graphrec.cli.evaluate_apart import judge_dates, judge_new

        if cold:
            judge_new(cold, model or "blend", _lengths(k), json=json)
        else:
            judge_dates(str(rolling), data, model or "blend", json=json)
        return
    folder = latest(state.home, model, prefer_final=False)
    snapshot = SnapshotShelf(state.home.snapshots).of_hash(read_meta(folder)["snapshot"])
    names = () if baselines == "none" else tuple(name.strip() for name in baselines.split(","))
    asked = report is not None or bool(explain_users) or ablation
    with progress(json=json) as tell:
        wanted = None
        if asked:
            # A refit reads the feature blocks that the model read.
            read = sorted({block["name"] for block in read_meta(folder)["blocks"]}) if ablation else []
            sources = sources_named(",".join(read) or None, tell)
            judged_users = REPORTED_USERS if explain_users is None else explain_users
            least = state.settings.min_confidence
            wanted = Wanted(judged_users, ablation=ablation, sources=sources, min_confidence=least)
        done = evaluate(
            snapshot, folder, ks=_lengths(k), baselines=names, seed=state.settings.seed, home=state.home, wanted=wanted,
            progress=tell,
        )  # fmt: skip
    if report is not None:
        from graphrec.evaluation.report.words import people
        from graphrec.evaluation.report.write import write_report

        write_report(done, folder, report, users=people(snapshot.schema.roles.user))
        note(f"report: {report}")
    if json:
        emit_json(done)
    else:
        _print(done)


def _refuse_with(apart: str, others: "Mapping[str, object]") -> None:
    """Raise where options were given that say nothing of what is judged apart."""
    given = [name for name, is_given in others.items() if is_given]
    if given:
        raise UsageError(f"{apart} fits models of its own, so that {', '.join(given)} cannot go with it; leave it out")


def _lengths(given: str) -> list[int]:
    try:
        return sorted({int(part) for part in given.split(",")})
    except ValueError as error:
        raise UsageError(f"--k {given}: want whole numbers with commas between them, such as 1,3,10,20") from error


def _print(done: "Evaluation") -> None:
    split = done.split
    for text in (*split["notes"], *done.notes):
        note(f"note: {text}")
    rows = []
    for metric in SHOWN:
        for k in done.k:
            name = f"{metric}@{k}"
            if name in done.metrics:
                others = [_cell(found[name]) for found in done.baselines.values()]
                rows.append([name, _cell(done.metrics[name]), *others])
    columns = ["", done.model, *done.baselines]
    title = (
        f"test part: {split['users']:,} users, {split['test_interactions']:,} interactions; split {split['name']} "
        f"{split['hash'][:16]}"
    )
    table(columns, rows, title=title, right=columns[1:])
    say(f"full ranking, fitted on {split['fitted']}, candidates without {split['masked']}; {done.seconds:.1f} s")


def _cell(found: "Interval") -> str:
    return f"{found.value:.4f} ({found.low:.4f}-{found.high:.4f})"
