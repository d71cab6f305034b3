"""graphrec query: an analyst's question or a Cypher statement."""

import csv
import json as json_module
import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphrec.cli.invocation import bank, reader
from graphrec.cli.options import Json, View, parse_parameters
from graphrec.cli.output import emit_json, note, say, table
from graphrec.shown import harmless, visible

if TYPE_CHECKING:
    from graphrec.queries import Query


def command(
    query: Annotated[str | None, typer.Argument(help="Name of a query, or Cypher in quotes; none: list them.")] = None,
    given: Annotated[list[str] | None, typer.Argument(metavar="NAME=VALUE", help="Parameters of the query.")] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", help="The same: name=value, once per parameter.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Allow the Cypher to change the graph.")] = False,
    timeout: Annotated[float, typer.Option(min=0.001, help="Seconds that a query may take.")] = 60.0,
    limit: Annotated[int, typer.Option(min=1, help="Rows that are given; a note says when there are more.")] = 10_000,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    view: View = None,
    json: Json = False,
) -> None:
    """Answer a question of the analysts' library, or run a Cypher statement, read-only unless --write.

    Its rows are exact and of any customer: only the view compliance has them.

    Examples: graphrec query; graphrec query NAME name=value; graphrec query "MATCH (n) RETURN count(n)"
    """
    from graphrec.app.jobs import AskQuery
    from graphrec.serving.views import only_exact

    if query is None:
        _show_library(json=json)
        return
    only_exact(reader(view), "query")
    found = bank().query(AskQuery(query, parse_parameters([*(given or ()), *(param or ())]), write, timeout, limit))
    for line in found.notes:
        note(f"note: {line}")
    if json:
        emit_json(
            {
                "name": found.name,
                "columns": found.columns,
                "rows": [[_finite(value) for value in row] for row in found.rows],
                "is_cut": found.is_cut,
                "notes": found.notes,
            }
        )
    elif as_csv:
        _print_csv(found.columns, found.rows)
    else:
        table(found.columns, [[_shown(value) for value in row] for row in found.rows])
        note(f"{len(found.rows):,} rows")


def _show_library(*, json: bool) -> None:
    found = bank().library()
    for text in found.notes:
        note(text)
    if json:
        shown = [{"name": one.name, "question": one.question, "parameters": one.parameters} for one in found.queries]
        emit_json({"queries": shown})
        return
    table(("query", "answers", "parameters"), [(one.name, one.question, _parameters(one)) for one in found.queries])
    say('graphrec query NAME name=value, or graphrec query "MATCH …"; --json or --csv for programs')


def _parameters(query: "Query") -> str:
    return " ".join(one.name if one.default is None else f"{one.name}={one.default}" for one in query.parameters)


def _print_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    # A terminal shows control characters as escapes; a file gets the text, made harmless for spreadsheets.
    shown = visible if sys.stdout.isatty() else str
    for row in rows:
        cells = [_cell(value) for value in row]
        writer.writerow([shown(harmless(cell)) if isinstance(cell, str) else cell for cell in cells])


def _finite(value: Any) -> Any:
    """A value as JSON has it: NaN and infinities are null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return {key: _finite(one) for key, one in value.items()} if isinstance(value, dict) else value


def _shown(value: Any) -> Any:
    """A cell as a person reads it: no more than four decimals."""
    return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) and abs(value) >= 1e-3 else _cell(value)


def _cell(value: Any) -> Any:
    """Lists and maps as JSON; the rest as it is."""
    return json_module.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else value
