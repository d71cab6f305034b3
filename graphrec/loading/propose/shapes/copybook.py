"""Copybooks of COBOL: where the columns of a text of a fixed width are, and what they are called."""

import re
from collections.abc import Mapping

SUFFIXES = (".cpy", ".cbl", ".cob", ".copy", ".cpb", ".cbk")
_ITEM = re.compile(r"^(\d\d)\s+([\w-]+)(.*)$", re.DOTALL)
_PICTURE = re.compile(r"\bPIC(?:TURE)?\s+(?:IS\s+)?(\S+)", re.IGNORECASE)
_TIMES = re.compile(r"\bOCCURS\s+(\d+)", re.IGNORECASE)
_PACKED = re.compile(r"\b(COMP(UTATIONAL)?(-\d)?|BINARY|PACKED-DECIMAL|DEPENDING)\b", re.IGNORECASE)


def columns_in(text: str) -> Mapping[str, list[int]]:
    """The columns of a copybook with their first and last sign; none where it is none, or its numbers are packed.

    What is said again of the same place (REDEFINES) and what stands between columns (FILLER) is none.

    >>> columns_in("01 CUST. 05 CM-NO PIC 9(3). 05 FILLER PIC X. 05 CM-SUM PIC S9(5)V99. 88 CM-NONE VALUE 0.")
    {'NO': [1, 3], 'SUM': [5, 11]}
    """
    lines = (line[6:72] if re.match(r"^.{6}[ *]", line) else line for line in text.splitlines())
    bare = " ".join(line for line in lines if not line.lstrip().startswith("*"))
    found: dict[str, list[int]] = {}
    place, hidden = 1, 0
    for part in re.split(r"\.(?:\s+|$)", bare):
        item = _ITEM.match(part.strip())
        if item is None or item[1] in ("66", "77", "88"):
            continue
        level, more = int(item[1]), item[3]
        hidden = 0 if level <= hidden else hidden
        if hidden or "REDEFINES" in more.upper():
            hidden = hidden or level
            continue
        picture, times = _PICTURE.search(more), _TIMES.search(more)
        if _PACKED.search(more) or (times is not None and picture is None):
            return {}
        if picture is None:
            continue
        width = _width(picture[1]) + bool(re.search("SEPARATE", more, re.IGNORECASE))
        for number in range(int(times[1]) if times else 1):
            if item[2].upper() != "FILLER":
                found[f"{item[2]}-{number + 1}" if times else item[2]] = [place, place + width - 1]
            place += width
    return _without_prefix(found)


def _width(picture: str) -> int:
    """How many signs a picture takes: X(10), 9(7)V99, S9(5)."""
    spread = re.sub(r"(.)\((\d+)\)", lambda one: one[1] * int(one[2]), picture.upper())
    return sum(sign not in "SVP" for sign in spread)


def _without_prefix(columns: Mapping[str, list[int]]) -> dict[str, list[int]]:
    """The columns without what all their names begin with: CM-NAME is NAME."""
    firsts = {one.partition("-")[0] for one in columns}
    are_alike = len(firsts) == 1 and len(columns) > 1 and all("-" in one for one in columns)
    return {one.partition("-")[2] if are_alike else one: span for one, span in columns.items()}
