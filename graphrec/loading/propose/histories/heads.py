"""Files of several years in one table whose columns were renamed meanwhile: each column again under one name."""

from collections.abc import Mapping
from dataclasses import replace

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile, profile_column
from graphrec.loading.propose.looks import likeness
from graphrec.loading.propose.references import as_text
from graphrec.loading.propose.remade import remade
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.sources.sql import name

_SHARED = 0.3
"""Two columns of identifiers are one where they share so many of their values."""


def with_one_head(database: duckdb.DuckDBPyConnection, table: TableProfile) -> TableProfile:
    """A table with the columns of its older files under the names of the newer ones, where some were renamed."""
    if "*" not in table.path or table.source:
        return table
    files = _files_of(database, table)
    every = set().union(*files.values()) if files else set[str]()
    # A column of some files alone, and one that all the others have in its place.
    partial = {column: some for column, some in files.items() if some and some != every}
    renamed: dict[str, str] = {}
    for old, before in partial.items():
        found = [
            new
            for new, after in partial.items()
            if new not in (*renamed, *renamed.values()) and not before & after and max(before) < max(after)
        ]
        best = max(found, key=lambda new: _alike(database, table, old, new), default=None)
        if best is not None and _alike(database, table, old, best) > 0:
            renamed[old] = best
    return _renamed(database, table, renamed) if renamed else table


def _files_of(database: duckdb.DuckDBPyConnection, table: TableProfile) -> dict[str, frozenset[str]]:
    """The files in which each column has a value."""
    columns = list(table.columns)
    counted = ", ".join(f"count({as_text(column)})" for column in columns)
    rows = database.execute(f"SELECT _file, {counted} FROM {name(table.name)} GROUP BY _file").fetchall()
    return {column: frozenset(str(row[0]) for row in rows if row[1 + n]) for n, column in enumerate(columns)}


def _alike(database: duckdb.DuckDBPyConnection, table: TableProfile, old: str, new: str) -> float:
    """How much two columns that no file has both of are one; 0: they are not."""
    a, b = table.columns[old], table.columns[new]
    kinds = {"text", "integer"}
    if a.kind != b.kind and not {a.kind, b.kind} <= kinds and not {a.kind, b.kind} <= {"integer", "real"}:
        return 0.0
    if likeness(old) * likeness(new) < 0:
        return 0.0
    words = bool(set(a.words) & set(b.words)) + (likeness(old) == likeness(new) != 0)
    if a.kind in kinds and b.kind in kinds and a.distinct > 1:
        shared = _shared(database, table, old, new)
        if shared >= _SHARED:
            return 2.0 + shared
        # Amounts are whole numbers too, and few of them are there again.
        return 0.5 * words if not (a.looks_like_id or b.looks_like_id) else 0.0
    alone = not any(
        one.kind == a.kind and one.filled < one.rows and one.name not in (old, new) for one in table.columns.values()
    )
    return words + 0.5 * alone


def _shared(database: duckdb.DuckDBPyConnection, table: TableProfile, old: str, new: str) -> float:
    """The share of the different values of the one that the other has, of the one that has fewer."""
    a, b = (
        f"SELECT DISTINCT {as_text(one)} AS v FROM {name(table.name)} WHERE {name(one)} IS NOT NULL"
        for one in (old, new)
    )
    both, fewest = database.execute(
        f"SELECT (SELECT count(*) FROM ({a}) SEMI JOIN ({b}) USING (v)), "
        f"least((SELECT count(*) FROM ({a})), (SELECT count(*) FROM ({b})))"
    ).fetchall()[0]
    return both / fewest if fewest else 0.0


def _renamed(database: duckdb.DuckDBPyConnection, table: TableProfile, renamed: Mapping[str, str]) -> TableProfile:
    of = {new: [new, *(old for old, one in renamed.items() if one == new)] for new in renamed.values()}
    listed = [
        f"coalesce({', '.join(as_text(one) for one in of[column])}) AS {name(column)}" if column in of else name(column)
        for column in table.columns
        if column not in renamed
    ]
    asks = ", ".join(f"{old} is {new}" for old, new in renamed.items())
    rows = f"(SELECT {', '.join(listed)}, _file, _line FROM {{0}})"
    found = remade(database, table, rows, f"columns were renamed between its files: {asks}: is that right?")
    again: dict[str, ColumnProfile] = {
        column: profile_column(database, name(table.name), column, "VARCHAR", found.rows) for column in of
    }
    return replace(found, columns={column: again.get(column, one) for column, one in found.columns.items()})
