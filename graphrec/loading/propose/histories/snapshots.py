"""The same state delivered again and again: customers of every month become the latest, positions a span of time."""

from dataclasses import replace

import duckdb

from graphrec.loading.mapping.specs import ParseSpec
from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.looks import action_of_table, likeness, looks
from graphrec.loading.propose.remade import remake, with_rows
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.run.parse import parsed_sql
from graphrec.loading.sources.sql import name

_MOST_DAYS = 400
_DENSE = 0.5
"""The share of all days on which most things are there, where each delivery has all."""
_SPARSE = 0.2
"""The same of positions, which come and go."""
_ENOUGH = 20
_AGAIN = 1.5
"""So many rows of one pair say that it is delivered again and again, and not that it happens again."""


def latest(database: duckdb.DuckDBPyConnection, table: TableProfile) -> TableProfile:
    """A table with one row for each of its things, the latest, where every delivery has all of them; else as it is."""
    action = action_of_table(table.name)
    if action is not None and action.type != "HELD" and likeness(table.name) == 0:
        return table  # what somebody pays each month is done again each month
    key, day_name = key_by_day(database, table)
    if key is None or day_name is None:
        return table
    column, day = table.columns[key], table.columns[day_name]
    once = (
        f"(SELECT * FROM {{0}} QUALIFY row_number() OVER (PARTITION BY {name(key)} "
        f"ORDER BY {day.moment} DESC, _file DESC, _line DESC) = 1 ORDER BY _file, _line)"
    )
    remake(database, table.name, with_rows(once, name(table.name)))
    asks = f"has every {key} for each {day.name}; the latest row of each is read: is that right?"
    rows = column.distinct
    columns = {
        each.name: replace(each, rows=rows, filled=rows if each.filled == table.rows else min(each.filled, rows))
        for each in table.columns.values()
    }
    return replace(
        table, key=key, rows=rows, columns=columns, source=with_rows(once, table.rows_sql), fields={},
        questions=(*table.questions, asks),
    )  # fmt: skip


def key_by_day(database: duckdb.DuckDBPyConnection, table: TableProfile) -> tuple[str | None, str | None]:
    """The column that names the rows of each delivery, and that of its day, where every delivery has all; else None."""
    day = _day(table)
    if day is None or any(column.is_unique for column in table.columns.values()):
        return None, None
    found = [
        column
        for column in table.columns.values()
        if column.kind in {"text", "integer"} and column.filled == table.rows and column.distinct >= _ENOUGH
    ]
    for column in found:
        is_whole = table.rows >= _DENSE * column.distinct * day.distinct and table.rows > column.distinct
        if is_whole and _is_once(database, table, (column.name, day.name)):
            return column.name, day.name
    return None, None


def as_spans(database: duckdb.DuckDBPyConnection, table: TableProfile) -> TableProfile:
    """Positions of many days as one row each, from the first day to the last on which it was there; else as it is."""
    day = _day(table)
    ends = _ends(table)
    action = action_of_table(table.name)
    if day is None or len(ends) != 2 or (action is not None and action.type != "HELD"):
        return table
    if any(column.is_unique for column in table.columns.values()):
        return table
    listed = ", ".join(map(name, ends))
    query = f"SELECT count(*) FROM (SELECT DISTINCT {listed} FROM {name(table.name)})"
    pairs = int(database.execute(query).fetchall()[0][0])
    is_again = table.rows >= _AGAIN * pairs and table.rows >= _SPARSE * pairs * day.distinct
    if not is_again or not _is_once(database, table, (*ends, day.name)):
        return table
    until = "held_until"
    at = day.moment
    others = [column for column in table.columns if column not in (*ends, day.name)]
    selected = [
        *map(name, ends),
        f"arg_min({name(day.name)}, {at}) AS {name(day.name)}",
        f"CASE WHEN max({at}) < (SELECT max({at}) FROM {{0}}) THEN arg_max({name(day.name)}, {at}) END AS {until}",
        *(f"arg_max({name(column)}, {at}) AS {name(column)}" for column in (*others, "_file", "_line")),
    ]
    nothing = _nothing(table)
    there = f" WHERE {nothing}" if nothing else ""
    span = f"(SELECT {', '.join(selected)} FROM {{0}}{there} GROUP BY {listed} ORDER BY _file, _line)"
    remake(database, table.name, with_rows(span, name(table.name)))
    ended = replace(day, name=until, rows=pairs, filled=0, distinct=0, in_graph="", is_plain=False, questions=())
    ended = replace(ended, parse=day.parse or ParseSpec("time"))
    columns = {
        column.name: replace(column, rows=pairs, filled=min(column.filled, pairs)) for column in table.columns.values()
    }
    asks = (
        f"has positions for each {day.name}, and each becomes one, from the first day to the last ({until}) "
        "where it is not in the latest delivery: is that right?"
    )
    return replace(
        table, rows=pairs, columns={**columns, until: ended}, source=with_rows(span, table.rows_sql), fields={},
        questions=(*table.questions, asks),
    )  # fmt: skip


def _nothing(table: TableProfile) -> str:
    """SQL that leaves out positions of 0 pieces, which are there no more; nothing where no column counts pieces."""
    found = next(
        (c for c in table.columns.values() if c.kind in {"integer", "real"} and looks(c.name, "quantity")), None
    )
    if found is None or found.least != 0 or found.most <= 0:
        return ""
    return f"coalesce({parsed_sql(name(found.name), found.parse or ParseSpec(found.kind))} <> 0, true)"


def _ends(table: TableProfile) -> list[str]:
    """The columns that name the two things of a row."""
    others = [one.name for one in table.others() if one.looks_like_id and one.distinct < one.filled]
    return list(dict.fromkeys((*table.references, *others)))


def _day(table: TableProfile) -> ColumnProfile | None:
    """The time of the delivery: filled in every row, with few different days."""
    times = [column for column in table.columns.values() if column.kind == "time" and column.filled == table.rows]
    found = [column for column in times if 2 <= column.distinct <= _MOST_DAYS and not column.misfits]
    return min(found, key=lambda column: column.distinct, default=None)


def _is_once(database: duckdb.DuckDBPyConnection, table: TableProfile, columns: tuple[str, ...]) -> bool:
    """Whether no two rows have the same values in these columns."""
    listed = ", ".join(map(name, columns))
    different = f"SELECT count(*) FROM (SELECT DISTINCT {listed} FROM {name(table.name)})"
    query = f"SELECT count(*), ({different}) FROM {name(table.name)}"
    rows, distinct = database.execute(query).fetchall()[0]
    return bool(rows == distinct)
