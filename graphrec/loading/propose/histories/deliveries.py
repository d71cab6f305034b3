"""Files of several months in one table, each with all that there was: their day, which only their names say."""

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.remade import remade
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import free_name
from graphrec.loading.sources.files import DATED, YEAR_FIRST
from graphrec.loading.sources.sql import name

_AGAIN = 1.2
"""So many rows of each thing say that files have it again and again, and not each its own."""


def with_days(database: duckdb.DuckDBPyConnection, table: TableProfile) -> TableProfile:
    """A table with the day of the file of each row, where several files have the same things and no column a day."""
    if "*" not in table.path or table.source or not have_days(database, table.name):
        return table
    if not any(_is_again(database, table, column) for column in table.columns.values()):
        return table
    called = free_name("delivered_on", {column.casefold() for column in table.columns})
    found = f"regexp_extract(_file, '(?:^|\\D){DATED}(?:\\D|$)', {{}})"
    day = f"coalesce(nullif({found.format(3)}, ''), '01')"
    told = f"CAST(concat_ws('-', {found.format(1)}, {found.format(2)}, {day}) AS DATE)"
    rows = f"(SELECT * EXCLUDE (_file, _line), {told} AS {name(called)}, _file, _line FROM {{0}})"
    return remade(database, table, rows, f"{called} is the day in the name of its file: is that right?")


def have_days(database: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether a table is of several files, and the name of each says another day or month."""
    files = [str(row[0]) for row in database.execute(f"SELECT DISTINCT _file FROM {name(table)}").fetchall()]
    days = [YEAR_FIRST.search(file) for file in files]
    return len(files) > 1 and all(days) and len({day[0] for day in days if day}) == len(files)


def _is_again(database: duckdb.DuckDBPyConnection, table: TableProfile, column: ColumnProfile) -> bool:
    """Whether a column names the things of each file, once in each and in several files."""
    if column.kind not in {"text", "integer"} or column.filled < table.rows or table.rows < _AGAIN * column.distinct:
        return False
    if not (column.looks_like_id or column is next(iter(table.columns.values()))):
        return False
    pairs = f"SELECT count(*) FROM (SELECT DISTINCT {name(column.name)}, _file FROM {name(table.name)})"
    return int(database.execute(pairs).fetchall()[0][0]) == table.rows
