"""graphrec train: fit a model on a snapshot."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import AsOf, Json, parse_names
from graphrec.cli.output import emit_json, note, progress, say, say_wrapped, show_estimate
from graphrec.errors import LimitPassed
from graphrec.features.registry import makers
from graphrec.models.registry import models

if TYPE_CHECKING:
    from graphrec.training.job import TrainReport

MODEL_HELP = " ".join(
    [
        "blend: the sum of what helps together.",
        *(f"{spec.name}: {spec.sentence}" for spec in models().values() if spec.is_alone),
    ]
)
BLOCKS_HELP = (
    f"What models may read besides edges, with commas: {', '.join(makers())}; none for nothing (docs/models.md)."
)


def command(
    model: Annotated[str, typer.Option(help=MODEL_HELP)] = "blend",
    final: Annotated[
        bool, typer.Option("--final", help="Refit what was chosen on everything, the test part too: for serving.")
    ] = False,
    fixed: Annotated[
        bool, typer.Option("--fixed", help="Defaults fixed beforehand; nothing is tuned on validation.")
    ] = False,
    blocks: Annotated[str, typer.Option(help=BLOCKS_HELP)] = "text",
    no_text: Annotated[bool, typer.Option("--no-text", help="Short for --blocks none.")] = False,
    use_protected: Annotated[
        bool, typer.Option("--use-protected", help="Let scores use attributes marked as protected.")
    ] = False,
    path_share: Annotated[
        float,
        typer.Option(min=0, max=0.99, help="Part of a blend's weight on real paths, where validation sees no loss."),
    ] = 0.62,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="MODEL.KEY=VALUE, such as lightgcn.loss=bpr: not searched (docs/models.md)."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of everything drawn (default: the settings').")] = None,
    device: Annotated[str, typer.Option(help="Where networks are trained: auto, cpu or cuda.")] = "auto",
    log_dir: Annotated[
        Path | None, typer.Option(help="Folder for TensorBoard events of every epoch (needs graphrec[tracking]).")
    ] = None,
    as_of: AsOf = None,
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough", help="Choose among all models and on all validation customers, however long it takes."
        ),
    ] = False,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what time and memory it would take, and fit nothing.")
    ] = False,
    on: Annotated[
        str | None,
        typer.Option(
            help="Make sums over customers, and parts of steps, on a Ray cluster: ray, ray://HOST:PORT or ray://auto."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Processes that make sums over customers, and parts of steps (with --on, of the cluster)."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Fit a model on the latest snapshot, which is taken first when the store holds something newer.

    The model is fitted on train, its settings and weights are chosen on validation, then it is refitted on both; the
    test part stays hidden for `graphrec evaluate`. `--final` refits what was chosen on everything. A training that was
    killed goes on where it was.

    Examples: graphrec train; graphrec train --final; graphrec train --model kernel; graphrec train --on ray
    """
    from graphrec.app.jobs import Train

    request = Train(
        model, final, fixed, () if no_text else parse_names(blocks), use_protected, path_share, tuple(overrides or ()),
        seed, device, log_dir, as_of, thorough, on, workers,
    )  # fmt: skip
    if estimate:
        show_estimate(bank().estimate_training(request), json=json)
        return
    with progress(json=json) as report:
        done = bank().train(request, progress=report)
    if json:
        emit_json(_plain(done))
    else:
        _print(done)
    if done.unkept is not None:
        raise LimitPassed(done.unkept)


def _plain(done: "TrainReport") -> dict[str, Any]:
    return {
        "model": done.model,
        "path": done.path,
        "hash": done.hash,
        "snapshot": done.snapshot,
        "metrics": done.metrics,
        "seconds": done.seconds,
        "is_new": done.is_new,
        "configuration": done.configuration,
        "tuned": done.tuned,
        "split": done.split,
        "notes": done.notes,
        "unkept": done.unkept,
    }


def _print(done: "TrainReport") -> None:
    from graphrec.evaluation.verdict import between, popularity_wins
    from graphrec.graph.folders.shelf import DIGITS

    for text in done.notes:
        note(f"note: {text}")
    if not done.is_new:
        say(f"nothing to do: {done.path.name} was trained on this snapshot with these options before")
    else:
        say(f"{done.path.name}: trained in {done.seconds:.1f} s on snapshot {done.snapshot[:DIGITS]}")
    configuration = done.configuration
    if done.tuned:
        say(f"  tuned: {', '.join(done.tuned)}")
    parts = ", ".join(f"{weight:g} x {name}" for name, weight in configuration.weights.items())
    say(f"  terms: {parts}")
    for walk in (walk for term in configuration.terms.values() for walk in term.get("walks", [])):
        powers = ", ".join(f"{power:g}" for power in walk["powers"])
        say(f"  walk: {walk['beta']:g} x {walk['walk']} with powers {powers}")
    metric = done.validation.metric
    if metric in done.metrics:
        found = done.metrics[metric]
        say(f"  validation {metric}: {found.value:.4f} ({found.low:.4f} to {found.high:.4f})")
        k, users = metric.partition("@")[2], done.validation.users
        hits = done.metrics.get(f"hit_rate@{k}")
        if hits is not None:
            say_wrapped(
                f"For {between(hits)} of {users:,} users, the list of {k} holds a product that they took in the "
                "validation part."
            )
        popular = done.validation.alone.get("popularity")
        for line in (
            () if popular is None or done.model == "popularity" else popularity_wins(metric, found.value, popular)
        ):
            say_wrapped(line)
    if not done.is_final:
        say("next: graphrec evaluate, then graphrec train --final")
