"""plan.toml as a typed table: which products are loans, and what a customer can bear."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from graphrec.config.convert import convert
from graphrec.config.document import read_toml
from graphrec.errors import UsageError
from graphrec.finance.first_file import Found, column_lines, key_lines

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Months = Annotated[int, Meta(ge=1, le=600)]


class LoanTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[loan]`: columns and bounds. Columns of customers are amounts a month."""

    kinds: Annotated[tuple[Name, ...], Meta(min_length=1, description="Values of the products' column of kinds.")]
    rate: Annotated[Name, Meta(description="Column of products: nominal rate in per cent a year.")]
    income: Annotated[Name, Meta(description="Column of customers: income a month.")]
    spending: Annotated[Name | None, Meta(description="Column of customers: spending a month without debts.")] = None
    duties: Annotated[Name | None, Meta(description="Column of customers: instalments of debts a month.")] = None
    kind: Annotated[Name | None, Meta(description="Column of kinds; unset: what the mapping shows as kind.")] = None
    minimum: Annotated[Name | None, Meta(description="Column of products: least amount.")] = None
    maximum: Annotated[Name | None, Meta(description="Column of products: largest amount.")] = None
    least_months: Annotated[Name | None, Meta(description="Column of products: shortest term.")] = None
    most_months: Annotated[Name | None, Meta(description="Column of products: longest term.")] = None
    purposes: Annotated[Name | None, Meta(description="Column of products: purposes, as a list with ; | or ,.")] = None
    terms: Annotated[tuple[Months, ...], Meta(min_length=1, max_length=100, description="Terms that are tried.")] = (
        12, 24, 36, 48, 60, 72, 84,
    )  # fmt: skip
    most_share: Annotated[
        float, Meta(gt=0, le=1, description="Instalments of all debts, as a part of income, at most.")
    ] = 0.35
    pd: Annotated[
        Name | None, Meta(description="Column of customers: probability of default, as risk score keeps.")
    ] = None
    most_pd: Annotated[float, Meta(gt=0, le=1, description="Probability of default, at most.")] = 0.1


class PlanFile(Struct, frozen=True, forbid_unknown_fields=True):
    """plan.toml of a home."""

    loan: Annotated[LoanTable, Meta(description="Loans of the bank.")]


def read_plan(file: Path) -> PlanFile:
    """The file of plans.

    Raises:
        UsageError: there is none, it is no TOML, or a key or value is not one of docs/finance.md.
    """
    if not file.exists():
        raise UsageError(
            f"{file} is not there: it says which columns hold rates and incomes; "
            "graphrec plan loan --init writes a first one"
        )
    return convert(read_toml(file, UsageError), PlanFile)


HEAD = """\
# Which products are loans, and what a customer can bear (docs/finance.md). graphrec wrote it from the names of columns
# and the kinds of products: read every line before you rely on it.
"""


def first_plan(found: Mapping[str, Found], customers: Sequence[str], products: Sequence[str]) -> str:
    """The text of a first plan.toml.

    Args:
        found: kinds of loans, and columns by key.
        customers: columns of customers that may be named.
        products: the same of products.
    """
    lines = [HEAD.rstrip("\n"), *column_lines(customers, products), "", "[loan]", *key_lines(LoanTable, found)]
    return "\n".join([*lines, ""])
