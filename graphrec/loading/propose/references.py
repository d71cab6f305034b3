"""Keys of tables, and the columns that hold those of others: by names, and by values."""

from collections.abc import Collection
from dataclasses import replace

import duckdb

from graphrec.loading.persons.values import REACHING
from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import bare, is_identifier, singular, stem, words
from graphrec.loading.sources.sql import name

ENOUGH_KEYS = 5
FEW_KEYS = 0.05
"""A column without a telling name has at least so many of a table's keys, and that share of them, if it holds them."""
SHORT_KEY = 3.0
"""Shorter values are levels and codes, and keys by chance."""
STRAYS = 0.1
"""The share of a column's different values that may be no key of the table it refers to."""


def with_keys(database: duckdb.DuckDBPyConnection, tables: list[TableProfile]) -> list[TableProfile]:
    """Each table with its key: of several that could be, the one that other tables have too."""
    done, by_name = [], {table.name: table for table in tables}
    for table in tables:
        others = [other for other in tables if other.name != table.name]
        elsewhere = {column.casefold() for other in others for column in other.columns} - {"id"}
        # The rows of a list stand in a row that has its own key, which names none of them.
        around = by_name[table.of].columns if table.of in by_name and table.of != table.name else {}
        own = {column: one for column, one in table.columns.items() if column not in around}
        key = key_of(replace(table, columns=own), elsewhere, _of_others(table, others))
        if key is None or key.casefold() not in elsewhere or not table.columns[key].looks_like_id:
            apart = [other for other in others if other.of != table.of]
            key = _meant_elsewhere(database, replace(table, columns=own), apart) or key
        if key is not None and not table.columns[key].is_unique and _is_own(key, others):
            key = None  # of accounts, some of which have two holders
        if key is not None and around and _are_of_whole(database, table, key, by_name[table.of]):
            key = None  # others of the same things, such as products like it
        done.append(replace(table, key=table.key or key))
    return done


def _are_of_whole(database: duckdb.DuckDBPyConnection, table: TableProfile, column: str, whole: TableProfile) -> bool:
    """Whether what lies in the rows of a whole names rows of it."""
    for one in whole.columns.values():
        named = replace(whole, key=one.name)
        if one.is_unique and one.looks_like_id and could_be_keys(table.columns[column], named):
            return count_strays(database, table, column, named) == 0
    return False


def _is_own(key: str, others: list[TableProfile]) -> bool:
    """Whether a column of that name names each row of one of some tables once."""
    return any(
        one.name.casefold() == key.casefold() and one.is_unique for other in others for one in other.columns.values()
    )


def _of_others(table: TableProfile, others: list[TableProfile]) -> set[str]:
    """The columns of a table that are called like other tables, or like what names the rows of those."""
    keys = {one.name for other in others for one in other.columns.values() if one.is_unique and _is_of(one, other)}
    own, called = words(singular(table.name)), [words(singular(other.name)) for other in others]
    return {
        one.name
        for one in table.columns.values()
        if (one.name in keys and not _is_of(one, table)) or (stem(one.name) != own and stem(one.name) in called)
    }


def _is_of(column: ColumnProfile, table: TableProfile) -> bool:
    """Whether a column is called like its table."""
    return bool({*words(table.name), singular(table.name)} & set(column.words))


def key_of(table: TableProfile, elsewhere: set[str], of_others: Collection[str] = ()) -> str | None:
    """The column that names the rows: unique, or all but unique, and called like an identifier or like the table.

    Args:
        elsewhere: names of columns of other tables, in small letters.
        of_others: columns that name rows of other tables; what is called like the table, or Id, goes before them.
    """
    columns = list(table.columns.values())
    own = {*words(table.name), singular(table.name)}
    named = [column for column in columns if column.is_unique and (column.looks_like_id or own & set(column.words))]
    apart = [one for one in named if one.name not in of_others]
    if any(one.words == ["id"] or stem(one.name) == words(singular(table.name)) for one in apart):
        named = apart
    if named:
        return min(
            named,
            key=lambda one: (
                one.shape in REACHING,
                not one.looks_like_id,
                not own & set(one.words),
                one.name.casefold() not in elsewhere,
            ),
        ).name
    # What is the same in all rows, such as the kind of a record, names none.
    first = next((one for one in columns if one.distinct > 1), None)
    if first is not None and ((first.is_unique and first.mean_length <= 40) or first.is_nearly_unique):
        return first.name
    return None


def _meant_elsewhere(
    database: duckdb.DuckDBPyConnection, table: TableProfile, others: list[TableProfile]
) -> str | None:
    """A column that names the rows in other tables, under the same name and many times, whatever it is called."""
    for column in table.columns.values():
        if not column.is_unique or column.has_blanks or column.mean_length < SHORT_KEY:
            continue
        if not column.looks_like_id and (_OF_NAMES & set(column.words) or column.shape in REACHING):
            continue
        for other in others:
            there = next((one for one in other.columns.values() if one.name.casefold() == column.name.casefold()), None)
            if there is None or there.is_unique or not could_be_keys(there, replace(table, key=column.name)):
                continue
            if count_strays(database, other, there.name, replace(table, key=column.name)) == 0:
                return column.name
    return None


_OF_NAMES = frozenset({"name", "title", "description", "bezeichnung", "nom", "nombre", "nome", "naam"})


def with_references(database: duckdb.DuckDBPyConnection, tables: list[TableProfile]) -> list[TableProfile]:
    """Each table with the columns that hold keys of others."""
    owners = [table for table in tables if table.key]
    done = []
    for table in tables:
        found, strays = {}, {}
        for column in table.columns.values():
            matches = [
                owner
                for owner in owners
                if owner.name != table.name
                and (may_refer(column, owner) or _is_included(database, table, column, owner))
            ]
            counts = {owner.name: count_strays(database, table, column.name, owner) for owner in matches}
            fitting = [owner for owner in matches if fits(counts[owner.name], column)]
            called = [owner for owner in fitting if is_called_like(column, owner)]
            best = min(
                called or fitting, key=lambda one: (not _is_called_like_key(one), counts[one.name]), default=None
            )
            if best is not None:
                found[column.name] = best.name
                strays[column.name] = counts[best.name]
        done.append(replace(table, references=found, strays={name: count for name, count in strays.items() if count}))
    return _of_one_owner(database, _without_mutual(done))


def _of_one_owner(database: duckdb.DuckDBPyConnection, tables: list[TableProfile]) -> list[TableProfile]:
    """Where two tables have the same things, what refers to the one that does not own the key refers to the other."""
    by_name = {table.name: table for table in tables}
    owners: dict[str, TableProfile] = {}
    for table in tables:
        first = by_name.get(table.references.get(table.key or "", ""))
        if first is not None and (first.key or "").casefold() == (table.key or "").casefold():
            owners[table.name] = first
    done = []
    for table in tables:
        found, strays = dict(table.references), dict(table.strays)
        for column, other in table.references.items():
            first = owners.get(other)
            if first is None or first.name == table.name:
                continue
            count = count_strays(database, table, column, first)
            if fits(count, table.columns[column]):
                found[column], strays[column] = first.name, count
        done.append(replace(table, references=found, strays={one: count for one, count in strays.items() if count}))
    return done


def fits(strays: int, column: ColumnProfile) -> bool:
    """Whether so few different values are no keys that the column may hold keys."""
    return strays <= STRAYS * column.distinct


def may_refer(column: ColumnProfile, owner: TableProfile) -> bool:
    """Whether a column may hold the keys of a table: by the names, or as both are identifiers with letters in them."""
    assert owner.key is not None
    key = owner.columns[owner.key]
    if column.filled == 0 or column.kind not in {"text", "integer"}:
        return False
    return is_called_like(column, owner) or (
        column.looks_like_id and key.looks_like_id and column.kind == key.kind == "text"
    )


def is_called_like(column: ColumnProfile, owner: TableProfile) -> bool:
    """Whether the name of a column is that of the key of a table, or of its rows."""
    assert owner.key is not None
    if column.name.casefold() == owner.key.casefold() and column.words != ["id"]:
        return True
    own = {*words(singular(owner.name))[-1:], *stem(owner.key)}
    if _OF_AMOUNTS.intersection(column.words[-1:]) - own:
        return False  # the weight of a tag is no tag
    called = [word for word in map(singular, stem(column.name)) if not is_identifier(word)]
    return any(word in own or bare(word) in set(map(bare, own)) for word in called)


_OF_AMOUNTS = frozenset(
    {
        *("weight", "count", "amount", "score", "rank", "price", "share", "percent", "pct", "total", "sum", "qty"),
        *(
            "quantity",
            "gewicht",
            "anzahl",
            "betrag",
            "preis",
            "summe",
            "anteil",
            "prix",
            "montant",
            "importe",
            "precio",
        ),
    }
)
"""Last words of columns that say how much."""


def _is_included(
    database: duckdb.DuckDBPyConnection, table: TableProfile, column: ColumnProfile, owner: TableProfile
) -> bool:
    """Whether the values of a column, whatever its name, are keys of a table."""
    return (
        column.name != table.key
        and could_be_keys(column, owner)
        and count_strays(database, table, column.name, owner) == 0
    )


def could_be_keys(column: ColumnProfile, owner: TableProfile) -> bool:
    """Whether a column has so many different values that it would be no chance if all were keys of a table."""
    assert owner.key is not None
    key = owner.columns[owner.key]
    if column.kind not in {"text", "integer"} or key.kind not in {"text", "integer"}:
        return False
    if column.kind == "integer" and _OF_AMOUNTS.intersection(column.words[-1:]):
        return False
    enough = max(ENOUGH_KEYS, key.distinct * FEW_KEYS)
    return enough <= column.distinct <= key.distinct * (1 + STRAYS) and column.mean_length >= SHORT_KEY


def count_strays(
    database: duckdb.DuckDBPyConnection,
    table: TableProfile,
    column: str,
    owner: TableProfile,
    written: str = "{}",
    *,
    of_both: bool = False,
) -> int:
    """How many of the different values of a column are no key of a table.

    Args:
        written: SQL of another way to write the values, and with `of_both` the keys too.
    """
    assert owner.key is not None
    key = as_text(owner.key, written if of_both else "{}")
    keys = f"SELECT {key} FROM {name(owner.name)} WHERE {name(owner.key)} IS NOT NULL"
    values = f"SELECT DISTINCT {as_text(column, written)} AS v FROM {name(table.name)}"
    query = f"SELECT count(*) FROM ({values}) WHERE v IS NOT NULL AND v NOT IN ({keys})"
    return int(database.execute(query).fetchall()[0][0])


def as_text(column: str, written: str = "{}") -> str:
    """SQL of the values of a column as texts, written otherwise; an empty one is NULL."""
    return f"nullif({written.format(f'CAST({name(column)} AS VARCHAR)')}, '')"


def _without_mutual(tables: list[TableProfile]) -> list[TableProfile]:
    """Two tables with one key: the one called like it owns it, else the one with more rows or columns."""
    by_name = {table.name: table for table in tables}
    for table in tables:
        owner = by_name.get(table.references.get(table.key or "", ""))
        if (
            owner
            and owner.references.get(owner.key or "") == table.name
            and _claim(table) >= _claim(by_name[owner.name])
        ):
            left = {column: other for column, other in table.references.items() if column != table.key}
            strays = {column: count for column, count in table.strays.items() if column in left}
            by_name[table.name] = replace(table, references=left, strays=strays)
    return list(by_name.values())


def _claim(table: TableProfile) -> tuple[bool, int, bool, int, int]:
    """How well a table may own its key: by its name, its rows, what its things are called, and what it says of them."""
    is_named = any(_OF_NAMES & set(one.words) for one in table.columns.values())
    told = [one for one in table.columns.values() if not one.looks_like_id]
    return _is_called_like_key(table), table.rows, is_named, len(told), len(table.columns)


def _is_called_like_key(table: TableProfile) -> bool:
    """Whether rows are called after the key: customers own customer_id, whatever else has a row for each of them."""
    return singular(words(singular(table.name))[-1]) in map(singular, stem(table.key or ""))
