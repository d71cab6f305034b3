"""market.toml as a typed table: what editors complete and `read_market` converts."""

from datetime import date
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from graphrec.config.convert import convert
from graphrec.config.document import read_toml
from graphrec.errors import UsageError
from graphrec.schema import SeriesSchema

MARKET_FILE = "market.toml"


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


class EpisodeTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[episode]]`: a time of stress, the prices of both ends of which are compared."""

    name: Annotated[str, Meta(min_length=1, max_length=100, description="What it is called.")]
    begin: Annotated[date, Meta(description="The day before it, as 2008-09-01.")]
    end: Annotated[date, Meta(description="Its last day.")]


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
    proxy: Annotated[
        str | None,
        Meta(description="Column of products: id of the product whose prices stand for theirs where they have none."),
    ] = None
    garch: Annotated[
        bool,
        Meta(description="Whether graphrec market fits GARCH(1,1) beside the weighted volatility; wants [finance]."),
    ] = False
    propose: Annotated[ProposeTable, Meta(description="Limits of a proposed mix.")] = ProposeTable()
    episode: Annotated[
        tuple[EpisodeTable, ...],
        Meta(max_length=20, description="Times of stress; without any the three worst months of the benchmark."),
    ] = ()
    fee: Annotated[str | None, Meta(description="Column of products with their yearly cost in per cent.")] = None

    def value_of(self, series: SeriesSchema) -> str:
        """The value of a series that holds its prices."""
        return self.value or ("close" if "close" in series.values else series.values[0])


def read_market(file: Path) -> MarketFile:
    """The market's file; without one the defaults.

    Raises:
        UsageError: it is no TOML, or a key or value is not one of docs/finance.md.
    """
    return convert(read_toml(file, UsageError), MarketFile) if file.exists() else MarketFile()
