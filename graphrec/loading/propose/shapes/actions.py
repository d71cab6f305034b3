"""What people did, told by two columns: one says order and view, and another one which orders bought and which sold."""

from dataclasses import replace

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile, profile_column
from graphrec.loading.propose.looks import actions_in
from graphrec.loading.propose.remade import remake, with_rows
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.sources.sql import name, value


def as_one_column(database: duckdb.DuckDBPyConnection, table: TableProfile) -> TableProfile:
    """A table of events in whose column of kinds an order is what its other column says: bought or sold."""
    texts = [one for one in table.columns.values() if one.kind == "text" and len(one.values) >= 2]
    sides = [one for one in texts if {"BOUGHT", "SOLD"} <= _types(one) and None not in _types(one)]
    kinds = [one for one in texts if one.is_whole and len(_types(one) - {None}) >= 1 and "SOLD" not in _types(one)]
    for side in sides:
        for kind in kinds:
            orders = [text for text, action in actions_in(kind.values).items() if action and action.type == "BOUGHT"]
            if orders and len(orders) < len(kind.values) and _tells(database, table, kind, side, orders):
                return _replaced(database, table, kind, side, orders)
    return table


def _types(column: ColumnProfile) -> set[str | None]:
    return {action.type if action else None for action in actions_in(column.values).values()}


def _tells(
    database: duckdb.DuckDBPyConnection, table: TableProfile, kind: ColumnProfile, side: ColumnProfile,
    orders: list[str],
) -> bool:  # fmt: skip
    """Whether every order says which side it is."""
    query = (
        f"SELECT count(*) FROM {name(table.name)} WHERE {name(kind.name)} IN ({', '.join(map(value, orders))}) "
        f"AND nullif({name(side.name)}, '') IS NULL"
    )
    return not database.execute(query).fetchall()[0][0]


def _replaced(
    database: duckdb.DuckDBPyConnection, table: TableProfile, kind: ColumnProfile, side: ColumnProfile,
    orders: list[str],
) -> TableProfile:  # fmt: skip
    column, listed = name(kind.name), ", ".join(map(value, orders))
    told = (
        f"(SELECT * REPLACE (CASE WHEN {column} IN ({listed}) THEN {name(side.name)} ELSE {column} END AS {column}) "
        "FROM {0} ORDER BY _file, _line)"
    )
    remake(database, table.name, with_rows(told, name(table.name)))
    profile = profile_column(database, name(table.name), kind.name, "VARCHAR", table.rows)
    columns = {one: each for one, each in table.columns.items() if one != side.name} | {kind.name: profile}
    columns = {one: columns[one] for one in table.columns if one in columns}
    asks = f"what {kind.name} {', '.join(orders)} is, {side.name} says ({', '.join(side.values)}): is that right?"
    return replace(
        table, columns=columns, source=with_rows(told, table.rows_sql), fields={}, questions=(*table.questions, asks)
    )
