"""graphrec tune: search the configurations of a model on the validation part."""

from typing import TYPE_CHECKING, Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.models.train import BLOCKS_HELP
from graphrec.cli.options import AsOf, Json, parse_names
from graphrec.cli.output import emit_json, progress, say
from graphrec.models.registry import tunable

if TYPE_CHECKING:
    from graphrec.training.tune import Tuned


def command(
    model: Annotated[
        str, typer.Option(help=f"blend: each of its models in turn; or one of {', '.join(tunable())}.")
    ] = "blend",
    trials: Annotated[int, typer.Option(help="Trials in the whole study; those of earlier calls count.")] = 30,
    timeout: Annotated[
        float | None, typer.Option(help="Seconds after which no other trial begins; a later call goes on.")
    ] = None,
    blocks: Annotated[str, typer.Option(help=BLOCKS_HELP)] = "text",
    no_text: Annotated[bool, typer.Option("--no-text", help="Short for --blocks none.")] = False,
    use_protected: Annotated[
        bool, typer.Option("--use-protected", help="Let scores use attributes marked as protected.")
    ] = False,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="MODEL.KEY=VALUE, such as lightgcn.loss=bpr: every trial has it (docs/models.md)."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of everything drawn (default: the settings').")] = None,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Try configurations of a model on the validation part; `graphrec train` then fits the one that won.

    The first trials are those that every training tries, so that the winner is no worse on validation. A study that was
    stopped goes on where it was. The test part is not read.

    Example: graphrec tune --trials 20
    """
    from graphrec.app.jobs import Tune

    request = Tune(
        model,
        trials,
        timeout,
        () if no_text else parse_names(blocks),
        use_protected,
        tuple(overrides or ()),
        seed,
        as_of,
    )
    with progress(json=json) as report:
        found = bank().tune(request, progress=report)
    if json:
        emit_json(found)
    else:
        _print(found.studies, trials)


def _print(found: "tuple[Tuned, ...]", wanted: int) -> None:
    for study in found:
        new = f"{study.new} new" if study.new else "nothing to do"
        say(
            f"{study.model}: {study.metric} {study.best:.4f}, {study.untuned:.4f} untuned; {study.trials} of {wanted} "
            f"trials ({study.pruned} pruned, {new})"
        )
        say("  " + ", ".join(f"{name} {_shown(value)}" for name, value in study.configuration.items()))
    if all(study.trials >= wanted for study in found):
        say("next: graphrec train")
    else:
        say("next: graphrec tune, which goes on")


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
