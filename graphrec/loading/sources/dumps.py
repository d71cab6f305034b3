"""Dumps of databases (`.sql`) as tables of texts: the rows of INSERT and COPY, with the columns of CREATE TABLE.

Nothing in them is run. What MySQL, PostgreSQL, SQLite, SQL Server and Oracle write is known; a value that is a function
of a text, such as TO_DATE('31.12.2025', 'DD.MM.YYYY'), is that text.
"""

import io
import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path

import duckdb

from graphrec.errors import SourceError
from graphrec.loading.mapping.names import suggest
from graphrec.loading.mapping.specs import FileSpec
from graphrec.loading.sources.packed import open_unpacked
from graphrec.loading.sources.values import RowTable

OPTIONS = ("table", "encoding")
"""What the entry of a dump may say besides its own keys: which of its tables is read, and the encoding."""
_STATEMENT = re.compile(
    r"\s*(?:(INSERT|REPLACE)\s+(?:INTO\s+|IGNORE\s+)*|(CREATE)\s+(?:\w+\s+)*?TABLE\s+)", re.IGNORECASE
)
_COPIED = re.compile(r"\s*COPY\s+(\S+)\s*\(([^)]*)\)\s*FROM\s+stdin", re.IGNORECASE)
_WITH_SIGNS = r"[^'\\]|\\[\s\S]|''"
_PLAIN, _ESCAPED = (
    re.compile(
        rf"""\s+|--[^\n]*|(?P<escaped>[Ee]'(?>{_WITH_SIGNS})*+')|(?P<{sort}>(?![Ee]')\w*'(?>{inside})*+')|"""
        r"""(?P<open>\w*')|"""
        r"""(?P<name>`[^`]*`|"[^"]*"|\[[^\]]*\])|(?P<sign>[(),;])|(?P<word>[^\s(),;'`"\[]+)|."""
    )
    for sort, inside in (("text", r"[^']|''"), ("marked", _WITH_SIGNS))
)
"""Words of a statement; with a backslash in a text that is one of it, or that says what the next sign is."""
_NO_COLUMN = frozenset(
    {
        *("primary", "key", "unique", "constraint", "index", "foreign", "check", "fulltext", "spatial", "exclude"),
        *("like", "period"),
    }
)
_SIGNS = {"n": "\n", "t": "\t", "r": "\r", "0": "", "Z": "", "b": "\b", "f": "\f", "v": "\v"}
Row = tuple[str, int, list[str], list[str | None]]
"""A table, the line, its columns (none: not said), the values."""


def dump_tables(path: Path, shown: str, encoding: str = "utf-8") -> list[str]:
    """The tables of a dump that have rows, in the order in which they come.

    Raises:
        SourceError: it cannot be read.
    """
    return list(dict.fromkeys(table for table, *_ in _rows(path, shown, encoding)))


def read_dump(
    database: duckdb.DuckDBPyConnection, spec: FileSpec, files: Sequence[tuple[Path, str]], place: str
) -> None:
    """Read the rows of one table of dumps into the table of an entry.

    Raises:
        SourceError: a file cannot be read, or has no such table, or rows that its columns do not fit.
    """
    table, encoding = RowTable(database, spec.name, are_typed=False), str(spec.options.get("encoding", "utf-8"))
    for path, shown in files:
        wanted, known = spec.options.get("table"), dict[str, None]()
        rows = _of_table(_rows(path, shown, encoding), wanted, known)
        for head, some in groupby(rows, partial(_head, shown)):
            table.add(head, ((line, values) for _, line, _, values in some), shown)
        is_told = len(known) == 1 if wanted is None else wanted in known
        if not is_told:
            said = f"rows of {', '.join(known)}" if known else "no rows"
            hint = suggest(str(wanted), list(known)) if wanted else ""
            raise SourceError(f'{place}: {shown} has {said}; say which table is read: table = "…"{hint}')
    table.finish()


def _of_table(rows: Iterator[Row], wanted: object, known: dict[str, None]) -> Iterator[Row]:
    """The rows of one table, or of the first where none is named; all tables that come by are put into `known`."""
    for row in rows:
        known.setdefault(row[0])
        if row[0] == (next(iter(known)) if wanted is None else wanted):
            yield row


def _head(shown: str, row: Row) -> tuple[str, ...]:
    """The names of a row's columns: numbers where the dump does not say them."""
    table, line, columns, values = row
    if columns and len(columns) != len(values):
        raise SourceError(f"{shown} line {line}: {len(values)} values for {len(columns)} columns of {table}")
    return tuple(columns or (f"column{number}" for number in range(1, len(values) + 1)))


def _rows(path: Path, shown: str, encoding: str) -> Iterator[Row]:
    """The rows of all tables of a dump."""
    with open_unpacked(path, shown) as stream:
        lines = enumerate(io.TextIOWrapper(io.BufferedReader(stream), encoding, newline="\n"), start=1)
        try:
            yield from _rows_of(lines)
        except UnicodeError as error:
            raise SourceError(f'{shown} is not {encoding}: {error}; set encoding = "cp1252" or another') from error


def _rows_of(lines: Iterator[tuple[int, str]]) -> Iterator[Row]:
    columns: dict[str, list[str]] = {}
    is_escaped = False
    for number, line in lines:
        is_escaped = is_escaped or "`" in line or line.startswith(("-- MySQL", "-- MariaDB"))
        if copied := _COPIED.match(line):
            named = [_bare(one.strip()) for one in copied[2].split(",")]
            for at, row in lines:
                if (row := row.rstrip("\r\n")) == "\\.":
                    break
                yield _bare(copied[1]), at, named, [_copied(cell) for cell in row.split("\t")]
        elif found := _STATEMENT.match(line):
            words = _words(line[found.end() :], number, lines, is_escaped=is_escaped)
            if found[2]:
                table, listed = _created(words)
                columns[table] = listed
            elif found[1]:
                yield from _inserted(words, columns)


def _words(
    text: str, number: int, lines: Iterator[tuple[int, str]], *, is_escaped: bool
) -> Iterator[tuple[int, str, str]]:
    """The words of a statement with their line and sort, until it ends; further lines are taken as they are needed."""
    depth, last = 0, ""
    for line, sort, said in _tokens(text, number, lines, _ESCAPED if is_escaped else _PLAIN):
        # SQL Server ends an INSERT with its line, and others with GO.
        if depth == 0 and (said.upper() == "GO" or (sort == "end" and last == ")")):
            return
        if sort == "sign":
            depth += {"(": 1, ")": -1}.get(said, 0)
            if said == ";" and depth <= 0:
                return
        if sort != "end":
            last = said
            yield line, sort, said


def _tokens(
    text: str, number: int, lines: Iterator[tuple[int, str]], token: re.Pattern[str]
) -> Iterator[tuple[int, str, str]]:
    """The words of a text and of the lines behind it, with an "end" behind each line; a text may go over several."""
    place = 0
    while text:
        if place == len(text):
            yield number, "end", ""
            number, text = next(lines, (number, ""))
            place = 0
            continue
        found = token.match(text, place)
        assert found is not None
        if found.lastgroup == "open":
            _, more = next(lines, (number, ""))
            text, place = text[place:] + more if more else "", 0
            continue
        place = found.end()
        if found.lastgroup is not None:
            yield number, found.lastgroup, found[0]


def _created(words: Iterator[tuple[int, str, str]]) -> tuple[str, list[str]]:
    """The table and the columns of a CREATE TABLE."""
    table, listed, depth, is_first = "", list[str](), 0, False
    for _, sort, said in words:
        if sort == "sign":
            depth += {"(": 1, ")": -1}.get(said, 0)
            is_first = depth == 1 and said in "(,"
        elif depth == 0 and not listed:
            table = table if said.upper() in ("IF", "NOT", "EXISTS") else said if said[0] != "." else table + said
        elif is_first:
            if sort == "name" or said.lower() not in _NO_COLUMN:
                listed.append(_bare(said))
            is_first = False
    return _bare(table), listed


def _inserted(words: Iterator[tuple[int, str, str]], columns: dict[str, list[str]]) -> Iterator[Row]:
    """The rows of an INSERT."""
    table, named, depth, is_row = "", list[str](), 0, False
    values, parts, line = list[str | None](), list[tuple[str, str]](), 0
    for number, sort, said in words:
        if sort == "sign" and said != ";":
            depth += {"(": 1, ")": -1}.get(said, 0)
            if is_row and (depth, said) == (1, "("):
                values, parts, line = [], [], number
            elif is_row and ((depth, said) == (1, ",") or (depth, said) == (0, ")")):
                values.append(_literal(parts))
                parts = []
                if said == ")":
                    yield table, line, named or columns.get(table, []), values
        elif is_row:
            parts.append((sort, said))
        elif depth == 1:
            named.append(_bare(said))
        elif said.upper() in ("VALUES", "VALUE"):
            is_row, table = True, _bare(table)
        elif not named:
            table += said


def _literal(parts: Sequence[tuple[str, str]]) -> str | None:
    """The value of an expression: a literal, or the first one in it."""
    for sort, said in parts:
        if sort in ("text", "escaped", "marked"):
            inside = said.partition("'")[2][:-1].replace("''", "'")
            is_plain = sort == "text" or "\\" not in inside
            return inside if is_plain else re.sub(r"\\(.)", _unescaped, inside, flags=re.DOTALL)
    said = "".join(said for _, said in parts)
    return None if not said or said.upper() == "NULL" else said


def _unescaped(found: re.Match[str]) -> str:
    return _SIGNS.get(found[1], found[1])


def _copied(cell: str) -> str | None:
    """A cell of COPY."""
    return None if cell == r"\N" else re.sub(r"\\(.)", _unescaped, cell) if "\\" in cell else cell


def _bare(name: str) -> str:
    """The last part of a name, without the signs around it: [dbo].[Customer] is Customer."""
    parts = re.findall(r"`[^`]*`|\"[^\"]*\"|\[[^\]]*\]|[^.`\"\[\]]+", name)
    return parts[-1].strip('`"[]') if parts else name
