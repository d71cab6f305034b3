"""Reports in groups: a line says of whom the rows below it are, above the same header again.

    Client: 5000  Miller, Rosa
    Symbol,Quantity,Date
    SY15,1,01/02/2025
    Total,1,

Such a file is read as lines, and SQL makes a row of each line that is one, with what its group begins with.
"""

import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import duckdb

from graphrec.loading.propose.remade import remake
from graphrec.loading.propose.shapes.nested import Flat
from graphrec.loading.sources.encodings import text_of
from graphrec.loading.sources.frame import TOTALS
from graphrec.loading.sources.sql import name, value

_LOOKED_AT = 2_000
"""Lines from the beginning."""
_OFTEN = 3
"""So many groups with the same header are no chance."""
_TAKEN = " of group"
"""Behind the name where a column has it."""
_BETWEEN = r"[\s:#.,;|\"]+"
_NUMBER = r"([^\s,;|\"]*\d[^\s,;|\"]*)"
_OF_WHOM = re.compile(rf"\W*([^\W\d][^\d:#,;|\t\"]{{1,30}}?){_BETWEEN}{_NUMBER}(?:[\s,;|\"].*)?")
"""A line that says of whom a group is: a word, and a number."""


@dataclass(frozen=True)
class Groups:
    """How the lines of a report are read."""

    delimiter: str
    header: str
    """The line of the names of its columns."""
    columns: tuple[str, ...]
    called: str
    """What is said before the number of a group."""


def groups_in(path: Path, shown: str, encoding: str, delimiter: str) -> Groups | None:
    """The groups of a text; None where it has none.

    Args:
        delimiter: of `guess_frame`.

    Raises:
        SourceError: it cannot be read.
    """
    with text_of(path, shown, encoding) as text:
        lines = [bare for line in islice(text, _LOOKED_AT) if (bare := line.rstrip("\r\n")).strip()]
    if not delimiter or not lines:
        return None
    header, count = Counter(lines).most_common(1)[0]
    columns = [cell.strip(' "') for cell in header.split(delimiter)]
    if count < _OFTEN or len(columns) < _OFTEN or re.search(r"\d", header) or len(set(columns)) < len(columns):
        return None
    above = [_OF_WHOM.fullmatch(lines[place - 1]) for place, line in enumerate(lines) if place and line == header]
    said = {found[1].strip() for found in above if found is not None}
    if len(said) != 1 or None in above:
        return None
    called = said.pop()
    is_taken = called.casefold() in {column.casefold() for column in columns}
    return Groups(delimiter, header, tuple(columns), f"{called}{_TAKEN}" if is_taken else called)


def rows_of(database: duckdb.DuckDBPyConnection, table: str, groups: Groups) -> Flat:
    """The rows of a table of lines, each with the number of its group, made in the database under its name."""
    cut = value(rf'("(?:[^"]|"")*"|[^{re.escape(groups.delimiter)}]*)(?:{re.escape(groups.delimiter)}|$)')
    of_whom = value(rf"^\W*{re.escape(groups.called.removesuffix(_TAKEN))}{_BETWEEN}{_NUMBER}")
    width = len(groups.columns)
    listed = ", ".join(f"{_bare(number)} AS {name(column)}" for number, column in enumerate(groups.columns, start=1))
    lines = (
        f"SELECT _file, _line, regexp_extract_all(line, {cut}, 1)[:{width}] AS cells, line = {value(groups.header)} "
        f"OR regexp_matches(line, {of_whom}) "
        f"OR regexp_matches(trim(regexp_extract(line, {cut}, 1), ' :\"'), {value(TOTALS.pattern)}, 'i') AS is_none, "
        f"len(regexp_extract_all(line, {value(re.escape(groups.delimiter))})) >= {width - 1} AS is_wide, "
        f"last_value(nullif(regexp_extract(line, {of_whom}, 1), '') IGNORE NULLS) OVER (PARTITION BY _file ORDER BY "
        f"_line) AS whom FROM {name(table)}"
    )
    rows = (
        f"(SELECT {listed}, whom AS {name(groups.called)}, _file, _line FROM ({lines}) "
        "WHERE is_wide AND NOT is_none AND whom IS NOT NULL ORDER BY _file, _line)"
    )
    remake(database, table, rows)
    asks = (
        f"is a report in groups: each row is of the {groups.called} above it, and lines with fewer columns, headers "
        "and totals are left out: is that right?"
    )
    return Flat(table, rows, questions=(asks,))


def _bare(number: int) -> str:
    """SQL of a cell without the quotes around it; an empty one is NULL."""
    text = f"cells[{number}]"
    plain = f"CASE WHEN {text}[1] = '\"' THEN replace({text}[2:-2], '\"\"', '\"') ELSE {text} END"
    return f"nullif(trim({plain}), '')"
