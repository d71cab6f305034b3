"""Assignments: every bound kept, as an independent checker counts; near the best, as an exact search finds."""

from collections import Counter

import numpy as np
import pytest
from scipy.optimize import Bounds as Box
from scipy.optimize import LinearConstraint, milp

from graphrec.campaigns.assignment import Bounds, Offers, assign, kept


def drawn(seed: int) -> tuple[Offers, Bounds]:
    """A random campaign; some of its bounds bind, some are not there."""
    rng = np.random.default_rng(seed)
    customers, products, channels, advisers = (
        int(rng.integers(low, high)) for low, high in ((3, 30), (1, 6), (1, 4), (1, 4))
    )
    of = rng.integers(0, advisers, customers)
    per_adviser = np.array([float(rng.integers(0, 5)) if rng.random() < 0.5 else np.inf for _ in range(channels)])
    costs = np.round(rng.random(channels) * 20, 2)
    rows = [
        (u, p, c, of[u], round(float(rng.random()), int(rng.integers(1, 6))) + 0.001, costs[c])
        for u in range(customers)
        for p in range(products)
        for c in range(channels)
        if rng.random() < 0.7
    ]
    columns = [np.array(one) for one in zip(*rows, strict=True)] if rows else [np.zeros(0, np.int64)] * 6
    u, p, c, a = (one.astype(np.int64) for one in columns[:4])
    offers = Offers(u, p, c, a, columns[4].astype(np.float64), columns[5].astype(np.float64))
    return offers, Bounds(
        cap=rng.integers(0, 4, customers),
        budget=float(rng.integers(0, 150)) if rng.random() < 0.7 else np.inf,
        capacity=np.array([float(rng.integers(0, 15)) if rng.random() < 0.5 else np.inf for _ in range(channels)]),
        per_adviser=per_adviser,
        quota=np.array([float(rng.integers(0, 8)) if rng.random() < 0.5 else np.inf for _ in range(products)]),
        advisers=advisers,
    )


def broken(offers: Offers, bounds: Bounds, taken: list[int]) -> list[str]:
    """What an assignment breaks, counted one contact at a time."""
    wrong = []
    of_customer, by_channel, by_adviser, by_product = (
        Counter[int](),
        Counter[int](),
        Counter[tuple[int, int]](),
        Counter[int](),
    )
    heard, cost = set(), 0.0
    for place in taken:
        u, p, c = int(offers.customer[place]), int(offers.product[place]), int(offers.channel[place])
        of_customer[u] += 1
        by_channel[c] += 1
        by_adviser[int(offers.adviser[place]), c] += 1
        by_product[p] += 1
        cost += float(offers.cost[place])
        wrong += [f"customer {u} hears of {p} twice"] if (u, p) in heard else []
        heard.add((u, p))
    wrong += [f"customer {u}" for u, count in of_customer.items() if count > bounds.cap[u]]
    wrong += [f"channel {c}" for c, count in by_channel.items() if count > bounds.capacity[c]]
    wrong += [f"adviser {one}" for one, count in by_adviser.items() if count > bounds.per_adviser[one[1]]]
    wrong += [f"product {p}" for p, count in by_product.items() if count > bounds.quota[p]]
    return wrong + (["budget"] if cost > bounds.budget + 1e-6 else [])


def best(offers: Offers, bounds: Bounds) -> float:
    """The value of the best assignment, by branch and bound over all offers at once."""
    n = len(offers)
    rows, limits = [], []

    def row(which: np.ndarray, limit: float, weights: np.ndarray | None = None) -> None:
        if np.isfinite(limit):
            rows.append(which * (np.ones(n) if weights is None else weights))
            limits.append(limit)

    for u, cap in enumerate(bounds.cap):
        row(offers.customer == u, float(cap))
        for p in np.unique(offers.product):
            row((offers.customer == u) & (offers.product == p), 1.0)
    row(np.ones(n, np.bool_), bounds.budget, offers.cost)
    for c, capacity in enumerate(bounds.capacity):
        row(offers.channel == c, capacity)
        for a in range(bounds.advisers):
            row((offers.channel == c) & (offers.adviser == a), bounds.per_adviser[c])
    for p, quota in enumerate(bounds.quota):
        row(offers.product == p, quota)
    found = milp(
        -offers.value,
        constraints=LinearConstraint(np.array(rows), ub=np.array(limits)),
        integrality=np.ones(n),
        bounds=Box(0, 1),
        options={"mip_rel_gap": 0},
    )
    return float(-found.fun)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 120, 20))
def test_every_plan_keeps_every_bound_and_is_near_the_best(first: int) -> None:
    for seed in range(first, first + 20):
        offers, bounds = drawn(seed)
        found = assign(offers, bounds)
        taken = found.taken.tolist()
        assert broken(offers, bounds, taken) == [], seed
        assert len(set(taken)) == len(taken)
        assert found.value == pytest.approx(sum(float(offers.value[one]) for one in taken))
        if len(offers):
            exact = best(offers, bounds)
            assert found.value <= exact + 1e-6, seed
            assert exact <= found.bound + 1e-6, seed
            assert found.value >= 0.999 * exact - 1e-9, seed
            assert exact <= found.free + 1e-6, seed


@pytest.mark.slow
def test_what_is_not_searched_keeps_every_bound_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large plans fix what the prices leave no doubt of; here all but a few offers are large."""
    monkeypatch.setattr("graphrec.campaigns.assignment._SEARCHED", 12)
    ratios = []
    for seed in range(200, 260):
        offers, bounds = drawn(seed)
        found = assign(offers, bounds)
        assert broken(offers, bounds, found.taken.tolist()) == [], seed
        assert found.value <= found.bound + 1e-9
        ratios.append(found.value / found.bound if found.bound else 1.0)
    assert np.mean(ratios) > 0.85


def test_a_search_without_time_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """The campaign of a bank whose machine is busy: what the relaxation gives at once is there in any case."""
    monkeypatch.setattr("graphrec.campaigns.assignment._SECONDS", 1e-6)
    rng, customers, products = np.random.default_rng(1), 300, 6
    count = customers * products
    offers = Offers(
        customer=np.repeat(np.arange(customers), products),
        product=np.tile(np.arange(products), customers),
        channel=np.zeros(count, np.int64),
        adviser=np.zeros(count, np.int64),
        value=rng.random(count),
        cost=np.full(count, 0.7),
    )
    endless = np.array([np.inf])
    bounds = Bounds(np.ones(customers, np.int64), 70.0, endless, endless, np.full(products, np.inf), 1)
    found = assign(offers, bounds)
    assert kept(offers, bounds, found.taken)
    assert len(found.taken) == 100
    assert found.gap < 0.01


def test_nothing_is_offered() -> None:
    nobody = np.zeros(0, np.int64)
    found = assign(
        Offers(nobody, nobody, nobody, nobody, np.zeros(0), np.zeros(0)),
        Bounds(np.zeros(0, np.int64), 10.0, np.array([1.0]), np.array([np.inf]), np.array([np.inf]), 1),
    )
    assert (len(found.taken), found.gap, found.loss) == (0, 0.0, 0.0)


def test_prices_say_what_one_more_is_worth() -> None:
    places = np.arange(4)
    offers = Offers(
        places,
        np.zeros(4, np.int64),
        np.zeros(4, np.int64),
        np.zeros(4, np.int64),
        np.array([4.0, 3.0, 2.0, 1.0]),
        np.ones(4),
    )
    bounds = Bounds(np.ones(4, np.int64), np.inf, np.array([2.0]), np.array([np.inf]), np.array([np.inf]), 1)
    found = assign(offers, bounds)
    assert found.taken.tolist() == [0, 1]
    assert (found.value, found.free) == (7.0, 10.0)
    assert found.bound == pytest.approx(7.0)
    assert 2.0 <= found.prices["channel 0"] <= 3.0
    assert found.loss == pytest.approx(0.3)
