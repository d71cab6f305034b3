"""Tables that a request names: CSV files with a header, their flags and numbers."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import SourceError, UsageError

Bools = NDArray[np.bool_]
_YES, _NO = {"1", "1.0", "true", "yes"}, {"0", "0.0", "false", "no"}


def read_table(file: Path) -> Mapping[str, list[str]]:
    """The columns of a CSV with a header; its first line shows the delimiter.

    Raises:
        SourceError: it cannot be read, has no rows, or a row has another number of cells than the header.
    """
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise SourceError(f"{file} cannot be read: {error}; want a CSV file in UTF-8") from None
    head = text.partition("\n")[0]
    delimiter = max(",;\t|", key=head.count)
    rows = list(csv.reader(text.splitlines(), delimiter=delimiter))
    if len(rows) < 2:
        raise SourceError(f"{file} has no rows")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(rows[0]):
            raise SourceError(f"{file} line {number}: {len(row)} cells, and the header has {len(rows[0])}")
    return {name: [row[place] for row in rows[1:]] for place, name in enumerate(rows[0])}


def flags(rows: Mapping[str, list[str]], name: str, file: Path) -> Bools:
    """Whether each cell of a column says yes.

    Raises:
        UsageError: there is no such column.
        SourceError: a cell is neither yes nor no.
    """
    if name not in rows:
        raise UsageError(f"{file} has no column {name}; it has {', '.join(rows)}")
    texts = [one.strip().lower() for one in rows[name]]
    for number, one in enumerate(texts, start=2):
        if one not in _YES | _NO:
            raise SourceError(f"{file} line {number}: {name} is {one!r}; want 1 or 0, yes or no, true or false")
    return np.array([one in _YES for one in texts], np.bool_)


def typed(values: list[str]) -> NDArray[np.float64] | NDArray[np.object_]:
    """Numbers where every cell that is not empty is one."""
    try:
        return np.array([float(one) if one.strip() else np.nan for one in values])
    except ValueError:
        return np.array(values, np.object_)
