"""Lists as an Excel workbook: the sheet `lists`, more where it is full, and the sheet `without a list`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphrec.delivery.rows import TIMES, Batch, Row, Without, plain
from graphrec.delivery.sinks import SinkReport, SinkSpec, TableTarget, Target
from graphrec.delivery.text_files import FileReport, cell
from graphrec.extras import needs_extra
from graphrec.files import whole_file

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

#: Rows of a sheet, and characters of a cell, that Excel takes.
ROWS, CHARACTERS = 1_048_576, 32_767
WIDTHS = {"user": 14, "product": 14, "name": 30, "reason": 60, "reasons": 40, "warnings": 30, "why": 80}


class _Sheets:
    """One table over as many sheets as it needs."""

    def __init__(self, book: Workbook, title: str, names: Sequence[str]) -> None:
        self._book = book
        self._title = title
        self._names = names
        self._head = book.add_format({"bold": True})
        self._time = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        self._sheets = 0
        self._row = ROWS
        self._sheet: Worksheet
        self._begin()

    def add(self, row: Row | Without) -> None:
        """Write one row. Texts stay texts: none becomes a formula or a link."""
        if self._row == ROWS:
            self._begin()
        self._write(plain(row))

    def add_cells(self, cells: Sequence[Any]) -> None:
        """Write one row of a table that is no list."""
        if self._row == ROWS:
            self._begin()
        self._write(cells)

    def _write(self, cells: Sequence[Any]) -> None:
        for column, (name, value) in enumerate(zip(self._names, cells, strict=True)):
            if value is None:
                continue
            if name in TIMES and isinstance(value, str):
                moment = datetime.fromisoformat(value).replace(tzinfo=None)
                self._sheet.write_datetime(self._row, column, moment, self._time)
            elif isinstance(value, str):
                self._sheet.write_string(self._row, column, value[:CHARACTERS])
            else:
                self._sheet.write_number(self._row, column, value)
        self._row += 1

    def _begin(self) -> None:
        self._sheets += 1
        self._sheet = self._book.add_worksheet(self._title if self._sheets == 1 else f"{self._title} {self._sheets}")
        self._sheet.freeze_panes(1, 2)
        for column, name in enumerate(self._names):
            self._sheet.set_column(column, column, WIDTHS.get(name, 12))
            self._sheet.write_string(0, column, name, self._head)
        self._row = 1


class _Workbook:
    def __init__(self, book: Workbook, path: Path) -> None:
        self._lists = _Sheets(book, "lists", Row._fields)
        self._without = _Sheets(book, "without a list", Without._fields)
        self._path = path

    def write(self, batch: Batch) -> None:
        """Write the rows of some answers."""
        for row in batch.rows:
            self._lists.add(row)
        for one in batch.without:
            self._without.add(one)

    def finish(self, totals: SinkReport) -> WorkbookReport:
        """What was written."""
        return WorkbookReport(totals.users, totals.rows, totals.without_list, str(self._path))


class WorkbookReport(FileReport):
    """What was written to a workbook."""

    @property
    def where(self) -> str:
        """Where the users without a list are."""
        return "the sheet `without a list`"


@needs_extra("xlsx")
def _book(path: Path) -> Workbook:
    from xlsxwriter import Workbook

    # Rows go to the disk as they come.
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    return Workbook(str(path), options)


@contextmanager
def _open(target: Target) -> Iterator[_Workbook]:
    with whole_file(target.file) as temporary, _book(temporary) as book:
        yield _Workbook(book, target.file)


def _rows(target: TableTarget, rows: Sequence[tuple[Any, ...]]) -> bool:
    with whole_file(target.file) as temporary, _book(temporary) as book:
        sheets = _Sheets(book, target.name, target.fields)
        for row in rows:
            sheets.add_cells([cell(one) for one in row])
    return True


XLSX = SinkSpec("xlsx", _open, ".xlsx", lines=False, table=_rows)
