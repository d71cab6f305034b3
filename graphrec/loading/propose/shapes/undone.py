"""Orders and contracts that another table calls cancelled or rejected: events of a feed, or a file of cancellations."""

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.concepts import normal
from graphrec.loading.propose.looks import likeness
from graphrec.loading.propose.remade import remade
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import words
from graphrec.loading.sources.sql import name

_UNDONE = frozenset(
    {
        *("cancelled", "canceled", "cancellation", "cancellations", "rejected", "rejections", "voided", "reversed"),
        *("reversal", "reversals", "expired", "failed", "storniert", "storno", "stornos", "stornierungen"),
        *("stornierung", "annule", "annulation", "annulations", "cancelado", "cancelada", "cancelaciones"),
        *("annullato", "annullamenti"),
    }
)
"""Words in the names of tables whose rows undo those of another one."""
_MOSTLY = 0.9
"""So many of the numbers of such a table are those of the other."""


def without_undone(database: duckdb.DuckDBPyConnection, tables: Sequence[TableProfile]) -> list[TableProfile]:
    """The tables without the orders that another table says nothing came of, under the same number."""
    done = {table.name: table for table in tables}
    for undone in tables:
        if not _UNDONE.intersection(map(normal, words(undone.name))):
            continue
        for table in tables:
            column = _shared(database, undone, table) if table is not undone else None
            if column is not None:
                done[table.name] = _without(database, done[table.name], undone, column)
    return list(done.values())


def _shared(database: duckdb.DuckDBPyConnection, undone: TableProfile, table: TableProfile) -> str | None:
    """The column of the number that both tables have, whose own it is: others, such as customers, come again."""
    if _UNDONE.intersection(map(normal, words(table.name))):
        return None
    both = [one for one in undone.columns.values() if one.name in table.columns and _is_number(undone, one)]
    both = [one for one in both if _is_number_of(table, one)]
    for one in both:
        quoted = name(one.name)
        there = f"SELECT {quoted} FROM {name(table.name)}"
        query = f"SELECT count(*) FROM {name(undone.name)} WHERE {quoted} IN ({there})"
        count = int(database.execute(query).fetchall()[0][0])
        if count and count >= _MOSTLY * undone.rows:
            return one.name
    return None


def _is_number_of(table: TableProfile, column: ColumnProfile) -> bool:
    """Whether a column is the number of what a table lists: of an order, or of a policy, and no product's."""
    like = likeness(column.name)
    return like == 0 or (like < 0 and table.columns[column.name].is_unique)


def _is_number(undone: TableProfile, column: ColumnProfile) -> bool:
    """Whether a column names each of the rows of a table of what was undone."""
    return column.looks_like_id and column.filled == column.distinct == undone.rows


def _without(
    database: duckdb.DuckDBPyConnection, table: TableProfile, undone: TableProfile, column: str
) -> TableProfile:
    """A table without the rows that are undone."""
    quoted = name(column)
    rows = f"(SELECT * FROM {{0}} WHERE coalesce({quoted} NOT IN (SELECT {quoted} FROM {{1}}), true))"
    asks = f"what {undone.name} has by {column} never was and is left out: is that right?"
    also = (undone.of,) if undone.of != table.of else ()
    return replace(remade(database, table, rows, asks, beside=(undone,)), also=(*table.also, *also))
