"""Lists as CSV and as JSON lines, customers without one in a second file; the standard library is all they need."""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from graphrec.delivery.rows import Batch, Row, Without, plain
from graphrec.delivery.sinks import Sink, SinkReport, SinkSpec, Target
from graphrec.files import whole_file
from graphrec.shown import harmless

#: Exponents of the decimal form of a number; others are written as 1.5e-7.
_LOWEST, _HIGHEST = -6, 10


@dataclass(frozen=True)
class FileReport(SinkReport):
    """What was written to a file."""

    path: str

    def lines(self) -> list[str]:
        """The report as a person reads it."""
        return [f"{self.rows:,} rows for {self.users:,} users: {self.path}", *self._without(self.where)]

    @property
    def where(self) -> str:
        """Where the users without a list are."""
        return str(beside(Path(self.path)))


def beside(path: Path) -> Path:
    """The file of the users without a list: lists.csv and lists.without.csv."""
    return path.with_name(f"{path.stem}.without{path.suffix}")


class _TextFile(ABC):
    def __init__(self, file: TextIO, without: TextIO, path: Path) -> None:
        self._file = file
        self._without = without
        self._path = path

    def write(self, batch: Batch) -> None:
        """Write the rows of some answers."""
        self._file.writelines(self._line(row) for row in batch.rows)
        self._without.writelines(self._line(row) for row in batch.without)

    def finish(self, totals: SinkReport) -> FileReport:
        """What was written."""
        return FileReport(totals.users, totals.rows, totals.without_list, str(self._path))

    @abstractmethod
    def _line(self, row: Row | Without) -> str: ...


class _JsonLines(_TextFile):
    def _line(self, row: Row | Without) -> str:
        return json.dumps(row._asdict(), ensure_ascii=False) + "\n"


class _Csv(_TextFile):
    def __init__(self, file: TextIO, without: TextIO, path: Path, *, raw: bool, decimal: str) -> None:
        super().__init__(file, without, path)
        self._raw = raw
        self._decimal = decimal
        for table, names in ((file, Row._fields), (without, Without._fields)):
            table.write(_head(names, decimal))

    def _line(self, row: Row | Without) -> str:
        return _csv_line(row, raw=self._raw, decimal=self._decimal)


def _head(names: Sequence[str], decimal: str = ".") -> str:
    return _between(decimal).join(f'"{name}"' for name in names) + "\n"


def _csv_line(row: Row | Without, *, raw: bool, decimal: str = ".") -> str:
    return _between(decimal).join([_cell(value, raw=raw, decimal=decimal) for value in plain(row)]) + "\n"


def _between(decimal: str) -> str:
    # Where a comma stands in numbers, Excel takes a semicolon between cells.
    return "," if decimal == "." else ";"


def _cell(value: str | float | None, *, raw: bool, decimal: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        text = value if raw else harmless(value)
        return '"' + text.replace('"', '""') + '"'
    return number(value).replace(".", decimal) if isinstance(value, float) else str(value)


def without_lines(rows: Sequence[Without], *, raw: bool, head: bool = False) -> Iterator[str]:
    """The users without a list as lines of a .csv."""
    if head:
        yield _head(Without._fields)
    for row in rows:
        yield _csv_line(row, raw=raw)


def number(value: float) -> str:
    """The shortest decimal text that reads back as the number, as Arrow writes it.

    >>> number(1.0), number(0.1), number(1.5e-7), number(2e16)
    ('1', '0.1', '1.5e-7', '2e+16')
    """
    value = float(value)
    if not math.isfinite(value):
        return str(value)
    mantissa, _, power = f"{value!r}".partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, part = mantissa.lstrip("-").partition(".")
    digits = (whole + part).lstrip("0")
    exponent = int(power or 0) + len(whole) - 1 - (len(whole + part) - len((whole + part).lstrip("0")))
    digits = digits.rstrip("0")
    if not digits:
        return f"{sign}0"
    if not _LOWEST <= exponent < _HIGHEST:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{tail}e{'+' if exponent > 0 else ''}{exponent}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    digits = digits.ljust(exponent + 1, "0")
    tail = f".{digits[exponent + 1 :]}" if len(digits) > exponent + 1 else ""
    return f"{sign}{digits[: exponent + 1]}{tail}"


@contextmanager
def both_files(path: Path) -> Iterator[tuple[Path, Path]]:
    """Temporary paths of the lists and of the users without one; they take their places when the block ends well."""
    with whole_file(beside(path)) as without, whole_file(path) as lists:
        yield lists, without


@contextmanager
def _open_csv(target: Target) -> Iterator[_Csv]:
    encoding = "utf-8-sig" if target.bom or target.excel else "utf-8"
    with (
        both_files(target.file) as (lists, others),
        lists.open("w", encoding=encoding, newline="") as file,
        others.open("w", encoding=encoding, newline="") as without,
    ):
        decimal = target.decimal if target.excel else "."
        yield _Csv(file, without, target.file, raw=target.raw, decimal=decimal)


@contextmanager
def _open_json_lines(target: Target) -> Iterator[_JsonLines]:
    with (
        both_files(target.file) as (lists, others),
        lists.open("w", encoding="utf-8", newline="") as file,
        others.open("w", encoding="utf-8", newline="") as without,
    ):
        yield _JsonLines(file, without, target.file)


def _open_table(target: Target) -> AbstractContextManager[Sink]:
    if target.fields is None:
        return _open_csv(target)
    from graphrec.delivery.field_maps import open_mapped

    return open_mapped(target)


CSV = SinkSpec("csv", _open_table, ".csv")
JSON_LINES = SinkSpec("jsonl", _open_json_lines, ".jsonl")
