"""The portfolios of all customers at once: volatility with its parts, concentration, cost, stress, and a candidate.

Formulas as in portfolio.py, with one covariance for the bank: S = (1 - d) sample + d m I over all products with returns
(Ledoit and Wolf, 2004), so that w' S w = (1 - d) |R w|^2 + d m |w|^2 needs no matrix of products.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from graphrec.finance.market.figures import TRADING_DAYS

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sizes:
    """What some customers hold: a position after another, by customer.

    Shapes: rows, products, values (num_positions,); cash (num_customers,).
    """

    rows: Places
    products: Places
    values: Floats
    cash: Floats

    @property
    def invested(self) -> Floats:
        """What is invested by each customer."""
        return _summed(self.rows, self.values, len(self.cash))

    @property
    def wealth(self) -> Floats:
        """With cash; 1 where there is nothing."""
        whole = self.invested + self.cash
        return np.where(whole > 0, whole, 1.0)


@dataclass(frozen=True, eq=False)
class Covariance:
    """A shrunk covariance of products as its parts.

    Shapes: rows (num_products, num_days) with rows @ rows.T = the sample covariance a year; known (num_products,) whose
    returns are known, riskless ones not among them.
    """

    rows: Floats
    known: NDArray[np.bool_]
    part: float
    """d."""
    mean: float
    """m, a year."""

    @classmethod
    def of(cls, returns: Floats, known: NDArray[np.bool_]) -> "Covariance":
        """That of daily returns (num_products, num_days), zeros where they are not known."""
        days = returns.shape[1]
        own = returns[known] - returns[known].mean(axis=1, keepdims=True)
        count = len(own)
        rows = np.zeros(returns.shape)
        if not count:
            return cls(rows, known, 0.0, 0.0)
        # |S|^2 and the sum of squares over days by the smaller Gram matrix.
        gram = own.T @ own if days < count else own @ own.T
        squared = float((gram**2).sum()) / days**2
        mean = float((own**2).sum()) / days / count
        noise = (float(((own**2).sum(axis=0) ** 2).sum()) / days - squared) / (days * count)
        far = squared / count - mean**2
        part = 0.0 if far <= 0 else min(max(noise, 0.0), far) / far
        rows[known] = own * np.sqrt(TRADING_DAYS / days)
        return cls(rows, known, part, TRADING_DAYS * mean)


@dataclass(frozen=True, eq=False)
class Everyone:
    """Figures of all customers.

    Shapes: all (num_customers,) but contribution (num_positions,), NaN where a position has no returns; NaN in figures
    of customers of whom they are not known.
    """

    volatility: Floats
    contribution: Floats
    concentration: Mapping[str, Floats]
    cost: Floats
    losses: Sequence[Floats]
    """By episode, parts of the wealth."""
    covered: Sequence[Floats]
    after: "Sequence[Everyone]" = field(default_factory=tuple)
    """With a part of the wealth in the candidate, by part; contributions are not counted there."""


@dataclass(frozen=True, eq=False)
class Products:
    """What is known of products.

    Shapes: fee (num_products,), NaN without; riskless (num_products,); moved (num_episodes, num_products), NaN without;
    groups by name: indptr (num_products + 1,), indices.
    """

    covariance: Covariance
    fee: Floats
    riskless: NDArray[np.bool_]
    moved: Floats
    groups: Mapping[str, tuple[Places, Places]]


def everyone(sizes: Sizes, products: Products, candidate: int | None = None, parts: Sequence[float] = ()) -> Everyone:
    """The figures of some customers, and with a part of the wealth in a candidate, taken from all else alike.

    Args:
        candidate: a product's place.
    """
    covariance, count = products.covariance, len(sizes.cash)
    weights = sizes.values / sizes.wealth[sizes.rows]
    known = covariance.known[sizes.products]
    moves = np.zeros((count, covariance.rows.shape[1]))
    np.add.at(moves, sizes.rows[known], weights[known, None] * covariance.rows[sizes.products[known]])
    squares = np.bincount(sizes.rows[known], weights[known] ** 2, count)
    variance = (1 - covariance.part) * (moves**2).sum(axis=1) + covariance.part * covariance.mean * squares
    any_known = np.bincount(sizes.rows[known], minlength=count) > 0
    volatility = np.where(any_known, np.sqrt(variance), np.nan)
    contribution = np.full(len(weights), np.nan)
    shared = (covariance.rows[sizes.products[known]] * moves[sizes.rows[known]]).sum(axis=1)
    joint = (1 - covariance.part) * shared + covariance.part * covariance.mean * weights[known]
    total = volatility[sizes.rows[known]]
    contribution[known] = np.divide(weights[known] * joint, total, out=np.zeros(len(joint)), where=total > 0)
    contribution[products.riskless[sizes.products]] = 0.0
    lost, covered = _stress(sizes, products, weights)
    found = Everyone(volatility, contribution, _concentration(sizes, products), _cost(sizes, products), lost, covered)
    if candidate is None:
        return found
    inside = {name: _in_groups_of(sizes, products, name, candidate) for name in products.groups}
    after = [_after(part, sizes, products, candidate, found, moves, weights, inside) for part in parts]
    return replace(found, after=tuple(after))


def _after(
    part: float,
    sizes: Sizes,
    products: Products,
    candidate: int,
    now: Everyone,
    moves: Floats,
    weights: Floats,
    inside: Mapping[str, Floats],
) -> Everyone:
    covariance, count = products.covariance, len(sizes.cash)
    if products.riskless[candidate]:
        volatility = (1 - part) * now.volatility
    elif covariance.known[candidate]:
        row = covariance.rows[candidate]
        single = (1 - covariance.part) * float(row @ row) + covariance.part * covariance.mean
        is_it = sizes.products == candidate
        held = np.bincount(sizes.rows[is_it], weights[is_it], count)
        joint = (1 - covariance.part) * (moves @ row) + covariance.part * covariance.mean * held
        variance = (1 - part) ** 2 * now.volatility**2 + 2 * part * (1 - part) * joint + part**2 * single
        volatility = np.sqrt(np.maximum(variance, 0.0))
    else:
        volatility = np.full(count, np.nan)
    amount, invested = part * sizes.wealth, (1 - part) * sizes.invested
    whole = invested + amount
    concentration = {}
    for name, before in now.concentration.items():
        indptr, _ = products.groups[name]
        size = int(indptr[candidate + 1] - indptr[candidate])
        own = amount**2 / size if size else 0.0 * amount
        shared = 2 * (1 - part) * amount * inside[name] / size if size else 0.0 * amount
        squares = (1 - part) ** 2 * np.nan_to_num(before) * sizes.invested**2 + shared + own
        concentration[name] = squares / whole**2
    fee = products.fee[candidate]
    cost = (np.where(sizes.invested > 0, now.cost, 0.0) * invested + fee * amount) / whole
    moved = products.moved[:, candidate]
    steady = bool(products.riskless[candidate])
    lost = [(1 - part) * loss - (0.0 if steady or np.isnan(one) else part * one) for loss, one in
            zip(now.losses, moved, strict=True)]  # fmt: skip
    covered = [(1 - part) * one + (part if steady or not np.isnan(change) else 0.0) for one, change in
               zip(now.covered, moved, strict=True)]  # fmt: skip
    return Everyone(volatility, np.zeros(0), concentration, cost, lost, covered)


def _stress(sizes: Sizes, products: Products, weights: Floats) -> tuple[list[Floats], list[Floats]]:
    count = len(sizes.cash)
    riskless = products.riskless[sizes.products]
    steady = sizes.cash / sizes.wealth + np.bincount(sizes.rows[riskless], weights[riskless], count)
    lost, covered = [], []
    for row in products.moved:
        change = np.where(riskless, np.nan, row[sizes.products])
        there = ~np.isnan(change)
        lost.append(-_summed(sizes.rows[there], (weights * np.nan_to_num(change))[there], count))
        covered.append(steady + _summed(sizes.rows[there], weights[there], count))
    return lost, covered


def _summed(rows: Places, values: Floats, count: int) -> Floats:
    """The sum of values by row."""
    found: Floats = np.bincount(rows, values, count).astype(np.float64)
    return found


def _expanded(sizes: Sizes, indptr: Places, indices: Places) -> tuple[Places, Places, Floats]:
    """Customer, group and worth of each position in each of its groups, equal parts in several."""
    lengths = np.diff(indptr)[sizes.products]
    repeat = np.repeat(np.arange(len(lengths)), lengths)
    offset = np.arange(len(repeat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    groups = indices[np.repeat(indptr[:-1][sizes.products], lengths) + offset]
    return sizes.rows[repeat], groups, sizes.values[repeat] / lengths[repeat]


def _concentration(sizes: Sizes, products: Products) -> dict[str, Floats]:
    """The sum of squared shares of what is invested, by what products have in common."""
    found, invested = {}, sizes.invested
    for name, (indptr, indices) in products.groups.items():
        rows, groups, values = _expanded(sizes, indptr, indices)
        width = int(indices.max(initial=0)) + 1
        cells, places = np.unique(rows * width + groups, return_inverse=True)
        sums = np.bincount(places, values, len(cells))
        squares = np.bincount(cells // width, sums**2, len(sizes.cash))
        found[name] = np.divide(squares, invested**2, out=np.full(len(squares), np.nan), where=invested > 0)
    return found


def _in_groups_of(sizes: Sizes, products: Products, name: str, candidate: int) -> Floats:
    """What each customer has in the groups of a candidate, summed."""
    indptr, indices = products.groups[name]
    own = indices[indptr[candidate] : indptr[candidate + 1]]
    rows, groups, values = _expanded(sizes, indptr, indices)
    inside = np.isin(groups, own)
    return _summed(rows[inside], values[inside], len(sizes.cash))


def _cost(sizes: Sizes, products: Products) -> Floats:
    """The yearly cost in per cent; NaN where a product has none that is known, or nothing is held."""
    invested = sizes.invested
    paid = _summed(sizes.rows, sizes.values * products.fee[sizes.products], len(invested))
    found: Floats = np.divide(paid, invested, out=np.full(len(paid), np.nan), where=invested > 0)
    return found
