"""Things that dealings name and the list of them has no more: a catalogue of what is sold, the customers of today.

A list with most of what dealings name is the list of it, however much is missing; the others get a row with nothing but
their key and a mark, so that a rule can refuse them.
"""

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.looks import asks_people, is_personal, likeness
from graphrec.loading.propose.references import ENOUGH_KEYS, count_strays, is_called_like
from graphrec.loading.propose.remade import remade
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import free_name
from graphrec.loading.sources.sql import name

Uses = Sequence[tuple[TableProfile, ColumnProfile]]
"""Columns that hold the keys of a list, and more."""

_SLIPS = 3
"""So few different values are slips where nearly all are keys; a load rejects their rows."""
_MOST = 0.5
"""The share of the keys, or of the different values of the column, that both have."""


def with_unlisted(database: duckdb.DuckDBPyConnection, tables: Sequence[TableProfile]) -> list[TableProfile]:
    """The tables with a row for each thing that others name by its key; their columns refer to it."""
    done = {table.name: table for table in tables}
    for owner in tables:
        uses = _uses(database, owner, list(done.values()))
        if not uses:
            continue
        done[owner.name] = _completed(database, owner, uses)
        for table, column in uses:
            one = done[table.name]
            strays = {other: count for other, count in one.strays.items() if other != column.name}
            done[table.name] = replace(one, references={**one.references, column.name: owner.name}, strays=strays)
    return list(done.values())


def _uses(database: duckdb.DuckDBPyConnection, owner: TableProfile, tables: Sequence[TableProfile]) -> Uses:
    if owner.key is None or owner.columns[owner.key].written or not owner.columns[owner.key].is_unique:
        return []
    key, found = owner.columns[owner.key], []
    for table in tables:
        for column in table.columns.values():
            refers = table.references.get(column.name)
            if (
                table.name == owner.name
                or table.of == owner.of
                or column.name == table.key
                or refers not in {None, owner.name}
                or column.written
                or column.kind != key.kind
                or not is_called_like(column, owner)
            ):
                continue
            if refers is None:
                strays, slips = count_strays(database, table, column.name, owner), 0
            else:
                strays, slips = table.strays.get(column.name, 0), _SLIPS
            shared = column.distinct - strays
            if strays > slips and shared >= max(ENOUGH_KEYS, _MOST * min(column.distinct, key.distinct)):
                found.append((table, column))
    return found


def _completed(database: duckdb.DuckDBPyConnection, owner: TableProfile, uses: Uses) -> TableProfile:
    key, mark = owner.key or "", _mark(owner)
    listed, unlisted = (f", {said} AS {name(mark)}" if mark else "" for said in ("true", "false"))
    named = " UNION ALL ".join(
        f"SELECT {name(column.name)} AS k, _file, _line FROM {{{place}}}"
        for place, (_, column) in enumerate(uses, start=1)
    )
    first = "struct_pack(f := _file, l := _line)"
    keys = f"SELECT CAST({name(key)} AS VARCHAR) FROM {{0}} WHERE {name(key)} IS NOT NULL"
    rows = (
        f"(SELECT *{listed} FROM {{0}} UNION ALL BY NAME SELECT k AS {name(key)}{unlisted}, "
        f"arg_min(_file, {first}) AS _file, arg_min(_line, {first}) AS _line FROM ({named}) "
        f"WHERE k IS NOT NULL AND CAST(k AS VARCHAR) NOT IN ({keys}) GROUP BY k)"
    )
    done = remade(database, owner, rows, "", beside=[table for table, _ in uses])
    where = ", ".join(f"{column.name} of {table.name}" for table, column in uses)
    says = f"{done.rows - owner.rows:,} different {where} are not in it and have nothing but their key"
    asks = f"{says}; {mark} tells them apart: is that right?" if mark else f"{says}: is that right?"
    done = replace(done, questions=(*owner.questions, asks))
    if not mark or owner.fields:
        return done
    # What needs neither the mark nor those without it is read from the list.
    return replace(done, fields={column: f"t.{name(column)}" for column in owner.columns}, inner=owner.rows_sql)


def _mark(owner: TableProfile) -> str:
    """The column that says what is listed; none for a list that says something of some alone, such as a survey."""
    like = likeness(owner.name) or likeness(owner.key or "")
    columns = owner.columns.values()
    are_people = asks_people(columns) or any(is_personal(one, of_user=like > 0) for one in columns)
    wanted = "listed" if like < 0 else "is_current" if like > 0 and are_people else ""
    return free_name(wanted, {one.casefold() for one in owner.columns}) if wanted else ""
