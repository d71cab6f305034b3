"""What past prices would bring and cost lists: nDCG beside monthly return on rolling dates, by a weight.

    date         a trading day, AHEAD trading days after the one before it, the latest MOST_DATES of them
    lists        the tested model's configuration, fitted anew on what was known before the date, and w times the profit
                 term, learned on prices before the date: w is what `train --set profit.weight=w` means
    candidates   products with a price on the date and at the end of the window of AFTER trading days, not held
    customers    who hold something and take a candidate that is new to them within the window
    nDCG@k       of their lists against what they took in the window
    return       of the list, its products weighed alike, over the window, as a month of AHEAD trading days

The market is all candidates weighed alike, the same for everyone; chance is a list drawn from a customer's candidates,
by its expected values, so that nothing is drawn. Means are over customers, then over dates. What nDCG loses has an
interval over customers, all dates of one together. Returns have one over dates: windows overlap, so that blocks of as
many dates as a window has are drawn, and where there are fewer than LEAST_BLOCKS such blocks there is none.
Protocol: Sanz-Cruzado, Droukas, McCreadie, FAR-Trans, arXiv 2407.08692. What prices did is no promise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.evaluation.hidden_part import SHOWN, headline
from graphrec.evaluation.rolling import DAY, EPOCH
from graphrec.features.blocks import FeatureBlock, Seen, Sources
from graphrec.features.sources.portfolio import Prices, matrix_of, trading_days
from graphrec.graph.edges.adjacency import Hidden, codes_of, from_codes, visible_graph
from graphrec.graph.folders.snapshot import ALWAYS, Snapshot
from graphrec.metrics.intervals import Interval, block_bootstrap, bootstrap_all
from graphrec.metrics.ranking import evaluate_lists
from graphrec.models.general.diversification import BLOCK
from graphrec.models.general.newness import SPEC as NEWNESS
from graphrec.models.general.profit import AHEAD, LEAST, fit_profit, monthly
from graphrec.models.general.profit import SPEC as PROFIT
from graphrec.models.inputs import Inputs
from graphrec.models.registry import models
from graphrec.progress import Progress, silent
from graphrec.terms.forms.blend import Blend
from graphrec.terms.meta import Configuration, ModelMeta
from graphrec.training.assemble import blend_of
from graphrec.training.lists import first_products
from graphrec.training.split import distinct
from graphrec.training.validation import rows_of

Floats = NDArray[np.float64]
AFTER = 126
"""Trading days of a window: half a year."""
WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
MOST_DATES = 48
MOST_USERS = 1_000
"""Customers a date, drawn where there are more."""
LEAST_BLOCKS = 4
FRESH_DAYS = 7
"""A price that is older is none on that day."""


@dataclass(frozen=True)
class ProfitPoint:
    """Lists with one weight of the profit term."""

    weight: float
    """As a part of the sum of all other weights."""
    ndcg: float
    monthly: float
    """Return of a month of 21 trading days."""
    ndcg_change: Interval | None
    """Against lists without it; None: it is they."""
    over_market: float
    """Its monthly return less that of the market."""
    low: float | None
    high: float | None
    """Ends of the 95 % interval of that; None: dates are too few."""


@dataclass(frozen=True)
class ProfitCurve:
    """nDCG beside monthly return, as the weight of the profit term grows."""

    learner: str
    own: float
    """The weight that the model has; 0: it has no such term."""
    k: int
    first: str
    last: str
    """The first and the last date that lists are made on."""
    dates: int
    lists: int
    products: int
    """Candidates of the last date."""
    left_out: int
    """Dates with customers, but fewer than `min_group`."""
    points: tuple[ProfitPoint, ...]
    """By weight, ascending; the first is without the term."""
    market: float
    random_ndcg: float
    random_monthly: float
    without: tuple[str, ...]
    """Models of the configuration that are not fitted anew: networks."""

    def at(self, weight: float) -> ProfitPoint:
        """The point of a weight that is on the curve."""
        return next(one for one in self.points if one.weight == weight)


def profit_curve(
    snapshot: Snapshot,
    meta: ModelMeta,
    prices: Prices,
    sources: Sources,
    *,
    learner: str | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> ProfitCurve:
    """The curve of a model's configuration.

    Args:
        snapshot: what is known of the bank.
        meta: of the model; its configuration was chosen once, for all dates and weights.
        prices: of products, as `graphrec.features.sources.portfolio.prices_of` reads them.
        sources: those of the blocks that the model reads.
        learner: ridge or boosting; None: that of the model, else ridge.
        seed: of the fits, and of which customers are drawn.
        progress: of dates.

    Raises:
        ModelError: prices, dates of dealings, or customers are too few.
        MissingExtra: boosting without LightGBM.
    """
    given = meta.request.overrides.get(PROFIT.name, {})
    own, learner = float(given.get("weight") or 0.0), learner or str(given.get("learner", "ridge"))
    weights = tuple(sorted({*WEIGHTS, own}))
    configuration, without = _configuration(meta.configuration)
    course = _Course.of(snapshot, prices)
    events = _Events.of(snapshot)
    places = range(LEAST + 1, len(course.days) - AFTER + 1, AHEAD)[-MOST_DATES:]
    if not places:
        raise ModelError(
            f"there are prices of {len(course.days)} trading days, and the profit term needs {LEAST + 1} to learn from "
            f"and {AFTER} after them to be measured on; load a longer series"
        )
    found, least, left_out = list[_Dated](), snapshot.schema.roles.min_group, 0
    for done, place in enumerate(places):
        progress("dates", done, len(places))
        dated = _on(snapshot, course, events, place, configuration, sources, weights, learner, seed)
        if dated is None or len(dated.users) < least:
            left_out += dated is not None
            continue
        found.append(dated)
    progress("dates", len(places), len(places))
    if not found:
        raise ModelError(
            f"on none of {len(places)} dates do {max(least, 1)} customers take a product with prices that is new to "
            "them within half a year; load more dealings with their dates"
        )
    return _told(found, weights, learner, own, left_out, without)


def _configuration(whole: Configuration) -> tuple[Configuration, tuple[str, ...]]:
    """The configuration without the profit term and without networks, and the names of these."""
    without = tuple(name for name in whole.terms if name in models() and models()[name].uses_torch)
    kept = {name: values for name, values in whole.terms.items() if name not in (*without, PROFIT.name)}
    if not kept:
        raise ModelError(
            f"the model is of {', '.join(without)} alone, which is not fitted anew for every date; train the blend"
        )
    return replace(whole, terms=kept, weights={name: whole.weights[name] for name in kept}), without


@dataclass(frozen=True, eq=False)
class _Course:
    """Prices on trading days.

    Shapes: days (num_days,) since 1970; closes (num_products, num_days), NaN without a price of these days or just
    before; own: the prices as they came, by product.
    """

    ids: Sequence[str]
    days: NDArray[np.int64]
    closes: Floats
    own: Prices

    @classmethod
    def of(cls, snapshot: Snapshot, prices: Prices) -> "_Course":
        ids, days = list(snapshot.nodes(snapshot.schema.roles.product).ids), trading_days(prices)
        closes = np.full((len(ids), len(days)), np.nan)
        for place, one in enumerate(ids):
            if one in prices:
                own, values = prices[one]
                latest = np.searchsorted(own, days, side="right") - 1
                fresh = (latest >= 0) & (days - own[np.maximum(latest, 0)] < FRESH_DAYS)
                closes[place, fresh] = values[latest[fresh]]
        return cls(ids, days, closes, prices)

    def before(self, place: int) -> FeatureBlock:
        """The block that the profit term of a date reads: prices before it."""
        day = int(self.days[place])
        cut = {one: (own[own < day], values[own < day]) for one, (own, values) in self.own.items() if own[0] < day}
        return FeatureBlock(BLOCK, "", matrix_of(cut, self.ids))


@dataclass(frozen=True, eq=False)
class _Events:
    """What customers took, with the day on which it became known (num_events,)."""

    codes: NDArray[np.int64]
    days: NDArray[np.int64]

    @classmethod
    def of(cls, snapshot: Snapshot) -> "_Events":
        roles = snapshot.schema.roles
        num_products = snapshot.count(roles.product)
        codes, days = [], []
        for edges in (snapshot.edges(name) for name in roles.relevant if name in snapshot.types):
            known_at = np.asarray(edges.known_at)
            if (known_at != ALWAYS).any():
                codes.append(codes_of(edges, num_products))
                days.append(known_at // DAY)
        if not codes:
            raise ModelError(
                "what customers took has no dates, so that lists of earlier days cannot be measured; give its edges a "
                "known_at in the mapping (docs/mappings.md) and load again"
            )
        return cls(np.concatenate(codes), np.concatenate(days))

    def between(self, first: int, after: int) -> NDArray[np.int64]:
        """The pairs that became known from a day on and before another."""
        return distinct(self.codes[(self.days >= first) & (self.days < after)])


@dataclass(frozen=True)
class _Dated:
    """One date; nDCG and monthly return by weight."""

    day: int
    users: NDArray[np.int32]
    products: int
    k: int
    points: Mapping[float, tuple[Floats, float]]
    """nDCG of each customer, and the monthly return."""
    market: float
    random: tuple[float, float]


def _on(
    snapshot: Snapshot,
    course: _Course,
    events: _Events,
    place: int,
    configuration: Configuration,
    sources: Sources,
    weights: Sequence[float],
    learner: str,
    seed: int,
) -> _Dated | None:
    """The lists of one date; None where nobody takes anything, or nothing can be expected of prices."""
    day = int(course.days[place])
    end = place - 1 + AFTER
    # The close of the day before is the last one that is known; a list is bought at it.
    grown = monthly(course.closes[:, end] / course.closes[:, place - 1] - 1, AFTER)
    candidates = np.isfinite(grown)
    graph = visible_graph(snapshot, Hidden(known_from=day * DAY))
    held, num_products = graph.held(), graph.num_products
    taken = events.between(day, int(course.days[end]) + 1)
    taken = np.setdiff1d(taken, events.between(0, day))
    taken = np.setdiff1d(taken, distinct(codes_of(held, num_products)))
    taken = taken[candidates[taken % num_products]]
    owners = distinct(taken // num_products)
    users: NDArray[np.int32] = owners[held.degrees_of(owners) > 0].astype(np.int32)
    if len(users) > MOST_USERS:
        users = np.sort(np.random.default_rng(seed).choice(users, MOST_USERS, replace=False)).astype(np.int32)
    term = fit_profit(graph, course.before(place), learner)
    if term is None or not len(users):
        return None
    inputs = Inputs(seed, blocks=sources.blocks(Seen(snapshot, graph, day * DAY)))
    blend = blend_of(configuration, graph, inputs)
    whole = sum(w for t, w in zip(blend.terms, blend.weights, strict=True) if t.name != NEWNESS.name)
    wanted, ahead = blend.batch(users).copy(), Blend([term], [1.0]).batch(users)
    k = headline(range(1, SHOWN + 1), int(candidates.sum()))
    relevant = rows_of(from_codes(taken, graph.num_users, num_products), users)
    points = {}
    for weight in weights:
        scores = np.asarray(wanted + np.float32(weight * whole) * ahead, np.float32)
        lists = first_products(scores, k, held, users, candidates)
        ndcg = evaluate_lists(lists, relevant.indptr, relevant.indices, [k])[f"ndcg@{k}"]
        there = lists >= 0
        earned = np.where(there, grown[lists], 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
        points[weight] = ndcg, float(earned.mean())
    rows, products = held.expand(users)
    free = np.repeat(candidates[None], len(users), axis=0)
    free[rows, products] = False
    counts = free.sum(axis=1)
    gains = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.array([gains[: min(n, k)].sum() for n in relevant.degrees().tolist()])
    by_chance = np.array([gains[: min(n, k)].sum() for n in counts.tolist()]) * relevant.degrees() / counts / ideal
    drawn = (np.where(free, grown, 0.0).sum(axis=1) / counts).mean()
    market = float(grown[candidates].mean())
    random = float(by_chance.mean()), float(drawn)
    return _Dated(day, users, int(candidates.sum()), k, points, market, random)


def _told(
    found: Sequence[_Dated],
    weights: Sequence[float],
    learner: str,
    own: float,
    left_out: int,
    without: tuple[str, ...],
) -> ProfitCurve:
    block, market = -(-AFTER // AHEAD), np.array([one.market for one in found])
    is_enough = len(found) >= LEAST_BLOCKS * block
    users, owner = np.unique(np.concatenate([one.users for one in found]), return_inverse=True)
    part = np.concatenate([np.full(len(one.users), len(users) / len(one.users) / len(found)) for one in found])
    lists = {weight: np.concatenate([one.points[weight][0] for one in found]) for weight in weights}
    # Of each customer what the mean over customers has to be the mean over dates.
    lost: dict[str, Floats] = {
        f"{weight:g}": np.bincount(owner, part * (own_lists - lists[0.0])).astype(np.float64)
        for weight, own_lists in lists.items()
        if weight
    }
    changes = bootstrap_all(lost, seed=0)
    points = []
    for weight in weights:
        earned = np.array([one.points[weight][1] for one in found])
        over = block_bootstrap(earned - market, block, seed=0) if is_enough else None
        ndcg = float(np.mean([one.points[weight][0].mean() for one in found]))
        points.append(
            ProfitPoint(
                weight, ndcg, float(earned.mean()), changes.get(f"{weight:g}"), float((earned - market).mean()),
                None if over is None else over.low, None if over is None else over.high,
            )
        )  # fmt: skip
    chance = np.array([one.random for one in found]).mean(axis=0)
    first, last = ((EPOCH + timedelta(days=one.day)).isoformat() for one in (found[0], found[-1]))
    return ProfitCurve(
        learner, own, found[-1].k, first, last, len(found), len(owner), found[-1].products, left_out, tuple(points),
        float(market.mean()), float(chance[0]), float(chance[1]), without,
    )  # fmt: skip
