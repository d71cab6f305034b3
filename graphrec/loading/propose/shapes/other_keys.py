"""Dealings that name a thing by another number than its key: by the ticker, where positions name it by the ISIN; and
customers with a number for each order and another one for the person, who is the customer."""

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile, profile_column
from graphrec.loading.propose.concepts import place
from graphrec.loading.propose.looks import likeness
from graphrec.loading.propose.references import could_be_keys, count_strays, fits
from graphrec.loading.propose.remade import remade, remake, with_rows
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import stem
from graphrec.loading.sources.sql import name


def with_other_keys(database: duckdb.DuckDBPyConnection, tables: Sequence[TableProfile]) -> list[TableProfile]:
    """The tables, those that name things by another unique number of theirs with the key in its place."""
    done = []
    for table in tables:
        for owner in tables:
            if owner.name == table.name or owner.of == table.of or owner.key is None:
                continue
            if owner.name in table.references.values() or owner.key in table.columns:
                continue
            column = _other_key(database, table, owner)
            if column is not None:
                table = _with_key(database, table, owner, column)
        done.append(table)
    return done


def with_persons(database: duckdb.DuckDBPyConnection, tables: Sequence[TableProfile]) -> list[TableProfile]:
    """The tables, those of customers who have a new number in each order under the number of the person."""
    done = {table.name: table for table in tables}
    for owner in tables:
        naming = [
            (one.name, column) for one in tables for column, other in one.references.items() if other == owner.name
        ]
        person = _person(owner) if naming else None
        if person is None or not all(done[table].columns[column].is_unique for table, column in naming):
            continue
        by = replace(person, name=owner.key or ""), person
        for table, column in naming:
            there = done[table].columns[column]
            done[table] = _with_key(database, done[table], replace(owner, key=person.name), (there, by[0]))
        once = (
            f"(SELECT * EXCLUDE ({name(owner.key or '')}) FROM {{0}} QUALIFY row_number() OVER "
            f"(PARTITION BY {name(person.name)} ORDER BY _file DESC, _line DESC) = 1 ORDER BY _file, _line)"
        )
        asks = f"{owner.key} is another one in each row that names it, and {person.name} is the person: is that right?"
        done[owner.name] = replace(remade(database, owner, once, asks), key=person.name)
    return list(done.values())


def _person(owner: TableProfile) -> ColumnProfile | None:
    """The number of the person in a table of customers that has one beside its key, and not another one in each row."""
    if owner.key is None or (likeness(owner.name) or likeness(owner.key)) <= 0:
        return None
    own = set(stem(owner.key))
    return next(
        (
            one
            for one in owner.others()
            if one.looks_like_id and one.filled == one.rows > one.distinct >= _LEAST_PERSONS * one.rows
            and own & set(stem(one.name)) and one.kind in {"text", "integer"}
        ),
        None,
    )  # fmt: skip


_LEAST_PERSONS = 0.3
"""The share of persons among the numbers of customers below which a number is one of a group, such as a branch."""


def _other_key(
    database: duckdb.DuckDBPyConnection, table: TableProfile, owner: TableProfile
) -> tuple[ColumnProfile, ColumnProfile] | None:
    """A column of a table, and the one of the owner whose values it has, under the same name and again and again.

    Lists of who wants nothing name people by what reaches them, each once.
    """
    is_list = any(place(table.name, one) is not None for one in ("objection", "consent"))
    for own in owner.others():
        there = next((one for one in table.others() if one.name.casefold() == own.name.casefold()), None)
        if there is None or not own.is_unique:
            continue
        if not is_list and (there.is_unique or not (own.looks_like_id and there.looks_like_id)):
            continue
        named = replace(owner, key=own.name)
        if could_be_keys(there, named) and fits(count_strays(database, table, there.name, named), there):
            return there, own
    return None


def _with_key(
    database: duckdb.DuckDBPyConnection,
    table: TableProfile,
    owner: TableProfile,
    by: tuple[ColumnProfile, ColumnProfile],
) -> TableProfile:
    """A table with the key of its owner in the place of the other number; one that nobody has stays, to be rejected."""
    assert owner.key is not None
    there, own = by
    strays = count_strays(database, table, there.name, replace(owner, key=own.name))
    said, key = f"e.{name(there.name)}", f"m.{name(owner.key)}"
    key = f"coalesce(CAST({key} AS VARCHAR), CAST({said} AS VARCHAR))" if strays else key
    joined = (
        f"(SELECT e.* EXCLUDE ({name(there.name)}), {key} AS {name(owner.key)} FROM {{0}} AS e LEFT JOIN {{1}} AS m "
        f"ON nullif(CAST({said} AS VARCHAR), '') = CAST(m.{name(own.name)} AS VARCHAR))"
    )
    kinds = remake(database, table.name, with_rows(joined, name(table.name), name(owner.name)))
    found = profile_column(database, name(table.name), owner.key, kinds[owner.key], table.rows)
    left = {one: profile for one, profile in table.columns.items() if one != there.name}
    asks = f"{owner.key} comes from {owner.name} by {there.name}: is that right?"
    return replace(
        table,
        columns={owner.key: replace(found, written=owner.columns[owner.key].written), **left},
        references={
            **{one: other for one, other in table.references.items() if one != there.name}, owner.key: owner.name
        },
        strays={**table.strays, **({owner.key: strays} if strays else {})},
        source=with_rows(joined, table.rows_sql, owner.rows_sql), fields={},
        questions=(*table.questions, asks),
    )  # fmt: skip
