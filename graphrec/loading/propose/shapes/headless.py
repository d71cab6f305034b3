"""Files whose first line is a row already: seen by its values, with names for the columns by what is in them."""

import re
from collections import Counter
from collections.abc import Sequence

_NUMBER = re.compile(r"[-+(]?[\d.,'’\u00a0 ]*\d[\d.,'’ ]*[)-]?")
_YEAR = re.compile(r"(19|20)\d\d")
_ENOUGH = 0.6
"""The share of the values of a column that are alike from which its first one should be too."""
_SURELY = 0.9
_LEAST = 3
"""So few rows show nothing."""
_CODES = 3
"""Letters of a currency or a country, at most."""
_CURRENCY = re.compile(r"EUR|USD|GBP|CHF|JPY|CNY|HKD|SGD|AUD|CAD|INR|SEK|NOK|DKK|PLN|BRL|MXN|ZAR")
_SORTS = (
    ("email", re.compile(r"[^@\s]+@[^@\s]+\.\w+")),
    ("iban", re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?")),
    ("isin", re.compile(r"[A-Z]{2}[A-Z0-9]{9}\d")),
    ("date", re.compile(r"\d{4}[-./]\d{1,2}[-./]\d{1,2}([T ].*)?|\d{1,2}[-./]\d{1,2}[-./](\d{4}|\d{2})([T ].*)?|"
                        r"(19|20)\d\d(0[1-9]|1[0-2])[0-3]\d|[A-Z][a-z]{2},? .*\d:\d\d:\d\d.*")),
    ("currency", _CURRENCY),
    ("phone", re.compile(r"(\+|00|0\d)[\d /().-]{7,}")),
    ("id", re.compile(r"[A-Za-z]{0,4}[-_]?\d+|[0-9a-f]{16,64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")),
    ("amount", _NUMBER),
)  # fmt: skip


def names_of(records: Sequence[Sequence[str]]) -> list[str] | None:
    """Names for the columns of a file without a header; None where the first record is one.

    Args:
        records: the first ones of the file.
    """
    width = len(records[0]) if records else 0
    if width and _are_codes(records[0], records[1:]):
        return None
    rest = [record for record in records[1:] if len(record) == width]
    if width < 2 or len(rest) < _LEAST or not _is_row(records[0], rest):
        return None
    return forced_names((records[0], *rest))


def forced_names(records: Sequence[Sequence[str]]) -> list[str]:
    """Names for columns of records that are all rows, by what is in them."""
    named: list[str] = []
    for place in range(len(records[0])):
        cells = [record[place].strip() for record in records]
        # A row begins with what it is of, and numbers as long as seconds are keys there.
        name = "timestamp" if named and _are_seconds([cell for cell in cells if cell]) else _name(cells)
        if name == "amount" and named in ([], ["id"]) and all(cell.isdigit() for cell in cells):
            name = "id"  # what a row is of stands first, and beside it what it was done to
        taken = sum(re.fullmatch(rf"{name}(_\d+)?", one) is not None for one in named)
        named.append(f"{name}_{taken + 1}" if taken else name)
    return named


def with_rating(names: Sequence[str], records: Sequence[Sequence[str]]) -> list[str]:
    """Names for columns of ratings: what has a number up to ten in every row is the rating.

    Args:
        names: of `names_of`.
        records: the first ones of the file.
    """
    found = list(names)
    for place, given in enumerate(names):
        cells = [record[place].strip() for record in records if place < len(record)]
        if place > 1 and re.fullmatch(r"(id|amount)(_\d+)?", given) and all(map(_OF_RATING.fullmatch, cells)):
            found[place] = "rating"
            break
    return found


_OF_RATING = re.compile(r"10(\.0)?|\d(\.\d)?")


def _are_codes(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Whether a first record is a header of codes, all different and of one form, above values of several forms."""
    forms = {(_shape(cell), len(cell)) for cell in first}
    below = {_shape(record[place]) for record in rest for place in range(len(first)) if place < len(record)}
    is_one = len(forms) == 1 and len(set(first)) == len(first) > 1 and forms != {("n", len(first[0]))}
    return is_one and len(below - {""}) > 1


def _is_row(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Whether values with digits look as those below them do, and no word stands above numbers."""
    is_like = False
    for place, cell in enumerate(first):
        counts = Counter(shape for record in rest if (shape := _shape(record[place])))
        shape, count = counts.most_common(1)[0] if counts else ("", 0)
        if not cell.strip() or not any(sign in shape for sign in "9n"):
            continue
        if _YEAR.fullmatch(cell.strip()) and not all(_YEAR.fullmatch(record[place].strip()) for record in rest):
            return False
        if _shape(cell) == shape and count >= _ENOUGH * counts.total():
            is_like = True
        elif not any(sign.isdigit() for sign in cell) and count >= _SURELY * counts.total():
            return False
    return is_like


def _shape(cell: str) -> str:
    """A value with a for letters and 9 for digits, however many; n for a number."""
    text = cell.strip()
    if _NUMBER.fullmatch(text) and len(re.findall(r"\d+", text)) <= _CODES and "-" not in text[1:-1]:
        return "n"
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", text))


def _name(cells: Sequence[str]) -> str:
    """What the values of a column are, in a word."""
    filled = [cell for cell in cells if cell]
    for sort, pattern in _SORTS:
        if filled and sum(pattern.fullmatch(cell) is not None for cell in filled) >= _SURELY * len(filled):
            is_amount = sort == "id" and len(set(filled)) > 2 and _are_amounts(filled)
            return "amount" if is_amount else sort
    if not filled:
        return "column"
    words = sum(" " in cell for cell in filled)
    if (2 * len(set(filled)) > len(filled) and all(not re.search(r"\d", cell) for cell in filled)) or words > len(
        filled
    ) / 2:
        return "name" if sum(map(len, filled)) < 40 * len(filled) else "description"
    return "kind"


def _are_seconds(cells: Sequence[str]) -> bool:
    """Whether whole numbers are seconds or milliseconds since 1970, from 2000 to 2034, and not numbered one by one."""
    if len(cells) < _LEAST or not all(cell.isdigit() and len(cell) in {9, 10, 12, 13} for cell in cells):
        return False
    seconds = [int(cell) / (1000 if len(cell) > 10 else 1) for cell in cells]
    return all(_SECONDS[0] <= one < _SECONDS[1] for one in seconds) and max(seconds) - min(seconds) > _STEP * len(cells)


_SECONDS = (946_684_800, 2_051_222_400)
_STEP = 4
"""Seconds from one row to the next, on the average; less is a count."""


def _are_amounts(cells: Sequence[str]) -> bool:
    """Whether whole numbers are of many lengths, as amounts are and keys are not."""
    return all(cell.isdigit() for cell in cells) and len({len(cell) for cell in cells}) > _CODES
