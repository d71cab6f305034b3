"""The source `portfolio`: daily returns of products before a date, and which columns say what customers hold.

market.toml of the home names the series, the edge type with positions, cash, riskless kinds and proxies. The calendar
is the last MOST + 1 days on which at least half of the products with prices have one. A product has returns where it
has a price on the first of these days or before, and on COVERED of them; on other days its last price stands. A
riskless kind has returns of 0, as cash. Columns: the returns, the last price (NaN: none), and what is known (1 returns,
-1 riskless, 0 nothing).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from graphrec.config.market import MARKET_FILE, MarketFile, read_market
from graphrec.errors import UsageError
from graphrec.extras import needs_extra
from graphrec.features.blocks import FeatureBlock, Matrix, Seen, Sentences, SourceContext
from graphrec.graph.edges.adjacency import date_of
from graphrec.graph.edges.wealth import amounts_of, riskless_products
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.progress import Progress, silent
from graphrec.schema import SeriesSchema
from graphrec.times import moment_of

DAY = 86_400_000_000
MOST, LEAST = 504, 60
"""Daily returns that are looked at, and wanted."""
COVERED = 0.9
"""Part of the days on which a product has a price."""
NAME = "portfolio"
Prices = Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]]
"""Days since 1970 and the last price of each, by product."""


@dataclass(frozen=True)
class PortfolioSource:
    """Returns of products, where something says how much customers hold."""

    folder: Path
    """Of the series files of the home."""
    market: Path
    name: str = NAME
    sentences: Mapping[str, Sentences] = field(default_factory=dict)
    """None: the languages word its lines."""

    def blocks(self, seen: Seen, progress: Progress = silent) -> Sequence[FeatureBlock]:
        """The block of products; none without a series of prices, amounts, or enough days.

        Raises:
            UsageError: market.toml names a column that is not there.
        """
        file, snapshot = read_market(self.market), seen.snapshot
        product, user = snapshot.schema.roles.product, snapshot.schema.roles.user
        rule = snapshot.schema.series.get(file.series)
        types = amounts_of(snapshot, file.positions)
        if rule is None or rule.of != product or not types:
            return ()
        for label, column, what, kinds in (
            (user, file.cash, "numbers", ("integer", "real")),
            (product, file.proxy, "texts", ("text",)),
        ):
            if column is not None and snapshot.nodes(label).columns.get(column) not in kinds:
                raise UsageError(f"{MARKET_FILE}: {label} has no column {column} of {what}")
        before = seen.before if seen.before is not None else date_of(snapshot)
        prices = prices_of(self.folder, rule, file.value_of(rule), before, progress)
        ids = list(snapshot.nodes(product).ids)
        returns, known = returns_of(stood_in(prices, snapshot, file, ids), ids)
        if not returns.shape[1]:
            return ()
        riskless = riskless_products(snapshot, file.riskless)
        returns[riskless], known[riskless] = 0.0, -1.0
        last = np.array([prices[one][1][-1] if one in prices else np.nan for one in ids])
        matrix = np.column_stack([returns, last, known])
        definition: dict[str, Any] = {"positions": list(types), "cash": file.cash, "days": returns.shape[1]}
        day = None if before is None else moment_of(before).isoformat()
        return [FeatureBlock(self.name, product, cast("Matrix", matrix), as_of=day, definition=definition)]


def make(context: SourceContext) -> PortfolioSource:
    """The source of a home."""
    return PortfolioSource(context.series, context.market)


def prices_of(
    folder: Path, rule: SeriesSchema, value: str, before: int | None = None, progress: Progress = silent
) -> Prices:
    """The last price of each day of every product that has one.

    Args:
        folder: of the series files of the home.
        rule: the series.
        value: its value that holds prices; one that is not above 0 is none.
        before: microseconds since 1970 from which on nothing may be seen; None: all.
        progress: of what is read.
    """
    with needs_extra("train", "the block portfolio"):
        from graphrec.store.series import all_series
    found = {}
    for one, times, values in all_series(folder, rule).courses(value, progress):
        kept = np.isfinite(values) & (values > 0)
        if before is not None:
            kept &= times < before
        if kept.any():
            days = times[kept] // DAY
            last = np.append(days[1:] != days[:-1], True)
            found[one] = days[last], values[kept][last]
    return found


def trading_days(prices: Prices) -> NDArray[np.int64]:
    """The days on which at least half of the products with prices have one, since 1970."""
    if not prices:
        return np.zeros(0, np.int64)
    days, counts = np.unique(np.concatenate([own for own, _ in prices.values()]), return_counts=True)
    found: NDArray[np.int64] = days[2 * counts >= len(prices)]
    return found


def matrix_of(prices: Prices, ids: Sequence[str]) -> Matrix:
    """The block of products without amounts: returns, the last price, and what is known."""
    returns, known = returns_of(prices, ids)
    last = np.array([prices[one][1][-1] if one in prices else np.nan for one in ids])
    return cast("Matrix", np.column_stack([returns, last, known]))


def returns_of(prices: Prices, ids: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Simple daily returns (num_ids, num_days) on the days of most products, 0 where none, and who has them.

    No days where there are fewer than LEAST.
    """
    calendar = trading_days(prices)[-MOST - 1 :]
    if len(calendar) <= LEAST:
        return np.zeros((len(ids), 0)), np.zeros(len(ids))
    returns, known = np.zeros((len(ids), len(calendar) - 1)), np.zeros(len(ids))
    for place, one in enumerate(ids):
        if one not in prices:
            continue
        own, values = prices[one]
        latest = np.searchsorted(own, calendar, side="right") - 1
        fresh = latest >= 0
        covered = (own[np.maximum(latest, 0)] == calendar) & fresh
        if fresh[0] and covered.mean() >= COVERED:
            course = values[latest]
            returns[place], known[place] = course[1:] / course[:-1] - 1, 1.0
    return returns, known


def stood_in(prices: Prices, snapshot: Snapshot, file: MarketFile, ids: Sequence[str]) -> Prices:
    """The prices, and those of their proxies of products without any."""
    if file.proxy is None:
        return prices
    column = snapshot.nodes(snapshot.schema.roles.product).column(file.proxy)
    named = ((one, column.get(place)) for place, one in enumerate(ids))
    return {**prices, **{one: prices[str(other)] for one, other in named if one not in prices and str(other) in prices}}
