"""XML as tables of texts: each element that is there several times is a row; attributes and texts are its columns."""

import codecs
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

import duckdb

from graphrec.errors import SourceError
from graphrec.loading.mapping.names import suggest
from graphrec.loading.mapping.specs import FileSpec
from graphrec.loading.sources.packed import open_unpacked
from graphrec.loading.sources.values import ROWS, RowTable

OPTIONS = ("rows",)
"""What the entry of an XML file may say besides its own keys: the path of the elements that are its rows."""
_BLOCK = 1 << 20
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_READ_BY_EXPAT = ("utf-8", "utf-16", "iso8859-1", "ascii")
_DEEPEST = 100
_ATTRIBUTE = "@"
_BARE = frozenset(
    {
        *("ind", "dt", "yn", "flag", "date", "at", "on", "granted", "given", "accepted", "agreed", "enabled", "optin"),
        *("value", "datum", "wert", "ja", "erteilt"),
    }
)
"""Names of elements that say nothing without what they lie in: granted of a consent, Ind of MktgCnsnt."""

Names = tuple[str, ...]
"""Elements from the outermost to one, an attribute at the end."""


@dataclass
class _Element:
    """One element, with what lies in it."""

    path: Names
    line: int
    attributes: dict[str, str]
    text: list[str] = field(default_factory=list)
    children: list["_Element"] = field(default_factory=list)

    def leaves(self, rows: frozenset[Names]) -> Iterator[tuple[Names, str]]:
        """Attributes and texts in it, without those in rows of their own."""
        for name, text in self.attributes.items():
            yield (*self.path, _ATTRIBUTE + name), text
        if text := "".join(self.text).strip():
            yield self.path, text
        for child in self.children:
            if child.path not in rows:
                yield from child.leaves(rows)


def row_paths(path: Path, shown: str) -> list[str]:
    """The paths of the elements that are there several times side by side, outer ones first.

    Raises:
        SourceError: it is no XML.
    """
    return ["/".join(one) for one in _outline(path, shown)]


def read_xml(
    database: duckdb.DuckDBPyConnection, spec: FileSpec, files: Sequence[tuple[Path, str]], place: str
) -> None:
    """Read the rows of one kind into the table of an entry, each with the plain values of the rows around it.

    Raises:
        SourceError: a file is no XML, or has no such elements.
    """
    table = RowTable(database, spec.name, are_typed=False)
    for path, shown in files:
        known = _outline(path, shown)
        wanted = _wanted(spec, known, shown, place)
        rows = frozenset({*known, wanted})
        outer = min((one for one in rows if one == wanted[: len(one)]), key=len)
        found = (row for element in _elements(path, shown, outer) for row in _rows_in(element, {}, rows, wanted))
        while some := list(islice(found, ROWS)):
            columns = _named(dict.fromkeys(name for _, row in some for name in row), wanted)
            table.add(list(columns.values()), ((line, [row.get(one) for one in columns]) for line, row in some), shown)
    table.finish()


def _wanted(spec: FileSpec, known: Sequence[Names], shown: str, place: str) -> Names:
    given = spec.options.get("rows")
    if given is None and len(known) == 1:
        return known[0]
    if isinstance(given, str) and given.strip("/"):
        return tuple(given.strip("/").split("/"))
    listed = ", ".join("/".join(one) for one in known) or "none"
    raise SourceError(
        f'{place}: {shown} has several kinds of rows, or none: {listed}; say which elements are rows: rows = "…"'
        + (suggest(str(given), ["/".join(one) for one in known]) if given else "")
    )


def _rows_in(
    element: _Element, around: dict[Names, str], rows: frozenset[Names], wanted: Names
) -> Iterator[tuple[int, dict[Names, str]]]:
    """The rows in an element, with the values of the rows around them."""
    if element.path in rows:
        around = around | dict(element.leaves(rows))
    if element.path == wanted:
        yield element.line, around
        return
    for child in element.children:
        if child.path == wanted[: len(child.path)]:
            yield from _rows_in(child, around, rows, wanted)


def _named(paths: dict[Names, None], row: Names) -> dict[Names, str]:
    """A name for each: its own, with what it lies in where that is there twice; those of the row itself go first.

    An attribute of an element in the row has the name of that element before its own, and so has an element in it that
    is called by an answer or a day alone.
    """
    found: dict[Names, str] = {}
    taken: set[str] = set()
    for one in sorted(paths, key=lambda path: path[: len(row)] != row):
        is_inner = one[:-1] != row and one[: len(row)] == row and one != row
        is_inner = is_inner and (one[-1].startswith(_ATTRIBUTE) or one[-1].casefold() in _BARE)
        parts = [part.removeprefix(_ATTRIBUTE) for part in one]
        names = ["_".join(parts[-length:]) for length in range(1 + is_inner, len(one) + 1)]
        found[one] = next((name for name in names if name.casefold() not in taken), "_".join(parts) + "_")
        taken.add(found[one].casefold())
    return {one: found[one] for one in paths}


def _outline(path: Path, shown: str) -> list[Names]:
    """The paths of elements that are there several times in one element, outer ones first."""
    found: dict[Names, None] = {}
    for element in _elements(path, shown, None):
        counts = Counter(child.path for child in element.children)
        found.update(dict.fromkeys(one for one, times in counts.items() if times > 1))
        for child in element.children:
            child.children.clear()
    return sorted(found, key=len)


def _elements(path: Path, shown: str, outer: Names | None) -> Iterator[_Element]:
    """The elements of a path, or all where there is none, each with what lies in it."""
    encoding = _encoding(path, shown)
    parser = expat.ParserCreate("utf-8" if encoding else None, " ")
    parser.buffer_text = True
    open_: list[_Element] = []
    ended: list[_Element] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(open_) >= _DEEPEST:
            raise SourceError(f"{shown} line {parser.CurrentLineNumber}: elements lie {_DEEPEST} deep; want fewer")
        names = {_local(name): text for name, text in attributes.items()}
        above = open_[-1].path if open_ else ()
        element = _Element((*above, _local(tag)), parser.CurrentLineNumber, names)
        if open_ and (outer is None or above[: len(outer)] == outer):
            open_[-1].children.append(element)
        open_.append(element)

    def end(_tag: str) -> None:
        element = open_.pop()
        if outer is None or element.path == outer:
            ended.append(element)

    def text(found: str) -> None:
        open_[-1].text.append(found)

    def refuse(*_given: Any) -> NoReturn:
        raise SourceError(f"{shown} line {parser.CurrentLineNumber}: it declares entities; want XML without a DTD")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = text, refuse
    try:
        for block in _blocks(path, shown, encoding):
            parser.Parse(block, not block)
            yield from ended
            ended.clear()
    except expat.ExpatError as error:
        raise SourceError(f"{shown}: {error}; correct the file, or fetch it again") from error


def _local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition(" ")[2]


def _encoding(path: Path, shown: str) -> str | None:
    """The encoding that a file names, where expat does not read it."""
    with open_unpacked(path, shown) as stream:
        found = _DECLARED.match(bytes(stream.read(300)))
    if found is None:
        return None
    try:
        known = codecs.lookup(found[1].decode())
    except LookupError as error:
        raise SourceError(f"{shown} line 1: {error}; correct its first line") from error
    return None if known.name in _READ_BY_EXPAT else known.name


def _blocks(path: Path, shown: str, encoding: str | None) -> Iterator[bytes]:
    """The text in UTF-8 where its encoding is named, else as it is; an empty block at the end."""
    decoder = codecs.getincrementaldecoder(encoding)() if encoding else None
    with open_unpacked(path, shown) as stream:
        while block := bytes(stream.read(_BLOCK)):
            try:
                yield decoder.decode(block).encode() if decoder else block
            except UnicodeError as error:
                raise SourceError(f"{shown} is not {encoding}, as its first line says: {error}; correct it") from error
    yield b""
