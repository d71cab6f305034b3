"""A data vault: hubs of business keys, satellites with what is said of them by load, and links between hubs.

Each hub becomes one table under its business key with the last row of its satellites, and each link one table of
dealings under the business keys of its hubs.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile, profile_column
from graphrec.loading.propose.concepts import normal
from graphrec.loading.propose.remade import remake, with_rows
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import words
from graphrec.loading.sources.sql import name

_AT = r"(dts|date|dt|ts|datetime|timestamp|time|dttm)"
_IN = r"(dv|meta|edw|dwh|sat|hub|lnk|link)*"
_LOADED = re.compile(rf"{_IN}(load|loaded|ld|insert|appliedload){_AT}|ldts|loaddatum|ladedatum")
_UNTIL = re.compile(rf"{_IN}(load|ld)end{_AT}|ledts|loadend{_AT}|ladeende")
_SOURCE = re.compile(rf"{_IN}(record|rec|rcrd|row|data)(source|src)|rsrc|recsrc|quellsystem|datenquelle")
_DIGEST = re.compile(rf"{_IN}(hash|hsh)(diff|dif|difference|delta)|hdiff|diff(hash|hk)|rowhash")
_HASHES = (16, 20, 32, 40, 64)
"""Letters of the digests that vaults have as keys, MD5 and SHA in hexadecimals or bytes."""


def as_tables(database: duckdb.DuckDBPyConnection, tables: Sequence[TableProfile]) -> list[TableProfile]:
    """The tables of a vault as such of customers, products and dealings; others as they are."""
    loaded = {table.name: moment for table in tables if (moment := _loaded(table)) is not None}
    if len(loaded) < 3:
        return list(tables)
    hubs = {table.name: keys for table in tables if table.name in loaded and (keys := _hub(table)) is not None}
    if not hubs:
        return list(tables)
    done = {table.name: table for table in tables}
    owners = {hashed: hub for hub, (hashed, _) in hubs.items()}
    others = [table for table in tables if table.name in loaded and table.name not in hubs]
    links = _links(others, owners)
    owners |= {own[0]: link for link, own in links.items() if own}
    for table in others:
        column = next((one for one in table.columns if one.casefold() in {key.casefold() for key in owners}), None)
        if table.name in links or column is None:
            continue
        owner = done[next(owner for key, owner in owners.items() if key.casefold() == column.casefold())]
        merged = _with_satellite(database, owner, table, column, loaded[table.name])
        if merged is not None:
            done[owner.name] = merged
            done[table.name] = replace(table, columns={})
    for hub, (hashed, business) in hubs.items():
        done[hub] = done[hub].without(_technical(done[hub]))
        for link in links:
            done[link] = _under_business_key(database, done[link], done[hub], hashed, business)
        done[hub] = replace(done[hub].without({hashed}), key=business)
    for link, own in links.items():
        done[link] = done[link].without(_technical(done[link]) | set(own if _has_key(done[link], own) else ()))
    return list(done.values())


def _links(tables: Sequence[TableProfile], owners: Mapping[str, str]) -> dict[str, list[str]]:
    """The tables that name several hubs, each with its own digests."""
    found, hashed = {}, {one.casefold() for one in owners}
    for table in tables:
        ends = [column for column in table.columns if column.casefold() in hashed]
        own = [one.name for one in table.columns.values() if one.is_unique and _is_hash(one) and one.name not in ends]
        if len(ends) > 1:
            found[table.name] = own
    return found


def _loaded(table: TableProfile) -> ColumnProfile | None:
    """The moment at which a row of a vault was loaded; None: a table is of no vault."""
    names = {one.name: normal(one.name) for one in table.columns.values()}
    times = [one for one in table.columns.values() if one.kind == "time"]
    moment = next((one for one in times if _LOADED.fullmatch(names[one.name])), None)
    is_marked = any(_SOURCE.fullmatch(one) or _DIGEST.fullmatch(one) for one in names.values())
    return moment if is_marked else None


def _is_hash(column: ColumnProfile) -> bool:
    return column.kind == "text" and any(abs(column.mean_length - length) < 0.01 for length in _HASHES)


def _hub(table: TableProfile) -> tuple[str, str] | None:
    """The digest and the business key of a hub; None where a table is none."""
    if any(_DIGEST.fullmatch(normal(column)) for column in table.columns) or {"sat", "s"} & set(words(table.name)[:1]):
        return None  # a satellite, which is compared by its digest
    technical = _technical(table)
    own = [one for one in table.columns.values() if one.name not in technical]
    hashed = [one for one in own if one.is_unique and _is_hash(one)]
    business = [one for one in own if one.is_unique and one not in hashed[:1]]
    if not hashed or len(business) != 1 or len(own) > 3:
        return None
    return hashed[0].name, business[0].name


def _technical(table: TableProfile) -> set[str]:
    signs = (_LOADED, _UNTIL, _SOURCE, _DIGEST)
    return {column for column in table.columns if any(sign.fullmatch(normal(column)) for sign in signs)}


def _has_key(table: TableProfile, own: Sequence[str]) -> bool:
    """Whether a row has another number of its own besides its digest."""
    return any(one.is_unique and one.looks_like_id for one in table.columns.values() if one.name not in own)


def _with_satellite(
    database: duckdb.DuckDBPyConnection, owner: TableProfile, satellite: TableProfile, key: str, loaded: ColumnProfile
) -> TableProfile | None:
    """A hub or a link with what the last load says of each; None where a load says several things of one."""
    by = f"{name(key)}, {name(loaded.name)}"
    different = f"SELECT count(*) FROM (SELECT DISTINCT {by} FROM {name(satellite.name)})"
    rows, distinct = database.execute(f"SELECT count(*), ({different}) FROM {name(satellite.name)}").fetchall()[0]
    if rows != distinct:
        return None
    left = _technical(satellite) | {key}
    taken = {column.casefold() for column in owner.columns}
    new = {c: one for c, one in satellite.columns.items() if c not in left and c.casefold() not in taken}
    if not new:
        return replace(owner, also=(*owner.also, satellite.name))
    moment = loaded.moment
    last = (
        f"(SELECT * FROM {{1}} QUALIFY row_number() OVER (PARTITION BY {name(key)} "
        f"ORDER BY {moment} DESC NULLS LAST, _file DESC, _line DESC) = 1)"
    )
    listed = ", ".join(f"s.{name(one)} AS {name(one)}" for one in new)
    own = next(column for column in owner.columns if column.casefold() == key.casefold())
    joined = f"(SELECT o.*, {listed} FROM {{0}} AS o LEFT JOIN {last} AS s ON o.{name(own)} = s.{name(key)})"
    described = remake(database, owner.name, with_rows(joined, name(owner.name), name(satellite.name)))
    columns = dict(owner.columns)
    for one, profile in new.items():
        found = profile_column(database, name(owner.name), one, described[one], owner.rows)
        columns[one] = replace(found, parse=profile.parse, is_plain=profile.is_plain, kind=profile.kind)
    asks = f"{', '.join(new)} come from {satellite.name} by {key}, the last by {loaded.name}: is that right?"
    return replace(
        owner, columns=columns, source=with_rows(joined, owner.rows_sql, satellite.rows_sql), fields={},
        also=(*owner.also, satellite.name), questions=(*owner.questions, *satellite.questions, asks),
    )  # fmt: skip


def _under_business_key(
    database: duckdb.DuckDBPyConnection, link: TableProfile, hub: TableProfile, hashed: str, business: str
) -> TableProfile:
    """A link with the business key of a hub in the place of its digest."""
    column = next((one for one in link.columns if one.casefold() == hashed.casefold()), None)
    if column is None or business in link.columns:
        return link
    joined = (
        f"(SELECT e.* EXCLUDE ({name(column)}), v.{name(business)} AS {name(business)} FROM {{0}} AS e "
        f"LEFT JOIN {{1}} AS v ON e.{name(column)} = v.{name(hashed)})"
    )
    keys = f"(SELECT {name(hashed)}, {name(business)} FROM {name(hub.of or hub.name)})"
    described = remake(database, link.name, with_rows(joined, name(link.name), name(hub.name)))
    columns = {one: each for one, each in link.columns.items() if one != column}
    found = profile_column(database, name(link.name), business, described[business], link.rows)
    columns = {business: replace(found, kind=hub.columns[business].kind), **columns}
    return replace(link, columns=columns, source=with_rows(joined, link.rows_sql, keys), fields={})
