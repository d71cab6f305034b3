"""graphrec quality: what is wrong with the data that were loaded."""

from pathlib import Path
from typing import Annotated

import typer

from graphrec.app.jobs import AskQuality, FindDuplicates
from graphrec.cli.invocation import bank
from graphrec.cli.options import Json, NoRecord
from graphrec.cli.output import emit_json, note, say, table
from graphrec.errors import LimitPassed


def command(
    columns: Annotated[bool, typer.Option("--columns", help="Show every column with its range too.")] = False,
    duplicates: Annotated[
        Path | None, typer.Option(help="Write the customers who are likely to be there twice to this CSV file.")
    ] = None,
    least: Annotated[float, typer.Option(min=0, max=1, help="--duplicates: the least probability.")] = 0.5,
    no_record: NoRecord = False,
    json: Json = False,
) -> None:
    """Find values that cannot be, columns without values, two spellings of a text, what is there twice.

    quality.toml in the home says what ranges and values columns may have. With a fault the exit code is 7.

    Examples: graphrec quality --columns; graphrec quality --duplicates review.csv
    """
    if duplicates is not None:
        _duplicates(FindDuplicates(duplicates, least, not no_record), json=json)
        return
    found = bank().quality(AskQuality(not no_record))
    if json:
        emit_json(found)
    else:
        for text in found.notes:
            note(f"note: {text}")
        if columns:
            rows = [
                [
                    f"{one.label}.{one.column}",
                    one.kind,
                    f"{one.missing:.1%}",
                    f"{one.distinct:,}",
                    _end(one.low),
                    _end(one.high),
                ]
                for one in found.columns
            ]
            table(["column", "kind", "missing", "different", "from", "to"], rows, right=["missing", "different"])
            say()
        if found.faults:
            rows = [[one.kind, one.about, f"{one.count:,}", one.detail, ", ".join(one.ids)] for one in found.faults]
            table(["fault", "about", "count", "what", "first ids"], rows, right=["count"])
        else:
            say(f"no fault in {len(found.columns):,} columns")
    if found.faults:
        count = "1 fault" if len(found.faults) == 1 else f"{len(found.faults):,} faults"
        raise LimitPassed(f"{count}; correct the files, or say in quality.toml what is allowed")


def _duplicates(request: FindDuplicates, *, json: bool) -> None:
    found = bank().find_duplicates(request)
    if json:
        emit_json(found)
        return
    for text in found.notes:
        note(f"note: {text}")
    say(f"{found.path}: {found.pairs:,} pairs of {found.customers:,} customers by {', '.join(found.columns)}")
    note("next: a person decides each pair; graphrec merges nobody")


def _end(value: str | float | None) -> str:
    return "" if value is None else value if isinstance(value, str) else f"{value:g}"
