"""graphrec experiment: what experiments have shown, and their end."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, progress, say, say_wrapped, table
from graphrec.errors import UsageError

if TYPE_CHECKING:
    from graphrec.outcomes.evaluate import ArmResult, ExperimentResult


def command(
    action: Annotated[
        Literal["check", "show", "stop"],
        typer.Argument(help="check: look, and stop those that have to stop; show: look alone; stop NAME: end one."),
    ],
    name: Annotated[str | None, typer.Argument(help="Of the experiment; without it, all.")] = None,
    why: Annotated[str | None, typer.Option(help="stop: why, for the record.")] = None,
    json: Json = False,
) -> None:
    """Look at the experiments of experiments.toml: arms, intervals, guards, and whether they have to stop.

    The intervals hold whenever and however often one looks. An experiment stops by itself where a difference is sure, a
    guard is broken or enough customers were followed: at each export and refresh, and when `check` runs, such as
    every night.

    Example: graphrec experiment check
    """
    if action == "stop":
        if name is None or not why:
            raise UsageError("graphrec experiment stop wants a name and a reason: stop NAME --why TEXT")
        _stop(name, why, json=json)
        return
    if why is not None:
        raise UsageError(f"graphrec experiment {action} takes no --why; want graphrec experiment stop NAME --why TEXT")
    from graphrec.app.jobs import EvaluateExperiments

    with progress(json=json) as report:
        found = bank().evaluate_experiments(EvaluateExperiments(name, act=action == "check"), progress=report)
    if json:
        emit_json(found)
        return
    for one in found.experiments:
        _show(one)
    if not found.experiments:
        say("there is no experiment in experiments.toml")
    say(f"drawn evenly: {found.holdout:.1%} of the customers; one place drawn: {found.explore:.1%} of the other lists")


def _stop(name: str, why: str, *, json: bool) -> None:
    from graphrec.app.jobs import StopExperiment

    stopped = bank().stop_experiment(StopExperiment(name, why))
    if json:
        emit_json({"name": name, "on": stopped.on, "why": stopped.why, "by": stopped.by})
    else:
        say(f"experiment {name} is stopped: {stopped.why}")


def _show(one: "ExperimentResult") -> None:
    if one.arms:
        columns = ["arm", "customers", "successes", "rate", "low", "high", "difference", "complaints", "unsuitable"]
        title = f"{one.name} · {one.state} · {one.window_days:g} days"
        table(columns, [_row(arm) for arm in one.arms], title=title, right=columns[1:])
    else:
        say(f"{one.name} · {one.state}")
    say_wrapped(one.verdict)
    if one.stop is not None:
        say_wrapped(f"{'stopped' if one.state == 'stopped' else 'has to stop'}: {one.stop}")
    if one.waiting:
        say(f"customers whose window is not over: {one.waiting:,}")
    if one.in_two_arms:
        say(f"customers who were in two arms, in no figure: {one.in_two_arms:,}")
    say()


def _row(arm: "ArmResult") -> list[str]:
    apart = arm.difference
    interval = "control" if apart is None else f"{apart.low:+.1%} to {apart.high:+.1%}"
    rates = [f"{rate:.2%}" for rate in (arm.rate, arm.low, arm.high)]
    counts = [f"{arm.complaints:,}", f"{arm.unsuitable:,}"]
    return [arm.name, f"{arm.customers:,}", f"{arm.successes:,}", *rates, interval, *counts]
