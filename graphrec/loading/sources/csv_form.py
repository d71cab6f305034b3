"""How a CSV file is written: its columns and dialect, read from the first record instead of guessed from samples."""

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from graphrec.errors import SourceError
from graphrec.loading.mapping.names import check_names, suggest
from graphrec.loading.mapping.specs import FileSpec
from graphrec.loading.sources.encodings import text_of
from graphrec.loading.sources.frame import frame_of, is_footer, width_of
from graphrec.loading.sources.packed import open_unpacked
from graphrec.loading.sources.sql import value

RecordLines = Callable[[], list[int]]
_DELIMITERS = (",", ";", "\t", "|", "::")
_SAME = {"sep": "delim", "separator": "delim", "delimiter": "delim", "dtypes": "types", "column_types": "types"}
_NAMES = {"column_names": "names", "null": "nullstr"}
_SEP_LINE = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
_BLOCK = 1 << 24
_ALIKE = 5
"""So many lines cut alike are no chance."""
_MANY = 20
"""Of numbers alone."""
_PLAIN = re.compile(r"-?\d+(\.\d+)?")
_FIRST, _LAST = 300, 8
"""Lines at the beginning and at the end of a file that show what is around its rows."""


@dataclass(frozen=True)
class CsvForm:
    """Everything DuckDB needs to read one file, in UTF-8 by then, without guessing."""

    path: Path
    shown: str
    columns: Mapping[str, str]
    options: Mapping[str, Any]
    lines_before: int
    """Lines that stand above the first row."""
    footer: tuple[str, ...] = ()
    """What the last lines begin with that are no rows."""
    begins: str = ""
    """What lines begin with that are rows; nothing: all are."""

    def arguments(self) -> str:
        """The arguments of read_csv after the path."""
        options = {key: option for key, option in self.options.items() if key not in {"encoding", "begins"}}
        given = {"auto_detect": False, "columns": dict(self.columns), **options}
        return ", ".join(f"{key} = {value(option)}" for key, option in given.items())

    def record_lines(self) -> list[int]:
        """The line on which each row of the file begins."""
        lines, before = [], 0
        below = 0
        with text_of(self.path, self.shown, str(self.options.get("encoding", "utf-8"))) as text:
            for _ in range(int(self.options.get("skip", 0))):
                next(text)
                before += 1
            if self.begins:
                return [number for number, line in enumerate(text, start=before + 1) if line.startswith(self.begins)]
            reader = _records(text, self.options)
            for number, record in _numbered(reader):
                if record or len(self.columns) == 1:
                    lines.append(before + number)
                    below = below + 1 if is_footer(str(self.options["delim"]).join(record), self.footer) else 0
        lines = lines[: len(lines) - below]
        return lines[1:] if self.options["header"] else lines


def _numbered(reader: Any) -> Iterator[tuple[int, list[str]]]:
    begins = 1
    for record in reader:
        yield begins, record
        begins = reader.line_num + 1


def csv_form(path: Path, shown: str, spec: FileSpec) -> CsvForm:
    """The form of one file, from its first record and the mapping's options.

    Raises:
        SourceError: there is no header, a column is there twice, or `types` names an unknown column.
    """
    options = normal_options(spec.options)
    options.setdefault("header", True)
    options.setdefault("quote", '"')
    options.setdefault("escape", options["quote"])
    options["nullstr"] = _gaps(options.get("nullstr", []))
    _take_sep_line(path, shown, options)
    options.setdefault("delim", "\t" if ".tsv" in path.suffixes else _guess_delimiter(path, shown, options))
    first = _first_record(path, shown, options)
    types = options.pop("types", {})
    given = options.pop("columns", None)
    names = options.pop("names", None) or (list(given) if given else _names(first, bool(options["header"])))
    if not names:
        raise SourceError(f"{shown} line 1: the file is empty; want a header line")
    _check_columns(names, types, shown)
    if isinstance(types, list):
        types = dict(zip(names, types, strict=False))
    columns = given or {column: types.get(column, "VARCHAR") for column in names}
    footer = tuple(options.pop("footer", ()))
    begins = str(options.pop("begins", ""))
    before = int(options.get("skip", 0)) + bool(options["header"])
    return CsvForm(path, shown, columns, options, before, footer, begins)


def guess_frame(path: Path, shown: str, encoding: str) -> tuple[str, dict[str, Any]]:
    """The delimiter of a text that may be a table, "" where it is none, and the options for what is around its rows.

    Raises:
        SourceError: it cannot be read.
    """
    first: list[str] = []
    last: deque[str] = deque(maxlen=_LAST)
    with text_of(path, shown, encoding) as text:
        for line in text:
            if len(first) < _FIRST:
                first.append(line)
            if line.strip():
                last.append(line)
    if first and _SEP_LINE.fullmatch(first[0]):
        return "", {}
    best, delimiter, records = (False, 0), "", []
    for each in _DELIMITERS:
        found = _of_lines(first, each)
        width, count = width_of([record for _, record in found])
        # One that cuts every line alike is it, however many signs of another one stand within a column.
        if (claim := (count == len(found) >= _ALIKE, width * count)) > best:
            best, delimiter, records = claim, each, found
    if not delimiter:
        return (" ", {"delim": " "}) if _are_numbers(first) else ("", {})
    ends = [record for _, record in _of_lines(last, delimiter)]
    frame = frame_of([record for _, record in records], ends, delimiter)
    options: dict[str, Any] = {"skip": records[frame.above][0] - 1} if frame.above else {}
    return delimiter, options | ({"footer": list(frame.footer)} if frame.footer else {})


def _are_numbers(lines: Sequence[str]) -> bool:
    """Whether every line is the same count of numbers with a space between, as data of research have it."""
    cut = [line.split() for line in lines if line.strip()]
    is_table = len(cut) >= _MANY and len({len(record) for record in cut}) == 1 < len(cut[0])
    return is_table and all(_PLAIN.fullmatch(cell) for record in cut for cell in record) and lines[0][:1] != " "


def first_records(path: Path, shown: str, given: Mapping[str, Any]) -> list[list[str]]:
    """The records at the beginning of a file that hold something, read as its entry says."""
    options = csv_form(path, shown, FileSpec("", shown, "csv", options={"names": ["any"], **given})).options
    begins = str(given.get("begins", ""))
    with text_of(path, shown, str(options.get("encoding", "utf-8"))) as text:
        lines = list(islice((line for line in text if line.startswith(begins)), int(options.get("skip", 0)), _FIRST))
    return [record for _, record in _of_lines(lines, str(options["delim"]))]


def _of_lines(lines: Iterable[str], delimiter: str) -> list[tuple[int, list[str]]]:
    """The records of some lines that hold something, each with its line."""
    records = _records(iter(lines), {"quote": '"', "escape": '"', "delim": delimiter})
    try:
        return [(number, record) for number, record in _numbered(records) if any(record)]
    except csv.Error:
        return []


def without_footer(path: Path, shown: str, footer: Collection[str], target: Path) -> None:
    """Copy a text, in UTF-8 by then, without the lines at its end that begin as a footer does."""
    held: deque[bytes] = deque()
    with open_unpacked(path, shown) as stream, target.open("wb") as copy:
        for line in io.BufferedReader(stream):
            held.append(line)
            if not is_footer(line.decode(errors="replace"), footer) and line.strip():
                while held:
                    copy.write(held.popleft())


def only_lines(path: Path, shown: str, begins: str, target: Path) -> None:
    """Copy the lines of a text that begin so, in UTF-8 by then."""
    wanted = begins.encode()
    with open_unpacked(path, shown) as stream, target.open("wb") as copy:
        for line in io.BufferedReader(stream):
            if line.removeprefix(codecs.BOM_UTF8).startswith(wanted):
                copy.write(line.removeprefix(codecs.BOM_UTF8))


def _take_sep_line(path: Path, shown: str, options: dict[str, Any]) -> None:
    """Skip a first line such as `sep=;`, with which Excel says what the delimiter is."""
    if "skip" in options:
        return
    with text_of(path, shown, str(options.get("encoding", "utf-8"))) as text:
        found = _SEP_LINE.fullmatch(text.readline(16))
    if found:
        options["skip"] = 1
        options.setdefault("delim", found.group(1))


def _gaps(given: str | list[str]) -> list[str]:
    """What stands for a gap: an empty field always, whatever else the mapping names."""
    return ["", *(text for text in ([given] if isinstance(given, str) else given) if text)]


def declared_columns(given: Mapping[str, Any]) -> dict[str, str]:
    """The columns that the options name, for a file that is absent."""
    options = normal_options(given)
    types = options.get("types", {})
    columns = options.get("columns") or (types if isinstance(types, dict) else {})
    return {**dict.fromkeys(options.get("names", []), "VARCHAR"), **columns}


def normal_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options under one name each; those that mean "all text", the default, are gone."""
    same = {**_SAME, **_NAMES}
    return {same.get(key, key): option for key, option in given.items() if key not in {"all_varchar", "auto_detect"}}


def count_lines(path: Path, shown: str) -> int:
    """How many lines a file has, packed or not."""
    lines, last = 0, b"\n"
    with open_unpacked(path, shown) as stream:
        while block := stream.read(_BLOCK):
            lines += block.count(b"\n")
            last = block[-1:]
    return lines + (last != b"\n")


def _records(text: Iterator[str], options: Mapping[str, Any]) -> Any:
    quote = options["quote"]
    delimiter = options["delim"]
    csv.field_size_limit(1 << 30)
    return csv.reader(
        text if len(delimiter) == 1 else (line.replace(delimiter, "\x1f") for line in text),
        delimiter=delimiter if len(delimiter) == 1 else "\x1f",
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        doublequote=options["escape"] == quote,
        escapechar=options["escape"] if options["escape"] not in {quote, ""} else None,
    )


def _first_record(path: Path, shown: str, options: Mapping[str, Any]) -> list[str]:
    with text_of(path, shown, str(options.get("encoding", "utf-8"))) as text:
        for _ in range(int(options.get("skip", 0))):
            next(text, None)
        begins = str(options.get("begins", ""))
        rows = (line for line in text if line.startswith(begins)) if begins else text
        return next((record for record in _records(rows, options) if record), [])


def _guess_delimiter(path: Path, shown: str, options: Mapping[str, Any]) -> str:
    """The candidate that splits the first record into most fields; a comma when none does."""
    fields = {each: len(_first_record(path, shown, {**options, "delim": each})) for each in _DELIMITERS}
    return max(_DELIMITERS, key=lambda each: fields[each])


def _names(first: list[str], has_header: bool) -> list[str]:
    if not has_header:
        return [f"column{number}" for number in range(len(first))]
    return [column or f"column{number}" for number, column in enumerate(first)]


def _check_columns(names: list[str], types: Any, shown: str) -> None:
    check_names(names, f"{shown} line 1", ", or give names = [...]")
    for column in types if isinstance(types, dict) else ():
        if column not in names:
            raise SourceError(f"{shown} line 1: types names {column!r}, which is no column{suggest(column, names)}")
