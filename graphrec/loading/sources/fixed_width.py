"""Texts in columns of a fixed width: cut by the places that a mapping gives, or that the lines show."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb

from graphrec.errors import SourceError
from graphrec.loading.mapping.specs import FileSpec
from graphrec.loading.sources.encodings import text_of
from graphrec.loading.sources.frame import is_footer
from graphrec.loading.sources.values import RowTable

OPTIONS = ("columns", "skip", "footer", "encoding", "begins")
"""What the entry of such a file may say: name and places of each column, lines above the first row, what the last lines
begin with that are no rows, how it is encoded, and what lines begin with that are rows."""
_RULER = re.compile(r"\s*[-=]{2,}([ \t+|]+[-=]{2,})+[\s|+]*")
_LOOKED_AT = 2000
_RULER_WITHIN = 20
_ENOUGH = 10
"""So many lines with a blank at one place say that columns end there."""
_LEAST = 3
"""Fewer columns are prose by chance."""


@dataclass(frozen=True)
class Cut:
    """A column: from which sign to which of a line, the first being 1."""

    name: str
    first: int
    last: int


def read_fixed(
    database: duckdb.DuckDBPyConnection, spec: FileSpec, files: Sequence[tuple[Path, str]], place: str
) -> None:
    """Read lines, cut at the places that the mapping gives, into the table of an entry.

    Raises:
        SourceError: the places are none, or a file is of another encoding.
    """
    cuts = _cuts(spec, place)
    skip, footer = int(spec.options.get("skip", 0)), tuple(spec.options.get("footer", ()))
    table = RowTable(database, spec.name, are_typed=False)
    for path, shown in files:
        table.add([cut.name for cut in cuts], _rows(path, shown, spec, cuts, skip, footer), shown)
    table.finish()


def _rows(
    path: Path, shown: str, spec: FileSpec, cuts: Sequence[Cut], skip: int, footer: tuple[str, ...]
) -> Iterator[tuple[int, list[str]]]:
    held: list[tuple[int, str]] = []
    encoding, begins = str(spec.options.get("encoding", "utf-8")), str(spec.options.get("begins", ""))
    with text_of(path, shown, encoding, "surrogateescape") as text:
        for number, line in islice(enumerate(text, start=1), skip, None):
            if any("\udc80" <= sign <= "\udcff" for sign in line):
                raise SourceError(f"{shown} line {number} is not {encoding}; set another encoding")
            if not line.strip("\r\n\x1a\f ") or not line.startswith(begins):
                continue
            held.append((number, line))
            if not (footer and is_footer(line, footer)):
                for one, row in held:
                    yield one, [row[cut.first - 1 : cut.last].strip() for cut in cuts]
                held.clear()


def _cuts(spec: FileSpec, place: str) -> list[Cut]:
    """The columns of an entry."""
    given = spec.options.get("columns")
    if not isinstance(given, dict) or not given:
        raise SourceError(f"{place}: columns is missing; say which signs each is: columns = {{ id = [1, 8] }}")
    for column, one in given.items():
        is_pair = isinstance(one, list) and len(one) == 2 and all(isinstance(each, int) for each in one)
        if not is_pair or not 1 <= one[0] <= one[1]:
            raise SourceError(f"{place}.columns.{column} is {one!r}; want its first and last sign, such as [1, 8]")
    return [Cut(column, *one) for column, one in given.items()]


def guess_fixed(path: Path, shown: str, encoding: str) -> dict[str, Any]:
    """The options for a text whose lines show columns of a fixed width; nothing where they do not."""
    with text_of(path, shown, encoding) as text:
        lines = [line.rstrip("\r\n\x1a\f ") for line in islice(text, _LOOKED_AT)]
    ruler = next((at for at, line in enumerate(lines[:_RULER_WITHIN]) if at and _RULER.fullmatch(line)), None)
    filled = [line for line in lines if line]
    if any("\t" in line for line in filled):
        return {}
    if ruler is not None:
        return _by_ruler(lines, ruler)
    if len(filled) < _ENOUGH:
        return {}
    runs = _runs(filled)
    head = filled[0]
    has_header = bool(head[: runs[0][1]].strip()) and not any(sign.isdigit() for sign in head)
    if has_header:
        runs = _below_names(runs, head)
    if len(runs) < _LEAST:
        return {}
    names = [head[first:last].strip() if has_header else f"column{at}" for at, (first, last) in enumerate(runs)]
    starts = [first for first, _ in runs]
    ends = [*starts[1:], max(map(len, filled))]
    columns = _columns(names, _aligned(head, filled[has_header:], runs, starts, ends))
    return {"columns": columns, **({"skip": lines.index(filled[0]) + 1} if has_header else {})}


def fixed_rows(path: Path, shown: str, encoding: str, options: Mapping[str, Any]) -> list[list[str]]:
    """The cells of the first lines, cut at the places of `guess_fixed`."""
    with text_of(path, shown, encoding) as text:
        lines = [line for line in islice(text, int(options.get("skip", 0)), _LOOKED_AT) if line.strip()]
    return [[line[first - 1 : last].strip() for first, last in options["columns"].values()] for line in lines]


def _by_ruler(lines: list[str], ruler: int) -> dict[str, Any]:
    """Columns below a line of hyphens, as tools of databases print them."""
    runs = [found.span() for found in re.finditer(r"[-=]+", lines[ruler])]
    head = lines[ruler - 1]
    names = [head[first:last].strip() or f"column{number}" for number, (first, last) in enumerate(runs)]
    below = [line for line in lines[ruler + 1 :] if line]
    counted = [line for line in below[-4:] if re.match(r"\(?\d+ (rows?|record)|total", line.strip(), re.IGNORECASE)]
    footer = [re.sub(r"\d+(?:[.,'’]\d+)*", "#", line.strip()) for line in counted]
    options: dict[str, Any] = {"columns": _columns(names, runs), "skip": ruler + 1}
    return options | ({"footer": list(dict.fromkeys(footer))} if footer else {})


def _runs(lines: Sequence[str]) -> list[tuple[int, int]]:
    """From where to where some line has a sign, between places where none has one."""
    width = max(map(len, lines))
    used = [False] * width
    for line in lines:
        for place, sign in enumerate(line):
            if sign != " ":
                used[place] = True
    runs: list[tuple[int, int]] = []
    for place, is_used in enumerate(used):
        if is_used and (place == 0 or not used[place - 1]):
            runs.append((place, place + 1))
        elif is_used:
            runs[-1] = (runs[-1][0], place + 1)
    return runs


def _below_names(runs: Sequence[tuple[int, int]], head: str) -> list[tuple[int, int]]:
    """The columns, where what has no name belongs to the one before it: all its values have a blank at one place."""
    found: list[tuple[int, int]] = []
    for first, last in runs:
        if head[first:last].strip():
            found.append((first, last))
        else:
            found[-1] = (found[-1][0], last)
    return found


def _aligned(
    head: str, lines: Sequence[str], runs: Sequence[tuple[int, int]], starts: Sequence[int], ends: Sequence[int]
) -> list[tuple[int, int]]:
    """The columns with the blanks beside them: before numbers that end at one place, behind all others."""
    firsts, lasts = list(starts), list(ends)
    cells = [
        [line[first:last].ljust(last - first) for line in lines if line[first:last].strip()] for first, last in runs
    ]
    for number in range(1, len(runs)):
        ends_alike = cells[number] and all(not cell.endswith(" ") for cell in cells[number])
        begins_apart = any(cell.startswith(" ") for cell in (head[slice(*runs[number])], *cells[number]))
        grows_before = any(cell.endswith(" ") for cell in cells[number - 1])
        if ends_alike and (begins_apart or not grows_before):
            firsts[number] = lasts[number - 1] = runs[number - 1][1]
    return list(zip(firsts, lasts, strict=True))


def _columns(names: Sequence[str], runs: Sequence[tuple[int, int]]) -> dict[str, list[int]]:
    """Places by name, each name once."""
    found: dict[str, list[int]] = {}
    for name, (first, last) in zip(names, runs, strict=True):
        while name.casefold() in {known.casefold() for known in found}:
            name += "_2"
        found[name] = [first + 1, last]
    return found
