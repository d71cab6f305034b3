"""graphrec quality: what is wrong with the data that were loaded."""

from typing import Annotated

import typer

from graphrec.app.jobs import AskQuality
from graphrec.cli.invocation import bank
from graphrec.cli.options import Json, NoRecord
from graphrec.cli.output import emit_json, note, say, table
from graphrec.errors import LimitPassed


def command(
    columns: Annotated[bool, typer.Option("--columns", help="Show every column with its range too.")] = False,
    no_record: NoRecord = False,
    json: Json = False,
) -> None:
    """Find values that cannot be, columns without values, two spellings of a text, what is there twice.

    quality.toml in the home says what ranges and values columns may have. With a fault the exit code is 7.

    Example: graphrec quality --columns
    """
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
        raise LimitPassed(f"{len(found.faults)} faults; correct the files, or say in quality.toml what is allowed")


def _end(value: str | float | None) -> str:
    return "" if value is None else value if isinstance(value, str) else f"{value:g}"
