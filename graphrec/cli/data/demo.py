"""graphrec demo: write the built-in demo bank as plain CSV and Parquet files."""

from pathlib import Path
from typing import Annotated

import typer

from graphrec.cli.invocation import bank as this_bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, note, progress, say
from graphrec.errors import UsageError


def command(
    size: Annotated[
        str, typer.Option(help="S: 2,000 customers, 150 products; M: 50,000, 2,000; L: 500,000, 10,000.")
    ] = "S",
    out: Annotated[Path, typer.Option(help="Folder to write; it must be empty or hold a demo bank.")] = Path(
        "demo-bank"
    ),
    seed: Annotated[
        int, typer.Option(help="Another seed is another bank; the same seed is the same bytes.", min=0)
    ] = 7,
    run: Annotated[
        bool, typer.Option("--run", help="Then go the whole way with it: load, train, evaluate, recommend, export.")
    ] = False,
    json: Json = False,
) -> None:
    """Write the built-in demo bank: invented customers, products and dealings, with known reasons behind them.

    Examples: graphrec demo --run; graphrec demo --size M --out big-bank
    """
    from graphrec.app.jobs import MakeDemoBank
    from graphrec.demo.sizes import TODAY

    if run and json:
        raise UsageError("--run shows the answers of many commands and --json prints one object; leave one of them out")

    with progress(json=json) as report:
        bank = this_bank().make_demo_bank(MakeDemoBank(out, size, seed), progress=report)
    if settled := this_bank().settle_today(TODAY):
        note(settled)
    if json:
        emit_json(bank)
        return
    counts = ", ".join(f"{number:,} {what}" for what, number in bank.counts.items())
    if bank.changed:
        say(f"{bank.path}: {counts}; {bank.bytes / 1e6:.1f} MB in {bank.seconds:.1f} s")
    else:
        say(f"{bank.path}: nothing to do, this bank is there already ({counts})")
    if run:
        from graphrec.cli.lists.tour import run_tour

        run_tour(out)
        return
    note(f"next: graphrec load demo --data {bank.path}")
