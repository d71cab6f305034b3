"""graphrec query: an analyst's question or a Cypher statement."""

import csv
import json as json_module
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphrec import queries
from graphrec.cli.output import emit_json, note, say, table
from graphrec.cli.state import state
from graphrec.errors import StoreError, UsageError

if TYPE_CHECKING:
    from graphrec.schema import GraphSchema


def command(
    query: Annotated[str | None, typer.Argument(help="Name of a query, or Cypher in quotes; none: list them.")] = None,
    param: Annotated[list[str] | None, typer.Option("--param", "-p", help="name=value, once per parameter.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Allow the Cypher to change the graph.")] = False,
    timeout: Annotated[float, typer.Option(min=0.001, help="Seconds that a query may take.")] = 60.0,
    limit: Annotated[int, typer.Option(min=1, help="Rows that are given; a note says when there are more.")] = 10_000,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Answer a question of the analysts' library, or run a Cypher statement, read-only unless --write."""
    given = parse_params(param or [])
    if query is None:
        _show_library(json=json)
        return
    from graphrec.store import open_store
    from graphrec.store.ask import Asked, ask, edit
    from graphrec.store.base import Bounds
    from graphrec.store.read import forget_origin

    is_named = re.fullmatch(r"[\w-]+", query) is not None
    values = given if is_named else {name: _value(value) for name, value in given.items()}
    with open_store(state.settings.store, state.home.store) as store:
        if write and not is_named:
            forget_origin(state.home.snapshots)
            asked = Asked(None, edit(store, query, values), ())
        else:
            asked = ask(store, query, values, Bounds(timeout, limit))
    result = asked.result
    for line in asked.notes:
        note(f"note: {line}")
    if json:
        answer = {"name": asked.name, "columns": result.columns, "rows": result.rows}
        emit_json({**answer, "is_cut": result.is_cut, "notes": asked.notes})
    elif as_csv:
        _print_csv(result.columns, result.rows)
    else:
        table(result.columns, [[_shown(value) for value in row] for row in result.rows])
        note(f"{len(result.rows):,} rows")


def parse_params(texts: Sequence[str]) -> dict[str, str]:
    """The parameters of --param name=value.

    Raises:
        UsageError: one has no `=`.
    """
    pairs = [text.partition("=") for text in texts]
    for name, equals, _ in pairs:
        if not equals or not name:
            raise UsageError(f"--param {name} has no value; want --param name=value")
    return {name: value for name, _, value in pairs}


def _value(given: str) -> Any:
    """A number, list or true/false when it is written as one, else the text."""
    try:
        return json_module.loads(given)
    except ValueError:
        return given


def _show_library(*, json: bool) -> None:
    known = queries.library(_schema())
    if json:
        shown = [{"name": one.name, "question": one.question, "parameters": one.parameters} for one in known]
        emit_json({"queries": shown})
        return
    table(("query", "answers", "parameters"), [(one.name, one.question, _parameters(one)) for one in known])
    say('graphrec query NAME --param name=value, or graphrec query "MATCH …"; --json or --csv for programs')


def _parameters(query: queries.Query) -> str:
    return " ".join(one.name if one.default is None else f"{one.name}={one.default}" for one in query.parameters)


def _schema() -> "GraphSchema | None":
    """What the graph is made of; none when the store cannot be asked now."""
    from graphrec.store import open_store

    try:
        with open_store(state.settings.store, state.home.store) as store:
            return store.read_schema()
    except StoreError as error:
        note(f"all queries are listed, whatever the graph has: {error}")
        return None


def _print_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)


def _shown(value: Any) -> Any:
    """A cell as a person reads it: no more than four decimals."""
    return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) and abs(value) >= 1e-3 else _cell(value)


def _cell(value: Any) -> Any:
    """Lists and maps as JSON; the rest as it is."""
    return json_module.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else value
