"""Figures of a home's products from their prices as of a date: shown, or kept as dated columns of products.

market.toml of the home says which series, benchmark and ratings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from graphrec.app.bank import Bank
from graphrec.app.data.derived import Derived, keep
from graphrec.app.jobs import AskMarket
from graphrec.app.recording import record_event
from graphrec.app.results import Market, MarketOf
from graphrec.config.market import MarketFile, read_market
from graphrec.errors import UsageError
from graphrec.files import locked
from graphrec.finance.market.classes import COMPUTED, ClassChange, Classes, ClassHistory
from graphrec.finance.market.figures import Figures, Prices, figures
from graphrec.graph.folders.facts import Facts, FactsShelf
from graphrec.graph.lookup import place_of
from graphrec.progress import Progress
from graphrec.schema import Column, SeriesSchema
from graphrec.store.series import all_series
from graphrec.times import moment_of

FILE = "market.toml"
SOURCE = "graphrec market"
_ON = "market_on"
_COLUMNS = ("volatility", "drawdown", "momentum", "beta", "correlation", "vev")


def market(bank: Bank, request: AskMarket, progress: Progress) -> Market:
    """The figures of one product or of all, kept where asked for."""
    bank.home.need_vault("graphrec market")
    facts, file = FactsShelf(bank.home.facts).latest(), read_market(bank.home.path / FILE)
    as_of = bank.now(request.as_of)
    series = series_of_prices(facts, file)
    prices = dict(prices_before(bank, series, file, as_of, progress))
    benchmark = None if file.benchmark is None else prices.get(file.benchmark)
    if file.benchmark is not None and benchmark is None:
        raise UsageError(f"market.toml: benchmark {file.benchmark!r} has no {series.name} before the date")
    label = facts.schema.roles.product
    ids = facts.nodes(label).ids
    day = moment_of(as_of)
    found, seen, without = [], list[Classes](), 0
    for place in _asked(facts, request):
        own = prices.get(ids[place])
        measured = None
        if own is not None:
            measured = figures(own, benchmark, horizon=file.horizon_years, garch=file.garch or request.garch)
        given = _given(facts, file, place, measured)
        seen.append(Classes(ids[place], f"{day:%Y-%m-%d}", given))
        rating = seen[-1].rating
        if measured is None and rating is None:
            without += 1
            continue
        found.append(MarketOf(ids[place], facts.name(label, place), measured, rating))
    number, notes = None, tuple[str, ...]()
    is_new, changed = False, tuple[ClassChange, ...]()
    if request.keep:
        is_new = keep(bank, SOURCE, _derived(facts, found, day), progress)
        with locked(bank.home.classes.with_suffix(".lock")):
            changed = ClassHistory(bank.home.classes).add(seen)
        content = {"did": "market", "products": len(found), "on": f"{day:%Y-%m-%d}", "changed": changed}
        number, notes = record_event(bank, "market", content, wanted=request.record or bool(changed))
    return Market(f"{day:%Y-%m-%d}", tuple(found), without, request.keep, is_new, number, notes, changed)


def _asked(facts: Facts, request: AskMarket) -> range:
    nodes = facts.nodes(facts.schema.roles.product)
    if request.product is None:
        return range(len(nodes.ids))
    if request.keep:
        raise UsageError("--keep keeps the figures of all products; leave the product out")
    place = place_of(nodes, request.product, "product")
    return range(place, place + 1)


def series_of_prices(facts: Facts, file: MarketFile) -> SeriesSchema:
    """The series that market.toml names.

    Raises:
        UsageError: there is none of that name.
    """
    known = {name: one for name, one in facts.schema.series.items() if one.of == facts.schema.roles.product}
    if file.series not in known:
        raise UsageError(
            f"there is no series {file.series} of products; there are {', '.join(sorted(known)) or 'none'}: name one "
            f"in {FILE}, or let the mapping bring one"
        )
    if file.value is not None and file.value not in known[file.series].values:
        raise UsageError(f"{FILE}: series {file.series} has no value {file.value}")
    return known[file.series]


def prices_before(
    bank: Bank,
    series: SeriesSchema,
    file: MarketFile,
    as_of: int,
    progress: Progress,
    only: Sequence[str] | None = None,
) -> Iterator[tuple[str, Prices]]:
    """The prices of some products or of all before the date."""
    files = all_series(bank.home.series, series)
    for product, times, values in files.courses(file.value_of(series), progress, only):
        yield product, Prices.of(times, values, as_of)


def _given(facts: Facts, file: MarketFile, place: int, measured: Figures | None) -> dict[str, int]:
    """The computed class, and those that others gave, by source."""
    label = facts.schema.roles.product
    kinds = facts.nodes(label).columns
    if unknown := next((one for one in file.ratings if kinds.get(one) != "integer"), None):
        raise UsageError(f"{FILE}: ratings: products have no column {unknown} of whole numbers")
    given = {name: facts.value(label, name, place) for name in file.ratings}
    classes = {name: int(one) for name, one in given.items() if isinstance(one, int | float)}
    if measured is not None and measured.market_class is not None:
        classes[COMPUTED] = measured.market_class
    return classes


def _derived(facts: Facts, found: list[MarketOf], day: datetime) -> Derived:
    product = facts.schema.roles.product
    rows = []
    for one in found:
        values: dict[str, float | int | datetime | None] = {"market_rating": one.rating, _ON: day}
        if one.figures is not None:
            values["market_class"] = one.figures.market_class
            values |= {f"market_return_{name}": value for name, value in one.figures.returns.items()}
            values |= {f"market_{name}": getattr(one.figures, name) for name in _COLUMNS}
            if one.figures.garch is not None:
                values["market_garch"] = one.figures.garch
        rows.append((one.product, values))
    names = sorted({name for _, values in rows for name in values} - {_ON, "market_class", "market_rating"})
    columns = (
        *(Column(name, "real") for name in names),
        *(Column(name, "integer") for name in ("market_class", "market_rating")),
        Column(_ON, "time"),
    )
    return Derived({product: rows}, {product: columns}, {product: {column.name: _ON for column in columns}})
