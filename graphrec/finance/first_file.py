"""The text of a first TOML file: every key with its meaning, filled where a value was found, else as a comment."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import get_type_hints

from msgspec import NODEFAULT, Meta, Struct
from msgspec.structs import fields

Found = str | float | tuple[str, ...] | tuple[float, ...]


def key_lines(kind: type[Struct], found: Mapping[str, Found], without: Sequence[str] = ()) -> Iterator[str]:
    """The keys of a table, each below its meaning; one without a value is a comment.

    Args:
        found: values by key; others have their default.
        without: keys that are left out.
    """
    hints = get_type_hints(kind, include_extras=True)
    for one in fields(kind):
        if one.name in without:
            continue
        descriptions = (meta.description for meta in hints[one.name].__metadata__ if isinstance(meta, Meta))
        default = None if one.default is NODEFAULT else one.default
        is_filled = one.name in found or bool(default)
        value = found.get(one.name, default or ([] if isinstance(default, tuple) else ""))
        yield ""
        yield f"# {next(text for text in descriptions if text)}"
        yield f"{'' if is_filled else '# '}{one.name} = {toml(value)}"


def column_lines(customers: Sequence[str], products: Sequence[str]) -> Iterator[str]:
    """Comments that list the columns that may be named."""
    yield f"# Columns of customers that may be named: {', '.join(customers) or 'none'}."
    yield f"# Columns of products: {', '.join(products) or 'none'}."


def toml(value: object) -> str:
    """A text, a number or a list of them as TOML.

    >>> toml(("a", 'b"'))
    '["a", "b\\\\""]'
    """
    return json.dumps(value, ensure_ascii=False)
