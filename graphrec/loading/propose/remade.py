"""Tables of a delivery with other rows, while it is profiled."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile, profile_column
from graphrec.loading.propose.concepts import NO, YES, told
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.sources.sql import OWN_COLUMNS, name, value


def remake(database: duckdb.DuckDBPyConnection, table: str, rows: str) -> dict[str, str]:
    """Put rows in the place of those of a table, which they may be made of.

    Returns:
        The type of each column.
    """
    database.execute(f"CREATE OR REPLACE TABLE {name(table)} AS SELECT * FROM {rows}")
    return {column: str(kind) for column, kind, *_ in database.execute(f"DESCRIBE {name(table)}").fetchall()}


def remade(
    database: duckdb.DuckDBPyConnection,
    table: TableProfile,
    rows: str,
    asks: str,
    *,
    beside: Sequence[TableProfile] = (),
) -> TableProfile:
    """A table with other rows, its columns looked at again; those that it had are read as before.

    Args:
        rows: SQL of the rows, with {0} for those that the table has, and {1} on for those of tables beside it.
        asks: what is to be looked at.
        beside: tables that are read too.
    """
    read = (table, *beside)
    kinds = remake(database, table.name, with_rows(rows, *(name(one.name) for one in read)))
    count = int(database.execute(f"SELECT count(*) FROM {name(table.name)}").fetchall()[0][0])
    columns = {}
    for column, kind in kinds.items():
        if column in OWN_COLUMNS:
            continue
        found, own = profile_column(database, name(table.name), column, kind, count), table.columns.get(column)
        columns[column] = found
        if own is not None and own.kind != "text":
            columns[column] = replace(found, kind=own.kind, parse=own.parse, is_plain=own.is_plain)
    return replace(
        table, rows=count, columns=columns, source=with_rows(rows, *(one.rows_sql for one in read)), fields={},
        questions=(*table.questions, asks),
    )  # fmt: skip


def with_rows(sql: str, *rows: str) -> str:
    """SQL with the rows of tables in the places of {0}, {1}; other braces, as in names and values, stay."""
    numbered = {f"{{{number}}}": one for number, one in enumerate(rows)}
    return re.sub(r"\{\d+\}", lambda place: numbered.get(place[0], place[0]), sql)


def side_by_side(attribute: str, held: str, columns: Mapping[str, str]) -> str:
    """SQL of a column for each attribute of a thing, in a query with a row for each thing.

    Args:
        attribute: the column that says of which attribute a row is.
        held: SQL of its value.
        columns: the attributes, by the names of their columns.
    """
    return ", ".join(
        f"max({held}) FILTER (WHERE {name(attribute)} = {value(one)}) AS {name(new)}" for new, one in columns.items()
    )


def yes_in(database: duckdb.DuckDBPyConnection, table: TableProfile, mark: ColumnProfile) -> str | None:
    """SQL that is true in the rows in which a mark says yes; None where its values do not tell, or none says so."""
    text = f"CAST({name(mark.name)} AS VARCHAR)"
    query = f"SELECT DISTINCT {text} FROM {name(table.name)} WHERE nullif({text}, '') IS NOT NULL LIMIT 20"
    said = {row[0]: told(row[0], YES, NO) for row in database.execute(query).fetchall()}
    yes = sorted(text for text, one in said.items() if one)
    return f"coalesce({text} IN ({', '.join(map(value, yes))}), false)" if yes and None not in said.values() else None
