"""SQL text: names, values and messages of DuckDB, each quoted or cut in one place."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_REASONS = (
    r"Expected Number of Columns: \d+ Found: \d+",
    r"Value with unterminated quote found",
    r"Invalid unicode[^.]*",
    r"Maximum line size[^.\n]*",
    r"quote should be followed by[^.\n]*",
)

LETTERS = r"A-Za-z\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1FFF}\x{3040}-\x{9FFF}\x{AC00}-\x{D7A3}\x{F900}-\x{FAFF}"
"""Letters of all scripts, with the digits and marks that stand among them, for a class of a regular expression.

DuckDB compiles \\pL in twenty times as long.
"""


OWN_COLUMNS = frozenset({"_file", "_line"})
"""Columns that every table of files has besides its own."""


def name(identifier: str) -> str:
    """An identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def value(plain: object) -> str:
    """A literal: text, boolean, number, list, or struct.

    Raises:
        TypeError: the value has another type.
    """
    if isinstance(plain, str):
        return "'" + plain.replace("'", "''") + "'"
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, int | float):
        return repr(plain)
    if isinstance(plain, Mapping):
        return "{" + ", ".join(f"{value(str(key))}: {value(item)}" for key, item in plain.items()) + "}"
    if isinstance(plain, Sequence):
        return "[" + ", ".join(value(item) for item in plain) + "]"
    raise TypeError(f"no SQL literal for {plain!r}")


def explain_error(error: "duckdb.Error") -> str:
    """One line of what DuckDB says, without any value of the data: it could be a personal one."""
    import duckdb

    text = str(error)
    line = re.search(r"CSV Error on Line: (\d+)", text)
    if line:
        reason = next((found.group() for each in _REASONS if (found := re.search(each, text))), None)
        if reason is None and (column := re.search(r'Error when converting column "([^"]*)"', text)):
            reason = f"column {column.group(1)} has a value of another type than types says"
        return f"line {line.group(1)}: {reason or 'the line does not fit the columns'}"
    if twice := re.search(r'in line (\d+):.* has duplicate key "([^"]*)"', text, re.DOTALL):
        return f"line {twice.group(1)}: key {twice.group(2)!r} is there twice"
    first = text.split("\n\n", maxsplit=1)[0].replace("\n", " ")
    first = first.partition('. Use "SET ')[0]
    if isinstance(error, duckdb.ConversionException | duckdb.InvalidInputException | duckdb.OutOfRangeException):
        first = re.sub(r"'[^']*'|\"[^\"]*\"", "'***'", first)
    return first.strip()
