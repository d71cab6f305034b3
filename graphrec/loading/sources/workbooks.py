"""Sheets of workbooks (xlsx, xlsm, xlsb, xls, ods) as tables of texts: one header line, then rows."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from graphrec.errors import SourceError
from graphrec.extras import needs_extra
from graphrec.loading.mapping.names import suggest
from graphrec.loading.mapping.specs import FileSpec
from graphrec.loading.sources.values import RowTable

OPTIONS = ("skip", "names")
"""What the entry of a workbook may say besides its own keys: lines above the header; names in its place."""


def read_workbooks(
    database: duckdb.DuckDBPyConnection, spec: FileSpec, files: Sequence[tuple[Path, str]], place: str
) -> None:
    """Read one sheet of each workbook into the table of an entry.

    Raises:
        SourceError: a workbook cannot be read, its sheet is not there or not named, or its header is no line of names.
    """
    table = RowTable(database, spec.name, are_typed=False)
    for path, shown in files:
        sheet, rows = _open(path, shown, spec, place)
        where = f"{shown} sheet {sheet.name}"
        names, first = _header(sheet, rows, spec, where)
        table.add(names, _below(rows, first, len(names)), where)
    table.finish()


def sheet_names(path: Path, shown: str) -> list[str]:
    """The sheets of a workbook that hold something.

    Raises:
        SourceError: it cannot be read.
    """
    with _workbook(path, shown) as book:
        return [name for name in book.sheet_names if book.get_sheet_by_name(name).start is not None]


def _workbook(path: Path, shown: str) -> Any:
    with needs_extra("load", "a workbook"):
        from python_calamine import CalamineError, CalamineWorkbook, PasswordError
    try:
        return CalamineWorkbook.from_path(str(path))
    except PasswordError as error:
        raise SourceError(f"{shown} is locked by a password; save it without one") from error
    except (CalamineError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise SourceError(
            f"{shown} cannot be read: {reason}; fetch the file again, or save it as .xlsx anew"
        ) from error


def _open(path: Path, shown: str, spec: FileSpec, place: str) -> tuple[Any, list[list[Any]]]:
    """The sheet that an entry means, and all its rows from the first line on."""
    with _workbook(path, shown) as book:
        names = [spec.sheet] if spec.sheet else sheet_names(path, shown)
        if spec.sheet and spec.sheet not in book.sheet_names:
            raise SourceError(
                f"{place}: {shown} has no sheet {spec.sheet!r}{suggest(spec.sheet, book.sheet_names)}; correct sheet"
            )
        if len(names) != 1:
            has = f"has {len(names)} sheets, {', '.join(names)}" if names else "has no sheet with rows"
            raise SourceError(f'{place}: {shown} {has}; say which: sheet = "…"')
        sheet = book.get_sheet_by_name(names[0])
        return sheet, sheet.to_python(skip_empty_area=False)


def _header(sheet: Any, rows: list[list[Any]], spec: FileSpec, where: str) -> tuple[list[str], int]:
    """The names of the columns, and the place of the first row below them."""
    given = spec.options.get("names")
    at = int(spec.options.get("skip", 0))
    while at < len(rows) and not _is_filled(rows[at]):
        at += 1
    if given:
        return list(given), at
    if at >= len(rows):
        raise SourceError(f"{where} line {at + 1}: the sheet is empty; want a header line")
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or []:
        if top <= at <= bottom and (right > left or bottom > top):
            raise SourceError(
                f"{where} line {at + 1}: cells {_cell(top, left)}:{_cell(bottom, right)} are merged, and a header is "
                f"one line of names; unmerge them, or name the lines above it: skip = {bottom + 1}"
            )
    cells = ["" if cell is None else str(cell).strip() for cell in rows[at]]
    while cells and not cells[-1]:
        cells.pop()
    if any(len(row) > len(cells) and _is_filled(row[len(cells) :]) for row in rows[at + 1 :]):
        raise SourceError(
            f"{where} line {at + 1}: the header has {len(cells)} names, and rows below it have more cells; name them "
            "all, or name the lines above the header: skip = 1"
        )
    return [cell or f"column{number}" for number, cell in enumerate(cells)], at + 1


def _cell(row: int, column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row + 1}"


def _below(rows: list[list[Any]], first: int, width: int) -> Iterator[tuple[int, list[Any]]]:
    """The rows that hold something, each with its line in the sheet."""
    for number in range(first, len(rows)):
        if _is_filled(rows[number]):
            row = rows[number][:width]
            yield number + 1, row + [None] * (width - len(row))


def _is_filled(row: Sequence[Any]) -> bool:
    return any(cell is not None and cell != "" for cell in row)
