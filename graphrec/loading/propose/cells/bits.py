"""What customers agreed to as bits of a number or letters of a text: CONSENT_MASK 5, contact_permissions YNNY.

Where a table says what each bit means, or what the letters stand for one after another, each becomes a column of its
own. Where nothing says so the column stays as it is, and no rule can be written for it.
"""

import re
from collections.abc import Sequence

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.concepts import AGREES, place
from graphrec.loading.propose.remade import remade
from graphrec.loading.propose.shapes.sides import is_of_offers
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import free_name
from graphrec.loading.sources.sql import name, value

_MOST_MEANINGS = 16
_BETWEEN = re.compile(r"\s*[,;/|]\s*|\s+(?:and|und)\s+")
_LETTERS = r"[YN]{2,}|[JN]{2,}|[TF]{2,}|[01]{2,}"


def with_bits(database: duckdb.DuckDBPyConnection, tables: Sequence[TableProfile]) -> list[TableProfile]:
    """The tables with a column for each bit or letter of a consent whose meaning another table tells."""
    masks = [bits for table in tables if (bits := _bits_of(database, table)) is not None]
    comments = [(table, text) for table in tables for text in _comments(database, table)]
    done = []
    for table in tables:
        for column in list(table.columns.values()):
            meanings = _meanings(database, table, column, masks, comments)
            if meanings:
                table = _apart(database, table, column, meanings)
        done.append(table)
    return done


Meanings = dict[str, str]
"""SQL that tells whether a customer agreed, with {} for the column, and to what."""


def _meanings(
    database: duckdb.DuckDBPyConnection, table: TableProfile, column: ColumnProfile,
    masks: Sequence[dict[int, str]], comments: Sequence[tuple[TableProfile, list[str]]],
) -> Meanings:  # fmt: skip
    """What the bits or the letters of a column mean; nothing where it has none, or where no table tells."""
    if column.kind == "integer" and column.least >= 0 and column.most > 1 and not column.looks_like_id:
        for bits in masks:
            if set(column.words) & _OF_MASKS and column.most < 2 * max(bits):
                return {f"({{}} & {bit}) <> 0": meant for bit, meant in bits.items()}
    if not _is_of_letters(database, table, column):
        return {}
    for told, row in comments:
        listed = [one for part in _BETWEEN.split(row[-1].partition(":")[2] or row[-1]) if (one := part.strip())]
        if told.name != table.name and column.name in row[:-1] and len(listed) == round(column.mean_length):
            yes = "('Y', 'J', 'T', '1')"
            return {f"upper(substr({{}}, {at}, 1)) IN {yes}": one for at, one in enumerate(listed, start=1)}
    return {}


_OF_MASKS = frozenset({"mask", "bits", "bitmask", "flags", "bitmap", "flag", "permissions", "preferences", "options"})
"""Words of numbers whose bits say something."""


def _is_of_letters(database: duckdb.DuckDBPyConnection, table: TableProfile, column: ColumnProfile) -> bool:
    """Whether all texts are as many letters of yes and no one after another."""
    if column.kind != "text" or column.looks_like_id or not column.states or place(column.name, "consent") is None:
        return False
    text = name(column.name)
    query = (
        f"SELECT bool_and(regexp_full_match({text}, {value(_LETTERS)})), count(DISTINCT length({text})) "
        f"FROM {name(table.name)} WHERE nullif({text}, '') IS NOT NULL"
    )
    is_all, lengths = database.execute(query).fetchall()[0]
    return bool(is_all) and lengths == 1


def _bits_of(database: duckdb.DuckDBPyConnection, table: TableProfile) -> dict[int, str] | None:
    """The meaning of each bit in a table of a power of two and a text in each row; None where it is no such table."""
    columns = table.columns.values()
    numbers = [one for one in columns if one.kind == "integer" and one.is_unique and one.is_plain and not one.misfits]
    texts = [one for one in columns if one.kind == "text" and one.filled == table.rows]
    if not numbers or not texts or not 2 <= table.rows <= _MOST_MEANINGS:
        return None
    text = max(texts, key=lambda one: one.mean_length)
    listed = f"SELECT CAST({name(numbers[0].name)} AS BIGINT), {name(text.name)} FROM {name(table.name)} ORDER BY 1"
    found = {int(bit): str(meant) for bit, meant in database.execute(listed).fetchall()}
    are_bits = all(bit > 0 and bit & (bit - 1) == 0 for bit in found) and max(found) > 2
    return found if are_bits and any(place(one, "consent") is not None for one in found.values()) else None


def _comments(database: duckdb.DuckDBPyConnection, table: TableProfile) -> list[list[str]]:
    """The rows of a table of comments on columns, the comment last."""
    if not 2 <= len(table.columns) <= 4 or not all(one.kind == "text" for one in table.columns.values()):
        return []
    if not any({"column", "field", "spalte", "feld"} & set(one.words) for one in table.columns.values()):
        return []
    listed = ", ".join(map(name, table.columns))
    rows = database.execute(f"SELECT {listed} FROM {name(table.name)}").fetchall()
    return [[str(cell) for cell in row] for row in rows if all(cell is not None for cell in row)]


def _apart(
    database: duckdb.DuckDBPyConnection, table: TableProfile, column: ColumnProfile, meanings: Meanings
) -> TableProfile:
    """A table with a column of yes and no for each bit or letter."""
    taken = {one.casefold() for one in table.columns} - {column.name.casefold()}
    of_offers = [meant for meant in meanings.values() if is_of_offers(meant)] or [*meanings.values()]
    given: list[str] = []
    for sql, meant in meanings.items():
        called = "" if place(meant, "consent") is not None else "consent "
        wanted = f"{called}{meant}" if meant in of_offers else f"{AGREES} {meant}"
        new = free_name(wanted, taken)
        taken.add(new.casefold())
        read = f"TRY_CAST({name(column.name)} AS BIGINT)" if column.kind == "integer" else name(column.name)
        given.append(f"{sql.format(read)} AS {name(new)}")
    rows = f"(SELECT * EXCLUDE ({name(column.name)}), {', '.join(given)} FROM {{0}} ORDER BY _file, _line)"
    asks = f"{column.name} says {', '.join(meanings.values())} by its bits or letters: is that right?"
    return remade(database, table, rows, asks)
