"""TOML and SQL of the parts of a proposed mapping."""

import json
import re
from collections.abc import Container, Sequence

from graphrec.loading.mapping.specs import ParseSpec
from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.sources.sql import name

Parse = Sequence[tuple[str, ParseSpec]]
"""Names in the graph, each with how its text is read."""


def graph_name(table: TableProfile, column: str | None) -> str:
    return table.columns[column].in_graph if column else ""


def end_of(word: str, label: str, table: TableProfile, column: str | None) -> str:
    return f"{word} = {quote(f'{label}.{graph_name(table, column)}')}"


def select_from(table: TableProfile, *columns: ColumnProfile, more: Sequence[str] = (), where: str = "") -> str:
    condition = f" WHERE {where}" if where else ""
    selected = [*(raw_sql(column) for column in columns), *more]
    rows = table.rows_with(column.name for column in columns)
    return sql_text(f"SELECT {', '.join(selected)}, _file, _line\nFROM {rows}{condition}")


def parsed(columns: Sequence[ColumnProfile], cast: Container[str]) -> Parse:
    """How columns are read; those of `cast`, times and numbers to the engine, only where it must be told."""
    return [
        (column.in_graph, column.parse)
        for column in columns
        if column.parse is not None and not (column.is_plain and column.name in cast)
    ]


def parse_text(spec: ParseSpec) -> str:
    """A way to read a column as an inline table."""
    given = {
        "type": quote(spec.type),
        "format": quote(spec.format[0] if len(spec.format) == 1 else list(spec.format)) if spec.format else "",
        "decimal": quote(spec.decimal) if spec.decimal != "." else "",
        "thousands": quote(spec.thousands) if spec.thousands else "",
        "null": quote(list(spec.null)) if spec.null else "",
        "unit": quote(spec.unit) if spec.unit else "",
        "factors": quote({word: int(one) if one == int(one) else one for word, one in spec.factors.items()})
        if spec.factors
        else "",
        "latest": quote(spec.latest) if spec.latest else "",
    }
    return f"{{ {', '.join(f'{key} = {text}' for key, text in given.items() if text)} }}"


def raw_sql(column: ColumnProfile) -> str:
    """A column as it is in the file: a number would lose its zeros, and a value what it cannot be read as."""
    expression, named = column_sql(column), name(column.in_graph)
    return expression if expression == named else f"{expression} AS {named}"


def column_sql(column: ColumnProfile) -> str:
    quoted = name(column.name)
    if column.written:
        return column.written.format(f"CAST({quoted} AS VARCHAR)")
    return f"CAST({quoted} AS VARCHAR)" if column.is_nested else quoted


def quote(plain: object) -> str:
    """A text, a number, or a list or table of them, as TOML writes it."""
    if isinstance(plain, dict):
        return f"{{ {', '.join(f'{toml_key(key)} = {quote(one)}' for key, one in plain.items())} }}"
    return json.dumps(plain, ensure_ascii=False)


def toml_key(plain: str) -> str:
    """A key as TOML writes it: quoted where it has other than plain letters."""
    return plain if re.fullmatch(r"[A-Za-z0-9_-]+", plain) else quote(plain)


def sql_text(statement: str) -> str:
    escaped = statement.replace("\\", "\\\\").replace('"""', '""\\"')
    return f'sql = """\n{escaped}\n"""'
