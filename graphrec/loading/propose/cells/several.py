"""Several values in one text, such as Comedy|Drama or tech;health: each becomes one of its customer or product."""

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile, profile_column
from graphrec.loading.propose.looks import is_personal, likeness, looks
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import free_name, singular
from graphrec.loading.sources.sql import name, value

_SIGNS = ("|", ";", ",")
"""Between values, the surest first."""
_AROUND = " []'\""
"""Signs around single values that are none of theirs."""
_LEAST_SHARE = 0.2
"""Of the texts that have a sign in them."""
_MOST = 200
"""Different single values."""
_LONGEST = 30.0
"""Letters of a single value on average: longer ones are sentences."""


_AGAIN = 2.0
"""So often a single value is there, on average."""


def with_several(database: duckdb.DuckDBPyConnection, tables: Sequence[TableProfile]) -> list[TableProfile]:
    """The tables, and one more for each column of customers or products that has several values in a text."""
    done, taken = list[TableProfile](), {table.name for table in tables}
    referred = {other for table in tables for other in table.references.values()}
    for table in tables:
        parts = []
        if table.key is not None and table.name in referred and table.columns[table.key].is_unique:
            of_user = (likeness(table.name) or likeness(table.key)) > 0
            parts = [
                (column, sign)
                for column in table.others()
                if _may_hold_several(column, of_user=of_user)
                and (sign := _sign_in(database, table, column)) is not None
            ]
        several = {column.name: replace(column, has_several=True) for column, _ in parts}
        done.append(replace(table, columns={**table.columns, **several}) if several else table)
        for column, sign in parts:
            done.append(_part(database, table, column, sign, taken))
            taken.add(done[-1].name)
    return done


def _may_hold_several(column: ColumnProfile, *, of_user: bool) -> bool:
    if column.kind != "text" or column.looks_like_id or column.is_nested or is_personal(column, of_user=of_user):
        return False
    # A name or a place has its own commas: Coruña, A.
    return not any(looks(column.name, like) for like in ("name", "description", "sensitive", "free text", "protected"))


def _sign_in(database: duckdb.DuckDBPyConnection, table: TableProfile, column: ColumnProfile) -> str | None:
    """What stands between the values of a column; None where each text is one."""
    text = f"CAST({name(column.name)} AS VARCHAR)"
    for sign in _SIGNS:
        parts = f"(SELECT {text} AS whole, unnest({_split(text, sign)}) AS one FROM {name(table.name)})"
        # Each count is over the texts of all rows, which are few beside dealings.
        share, wholes, ones, length, least = database.execute(
            f"SELECT (SELECT avg(CAST(contains({text}, {value(sign)}) AS INTEGER)) FROM {name(table.name)} "
            f"WHERE {text} IS NOT NULL), count(DISTINCT whole), count(DISTINCT one), avg(length(one)), "
            f"count(*) / greatest(count(DISTINCT one), 1) FROM {parts}"
        ).fetchall()[0]
        if (share or 0.0) < _LEAST_SHARE:
            continue
        # A comma may be part of a single value; parts of the same texts again are single values.
        is_few = 2 <= ones <= _MOST and (sign == _SIGNS[0] or ones < wholes)
        return sign if is_few and length <= _LONGEST and least >= _AGAIN else None
    return None


def _split(text: str, sign: str) -> str:
    """SQL of the single values of a text, without blanks around them and what makes the text a list: [8, "20"]."""
    one = f"trim(one, {value(_AROUND)})"
    return f"list_distinct([{one} FOR one IN string_split({text}, {value(sign)}) IF {one} <> ''])"


def _part(
    database: duckdb.DuckDBPyConnection, table: TableProfile, column: ColumnProfile, sign: str, taken: set[str]
) -> TableProfile:
    """The table of the single values, with the key of their customer or product."""
    assert table.key is not None
    key, called = name(table.key), singular(column.name)
    made = free_name(f"{table.name}_{column.name}", taken)
    one = f"unnest({_split(f'CAST({name(column.name)} AS VARCHAR)', sign)}) AS {name(called)}"
    source, here = (
        f"(SELECT {key}, {one}, _file, _line FROM {rows})"
        for rows in (table.rows_with([table.key, column.name]), name(table.name))
    )
    database.execute(f"CREATE TABLE {name(made)} AS SELECT * FROM {here}")
    rows = int(database.execute(f"SELECT count(*) FROM {name(made)}").fetchall()[0][0])
    columns = {
        table.key: replace(table.columns[table.key], rows=rows, filled=rows),
        called: profile_column(database, name(made), called, "VARCHAR", rows),
    }
    asks = f"{column.name} holds several values with {sign} between them, each a node: is that right?"
    return TableProfile(
        made, table.path, rows, columns, references={table.key: table.name}, of=table.of or table.name, source=source,
        options=table.options, questions=(asks,),
    )  # fmt: skip
