"""The catalogue of the demo bank: products, issuers, sectors, and the groups that planted reasons run through."""

from dataclasses import dataclass

import numpy as np

from graphrec.demo.draw.groups import Groups, draw_labels, group, separated
from graphrec.demo.sizes import DAY_SECONDS, END, START, Flags, Ints, Reals, Size
from graphrec.demo.words.topics import PLACES, TOPICS
from graphrec.demo.words.vocabulary import (
    BUSINESS_LINES,
    COUNTRIES,
    ISSUER_FIRST,
    ISSUER_SECOND,
    KINDS,
    REGIONS,
    STEPS,
)

CATEGORIES: tuple[tuple[str, int], ...] = tuple((name, k) for k, kind in enumerate(KINDS) for name in kind.categories)
"""Name and kind of every category."""
NEVER = np.iinfo(np.int64).max
CLOSED_SHARE = 0.05
YOUNG_SHARE = 0.8
YOUNG_DAYS = (30, 880)
"""Products without twins that are issued within the three years, and how many days after their start: so new that few
people hold them yet, which leaves it to sector, issuer and text to speak for them."""
TWIN_SHARE = 0.3
"""Products that have twins: few, so that their common holders stand out from chance."""
RESIDENTS_ONLY_SHARE = 0.08


@dataclass(frozen=True)
class Products:
    """Arrays over products; `relations` are the groups of RELATIONS in that order."""

    kind: Ints
    category: Ints
    relations: tuple[Groups, ...]
    topic: Ints
    place: Ints
    sector_names: tuple[str, ...]
    issuer_names: tuple[str, ...]
    issuer_country: Ints
    risk: Ints
    fee_percent: Reals
    minimum: Ints
    min_horizon: Ints
    min_age: Ints
    residents_of: Ints
    issued: Ints
    closed: Ints
    popularity: Reals

    @property
    def count(self) -> int:
        """How many products there are."""
        return len(self.kind)

    @property
    def country(self) -> Ints:
        """The country of the issuer."""
        return self.issuer_country[self.relations[1].of]


def draw_products(size: Size, rng: np.random.Generator) -> Products:
    """The catalogue of one bank."""
    count = size.products
    shares = np.cumsum([kind.share for kind in KINDS])
    kind = rng.permutation(np.searchsorted(shares - 1e-9, (np.arange(count) + 0.5) / count))
    is_security = np.array([each.is_security for each in KINDS])[kind]
    sector, sector_names = _sectors(is_security, size, rng)
    issuer = separated(draw_labels(count, *size.issuer, rng), [sector], rng)
    twins = separated(_twins(count, size, rng), [sector, issuer], rng)
    theme = separated(draw_labels(count, *size.theme, rng), [sector, issuer, twins], rng)
    topic, place = _themes(int(theme.max()) + 1, rng)
    issuers = int(issuer.max()) + 1
    issued, closed = _lifetimes(np.bincount(twins)[twins] > 1, rng)
    pick = np.array([rng.integers(1 << 30) for _ in range(count)])
    return Products(
        kind=kind,
        category=_categories(kind, rng),
        relations=(group(sector), group(issuer), group(twins), group(theme)),
        topic=topic[theme],
        place=place[theme],
        sector_names=sector_names,
        issuer_names=_issuer_names(issuers, rng),
        issuer_country=rng.integers(len(COUNTRIES), size=issuers),
        risk=_choice(kind, "risk", pick),
        fee_percent=_fees(kind, rng),
        minimum=_choice(kind, "minimum_amounts", pick // 7),
        min_horizon=_choice(kind, "min_horizon_years", pick // 49),
        min_age=np.array([each.min_age for each in KINDS])[kind],
        residents_of=_residents(count, rng),
        issued=issued,
        closed=closed,
        popularity=np.exp(rng.normal(0.0, 0.35, count)),
    )


def _sectors(is_security: Flags, size: Size, rng: np.random.Generator) -> tuple[Ints, tuple[str, ...]]:
    sector = np.empty(len(is_security), dtype=np.int64)
    names: list[str] = []
    for flag, words in ((True, STEPS), (False, BUSINESS_LINES)):
        members = np.flatnonzero(is_security == flag)
        labels = draw_labels(len(members), *size.sector, rng)
        sector[members] = labels + len(names)
        names += _combined(words, int(labels.max()) + 1)
    return sector, tuple(names)


def _twins(count: int, size: Size, rng: np.random.Generator) -> Ints:
    """Labels of twin groups; most products are alone in theirs."""
    paired = round(count * TWIN_SHARE)
    labels = draw_labels(paired, *size.twins, rng)
    alone = int(labels.max()) + 1 + np.arange(count - paired)
    return rng.permutation(np.concatenate((labels, alone)))


def _combined(words: tuple[str, ...], count: int) -> list[str]:
    """`count` names: the words alone, then with one place after the other."""
    names = list(words) + [f"{word}, {place}" for place in PLACES for word in words]
    return names[:count]


def _themes(count: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Topic and place of each theme; -1 is no place. A small bank has one theme to a topic."""
    topics = rng.permutation(len(TOPICS))
    places = np.concatenate(([-1], rng.permutation(len(PLACES))))
    number = np.arange(count)
    return topics[number % len(TOPICS)], places[number // len(TOPICS)]


def _issuer_names(count: int, rng: np.random.Generator) -> tuple[str, ...]:
    every = [first + second for first in ISSUER_FIRST for second in ISSUER_SECOND if first[-1] != second[0]]
    return tuple(every[number] for number in rng.permutation(len(every))[:count])


def _categories(kind: Ints, rng: np.random.Generator) -> Ints:
    first = np.concatenate(([0], np.cumsum([len(each.categories) for each in KINDS])))
    size = np.diff(first)[kind]
    return first[kind] + np.floor(rng.random(len(kind)) * size).astype(np.int64)


def _choice(kind: Ints, field: str, pick: Ints) -> Ints:
    """One of the values that the product's kind allows in `field`."""
    allowed = [getattr(each, field) for each in KINDS]
    return np.array([allowed[k][p % len(allowed[k])] for k, p in zip(kind, pick, strict=True)], dtype=np.int64)


def _fees(kind: Ints, rng: np.random.Generator) -> Reals:
    low, high = np.array([each.fee_percent for each in KINDS]).T
    fee: Reals = low[kind] + rng.random(len(kind)) * (high - low)[kind]
    return fee.round(2)


def _residents(count: int, rng: np.random.Generator) -> Ints:
    """Index in COUNTRIES of the only residents who may buy; -1: anyone."""
    home = [code for code, _, _ in COUNTRIES].index(REGIONS[0][1])
    return np.where(rng.random(count) < RESIDENTS_ONLY_SHARE, home, -1)


def _lifetimes(has_twins: Flags, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Seconds at which each product was issued, and closed (NEVER: still open)."""
    count = len(has_twins)
    year = 365 * DAY_SECONDS
    old = START - rng.integers(30, 20 * 365, count) * DAY_SECONDS
    young = START + rng.integers(*YOUNG_DAYS, count) * DAY_SECONDS
    is_young = ~has_twins & (rng.random(count) < YOUNG_SHARE)
    closed = np.full(count, NEVER)
    gone = rng.permutation(np.flatnonzero(~is_young))[: round(count * CLOSED_SHARE)]
    closed[gone] = END - rng.integers(20, year // DAY_SECONDS, len(gone)) * DAY_SECONDS
    return np.where(is_young, young, old), closed
