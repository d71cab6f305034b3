"""Lists as CSV and as JSON lines, customers without one in a second file; the standard library is all they need."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from graphrec.delivery.rows import Batch, Form, Row, Without, reasons_text
from graphrec.delivery.sinks import Sink, SinkReport, SinkSpec, TableTarget, Target
from graphrec.files import whole_file
from graphrec.shown import harmless

#: Exponents of the decimal form of a number; others are written as 1.5e-7.
_LOWEST, _HIGHEST = -6, 10
_WHOLE = 10.0**_HIGHEST
#: Texts of cells that are kept.
KEPT = 50_000


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


class _TextFile:
    def __init__(self, file: TextIO, without: TextIO, path: Path, form: Form) -> None:
        self._file = file
        self._without = without
        self._path = path
        self._form = form

    def write(self, batch: Batch) -> None:
        """Write the rows of some answers."""
        formed = batch if batch.texts else batch.formed(self._form)
        self._file.writelines([rows for rows, _ in formed.texts])
        self._without.writelines([without for _, without in formed.texts])

    def finish(self, totals: SinkReport) -> FileReport:
        """What was written."""
        return FileReport(totals.users, totals.rows, totals.without_list, str(self._path))


def _json_form(_target: Target) -> Form:
    return Form(lambda row: json.dumps(row._asdict(), ensure_ascii=False) + "\n", "null")


def _csv_form(target: Target) -> Form | None:
    """None: another system says what a row is."""
    if target.fields is not None:
        return None
    return Form(partial(_csv_line, cells=Cells(raw=target.raw, decimal=_decimal(target))), "")


def _decimal(target: Target) -> str:
    return target.decimal if target.excel else "."


def _head(names: Sequence[str], decimal: str = ".") -> str:
    return _between(decimal).join(f'"{name}"' for name in names) + "\n"


def _between(decimal: str) -> str:
    # Where a comma stands in numbers, Excel takes a semicolon between cells.
    return "," if decimal == "." else ";"


class _Texts(dict[str | None, str]):
    """Texts as cells of a .csv, written once as long as they fit; no text is an empty cell."""

    def __init__(self, write: Callable[[str], str]) -> None:
        super().__init__()
        self._write = write

    def __missing__(self, value: str | None) -> str:
        if value is None:
            return ""
        if len(self) >= KEPT:
            self.clear()
        found = self[value] = self._write(value)
        return found


class Cells:
    """Values as cells of a .csv; texts that were written before are looked up."""

    def __init__(self, *, raw: bool, decimal: str = ".") -> None:
        self._raw = raw
        self._decimal = decimal
        self.between = _between(decimal)
        self._texts = _Texts(self.long)

    def text(self, value: str) -> str:
        """A text."""
        return self._texts[value]

    def long(self, value: str) -> str:
        """A text that hardly occurs twice."""
        text = value if self._raw else harmless(value)
        return '"' + text.replace('"', '""') + '"'

    def _reasons(self, reasons: Sequence[Mapping[str, Any]]) -> str:
        """Reasons as JSON in a cell: what `reasons_text` writes; it begins with a bracket, and so is no formula."""
        return '"' + reasons_text(reasons).replace('"', '""') + '"'

    def number(self, value: float | None) -> str:
        """A number; nothing where there is none."""
        if isinstance(value, float):
            return number(value) if self._decimal == "." else number(value).replace(".", self._decimal)
        return "" if value is None else str(value)

    def row(self, row: Row | Without) -> list[str]:
        """All values of a row."""
        texts, number = self._texts, _number if self._decimal == "." else self.number
        if isinstance(row, Row):
            (
                user, product, rank, score, reason, share, model, snapshot, as_of, name, confidence, warnings, percent,
                reasons, kind, risk, fee, minimum, crm_id, change, run, record, policy, generated_at, valid_until,
            ) = row  # fmt: skip
            return [
                texts[user], texts[product], number(rank), number(score), texts[reason], number(share), texts[model],
                texts[snapshot], texts[as_of], texts[name], number(confidence), texts[warnings], number(percent),
                self._reasons(reasons), texts[kind], texts[risk], texts[fee], texts[minimum], texts[crm_id],
                texts[change], texts[run], number(record), texts[policy], texts[generated_at], texts[valid_until],
            ]  # fmt: skip
        return ["" if value is None else texts[value] if isinstance(value, str) else number(value) for value in row]


def _number(value: float | None) -> str:
    """A number with a point; nothing where there is none."""
    return number(value) if isinstance(value, float) else "" if value is None else str(value)


def _csv_line(row: Row | Without, *, cells: Cells) -> str:
    return cells.between.join(cells.row(row)) + "\n"


def without_lines(rows: Sequence[Without], *, raw: bool, head: bool = False) -> Iterator[str]:
    """The users without a list as lines of a .csv."""
    cells = Cells(raw=raw)
    if head:
        yield _head(Without._fields)
    for row in rows:
        yield _csv_line(row, cells=cells)


def number(value: float) -> str:
    """The shortest decimal text that reads back as the number, as Arrow writes it.

    >>> number(1.0), number(0.1), number(1.5e-7), number(2e16)
    ('1', '0.1', '1.5e-7', '2e+16')
    """
    written = repr(float(value))
    if -_WHOLE < value < _WHOLE and "e" not in written:
        return written.removesuffix(".0")
    if not math.isfinite(value):
        return written
    mantissa, _, power = written.partition("e")
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
def _open_csv(target: Target) -> Iterator[_TextFile]:
    encoding = "utf-8-sig" if target.bom or target.excel else "utf-8"
    form = _csv_form(target)
    assert form is not None, "another system has its own sink"
    with _opened(target, encoding, form) as (sink, files):
        for file, names in zip(files, (Row._fields, Without._fields), strict=True):
            file.write(_head(names, _decimal(target)))
        yield sink


@contextmanager
def _open_json_lines(target: Target) -> Iterator[_TextFile]:
    with _opened(target, "utf-8", _json_form(target)) as (sink, _):
        yield sink


@contextmanager
def _opened(target: Target, encoding: str, form: Form) -> Iterator[tuple[_TextFile, tuple[TextIO, TextIO]]]:
    with (
        both_files(target.file) as (lists, others),
        lists.open("w", encoding=encoding, newline="") as file,
        others.open("w", encoding=encoding, newline="") as without,
    ):
        yield _TextFile(file, without, target.file, form), (file, without)


def _open_table(target: Target) -> AbstractContextManager[Sink]:
    if target.fields is None:
        return _open_csv(target)
    from graphrec.delivery.field_maps import open_mapped

    return open_mapped(target)


def cell(value: Any) -> Any:
    """A value of a table as one cell: texts of a list one after another, anything else with parts as JSON."""
    if not isinstance(value, tuple):
        return value
    if all(isinstance(one, str) for one in value):
        return "; ".join(value)
    return json.dumps(value, ensure_ascii=False)


def _csv_rows(target: TableTarget, rows: Sequence[tuple[Any, ...]]) -> bool:
    cells = Cells(raw=False)
    with whole_file(target.file) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        file.write(_head(target.fields))
        for row in rows:
            plain = [cell(one) for one in row]
            written = [cells.long(one) if isinstance(one, str) else cells.number(one) for one in plain]
            file.write(cells.between.join(written) + "\n")
    return True


def _json_rows(target: TableTarget, rows: Sequence[tuple[Any, ...]]) -> bool:
    with whole_file(target.file) as temporary, temporary.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(dict(zip(target.fields, row, strict=True)), ensure_ascii=False) + "\n")
    return True


CSV = SinkSpec("csv", _open_table, ".csv", lines=False, form=_csv_form, table=_csv_rows)
JSON_LINES = SinkSpec("jsonl", _open_json_lines, ".jsonl", lines=False, form=_json_form, table=_json_rows)
