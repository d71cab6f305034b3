"""The file of risk models as a typed table: what editors complete and `read_risk` converts."""

import re
from pathlib import Path
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from graphrec.config.convert import convert
from graphrec.config.document import read_toml
from graphrec.errors import UsageError

Text = Annotated[str, Meta(min_length=1)]
_NAME = r"[a-z][a-z0-9_]{0,31}"
Upper = Annotated[float, Meta(gt=0, le=1)]


class RiskModel(Struct, frozen=True, forbid_unknown_fields=True):
    """`[NAME]`: one model, whose scores are `user.NAME`."""

    data: Annotated[Text, Meta(description="CSV of past cases beside this file, a row a case.")]
    target: Annotated[Text, Meta(description="Column that says whether it happened: 1 or 0, yes or no.")]
    user: Annotated[
        Text | UnsetType, Meta(description="Column with the customer's id; then scores may be kept as columns.")
    ] = UNSET
    date: Annotated[
        Text | UnsetType,
        Meta(description="Column with the day of a case: the last quarter is predicted from what was before."),
    ] = UNSET
    without: Annotated[
        tuple[Text, ...], Meta(description="Columns that are not read, such as numbers of contracts.")
    ] = ()
    protected: Annotated[
        tuple[Text, ...], Meta(description="Columns that no model may read; the report says what that costs.")
    ] = ()
    monotone: Annotated[
        dict[str, Literal["up", "down"]],
        Meta(description="Columns of numbers of which more is never less likely (up), or never more (down)."),
    ] = {}
    pairs: Annotated[int, Meta(ge=0, le=50, description="Pairs of columns that have points of their own.")] = 10
    bands: Annotated[
        dict[Text, Upper], Meta(min_length=1, description="Bands of the probability by their upper ends, the last 1.")
    ] = field(default_factory=lambda: {"low": 0.05, "medium": 0.2, "high": 1.0})


def read_risk(file: Path) -> dict[str, RiskModel]:
    """The risk models in a file, by name.

    Raises:
        UsageError: it is no TOML, or a key or value is not one of docs/finance.md.
    """
    document = read_toml(file, UsageError)
    found = convert(document, dict[str, RiskModel])
    if not found:
        document.refuse((), "there is no model; write a table such as [pd]")
    for name, model in found.items():
        if not re.fullmatch(_NAME, name):
            document.refuse((name,), "a model is called by small letters, digits and _, at most 32, such as pd")
        ends = list(model.bands.values())
        if ends != sorted(set(ends)) or ends[-1] != 1.0:
            document.refuse((name, "bands"), "upper ends of bands rise, and the last is 1.0")
    return found
