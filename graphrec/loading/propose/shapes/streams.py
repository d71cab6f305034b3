"""Tables that hold records of several kinds: attributes and values below each other, and feeds of events.

A table of thing, attribute and value becomes one with a column for each attribute, for each kind of thing. A feed
whose rows have other columns by their type, as user.created and account.opened have, becomes a table for each; types
that name the same things stay together.
"""

from collections.abc import Collection, Iterator, Sequence

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile, profile_column
from graphrec.loading.propose.concepts import place
from graphrec.loading.propose.looks import looks
from graphrec.loading.propose.remade import side_by_side, with_rows
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import free_name, words
from graphrec.loading.sources.sql import name, value

_ATTRIBUTE = frozenset(
    {"attribute", "attr", "field", "property", "merkmal", "eigenschaft", "feld", "param", "parameter", "属性"}
)
_VALUE = frozenset({"value", "val", "wert", "valeur", "valor", "valore", "waarde", "值"})
_SAID = frozenset(
    {"created", "registered", "updated", "added", "catalogued", "changed", "upserted", "published", "event", "v1", "v2"}
)
"""Words of types of events that only say that there is something, or what it is like now."""
_MOST_ATTRIBUTES = 80
_MOST_TYPES = 15
_FILLED = 0.9
"""A column is of a type where so many of its rows have it."""
_APART = 0.4
"""The share of columns that some types have and others never, from which types are kinds of their own."""


def with_kinds(database: duckdb.DuckDBPyConnection, tables: Sequence[TableProfile]) -> list[TableProfile]:
    """The tables, those that hold several kinds of records as a table for each."""
    done, taken = list[TableProfile](), {table.name for table in tables}
    for table in tables:
        made = [*(_pivoted(database, table, taken) or _by_type(database, table, taken))]
        done += made or [table]
    return done


def _pivoted(database: duckdb.DuckDBPyConnection, table: TableProfile, taken: set[str]) -> list[TableProfile]:
    """A table of attributes and values with a column for each attribute; nothing where it is none."""
    columns = list(table.columns.values())
    attribute = _named(columns, _ATTRIBUTE)
    told = _named(columns, _VALUE)
    if attribute is None or told is None or not 3 <= attribute.distinct <= _MOST_ATTRIBUTES:
        return []
    others = [one for one in columns if one not in (attribute, told) and one.kind in {"text", "integer"}]
    things = [one for one in others if one.looks_like_id and attribute.distinct < one.distinct < table.rows]
    if not things:
        return []
    thing, kind = things[0], next((one for one in others if one is not things[0] and 2 <= len(one.values) <= 8), None)
    times = [one for one in columns if one.kind == "time" and one not in (attribute, told)]
    order = f"{times[0].moment} DESC NULLS LAST, " if times else ""
    found = []
    for each in kind.values if kind is not None else ("",):
        of = f" WHERE {name(kind.name)} = {value(each)}" if kind is not None else ""
        key = "_".join([*words(each), "id"]) if each else thing.name
        query = f"SELECT DISTINCT {name(attribute.name)} FROM {name(table.name)}{of} ORDER BY 1"
        listed = [str(row[0]) for row in database.execute(query).fetchall() if row[0] is not None]
        given: dict[str, str] = {}
        for one in listed:
            given[free_name(one, {key.casefold(), *map(str.casefold, given)})] = one
        values = side_by_side(attribute.name, name(told.name), given)
        last = (
            f"(SELECT * FROM {{0}}{of} QUALIFY row_number() OVER (PARTITION BY {name(thing.name)}, "
            f"{name(attribute.name)} ORDER BY {order}_file DESC, _line DESC) = 1)"
        )
        rows = (
            f"(SELECT {name(thing.name)} AS {name(key)}, {values}, min(_file) AS _file, min(_line) AS _line "
            f"FROM {last} GROUP BY {name(thing.name)} ORDER BY _file, _line)"
        )
        asks = f"its {len(listed)} different {attribute.name} are columns, the last {told.name} of each: is that right?"
        found.append(_made(database, table, free_name(each or f"{table.name}_{thing.name}", taken), rows, asks))
        taken.add(found[-1].name)
    return found


def _named(columns: Sequence[ColumnProfile], said: Collection[str]) -> ColumnProfile | None:
    return next((one for one in columns if (one.words and one.words[0] in said) or one.name in said), None)


def _by_type(database: duckdb.DuckDBPyConnection, table: TableProfile, taken: set[str]) -> list[TableProfile]:
    """A feed of events as a table for each type whose rows have columns of their own; nothing where all are alike."""
    texts = [one for one in table.columns.values() if one.kind == "text" and one.filled == one.rows]
    typed = next((one for one in texts if 2 <= len(one.values) <= _MOST_TYPES and looks(one.name, "action")), None)
    if typed is None:
        return []
    filled = _filled_by_type(database, table, typed)
    ids = [one.name for one in table.columns.values() if one.looks_like_id and not one.is_unique]
    if sum(all(shares[one] >= _FILLED for shares in filled.values()) for one in ids) > 1:
        return []  # all are of one customer and one product: what was done there, and no kinds of records
    some = [column for column in table.columns if 0 < sum(filled[one][column] > 0 for one in filled) < len(filled)]
    if len(some) < _APART * len(table.columns) or len(some) < 3:
        return []
    groups: dict[tuple[str, ...], list[str]] = {}
    for text, shares in filled.items():
        ends = tuple(one for one in some if shares[one] >= _FILLED and table.columns[one].looks_like_id)
        own = tuple(one for one in some if shares[one] > 0)
        # A consent that was taken back may be given again: the last of both counts.
        kind = "consent" if any(place(text, one) is not None for one in ("consent", "objection")) else text
        groups.setdefault(ends if len(ends) > 1 else (kind, *own), []).append(text)
    if len(groups) < 2 or any(not ends for ends in groups):
        return []
    return [*_split(database, table, typed, groups, filled, taken)]


def _filled_by_type(
    database: duckdb.DuckDBPyConnection, table: TableProfile, typed: ColumnProfile
) -> dict[str, dict[str, float]]:
    """The share of rows of each type that have each column."""
    counts = ", ".join(f"count({name(one)}) / count(*)" for one in table.columns)
    rows = f"SELECT {name(typed.name)}, {counts} FROM {name(table.name)} GROUP BY 1 ORDER BY 1"
    return {str(row[0]): dict(zip(table.columns, row[1:], strict=True)) for row in database.execute(rows).fetchall()}


def _split(
    database: duckdb.DuckDBPyConnection, table: TableProfile, typed: ColumnProfile,
    groups: dict[tuple[str, ...], list[str]], filled: dict[str, dict[str, float]], taken: set[str],
) -> Iterator[TableProfile]:  # fmt: skip
    """A table for each group of types, with the columns that it has and that are not the same in all rows."""
    for texts in groups.values():
        there = [one for one in table.columns if any(filled[text][one] > 0 for text in texts)]
        own = [one for one in there if table.columns[one].distinct > 1 and (one != typed.name or len(texts) > 1)]
        if not own:
            continue  # what is alike in all rows says nothing
        of = f"{name(typed.name)} IN ({', '.join(map(value, texts))})"
        rows = f"(SELECT {', '.join(map(name, own))}, _file, _line FROM {{0}} WHERE {of} ORDER BY _file, _line)"
        shared = [word for word in words(texts[0]) if all(word in words(text) for text in texts)] or words(texts[0])
        plain = [word for word in shared if word not in _SAID] or shared
        called = free_name("_".join(plain), taken)
        taken.add(called)
        asks = f"what has {typed.name} {', '.join(texts)} is a table of its own ({called}): is that right?"
        yield _made(database, table, called, rows, asks)


def _made(database: duckdb.DuckDBPyConnection, table: TableProfile, called: str, rows: str, asks: str) -> TableProfile:
    """A table of some rows of another one."""
    database.execute(f"CREATE TABLE {name(called)} AS SELECT * FROM {with_rows(rows, name(table.name))}")
    described = database.execute(f"DESCRIBE {name(called)}").fetchall()
    count = int(database.execute(f"SELECT count(*) FROM {name(called)}").fetchall()[0][0])
    columns = {
        column: profile_column(database, name(called), column, str(kind), count)
        for column, kind, *_ in described
        if column not in {"_file", "_line"}
    }
    return TableProfile(
        called, table.path, count, columns, options=table.options, of=table.of,
        source=with_rows(rows, table.rows_sql), questions=(*table.questions, asks),
    )  # fmt: skip
