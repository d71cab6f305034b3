r"""Who hears about what: an assignment within caps, capacities and a budget, with a bound on what is lost.

    maximise   sum of v_o x_o                                    over offers o = (customer, product, channel)
    subject to sum of x_o of a customer            <= cap        contacts of one customer
               sum of cost_o x_o                   <= budget
               sum of x_o of a channel             <= capacity
               sum of x_o of an adviser, a channel <= capacity
               sum of x_o of a product             <= quota
               x_o in {0, 1}

The linear relaxation is solved by HiGHS on the offers that may matter, and offers that its prices speak for are added
until none is left: its value bounds every assignment from above. Nearly all x are whole then; customers whose choice
is nearest to another one are decided by HiGHS' branch and bound. `gap` = (bound - value) / bound.

Source: column generation: Desaulniers, Desrosiers, Solomon (2005), Column Generation, chapter 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Offers that one round adds at most, rounds, and offers that the search of whole numbers looks at.
_ADDED, _ROUNDS, _SEARCHED = 100_000, 25, 4_000
_SECONDS = 15.0
_WHOLE = 1e-6


@dataclass(frozen=True, eq=False)
class Offers:
    """What may be offered: every entry passes the policy and the consents.

    Shapes: all (n,). customer, product, channel, adviser count from 0; adviser is -1 where there is none.
    """

    customer: Ints
    product: Ints
    channel: Ints
    adviser: Ints
    value: Floats
    """What a contact is worth, above 0."""
    cost: Floats

    def __len__(self) -> int:
        return len(self.customer)


@dataclass(frozen=True, eq=False)
class Bounds:
    """What an assignment has to keep; infinity: no bound."""

    cap: Ints
    """(customers,) contacts of each."""
    budget: float
    capacity: Floats
    """(channels,)"""
    per_adviser: Floats
    """(channels,) for each adviser."""
    quota: Floats
    """(products,)"""
    advisers: int


@dataclass(frozen=True, eq=False)
class Assignment:
    """The offers that are taken."""

    taken: Ints
    """Their places, ascending."""
    value: float
    bound: float
    """No assignment is worth more."""
    free: float
    """What each customer's best offers are worth without budget, capacities and quotas."""
    prices: Mapping[str, float]
    """What one more EUR of budget, and one more contact of a channel or product, would add to the value."""

    @property
    def gap(self) -> float:
        """The part of the bound that is not reached, 0 to 1."""
        return max(0.0, (self.bound - self.value) / self.bound) if self.bound > 0 else 0.0

    @property
    def loss(self) -> float:
        """The part of the value without bounds that the bounds cost, 0 to 1."""
        return max(0.0, 1 - self.value / self.free) if self.free > 0 else 0.0


def assign(offers: Offers, bounds: Bounds) -> Assignment:
    """The best assignment, or one within the gap that it names."""
    if not len(offers):
        return Assignment(np.zeros(0, np.int64), 0.0, 0.0, 0.0, {})
    problem = _Problem(offers, bounds)
    free_places = _best_of_each(offers, bounds.cap, by_channel=False)
    free = float(offers.value[free_places].sum())
    columns = np.unique(np.concatenate((_best_of_each(offers, bounds.cap, by_channel=True), free_places)))
    inside = np.zeros(len(offers), np.bool_)
    inside[columns] = True
    for _ in range(_ROUNDS):
        columns = np.flatnonzero(inside)
        solved = problem.relaxed(columns)
        reduced = problem.reduced(solved.prices)
        left = np.where(inside, 0.0, np.maximum(reduced, 0.0))
        better = np.flatnonzero(left > 1e-9 * max(1.0, float(offers.value.max())))
        if not len(better):
            break
        if len(better) > _ADDED:
            better = better[np.argpartition(-left[better], _ADDED)[:_ADDED]]
        inside[better] = True
    # Prices that leave nothing better prove the bound; what is left is added for each customer.
    most = np.zeros(len(bounds.cap))
    np.maximum.at(most, offers.customer, left)
    bound = solved.value + float((most * bounds.cap).sum())
    taken = problem.whole(columns, solved.x, solved.prices)
    value = float(offers.value[taken].sum())
    return Assignment(taken, value, max(bound, value), free, problem.named(solved.prices))


def kept(offers: Offers, bounds: Bounds, taken: Ints) -> bool:
    """Whether an assignment keeps every bound."""
    return _Problem(offers, bounds).keeps(taken)


@dataclass(frozen=True, eq=False)
class _Solved:
    x: Floats
    value: float
    prices: Floats
    """(rows,) of the bounds."""


class _Problem:
    """The rows of the bounds over all offers."""

    def __init__(self, offers: Offers, bounds: Bounds) -> None:
        from scipy import sparse

        self.offers = offers
        count, channels = len(offers), len(bounds.capacity)
        places = np.arange(count)
        rows: list[Ints] = [offers.customer]
        columns: list[Ints] = [places]
        weights: list[Floats] = [np.ones(count)]
        limits: list[Floats] = [bounds.cap.astype(np.float64)]
        self.names: dict[int, str] = {}
        top = len(bounds.cap)

        def add(name: str, which: Any, weight: Floats, limit: float) -> None:
            nonlocal top
            if np.isfinite(limit):
                chosen = np.flatnonzero(which)
                rows.append(np.full(len(chosen), top, np.int64))
                columns.append(chosen)
                weights.append(weight[chosen])
                limits.append(np.array([limit]))
                self.names[top] = name
                top += 1

        ones = np.ones(count)
        add("budget", np.ones(count, np.bool_), offers.cost, bounds.budget)
        for channel in range(channels):
            here = offers.channel == channel
            add(f"channel {channel}", here, ones, bounds.capacity[channel])
            if np.isfinite(bounds.per_adviser[channel]):
                chosen = np.flatnonzero(here)
                rows.append(top + offers.adviser[chosen])
                columns.append(chosen)
                weights.append(np.ones(len(chosen)))
                limits.append(np.full(bounds.advisers, bounds.per_adviser[channel]))
                top += bounds.advisers
        twice = np.flatnonzero(bounds.cap[offers.customer] > 1) if channels > 1 else places[:0]
        if len(twice):  # nobody hears of a product by two channels
            pair = offers.customer[twice] * (int(offers.product.max()) + 1) + offers.product[twice]
            _, numbers = np.unique(pair, return_inverse=True)
            rows.append(top + numbers)
            columns.append(twice)
            weights.append(np.ones(len(twice)))
            limits.append(np.ones(int(numbers.max()) + 1))
            top += int(numbers.max()) + 1
        for product in np.flatnonzero(np.isfinite(bounds.quota)):
            add(f"product {product}", offers.product == product, ones, bounds.quota[product])
        shape = (top, count)
        entries = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns)))
        self.matrix = sparse.csc_matrix(entries, shape=shape)
        self.limits = np.concatenate(limits)

    def relaxed(self, columns: Ints) -> _Solved:
        """The linear relaxation over some offers."""
        from scipy.optimize import linprog

        value = self.offers.value[columns]
        matrix = self.matrix[:, columns]
        used = np.flatnonzero(np.diff(matrix.tocsr().indptr))
        for method in ("highs-ipm", "highs-ds"):
            found = linprog(-value, A_ub=matrix[used], b_ub=self.limits[used], bounds=(0, 1), method=method)
            if found.status == 0:
                break
        else:
            raise AssertionError(f"HiGHS: {found.message}")  # x = 0 is a solution and the value is bounded
        prices = np.zeros(len(self.limits))
        prices[used] = np.maximum(-found.ineqlin.marginals, 0.0)
        return _Solved(np.asarray(found.x), float(-found.fun), prices)

    def reduced(self, prices: Floats) -> Floats:
        """What each offer is worth beyond the prices of what it uses."""
        found: Floats = self.offers.value - self.matrix.T @ prices
        return found

    def whole(self, columns: Ints, x: Floats, prices: Floats) -> Ints:
        """Whole numbers near the relaxation: customers whose prices leave no doubt stay, the others are searched."""
        from scipy.optimize import Bounds as Box
        from scipy.optimize import LinearConstraint, milp

        start = self._filled(columns, x, prices)
        if len(self.offers) <= _SEARCHED:
            columns, x = np.arange(len(self.offers)), np.zeros(len(self.offers))
            doubtful = np.ones(len(columns), np.bool_)
        else:
            doubtful = self._doubtful(columns, x, prices)
        sure = columns[~doubtful & (x > 1 - _WHOLE)]
        room = self.limits - self.matrix[:, sure] @ np.ones(len(sure))
        searched = columns[doubtful]
        matrix = self.matrix[:, searched].tocsr()
        used = np.flatnonzero(np.diff(matrix.indptr))
        found = milp(
            -self.offers.value[searched],
            constraints=LinearConstraint(matrix[used], ub=np.maximum(room[used], 0.0)),
            integrality=np.ones(len(searched)),
            bounds=Box(0, 1),
            options={"time_limit": _SECONDS, "mip_rel_gap": 1e-6},
        )
        if found.x is None:
            return start
        taken = np.sort(self._mended(np.concatenate((sure, searched[found.x > 0.5]))))
        # A search that time ended may have found less than what the relaxation gives at once.
        return max(taken, start, key=lambda places: float(self.offers.value[places].sum()))

    def _filled(self, columns: Ints, x: Floats, prices: Floats) -> Ints:
        """What the relaxation takes whole, and then what still fits, the most beyond its prices first."""
        sure = self._mended(columns[x > 1 - _WHOLE])
        room = self.limits - self.matrix[:, sure] @ np.ones(len(sure)) + 1e-9
        others = np.setdiff1d(columns, sure)
        order = others[np.argsort(-self.reduced(prices)[others], kind="stable")]
        starts, rows, weights = self.matrix.indptr, self.matrix.indices, self.matrix.data
        more = []
        for place in order.tolist():
            used = slice(starts[place], starts[place + 1])
            if (weights[used] <= room[rows[used]]).all():
                room[rows[used]] -= weights[used]
                more.append(place)
        return np.sort(np.concatenate((sure, np.array(more, np.int64))))

    def _doubtful(self, columns: Ints, x: Floats, prices: Floats) -> NDArray[np.bool_]:
        """The offers of the customers whose choice is nearest to another one, as many as are searched."""
        of = self.offers.customer[columns]
        shared = prices.copy()
        shared[: int(self.offers.customer.max()) + 1] = 0.0
        beyond = self.offers.value - self.matrix.T @ shared
        short = prices[of] - beyond[columns]
        margin = np.where(x > 1 - _WHOLE, beyond[columns], np.where(x < _WHOLE, np.maximum(short, 0.0), -1.0))
        nearest = np.full(int(of.max()) + 1, np.inf)
        np.minimum.at(nearest, of, margin)
        counts = np.bincount(of, minlength=len(nearest))
        order = np.argsort(nearest, kind="stable")
        fits = np.cumsum(counts[order]) <= _SEARCHED
        chosen = np.zeros(len(nearest), np.bool_)
        chosen[order[fits]] = True
        found: NDArray[np.bool_] = chosen[of]
        return found

    def _mended(self, taken: Ints) -> Ints:
        """What was taken without what breaks a bound by rounding, the least value first."""
        order = taken[np.argsort(self.offers.value[taken], kind="stable")]
        while not self.keeps(taken):
            use = self.matrix[:, taken] @ np.ones(len(taken))
            row = int(np.argmax(use - self.limits))
            within = set(self.matrix[row].indices.tolist())
            drop = next(int(one) for one in order if int(one) in within and one in taken)
            taken = taken[taken != drop]
        return taken

    def keeps(self, taken: Ints) -> bool:
        """Whether every bound is kept."""
        use = self.matrix[:, taken] @ np.ones(len(taken))
        return bool((use <= self.limits + 1e-9).all())

    def named(self, prices: Floats) -> dict[str, float]:
        """The prices that people read, without those of customers and advisers."""
        return {name: float(prices[row]) for row, name in self.names.items() if prices[row] > 0}


def _best_of_each(offers: Offers, cap: Ints, *, by_channel: bool) -> Ints:
    """The offers of each customer that are worth most, as many as its cap; of each channel with `by_channel`.

    Without quotas of products no other offer of the channel is ever better: it costs the same and is worth less.
    """
    places = np.arange(len(offers))
    if by_channel:
        group = offers.customer * (int(offers.channel.max()) + 1) + offers.channel
    else:
        pair = offers.customer * (int(offers.product.max()) + 1) + offers.product
        places = places[_place_in(pair, offers.value, offers.product) == 0]
        group = offers.customer[places]
    place = _place_in(group, offers.value[places], offers.product[places])
    found: Ints = places[place < cap[offers.customer[places]]]
    return found


def _place_in(group: Ints, value: Floats, product: Ints) -> Ints:
    """The place of each offer in its group, by value; 0 is the best."""
    order = np.lexsort((product, -value, group))
    ordered = group[order]
    first = np.concatenate(([True], ordered[1:] != ordered[:-1]))
    start = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    found = np.empty(len(order), np.int64)
    found[order] = np.arange(len(order)) - start
    return found
