"""statement.toml as a typed table: where a bank keeps what a statement must say, and what the law at hand asks for."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from graphrec.config.convert import convert
from graphrec.config.document import parse_toml, read_text
from graphrec.errors import UsageError
from graphrec.finance.first_file import Found, column_lines, key_lines

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Names = Annotated[tuple[Name, ...], Meta(max_length=20)]
Months = Annotated[int, Meta(ge=1, le=120)]
Regime = Literal["fca_suitability_v1", "mifid_54_12", "idd_20", "cn_7_2025"]


class CostTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[cost]]`: one cost of products."""

    column: Annotated[Name, Meta(description="Column of products, in per cent of the amount.")]
    each: Annotated[
        Literal["year", "once", "exit"],
        Meta(description="year: every year; once: when it is bought; exit: when it is given up."),
    ] = "year"


class StatementFile(Struct, frozen=True, forbid_unknown_fields=True):
    """statement.toml of a home."""

    version: Annotated[Name, Meta(description="Of this template; it stands in every statement.")] = "1"
    approved_by: Annotated[str | None, Meta(description="Whose word it has, and since when; unset: a draft.")] = None
    regimes: Annotated[
        tuple[Regime, ...], Meta(min_length=1, max_length=4, description="Whose required elements there must be.")
    ] = ("fca_suitability_v1",)
    currency: Annotated[Name, Meta(description="Of amounts.")] = "EUR"
    objectives: Annotated[Names, Meta(description="Columns of customers: what the money is for.")] = ()
    term: Annotated[Name | None, Meta(description="Column of customers: for how many years.")] = None
    risk_attitude: Annotated[Name | None, Meta(description="Column of customers: highest class they accept.")] = None
    capacity_for_loss: Annotated[Name | None, Meta(description="Column of customers: highest class they can bear.")] = (
        None
    )
    customer_levels: Annotated[
        Names, Meta(description="Words of what customers accept and can bear, the lowest first. Unset: numbers.")
    ] = ()
    capacity_of: Annotated[
        Name | None, Meta(description="Column of customers: wealth of which capacity_share may be lost.")
    ] = None
    capacity_share: Annotated[float, Meta(gt=0, le=1, description="The share of capacity_of that may be lost.")] = 0.1
    loss_shares: Annotated[
        Annotated[tuple[Annotated[float, Meta(ge=0, le=1)], ...], Meta(max_length=10)],
        Meta(
            description="By risk class of the product, the lowest first: the share of an amount that may be lost in a "
            "bad year; the last one for all above. Unset: all of it."
        ),
    ] = ()
    financial_situation: Annotated[Names, Meta(description="Columns of customers: income, wealth, duties.")] = ()
    knowledge: Annotated[Names, Meta(description="Columns of customers: what they know of such products.")] = ()
    sustainability: Annotated[Names, Meta(description="Columns of customers: their sustainability preferences.")] = ()
    assessed_on: Annotated[Name | None, Meta(description="Column of customers: the day of their answers.")] = None
    valid_months: Annotated[Months, Meta(description="How long answers hold.")] = 12
    review_months: Annotated[Months, Meta(description="After how long the recommendation is looked at again.")] = 12
    risk: Annotated[
        Names, Meta(description="Columns of products: risk classes; the highest counts. Unset: what the mapping shows.")
    ] = ()
    risk_levels: Annotated[
        Names, Meta(description="Words of the risk classes of products, the lowest first. Unset: numbers.")
    ] = ()
    own_brand: Annotated[
        Name | None, Meta(description="Column of products: whether the bank or its group makes it; yes or no.")
    ] = None
    inducement: Annotated[
        Name | None, Meta(description="Column of products: per cent a year that others pay the bank for it.")
    ] = None
    product_term: Annotated[Name | None, Meta(description="Column of products: years that they bind for.")] = None
    product_sustainability: Annotated[Names, Meta(description="Columns of products: how sustainable they are.")] = ()
    cost: Annotated[
        tuple[CostTable, ...], Meta(max_length=20, description="Costs. Unset: the fee that the mapping shows, a year.")
    ] = ()


def read_statement(file: Path) -> StatementFile:
    """The statement's file.

    Raises:
        UsageError: there is none, it is no TOML, or a key or value is not one of docs/statement.md.
    """
    if not file.exists():
        raise UsageError(
            f"{file} is not there: it says which columns hold objectives, attitude to risk and the rest; "
            "graphrec statement --init writes a first one"
        )
    return _read(read_text(file, UsageError), str(file))


@lru_cache(4)
def _read(text: str, file: str) -> StatementFile:
    return convert(parse_toml(text, file, UsageError), StatementFile)


LOSSES = (0.01, 0.1, 0.24, 0.4, 0.6, 1.0, 1.0)
"""Of classes 1 to 7: what a year loses with a chance of 2.5 %, 1.96 x the highest volatility of the class (Annex II of
Regulation (EU) 2017/653), at most all of it."""
FEWER_LOSSES = (0.01, 0.1, 0.24, 0.6, 1.0)
"""The same where there are five classes: the upper two have those of 4 and 5, and of 6 and 7."""


HEAD = """\
# Where the bank keeps what a suitability statement must say (docs/statement.md). graphrec wrote it from the names of
# columns: read every line before you rely on it, and name who approved it. Until then each statement is a draft.
"""


def first_statement(found: Mapping[str, Found], customers: Sequence[str], products: Sequence[str]) -> str:
    """The text of a first statement.toml: each key with what it means, and as a comment where no column was found.

    Args:
        found: columns by key.
        customers: columns of customers that may be named.
        products: the same of products.
    """
    lines = [HEAD.rstrip("\n"), 'version = "1"', '# approved_by = "who, and since when"']
    lines += column_lines(customers, products)
    lines += key_lines(StatementFile, found, without=("version", "approved_by", "cost"))
    lines += ["", "# Costs in per cent of the amount. Unset: the fee that the mapping shows, a year."]
    return "\n".join([*lines, "# [[cost]]", '# column = ""', '# each = "year"  # or once, exit', ""])
