"""A table beside the data that says what the columns of others are called, and what their values mean.

Columns with a code for a name (E0100401), or with one that no word tells (RKKD), are called as it says.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from graphrec.loading.propose.looks import is_known_name
from graphrec.loading.propose.remade import remade
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.sources.sql import name, value

_CODE = re.compile(r"[^\W\d_]{0,4}[-_.]?\d+")
_MOST = 3000
"""A longer table lists things, and no columns."""
_TOLD = 0.9
"""So many of the columns of a table are those that the catalogue tells, the first one among them: where columns are
products, those of the customer before them are not."""
_SHORT, _LONG = 8, 40
"""Letters of a name that may say nothing, and of one that is given, at most."""
_VALUES = re.compile(r"([^\s=,;:]+)\s*[=:]\s*([^=,;:]+?)\s*(?:[,;]|$)")
"""What the values of a column mean: 1 = yes, 2 = no."""
_FEW = 20
"""A column with more different values holds none that a catalogue explains."""


@dataclass(frozen=True)
class _Catalogue:
    """What one table tells of columns, by their names without case."""

    table: str
    called: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]


def with_told_names(database: duckdb.DuckDBPyConnection, tables: Sequence[TableProfile]) -> list[TableProfile]:
    """The tables with the names for columns that another table tells, and without that one where it told some."""
    used: set[str] = set()
    found = list(tables)
    for catalogue in (one for table in tables if (one := _catalogue(database, table, tables)) is not None):
        for place, table in enumerate(found):
            if table.name != catalogue.table and (told := _told(catalogue, table)):
                found[place] = _renamed(database, table, catalogue, told)
                used.add(catalogue.table)
    return [table for table in found if table.name not in used]


def _catalogue(
    database: duckdb.DuckDBPyConnection, table: TableProfile, tables: Sequence[TableProfile]
) -> _Catalogue | None:
    """What a table tells of the columns of others; None where it is no catalogue of them."""
    columns = [one for one in table.columns.values() if one.filled]
    names = {column.casefold() for other in tables if other.name != table.name for column in other.columns}
    if not len(columns) >= 2 or not 2 <= table.rows <= _MOST:
        return None
    listed = ", ".join(f"CAST({name(one.name)} AS VARCHAR)" for one in columns)
    rows = database.execute(f"SELECT {listed} FROM {name(table.name)} ORDER BY _file, _line").fetchall()
    cells = [[(row[place] or "").strip() for row in rows] for place in range(len(columns))]
    known = [sum(cell.casefold() in names for cell in some) for some in cells]
    key = max(range(len(columns)), key=known.__getitem__)
    if 2 * known[key] < len(rows):
        return None
    texts = [place for place in range(len(columns)) if place != key and _are_names(cells[place])]
    called = max(texts, key=lambda place: (len(set(cells[place])), -place), default=None)
    if called is None or 2 * len(set(cells[called])) < len(rows):
        return None
    meanings = {
        cells[key][n].casefold(): pairs
        for n in range(len(rows))
        for place in range(len(columns))
        if place not in (key, called) and len(pairs := dict(_VALUES.findall(cells[place][n]))) > 1
    }
    named = {code.casefold(): _short(text) for code, text in zip(cells[key], cells[called], strict=True) if text}
    return _Catalogue(table.name, named, meanings)


def _are_names(cells: Sequence[str]) -> bool:
    """Whether most texts are words, and no codes or numbers."""
    return 2 * sum(bool(re.search(r"[^\W\d_]{3}", cell)) and not _CODE.fullmatch(cell) for cell in cells) > len(cells)


def _short(text: str) -> str:
    """The first words of a description, as a name."""
    said = re.split(r"[(\[:;,.\n]| - ", text, maxsplit=1)[0].strip() or text.strip()
    return said if len(said) <= _LONG else said[:_LONG].rpartition(" ")[0] or said[:_LONG]


def _told(catalogue: _Catalogue, table: TableProfile) -> dict[str, str]:
    """The new names of the columns of a table; nothing where it has words of its own, or is not told of."""
    told = [column for column in table.columns if column.casefold() in catalogue.called]
    bare = [column for column in told if _says_nothing(column)]
    is_first = bool(told) and told[0] == next(iter(table.columns))
    if not is_first or len(told) < _TOLD * len(table.columns) or 2 * len(bare) < len(told):
        return {}
    taken = {column.casefold() for column in table.columns}
    found: dict[str, str] = {}
    for column in bare:
        if (wanted := catalogue.called[column.casefold()]).casefold() != column.casefold():
            names = (wanted, *(f"{wanted} {n}" for n in range(2, len(taken) + 3)))
            found[column] = next(one for one in names if one.casefold() not in taken)
            taken.add(found[column].casefold())
    return found


def _says_nothing(column: str) -> bool:
    return bool(_CODE.fullmatch(column)) or (len(column) <= _SHORT and not is_known_name(column))


def _renamed(
    database: duckdb.DuckDBPyConnection, table: TableProfile, catalogue: _Catalogue, told: Mapping[str, str]
) -> TableProfile:
    """A table with other names of columns, and the words of values that are explained."""
    selected = []
    for column, one in table.columns.items():
        pairs = catalogue.values.get(column.casefold(), {})
        sql, query = name(column), f"SELECT DISTINCT CAST({name(column)} AS VARCHAR) FROM {name(table.name)}"
        if pairs and one.distinct <= _FEW:
            values = {row[0] for row in database.execute(query).fetchall() if row[0] is not None}
            if values <= pairs.keys():
                cases = " ".join(f"WHEN {value(code)} THEN {value(pairs[code])}" for code in sorted(values))
                sql = f"CASE CAST({name(column)} AS VARCHAR) {cases} END"
        selected.append(f"{sql} AS {name(told.get(column, column))}")
    rows = f"(SELECT {', '.join(selected)}, _file, _line FROM {{0}})"
    first = ", ".join(f"{old} is {new}" for old, new in list(told.items())[:4])
    return remade(database, table, rows, f"columns are called as {catalogue.table} says ({first}): is that right?")
