"""quality.toml as a typed table: what values columns may have."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from graphrec.config.convert import convert
from graphrec.config.document import read_toml
from graphrec.errors import UsageError


class ColumnRule(Struct, frozen=True, forbid_unknown_fields=True):
    """`[columns.LABEL.COLUMN]`: what is allowed."""

    range: Annotated[tuple[float, float] | None, Meta(description="Numbers from the first to the second.")] = None
    values: Annotated[tuple[str, ...], Meta(max_length=1000, description="Texts that there may be; unset: any.")] = ()
    missing: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | None, Meta(description="Share that may lack a value; unset: any.")
    ] = None


class QualityFile(Struct, frozen=True, forbid_unknown_fields=True):
    """quality.toml of a home."""

    columns: Annotated[dict[str, dict[str, ColumnRule]], Meta(description="Rules by label and column.")] = {}
    identity: Annotated[
        tuple[str, ...],
        Meta(max_length=30, description="Columns that say who a customer is; unset: the personal ones."),
    ] = ()


def read_quality(file: Path) -> QualityFile:
    """The file of rules; without one nothing is declared.

    Raises:
        UsageError: it is no TOML, or a key or value is not one of docs/quality.md.
    """
    if not file.exists():
        return QualityFile()
    document = read_toml(file, UsageError)
    found = convert(document, QualityFile)
    for label, columns in found.columns.items():
        for name, rule in columns.items():
            if rule.range is not None and rule.range[0] > rule.range[1]:
                document.refuse(("columns", label, name, "range"), "the first number is above the second")
    return found
