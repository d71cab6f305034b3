"""Sheets of workbooks (xlsx, xlsm, xlsb, xls, ods) as tables of texts: one header line, then rows."""

import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from graphrec.errors import SourceError
from graphrec.extras import needs_extra
from graphrec.loading.mapping.names import suggest
from graphrec.loading.mapping.specs import PACKED, FileSpec
from graphrec.loading.sources.frame import frame_of, is_footer
from graphrec.loading.sources.packed import archive_of, open_unpacked
from graphrec.loading.sources.values import RowTable, plain_text

OPTIONS = ("skip", "names", "footer")
"""What the entry of a workbook may say besides its own keys: lines above the header; names in its place; what the last
lines begin with that are no rows."""
_DELIMITER = ";"
_LOOKED_AT = 300
_SHEET = "sheet"
"""The column that says from which of several sheets a row is."""


def read_workbooks(
    database: duckdb.DuckDBPyConnection, spec: FileSpec, files: Sequence[tuple[Path, str]], place: str
) -> None:
    """Read one sheet of each workbook into the table of an entry, or those of some that it has.

    Raises:
        SourceError: a workbook cannot be read, its sheet is not there or not named, or its header is no line of names.
    """
    table = RowTable(database, spec.name, are_typed=False)
    missing = set(spec.sheets)
    for path, shown in files:
        for sheet, rows in _open(path, shown, spec, place):
            missing -= {one for one in missing if is_sheet(one, sheet.name)}
            where = f"{shown} sheet {sheet.name}"
            names, first = _header(sheet, rows, spec, where)
            below = _below(_without_footer(rows, spec.options.get("footer", ())), first, len(names))
            if (len(spec.sheets) > 1 or any("*" in one for one in spec.sheets)) and _SHEET not in map(
                str.casefold, names
            ):
                names, below = [*names, _SHEET], _named(below, sheet.name)
            table.add(names, below, where)
    for name in sorted(missing):
        raise SourceError(f"{place}: {', '.join(shown for _, shown in files)} have no sheet {name!r}; correct sheet")
    table.finish()


def _named(rows: Iterator[tuple[int, list[Any]]], sheet: str) -> Iterator[tuple[int, list[Any]]]:
    return ((line, [*row, sheet]) for line, row in rows)


def _without_footer(rows: list[list[Any]], footer: Sequence[str]) -> list[list[Any]]:
    end = len(rows)
    while footer and end and (not _is_filled(rows[end - 1]) or is_footer(_line(rows[end - 1]), footer)):
        end -= 1
    return rows[:end]


def _line(row: Sequence[Any]) -> str:
    return _DELIMITER.join(_texts(row))


def _texts(row: Sequence[Any]) -> list[str]:
    return ["" if cell is None else plain_text(cell)[0] for cell in row]


def sheet_frame(path: Path, shown: str, sheet: str) -> dict[str, Any]:
    """The options for what is around the rows of a sheet: lines above the header, and what the last ones begin with."""
    with _workbook(path, shown) as book:
        found = _cells(book.get_sheet_by_name(sheet))
    lines = [(number, _trimmed(_texts(row))) for number, row in enumerate(found) if _is_filled(row)]
    frame = frame_of([row for _, row in lines[:_LOOKED_AT]], [row for _, row in lines], _DELIMITER)
    options: dict[str, Any] = {"skip": lines[frame.above][0]} if frame.above else {}
    return options | ({"footer": list(frame.footer)} if frame.footer else {})


def sheet_columns(path: Path, shown: str, sheet: str, skip: int) -> list[str]:
    """The cells of the header of a sheet."""
    header = next((row for _, row in _rows_from(path, shown, sheet, skip)), [])
    return _trimmed([text.strip() for text in _texts(header)])


def header_line(path: Path, shown: str, sheet: str, skip: int) -> int:
    """The line of the header of a sheet, the first that holds something behind so many."""
    return next((line for line, _ in _rows_from(path, shown, sheet, skip)), skip)


def _rows_from(path: Path, shown: str, sheet: str, skip: int) -> list[tuple[int, list[Any]]]:
    with _workbook(path, shown) as book:
        rows = _cells(book.get_sheet_by_name(sheet))
    return [(number, row) for number, row in enumerate(rows, start=1) if number > skip and _is_filled(row)]


def _trimmed(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    return cells


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
        if archive_of(path) is None and path.suffix.lower() not in PACKED:
            return CalamineWorkbook.from_path(str(path))
        with open_unpacked(path, shown) as packed:
            return CalamineWorkbook.from_filelike(io.BytesIO(packed.read()))
    except PasswordError as error:
        raise SourceError(f"{shown} is locked by a password; save it without one") from error
    except (CalamineError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise SourceError(
            f"{shown} cannot be read: {reason}; fetch the file again, or save it as .xlsx anew"
        ) from error


def is_sheet(wanted: str, sheet: str) -> bool:
    """Whether a sheet is the one that is wanted, or one of those where the name has a * in it.

    >>> [is_sheet(one, "Jan 2025") for one in ("Jan 2025", "Jan *", "Feb *")]
    [True, True, False]
    """
    return sheet == wanted or (
        "*" in wanted and re.fullmatch(re.escape(wanted).replace(r"\*", ".*"), sheet) is not None
    )


def _open(path: Path, shown: str, spec: FileSpec, place: str) -> Iterator[tuple[Any, list[list[Any]]]]:
    """The sheets that an entry means, and all rows of each from the first line on."""
    with _workbook(path, shown) as book:
        meant = [name for name in book.sheet_names if any(is_sheet(one, name) for one in spec.sheets)]
        names = meant or sheet_names(path, shown)
        if spec.sheets and not meant:
            wanted = spec.sheets[0]
            raise SourceError(
                f"{place}: {shown} has no sheet {wanted!r}{suggest(wanted, book.sheet_names)}; correct sheet"
            )
        if len(names) != 1 and not spec.sheets:
            has = f"has {len(names)} sheets, {', '.join(names)}" if names else "has no sheet with rows"
            raise SourceError(f'{place}: {shown} {has}; say which: sheet = "…"')
        for name in names:
            sheet = book.get_sheet_by_name(name)
            yield sheet, _cells(sheet)


def _cells(sheet: Any) -> list[list[Any]]:
    """All rows of a sheet; a cell that was merged over several of them stands in each."""
    rows: list[list[Any]] = sheet.to_python(skip_empty_area=False)
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or []:
        for row in rows[top + 1 : bottom + 1] if left == right else ():
            row[left] = rows[top][left]
    return rows


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
        if top <= at <= bottom and (right > left or bottom > at):
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
