"""Rows in rows, as JSON has them: structs become columns, and lists tables of their own."""

import re
from dataclasses import dataclass

import duckdb

from graphrec.loading.propose.words import words
from graphrec.loading.sources.sql import name

_STRUCT, _LIST = "STRUCT", "[]"


@dataclass(frozen=True)
class Flat:
    """A table without nested columns, in the database under its name."""

    table: str
    source: str = ""
    """SQL of its rows over the tables of the files; nothing: the table of a file as it is."""
    parts: tuple["Flat", ...] = ()
    """What was in lists."""
    questions: tuple[str, ...] = ()


def flatten(database: duckdb.DuckDBPyConnection, table: str) -> Flat:
    """A table with its structs as columns, and one more table for each list of it; nothing where nothing is nested.

    The tables are made in the database; that of the file stays where it has nothing nested.
    """
    columns = _columns(database, f"SELECT * FROM {name(table)}")
    if not any(_is_struct(kind) for kind in columns.values()):
        return Flat(table)
    plain = _plain(columns, "t")
    parts = []
    for column, kind in columns.items():
        if not (_is_struct(kind) and kind.endswith(_LIST)):
            continue
        part = f"{table}_{'_'.join(words(column))}"
        source = _unnested(database, table, column, plain)
        database.execute(f"CREATE TABLE {name(part)} AS SELECT * FROM {source}")
        asks = f"holds the {column} of {table}, a row each: is that what is wanted?"
        parts.append(Flat(part, source, questions=(asks,)))
    source = f"(SELECT {_listed(plain)}, t._file, t._line FROM {name(table)} AS t)"
    database.execute(f"CREATE TABLE {name(f'{table} flat')} AS SELECT * FROM {source}")
    database.execute(f"DROP TABLE {name(table)}")
    database.execute(f"ALTER TABLE {name(f'{table} flat')} RENAME TO {name(table)}")
    return Flat(table, source, tuple(parts))


def _columns(database: duckdb.DuckDBPyConnection, sql: str) -> dict[str, str]:
    described = database.execute(f"DESCRIBE {sql}").fetchall()
    return {column: kind for column, kind, *_ in described if not column.startswith("_")}


def _is_struct(kind: str) -> bool:
    """Whether it is a struct or a list of them; a list of plain values stays as it is, a text in the end."""
    return kind.startswith(_STRUCT)


def _plain(columns: dict[str, str], of: str) -> dict[str, str]:
    """The columns that are no lists of structs, those in structs among them: SQL by name."""
    found: dict[str, str] = {}
    for column, kind in columns.items():
        if not _is_struct(kind):
            found[column] = f"{of}.{name(column)}"
            continue
        for inner, one in _fields(kind).items() if not kind.endswith(_LIST) else ():
            if not _is_struct(one):
                given = inner if inner not in columns and inner not in found else f"{column}_{inner}"
                found[given] = f"{of}.{name(column)}.{name(inner)}"
    return found


def _fields(kind: str) -> dict[str, str]:
    """The fields of a struct as DuckDB prints it, with their types."""
    body, depth, found, begun = kind[kind.index("(") + 1 : kind.rindex(")")], 0, [], 0
    quoted = False
    for place, sign in enumerate(body):
        quoted ^= sign == '"'
        depth += (sign == "(") - (sign == ")") if not quoted else 0
        if sign == "," and not depth and not quoted:
            found.append(body[begun:place])
            begun = place + 1
    parts = [re.fullmatch(r'\s*("(?:[^"]|"")+"|\S+)\s+(.+)', one, re.DOTALL) for one in [*found, body[begun:]]]
    return {part[1].strip('"').replace('""', '"'): part[2] for part in parts if part is not None}


def _unnested(database: duckdb.DuckDBPyConnection, table: str, column: str, plain: dict[str, str]) -> str:
    """SQL of the rows in one list, each with the plain columns of the row that it stands in."""
    inner = f"(SELECT t, unnest(t.{name(column)}) AS e, t._file, t._line FROM {name(table)} AS t)"
    fields = {
        (one if one not in plain else f"{column}_{one}"): f"u.e.{name(one)}"
        for one, inside in _fields(_columns(database, f"SELECT e FROM {inner}")["e"]).items()
        if not _is_struct(inside)
    }
    outer = {one: f"u.{sql}" for one, sql in plain.items()}
    return f"(SELECT {_listed({**outer, **fields})}, u._file, u._line FROM {inner} AS u)"


def _listed(columns: dict[str, str]) -> str:
    return ", ".join(f"{sql} AS {name(column)}" for column, sql in columns.items())
