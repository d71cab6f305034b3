"""What a customer holds as a portfolio: weights, concentration, volatility and what brings it; a candidate in it.

    weight          w_i = value_i / wealth, wealth with cash; cash has no variance
    concentration   HHI = sum of squared shares of what is invested, by product, kind, issuer, …
    covariance      S = (1 - d) sample + d m I,  m = mean variance, d as in Ledoit and Wolf, JMVA 88 (2004)
    volatility      sigma = sqrt(w' S w), a year;  contribution_i = w_i (S w)_i / sigma;  they add up to sigma (Euler)
    with a part d of the wealth in product i, taken from all else alike
                    sigma'^2 = (1 - d)^2 sigma^2 + 2 d (1 - d) (S w)_i + d^2 S_ii

Returns are simple daily ones of days on which all products of the portfolio have a price. A product without enough
prices has a weight and no part of the volatility, and is named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from graphrec.finance.market.figures import TRADING_DAYS, Prices
from graphrec.finance.market.stress import Course, Episode, Loss, losses

Floats = NDArray[np.float64]
DAY = 86_400_000_000
DELTAS = (0.01, 0.05, 0.1)
"""Parts of the wealth that would go into a candidate."""
MOST, LEAST = 504, 60
"""Daily returns that a covariance looks at, and wants."""


@dataclass(frozen=True)
class Position:
    """One product that is held."""

    product: str
    name: str
    value: float
    weight: float
    """Of the wealth, cash among it."""
    volatility: float | None
    """A year; None: there are too few prices."""
    contribution: float | None
    """Its part of the portfolio's volatility."""


@dataclass(frozen=True)
class Purchase:
    """The portfolio if a part of the wealth went into the candidate."""

    part: float
    amount: float
    volatility: float | None
    concentration: Mapping[str, float]
    cost_percent: float | None
    stress: tuple[Loss, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """A product in the context of what is held."""

    product: str
    name: str
    volatility: float | None
    correlation: float | None
    """With the portfolio."""
    purchases: tuple[Purchase, ...]


@dataclass(frozen=True)
class Portfolio:
    """What a customer holds as of a date."""

    user: str
    as_of: str
    wealth: float
    cash: float | None
    """None: no column says it, and wealth is what is invested."""
    positions: tuple[Position, ...]
    """The largest first."""
    concentration: Mapping[str, float]
    """HHI by product and by what products have in common, 0 to 1."""
    volatility: float | None
    """A year, of positions with prices; None: none of them has enough."""
    drawdown: float | None
    """Greatest fall of today's weights over the days that are looked at."""
    days: int
    """Daily returns that were looked at."""
    shrinkage: float | None
    cost_percent: float | None
    """Yearly cost of what is invested, weighed; None: a product has none."""
    without_prices: tuple[str, ...]
    stress: tuple[Loss, ...] = ()
    """What today's weights would have lost in episodes of the past."""
    candidate: Candidate | None = None


@dataclass(frozen=True)
class Thing:
    """A product as a portfolio sees it."""

    id: str
    name: str
    groups: Mapping[str, tuple[str, ...]]
    """What it has in common with others: kind, issuer, …"""
    fee: float | None
    prices: Prices | None
    is_riskless: bool = False
    """Whether its worth does not move, as that of cash."""


def shrunk(returns: Floats) -> tuple[Floats, float]:
    """The covariance of returns, drawn to a multiple of the identity, and how far.

    Shapes: returns (num_days, num_products).

    >>> covariance, part = shrunk(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]))
    >>> covariance.tolist(), part
    ([[0.5, 0.0], [0.0, 0.5]], 0.0)
    """
    centred = returns - returns.mean(axis=0)
    days, count = centred.shape
    sample: Floats = centred.T @ centred / days
    mean = float(np.trace(sample)) / count
    far = float(((sample - mean * np.eye(count)) ** 2).sum()) / count
    squares = centred**2
    noise = (float((squares.T @ squares).sum()) / days - float((sample**2).sum())) / (days * count)
    part = 0.0 if far <= 0 else min(max(noise, 0.0), far) / far
    return (1 - part) * sample + part * mean * np.eye(count), part


def portfolio(
    user: str,
    as_of: str,
    held: Sequence[tuple[Thing, float]],
    cash: float | None,
    candidate: Thing | None = None,
    episodes: Sequence[Episode] = (),
) -> Portfolio:
    """The portfolio of what is held.

    Args:
        held: products with their values, more than 0.
        cash: None: nothing says it.
        episodes: of stress.
    """
    ordered = sorted(held, key=lambda pair: (-pair[1], pair[0].id))
    values = np.array([value for _, value in ordered])
    wealth = float(values.sum()) + (cash or 0.0)
    things = [thing for thing, _ in ordered]
    weights = values / wealth if wealth else values
    risk = _Risk.of([*things, *([] if candidate is None else [candidate])], weights)
    positions = tuple(
        Position(
            thing.id,
            thing.name,
            float(values[n]),
            float(weights[n]),
            *((0.0, 0.0) if thing.is_riskless else risk.of_position(n)),
        )
        for n, thing in enumerate(things)
    )
    found = Portfolio(
        user=user,
        as_of=as_of,
        wealth=wealth,
        cash=cash,
        positions=positions,
        concentration=_concentration(things, values),
        volatility=risk.volatility,
        drawdown=risk.drawdown,
        days=0 if risk.returns is None else len(risk.returns),
        shrinkage=risk.shrinkage,
        cost_percent=cost_of(things, values),
        without_prices=tuple(
            thing.id for n, thing in enumerate(things) if n not in risk.places and not thing.is_riskless
        ),
        stress=_stress(episodes, things, weights),
    )
    if candidate is None:
        return found
    purchases = tuple(
        replace(
            _purchase(part, wealth, things, values, candidate, risk),
            stress=_stress(episodes, [*things, candidate], np.append((1 - part) * weights, part)),
        )
        for part in DELTAS
    )
    own, correlation = (0.0, None) if candidate.is_riskless else risk.of_candidate()
    described = Candidate(candidate.id, candidate.name, own, correlation, purchases)
    return replace(found, candidate=described)


@dataclass(frozen=True, eq=False)
class _Risk:
    """The covariance of those of some products that have prices; the candidate is the last of all."""

    places: Mapping[int, int]
    """Of each product with prices, its column."""
    weights: Floats
    """(columns,), 0 for a candidate."""
    covariance: Floats | None
    returns: Floats | None
    shrinkage: float | None
    candidate: int | None
    """Its column."""

    @classmethod
    def of(cls, things: Sequence[Thing], weights: Floats) -> "_Risk":
        """That of products, of which the last ones beyond `weights` are candidates."""
        priced = [n for n, thing in enumerate(things) if thing.prices is not None and len(thing.prices.values) > LEAST]
        returns = common_returns([prices for n in priced if (prices := things[n].prices) is not None])
        if returns is None:
            return cls({}, np.zeros(0), None, None, None, None)
        covariance, part = shrunk(returns)
        own = np.array([weights[n] if n < len(weights) else 0.0 for n in priced])
        last = len(priced) - 1 if priced[-1] >= len(weights) else None
        places = {n: column for column, n in enumerate(priced) if n < len(weights)}
        return cls(places, own, TRADING_DAYS * covariance, returns, part, last)

    @property
    def volatility(self) -> float | None:
        """Of all positions with prices, a year."""
        if self.covariance is None or not self.places:
            return None
        return float(np.sqrt(self.weights @ self.covariance @ self.weights))

    @property
    def drawdown(self) -> float | None:
        """The greatest fall that today's weights would have had."""
        if self.returns is None or not self.places:
            return None
        course = np.cumprod(np.concatenate([[1.0], 1 + self.returns @ self.weights]))
        return float(np.max(1 - course / np.maximum.accumulate(course)))

    def of_position(self, place: int) -> tuple[float | None, float | None]:
        """Volatility of a position, and its contribution."""
        column, total = self.places.get(place), self.volatility
        if column is None or self.covariance is None or total is None:
            return None, None
        part = float(self.weights[column] * (self.covariance @ self.weights)[column])
        return float(np.sqrt(self.covariance[column, column])), part / total if total else 0.0

    def of_candidate(self) -> tuple[float | None, float | None]:
        """Volatility of the candidate, and its correlation with the portfolio."""
        if self.candidate is None or self.covariance is None:
            return None, None
        own, total = float(np.sqrt(self.covariance[self.candidate, self.candidate])), self.volatility
        if not total or not own:
            return own, None
        return own, float((self.covariance @ self.weights)[self.candidate]) / (own * total)

    def after(self, part: float) -> float | None:
        """The volatility with a part of the wealth in the candidate."""
        total = self.volatility
        if self.candidate is None or self.covariance is None or total is None:
            return None
        with_all = float((self.covariance @ self.weights)[self.candidate])
        own = float(self.covariance[self.candidate, self.candidate])
        return float(np.sqrt((1 - part) ** 2 * total**2 + 2 * part * (1 - part) * with_all + part**2 * own))


def common_returns(prices: Sequence[Prices], most: int = MOST) -> Floats | None:
    """(days, products) returns of the last days on which all have a price; None: there are too few."""
    if not prices:
        return None
    last = [dict(zip((one.times // DAY).tolist(), one.values.tolist(), strict=True)) for one in prices]
    common = sorted(set.intersection(*(set(one) for one in last)))[-most - 1 :]
    if len(common) <= LEAST:
        return None
    table = np.array([[one[day] for one in last] for day in common])
    found: Floats = table[1:] / table[:-1] - 1
    return found


def _stress(episodes: Sequence[Episode], things: Sequence[Thing], weights: Floats) -> tuple[Loss, ...]:
    """What weights would have lost; what is no product is cash."""
    steady = 1 - float(weights.sum()) + sum(w for thing, w in zip(things, weights, strict=True) if thing.is_riskless)
    moving: dict[str, float] = {}
    for thing, weight in zip(things, weights.tolist(), strict=True):
        if not thing.is_riskless:
            moving[thing.id] = moving.get(thing.id, 0.0) + weight
    return losses(episodes, moving, {one.id: course_of(one.prices) for one in things if one.prices is not None}, steady)


def course_of(prices: Prices) -> Course:
    """Days and the last price of each."""
    days = prices.times // DAY
    last = np.append(days[1:] != days[:-1], True)
    return days[last], prices.values[last]


def _purchase(
    part: float, wealth: float, things: Sequence[Thing], values: Floats, candidate: Thing, risk: _Risk
) -> Purchase:
    """The portfolio with a part of the wealth in the candidate, taken from all else alike."""
    amount = part * wealth
    after = [*((1 - part) * values), amount]
    together = [*things, candidate]
    moved = risk.after(part)
    if candidate.is_riskless and risk.volatility is not None:
        moved = (1 - part) * risk.volatility
    return Purchase(part, amount, moved, _concentration(together, np.array(after)), cost_of(together, np.array(after)))


def _concentration(things: Sequence[Thing], values: Floats) -> dict[str, float]:
    """The sum of squared shares by product and by group; what is in several groups counts in each by an equal part."""
    total = float(values.sum())
    if not total:
        return {}
    by: dict[str, dict[str, float]] = {"product": {}}
    for thing, value in zip(things, values.tolist(), strict=True):
        by["product"][thing.id] = by["product"].get(thing.id, 0.0) + value
        for what, groups in thing.groups.items():
            for group in groups:
                own = by.setdefault(what, {})
                own[group] = own.get(group, 0.0) + value / len(groups)
    return {what: sum((value / total) ** 2 for value in parts.values()) for what, parts in sorted(by.items())}


def cost_of(things: Sequence[Thing], values: Floats) -> float | None:
    """The yearly cost of what is invested, in per cent; None: a product has none that is known."""
    fees = [thing.fee for thing in things]
    total = float(values.sum())
    if not total or any(fee is None for fee in fees):
        return None
    return float(sum(fee * value for fee, value in zip(fees, values.tolist(), strict=True) if fee is not None) / total)
