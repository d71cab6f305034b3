"""Several values in one cell, as core systems and exports of forms write them: AB]CD, a::b, email|sms.

Keys of another table become a row for each of them. What a customer agreed to, and in a cell beside it the answers,
becomes a column for each purpose; channels alone become one column that says whether there is any.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile, profile_column
from graphrec.loading.propose.concepts import AGREES, NO, YES, are_answers, normal, place, told
from graphrec.loading.propose.references import as_text
from graphrec.loading.propose.remade import remake, with_rows
from graphrec.loading.propose.shapes.sides import is_of_offers
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import free_name, words
from graphrec.loading.sources.sql import name, value

SIGNS = ("]", "::", "|", "^", "\u00fd", "\u00fe", ";", ",", "/", "+")
"""What stands between values of one cell, as spaces do between keys; the last ones stand in plain texts
too, and count only between keys."""
_SURE = SIGNS[:7]
_MOST_PARTS = 12
_LEAST_KEYS = 5
_LOOKED_AT, _FEW = 100_000, 200
"""Rows that are looked at for signs, and cells with one that are first held against keys."""


def with_parts(database: duckdb.DuckDBPyConnection, tables: Sequence[TableProfile]) -> list[TableProfile]:
    """The tables with a row for each key in a cell, and columns for what stands in lists of consents."""
    done = {table.name: table for table in tables}
    for table in tables:
        for column in table.columns.values():
            if column.kind != "text" or column.name == table.key or column.name not in done[table.name].columns:
                continue
            signs = _signs(database, table, column)
            # Between words these say nothing; between keys of another table alone they do, and a space too.
            between = [*signs, " "] if column.has_blanks else signs
            found = next((sign for sign in between if _are_keys(database, table, column, sign, tables)), None)
            if found is not None:
                done[table.name] = _in_rows(database, done[table.name], column, found)
                if any(one.key == table.key for one in tables if one.name != table.name):
                    done[table.name] = replace(done[table.name], key=None)  # of each thing, whom it is of
            elif place(column.name, "consent") is not None or place(column.name, "objection") is not None:
                sign = next((sign for sign in signs if sign in (*_SURE, ",")), None)
                done[table.name] = _as_answers(database, done[table.name], column, sign) if sign else done[table.name]
    return list(done.values())


def _signs(database: duckdb.DuckDBPyConnection, table: TableProfile, column: ColumnProfile) -> list[str]:
    """The signs that stand between letters or digits in some cells of a column, and in no other use."""
    text = as_text(column.name)
    counts = ", ".join(f"count(*) FILTER (WHERE contains({text}, {value(sign)}))" for sign in SIGNS)
    rows = f"(SELECT {name(column.name)} FROM {name(table.name)} LIMIT {_LOOKED_AT})"
    row = database.execute(f"SELECT {counts} FROM {rows}").fetchall()[0]
    return [sign for sign, count in zip(SIGNS, row, strict=True) if count]


def _called(sign: str) -> str:
    return sign if sign.strip() else "spaces"


def _parts(column: str, sign: str) -> str:
    between = rf"\s*{re.escape(sign)}\s*"
    return f"string_split_regex(trim({as_text(column)}), {value(between)})"


def _are_keys(
    database: duckdb.DuckDBPyConnection, table: TableProfile, column: ColumnProfile, sign: str,
    tables: Sequence[TableProfile],
) -> bool:  # fmt: skip
    """Whether all that stands between signs are keys of one other table, and the whole cells are not."""
    is_told = table.key is not None and words(table.key) != ["id"]
    if is_told and any(_names_again(one, table) for one in tables):
        return False  # its rows are told apart by their keys elsewhere
    for owner in tables:
        if owner.name == table.name or owner.key is None:
            continue
        keys = f"SELECT {as_text(owner.key)} FROM {name(owner.name)}"
        text = as_text(column.name)
        few = f"(SELECT * FROM {name(table.name)} WHERE contains({text}, {value(sign)}) LIMIT {_FEW})"
        for rows, least in ((few, 1), (name(table.name), _LEAST_KEYS)):
            query = (
                f"SELECT count(DISTINCT p), count(DISTINCT p) FILTER (WHERE p NOT IN (SELECT * FROM ({keys}) AS k(v) "
                f"WHERE v IS NOT NULL)) FROM (SELECT unnest({_parts(column.name, sign)}) AS p FROM {rows}) "
                f"WHERE p <> ''"
            )
            several, strays = database.execute(query).fetchall()[0]
            if strays or several < least:
                break
        else:
            return True
    return False


def _names_again(other: TableProfile, table: TableProfile) -> bool:
    """Whether another table has the keys of one, and not as its own."""
    return other.name != table.name and table.key in other.columns and other.key != table.key


def _in_rows(
    database: duckdb.DuckDBPyConnection, table: TableProfile, column: ColumnProfile, sign: str
) -> TableProfile:
    """A row for each value of a cell, with those of cells beside it that have as many."""
    counted = f"len({_parts(column.name, sign)})"
    beside = [column.name]
    for other in table.columns.values():
        if other.kind != "text" or other.name in {column.name, table.key}:
            continue
        query = (
            f"SELECT count(*) FILTER (WHERE {counted} > 1), count(*) FILTER (WHERE {counted} > 1 AND "
            f"len({_parts(other.name, sign)}) = {counted}) FROM {name(table.name)}"
        )
        several, alike = database.execute(query).fetchall()[0]
        beside += [other.name] if several == alike else []
    parts = ", ".join(f"unnest({_parts(one, sign)}) AS {name(one)}" for one in beside)
    split = f"(SELECT * REPLACE ({parts}) FROM {{0}} ORDER BY _file, _line)"
    described = remake(database, table.name, with_rows(split, name(table.name)))
    rows = int(database.execute(f"SELECT count(*) FROM {name(table.name)}").fetchall()[0][0])
    columns = {}
    for one, each in table.columns.items():
        found = profile_column(database, name(table.name), one, described[one], rows)
        is_same = one not in beside
        columns[one] = replace(found, parse=each.parse, is_plain=each.is_plain, kind=each.kind) if is_same else found
    listed = ", ".join(beside)
    asks = f"{listed} has several values in a cell, between {_called(sign)}, and each becomes a row: is that right?"
    return replace(
        table, rows=rows, columns=columns, source=with_rows(split, table.rows_sql), fields={},
        is_shared=table.is_shared or rows > table.rows, questions=(*table.questions, asks),
    )  # fmt: skip


def _as_answers(
    database: duckdb.DuckDBPyConnection, table: TableProfile, column: ColumnProfile, sign: str
) -> TableProfile:
    """A table with a column for each purpose in a cell, or one that says whether there is any."""
    query = (
        f"SELECT DISTINCT p FROM (SELECT unnest({_parts(column.name, sign)}) AS p FROM {name(table.name)}) "
        f"WHERE p <> '' ORDER BY p LIMIT {_MOST_PARTS + 1}"
    )
    parts = [row[0] for row in database.execute(query).fetchall()]
    if not 1 < len(parts) <= _MOST_PARTS:
        return table
    taken = {one.casefold() for one in table.columns}
    if are_answers(parts):
        return table  # the answers of a cell beside it
    answers = next((one for one in table.columns.values() if _answers(database, table, column, one, sign)), None)
    left = {one: each for one, each in table.columns.items() if one not in {column.name, answers and answers.name}}
    cells = _parts(column.name, sign)
    if answers is not None:
        given = {}
        of_offers = [part for part in parts if is_of_offers(part)] or parts
        for part in parts:
            wanted = f"{'consent' if part in of_offers else AGREES} {part}"
            given[free_name(wanted, taken)] = (
                f"{_parts(answers.name, sign)}[nullif(list_position({cells}, {value(part)}), 0)]"
            )
    else:
        yes = [part for part in parts if told(part, YES, NO) is not False and normal(part) not in _NONE]
        offers = [part for part in yes if is_of_offers(part)] or yes
        listed = ", ".join(map(value, offers))
        given = {column.name: f"coalesce(list_has_any({cells}, [{listed}]), false)"}
    listed = ", ".join(f"{sql} AS {name(one)}" for one, sql in given.items())
    spent = ", ".join(name(one) for one in table.columns if one not in left)
    split = f"(SELECT * EXCLUDE ({spent}), {listed} FROM {{0}} ORDER BY _file, _line)"
    described = remake(database, table.name, with_rows(split, name(table.name)))
    for one in given:
        left[one] = profile_column(database, name(table.name), one, described[one], table.rows)
    asks = (
        f"{column.name} has several values in a cell ({', '.join(parts)}); "
        + (f"{answers.name} has the answers: " if answers else f"each of {', '.join(offers)} counts as a yes: ")
        + "is that right?"
    )
    return replace(
        table, columns=left, source=with_rows(split, table.rows_sql), fields={}, questions=(*table.questions, asks)
    )


_NONE = frozenset({"none", "keine", "keiner", "aucun", "ninguno", "nessuno", "geen", "no", "nein", "na", "无"})


def _answers(
    database: duckdb.DuckDBPyConnection, table: TableProfile, column: ColumnProfile, other: ColumnProfile, sign: str
) -> bool:
    """Whether a column has as many values in each cell as another, all of them yes or no."""
    if other.kind != "text" or other is column:
        return False
    lengths = [f"len({_parts(one.name, sign)})" for one in (other, column)]
    counts = f"count(*) FILTER (WHERE {' IS DISTINCT FROM '.join(lengths)})"
    if database.execute(f"SELECT {counts} FROM {name(table.name)}").fetchall()[0][0]:
        return False
    query = f"SELECT DISTINCT unnest({_parts(other.name, sign)}) FROM {name(table.name)} LIMIT {_MOST_PARTS}"
    said = [row[0] for row in database.execute(query).fetchall() if row[0]]
    return are_answers(said)
