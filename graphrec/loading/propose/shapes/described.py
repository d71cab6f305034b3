"""Things that no file of their own describes: what is the same in all rows of dealings with one of them is theirs.

A flat export has the name of the product beside its number in every row, and the segment of the customer beside theirs.
"""

from dataclasses import replace

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile, profile_column
from graphrec.loading.propose.concepts import place
from graphrec.loading.propose.looks import is_personal, likeness, looks
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.sources.sql import name

LEAST = 5
"""So many of the things have several rows, and so many would differ by chance, at least."""
MOST_VARIED = 0.1
"""Share of the things with several rows whose values may differ, as a name does that was corrected."""
MOST_OF_CHANCE = 0.2
"""Share of what would differ if values had nothing to do with the thing."""


def with_described(database: duckdb.DuckDBPyConnection, table: TableProfile) -> TableProfile:
    """A table of dealings with what its columns say of things that have no file: one table each, by their column."""
    things = [
        one for one in table.others() if one.looks_like_id and one.distinct > 1 and 2 * one.distinct <= one.filled
    ]
    theirs: dict[str, list[ColumnProfile]] = {}
    for column in table.others():
        if column.looks_like_id or column.is_nested or column.distinct < 2:
            continue
        told_by = [one for one in things if _is_told_by(database, table, one, column)]
        if told_by:
            theirs.setdefault(_whose(column, told_by), []).append(column)
    found = {one.name: _table_of(database, table, one, theirs[one.name]) for one in things if one.name in theirs}
    return replace(table, described=found) if found else table


def _whose(column: ColumnProfile, told_by: list[ColumnProfile]) -> str:
    """Of several things that tell a column the one of people for what people say, else the one with fewest."""
    is_of_people = is_personal(column, of_user=False) or place(column.name, "consent") is not None
    is_of_people = is_of_people or any(looks(column.name, one) for one in ("protected", "sensitive"))
    return min(told_by, key=lambda one: (is_of_people and likeness(one.name) <= 0, one.distinct, one.name)).name


def _table_of(
    database: duckdb.DuckDBPyConnection, table: TableProfile, thing: ColumnProfile, own: list[ColumnProfile]
) -> TableProfile:
    key, order = name(thing.name), "struct_pack(f := _file, l := _line)"
    latest = ", ".join(f"arg_max({column}, {order}) AS {column}" for column in (name(one.name) for one in own))
    source, here = (
        f"(SELECT {key}, {latest}, arg_min(_file, {order}) AS _file, min(_line) AS _line FROM {rows} "
        f"WHERE {key} IS NOT NULL GROUP BY {key} ORDER BY {key})"
        for rows in (table.rows_sql, name(table.name))
    )
    kinds = {column: str(kind) for column, kind, *_ in database.execute(f"DESCRIBE SELECT * FROM {here}").fetchall()}
    columns = {
        one.name: profile_column(database, here, one.name, kinds[one.name], thing.distinct) for one in (thing, *own)
    }
    return TableProfile(
        f"{table.name} by {thing.name}", table.path, thing.distinct, columns, key=thing.name, of=table.of,
        source=source, options=table.options,
    )  # fmt: skip


def _is_told_by(
    database: duckdb.DuckDBPyConnection, table: TableProfile, thing: ColumnProfile, column: ColumnProfile
) -> bool:
    """Whether nearly all rows of a thing have one value of a column, and not because all rows have."""
    if column.name == thing.name or column.distinct > 2 * thing.distinct:
        return False
    key, said = name(thing.name), name(column.name)
    rows = f"(SELECT {key} AS k, {said} AS v FROM {name(table.name)} WHERE k IS NOT NULL AND v IS NOT NULL)"
    several, varied = database.execute(
        f"SELECT count(*), count(*) FILTER (WHERE n > 1) FROM "
        f"(SELECT count(DISTINCT v) AS n FROM {rows} GROUP BY k HAVING count(*) > 1)"
    ).fetchall()[0]
    if several < LEAST or varied > MOST_VARIED * several:
        return False
    chance = database.execute(
        f"SELECT 1 - sum(n * n) / pow(sum(n), 2) FROM (SELECT count(*) AS n FROM {rows} GROUP BY v)"
    ).fetchall()[0][0]
    expected = float(chance) * int(several)
    return expected >= LEAST and varied <= MOST_OF_CHANCE * expected
