"""The portfolio of one customer from holdings and prices as of a date, and a candidate in it.

market.toml of the home names the series of prices, the column with cash and the one with yearly costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from graphrec.app.bank import Bank
from graphrec.app.finance.market import FILE, prices_before, series_of_prices
from graphrec.app.jobs import AskPortfolio
from graphrec.config.market import MarketFile, read_market
from graphrec.errors import UsageError
from graphrec.finance.market.figures import Prices
from graphrec.finance.market.portfolio import Portfolio, Thing, course_of, portfolio
from graphrec.finance.market.stress import Course, Episode, index_of, worst
from graphrec.graph.folders.facts import Facts as Graph
from graphrec.graph.folders.facts import FactsShelf
from graphrec.graph.lookup import place_of
from graphrec.policy.facts import Block, Facts, Groups
from graphrec.progress import silent
from graphrec.times import moment_of


def ask_portfolio(bank: Bank, request: AskPortfolio) -> Portfolio:
    """What a customer holds, and what a candidate would do to it."""
    bank.home.need_vault("graphrec portfolio")
    graph, file = FactsShelf(bank.home.facts).latest(), read_market(bank.home.path / FILE)
    as_of = bank.now(request.as_of)
    user = place_of(graph.nodes(graph.schema.roles.user), request.user, "user")
    wanted = None
    if request.candidate is not None:
        wanted = place_of(graph.nodes(graph.schema.roles.product), request.candidate, "product")
    held, others = holdings(bank, graph, file, as_of, user, [] if wanted is None else [wanted])
    day = f"{moment_of(as_of):%Y-%m-%d}"
    episodes = _episodes(bank, graph, file, as_of, [thing for thing, _ in held] + others)
    return portfolio(request.user, day, held, cash_of(graph, file, user), others[0] if others else None, episodes)


def _episodes(bank: Bank, graph: Graph, file: MarketFile, as_of: int, things: Sequence[Thing]) -> tuple[Episode, ...]:
    """Those that market.toml declares, else the worst of the benchmark, or without one of these products together."""
    courses = [course_of(thing.prices) for thing in things if thing.prices is not None]
    if file.benchmark is not None and not file.episode:
        prices = _prices(bank, graph, file, as_of, {file.benchmark})
        courses = [course_of(one) for one in prices.values()]
    return episodes_of(file, as_of, courses)


def episodes_of(file: MarketFile, as_of: int, courses: Sequence[Course]) -> tuple[Episode, ...]:
    """The episodes of market.toml, else the worst of some courses together; none without prices."""
    if file.episode:
        return declared(file, as_of)
    return worst(index_of(courses)) if courses else ()


def declared(file: MarketFile, as_of: int) -> tuple[Episode, ...]:
    """The episodes of market.toml that were over at a date.

    Raises:
        UsageError: one ends before it begins.
    """
    day = f"{moment_of(as_of):%Y-%m-%d}"
    for one in file.episode:
        if one.end <= one.begin:
            raise UsageError(f"{FILE}: episode {one.name!r} ends on {one.end} and begins on {one.begin}; correct it")
    found = (Episode(one.name, one.begin.isoformat(), one.end.isoformat(), True) for one in file.episode)
    return tuple(one for one in found if one.end < day)


def holdings(
    bank: Bank, graph: Graph, file: MarketFile, as_of: int, user: int, others: Sequence[int]
) -> tuple[list[tuple[Thing, float]], list[Thing]]:
    """What a customer holds as of a date with its values, and other products, with their prices before it.

    Args:
        others: places of products.
    """
    values = dict(_values(Facts(graph, as_of, known_before=as_of, held_before=as_of), user, file))
    ids = graph.nodes(graph.schema.roles.product).ids
    prices = _prices(bank, graph, file, as_of, {ids[place] for place in (*values, *others)})
    things = {place: _thing(graph, file, place, prices) for place in (*values, *others)}
    return list(_held(things, values, bank.home.path / FILE)), [things[place] for place in others]


def _values(facts: Facts, user: int, file: MarketFile) -> Iterator[tuple[int, tuple[float, bool]]]:
    """What is held of each product, and whether it is an amount; else a number of pieces."""
    count = facts.num_products
    each = Groups(np.arange(count + 1), np.arange(count), count)
    block = Block(np.array([user]))
    for name in _held_as(facts, file):
        edges = facts.snapshot.edges(name)
        if edges.weight is None and edges.quantity is None:
            raise UsageError(
                f"a portfolio wants amounts or quantities: the mapping of {name} names no weight or quantity; "
                f"name an edge type that has them as positions of {FILE}, or let graphrec market --init find it"
            )
        found = facts.counted(name, None, block, groups=each, weighed=True)
        known = ~np.broadcast_to(found.missing(), found.values.shape)[0]
        held = facts.holdings(block)[:, 1] if file.positions is None else np.flatnonzero(found.values[0])
        for product in np.unique(held).tolist():
            if known[product] and found.values[0, product] > 0:
                yield product, (float(found.values[0, product]), edges.weight is not None)


def _held_as(facts: Facts, file: MarketFile) -> tuple[str, ...]:
    """The edge types with what is held.

    Raises:
        UsageError: `positions` names none from customers to products.
    """
    if file.positions is None:
        return facts.roles.holding
    edge = facts.snapshot.schema.edges.get(file.positions)
    if edge is None or (edge.source, edge.target) != (facts.roles.user, facts.roles.product):
        raise UsageError(f"positions of {FILE}: there is no edge type {file.positions} from customers to products")
    return (file.positions,)


def _held(things: dict[int, Thing], values: dict[int, tuple[float, bool]], file: Path) -> Iterator[tuple[Thing, float]]:
    for place, (number, is_amount) in values.items():
        thing = things[place]
        if not is_amount and thing.prices is None and not thing.is_riskless:
            raise UsageError(
                f"product {thing.id} is held in pieces and has no price of series in {file} before the date"
            )
        yield thing, number if is_amount or thing.prices is None else number * float(thing.prices.values[-1])


def _prices(bank: Bank, graph: Graph, file: MarketFile, as_of: int, wanted: set[str]) -> dict[str, Prices]:
    """The prices of some products before the date; none where the graph has no series of prices."""
    if not any(one.of == graph.schema.roles.product for one in graph.schema.series.values()):
        return {}
    series = series_of_prices(graph, file)
    found = prices_before(bank, series, file, as_of, silent, sorted(wanted))
    return {one: prices for one, prices in found if len(prices.values)}


def _thing(graph: Graph, file: MarketFile, place: int, prices: dict[str, Prices]) -> Thing:
    label = graph.schema.roles.product
    product_id = graph.nodes(label).ids[place]
    fee = number_of(graph, label, file.fee, place)
    name = graph.name(label, place) or product_id
    groups = dict(group_names(graph, place))
    kind = groups.get(graph.schema.nodes[label].show.get("kind", "kind"), ())
    is_riskless = any(one in file.riskless for one in kind)
    return Thing(product_id, name, groups, fee, None if is_riskless else prices.get(product_id), is_riskless)


def group_names(graph: Graph, place: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What a product has in common with others: kind, currency, and what it is linked with."""
    label, show = graph.schema.roles.product, graph.schema.nodes[graph.schema.roles.product].show
    for what in sorted({"kind", show.get("kind", "kind"), "currency"}):
        if graph.nodes(label).columns.get(what) == "text" and (value := graph.value(label, what, place)) is not None:
            yield what, (str(value),)
    for name in graph.types:
        edge = graph.schema.edges[name]
        if edge.source == label and edge.target not in (label, graph.schema.roles.user):
            edges, ids = graph.edges(name), graph.nodes(edge.target).ids
            linked = edges.indices[int(edges.indptr[place]) : int(edges.indptr[place + 1])]
            if len(linked):
                yield edge.target, tuple(sorted({ids[int(one)] for one in linked}))


def cash_of(graph: Graph, file: MarketFile, user: int) -> float | None:
    """What a customer has that is not invested; None: no column says it."""
    return number_of(graph, graph.schema.roles.user, file.cash, user)


def number_of(graph: Graph, label: str, column: str | None, place: int, file: str = FILE) -> float | None:
    """The value of a column of numbers that a file names; None: it names none, or there is no value.

    Raises:
        UsageError: there is no such column.
    """
    if column is None:
        return None
    if graph.nodes(label).columns.get(column) not in ("integer", "real"):
        raise UsageError(f"{file}: {label} has no column {column} of numbers")
    value = graph.value(label, column, place)
    return None if value is None else float(value)
