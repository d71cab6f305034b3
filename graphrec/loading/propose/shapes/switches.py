"""Switches from one product to another in one row: what is given up and what is taken become a row each."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.looks import likeness
from graphrec.loading.propose.remade import remade
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import free_name, words
from graphrec.loading.sources.sql import name


def _set(words_of: str) -> frozenset[str]:
    return frozenset(words_of.split())


_FROM = _set(
    "from source out old sold von quelle alt verkauf vendu desde origen sortant cédé cede uscita uscente saliente "
    "salida abgang abgebend ausgehend"
)
_TO = _set(
    "to target in new bought nach zu ziel neu kauf vers hacia destino entrant entrata entrante ingresso entrada "
    "zugang aufnehmend eingehend"
)
"""Words of columns of what is given up, and of what is taken."""
_SIDE = "switch_side"
_SELLER = _set(
    "seller vendor transferor assignor cedent verkäufer verkaeufer vendeur cédant venditore cedente vendedor verkoper "
    "sprzedający prodávající säljare selger"
)
_BUYER = _set(
    "buyer purchaser transferee assignee käufer kaeufer erwerber acheteur cessionnaire acquirente cessionario "
    "comprador koper kupujący kupující köpare kjøper"
)
"""Words of columns of the customer who gives a thing to another one, and of that one."""


def with_switches(database: duckdb.DuckDBPyConnection, tables: Sequence[TableProfile]) -> list[TableProfile]:
    """The tables, those of switches with a row for what is given up and one for what is taken."""
    people = {table.name for table in tables if likeness(table.name) > 0}
    done = []
    for table in tables:
        ends = [one for one, owner in table.references.items() if owner not in people]
        given = next((one for one in ends if _FROM & set(words(one))), None)
        taken = next((one for one in ends if _TO & set(words(one)) and one != given), None)
        is_one = given is not None and taken is not None and table.references[given] == table.references[taken]
        table = _in_rows(database, table, given or "", taken or "") if is_one else table
        parties = [one for one, owner in table.references.items() if owner in people]
        seller = next((one for one in parties if _SELLER & set(words(one))), None)
        buyer = next((one for one in parties if _BUYER & set(words(one))), None)
        if seller and buyer and table.references[seller] == table.references[buyer]:
            table = _of_two(database, table, seller, buyer)
        done.append(table)
    return done


def _of_two(database: duckdb.DuckDBPyConnection, table: TableProfile, seller: str, buyer: str) -> TableProfile:
    """A table of dealings of customers with one another, with a row for who sold and one for who bought."""
    names = {column.casefold() for column in table.columns}
    person = free_name(re.sub(r"\W+", "_", table.references[seller]) + "_party", names)
    side = free_name("trade_side", names)
    kept = ", ".join(name(one) for one in table.columns if one not in (seller, buyer))
    halves = [
        f"SELECT {kept}, {name(end)} AS {name(person)}, '{said}' AS {name(side)}, _file, _line FROM {{0}}"
        for end, said in ((seller, "sell"), (buyer, "buy"))
    ]
    asks = f"{seller} sells and {buyer} buys, and each becomes a row: is that right?"
    return _of_halves(database, table, halves, side, {person: table.references[seller]}, asks)


def _in_rows(database: duckdb.DuckDBPyConnection, table: TableProfile, given: str, taken: str) -> TableProfile:
    """A table with a row for each side of a switch; numbers of the one side stay with it."""
    names = {column.casefold() for column in table.columns}
    product = free_name(re.sub(r"\W+", "_", table.references[given]) + "_switched", names)
    side = free_name(_SIDE, names)
    pairs = _pairs(table)
    both = {one for pair in pairs for one in pair}
    kept = [one for one in table.columns if one not in (given, taken, *both)]
    halves = []
    for end, said, at in ((given, "switch out", 0), (taken, "switch in", 1)):
        own = [f"{name(pair[at])} AS {name(pair[1])}" for pair in pairs]
        listed = ", ".join([*map(name, kept), *own, f"{name(end)} AS {name(product)}", f"'{said}' AS {name(side)}"])
        halves.append(f"SELECT {listed}, _file, _line FROM {{0}}")
    asks = f"{given} is given up and {taken} is taken in a switch, and each becomes a row: is that right?"
    return _of_halves(database, table, halves, side, {product: table.references[given]}, asks)


def _of_halves(
    database: duckdb.DuckDBPyConnection,
    table: TableProfile,
    halves: Sequence[str],
    side: str,
    named: Mapping[str, str],
    asks: str,
) -> TableProfile:
    """A table with two rows in place of each.

    Args:
        halves: statements that give the rows, with `side` to tell them apart.
        named: the new column that names a row of another table, and which table.
    """
    rows = f"(SELECT * FROM ({' UNION ALL '.join(halves)}) ORDER BY _file, _line, {name(side)})"
    found = remade(database, table, rows, asks)
    references = {one: owner for one, owner in table.references.items() if one in found.columns}
    return replace(found, key=None, references={**references, **named}, is_shared=True, strays={})


def _pairs(table: TableProfile) -> list[tuple[str, str]]:
    """Numbers that both sides have, such as UnitsSold and UnitsBought: that of what is given up, and the other."""

    def rest(column: ColumnProfile) -> tuple[str, ...]:
        return tuple(word for word in column.words if word not in _FROM | _TO)

    numbers = [one for one in table.columns.values() if one.kind in {"integer", "real"}]
    out = {rest(one): one.name for one in numbers if _FROM & set(one.words)}
    into = {rest(one): one.name for one in numbers if _TO & set(one.words)}
    return [(out[words_of], into[words_of]) for words_of in out if words_of in into]
