"""What the demo bank knows of money: means, answers, positions, terms of loans, transfers, the market, news.

A seed stream of its own draws it, after everything else. Some of it is planted, and the truth lists it: answers that
are too old, customers who spend more than comes in, money that comes back to where it began, many who send to one, one
who sends to many.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.demo.draw.customers import Customers
from graphrec.demo.draw.interactions import BUY, Interactions
from graphrec.demo.draw.products import Products
from graphrec.demo.sizes import DAY_SECONDS, END, START, Ints, Reals
from graphrec.demo.words.topics import TOPICS
from graphrec.demo.words.vocabulary import EUR_PER_UNIT, INCOME_BANDS, KINDS, LEVELS

OBJECTIVES = ("growth", "income", "reserve", "retirement", "education", "home")
KNOWLEDGE = ("none", "basic", "informed", "advanced")
SUSTAINABILITY = ("no preference", "some", "strong")
PURPOSES = ("car", "home", "education", None)
COVERS = {
    "Electric Driving": "motor", "Cycling": "motor", "First Home": "home", "Green Buildings": "home",
    "Solar Power": "home", "Fast Broadband": "home", "Storm Resilience": "home", "Gene Medicine": "health",
    "Better Sight": "health", "Sports": "health", "Cyber Security": "liability", "Recycling": "liability",
    "Happy Pets": "liability", "Women Founders": "disability", "Village Credit": "disability",
    "Craft Workshops": "disability", "Blue Oceans": "travel", "Mountain Holidays": "travel", "Rail Travel": "travel",
    "Ageing Society": "pension",
}  # fmt: skip
"""What insurances of some themes cover."""
"""None: a loan for anything."""
KEPT_KINDS = ("equity", "fund", "ETF", "bond", "deposit")
"""Kinds that a portfolio holds: a card, a loan and a premium are no investments."""
PLANTED_PART = 0.01
"""Customers with answers that are too old, and as many who spend too much."""
TRANSFERS = 3.0
"""Mean number of transfers that a customer sends to others."""
RINGS, FANS, FAN = 6, 4, 9
"""Planted rings of three to five, fans of each way, and the others in each fan."""
OLD, SPENDS, RING, GATHER, SCATTER = "old-answers", "overspending", "ring-sent", "gather-sent", "scatter-sent"
JUMP, JUMPS = "jump-assessed", 6
"""Planted cases, called as the rules that `graphrec alerts init` writes."""


@dataclass(frozen=True)
class Means:
    """Arrays over customers, amounts in EUR, by month where they flow."""

    income: Ints
    spending: Ints
    debts: Ints
    cash: Ints
    objective: Ints
    knowledge: Ints
    capacity: Ints
    sustainability: Ints
    assessed: Ints
    """The day of the last answers, since 1970."""


@dataclass(frozen=True)
class Assessments:
    """Answers of customers to questionnaires, by customer and day."""

    user: Ints
    day: Ints
    level: Ints


@dataclass(frozen=True)
class Terms:
    """Conditions of the products that are loans."""

    product: Ints
    rate_percent: Reals
    maximum: Ints
    most_months: Ints
    purpose: Ints


@dataclass(frozen=True)
class Positions:
    """What each customer holds of each product, in EUR on the last day."""

    user: Ints
    product: Ints
    value: Reals


@dataclass(frozen=True)
class Transfers:
    """Transfers between the accounts of customers, in the order of time."""

    sender: Ints
    receiver: Ints
    at: Ints
    amount: Reals


@dataclass(frozen=True)
class Case:
    """One planted case, and the number of the customer that it is about."""

    rule: str
    user: int


def draw_means(customers: Customers, rng: np.random.Generator) -> tuple[Means, list[Case]]:
    """Means and answers of each customer; 1 in 100 has old answers, and as many spend too much."""
    count = customers.count
    typical = np.array([band[1] for band in INCOME_BANDS])[customers.income_band]
    income = np.round(0.7 * typical / 12 * np.exp(rng.normal(0.0, 0.12, count)), -1).astype(np.int64)
    spending = np.round(income * rng.uniform(0.45, 0.85, count), -1).astype(np.int64)
    debts = np.round(income * np.where(rng.random(count) < 0.35, rng.uniform(0.03, 0.14, count), 0), -1)
    last = END // DAY_SECONDS
    assessed = last - rng.integers(1, 355, count)
    chosen = rng.permutation(count)[: 2 * max(int(count * PLANTED_PART), 1)]
    old, spends = np.sort(chosen[::2]), np.sort(chosen[1::2])
    assessed[old] = last - rng.integers(380, 700, len(old))
    spending[spends] = np.round(income[spends] * rng.uniform(1.05, 1.3, len(spends)), -1) + 10
    means = Means(
        income, spending, debts.astype(np.int64),
        np.round(customers.liquid_eur * rng.uniform(0.1, 0.6, count), -1).astype(np.int64),
        rng.integers(len(OBJECTIVES), size=count), rng.integers(len(KNOWLEDGE), size=count),
        np.clip(customers.tolerance + rng.integers(-1, 2, count), 1, LEVELS),
        rng.choice(len(SUSTAINABILITY), count, p=[0.6, 0.3, 0.1]), assessed,
    )  # fmt: skip
    cases = [*(Case(OLD, int(one)) for one in old), *(Case(SPENDS, int(one)) for one in spends)]
    return means, cases


def draw_assessments(customers: Customers, means: Means, rng: np.random.Generator) -> tuple[Assessments, list[Case]]:
    """One to three questionnaires of each customer, a year or so apart; the last says what the bank's file says.

    Of six customers who answered in the last weeks the one before was three classes away.
    """
    times = rng.integers(1, 4, customers.count)
    user = np.repeat(np.arange(customers.count), times)
    back = np.concatenate([np.arange(one)[::-1] for one in times])
    day = means.assessed[user] - back * 365 - np.where(back > 0, rng.integers(0, 40, len(user)), 0)
    level = np.clip(customers.tolerance[user] + np.where(back > 0, rng.integers(-1, 2, len(user)), 0), 1, LEVELS)
    last = END // DAY_SECONDS
    fresh = np.flatnonzero((means.assessed > last - 25) & (times > 1) & (customers.tolerance >= 4))
    jumped = np.sort(rng.permutation(fresh)[:JUMPS])
    before = np.cumsum(times)[jumped] - 2
    level[before] = customers.tolerance[jumped] - 3
    return Assessments(user, day, level), [Case(JUMP, int(one)) for one in jumped]


def draw_terms(products: Products, rng: np.random.Generator) -> Terms:
    """Rate, largest amount, longest term and purpose of each loan."""
    loans = np.flatnonzero(np.array([kind.is_credit for kind in KINDS])[products.kind])
    count = len(loans)
    return Terms(
        loans, np.round(rng.uniform(3.0, 9.5, count), 2), rng.choice([10_000, 20_000, 50_000, 75_000], count),
        rng.choice([36, 48, 60, 84, 120], count), rng.integers(len(PURPOSES), size=count),
    )  # fmt: skip


def covers_of(products: Products) -> tuple[Ints, list[str]]:
    """What each insurance covers: of a theme that names no line of insurance, those who depend on the customer."""
    insured = np.flatnonzero(np.array([kind.name == "insurance" for kind in KINDS])[products.kind])
    return insured, [COVERS.get(TOPICS[products.topic[one]].label, "life") for one in insured]


def positions_of(products: Products, interactions: Interactions, closes: Reals, first_day: int) -> Positions:
    """What was put into investments, moved with prices until the last day.

    Args:
        closes: (products, days): NaN before the first price and for what has none; the last one goes on.
        first_day: the day of the first column, since 1970.
    """
    kept = np.isin(products.kind, [n for n, kind in enumerate(KINDS) if kind.name in KEPT_KINDS])
    rows = np.flatnonzero((interactions.kind <= BUY) & kept[interactions.product])
    user, product = interactions.user[rows].astype(np.int64), interactions.product[rows].astype(np.int64)
    day = np.clip(interactions.at[rows] // DAY_SECONDS - first_day, 0, closes.shape[1] - 1)
    last, then = closes[product, -1], closes[product, day]
    first = np.where(np.isnan(then), _first(closes)[product], then)
    grown = np.where(np.isnan(last), 1.0, last / first)
    pairs, place = np.unique(user * products.count + product, return_inverse=True)
    value: Reals = np.round(np.bincount(place, interactions.amount_eur[rows] * grown), 2).astype(np.float64)
    return Positions(pairs // products.count, pairs % products.count, value)


def _first(closes: Reals) -> Reals:
    """The first price of each product, NaN without one."""
    known = ~np.isnan(closes)
    found: Reals = closes[np.arange(len(closes)), known.argmax(axis=1)]
    return found


def draw_transfers(count: int, rng: np.random.Generator) -> tuple[Transfers, list[Case]]:
    """Transfers between any two customers over the three years, and planted patterns in the last days."""
    number = rng.poisson(TRANSFERS * count)
    sender, receiver = rng.integers(count, size=number), rng.integers(count, size=number)
    at, amount = rng.integers(START, END, number), np.round(np.exp(rng.normal(4.0, 0.9, number)), 2)
    other = sender != receiver
    parts = [Transfers(sender[other], receiver[other], at[other], amount[other].astype(np.float64))]
    people = rng.permutation(count)
    cases, taken = [], 0
    for n in range(RINGS):
        ring = people[taken : taken + 3 + n % 3]
        taken += len(ring)
        start = END - rng.integers(6, 8) * DAY_SECONDS
        steps = start + DAY_SECONDS * np.arange(len(ring))
        amounts: Reals = np.round(rng.uniform(3_000, 9_000) * 0.96 ** np.arange(len(ring)), 2).astype(np.float64)
        parts.append(Transfers(ring, np.roll(ring, -1), steps, amounts))
        cases.append(Case(RING, int(ring[0])))
    for rule in (GATHER, SCATTER):
        for _ in range(FANS):
            one, others = people[taken], people[taken + 1 : taken + 1 + FAN]
            taken += 1 + FAN
            hub, times = np.full(FAN, one), END - rng.integers(3_600, 3 * DAY_SECONDS, FAN)
            sender, receiver = (others, hub) if rule == GATHER else (hub, others)
            parts.append(Transfers(sender, receiver, np.sort(times), np.round(rng.uniform(60, 95, FAN), 2)))
            cases.append(Case(rule, int(one)))
    senders = np.concatenate([part.sender for part in parts])
    receivers = np.concatenate([part.receiver for part in parts])
    times = np.concatenate([part.at for part in parts])
    amounts = np.concatenate([part.amount for part in parts])
    order = np.lexsort((receivers, senders, times))
    return Transfers(senders[order], receivers[order], times[order], amounts[order]), cases


def draw_market(days: NDArray[np.datetime64], rng: np.random.Generator) -> dict[tuple[str, str, str], Reals]:
    """Levels by day of (id, kind, name): an index, currencies in EUR, a rate in per cent, and inflation a month."""
    found: dict[tuple[str, str, str], Reals] = {}
    found["INDEX", "index", "All shares"] = np.round(100 * _walk(len(days), 0.008, rng), 2)
    for code, rate in EUR_PER_UNIT.items():
        if code != "EUR":
            found[code, "currency", f"{code} in EUR"] = np.round(rate * _walk(len(days), 0.004, rng), 5)
    rate_of_day: Reals = np.clip(3 + np.cumsum(rng.normal(0, 0.02, len(days))), 0.0, 9.0)
    found["RATE3M", "rate", "Three-month rate"] = rate_of_day.round(3)
    monthly: Reals = np.clip(2.5 + np.cumsum(rng.normal(0, 0.15, 36)), 0.0, 9.0).round(1)
    months = days.astype("datetime64[M]").astype(np.int64)
    found["CPI", "macro", "Inflation"] = monthly[months - months[0]]
    return found


def _walk(count: int, spread: float, rng: np.random.Generator) -> Reals:
    """A walk from 1 whose steps are parts of what it is."""
    steps: Reals = rng.normal(0.0, spread, count)
    found: Reals = np.exp(np.cumsum(steps))
    return found
