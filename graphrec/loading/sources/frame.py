"""What stands around the rows of a file that people read too: titles above the header, totals and counts at the end."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

Record = Sequence[str]

_NUMBERS = re.compile(r"\d+(?:[.,'’]\d+)*")
TOTALS = re.compile(
    r"^((grand|sub)? ?totals?|sums?|summen?|gesamt\w*|insgesamt|totaal|totale|totales|somme|suma|合计|总计|小计|总和)$",
    re.IGNORECASE,
)
_ENOUGH = 5
"""So many rows show how full a row is."""
_CODE = 3
"""So many numbers of so many digits may be codes."""
_MOST = 8
"""No file ends with more lines that are no rows."""


@dataclass(frozen=True)
class Frame:
    """What is around the rows of one file."""

    above: int = 0
    """Records above the header."""
    footer: tuple[str, ...] = ()
    """What the last lines begin with that are no rows."""


def folded(text: str) -> str:
    """The beginning of a line as footers are compared: without quotes before it, each number as #."""
    return _NUMBERS.sub("#", text.lstrip("\ufeff\"' \t"))


def is_footer(line: str, footer: Collection[str]) -> bool:
    """Whether a line begins as one of these texts does."""
    return folded(line).startswith(tuple(footer))


def width_of(records: Sequence[Record]) -> tuple[int, int]:
    """How many cells most records have that have several, and how many records that are."""
    counts = Counter(len(record) for record in records if len(record) > 1)
    return max(counts.items(), key=lambda item: (item[1], item[0]), default=(0, 0))


def frame_of(first: Sequence[Record], last: Sequence[Record], delimiter: str) -> Frame:
    """What is around the rows, from the first records of a file, and the last ones.

    Args:
        first: those at its beginning, the header among them.
        last: those at its end, which may be among the first ones too.
        delimiter: between two cells.
    """
    width, _ = width_of(first)
    above = _above(first, width)
    below = first[above + 1 :]
    rows = [record for record in below[: max(len(below) - _MOST, len(below) // 2)] if len(record) == width]
    least = min(map(_filled, rows), default=0) if len(rows) >= _ENOUGH else 0
    begins: list[str] = []
    for record in reversed(last[-_MOST:]):
        if not _is_below(record, least, width):
            break
        begins.append(_begins(record, delimiter))
    known = [folded(delimiter.join(row)) for row in rows]
    long = [one for one in dict.fromkeys(begins) if len(one) > 2 or TOTALS.match(one)]
    footer = [one for one in long if not any(row.startswith(one) for row in known)]
    return Frame(above, tuple(footer))


def _above(records: Sequence[Record], width: int) -> int:
    """How many records stand above the header: the first that names most columns, where none above it does."""
    for number, record in enumerate(records):
        if width > 1 and len(record) >= width - 1 and 2 * _filled(record) > width:
            names = [cell.strip() for cell in record if cell.strip()]
            numbers = [cell for cell in names if _NUMBERS.fullmatch(cell)]
            return number if not numbers or _are_codes(numbers, names) else 0
    return 0


def _are_codes(numbers: Sequence[str], names: Sequence[str]) -> bool:
    """Whether the numbers of a line are names of columns beside others: codes of funds or years, all of one length."""
    is_alike = len(set(map(len, numbers))) == 1 and len(numbers[0]) >= _CODE and all(map(str.isdigit, numbers))
    return is_alike and _CODE <= len(numbers) == len(set(numbers)) and len(numbers) < len(names) == len(set(names))


def _is_below(record: Record, least: int, width: int) -> bool:
    """Whether a record at the end is no row: it has at most half of what every row has, or says that it is a total."""
    filled = [cell.strip() for cell in record if cell.strip()]
    if not filled:
        return True
    is_total = TOTALS.match(filled[0].rstrip(" :")) is not None
    return (least > 1 and 2 * len(filled) <= least) or (is_total and len(filled) < max(width, 3))


def _begins(record: Record, delimiter: str) -> str:
    """What a line of a footer begins with: its first cell, or the empty ones before it too where that is a number."""
    cells = list(record)
    place = next((place for place, cell in enumerate(cells) if cell.strip()), None)
    if place is None:
        return ""
    begins = folded(cells[place]).strip()
    return begins if place == 0 and begins != "#" else folded(delimiter.join(cells[: place + 1])).strip()


def _filled(record: Record) -> int:
    return sum(bool(cell.strip()) for cell in record)
