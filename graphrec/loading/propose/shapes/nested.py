"""Rows in rows, as JSON has them: structs become columns, and lists of them tables of their own, however deep."""

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, replace

import duckdb

from graphrec.loading.propose.concepts import place
from graphrec.loading.propose.histories.changes import MOMENT, OPERATION
from graphrec.loading.propose.words import singular, words
from graphrec.loading.sources.sql import OWN_COLUMNS, name

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
    fields: Mapping[str, str] = field(default_factory=dict)
    """Column → its SQL over `t`, the rows of `inner`."""
    inner: str = ""


@dataclass(frozen=True)
class _Leaf:
    """A column without fields, or a list of rows: where it lies, and the SQL that reads it."""

    path: tuple[str, ...]
    kind: str
    sql: str

    @property
    def has_rows(self) -> bool:
        """Whether it is a list; one of plain values stays a text of the row too, as a list of lists does alone."""
        return self.kind.startswith(_STRUCT) or (self.kind.endswith(_LIST) and not self.kind.endswith(2 * _LIST))


def flatten(database: duckdb.DuckDBPyConnection, table: str) -> Flat:
    """A table with its structs as columns, and one more table for each list of it; nothing where nothing is nested.

    The tables are made in the database; that of the file stays where it has nothing nested. A file that is one row
    around one list, as exports with a head are, is that list.
    """
    source = _rows_of_changes(database, table) or name(table)
    columns = _columns(database, f"SELECT * FROM {source}")
    leaves = [leaf for column, kind in columns.items() for leaf in _leaves((column,), kind, f"t.{name(column)}")]
    lists = [leaf for leaf in leaves if leaf.has_rows]
    if not lists and source == name(table) and all(leaf.sql == f"t.{name(leaf.path[0])}" for leaf in leaves):
        return Flat(table)
    made: list[str] = []
    if len(lists) == 1 and _count(database, source) == 1:
        head, *parts = _in_list(database, table, source, leaves, lists[0], made, called=table)
        flat = replace(head, parts=tuple(parts))
    else:
        flat = _flat(database, table, source, leaves, made)
    database.execute(f"DROP TABLE {name(table)}")
    for one in made:
        database.execute(f"ALTER TABLE {name(f'{one} flat')} RENAME TO {name(one)}")
    return flat


def _flat(database: duckdb.DuckDBPyConnection, table: str, rows: str, leaves: list[_Leaf], made: list[str]) -> Flat:
    """Makes the table of rows without what is in lists, and those of the lists."""
    parts: list[Flat] = []
    for leaf in leaves:
        if leaf.has_rows:
            part = "_".join((table, *words("_".join(leaf.path))))
            parts += _in_list(database, table, rows, leaves, leaf, made, called=part)
    fields = _named(leaves)
    source = f"(SELECT {_listed(fields)}, t._file, t._line FROM {rows} AS t)"
    database.execute(f"CREATE TABLE {name(f'{table} flat')} AS SELECT * FROM {source}")
    made.append(table)
    return Flat(table, source, tuple(parts), fields=fields, inner=rows)


def _in_list(
    database: duckdb.DuckDBPyConnection,
    table: str,
    rows: str,
    leaves: list[_Leaf],
    of: _Leaf,
    made: list[str],
    *,
    called: str,
) -> list[Flat]:
    """Makes the tables of the rows in one list, each with the plain columns of the row around it, and of its lists."""
    outer = _named(leaves)
    element = next(one for one in ("e", *(f"e{n}" for n in range(len(outer) + 1))) if one not in outer)
    inner = f"(SELECT {_listed({**outer, element: f'unnest({of.sql})'})}, t._file, t._line FROM {rows} AS t)"
    kind = _columns(database, f"SELECT {name(element)} FROM {inner}")[element]
    own = [_Leaf((column,), "", f"t.{name(column)}") for column in outer]
    column = of.path[-1]
    if not kind.startswith(_STRUCT):
        own.append(_Leaf((*((column,) if column in outer else ()), singular(column)), kind, f"t.{name(element)}"))
    own += [
        _Leaf((*((column,) if leaf.path[0] in outer else ()), *leaf.path), leaf.kind, leaf.sql)
        for inside, one in (_fields(kind) if kind.startswith(_STRUCT) else {}).items()
        for leaf in _leaves((inside,), one, f"t.{name(element)}.{name(inside)}")
    ]
    flat = _flat(database, called, inner, own, made)
    asks = f"holds the {column} of {table}, a row each: is that what is wanted?"
    return [replace(flat, parts=(), questions=(asks,) if called != table else ()), *flat.parts]


def _rows_of_changes(database: duckdb.DuckDBPyConnection, table: str) -> str:
    """SQL of what changes wrote, or of what was deleted, as Debezium has it; nothing where a file is no such feed."""
    columns, around = _columns(database, f"SELECT * FROM {name(table)}"), "t."
    if columns.get("payload", "").startswith(_STRUCT):
        columns, around = _fields(columns["payload"]), 't."payload".'
    states = [one for one in ("after", "before") if columns.get(one, "").startswith(_STRUCT)]
    if not {"op", "after", "before"} <= columns.keys() or not states:
        return ""
    selected = []
    for one in dict.fromkeys(inner for state in states for inner in _fields(columns[state])):
        there = [state for state in states if one in _fields(columns[state])]
        read = ", ".join(f"{around}{name(state)}.{name(one)}" for state in there)
        selected.append(f"{f'coalesce({read})' if len(there) > 1 else read} AS {name(one)}")
    moment = next((one for one in ("ts_us", "ts_ms") if one in columns), None)
    selected.append(f"{around}op AS {name(OPERATION)}")
    selected += [f"{around}{name(moment)} AS {name(MOMENT)}"] if moment else []
    # A row of which nothing is known but that it is gone, as Kafka writes a tombstone, says nothing.
    return f"(SELECT {', '.join(selected)}, t._file, t._line FROM {name(table)} AS t WHERE {around}op IS NOT NULL)"


_WRAPPERS = frozenset({"$date", "$oid", "$numberLong", "$numberInt", "$numberDouble", "$numberDecimal"})
"""How MongoDB writes the type of a value around it."""


def _leaves(path: tuple[str, ...], kind: str, sql: str) -> Iterator[_Leaf]:
    """What lies in a column: itself, or the fields of a struct, those of structs in it among them."""
    if not kind.startswith(_STRUCT) or kind.endswith(_LIST):
        yield _Leaf(path, kind, sql)
        return
    for inner, one in _fields(kind).items():
        below = path if inner in _WRAPPERS else (*path, inner)
        yield from _leaves(below, one, f"{sql}.{name(inner)}")


def _named(leaves: list[_Leaf]) -> dict[str, str]:
    """SQL by name of the plain columns: by the field alone, with what it lies in where that name is taken."""
    plain = [leaf for leaf in leaves if not (leaf.has_rows and leaf.kind.startswith(_STRUCT))]
    whole = {leaf.path[0] for leaf in plain if len(leaf.path) == 1}
    found: dict[str, str] = {}
    for leaf in plain:
        found[_free(leaf.path, whole if len(leaf.path) > 1 else (), found)] = leaf.sql
    return found


_BARE = frozenset(
    {
        *("granted", "given", "accepted", "agreed", "value", "values", "at", "date", "time", "since", "from", "to"),
        *("until", "first", "last", "middle", "level", "state", "status", "amount", "code", "name", "label", "text"),
        *("type", "kind", "id", "number", "no", "flag", "enabled", "active", "class", "score", "rating", "min", "max"),
        # Languages of a text, as in {"title": {"en": …, "de": …}}.
        *("en", "de", "fr", "it", "es", "nl", "pt", "pl", "cs", "hu", "da", "sv", "nb", "fi", "el", "ro", "bg", "tr"),
        *("ru", "uk", "ar", "he", "hi", "ja", "ko", "zh", "th", "vi", "en_us", "en_gb", "de_de", "de_ch", "fr_ch"),
        *("unit", "raw", "ref", "key", "start", "end", "count", "total", "index", "version", "desc", "short", "long"),
    }
)
"""Words of fields that say nothing without what they lie in: first of a name, granted of a consent."""


def _is_of_consent(outer: str, inner: str) -> bool:
    """Whether a field is what customers agree to, which only what it lies in says: email in consents."""
    of_consent = ("consent", "objection")
    speaks = [any(place(one, concept) is not None for concept in of_consent) for one in (outer, inner)]
    return speaks == [True, False]


def _free(path: tuple[str, ...], whole: Container[str], taken: Container[str]) -> str:
    while len(path) > 1 and ("_".join(words(path[-1])) in _BARE or _is_of_consent(path[-2], path[-1])):
        path = (*path[:-2], f"{path[-2]}_{path[-1]}")
    names = ["_".join(path[first:]) for first in reversed(range(len(path)))]
    names += [f"{names[-1]}_{n}" for n in range(2, 1000)]
    return next(one for one in names if one not in whole and one not in taken)


def _columns(database: duckdb.DuckDBPyConnection, sql: str) -> dict[str, str]:
    described = database.execute(f"DESCRIBE {sql}").fetchall()
    return {column: kind for column, kind, *_ in described if column not in OWN_COLUMNS}


def _count(database: duckdb.DuckDBPyConnection, source: str) -> int:
    return int(database.execute(f"SELECT count(*) FROM {source}").fetchall()[0][0])


def _fields(kind: str) -> dict[str, str]:
    """The fields of a struct as DuckDB prints it, with their types."""
    body, depth, found, begun = kind[kind.index("(") + 1 : kind.rindex(")")], 0, [], 0
    quoted = False
    for at, sign in enumerate(body):
        quoted ^= sign == '"'
        depth += (sign == "(") - (sign == ")") if not quoted else 0
        if sign == "," and not depth and not quoted:
            found.append(body[begun:at])
            begun = at + 1
    parts = [re.fullmatch(r'\s*("(?:[^"]|"")+"|\S+)\s+(.+)', one, re.DOTALL) for one in [*found, body[begun:]]]
    return {part[1].strip('"').replace('""', '"'): part[2] for part in parts if part is not None}


def _listed(columns: dict[str, str]) -> str:
    return ", ".join(f"{sql} AS {name(column)}" for column, sql in columns.items())
