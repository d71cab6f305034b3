"""Rows that are versions of one thing, as a warehouse keeps them: the last one is read, under the lasting key.

A dimension has a row for each change of a customer, with a key of its own (surrogate), the day from which it holds, and
the day until which it does or a mark of the current one. Dealings name the surrogate of their day.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile, profile_column
from graphrec.loading.propose.concepts import normal
from graphrec.loading.propose.remade import remake, with_rows, yes_in
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import free_name
from graphrec.loading.sources.sql import name

_HOLDS = r"(row|rec|record|version|scd\d?|dwh|dw|eff|effective|valid|validity|gueltig|gueltigkeits?)"
BEGINS = re.compile(
    rf"{_HOLDS}+(date|datum|dt|ts)?(from|ab|von|since|start|startdate|begin|beginn|fromdate|fromdt|fromts)"
)
ENDS = re.compile(
    rf"{_HOLDS}+(date|datum|dt|ts)?(to|until|till|thru|bis|end|enddate|ende|todate|todt|tots|enddt|expiry)"
)
_CURRENT = re.compile(
    r"(is|row|rec|record|version)*(current|latest|aktuell)(row|rec|record|version|flag|ind|indicator|kz|yn)*"
)
_ENOUGH = 3
"""So many things have several versions, at least."""
_NEARLY = 0.9
"""The share of them whose versions follow one another without a gap, or of which one is marked as the current one."""
_NO_END = "TIMESTAMP '9000-01-01'"
"""Later days say that a version has no end."""


@dataclass(frozen=True)
class _Versions:
    """How the versions in a table are told apart."""

    key: str
    begins: str
    """SQL of the moment from which a row holds."""
    holds: str
    """SQL that is true in rows that hold now."""
    columns: tuple[str, ...]
    """Those that say so, and nothing of the thing."""


def current(database: duckdb.DuckDBPyConnection, tables: Sequence[TableProfile]) -> list[TableProfile]:
    """The tables, each with the last version of its things alone, and dealings with the lasting keys."""
    done = {table.name: table for table in tables}
    for table in tables:
        found = _versions_in(database, table)
        if found is None:
            continue
        surrogates = [
            one for one in table.columns.values() if one.is_unique and one.name not in (found.key, *found.columns)
        ]
        for other in list(done.values()):
            if other.name != table.name:
                done[other.name] = _with_lasting_key(database, other, table, found.key, surrogates)
        done[table.name] = _last_of_each(database, table, found, [one.name for one in surrogates if one.looks_like_id])
    return list(done.values())


def _versions_in(database: duckdb.DuckDBPyConnection, table: TableProfile) -> _Versions | None:
    columns = list(table.columns.values())
    begin = next((one for one in columns if one.kind == "time" and BEGINS.fullmatch(normal(one.name))), None)
    if begin is None:
        return None
    end = next((one for one in columns if one.kind == "time" and ENDS.fullmatch(normal(one.name))), None)
    mark = next((one for one in columns if _CURRENT.fullmatch(normal(one.name))), None)
    begins = begin.moment
    until = end.moment if end is not None else "CAST(NULL AS TIMESTAMPTZ)"
    holds = f"coalesce({until} > {_NO_END}, true)" if end is not None else ""
    marked = yes_in(database, table, mark) if mark is not None else None
    for one in columns:
        if one.kind not in {"text", "integer"} or one.filled < table.rows or not one.looks_like_id or one.is_unique:
            continue
        key = name(one.name)
        rows = (
            f"(SELECT {key} AS k, {begins} AS b, {until} AS e, {marked or 'NULL'} AS m, "
            f"lead({begins}) OVER (PARTITION BY {key} ORDER BY {begins}) AS n, "
            f"count(*) OVER (PARTITION BY {key}) AS c FROM {name(table.name)})"
        )
        several, once, changes, near, one_marked = database.execute(
            f"SELECT count(DISTINCT k) FILTER (WHERE c > 1), count(DISTINCT (k, b)) = count(*), "
            f"count(n), count(*) FILTER (WHERE n - e BETWEEN INTERVAL 0 SECOND AND INTERVAL 1 DAY), "
            f"(SELECT count(*) FROM "
            f"(SELECT k FROM {rows} WHERE c > 1 GROUP BY k HAVING count(*) FILTER (WHERE m) = 1)) "
            f"FROM {rows}"
        ).fetchall()[0]
        follow = end is not None and near >= _NEARLY * changes
        if several < _ENOUGH or not once or not (follow or (marked is not None and one_marked >= _NEARLY * several)):
            continue
        given = tuple(each.name for each in (begin, end, mark) if each is not None)
        return _Versions(one.name, begins, marked or holds, given)
    return None


def _last_of_each(
    database: duckdb.DuckDBPyConnection, table: TableProfile, found: _Versions, surrogates: Sequence[str]
) -> TableProfile:
    """The last version of each thing; where some have none that holds now, a column says so."""
    key, holds = name(found.key), found.holds
    left = {column: one for column, one in table.columns.items() if column not in (*found.columns, *surrogates)}
    mark = free_name("is_current", {column.casefold() for column in left})
    kept = ", ".join((*map(name, left), f"{holds} AS {name(mark)}", "_file", "_line"))
    last = (
        f"(SELECT {kept} FROM {{0}} QUALIFY row_number() OVER (PARTITION BY {key} "
        f"ORDER BY {holds} DESC, {found.begins} DESC, _file DESC, _line DESC) = 1 ORDER BY _file, _line)"
    )
    before, rows = table.rows, table.columns[found.key].distinct
    described = remake(database, table.name, with_rows(last, name(table.name)))
    gone = database.execute(f"SELECT count(*) FROM {name(table.name)} WHERE NOT {name(mark)}").fetchall()[0][0]
    columns = {
        column: replace(
            profile_column(database, name(table.name), column, described[column], rows),
            parse=one.parse, is_plain=one.is_plain, kind=one.kind, questions=one.questions, misfits=one.misfits,
        )
        for column, one in left.items()
    }  # fmt: skip
    asks = f"has {before:,} versions of {rows:,} {found.key}, and the last one of each is read: is that right?"
    said = (
        f"{gone:,} {found.key} have no version that holds now; the last one is read, and {mark} says no" if gone else ""
    )
    if gone:
        columns[mark] = profile_column(database, name(table.name), mark, described[mark], rows)
    return replace(
        table, key=found.key, rows=rows, columns=columns, source=with_rows(last, table.rows_sql), fields={},
        questions=(*table.questions, asks, *([said] if said else [])),
    )  # fmt: skip


def _with_lasting_key(
    database: duckdb.DuckDBPyConnection,
    table: TableProfile,
    owner: TableProfile,
    key: str,
    surrogates: Sequence[ColumnProfile],
) -> TableProfile:
    """Dealings with the lasting key in the place of that of a version; as they are where they do not name versions."""
    named = {one.name.casefold(): one.name for one in surrogates}
    column = next((one for one in table.columns if one.casefold() in named), None)
    if column is None:
        return table
    surrogate = named[column.casefold()]
    columns = {one: each for one, each in table.columns.items() if one != column}
    if key in table.columns:
        return replace(table, columns=columns)
    joined = (
        f"(SELECT e.* EXCLUDE ({name(column)}), v.{name(key)} AS {name(key)} FROM {{0}} AS e LEFT JOIN {{1}} AS v "
        f"ON {_text('e', column)} = {_text('v', surrogate)})"
    )
    filled = with_rows(joined, name(table.name), name(owner.name))
    if database.execute(f"SELECT count(*) FROM {filled} WHERE {name(key)} IS NULL").fetchall()[0][0]:
        return table
    described, kind = remake(database, table.name, filled), owner.columns[key]
    columns[key] = replace(
        profile_column(database, name(table.name), key, described[key], table.rows), written=kind.written
    )
    asks = f"{key} comes from {owner.name} by {column}: is that right?"
    return replace(
        table, columns=columns, source=with_rows(joined, table.rows_sql, owner.rows_sql), fields={},
        questions=(*table.questions, asks),
    )  # fmt: skip


def _text(alias: str, column: str) -> str:
    return f"nullif(CAST({alias}.{name(column)} AS VARCHAR), '')"
