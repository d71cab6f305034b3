"""Customers and products in long form: a row for each of their attributes, with its name and its value."""

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.looks import is_known_name, likeness
from graphrec.loading.propose.remade import remade, side_by_side
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.sources.sql import name

_MOST_NAMES = 60
_LEAST_NAMES = 3
"""Names of attributes that are known, at least, and half of all are."""
_VALUES = 20
"""Fewer different values are answers or states, and no attributes of each."""


def as_attributes(database: duckdb.DuckDBPyConnection, table: TableProfile) -> TableProfile:
    """A table with a row for each of its things, where it has one for each of their attributes."""
    if len(table.columns) != _LEAST_NAMES:
        return table
    columns = list(table.columns.values())
    owner = next((one for one in columns if one.looks_like_id and one.filled == table.rows), None)
    named = [one for one in columns if one is not owner and _are_names(one)]
    if owner is None or len(named) != 1 or likeness(named[0].name) < 0:
        return table
    held = next(one for one in columns if one not in (owner, named[0]))
    if held.distinct <= _VALUES:
        return table
    pair = f"{name(owner.name)}, {name(named[0].name)}"
    again = f"SELECT 1 FROM {name(table.name)} GROUP BY {pair} HAVING count(*) > 1 LIMIT 1"
    if database.execute(again).fetchall():
        return table
    return remade(database, table, _rows(owner.name, named[0], held.name),
                  f"each of its rows has one attribute of a thing, by {named[0].name}; they are put side by side: "
                  "is that right?")  # fmt: skip


def _are_names(column: ColumnProfile) -> bool:
    """Whether the values of a column are what columns are called."""
    known = sum(map(is_known_name, column.states)) if len(column.states) <= _MOST_NAMES else 0
    return known >= _LEAST_NAMES and 2 * known >= len(column.states)


def _rows(owner: str, named: ColumnProfile, held: str) -> str:
    """SQL of a row for each thing, with {0} for the rows of its attributes."""
    columns = {one: one for one in named.states if one != owner}
    listed = side_by_side(named.name, f"CAST({name(held)} AS VARCHAR)", columns)
    return (
        f"(SELECT {name(owner)}, {listed}, min(_file) AS _file, min(_line) AS _line FROM {{0}} "
        f"WHERE {name(owner)} IS NOT NULL GROUP BY {name(owner)} ORDER BY 1)"
    )
