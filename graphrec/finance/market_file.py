"""market.toml as a typed table: what editors complete and `read_market` converts."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from graphrec.config.convert import convert
from graphrec.config.document import read_toml
from graphrec.errors import UsageError


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
    cash: Annotated[str | None, Meta(description="Column of customers with what is not invested.")] = None
    fee: Annotated[str | None, Meta(description="Column of products with their yearly cost in per cent.")] = None


def read_market(file: Path) -> MarketFile:
    """The market's file; without one the defaults.

    Raises:
        UsageError: it is no TOML, or a key or value is not one of docs/finance.md.
    """
    return convert(read_toml(file, UsageError), MarketFile) if file.exists() else MarketFile()
