"""Field maps: the columns of another system, as a .csv that its import takes. One TOML a system, with its limits.

Shipped: salesforce, hubspot, dynamics (delivery/maps). One of a bank's own is a file like these. The limits beside each
column and file are those that the system's maker states; what goes beyond is refused, or cut where the map says so.
"""

import math
import re
import string
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal, TextIO

from msgspec import Meta, Struct

from graphrec.config.convert import convert
from graphrec.config.document import parse_toml, read_toml
from graphrec.delivery.rows import TIMES, Batch, Row
from graphrec.delivery.sinks import SinkReport, Target
from graphrec.delivery.text_files import FileReport, beside, number, without_lines
from graphrec.errors import SettingsError, UsageError
from graphrec.files import whole_file
from graphrec.shown import harmless

Count = Annotated[int, Meta(ge=1)]
_CUT = "…"


class FileLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """What one file may be; beyond it another begins."""

    source: str
    """Where the maker says so."""
    max_bytes: Count
    max_rows: Count
    max_columns: Count
    max_record: Count = 1 << 30
    """Signs of all values of a row."""
    header: str = ".+"
    """Regular expression of the names of columns."""
    line_end: Literal["LF", "CRLF"] = "LF"
    bom: bool = False
    """Begin with a byte order mark."""


class FieldSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """One column."""

    name: str
    value: str
    """A text with columns of our rows in braces: "{user}/{product}"."""
    max_length: Count
    form: Literal["text", "number", "date", "time"] = "text"
    too_long: Literal["refuse", "cut"] = "refuse"
    required: bool = False
    """Whether a row without a value is refused."""


class FieldMap(Struct, frozen=True, forbid_unknown_fields=True):
    """The columns of another system."""

    title: str
    file: FileLimits
    columns: Annotated[tuple[FieldSpec, ...], Meta(min_length=1)]


@dataclass(frozen=True)
class MappedReport(FileReport):
    """What was written for another system."""

    files: tuple[str, ...]
    cut: int
    """Values that were longer than their column."""
    left: tuple[str, ...]
    """Files of an earlier export beside these."""

    def lines(self) -> list[str]:
        """The report as a person reads it."""
        lines = [f"{self.rows:,} rows for {self.users:,} users: {', '.join(self.files)}", *self._without(self.where)]
        if self.cut:
            lines.append(f"{self.cut:,} values were longer than their columns and end with {_CUT}")
        lines += [f"{name} is of an earlier export: remove it before the import" for name in self.left]
        return lines


def shipped() -> tuple[str, ...]:
    """The names of the maps that graphrec brings."""
    return tuple(sorted(one.name.removesuffix(".toml") for one in _folder().iterdir() if one.name.endswith(".toml")))


def field_map(name: str) -> FieldMap:
    """A shipped map, or that of a file.

    Raises:
        SettingsError: there is none, or it breaks its own limits.
    """
    if name in shipped():
        document = parse_toml((_folder() / f"{name}.toml").read_text("utf-8"), f"map {name}", SettingsError)
    elif Path(name).is_file():
        document = read_toml(Path(name), SettingsError)
    else:
        raise SettingsError(
            f"--map {name}: no such file; want one of {', '.join(shipped())}, or the path of a TOML file"
        )
    found = convert(document, FieldMap)
    names = [column.name for column in found.columns]
    if len(names) > found.file.max_columns:
        document.refuse(("columns",), f"{len(names)} columns, and a file may have {found.file.max_columns}")
    for place, column in enumerate(found.columns):
        if not re.fullmatch(found.file.header, column.name):
            document.refuse(
                ("columns", place, "name"), f"{column.name!r} is no name of a column: want {found.file.header}"
            )
        if names.count(column.name) > 1:
            document.refuse(("columns", place, "name"), f"{column.name!r} is there twice")
        for asked in _asked(column.value):
            if asked not in Row._fields:
                document.refuse(("columns", place, "value"), f"there is no {asked!r}; want {', '.join(Row._fields)}")
    return found


class MappedCsv:
    """Writes lists as the .csv files that another system takes."""

    def __init__(self, target: Target, stack: ExitStack, without: TextIO) -> None:
        assert target.fields is not None, "a map is given"
        self._map, self._path, self._stack, self._raw = target.fields, target.file, stack, target.raw
        self._ends = "\r\n" if self._map.file.line_end == "CRLF" else "\n"
        self._head = ",".join(_quoted(column.name) for column in self._map.columns) + self._ends
        self._without = without
        self._file: TextIO | None = None
        self._files: list[Path] = []
        self._size = self._rows = self._cut = 0

    def write(self, batch: Batch) -> None:
        """Write the rows of some answers, in another file where one is full."""
        for row in batch.rows:
            line = self._line(row)
            size = len(line.encode())
            limits = self._map.file
            if self._file is None or self._size + size > limits.max_bytes or self._rows == limits.max_rows:
                self._next()
            assert self._file is not None, "a file was begun"
            self._file.write(line)
            self._size += size
            self._rows += 1
        self._without.writelines(without_lines(batch.without, raw=self._raw))

    def finish(self, totals: SinkReport) -> MappedReport:
        """What was written."""
        if self._file is None:
            self._next()
        after = self._part(len(self._files) + 1)
        return MappedReport(
            totals.users, totals.rows, totals.without_list, str(self._path), tuple(map(str, self._files)), self._cut,
            (str(after),) if after.exists() else (),
        )  # fmt: skip

    def _part(self, count: int) -> Path:
        return self._path if count == 1 else self._path.with_name(f"{self._path.stem}.{count}{self._path.suffix}")

    def _next(self) -> None:
        path = self._part(len(self._files) + 1)
        temporary = self._stack.enter_context(whole_file(path))
        encoding = "utf-8-sig" if self._map.file.bom else "utf-8"
        self._file = self._stack.enter_context(temporary.open("w", encoding=encoding, newline=""))
        self._file.write(self._head)
        self._files.append(path)
        self._size, self._rows = len(self._head.encode()) + 3 * self._map.file.bom, 0

    def _line(self, row: Row) -> str:
        values = [self._value(column, row) for column in self._map.columns]
        if (length := sum(map(len, values))) > self._map.file.max_record:
            raise UsageError(
                f"--map: the row of user {row.user} and product {row.product} has {length:,} signs, and "
                f"{self._map.title} takes {self._map.file.max_record:,}; leave columns out of the map"
            )
        return ",".join(_quoted(value) if value else "" for value in values) + self._ends

    def _value(self, column: FieldSpec, row: Row) -> str:
        names = _asked(column.value)
        parts = {name: _text(name, getattr(row, name), column.form) for name in names}
        text = column.value.format_map(parts) if any(parts.values()) or not names else ""
        if column.form == "text" and not self._raw:
            text = harmless(text)
        if not text and column.required:
            raise UsageError(
                f"--map: the row of user {row.user} and product {row.product} has no {column.value}, and {column.name} "
                f"of {self._map.title} needs one; name the column of {', '.join(names)} in the mapping, or take "
                "another in a map of your own"
            )
        if len(text) <= column.max_length:
            return text
        if column.too_long == "cut":
            self._cut += 1
            return text[: column.max_length - 1] + _CUT
        raise UsageError(
            f"--map: {column.name} of user {row.user} and product {row.product} has {len(text):,} signs, and "
            f'{self._map.title} takes {column.max_length:,}; shorten it, or set too_long = "cut" in a map of your own'
        )


@contextmanager
def open_mapped(target: Target) -> Iterator[MappedCsv]:
    """The files of a map; they take their places when the block ends well."""
    with whole_file(beside(target.file)) as others, others.open("w", encoding="utf-8", newline="") as without:
        without.writelines(without_lines((), raw=target.raw, head=True))
        with ExitStack() as stack:
            yield MappedCsv(target, stack, without)


def _folder() -> Traversable:
    return files("graphrec.delivery") / "maps"


def _asked(template: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]


def _text(name: str, value: object, form: str) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if name == "reasons":
        assert isinstance(value, tuple), "reasons are many"
        return "; ".join(_reason(one) for one in value)
    if name in TIMES and form == "date":
        return str(value)[:10]
    if isinstance(value, float):
        return number(round(value, 4)) if form == "number" else number(value)
    return str(value)


def _reason(one: Mapping[str, object]) -> str:
    percent = one["percent"]
    return str(one["text"]) if percent is None else f"{one['text']} ({percent:.0f} %)"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
