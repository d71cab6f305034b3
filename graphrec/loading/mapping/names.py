"""Names in mappings: which may be labels and columns, and what a misspelt one may have meant."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from graphrec.config.names import nearest
from graphrec.errors import SourceError

MANY = 8
"""More known words than these are not all listed."""
LONGEST = 180
"""The most bytes of a name, percent-encoded: names become parts of file names."""


def suggest(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?`, or where nothing is like the word, what there is; nothing where there is nothing."""
    names = sorted(known)
    if (close := nearest(word, names)) is not None:
        return f"; did you mean {close!r}?"
    more = " …" if len(names) > MANY else ""
    return f"; there is {', '.join(names[:MANY])}{more}" if names else ""


def is_too_long(name: str) -> bool:
    """Whether a name cannot be part of a file name."""
    return len(quote(name, safe="")) > LONGEST


def is_name(text: str) -> bool:
    """Whether a text can be a label, an edge type or a property."""
    return text.isidentifier() and not text.startswith("_")


def snake_case(label: str) -> str:
    """A label as sentences name it: `AgeBand` is `age_band`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", label).lower()


def check_names(columns: Sequence[str], place: str, remedy: str = "") -> None:
    """Refuse columns of a header that are there twice or are graphrec's own.

    Args:
        place: where the header is.
        remedy: what helps besides renaming.

    Raises:
        SourceError: one is.
    """
    seen: set[str] = set()
    for column in columns:
        if column.casefold() in seen:
            raise SourceError(f"{place}: column {column!r} is there twice; rename one{remedy}")
        if column in {"_file", "_line"}:
            raise SourceError(f"{place}: column {column!r} is graphrec's own; rename it{remedy}")
        seen.add(column.casefold())
