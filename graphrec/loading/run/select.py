"""The SQL of a mapping: one SELECT over the tables of its files, and nothing else.

A statement is parsed before any file is read. It may name the tables of `[source.files]` and its own WITH parts, and
call table functions that make rows out of their arguments. What writes, reads a path or reads a setting is refused
here; the database is locked as well when a statement runs (`sources/database.py`).
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any, NoReturn

import duckdb

from graphrec.errors import SourceError
from graphrec.loading.mapping.names import suggest
from graphrec.loading.mapping.specs import Mapping
from graphrec.loading.sources.sql import explain_error

_QUERIES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_TABLES = {"BASE_TABLE", "TABLE_FUNCTION", "SUBQUERY", "JOIN", "EXPRESSION_LIST", "EMPTY", "PIVOT"}
_ROW_MAKERS = {"generate_series", "json_each", "json_tree", "range", "repeat", "repeat_row", "unnest"}
"""Table functions whose rows come from their arguments alone."""
_REACHING = {
    *("current_query", "current_setting", "currval", "getenv", "getvariable", "json_serialize_plan", "nextval"),
    *("pg_sleep", "setseed", "setval", "sleep_ms", "write_log"),
}
"""Functions that read or change what is no row of a file: settings, variables, logs, the environment; and waits."""


def only_selects(mapping: Mapping) -> Mapping:
    """The mapping with the text of one SELECT wherever it has SQL.

    Raises:
        SourceError: a statement is no SELECT, or there is more than one, or it reaches beyond the mapping's files.
    """
    with duckdb.connect() as parser:

        def checked(sql: str, *path: str) -> str:
            return only_select(parser, sql, mapping.files, mapping.place(*path))

        nodes = {
            label: replace(node, sql=checked(node.sql, "nodes", label, "sql")) for label, node in mapping.nodes.items()
        }
        edges = {
            kind: replace(edge, sql=checked(edge.sql, "edges", kind, "sql")) for kind, edge in mapping.edges.items()
        }
        series = {key: replace(one, sql=checked(one.sql, "series", key, "sql")) for key, one in mapping.series.items()}
        events = {
            kind: replace(one, covered_until=checked(one.covered_until, "events", kind, "covered_until"))
            if one.covered_until
            else one
            for kind, one in mapping.events.items()
        }
        documents = {
            name: replace(one, sql=checked(one.sql, "documents", name, "sql"))
            for name, one in mapping.documents.items()
        }
        split = mapping.split
        if split is not None:
            split = replace(
                split,
                test=checked(split.test, "split", "test"),
                valid=checked(split.valid, "split", "valid") if split.valid else None,
                refit=checked(split.refit, "split", "refit") if isinstance(split.refit, str) else split.refit,
            )
    return replace(mapping, nodes=nodes, edges=edges, series=series, split=split, events=events, documents=documents)


def only_select(database: duckdb.DuckDBPyConnection, sql: str, tables: Collection[str], place: str) -> str:
    """The text of the one SELECT that `sql` consists of, without what follows it.

    Args:
        database: any connection; nothing is run in it.
        sql: the value of a key `sql`, or of `test`, `valid` or `refit` of `[split]`.
        tables: the tables that the mapping's files become.
        place: file and key, for messages.

    Raises:
        SourceError: it is no SELECT, or there is more than one, or it reaches beyond the tables.
    """
    try:
        statements = database.extract_statements(sql)
    except duckdb.Error as error:
        raise SourceError(f"{place}: {explain_error(error)}; correct its SQL") from error
    if len(statements) != 1:
        count = f"{len(statements)} statements" if statements else "no statement"
        raise SourceError(f"{place} holds {count}; want one SELECT")
    kind = statements[0].type.name
    if kind == "MULTI":
        raise SourceError(f"{place} has a PIVOT without its values; list them: PIVOT … ON column IN ('a', 'b')")
    if kind != "SELECT":
        _refuse_statement(place, kind)
    text = _without_end(sql)
    _check(_tree(database, text, place), {table.casefold() for table in tables}, tables, place)
    return text


def tables_of(database: duckdb.DuckDBPyConnection, sql: str, tables: Collection[str], place: str) -> dict[str, str]:
    """The tables of files that a statement reads, by the name that it gives each of them."""
    known = {table.casefold(): table for table in tables}
    found = {}
    for node, _ in _walk(_tree(database, sql, place), set(known)):
        if node.get("type") == "BASE_TABLE":
            table = str(node["qualified_name"]["path"][-1]).casefold()
            if table in known:
                found[str(node.get("alias") or table).casefold()] = known[table]
    return found


def _without_end(sql: str) -> str:
    """The SQL up to the semicolon behind its last word."""
    offsets = [offset for offset, kind in duckdb.tokenize(sql) if kind != duckdb.token_type.comment]
    content = sql.encode()  # the offsets are of bytes
    while offsets and content[offsets[-1] : offsets[-1] + 1] == b";":
        content = content[: offsets.pop()]
    return content.decode()


def _tree(database: duckdb.DuckDBPyConnection, sql: str, place: str) -> dict[str, Any]:
    """The parsed statement."""
    answer = database.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
    try:
        tree: dict[str, Any] = json.loads(answer[0][0])
    except RecursionError as error:
        raise SourceError(f"{place} is nested too deep; write it in parts, each a WITH") from error
    if tree["error"]:
        raise SourceError(f"{place}: {tree['error_message']}; want one SELECT")
    return tree


def _check(tree: dict[str, Any], known: set[str], tables: Collection[str], place: str) -> None:
    for node, names in _walk(tree, known):
        kind = str(node.get("type"))
        if "cte_map" in node and kind not in _QUERIES:
            _refuse_statement(place, kind.removesuffix("_QUERY_NODE"))
        if "class" in node:
            _check_function(node, place)
        elif "sample" in node and "cte_map" not in node:
            _check_table(node, kind, names, tables, place)


def _walk(tree: dict[str, Any], known: set[str]) -> Iterator[tuple[dict[str, Any], set[str]]]:
    """Every table of the parsed statement, with the names that may be read there."""
    left: list[tuple[Any, set[str]]] = [(tree, known)]
    while left:
        node, names = left.pop()
        if isinstance(node, dict):
            named = node["cte_map"]["map"] if "cte_map" in node else ()
            names = names | {str(part["key"]).casefold() for part in named} if named else names
            yield node, names
            left.extend((inner, names) for inner in node.values())
        elif isinstance(node, list):
            left.extend((inner, names) for inner in node)


def _check_table(node: dict[str, Any], kind: str, names: set[str], tables: Collection[str], place: str) -> None:
    if kind == "TABLE_FUNCTION":
        name = str(node["function"]["function_name"])
        if name.casefold() not in _ROW_MAKERS:
            raise SourceError(
                f"{place} reads {name}(…), and SQL sees the files of the mapping alone; "
                "name the file in [source.files] and read its table"
            )
    elif kind == "BASE_TABLE":
        path = [str(part) for part in node["qualified_name"]["path"]]
        name = ".".join(path)
        if len(path) != 1 or name.casefold() not in names:
            raise SourceError(f"{place} reads {name!r}, which is no table of [source.files]{suggest(name, tables)}")
    elif kind == "SHOW_REF":
        raise SourceError(f"{place} holds a DESCRIBE, SHOW or SUMMARIZE; want one SELECT, which gives rows")
    elif kind not in _TABLES:
        raise SourceError(f"{place} holds {kind}, which no mapping may; want one SELECT over [source.files]")


def _check_function(node: dict[str, Any], place: str) -> None:
    name = str(node.get("function_name", ""))
    if name.casefold() in _REACHING:
        raise SourceError(
            f"{place} calls {name}(…), which reaches beyond the files of the mapping; write what it gives as a value"
        )


def _refuse_statement(place: str, kind: str) -> NoReturn:
    """Refuse what is no SELECT."""
    words = kind.replace("_", " ")
    article = "an" if words[:1] in "AEIOU" else "a"
    raise SourceError(f"{place} holds {article} {words}; want one SELECT, which reads and changes nothing")
