"""Texts of others as they are shown: none steers a terminal, and none is computed by a spreadsheet."""

import re

#: Control characters, and those that turn the direction of a line.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
#: With these, or their full-width forms, a spreadsheet takes a cell for a formula.
_FORMULA = re.compile("[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)*")


def visible(text: str) -> str:
    """A text whose control characters are written as escapes, so that no name steers the terminal.

    >>> print(visible("a\\x1b[2Jb"))
    a\\x1b[2Jb
    """
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def harmless(text: str) -> str:
    """A text with `'` before it where a spreadsheet would take it for a formula; numbers stay numbers.

    >>> harmless("=1+1"), harmless("-5"), harmless("Fund")
    ("'=1+1", '-5', 'Fund')
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
