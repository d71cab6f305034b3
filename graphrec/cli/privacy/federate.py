"""graphrec federate: a model of several banks, none of which sees another's customers."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, say


def command(
    step: Annotated[
        Literal["join", "plan", "send", "add", "finish"], typer.Argument(help="In this order; send and add twice.")
    ],
    files: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="What the step reads.")] = None,
    name: Annotated[str | None, typer.Option(help="join: of the bank; plan: of the round.")] = None,
    out: Annotated[Path | None, typer.Option(help="What the step writes.")] = None,
    power: Annotated[
        float, typer.Option(min=0, max=1, help="plan: how far customers with many products count less.")
    ] = 0.0,
    min_group: Annotated[int, typer.Option(min=2, help="plan: customers of all banks that a count needs.")] = 5,
    final: Annotated[bool, typer.Option("--final", help="plan: count what the test of a model hides, too.")] = False,
    json: Json = False,
) -> None:
    """Fit a table on the customers of several banks: each sends sums under masks that cancel in the total.

    join    each bank: its public key and its products
    plan    one for all: FILE… of join
    send    each bank: PLAN; then again PLAN TOTAL1
    add     one for all: PLAN MESSAGE… of a round
    finish  each bank: PLAN TOTAL1 TOTAL2; then graphrec train --model federated

    Files may go any way: nobody but the total is seen. docs/federated.md has two banks as an example.

    Example: graphrec federate join --name "Bank A" --out a.json
    """
    from graphrec.app.jobs import Federate

    done = bank().federate(Federate(step, tuple(files or ()), name, out, power, min_group, final))
    if json:
        emit_json(done)
        return
    who = f", {done.customers:,} customers" if done.customers is not None else ""
    which = f" of round {done.round}" if done.round else ""
    say(f"{done.path}: {step}{which}, {done.banks} banks, {done.products:,} products{who}")
