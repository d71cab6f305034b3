"""The true reasons of late purchases: what a good explanation of them must name.

A planted pair is kept when nothing else could explain it: the customer bought the product after the test cut because
of `via`, which was booked before it; no other product that was held, viewed or refused before the cut is tied to it by
any of the four relations, nor is `via` by a second one; it was not viewed or refused itself before the cut; it is open,
suitable and was on sale before the cut; the customer may be contacted and has no declared interest in its subject.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.demo.draw.customers import Customers
from graphrec.demo.draw.interactions import BUY, Interactions
from graphrec.demo.draw.products import NEVER, Products
from graphrec.demo.draw.purchases import Purchases, suitable
from graphrec.demo.sizes import DAY_SECONDS, Flags, Ints

TEST_SHARE = 0.2
MARGIN = 3 * DAY_SECONDS
"""Seconds around the cut that no planted pair touches, so that another way to place the cut finds the same truth."""


@dataclass(frozen=True)
class Truth:
    """Planted pairs, sorted by customer and product; `relation` indexes RELATIONS."""

    cut: int
    user: Ints
    product: Ints
    via: Ints
    relation: Ints
    at: Ints


def test_cut(interactions: Interactions) -> int:
    """The time at which the last 20 % of the purchases begin, in seconds."""
    at = np.sort(interactions.at[interactions.kind <= BUY])
    return int(at[int(len(at) * (1 - TEST_SHARE))])


def find_truth(customers: Customers, products: Products, purchases: Purchases, interactions: Interactions) -> Truth:
    """The planted pairs after the cut that have one explanation only."""
    cut = test_cut(interactions)
    rows = np.flatnonzero((purchases.relation >= 0) & (purchases.at >= cut + MARGIN))
    user, item, via = purchases.user[rows], purchases.product[rows], purchases.via[rows]
    keep = (products.issued[item] < cut - MARGIN) & (products.closed[item] == NEVER)
    keep &= suitable(customers, products, user, item) & customers.contact[user] & customers.profiling[user]
    keep &= products.topic[item] != customers.topic[user]
    keep &= (_ties(products, via, item) == 1) & _one_holding(products, purchases, rows, cut)
    rows = rows[keep]
    rows = rows[_unseen(products, purchases, interactions, rows, cut)]
    rows = rows[np.lexsort((purchases.product[rows], purchases.user[rows]))]
    return Truth(
        cut,
        purchases.user[rows],
        purchases.product[rows],
        purchases.via[rows],
        purchases.relation[rows],
        purchases.at[rows],
    )


def _ties(products: Products, a: NDArray[np.integer], i: NDArray[np.integer]) -> Ints:
    """By how many of the four relations a and i are tied; themes of one topic count as one theme."""
    labels = [groups.of for groups in products.relations[:3]] + [products.topic]
    return sum((label[a] == label[i] for label in labels), start=np.zeros(np.broadcast(a, i).shape, dtype=np.int64))


def _one_holding(products: Products, purchases: Purchases, rows: Ints, cut: int) -> Flags:
    """True where `via` was booked before the cut and no other early holding is tied to the product."""
    held, since = purchases.held[purchases.user[rows]], purchases.held_at[purchases.user[rows]]
    via = purchases.via[rows, None]
    # The bank books an order up to three days late; the margin is twice that.
    in_time: Flags = ((held == via) & (since < cut - 2 * MARGIN)).any(axis=1)
    is_rival: Flags = (held >= 0) & (held != via) & (since < cut + MARGIN)
    is_rival &= _ties(products, np.maximum(held, 0), purchases.product[rows, None]) > 0
    return in_time & ~is_rival.any(axis=1)


def _unseen(products: Products, purchases: Purchases, interactions: Interactions, rows: Ints, cut: int) -> np.ndarray:
    """True where no click or refusal before the cut touches the product, or another one tied to it."""
    early = np.flatnonzero((interactions.kind > BUY) & (interactions.at < cut + MARGIN))
    early = early[np.argsort(interactions.user[early], kind="stable")]
    user, item = interactions.user[early], interactions.product[early]
    first = np.searchsorted(user, purchases.user[rows], side="left")
    number = np.searchsorted(user, purchases.user[rows], side="right") - first
    pair = np.repeat(np.arange(len(rows)), number)
    event = np.repeat(first - (np.cumsum(number) - number), number) + np.arange(len(pair))
    other, target, via = item[event], purchases.product[rows][pair], purchases.via[rows][pair]
    touches = (other == target) | ((other != via) & (_ties(products, other, target) > 0))
    unseen: Flags = np.bincount(pair[touches], minlength=len(rows)) == 0
    return unseen
