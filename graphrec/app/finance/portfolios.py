"""The portfolios of all customers as of a date in a file, one line a customer, and a candidate in each of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from graphrec.app.bank import Bank
from graphrec.app.finance.market import FILE, prices_before, series_of_prices
from graphrec.app.finance.portfolio import episodes_of, group_names, number_of
from graphrec.app.jobs import AskPortfolios
from graphrec.app.results import Portfolios
from graphrec.config.market import MarketFile, read_market
from graphrec.errors import UsageError
from graphrec.features.sources.portfolio import returns_of
from graphrec.files import whole_file
from graphrec.finance.market.everyone import Covariance, Everyone, Floats, Places, Products, Sizes, everyone
from graphrec.finance.market.portfolio import DELTAS, course_of
from graphrec.finance.market.stress import Course, Episode, moved
from graphrec.graph.edges.wealth import Wealth, amounts_of, riskless_products
from graphrec.graph.folders.facts import Facts, FactsShelf
from graphrec.graph.lookup import place_of
from graphrec.progress import Progress
from graphrec.times import moment_of

CHUNK = 2048
"""Customers at once."""


def portfolios(bank: Bank, request: AskPortfolios, progress: Progress) -> Portfolios:
    """The figures of all customers, written line by line."""
    bank.home.need_vault("graphrec portfolio --out")
    graph, file = FactsShelf(bank.home.facts).latest(), read_market(bank.home.path / FILE)
    as_of = bank.now(request.as_of)
    types = amounts_of(graph, file.positions)
    if not types:
        raise UsageError(
            f"a portfolio wants amounts or quantities; name an edge type that has them as positions of {FILE}"
        )
    roles = graph.schema.roles
    products, users = graph.nodes(roles.product), graph.nodes(roles.user)
    candidate = None if request.candidate is None else place_of(products, request.candidate, "product")
    series = series_of_prices(graph, file)
    courses: dict[str, Course] = {
        one: course_of(prices)
        for one, prices in prices_before(bank, series, file, as_of, progress)
        if len(prices.values)
    }
    ids = list(products.ids)
    episodes = _episodes(file, as_of, courses)
    told = _products(graph, file, ids, courses, episodes)
    last = np.array([courses[one][1][-1] if one in courses else 0.0 for one in ids])
    wealth = Wealth(graph, as_of, as_of)
    total, empty, sums = 0, 0, {"volatility": 0.0, "known": 0}
    with whole_file(request.out) as temporary, temporary.open("w", encoding="utf-8") as out:
        for start in range(0, len(users), CHUNK):
            progress("portfolios", start, len(users))
            asked = np.arange(start, min(start + CHUNK, len(users)))
            sizes = _sizes(wealth, types, file.cash, asked, last)
            found = everyone(sizes, told, candidate, DELTAS)
            for line in _lines(found, sizes, users.ids, ids, asked, episodes):
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
            total += len(asked)
            empty += int((sizes.invested == 0).sum())
            known = ~np.isnan(found.volatility)
            sums["volatility"] += float(found.volatility[known].sum())
            sums["known"] += int(known.sum())
    mean = sums["volatility"] / sums["known"] if sums["known"] else None
    day = f"{moment_of(as_of):%Y-%m-%d}"
    shrinkage = told.covariance.part if told.covariance.known.any() else None
    return Portfolios(day, request.out, total, empty, int(sums["known"]), mean, shrinkage, episodes, request.candidate)


def _episodes(file: MarketFile, as_of: int, courses: dict[str, Course]) -> tuple[Episode, ...]:
    """Those that market.toml declares, else the worst of the benchmark, or without one of all products."""
    if file.benchmark is not None:
        courses = {name: one for name, one in courses.items() if name == file.benchmark}
    return episodes_of(file, as_of, list(courses.values()))


def _products(
    graph: Facts, file: MarketFile, ids: list[str], courses: dict[str, Course], episodes: tuple[Episode, ...]
) -> Products:
    label = graph.schema.roles.product
    riskless = riskless_products(graph, file.riskless)
    returns, known = returns_of(courses, ids)
    covariance = Covariance.of(returns, (known > 0) & ~riskless) if returns.shape[1] else Covariance(
        np.zeros((len(ids), 0)), np.zeros(len(ids), np.bool_), 0.0, 0.0
    )  # fmt: skip
    fees = [number_of(graph, label, file.fee, place) for place in range(len(ids))]
    changes = np.full((len(episodes), len(ids)), np.nan)
    for row, one in enumerate(episodes):
        for place, product in enumerate(ids):
            if product in courses and (change := moved(courses[product], one)) is not None:
                changes[row, place] = change
    groups: dict[str, list[tuple[str, ...]]] = {"product": [(one,) for one in ids]}
    for place in range(len(ids)):
        for name, values in group_names(graph, place):
            groups.setdefault(name, [()] * len(ids))[place] = values
    found = {name: _grouped(of) for name, of in sorted(groups.items())}
    fee = np.array([np.nan if one is None else one for one in fees])
    return Products(covariance, fee, riskless, changes, found)


def _grouped(of: list[tuple[str, ...]]) -> tuple[Places, Places]:
    codes: dict[str, int] = {}
    indices = [codes.setdefault(one, len(codes)) for values in of for one in values]
    indptr = np.concatenate(([0], np.cumsum([len(values) for values in of])))
    return indptr.astype(np.int64), np.array(indices, np.int64)


def _sizes(wealth: Wealth, types: Any, cash: str | None, asked: Places, last: Floats) -> Sizes:
    rows, products, values = [], [], []
    for name in types:
        held = wealth.amounts(name, asked)
        worth = held.values if held.is_money else held.values * last[held.products]
        some = worth > 0
        rows.append(held.rows[some])
        products.append(held.products[some])
        values.append(worth[some])
    own = np.zeros(len(asked)) if cash is None else np.maximum(wealth.numbers(cash, asked), 0.0)
    order = np.lexsort((np.concatenate(products), np.concatenate(rows)))
    return Sizes(np.concatenate(rows)[order], np.concatenate(products)[order], np.concatenate(values)[order], own)


def _lines(
    found: Everyone, sizes: Sizes, users: Any, ids: list[str], asked: Places, episodes: tuple[Episode, ...]
) -> Iterator[dict[str, Any]]:
    invested, bounds = sizes.invested, np.searchsorted(sizes.rows, np.arange(len(asked) + 1))
    for row, user in enumerate(asked.tolist()):
        span = slice(int(bounds[row]), int(bounds[row + 1]))
        contributions = zip(sizes.products[span].tolist(), found.contribution[span].tolist(), strict=True)
        line = {
            "user": users[user],
            "wealth": float(invested[row] + sizes.cash[row]),
            "cash": float(sizes.cash[row]),
            **_figures(found, row, episodes),
            "contributions": {ids[product]: _plain(one) for product, one in contributions},
        }
        if found.after:
            line["after"] = [
                {"part": part, **_figures(after, row, episodes)}
                for part, after in zip(DELTAS, found.after, strict=True)
            ]
        yield line


def _figures(found: Everyone, row: int, episodes: tuple[Episode, ...]) -> dict[str, Any]:
    losses = zip(episodes, found.losses, found.covered, strict=True)
    return {
        "volatility": _plain(float(found.volatility[row])),
        "concentration": {name: _plain(float(values[row])) for name, values in found.concentration.items()},
        "cost_percent": _plain(float(found.cost[row])),
        "stress": [
            {"episode": one.name, "loss": float(loss[row]), "covered": float(part[row])} for one, loss, part in losses
        ],
    }


def _plain(value: float) -> float | None:
    return None if value != value else value
