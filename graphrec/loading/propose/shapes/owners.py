"""Whose the rows of accounts, portfolios and policies are, where that stands in another table.

The holder stands in the row of the account, or in a table of its own that has a row for each of several holders. Where
a row names a person whom it is about, as an insured one, and the contract names its holder, the holder counts.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile, profile_column
from graphrec.loading.propose.concepts import normal
from graphrec.loading.propose.looks import action_of_table, asks_people, likeness
from graphrec.loading.propose.remade import remake, with_rows
from graphrec.loading.propose.shapes.states import is_state
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import simplified
from graphrec.loading.sources.sql import name, value

SAMPLE_ROWS = 500_000
_MOST_HOLDERS = 4
_ABOUT = re.compile(
    r"insuredperson|personinsured|lifeassured|lifeinsured|insuredlife|insuredid|assureds?id|beneficiar|dependent|dependant|"
    r"payer|payor|guarantor|driver|versichertep|versicherteperson|beguenstigt|bezugsberechtigt|begunstigt|buerge|"
    r"beitragszahler|personneassuree|beneficiaire|garant|asegurado|beneficiari|assicurat|verzekerde|被保险人|受益人"
)
"""Within names of columns of persons whom a contract is about, and who do not hold it."""
_NO_HOLDER = re.compile(
    r"attorney|poa|proxy|signator|authori|beneficiar|guarantor|nominee|trusteeonly|bevollmaecht|vollmacht|zeichnungsb|"
    r"verfueger|verfuegungsber|beguenstigt|bezugsber|buerge|mandatair|procuration|garant|apoderado|autorizado|delegat|"
    r"procuratore|gemachtigde|contact|adviser|advisor|berater|代理|受益|担保"
)
"""Within roles of people who have to do with an account and do not hold it."""


def with_owner(database: duckdb.DuckDBPyConnection, table: TableProfile, tables: list[TableProfile]) -> TableProfile:
    """A table with the customer of each row, where that stands in the table of accounts to which it refers."""
    by_name = {one.name: one for one in tables}
    people = {one.name for one in tables if one.key is not None and asks_people(one.others())}
    users = people | {one.name for one in tables if likeness(one.name) > 0 and not _is_link(one)}
    users = users or {one.name for one in tables if one.key is not None and likeness(one.key) > 0}
    for column, other in table.references.items():
        between = by_name[other]
        is_unique = between.key is not None and between.columns[between.key].is_unique
        whose = _whose(between, users - {other, table.name}, users)
        if table.key == column or not is_unique or other in people:
            continue
        about = [
            one for one, owner in table.references.items()
            if owner in users - {other} and _ABOUT.search(normal(one)) and whose is not None
        ]  # fmt: skip
        if (users - {other}) & {owner for one, owner in table.references.items() if one not in about}:
            continue  # it says itself whose it is
        if whose is not None and len(between.references) > 1 and len(table.references) == 1:
            continue  # what happens to a contract, such as a claim, is no contract
        if whose is not None:
            return _joined(database, table, between, column, whose, about)
        if likeness(other) < 0 or len(table.references) == 1:
            continue  # what is said of a product belongs to nobody
        found = next((link for one in tables if (link := _link(one, table, other, users)) is not None), None)
        if found is not None:
            return _linked(database, table, by_name[found[0]], column, *found[1:])
    products = {other for other in table.references.values() if likeness(other) < 0}
    owners = people or users
    if table.key is None or not products or owners & {table.name, *table.references.values()}:
        return table
    found = next((link for one in tables if (link := _link(one, table, table.name, owners)) is not None), None)
    return _linked(database, table, by_name[found[0]], table.key, *found[1:]) if found is not None else table


def _whose(between: TableProfile, owners: set[str], users: set[str]) -> str | None:
    """The column of a table of accounts or orders that names their customer, be it one that no file describes."""
    found = next((one for one, owner in between.references.items() if owner in owners), None)
    if found is not None or users:
        return found
    named = (one for one in between.others() if one.looks_like_id and likeness(one.name) > 0)
    return next((one.name for one in named if 1 < one.distinct < one.filled), None)


def _is_link(table: TableProfile) -> bool:
    """Whether a table only joins two others, and names nobody."""
    return len(set(table.references.values())) > 1


def _joined(
    database: duckdb.DuckDBPyConnection, table: TableProfile, between: TableProfile, column: str, whose: str,
    about: Sequence[str],
) -> TableProfile:  # fmt: skip
    """A table with the holder of the contract to which its rows belong, and with its times where it has none."""
    assert between.key is not None
    given = whose if whose not in table.columns else f"{between.name}_{whose}"
    brought = {whose: given} | _of_contract(table, between)
    listed = ", ".join(f"m.{name(one)} AS {name(new)}" for one, new in brought.items())
    left = f" EXCLUDE ({', '.join(map(name, about))})" if about else ""
    joined = (
        f"(SELECT e.*{left}, {listed} FROM {{0}} AS e LEFT JOIN {{1}} AS m "
        f"ON {table.columns[column].key_of('e')} = {between.columns[between.key].key_of('m')})"
    )
    kinds = remake(database, table.name, with_rows(joined, name(table.name), name(between.name)))
    # The day of an order comes before those of its items, such as that of shipping.
    columns = {
        new: _profiled(database, table, new, kinds, between.columns[one], table.rows) for one, new in brought.items()
    }
    columns |= {one: profile for one, profile in table.columns.items() if one not in {column, *about}}
    kept = {one: owner for one, owner in table.references.items() if one not in {column, *about}}
    asks = [f"{', '.join(brought.values())} {'comes' if len(brought) == 1 else 'come'} from {between.name} by {column}"]
    asks += [f"{', '.join(about)} names whom it is about, and {given} whose it is"] if about else []
    return replace(
        table,
        columns=columns,
        references={**({given: between.references[whose]} if whose in between.references else {}), **kept},
        source=with_rows(joined, table.rows_sql, between.rows_sql),
        fields={},
        through=between.name,
        questions=(*table.questions, *(f"{one}: is that right?" for one in asks)),
    )


def _of_contract(table: TableProfile, between: TableProfile) -> dict[str, str]:
    """The times and the status of a contract, for rows that have no time of their own; each with its new name.

    Of an order its items get all that the order says: its day, its state and its channel too.
    """
    said = action_of_table(between.name)
    if said is not None and said.type == "BOUGHT":
        taken = {*table.columns, *between.references, between.key}
        return {one.name: one.name for one in between.others() if one.name not in taken and not one.is_nested}
    if any(one.kind == "time" for one in table.columns.values()):
        return {}
    wanted = [one for one in between.others() if one.kind == "time" or is_state(one)]
    wanted = [one for one in wanted if one.kind == "time" or not any(is_state(own) for own in table.columns.values())]
    return {one.name: one.name for one in wanted if one.name not in table.columns}


def _link(link: TableProfile, table: TableProfile, other: str, users: set[str]) -> tuple[str, str, str] | None:
    """A table that says which customers hold what another one lists: its name, and its columns of both."""
    if link.name in (table.name, other):
        return None
    what = next((one for one, owner in link.references.items() if owner == other), None)
    whose = next((one for one, owner in link.references.items() if owner in users - {other}), None)
    if what is None or whose is None or len(link.references) != 2:
        return None
    # Few hold one account; many buy one product.
    are_few = link.rows <= _MOST_HOLDERS * link.columns[what].distinct
    return (link.name, what, whose) if are_few else None


def _linked(
    database: duckdb.DuckDBPyConnection, table: TableProfile, link: TableProfile, column: str, what: str, whose: str
) -> TableProfile:
    """A table with a row for each holder of what it belongs to."""
    given = whose if whose not in table.columns else f"{link.name}_{whose}"
    refused = {one.name: [t for t in one.values if _NO_HOLDER.search(normal(simplified(t)))] for one in link.others()}
    roles = [one for one in link.others() if refused[one.name]]
    others = refused[roles[0].name] if roles else []
    there = f" WHERE coalesce({name(roles[0].name)} NOT IN ({', '.join(map(value, others))}), true)" if others else ""
    both = f"SELECT DISTINCT {name(what)}, {name(whose)} FROM {{1}}{there}"
    joined = (
        f"(SELECT e.*, m.{name(whose)} AS {name(given)} FROM {{0}} AS e JOIN ({both}) AS m "
        f"ON {table.columns[column].key_of('e')} = {link.columns[what].key_of('m')})"
    )
    kinds = remake(database, table.name, with_rows(joined, name(table.name), name(link.name)))
    rows = int(database.execute(f"SELECT count(*) FROM {name(table.name)}").fetchall()[0][0])
    columns = {
        one: _profiled(database, table, one, kinds, profile, rows)
        for one, profile in table.columns.items()
        if one != column or one == table.key
    }
    columns[given] = _profiled(database, table, given, kinds, link.columns[whose], rows)
    asks = f"{given} comes from {link.name} by {column}, a row for each: is that right?"
    left = f"{link.name}: {', '.join(others)} ({roles[0].name}) hold nothing: is that right?" if others else ""
    return replace(
        table,
        rows=rows,
        columns=columns,
        references={given: link.references[whose], **{a: b for a, b in table.references.items() if a != column}},
        source=with_rows(joined, table.rows_sql, link.rows_sql),
        fields={},
        through=link.name,
        is_shared=True,
        questions=(*table.questions, asks, *([left] if left else [])),
    )


def _profiled(
    database: duckdb.DuckDBPyConnection, table: TableProfile, column: str, kinds: Mapping[str, str],
    like: ColumnProfile, rows: int,
) -> ColumnProfile:  # fmt: skip
    """A column of rows that were joined, read as in the table that it comes from."""
    some = f"(SELECT * FROM {name(table.name)} LIMIT {SAMPLE_ROWS})"
    found = profile_column(database, some, column, kinds[column], rows)
    return replace(found, written=like.written, parse=like.parse, is_plain=like.is_plain, kind=like.kind)
