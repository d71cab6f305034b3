"""Why the customers of the demo bank buy: the preference mechanism, one purchase after the other.

Let H(u, t) be what customer u holds at time t. With H empty, or with probability 1 - PLANTED, the next product is a
*base* choice, otherwise a *planted* one:

    B(i | u) ~ affinity(category of i, segment, age band, risk tolerance of u) * popularity(i)
               and with probability INTEREST, for a customer whose profile names a topic, any product about it
    P(i | u, t) = (1 - PLANTED) B(i | u)
                + PLANTED * sum over a in H(u, t) of 1 / |H(u, t)|
                          * sum over relations r of RHO[r] * [i in G_r(a), i != a] / (|G_r(a)| - 1)

G_r(a) is the group of a under r: its sector, its issuer, its *holders* (twin products that share nothing but the
people who buy them) or its *text* theme (the same subject in the description, named nowhere else).

A drawn product is refused and drawn again, up to TRIES times, when it is held, not on sale at t, or unsuitable (risk
class, horizon, minimum amount, age, residence; UNSUITABLE_PASS of the unsuitable draws pass). A planted choice that
fails TRIES times becomes a base choice; a base choice that fails is no purchase. The a and r of a planted choice are
its true reason.
"""

from dataclasses import dataclass

import numpy as np

from graphrec.demo.draw.customers import Customers
from graphrec.demo.draw.groups import Groups, group
from graphrec.demo.draw.products import CATEGORIES, Products
from graphrec.demo.sizes import DAY_SECONDS, END, START, Flags, Ints, Reals
from graphrec.demo.words.vocabulary import AGE_BANDS, KINDS, LEVELS, SEGMENTS
from graphrec.progress import Progress

RELATIONS: tuple[str, ...] = ("sector", "issuer", "holders", "text")
RHO: tuple[float, ...] = (0.24, 0.25, 0.27, 0.24)
PLANTED = 0.85
INTEREST = 0.5
TRIES = 12
UNSUITABLE_PASS = 0.03
MOST = 14
"""No customer buys more different products than this."""
USUAL, SPREAD = 4.0, 0.45
"""Median and spread (of the logarithm) of how many different products a customer wants in three years."""
NONE_SHARE = 0.04
"""Customers who buy nothing at all."""

_SEGMENT_PULL: dict[str, dict[str, float]] = {
    "everyday": {"deposit": 0.4, "card": 0.3},
    "family": {"insurance": 0.6, "loan": 0.3, "fund": 0.1},
    "affluent": {"fund": 0.4, "ETF": 0.3, "equity": 0.2},
    "private": {"equity": 0.5, "bond": 0.5},
    "self-employed": {"loan": 0.5, "card": 0.4, "insurance": 0.2},
}
_AGE_PULL: dict[str, float] = {"ETF": -0.15, "card": -0.12, "equity": -0.05, "bond": 0.15, "deposit": 0.1}
"""Per age band above the second."""


@dataclass(frozen=True)
class Purchases:
    """First purchases, in the order of drawing; `via` and `relation` are -1 for a base choice."""

    user: Ints
    product: Ints
    at: Ints
    is_opening: Flags
    via: Ints
    relation: Ints
    held: Ints
    """(customers, MOST): what each ends up holding, -1 where nothing."""
    held_at: Ints
    """(customers, MOST): since when."""


class Taste:
    """Draws base choices; its weights are built once per bank."""

    def __init__(self, customers: Customers, products: Products) -> None:
        self._categories = group(products.category)
        self._topics = group(products.topic)
        self._topic_count = np.diff(self._topics.start)
        weight = products.popularity[self._categories.members]
        self._popular = np.concatenate(([0.0], np.cumsum(weight)))
        mass = np.diff(self._popular[self._categories.start])
        affinity = _affinity() * np.pad(mass, (0, len(CATEGORIES) - len(mass)))
        self._cumulated = np.cumsum(affinity, axis=1)
        self._class = (customers.segment * len(AGE_BANDS) + customers.age_band) * LEVELS + customers.tolerance - 1
        self._topic = customers.topic

    def draw(self, users: Ints, rng: np.random.Generator) -> Ints:
        """One product per user."""
        cumulated = self._cumulated[self._class[users]]
        die = rng.random(len(users)) * cumulated[:, -1]
        category = (cumulated <= die[:, None]).sum(axis=1)
        low = self._popular[self._categories.start[category]]
        high = self._popular[self._categories.start[category + 1]]
        position = np.searchsorted(self._popular, low + rng.random(len(users)) * (high - low), side="right") - 1
        product = self._categories.members[np.minimum(position, self._categories.start[category + 1] - 1)]
        return self._follow_interest(users, product, rng)

    def _follow_interest(self, users: Ints, product: Ints, rng: np.random.Generator) -> Ints:
        topic = self._topic[users]
        known = (topic >= 0) & (topic < len(self._topic_count))
        size = np.where(known, self._topic_count[np.where(known, topic, 0)], 0)
        follows = (size > 0) & (rng.random(len(users)) < INTEREST)
        place = np.floor(rng.random(len(users)) * size).astype(np.int64)
        chosen = self._topics.members[(self._topics.start[np.where(known, topic, 0)] + place)[follows]]
        product = product.copy()
        product[follows] = chosen
        return product


def _affinity() -> Reals:
    """(classes, categories): how much a class of customers likes a category."""
    risk = np.array([np.mean(KINDS[k].risk) for _, k in CATEGORIES])
    names = [KINDS[k].name for _, k in CATEGORIES]
    rows = []
    for segment in SEGMENTS:
        for age in range(len(AGE_BANDS)):
            for tolerance in range(1, LEVELS + 1):
                pull = [_SEGMENT_PULL[segment].get(name, 0.0) + _AGE_PULL.get(name, 0.0) * (age - 1) for name in names]
                rows.append(np.exp(np.array(pull) - 0.25 * np.abs(risk - tolerance)))
    return np.array(rows)


def suitable(customers: Customers, products: Products, users: Ints, items: Ints) -> Flags:
    """True where the product fits the customer's tolerance, horizon, means, age and residence."""
    home = products.residents_of[items]
    fits: Flags = products.risk[items] <= customers.tolerance[users]
    fits &= products.min_horizon[items] <= customers.horizon[users]
    fits &= products.minimum[items] <= customers.liquid_eur[users]
    fits &= products.min_age[items] <= customers.age[users]
    fits &= (home < 0) | (home == customers.country[users])
    return fits


def draw_purchases(
    customers: Customers, products: Products, taste: Taste, rng: np.random.Generator, progress: Progress
) -> Purchases:
    """All first purchases of the three years, by the mechanism above."""
    drawing = _Drawing(customers, products, taste, rng)
    times, is_opening = _times(customers, rng)
    for step in range(MOST):
        users = np.flatnonzero(times[:, step] < END)
        drawing.step(users, times[users, step], is_opening[users, step])
        progress("purchases", step + 1, MOST)
    return drawing.result()


def _times(customers: Customers, rng: np.random.Generator) -> tuple[Ints, Flags]:
    """(customers, MOST) times of purchase, END where none; and which are positions held at the start."""
    count = customers.count
    wanted = np.clip(np.round(USUAL * np.exp(rng.normal(0.0, SPREAD, count))), 1, MOST).astype(np.int64)
    wanted[rng.random(count) < NONE_SHARE] = 0
    begin = np.maximum(customers.joined, START)
    wanted = np.ceil(wanted * (END - begin) / (END - START)).astype(np.int64)
    day = begin[:, None] + rng.random((count, MOST)) * (END - begin)[:, None]
    times = (day // DAY_SECONDS).astype(np.int64) * DAY_SECONDS + _office_hours((count, MOST), rng)
    number = np.arange(MOST)[None, :]
    times[number >= wanted[:, None]] = END
    held_before = np.where(customers.joined <= START, rng.integers(0, 3, count), 0)
    is_opening = number < np.minimum(held_before, wanted)[:, None]
    times[is_opening] = START
    times = np.minimum(times, END)
    times.sort(axis=1)
    return times, is_opening & (times == START)


def _office_hours(shape: tuple[int, ...], rng: np.random.Generator) -> Ints:
    """Seconds after midnight, from 8 to 20 o'clock."""
    return rng.integers(8 * 3_600, 20 * 3_600, shape)


class _Drawing:
    """What is held so far, and the purchases made."""

    def __init__(self, customers: Customers, products: Products, taste: Taste, rng: np.random.Generator) -> None:
        self._customers, self._products, self._taste, self._rng = customers, products, taste, rng
        self._held = np.full((customers.count, MOST), -1, dtype=np.int64)
        self._held_at = np.full((customers.count, MOST), END, dtype=np.int64)
        self._count = np.zeros(customers.count, dtype=np.int64)
        self._made: list[tuple[Ints, Ints, Ints, Flags, Ints, Ints]] = []

    def step(self, users: Ints, at: Ints, is_opening: Flags) -> None:
        """One purchase for each of `users`, all different."""
        product = np.full(len(users), -1, dtype=np.int64)
        via, relation = product.copy(), product.copy()
        is_planted = (self._count[users] > 0) & ~is_opening & (self._rng.random(len(users)) < PLANTED)
        self._try_planted(users, at, np.flatnonzero(is_planted), (product, via, relation))
        self._try_base(users, at, product)
        done = product >= 0
        users, product = users[done], product[done]
        self._held[users, self._count[users]] = product
        self._held_at[users, self._count[users]] = at[done]
        self._count[users] += 1
        self._made.append((users, product, at[done], is_opening[done], via[done], relation[done]))

    def _try_planted(self, users: Ints, at: Ints, rows: Ints, out: tuple[Ints, Ints, Ints]) -> None:
        product, via, relation = out
        steps = np.cumsum(RHO)
        for _ in range(TRIES):
            place = np.floor(self._rng.random(len(rows)) * self._count[users[rows]]).astype(np.int64)
            a = self._held[users[rows], place]
            r = np.searchsorted(steps, self._rng.random(len(rows)) * steps[-1], side="right")
            i = _another(self._products.relations, r, a, self._rng)
            good = self._acceptable(users[rows], i, at[rows])
            hit = rows[good]
            product[hit], via[hit], relation[hit] = i[good], a[good], r[good]
            rows = rows[~good]

    def _try_base(self, users: Ints, at: Ints, product: Ints) -> None:
        rows = np.flatnonzero(product < 0)
        for _ in range(TRIES):
            i = self._taste.draw(users[rows], self._rng)
            good = self._acceptable(users[rows], i, at[rows])
            product[rows[good]] = i[good]
            rows = rows[~good]

    def _acceptable(self, users: Ints, items: Ints, at: Ints) -> Flags:
        fits = suitable(self._customers, self._products, users, items)
        fits |= self._rng.random(len(users)) < UNSUITABLE_PASS
        fits &= (self._held[users] != items[:, None]).all(axis=1)
        fits &= self._products.issued[items] <= at
        return fits & (at < self._products.closed[items])

    def result(self) -> Purchases:
        """All purchases made."""
        user, product, at, is_opening, via, relation = (
            np.concatenate(column) for column in zip(*self._made, strict=True)
        )
        return Purchases(user, product, at, is_opening, via, relation, self._held, self._held_at)


def _another(relations: tuple[Groups, ...], r: Ints, a: Ints, rng: np.random.Generator) -> Ints:
    """For each a another member of its group under its r."""
    found = np.empty_like(a)
    for number, groups in enumerate(relations):
        rows = np.flatnonzero(r == number)
        found[rows] = groups.another(a[rows], rng)
    return found
