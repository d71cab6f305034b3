"""graphrec evaluate: a model on the hidden part, next to baselines."""

from typing import TYPE_CHECKING, Annotated

import typer

from graphrec.cli.output import emit_json, note, progress, say, table
from graphrec.cli.state import state
from graphrec.errors import UsageError

if TYPE_CHECKING:
    from graphrec.evaluation.evaluate import Evaluation
    from graphrec.metrics.intervals import Interval

SHOWN = ("recall", "ndcg", "precision", "hit_rate", "mrr", "coverage", "novelty")


def command(
    k: Annotated[str, typer.Option("--k", help="Lengths of the list, such as 1,3,10,20.")] = "1,3,10,20",
    baselines: Annotated[
        str, typer.Option(help="popularity, itemknn, both (with a comma), or none.")
    ] = "popularity,itemknn",
    model: Annotated[str | None, typer.Option(help="Kind of model (default: the blend).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure a tested model on the test part, which neither fit nor choice has seen.

    Every product that the user does not hold is ranked; a user without a list counts 0. The intervals hold 95 % of
    bootstrap samples of users.
    """
    from graphrec.evaluation.evaluate import evaluate
    from graphrec.graph.shelf import SnapshotShelf
    from graphrec.training.folder import latest, read_meta

    folder = latest(state.home, model, prefer_final=False)
    snapshot = SnapshotShelf(state.home.snapshots).of_hash(read_meta(folder)["snapshot"])
    names = () if baselines == "none" else tuple(name.strip() for name in baselines.split(","))
    with progress(json=json) as report:
        done = evaluate(snapshot, folder, ks=_lengths(k), baselines=names, seed=state.settings.seed, progress=report)
    if json:
        emit_json(done)
    else:
        _print(done)


def _lengths(given: str) -> list[int]:
    try:
        return sorted({int(part) for part in given.split(",")})
    except ValueError as error:
        raise UsageError(f"--k {given}: want whole numbers with commas between them, such as 1,3,10,20") from error


def _print(done: "Evaluation") -> None:
    split = done.split
    for text in split["notes"]:
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
