"""Identifiers that several systems write otherwise: in other case, with other signs, with zeros that one has lost."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.looks import is_personal, likeness, looks
from graphrec.loading.propose.references import (
    STRAYS,
    as_text,
    could_be_keys,
    count_strays,
    fits,
    is_called_like,
    may_refer,
)
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.sources.sql import name, value

_UPPER = "upper({})"
_NUMBER = (
    r"coalesce(CASE WHEN regexp_full_match({0}, '[\w\s./#-]*') "
    r"THEN nullif(regexp_replace(regexp_replace({0}, '\D', '', 'g'), '^0+(\d)', '\1'), '') END, {0})"
)
"""SQL of the number in an identifier, without zeros before it; a text with other signs, such as an address, stays."""
_SAME = (
    (_UPPER, "in other case"),
    (r"regexp_replace({}, '\.0+$', '')", "with .0 behind it"),
    (r"upper(regexp_replace({}, '[\s./_-]+', '', 'g'))", "with other signs between"),
    (r"regexp_replace({}, '^[A-Za-z]+[\s_-]*([0-9].*)$', '\1')", "with letters before the number"),
    (_NUMBER, "with letters or zeros before the number"),
)
"""SQL that writes identifiers in one way, and what is otherwise about them; the last ways join most."""
_CHECK_DIGIT = "regexp_replace({}, '[-/ ]?[0-9A-Z]$', '')"
"""A number without the digit at its end that proves the others."""
_ENOUGH = 20
"""So many different numbers say that they are the same without their letters."""

Seen: TypeAlias = "dict[tuple[str, ...], bool | _Digits]"
"""What was asked of columns since the tables last changed: every column is held against every key."""


def spelled_alike(database: duckdb.DuckDBPyConnection, tables: list[TableProfile]) -> list[TableProfile]:
    """The tables with identifiers as those that they refer to are written, in the database too."""
    by_name = {table.name: table for table in tables}
    seen: Seen = {}
    for owner_name in [table.name for table in tables if table.key]:
        for name_of in [table.name for table in tables if table.name != owner_name]:
            for column in by_name[name_of].columns.values():
                table, owner = by_name[name_of], by_name[owner_name]
                is_other = column.name == table.key and not is_called_like(column, owner)
                if not column.written and not is_other and _may_be_meant(column, owner):
                    if any(_is_whole(database, table, column, one) for one in by_name.values() if one is not owner):
                        continue
                    if is_called_like(column, owner) and _are_of_another(
                        database, table, column, owner, by_name.values()
                    ):
                        continue
                    if _is_other_key(database, table, column, owner):
                        continue
                    changed = _alike(database, table, column, owner, seen)
                    by_name |= changed
                    if changed:
                        seen.clear()
    return [by_name[table.name] for table in tables]


def _is_whole(
    database: duckdb.DuckDBPyConnection, table: TableProfile, column: ColumnProfile, owner: TableProfile
) -> bool:
    """Whether a column has the keys of a table that it is called like, as they are written."""
    if owner.key is None or owner.name == table.name or not is_called_like(column, owner):
        return False
    return count_strays(database, table, column.name, owner) == 0


def _is_other_key(
    database: duckdb.DuckDBPyConnection, table: TableProfile, column: ColumnProfile, owner: TableProfile
) -> bool:
    """Whether a column has, as they are written, the values of a column of that name that tells the rows of a table
    apart, and that is not its key."""
    there = owner.columns.get(column.name)
    if there is None or there.name == owner.key or not there.is_unique:
        return False
    return count_strays(database, table, column.name, replace(owner, key=there.name)) == 0


def _may_be_meant(column: ColumnProfile, owner: TableProfile) -> bool:
    return (
        may_refer(column, owner)
        or could_be_keys(column, owner)
        or _is_of_people(column, owner)
        or (column.kind == "real" and is_called_like(column, owner))
    )


def _is_of_people(column: ColumnProfile, owner: TableProfile) -> bool:
    """Whether a column is called like customers, and a table, whatever its name, has something personal in it."""
    people = any(is_personal(one, of_user=False) or looks(one.name, "protected") for one in owner.columns.values())
    return people and column.kind == "integer" and likeness(column.name) > 0


def _alike(
    database: duckdb.DuckDBPyConnection, table: TableProfile, column: ColumnProfile, owner: TableProfile, seen: Seen
) -> dict[str, TableProfile]:
    """The tables that change where a column is written as the keys of another; none where it need not, or cannot."""
    assert owner.key is not None
    strays = count_strays(database, table, column.name, owner)
    if not strays:
        return {}
    if not fits(strays, column) and (padded := _padded(database, table, column, owner, seen)):
        return padded
    is_named = is_called_like(column, owner)
    if is_named and column.distinct >= _ENOUGH and (prefix := _prefix_of(database, owner)):
        written = f"{value(prefix)} || {{}}"
        if count_strays(database, table, column.name, owner, written) <= min(STRAYS * column.distinct, strays - 1):
            return _written(database, table, column.name, written, f"with {prefix} before the number", owner)
    for written, how in _SAME[: len(_SAME) if is_named and column.distinct >= _ENOUGH else 3 if is_named else 1]:
        most = STRAYS * column.distinct if is_named else 0
        if count_strays(database, table, column.name, owner, written) <= min(most, strays - 1):
            return _written(database, table, column.name, written, how, owner)
        if not _stay_different(database, owner, owner.key, written, seen):
            continue
        if not _stay_different(database, table, column.name, written, seen):
            continue  # names of products that end with a number
        if count_strays(database, table, column.name, owner, written, of_both=True) <= min(most, strays - 1):
            both = _written(database, table, column.name, written, how, owner)
            return both | _written(database, owner, owner.key, written, how, table)
    return _without_check_digit(database, table, column, owner) if is_named and column.distinct >= _ENOUGH else {}


def _are_of_another(
    database: duckdb.DuckDBPyConnection,
    table: TableProfile,
    column: ColumnProfile,
    owner: TableProfile,
    tables: Iterable[TableProfile],
) -> bool:
    """Whether the letters before the numbers are those of the keys of another table, and not of this one."""
    before = _prefix_of(database, owner)
    mine = _prefix_of(database, replace(table, key=column.name)) if before else ""
    others = (one for one in tables if one.key and one.name != owner.name)
    return bool(mine) and mine != before and any(_prefix_of(database, one) == mine for one in others)


def _without_check_digit(
    database: duckdb.DuckDBPyConnection, table: TableProfile, column: ColumnProfile, owner: TableProfile
) -> dict[str, TableProfile]:
    """With numbers that one file has with a check digit and the other without."""
    assert owner.key is not None
    for one, key, other in ((table, column.name, owner), (owner, owner.key, table)):
        texts = as_text(key), as_text(key, _CHECK_DIGIT)
        query = f"SELECT count(DISTINCT {texts[0]}), count(DISTINCT {texts[1]}) FROM {name(one.name)}"
        before, after = database.execute(query).fetchall()[0]
        if before != after:
            continue  # the last digit tells numbers apart
        keys = (column.name, owner.key) if one is table else (owner.key, column.name)
        strays = (
            count_strays(database, table, column.name, owner, _CHECK_DIGIT)
            if one is table
            else _strays_of(database, table, column.name, owner)
        )
        if strays <= STRAYS * column.distinct:
            asks = f"{keys[0]} has a check digit that {keys[1]} of {other.name} has not; it is left out: is that right?"
            return _rewritten(database, one, key, _CHECK_DIGIT, asks)
    return {}


def _strays_of(database: duckdb.DuckDBPyConnection, table: TableProfile, column: str, owner: TableProfile) -> int:
    """How many values of a column are no key of a table, once the keys have lost their check digit."""
    assert owner.key is not None
    keys = f"SELECT {as_text(owner.key, _CHECK_DIGIT)} FROM {name(owner.name)} WHERE {name(owner.key)} IS NOT NULL"
    values = f"SELECT DISTINCT {as_text(column)} AS v FROM {name(table.name)}"
    query = f"SELECT count(*) FROM ({values}) WHERE v IS NOT NULL AND v NOT IN ({keys})"
    return int(database.execute(query).fetchall()[0][0])


def _prefix_of(database: duckdb.DuckDBPyConnection, owner: TableProfile) -> str:
    """The letters with which all keys of a table begin, before a number; nothing where they do not."""
    assert owner.key is not None
    begins = f"regexp_extract({as_text(owner.key)}, '^([A-Za-z]+[_-]?)[0-9]+$', 1)"
    found = database.execute(f"SELECT DISTINCT {begins} FROM {name(owner.name)} LIMIT 2").fetchall()
    return str(found[0][0] or "") if len(found) == 1 else ""


def _stay_different(
    database: duckdb.DuckDBPyConnection, table: TableProfile, column: str, written: str, seen: Seen
) -> bool:
    """Whether identifiers that differ still do when they are written otherwise: keys all, others nearly all."""
    if (known := seen.get((table.name, column, written))) is not None:
        return bool(known)
    texts = as_text(column), as_text(column, written)
    query = f"SELECT count(DISTINCT {texts[0]}), count(DISTINCT {texts[1]}) FROM {name(table.name)}"
    before, after = database.execute(query).fetchall()[0]
    seen[table.name, column, written] = found = bool(after >= before * (1 if column == table.key else 1 - STRAYS))
    return found


def _padded(
    database: duckdb.DuckDBPyConnection, table: TableProfile, column: ColumnProfile, owner: TableProfile, seen: Seen
) -> dict[str, TableProfile]:
    """With zeros before the numbers that one file has lost and the other has kept."""
    assert owner.key is not None
    mine, keys = _digits(database, table.name, column.name, seen), _digits(database, owner.name, owner.key, seen)
    if not (mine.longest > 0 and keys.longest > 0 and (may_refer(column, owner) or _is_of_people(column, owner))):
        return {}
    filled = f"lpad({{}}, {max(mine.longest, keys.longest)}, '0')"
    if not fits(count_strays(database, table, column.name, owner, filled, of_both=True), column):
        return {}
    if keys.are_padded and mine.longest <= keys.longest:
        return _filled_up(database, table, column.name, keys.longest, owner)
    if mine.are_padded and keys.longest <= mine.longest:
        return _filled_up(database, owner, owner.key, mine.longest, table)
    return {}


@dataclass(frozen=True)
class _Digits:
    """How the numbers of a column are written; `longest` is 0 where some are no numbers."""

    longest: int
    are_padded: bool
    """Whether all have the same length, and some begin with a zero."""


def _digits(database: duckdb.DuckDBPyConnection, table: str, column: str, seen: Seen) -> _Digits:
    known = seen.get((table, "digits of", column))
    if isinstance(known, _Digits):
        return known
    text = as_text(column)
    shortest, longest, zeros, others = database.execute(
        f"SELECT coalesce(min(length({text})), 0), coalesce(max(length({text})), 0), "
        f"count(*) FILTER (WHERE regexp_full_match({text}, '0\\d+')), "
        f"count(*) FILTER (WHERE NOT regexp_full_match({text}, '\\d+')) FROM {name(table)}"
    ).fetchall()[0]
    found = _Digits(0, False) if others else _Digits(longest, shortest == longest and zeros > 0)
    seen[table, "digits of", column] = found
    return found


def _filled_up(
    database: duckdb.DuckDBPyConnection, table: TableProfile, column: str, digits: int, other: TableProfile
) -> dict[str, TableProfile]:
    asks = f"{column} has lost the zeros that {other.name} has kept; it is filled up to {digits} digits: is that right?"
    return _rewritten(database, table, column, f"lpad({{}}, {digits}, '0')", asks)


def _written(
    database: duckdb.DuckDBPyConnection, table: TableProfile, column: str, written: str, how: str, other: TableProfile
) -> dict[str, TableProfile]:
    asks = f"{column} is written {how} in {other.name}; both are read as the same: is that right?"
    return _rewritten(database, table, column, written, asks)


def _rewritten(
    database: duckdb.DuckDBPyConnection, table: TableProfile, column: str, written: str, asks: str
) -> dict[str, TableProfile]:
    """The table with a column that is written otherwise, in the database too."""
    database.execute(f"ALTER TABLE {name(table.name)} ALTER {name(column)} TYPE VARCHAR")
    database.execute(f"UPDATE {name(table.name)} SET {name(column)} = {as_text(column, written)}")
    profile = replace(table.columns[column], written=written, kind="text", parse=None)
    columns = {**table.columns, column: profile}
    return {table.name: replace(table, columns=columns, questions=(*table.questions, asks))}
