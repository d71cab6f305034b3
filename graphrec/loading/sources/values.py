"""Rows of Python values, as workbooks and databases give them, become a table of DuckDB."""

import datetime
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

import duckdb
import pyarrow as pa

from graphrec.errors import SourceError
from graphrec.loading.mapping.names import check_names
from graphrec.loading.sources.sql import name, value

ROWS = 50_000
"""Rows that are in memory at once."""
_TYPES = {
    bool: "BOOLEAN",
    int: "HUGEINT",
    float: "DOUBLE",
    Decimal: "DOUBLE",
    datetime.date: "DATE",
    datetime.datetime: "TIMESTAMP",
}
_WIDER = {frozenset({"HUGEINT", "DOUBLE"}): "DOUBLE", frozenset({"DATE", "TIMESTAMP"}): "TIMESTAMP"}
_BIGGEST = 1 << 63


class RowTable:
    """A table that grows by rows of Python values; its columns get the type that all their values have, else text.

    Args:
        are_typed: false: every column is text, as those of a CSV file are.
    """

    def __init__(self, database: duckdb.DuckDBPyConnection, table: str, *, are_typed: bool) -> None:
        self._database, self._table, self._are_typed = database, table, are_typed
        self._types: dict[str, set[str]] = {}
        database.execute(f"CREATE TABLE {name(table)} (_file VARCHAR, _line BIGINT)")

    def add(self, columns: Sequence[str], rows: Iterable[tuple[int, Sequence[Any]]], shown: str) -> None:
        """Add the rows of one file: the line of each and its values.

        Raises:
            SourceError: two columns have one name or one that is graphrec's own, or a value is binary.
        """
        check_names(columns, shown)
        for column in columns:
            if column.casefold() not in {known.casefold() for known in self._types}:
                self._types[column] = set()
                self._database.execute(f"ALTER TABLE {name(self._table)} ADD COLUMN {name(column)} VARCHAR")
        left = iter(rows)
        while some := list(islice(left, ROWS)):
            texts = {
                column: pa.array([self._text(column, values[place], shown) for _, values in some], pa.string())
                for place, column in enumerate(columns)
            }
            lines = {"_line": pa.array([line for line, _ in some], pa.int64())}
            self._database.register("_some_rows", pa.table({**texts, **lines}))
            self._database.execute(
                f"INSERT INTO {name(self._table)} BY NAME SELECT *, {value(shown)} AS _file FROM _some_rows"
            )
            self._database.unregister("_some_rows")

    def finish(self) -> None:
        """Give the columns their types; those of the file and the line come last."""
        parts = [f"CAST({name(column)} AS {self._type(column)}) AS {name(column)}" for column in self._types]
        selected = ", ".join([*parts, "_file", "_line"])
        self._database.execute(
            f"CREATE OR REPLACE TABLE {name(self._table)} AS SELECT {selected} FROM {name(self._table)}"
        )

    def _type(self, column: str) -> str:
        found = self._types[column]
        if not self._are_typed or not found:
            return "VARCHAR"
        kind = next(iter(found)) if len(found) == 1 else _WIDER.get(frozenset(found), "VARCHAR")
        if kind != "HUGEINT":
            return kind
        query = f"SELECT count(*) FROM {name(self._table)} WHERE TRY_CAST({name(column)} AS BIGINT) IS NULL"
        misfits = self._database.execute(f"{query} AND {name(column)} IS NOT NULL").fetchall()[0][0]
        return "VARCHAR" if misfits else "BIGINT"  # longer numbers are names of something

    def _text(self, column: str, cell: Any, shown: str) -> str | None:
        """A value as text; the kind of its column is noted."""
        if cell is None or cell == "":
            return None
        if isinstance(cell, bytes | bytearray | memoryview):
            raise SourceError(f"{shown}: column {column!r} holds bytes, which no property can be; leave it out")
        text, kind = plain_text(cell)
        key = next(known for known in self._types if known.casefold() == column.casefold())
        self._types[key].add(kind)
        return text


def plain_text(cell: Any) -> tuple[str, str]:
    """A value as text without loss, and the type of DuckDB that it has; 12.0 is 12, as a spreadsheet shows it."""
    if isinstance(cell, bool):
        return ("true" if cell else "false"), "BOOLEAN"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell)), "HUGEINT"
    if isinstance(cell, Decimal):
        return format(cell, "f"), "DOUBLE" if cell.as_tuple().exponent != 0 else "HUGEINT"
    if isinstance(cell, datetime.datetime):
        if cell.tzinfo is not None:
            cell = cell.astimezone(datetime.UTC).replace(tzinfo=None)
        return cell.isoformat(" "), "TIMESTAMP"
    if isinstance(cell, dict | list | tuple):
        return json.dumps(cell, ensure_ascii=False, default=str), "VARCHAR"
    text = cell.isoformat() if isinstance(cell, datetime.date | datetime.time) else str(cell)
    return text, _TYPES.get(type(cell), "VARCHAR")
