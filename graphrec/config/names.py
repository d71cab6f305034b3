"""The nearest known name, for messages about a name that is not known."""

from collections.abc import Iterable

CLOSE = 0.5
"""How like a known name one must be to be taken for it, from 0 to 1."""


def nearest(name: str, known: Iterable[str], cutoff: float = CLOSE) -> str | None:
    """The known name most like this one whatever the case, None when none is like it.

    Args:
        name: the name that is not known.
        known: the names that are.
        cutoff: how like it must be, from 0 (any name) to 1 (the same but for the case).
    """
    from difflib import get_close_matches

    by_fold = {one.casefold(): one for one in sorted(known, reverse=True)}
    found = get_close_matches(name[:100].casefold(), list(by_fold), n=1, cutoff=cutoff)
    return by_fold[found[0]] if found else None
