"""Rows with two holders, such as joint accounts: a row for each of them."""

import re
from collections.abc import Sequence
from dataclasses import replace

import duckdb

from graphrec.loading.propose.column_profile import profile_column
from graphrec.loading.propose.looks import likeness
from graphrec.loading.propose.remade import remake, with_rows
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import simplified, words
from graphrec.loading.sources.sql import name

_JOINT = re.compile(
    r"^(joint\w*|co|second|secondary|2|two|zweit\w*|mit(inhaber|kontoinhaber|eigentümer|antragsteller|kreditnehmer)\w*|"
    r"gemeinsch\w*|partner|cotitul\w*|cotitolare|cointestat\w*|segundo|segunda|deuxième|secondo|mede\w*|medlåntaker|"
    r"medlåntagare|medeier|współ\w*)$|\D2$|共同|联名|第二"
)
"""Words of columns of a second holder."""


def with_joint(
    database: duckdb.DuckDBPyConnection, table: TableProfile, tables: Sequence[TableProfile]
) -> TableProfile:
    """A table with a row for each holder of what it lists, where a column names the second one of some rows.

    A table that others refer to stays as it is: its rows are told apart by their keys there.
    """
    users = {one.name for one in tables if likeness(one.name) > 0} or {
        one.name for one in tables if one.key is not None and likeness(one.key) > 0
    }
    if any(table.name in one.references.values() for one in tables):
        return table
    holders = [column for column, owner in table.references.items() if owner in users and column != table.key]
    second = [column for column in holders if _is_second(column)]
    first = [column for column in holders if column not in second]
    if len(first) != 1 or not second or len({table.references[one] for one in holders}) != 1:
        return table
    others = [one for one in second if table.columns[one].kind == table.columns[first[0]].kind]
    if len(set(table.references.values())) < 2 or not others:
        return table
    parts = ["SELECT * FROM {0}"]
    parts += [
        f"SELECT * REPLACE ({name(one)} AS {name(first[0])}) FROM {{0}} "
        f"WHERE nullif(CAST({name(one)} AS VARCHAR), '') <> CAST({name(first[0])} AS VARCHAR)"
        for one in others
    ]
    both = f"(SELECT * FROM ({' UNION ALL '.join(parts)}) ORDER BY _file, _line)"
    kinds = remake(database, table.name, with_rows(both, name(table.name)))
    rows = int(database.execute(f"SELECT count(*) FROM {name(table.name)}").fetchall()[0][0])
    columns = {
        column: replace(
            profile_column(database, name(table.name), column, kinds[column], rows),
            parse=one.parse, is_plain=one.is_plain, written=one.written, kind=one.kind,
        )
        for column, one in table.columns.items()
        if column not in others
    }  # fmt: skip
    asks = f"{', '.join(others)} names a second holder, who has what the first one has: is that right?"
    return replace(
        table, rows=rows, columns=columns, source=with_rows(both, table.rows_sql), fields={}, is_shared=True,
        references={column: owner for column, owner in table.references.items() if column not in others},
        strays={column: count for column, count in table.strays.items() if column not in others},
        questions=(*table.questions, asks),
    )  # fmt: skip


def _is_second(column: str) -> bool:
    return any(_JOINT.search(word) for word in (*words(simplified(column)), simplified(column).lower()))
