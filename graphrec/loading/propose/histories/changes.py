"""Feeds of changes: a row for each insert, update and delete of a thing, of which the last one is read.

Databases send them with a letter or a word for what happened (c, u and d of Debezium, I, U and D of others), and a
moment or a number that puts them in order. What was deleted is marked so, as a soft delete is.
"""

import re
from dataclasses import replace

import duckdb

from graphrec.loading.mapping.specs import ParseSpec
from graphrec.loading.propose.column_profile import ColumnProfile, profile_column
from graphrec.loading.propose.concepts import normal
from graphrec.loading.propose.remade import remake, with_rows
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import free_name, words
from graphrec.loading.run.parse import parsed_sql
from graphrec.loading.sources.sql import name, value

OPERATION, MOMENT = "__op", "__ts_ms"
"""Columns of what Debezium's own flattening makes of a change."""
_NEW = frozenset(
    {
        *(
            "c",
            "i",
            "r",
            "l",
            "n",
            "a",
            "insert",
            "inserted",
            "create",
            "created",
            "read",
            "load",
            "initial",
            "snapshot",
        ),
        *("add", "added", "neu", "new"),
    }
)
_CHANGED = frozenset(
    {
        *("u", "m", "modify", "modified", "update", "updated", "updatepostimage", "upsert", "change", "changed"),
        *("aenderung", "mutation"),
    }
)
_BEFORE = frozenset({"updatepreimage", "beforeimage", "ub"})
"""What a change replaced, beside what it wrote."""
_GONE = frozenset(["d", "x", "delete", "deleted", "remove", "removed", "drop", "loeschung", "geloescht", "tombstone"])
_NAMED = re.compile(
    r"(dbz|cdc|dml|header|change|row|record|rec|db|sql|src|dwh|stg|data)*"
    r"(op|oper|operation|optype|opcode|operationtype|changetype|changeoper|changekind|action|actiontype|actioncode|"
    r"dmltype|cdc|mutationtype|changeindicator|changeflag|recordaction|rowaction|deltaflag|deltaind|deltatype|rowkind|"
    r"aenderungsart|aenderungskz|aenderungskennzeichen|mutationsart|satzaktion)(code|flag|ind|kz)?"
)
_ORDERED = frozenset(
    {
        *("ts", "timestamp", "time", "at", "date", "dt", "lsn", "scn", "seq", "sequence", "offset", "commit"),
        *("position", "committed", "changed", "version", "zeitpunkt", "zeitstempel", "datum", "laufnummer", "lfdnr"),
    }
)
"""Words of columns that put changes in order."""
_TECHNICAL = re.compile(
    r"(dbz|cdc|dml|header|change|hdr|kafka|source|src)*(lsn|scn|rsid|txid|xid|seq|seqno|sequence|streamposition|"
    r"transactionid|commitlsn|startlsn|seqval|updatemask|offset|partition|changetablename|tablename|isdeleted|deleted|"
    r"commitversion|committimestamp|changemask|tsms|tsus|tsns)"
)


def last_changes(database: duckdb.DuckDBPyConnection, table: TableProfile) -> TableProfile:
    """A table of changes with the last row of each thing; as it is where it is none."""
    operation = next((one for one in table.columns.values() if _says_changes(one)), None)
    if operation is None or not (operation.is_whole or _is_by_file(database, table, operation)):
        return table
    told = operation.states or operation.values
    deleted, before = ([one for one in told if _is(one, what)] for what in (_GONE, _BEFORE))
    said = f"CAST({name(operation.name)} AS VARCHAR)"
    after = f"coalesce({said} NOT IN ({', '.join(map(value, before))}), true)" if before else "true"
    key = _key(database, table, operation, said, after)
    if key is None:
        return table
    order = _order(table, operation, key)
    by = ", ".join([*(f"{_number(one)} DESC NULLS LAST" for one in order), *_BY_FILES, "_line DESC"])
    if operation.filled < table.rows:  # files that have everything, beside those that have changes
        by = ", ".join([_BY_FILES[0], f"{name(operation.name)} IS NOT NULL DESC", by])
    technical = {operation.name, *(one.name for one in order if one.name.startswith("__") or _is_technical(one))}
    technical |= {one.name for one in table.columns.values() if _is_technical(one)}
    left = {column: one for column, one in table.columns.items() if column not in technical}
    mark = free_name("is_deleted", {column.casefold() for column in left})
    is_gone = f"coalesce({said} IN ({', '.join(map(value, deleted))}), false)" if deleted else "false"
    kept = ", ".join((*map(name, left), *([f"{is_gone} AS {name(mark)}"] if deleted else []), "_file", "_line"))
    once = (
        f"(SELECT {kept} FROM {{0}} WHERE {after} "
        f"QUALIFY row_number() OVER (PARTITION BY {name(key)} ORDER BY {by}) = 1 ORDER BY _file, _line)"
    )
    made = name(table.name)
    described = remake(database, table.name, with_rows(once, made))
    rows = int(database.execute(f"SELECT count(*) FROM {made}").fetchall()[0][0])
    columns = {
        column: replace(
            profile_column(database, made, column, described[column], rows),
            parse=one.parse, is_plain=one.is_plain, kind=one.kind, questions=one.questions, misfits=one.misfits,
        )
        for column, one in left.items()
    }  # fmt: skip
    if deleted:
        columns[mark] = profile_column(database, made, mark, described[mark], rows)
    moment = f", by {', '.join(one.name for one in order)}" if order else ""
    asks = f"has {table.rows:,} changes ({operation.name}) of {rows:,} {key}, and the last of each is read{moment}: "
    return replace(
        table, key=key, rows=rows, columns=columns, source=with_rows(once, table.rows_sql), fields={},
        questions=(*table.questions, f"{asks}is that right?"),
    )  # fmt: skip


def _is(text: str, what: frozenset[str]) -> bool:
    return normal(text) in what


def _says_changes(column: ColumnProfile) -> bool:
    """Whether a column says of each row what was done to it in its database."""
    values = column.states or column.values
    if column.kind != "text" or not values or not _NAMED.fullmatch(normal(column.name)):
        return False
    if not all(any(_is(one, what) for what in (_NEW, _CHANGED, _BEFORE, _GONE)) for one in values):
        return False
    # Debits and credits have two of these letters too.
    is_sure = any(_is(one, _CHANGED) for one in values) or normal(column.name) == "op"
    return is_sure or (any(_is(one, _NEW) for one in values) and not {normal(one) for one in values} <= {"c", "d"})


def _is_by_file(database: duckdb.DuckDBPyConnection, table: TableProfile, column: ColumnProfile) -> bool:
    """Whether each file has a column in all its rows or in none: those of changes, and those of everything."""
    counts = f"SELECT count({name(column.name)}) AS filled, count(*) AS every FROM {name(table.name)} GROUP BY _file"
    query = f"SELECT count(*) FROM ({counts}) WHERE filled NOT IN (0, every)"
    return int(database.execute(query).fetchall()[0][0]) == 0


def _key(
    database: duckdb.DuckDBPyConnection, table: TableProfile, operation: ColumnProfile, said: str, after: str
) -> str | None:
    """The column that names what is changed: each of its values is new once at most; identifiers first."""
    new = ", ".join(value(one) for one in operation.states or operation.values if _is(one, _NEW)) or "NULL"
    found = [
        one
        for one in table.columns.values()
        if one.kind in {"text", "integer"} and one.filled == table.rows and one is not operation
    ]
    own = set(words(table.name))
    ranked = sorted(found, key=lambda one: (not one.looks_like_id, one.words != ["id"] and not own & set(one.words)))
    for one in ranked:
        if not one.looks_like_id and one is not found[0]:
            continue
        query = (
            f"SELECT count({name(one.name)}), count(DISTINCT {name(one.name)}) FROM {name(table.name)} "
            f"WHERE {said} IN ({new}) AND {after}"
        )
        count, distinct = database.execute(query).fetchall()[0]
        if count == distinct and one.distinct > 1:
            return one.name
    return None


def _order(table: TableProfile, operation: ColumnProfile, key: str) -> list[ColumnProfile]:
    """The columns that put changes in order, the moment first; nothing: they are in the order of the file."""
    found = [
        one
        for one in table.columns.values()
        if one.name not in {operation.name, key} and one.kind in {"time", "integer"} and one.filled == table.rows
    ]
    found = [one for one in found if one.name == MOMENT or _is_technical(one) or _says_order(one)]
    found.sort(key=lambda one: (one.name != MOMENT, one.kind != "time"))
    return found[:2]


def _says_order(column: ColumnProfile) -> bool:
    said = set(column.words)
    return bool(said & _ORDERED) and bool(said & _OF_CHANGES)


_BY_FILES = (
    r"regexp_replace(regexp_extract(_file, '(19|20)\d\d[-_.]?[01]\d([-_.]?[0-3]\d)?'), '[-_.]', '', 'g') DESC",
    "_file DESC",
)
"""SQL of the order of changes by the days in the names of files."""
_OF_CHANGES = frozenset({"change", "changed", "commit", "committed", "cdc", "ts", "lsn", "scn"})


def _is_technical(column: ColumnProfile) -> bool:
    return column.name == MOMENT or bool(_TECHNICAL.fullmatch(normal(column.name)))


def _number(column: ColumnProfile) -> str:
    return parsed_sql(name(column.name), column.parse or ParseSpec(column.kind))
