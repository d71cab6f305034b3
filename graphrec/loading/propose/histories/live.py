"""Rows that are marked as deleted, or as no real customers: they are left out, with what is theirs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile, profile_column
from graphrec.loading.propose.concepts import normal
from graphrec.loading.propose.looks import likeness
from graphrec.loading.propose.remade import remake, with_rows, yes_in
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.sources.sql import name, value

_WHO = r"(user|customer|client|member|account|acct|record|row|data|order|contract|kunden?|konto|satz|person)?"
_MARKS = re.compile(
    rf"(is|was|has)?(soft|logical|logically)?{_WHO}(deleted|delete|deletion|removed|erased|purged|tombstone)(flag|ind|kz|yn|at|on|date|dt|ts|time)?"
    r"|(ist)?(geloescht|geloeschtam|loeschkennzeichen|loeschkz|loeschvermerk|loeschflag|loesch|lvorm|loekz|loevm)"
    rf"|(is)?(test|dummy|internaltest|sandbox){_WHO}(flag|ind|kz|yn)?|(ist)?test(kunde|kunden|konto|satz|daten)(kz|flag)?"
    r"|(est)?supprimee?|datesuppression|(esta)?(eliminado|borrado)|eliminato|cancellato|verwijderd|usuniety|smazan|torolve"
    r"|是否删除|已删除|删除标志|删除标识|是否测试|测试用户|测试客户"
)
"""Whole names of columns that mark rows; a test of anything else, as of risk, is none."""


def live(database: duckdb.DuckDBPyConnection, tables: Sequence[TableProfile]) -> list[TableProfile]:
    """The tables without rows that are marked so, and those of dealings with such customers.

    A product that is marked so stays, since customers hold it: a rule refuses it.
    """
    gone: dict[str, tuple[str, str]] = {}
    done = {}
    for table in tables:
        marks = [(one, _marked(database, table, one)) for one in table.columns.values()]
        marks = [(one, sql) for one, sql in marks if sql is not None]
        is_of_products = likeness(table.name) < 0 or (not table.references and likeness(table.key or "") < 0)
        done[table.name] = table
        if not marks or is_of_products:
            continue
        where = " OR ".join(f"({sql})" for _, sql in marks)
        left = ", ".join(one.name for one, _ in marks)
        done[table.name], count = _without(database, table, f"NOT ({where})", [one.name for one, _ in marks])
        asks = f"{count:,} rows are marked by {left} and are left out, with what is theirs: is that right?"
        done[table.name] = replace(done[table.name], questions=(*table.questions, asks))
        if table.key is not None and count:
            keys = f"SELECT {_key(table)} FROM {{0}} WHERE ({where}) AND {_key(table)} IS NOT NULL"
            gone[table.name] = with_rows(keys, table.rows_sql), with_rows(keys, name(f"{table.name} marked"))
    for table in list(done.values()):
        for column, owner in table.references.items():
            if owner in gone:
                said = (table.columns[column].written or "{}").format(f"CAST({name(column)} AS VARCHAR)")
                where, here = (f"coalesce({said} NOT IN ({keys}), true)" for keys in gone[owner])
                done[table.name], _ = _without(database, done[table.name], where, (), here=here)
    return list(done.values())


def of_things(database: duckdb.DuckDBPyConnection, tables: Sequence[TableProfile]) -> list[TableProfile]:
    """The tables without rows that name none of the things of another one, but say a word in their place: CASH."""
    by_name = {table.name: table for table in tables}
    return [_of_things(database, table, by_name) for table in tables]


_WORDS = 3
"""So few different words stand in the place of a key."""


def _of_things(
    database: duckdb.DuckDBPyConnection, table: TableProfile, tables: Mapping[str, TableProfile]
) -> TableProfile:
    done = table
    for column, count in table.strays.items():
        owner = tables.get(table.references.get(column, ""))
        if count > _WORDS or owner is None or owner.key is None or table.columns[column].written:
            continue
        text, key = f"CAST({name(column)} AS VARCHAR)", f"CAST({name(owner.key)} AS VARCHAR)"
        keys = f"SELECT {key} FROM {name(owner.name)} WHERE {key} IS NOT NULL"
        query = f"SELECT DISTINCT {text} FROM {name(table.name)} WHERE {text} <> '' AND {text} NOT IN ({keys})"
        said = [str(row[0]) for row in database.execute(query).fetchall()]
        asked = f"SELECT 1 FROM {name(owner.name)} WHERE NOT regexp_matches({key}, '[0-9]') LIMIT 1"
        if any(map(str.isdigit, "".join(said))) or database.execute(asked).fetchall():
            continue
        listed = ", ".join(map(value, said))
        done, left = _without(database, done, f"coalesce({text} NOT IN ({listed}), true)", ())
        asks = f"{left:,} rows have {', '.join(said)} for {column}, which is none of {owner.name}, and are left out"
        strays = {one: number for one, number in done.strays.items() if one != column}
        done = replace(done, strays=strays, questions=(*done.questions, f"{asks}: is that right?"))
    return done


def _key(table: TableProfile) -> str:
    key = table.columns[table.key or ""]
    return (key.written or "{}").format(f"CAST({name(key.name)} AS VARCHAR)")


def _marked(database: duckdb.DuckDBPyConnection, table: TableProfile, column: ColumnProfile) -> str | None:
    """SQL that is true in the rows that a column marks; None where it is no mark, or marks none."""
    if column.filled == 0 or not _MARKS.fullmatch(normal(column.name)):
        return None
    quoted = f"CAST({name(column.name)} AS VARCHAR)"
    if column.kind == "time":
        return f"coalesce({quoted} <> '', false)" if column.filled < table.rows else None
    return yes_in(database, table, column)


def _without(
    database: duckdb.DuckDBPyConnection, table: TableProfile, where: str, marks: Sequence[str], *, here: str = ""
) -> tuple[TableProfile, int]:
    """A table with the rows that meet a condition alone, and how many that leaves out."""
    quoted = name(table.name)
    if marks:
        database.execute(f"CREATE OR REPLACE TABLE {name(f'{table.name} marked')} AS SELECT * FROM {quoted}")
    described = remake(database, table.name, f"{quoted} WHERE {here or where}")
    rows = int(database.execute(f"SELECT count(*) FROM {quoted}").fetchall()[0][0])
    columns = {
        column: replace(
            one, rows=rows,
            **{key: getattr(profile_column(database, quoted, column, described[column], rows), key)
               for key in ("filled", "distinct", "values", "states")},
        )
        for column, one in table.columns.items()
        if column not in marks
    }  # fmt: skip
    source = f"(SELECT * FROM {table.rows_sql} WHERE {where})"
    # What reads a part of the columns alone does not see the marks.
    return replace(table, rows=rows, columns=columns, source=source, fields={}), table.rows - rows
