"""TOML documents: limits on size and depth, the line of every key, one line for whatever is wrong.

`tomllib` is recursive in brackets and quadratic in dotted keys, so a linear scan refuses what is too deep before it
parses. The same scan finds the line of every key, which `tomllib` does not keep.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from stat import S_ISREG
from typing import Any, NoReturn, TypeAlias

from graphrec.errors import GraphrecError
from graphrec.frozen import dataclass

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a value is: names of keys, and positions in lists from 0."""
LIMIT_BYTES = 1 << 20
"""The largest file that is read."""
LIMIT_DEPTH = 32
"""The most brackets and dots that a value may be nested in."""
LIMIT_LITERAL = 80
"""The longest number or date, in characters."""
WHOLE = range(-(1 << 63), 1 << 63)
"""The whole numbers of TOML: 64 bits."""
_TOKEN = re.compile(
    r'''
    (?P<text>
        """ [^"\\]* (?: (?: \\. | "(?!"") ) [^"\\]* )* (?: """ | \\?\Z )
      | \'\'\' [^']* (?: '(?!'') [^']* )* (?: \'\'\' | \Z )
      | " [^"\\\n]* (?: \\[^\n] [^"\\\n]* )* (?: " | \\?(?=\n|\Z) )
      | ' [^'\n]* (?: ' | (?=\n|\Z) )
    )
    | (?P<comment> \#[^\n]* )
    | (?P<bare> [A-Za-z0-9_-]+ )
    | (?P<space> [ \t\r]+ )
    | (?P<sign> . )
    ''',
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Document:
    """A TOML file or text that was read.

    Args:
        where: what messages call it, usually its path.
        content: the parsed tables.
        error: the class of error that its faults raise.
        text: the TOML, with line feeds alone.
    """

    where: str
    content: dict[str, Any]
    error: type[GraphrecError]
    text: str = field(repr=False)
    _lines: Mapping[KeyPath, int] = field(repr=False)
    _value_lines: Mapping[KeyPath, int] = field(repr=False)

    def line(self, path: KeyPath) -> int | None:
        """The line of a key, or of the nearest table around it; None for the document itself."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path)

    def value_line(self, path: KeyPath) -> int | None:
        """The line on which the text of a value starts; it is the one below opening quotes that end their line."""
        return self._value_lines.get(path) or self.line(path)

    def place(self, path: KeyPath = ()) -> str:
        """File and line, for messages."""
        line = self.line(path)
        return self.where if line is None else f"{self.where} line {line}"

    def refuse(self, path: KeyPath, why: str) -> NoReturn:
        """Raise the document's error with file and line in front."""
        raise self.error(f"{self.place(path)}: {why}")


def read_toml(file: Path, error: type[GraphrecError]) -> Document:
    """Read a TOML file.

    Args:
        file: the path.
        error: the class of error to raise.

    Raises:
        GraphrecError: of that class: the file cannot be read, is too large or too deep, or is not TOML.
    """
    return parse_toml(read_text(file, error), str(file), error)


def read_text(file: Path, error: type[GraphrecError]) -> str:
    """The text of a TOML file.

    Raises:
        GraphrecError: of that class: the file cannot be read, is too large, or is not UTF-8.
    """
    try:
        # Nobody may ever write to a pipe.
        if not S_ISREG(file.stat().st_mode) and not file.is_dir():
            raise error(f"{file} is no file; name a file of its own")
        with file.open("rb") as opened:
            content = opened.read(LIMIT_BYTES + 1)
    except OSError as problem:
        raise error(f"{file} cannot be read: {problem.strerror or problem}; correct the path or its rights") from None
    if len(content) > LIMIT_BYTES:
        raise error(f"{file} is larger than {LIMIT_BYTES >> 20} MiB, the limit of a TOML file; make it smaller")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise error(f"{file} line {line} is not UTF-8 text ({problem.reason}); save the file as UTF-8") from None


def parse_toml(text: str, where: str, error: type[GraphrecError]) -> Document:
    """Parse a TOML text.

    Args:
        text: at most LIMIT_BYTES characters.
        where: what messages call it.
        error: the class of error to raise.

    Raises:
        GraphrecError: of that class: the text is too large or too deep, or is not TOML.
    """
    import tomllib

    if len(text) > LIMIT_BYTES:
        raise error(f"{where} is larger than {LIMIT_BYTES >> 20} MiB, the limit of a TOML file; make it smaller")
    text = text.replace("\r\n", "\n")
    scan = _Scan()
    if (fault := scan.run(text)) is not None:
        raise error(f"{where} line {scan.line} {fault}; correct it")
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as problem:
        line, why = _explain(problem, text)
        raise error(f"{where} line {line} is not TOML: {why}; correct it") from None
    document = Document(where, content, error, text, scan.lines, scan.value_lines)
    for path, fault in _number_faults(content):
        document.refuse(path, f"{key_text(path)} {fault}; correct it")
    return document


def key_text(path: KeyPath) -> str:
    """A key as TOML writes it: names joined by dots, quoted where they must be; positions are left out."""
    return ".".join(_name_text(part) for part in path if isinstance(part, str))


def _name_text(name: str) -> str:
    shown = one_line(name, 80)
    return shown if re.fullmatch(r"[\w-]+…?", shown) else f'"{shown}"'


def _explain(problem: Exception, text: str) -> tuple[int, str]:
    """Line and cause of what the parser refuses."""
    why = str(problem)
    last = text.rstrip("\n").count("\n") + 1
    if isinstance(problem, RecursionError):
        return last, "it is nested too deep"
    if (found := re.search(r" \(at line (\d+), column (\d+)\)$", why)) is not None:
        return int(found[1]), f"{one_line(why[: found.start()], 200)} (column {found[2]})"
    return last, one_line(why, 200)


def one_line(text: str, longest: int) -> str:
    """A text with escapes for all that does not print, cut where it is longer than `longest` characters."""
    shown = "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in text[: longest + 1])
    return shown if len(shown) <= longest else f"{shown[:longest]}…"


def _number_faults(content: dict[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Every number that no setting can be, with its place; without recursion."""
    pending: list[tuple[KeyPath, Any]] = [((), content)]
    while pending:
        path, table = pending.pop()
        for key, value in table.items() if isinstance(table, dict) else enumerate(table):
            if isinstance(value, dict | list):
                pending.append(((*path, key), value))
            elif isinstance(value, int) and value not in WHOLE:
                yield (*path, key), "is a whole number of more than 64 bits"
            elif isinstance(value, float) and not math.isfinite(value):
                yield (*path, key), f"= {value} is not a finite number"


class _Scan:
    """Reads a text once from left to right: how deep it nests, and on which line each key stands."""

    def __init__(self) -> None:
        self.line = 1
        self.lines: dict[KeyPath, int] = {}
        self.value_lines: dict[KeyPath, int] = {}
        self._tables: dict[KeyPath, int] = {}
        """How many tables each `[[list of tables]]` has so far."""
        self._table: KeyPath = ()
        self._parts: list[str] = []
        self._header = 0
        """How many brackets opened the header of this line."""
        self._key: KeyPath | None = None
        """The key whose value is being read."""
        self._in_key = True
        self._depth = 0
        self._dots = 0

    def run(self, text: str) -> str | None:
        """Scan the text; what is wrong on `line`, None when nothing is."""
        for token in _TOKEN.finditer(text):
            kind, word = token.lastgroup, token[0]
            if kind == "text":
                self._text(word)
            elif kind == "bare":
                if self._in_key:
                    self._parts.append(word)
                elif len(word) > LIMIT_LITERAL:
                    return f"has {word[:20]}… of {len(word)} characters, and no number or date is so long"
                self._value_starts()
            elif kind == "sign":
                self._sign(word)
                if self._depth + self._dots > LIMIT_DEPTH:
                    return f"nests more than {LIMIT_DEPTH} brackets or dots"
        return None

    def _text(self, word: str) -> None:
        if self._in_key:
            self._parts.append(_unquoted(word))
        elif self._key is not None:
            opens = word[:3] in ('"""', "'''") and word[3:4] == "\n"
            self._value_starts(below=opens)
        self.line += word.count("\n")

    def _value_starts(self, *, below: bool = False) -> None:
        if not self._in_key and self._key is not None:
            self.value_lines.setdefault(self._key, self.line + below)
            self._key = None

    def _sign(self, sign: str) -> None:
        if sign == "\n":
            self.line += 1
            self._dots = 0
            if self._depth == 0:
                self._in_key, self._header, self._key = True, 0, None
                self._parts.clear()
        elif sign == ".":
            self._dots += 1
        elif sign == "=" and self._in_key and not self._header:
            self._dots = 0
            self._in_key = False
            self._key = self._resolve(self._table, self._parts)
        elif sign == "[" and self._in_key and not self._parts and self._header < 2:
            self._header += 1
        elif sign == "]" and self._in_key and self._header:
            self._dots = 0
            self._in_key = False
            self._open_table()
        elif sign in "[{":
            self._value_starts()
            self._dots = 0
            self._depth += 1
        elif sign in "]}":
            self._dots = 0
            self._depth = max(self._depth - 1, 0)
        elif sign == ",":
            self._dots = 0

    def _open_table(self) -> None:
        if self._header == 1:
            self._table = self._resolve((), self._parts)
            return
        above = self._resolve((), self._parts[:-1])
        listed = (*above, *self._parts[-1:])
        self._tables[listed] = self._tables.get(listed, 0) + 1
        self.lines.setdefault(listed, self.line)
        self._table = (*listed, self._tables[listed] - 1)
        self.lines[self._table] = self.line

    def _resolve(self, path: KeyPath, parts: list[str]) -> KeyPath:
        """The path of a key below a table; a list of tables stands for its last one."""
        for part in parts:
            path = (*path, part)
            self.lines.setdefault(path, self.line)
            if path in self._tables:
                path = (*path, self._tables[path] - 1)
        return path


def _unquoted(word: str) -> str:
    """The name that a quoted key stands for."""
    import tomllib

    if "\\" not in word or word[0] == "'":
        return word[1:-1]
    try:
        return str(tomllib.loads(f"name = {word}")["name"])
    except ValueError:
        return word
