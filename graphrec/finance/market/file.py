"""market.toml as a typed table: what editors complete and `read_market` converts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from graphrec.config.convert import convert
from graphrec.config.document import read_toml
from graphrec.errors import UsageError
from graphrec.finance.first_file import Found, column_lines, key_lines


class ProposeTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[propose]`: limits of a proposed mix, as parts of what is invested in products with prices."""

    candidates: Annotated[int, Meta(ge=0, le=50, description="Products of the list that it may take.")] = 10
    most_share: Annotated[float, Meta(gt=0, le=1, description="Of one product that is bought, at most.")] = 0.25
    most_group_share: Annotated[
        float, Meta(gt=0, le=1, description="Of one group, such as an issuer, at most; what is held already may stay.")
    ] = 0.4
    group: Annotated[
        str | None, Meta(description="Label that products are linked with, such as Issuer; unset: no limit of groups.")
    ] = None
    most_turnover: Annotated[float, Meta(ge=0, le=1, description="What is sold, at most.")] = 0.3
    smallest: Annotated[float, Meta(ge=0, description="Smaller dealings are left out.")] = 100.0


class MarketFile(Struct, frozen=True, forbid_unknown_fields=True):
    """market.toml of a home."""

    series: Annotated[str, Meta(description="The series with prices of products.")] = "price"
    value: Annotated[str | None, Meta(description="Its value; unset: close, or the first.")] = None
    benchmark: Annotated[str | None, Meta(description="Id of the product that beta and correlation are to.")] = None
    horizon_years: Annotated[float, Meta(gt=0, le=50, description="Recommended holding period of the risk class.")] = (
        5.0
    )
    ratings: Annotated[
        tuple[str, ...],
        Meta(description="Columns of products with risk classes that others gave, such as issuer and seller."),
    ] = ()
    positions: Annotated[
        str | None,
        Meta(description="Edge type from customers to products with what is held; unset: what means held."),
    ] = None
    riskless: Annotated[
        tuple[str, ...],
        Meta(description="Kinds of products whose worth does not move, such as deposits: no variance, like cash."),
    ] = ()
    cash: Annotated[str | None, Meta(description="Column of customers with what is not invested.")] = None
    propose: Annotated[ProposeTable, Meta(description="Limits of a proposed mix.")] = ProposeTable()
    fee: Annotated[str | None, Meta(description="Column of products with their yearly cost in per cent.")] = None


def read_market(file: Path) -> MarketFile:
    """The market's file; without one the defaults.

    Raises:
        UsageError: it is no TOML, or a key or value is not one of docs/finance.md.
    """
    return convert(read_toml(file, UsageError), MarketFile) if file.exists() else MarketFile()


HEAD = """\
# Prices, risk classes and what portfolios are worth (docs/finance.md). graphrec wrote it from the names of series, edge
# types and columns: read every line before you rely on it.
"""


def first_market(
    found: Mapping[str, Found], customers: Sequence[str], products: Sequence[str], group: str | None
) -> str:
    """The text of a first market.toml.

    Args:
        found: series, edge type and columns by key.
        customers: columns of customers that may be named.
        products: the same of products.
        group: label of which one group has a limit.
    """
    lines = [HEAD.rstrip("\n"), *column_lines(customers, products), *key_lines(MarketFile, found, without=("propose",))]
    lines += ["", "[propose]", *key_lines(ProposeTable, {"group": group} if group else {})]
    return "\n".join([*lines, ""])
