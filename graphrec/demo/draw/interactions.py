"""Everything that customers do: purchases and what surrounds them, in the order of time."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphrec.demo.draw.customers import Customers
from graphrec.demo.draw.products import Products
from graphrec.demo.draw.purchases import Purchases, Taste
from graphrec.demo.sizes import DAY_SECONDS, END, START, Ints, Reals
from graphrec.demo.words.vocabulary import CHANNELS, KINDS

EVENT_KINDS: tuple[str, ...] = ("hold", "buy", "view", "reject")
HOLD, BUY, VIEW, REJECT = range(4)
AGAIN_SHARE = 0.1
"""Purchases that are made a second time, later."""
VIEWS_BEFORE, VIEWS_AFTER, BROWSED, REJECTED = 1.8, 1.7, 2.5, 1.3
"""Mean numbers: views before and after a purchase, of other products, and refusals, per customer."""
LOOK_AHEAD_DAYS = 14


@dataclass(frozen=True)
class Interactions:
    """Events sorted by time; `at` and `booked` are seconds, `amount_eur` is NaN where no money moves."""

    kind: NDArray[np.int8]
    user: NDArray[np.int32]
    product: NDArray[np.int32]
    at: Ints
    booked: Ints
    amount_eur: Reals
    channel: NDArray[np.int8]

    @property
    def count(self) -> int:
        """How many events there are."""
        return len(self.at)


def draw_interactions(
    customers: Customers, products: Products, purchases: Purchases, taste: Taste, rng: np.random.Generator
) -> Interactions:
    """All events: holdings at the start, purchases, purchases made again, views and rejections."""
    parts = [
        (np.where(purchases.is_opening, HOLD, BUY), purchases.user, purchases.product, purchases.at),
        _again(products, purchases, rng),
        _looks_before(customers, purchases, rng),
        _looks_after(purchases, rng),
        _browsing(customers, products, taste, rng),
        _rejections(customers, products, purchases, rng),
    ]
    kind = np.concatenate([part[0] for part in parts]).astype(np.int8)
    user, product = (np.concatenate([part[at] for part in parts]).astype(np.int32) for at in (1, 2))
    at = np.concatenate([part[3] for part in parts])
    order = np.lexsort((kind, product, user, at))
    kind, user, product, at = kind[order], user[order], product[order], at[order]
    booked = at + _delay(kind, rng)
    channel = rng.choice(len(CHANNELS), len(kind), p=[0.45, 0.25, 0.15, 0.05, 0.1]).astype(np.int8)
    return Interactions(
        kind, user, product, at, booked, _amounts(customers, products, kind, user, product, rng), channel
    )


_Part: TypeAlias = tuple[Ints, Ints, Ints, Ints]


def _part(kind: int, users: Ints, products: Ints, at: Ints) -> _Part:
    return np.full(len(users), kind), users, products, at


def _between(low: Ints, high: Ints, rng: np.random.Generator) -> Ints:
    offset: Ints = np.floor(rng.random(len(low)) * np.maximum(high - low, 1)).astype(np.int64)
    return low + offset


def _again(products: Products, purchases: Purchases, rng: np.random.Generator) -> _Part:
    rows = np.flatnonzero(rng.random(len(purchases.user)) < AGAIN_SHARE)
    item = purchases.product[rows]
    at = _between(purchases.at[rows], np.minimum(products.closed[item], END), rng)
    return _part(BUY, purchases.user[rows], item, at)


def _looks_before(customers: Customers, purchases: Purchases, rng: np.random.Generator) -> _Part:
    times = np.where(purchases.is_opening, 0, rng.poisson(VIEWS_BEFORE, len(purchases.user)))
    rows = np.repeat(np.arange(len(purchases.user)), times)
    user, at = purchases.user[rows], purchases.at[rows]
    earliest = np.maximum(customers.joined[user], START)
    seen_at = _between(np.maximum(at - LOOK_AHEAD_DAYS * DAY_SECONDS, earliest), at, rng)
    return _part(VIEW, user, purchases.product[rows], seen_at)


def _looks_after(purchases: Purchases, rng: np.random.Generator) -> _Part:
    rows = np.repeat(np.arange(len(purchases.user)), rng.poisson(VIEWS_AFTER, len(purchases.user)))
    at = _between(purchases.at[rows], np.full(len(rows), END), rng)
    return _part(VIEW, purchases.user[rows], purchases.product[rows], at)


def _browsing(customers: Customers, products: Products, taste: Taste, rng: np.random.Generator) -> _Part:
    users = np.repeat(np.arange(customers.count), rng.poisson(BROWSED, customers.count))
    at = _between(np.maximum(customers.joined[users], START), np.full(len(users), END), rng)
    item = taste.draw(users, rng)
    on_sale = (products.issued[item] <= at) & (at < products.closed[item])
    return _part(VIEW, users[on_sale], item[on_sale], at[on_sale])


def _rejections(customers: Customers, products: Products, purchases: Purchases, rng: np.random.Generator) -> _Part:
    """An adviser offers anything; who refuses it never buys it."""
    users = np.repeat(np.arange(customers.count), rng.poisson(REJECTED, customers.count))
    at = _between(np.maximum(customers.joined[users], START), np.full(len(users), END), rng)
    item = rng.integers(products.count, size=len(users))
    keep = (products.issued[item] <= at) & (at < products.closed[item])
    keep &= (purchases.held[users] != item[:, None]).all(axis=1)
    return _part(REJECT, users[keep], item[keep], at[keep])


def _delay(kind: NDArray[np.int8], rng: np.random.Generator) -> Ints:
    """Seconds until the bank knows: clicks within the hour, orders after one to three days."""
    clicks = rng.integers(1, 3_600, len(kind))
    orders = rng.integers(1, 4, len(kind)) * DAY_SECONDS
    return np.where(kind <= BUY, orders, clicks)


def _amounts(
    customers: Customers,
    products: Products,
    kind: NDArray[np.int8],
    user: NDArray[np.int32],
    product: NDArray[np.int32],
    rng: np.random.Generator,
) -> Reals:
    rows = np.flatnonzero(kind <= BUY)
    usual = np.array([each.amount for each in KINDS])[products.kind[product[rows]]]
    means = np.clip(customers.liquid_eur[user[rows]] / 30_000, 0.2, 5.0)
    drawn = usual * np.sqrt(means) * np.exp(rng.normal(0.0, 0.6, len(rows)))
    amount = np.full(len(kind), np.nan)
    amount[rows] = np.round(np.maximum(drawn, products.minimum[product[rows]]), 2)
    return amount
