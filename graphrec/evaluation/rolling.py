"""Rolling dates and money: lists as of many dates, evaluated by what was bought and by what it earned.

The protocol of FAR-Trans (Sanz-Cruzado, Droukas and McCreadie, 2024, arXiv 2407.08692), for every date t:

    train        everything before t
    test         transactions after t, up to and with the end of the window; a pair that train has is no test pair
    customers    with a pair in train and one in test
    assets       with a price on t and on the end of the window; those that the customer traded before are not listed
    nDCG@10      relevant: test pairs with a purchase, of assets that train knows; IDCG over min(10, relevant ones)
    ROI@10       mean over the list of the monthly return (1 + r) ** (30 / days) - 1, r from t to the end of the window

Means are over customers, then over dates; a customer without a list counts 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError, UsageError
from graphrec.terms.meta import Configuration

if TYPE_CHECKING:
    import pyarrow as pa
import time
from dataclasses import replace
from datetime import timedelta

from graphrec.features.blocks import Seen, Sources
from graphrec.graph.edges.adjacency import Adjacency, Graph, Hidden, codes_of, from_codes, visible_graph
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.metrics.ranking import evaluate_lists
from graphrec.models.general.popularity import fit_popularity
from graphrec.models.inputs import Inputs, Scores
from graphrec.progress import Progress, silent
from graphrec.training.assemble import blend_of
from graphrec.training.lists import first_products
from graphrec.training.search.choose import choose, fixed
from graphrec.training.split import Split, check_hidden, distinct
from graphrec.training.validation import Validation, rows_of

DAY = 86_400_000_000
"""Microseconds."""
EPOCH = date(1970, 1, 1)
MONTH_DAYS = 30


@dataclass(frozen=True)
class Span:
    """A stretch of dates: `steps` + 1 of them, the last window ends on `last`."""

    first: date
    last: date
    steps: int


@dataclass(frozen=True)
class Protocol:
    """Which dates, and how many steps ahead a window ends."""

    spans: tuple[Span, ...]
    ahead: int


#: The 61 dates of the paper: 29 + 32, two weeks apart, windows of six months.
PROTOCOLS: Mapping[str, Protocol] = {
    "far-trans": Protocol(
        (Span(date(2019, 8, 1), date(2021, 2, 26), 28), Span(date(2020, 9, 14), date(2022, 5, 23), 31)), ahead=13
    )
}


@dataclass(frozen=True)
class Window:
    """A date and the end of its test period, as days since 1970."""

    begin: int
    end: int


@dataclass(frozen=True, eq=False)
class Prices:
    """Closing prices; assets with a price of 0, which means that none was recorded, are left out.

    Shapes: days (num_days,) since 1970, ascending; values (num_days, num_products), NaN without a price.
    """

    days: NDArray[np.int64]
    values: NDArray[np.float64]

    @classmethod
    def of(cls, rows: "pa.Table", ids: Sequence[str], value: str = "close") -> "Prices":
        """The prices in the rows of a series (id, at, value) for products in the order of ids."""
        import pyarrow as pa

        names = np.array(rows["id"].to_pylist(), dtype=object)
        at = rows["at"].cast(pa.int64()).to_numpy() // DAY
        prices = rows[value].to_numpy(zero_copy_only=False).astype(np.float64)
        bad = set(names[prices == 0])
        place = {name: number for number, name in enumerate(ids) if name not in bad}
        keep = np.array([name in place for name in names], np.bool_)
        days, row = np.unique(at[keep], return_inverse=True)
        values = np.full((len(days), len(ids)), np.nan)
        values[row, [place[name] for name in names[keep]]] = prices[keep]
        return cls(days, values)

    def on(self, day: int) -> NDArray[np.float64]:
        """The prices of a day (num_products,)."""
        return np.asarray(self.values[np.searchsorted(self.days, day)])

    def monthly_returns(self, window: Window) -> NDArray[np.float64]:
        """The monthly return of every asset over a window (num_products,), NaN without both prices."""
        growth = self.on(window.end) / self.on(window.begin)
        return np.asarray(growth ** (MONTH_DAYS / (window.end - window.begin)) - 1)


def windows_of(days: NDArray[np.int64], protocol: Protocol) -> list[Window]:
    """The windows of a protocol on these price days (ascending).

    Raises:
        ModelError: a span has fewer price days than steps.
    """
    found = []
    for span in protocol.spans:
        first, last = ((day - EPOCH).days for day in (span.first, span.last))
        inside = days[(days >= first) & (days <= last)]
        pieces = span.steps + protocol.ahead
        apart = len(inside) // pieces
        if not apart:
            raise ModelError(
                f"there are prices on {len(inside)} days from {span.first} to {span.last}, and the dates of this "
                f"protocol need at least {pieces}; load the close_prices.csv of the whole data set"
            )
        marks = [*(int(inside[n * apart]) for n in range(pieces)), int(inside[-1])]
        found += [Window(marks[n], marks[n + protocol.ahead]) for n in range(span.steps + 1)]
    return found


def check_protocol(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in PROTOCOLS:
        raise UsageError(f"--rolling {name}: there is no such protocol; there is {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


K = 10


@dataclass(frozen=True)
class DateResult:
    """One date."""

    date: str
    until: str
    customers: int
    assets: int
    ndcg: Mapping[str, float]
    """nDCG@10 by model."""
    roi: Mapping[str, float]
    """Monthly ROI@10 by model; `market` is the mean of all assets."""


@dataclass(frozen=True)
class Rolling:
    """All dates and their means."""

    protocol: str
    dates: tuple[DateResult, ...]
    ndcg: Mapping[str, float]
    roi: Mapping[str, float]
    weights: Mapping[str, float]
    """What was chosen on the half year before the first date."""
    seconds: float
    left_out: int = 0
    """Dates with customers, but fewer than `min_group`: neither listed nor in the means."""


def evaluate_rolling(
    snapshot: Snapshot,
    prices: Prices,
    name: str = "far-trans",
    *,
    kind: str = "blend",
    is_fixed: bool = False,
    sources: Sources | None = None,
    seed: int = 0,
    progress: Progress = silent,
    protocol: Protocol | None = None,
) -> Rolling:
    """A model and popularity over the dates of a protocol, beside the market.

    The configuration is chosen once, on what was bought in the window's length before the first date, or `is_fixed`
    beforehand; every date fits it anew on what came before.

    Raises:
        UsageError: there is no such protocol.
        ModelError: prices or transactions do not reach over the dates.
    """
    protocol = protocol or check_protocol(name)
    began = time.monotonic()
    windows = windows_of(prices.days, protocol)
    sources, inputs = sources or Sources(), Inputs(seed, progress=progress)
    events = _Events.of(snapshot)
    configuration = _configuration(snapshot, events, windows[0], kind, sources, inputs, is_fixed=is_fixed)
    results = []
    for done, window in enumerate(windows):
        progress("dates", done, len(windows))
        results.append(
            _evaluate_date(snapshot, events, prices, window, configuration, sources, replace(inputs, progress=silent))
        )
    progress("dates", len(windows), len(windows))
    least = snapshot.schema.roles.min_group
    known = [one for one in results if not 0 < one.customers < least]
    if not known:
        raise ModelError(
            f"on none of {len(results)} dates do {least} customers buy something in the window, and the mapping's "
            "min_group lets nothing be reported of fewer; load the files of the whole data set"
        )
    ndcg = {model: float(np.mean([one.ndcg[model] for one in known])) for model in known[0].ndcg}
    roi = {model: float(np.mean([one.roi[model] for one in known])) for model in known[0].roi}
    seconds = time.monotonic() - began
    return Rolling(name, tuple(known), ndcg, roi, configuration.weights, seconds, len(results) - len(known))


@dataclass(frozen=True, eq=False)
class _Events:
    """Every transaction: pair code, day, and whether it is a purchase (num_events,)."""

    codes: NDArray[np.int64]
    days: NDArray[np.int64]
    is_purchase: NDArray[np.bool_]
    num_products: int

    @classmethod
    def of(cls, snapshot: Snapshot) -> "_Events":
        roles = snapshot.schema.roles
        num_products = snapshot.count(roles.product)
        codes, days, purchases = [], [], []
        for name in roles.interactions:
            edges = snapshot.edges(name)
            codes.append(codes_of(edges, num_products))
            days.append(np.asarray(edges.known_at) // DAY)
            purchases.append(np.full(len(codes[-1]), name in roles.relevant))
        return cls(np.concatenate(codes), np.concatenate(days), np.concatenate(purchases), num_products)

    def before(self, day: int) -> NDArray[np.int64]:
        """The pairs of transactions before a day."""
        return distinct(self.codes[self.days < day])

    def within(self, window: Window, *, purchases: bool) -> NDArray[np.int64]:
        """The pairs of transactions (or purchases) after the first day of a window, up to and with its last."""
        inside = (self.days > window.begin) & (self.days <= window.end)
        return distinct(self.codes[inside & self.is_purchase if purchases else inside])


def _configuration(
    snapshot: Snapshot, events: _Events, first: Window, kind: str, sources: Sources, inputs: Inputs, *, is_fixed: bool
) -> Configuration:
    """What is chosen on the time before the first date."""
    cut = first.begin - (first.end - first.begin)
    bought = events.is_purchase
    earlier = distinct(events.codes[(events.days < cut) & bought])
    later = np.setdiff1d(distinct(events.codes[(events.days >= cut) & (events.days < first.begin) & bought]), earlier)
    roles = snapshot.schema.roles
    split = Split(
        "time", snapshot.count(roles.user), events.num_products, valid=later, test=np.zeros(0, np.int64),
        cuts=(cut * DAY, first.begin * DAY),
    )  # fmt: skip
    graph = visible_graph(snapshot, split.hidden("train"))
    check_hidden(split, graph, "train")
    inputs = replace(inputs, blocks=sources.blocks(Seen(snapshot, graph, cut * DAY)))
    if is_fixed or not len(later):
        return fixed(kind, graph, inputs).configuration()
    validation = Validation.of(split, graph, inputs.seed)
    return choose(kind, graph, validation, replace(inputs, metric=validation.metric)).configuration()


def _evaluate_date(
    snapshot: Snapshot,
    events: _Events,
    prices: Prices,
    window: Window,
    configuration: Configuration,
    sources: Sources,
    inputs: Inputs,
) -> DateResult:
    graph = visible_graph(snapshot, Hidden(known_from=window.begin * DAY))
    inputs = replace(inputs, blocks=sources.blocks(Seen(snapshot, graph, window.begin * DAY)))
    num_products = events.num_products
    returns = prices.monthly_returns(window)
    listed = ~np.isnan(returns)
    seen = events.before(window.begin)
    test = np.setdiff1d(events.within(window, purchases=False), seen)
    users = np.intersect1d(test // num_products, seen // num_products).astype(np.int32)
    bought = np.setdiff1d(events.within(window, purchases=True), seen)
    findable = np.isin(bought % num_products, seen % num_products) & listed[bought % num_products]
    relevant = rows_of(from_codes(bought[findable], graph.num_users, num_products), users)
    models: dict[str, Scores] = {"model": blend_of(configuration, graph, inputs), "popularity": fit_popularity(graph)}
    ndcg, roi = {}, {"market": float(returns[listed].mean()) if listed.any() else 0.0}
    for name, scores in models.items():
        lists = _lists(scores, graph, users, listed, seen)
        ndcg[name] = float(_ndcg(lists, relevant).mean()) if len(users) else 0.0
        earned = np.where(lists >= 0, returns[lists], 0.0).sum(axis=1) / np.maximum((lists >= 0).sum(axis=1), 1)
        roi[name] = float(earned.mean()) if len(users) else 0.0
    shown = [(EPOCH + timedelta(days=day)).isoformat() for day in (window.begin, window.end)]
    return DateResult(shown[0], shown[1], len(users), int(listed.sum()), ndcg, roi)


def _ndcg(lists: NDArray[np.int32], relevant: Adjacency) -> NDArray[np.float64]:
    """nDCG@10 of every customer (num_users,); 0 for those who bought nothing they could have been offered."""
    values = np.zeros(len(lists))
    rows = np.flatnonzero(relevant.degrees() > 0)
    some = rows_of(relevant, rows)
    values[rows] = evaluate_lists(lists[rows], some.indptr, some.indices, [K])[f"ndcg@{K}"]
    return values


def _lists(
    scores: Scores, graph: Graph, users: NDArray[np.int32], listed: NDArray[np.bool_], seen: NDArray[np.int64]
) -> NDArray[np.int32]:
    """The first K assets of each customer (num_users, K) that have prices and that they never traded."""
    traded = from_codes(seen, graph.num_users, graph.num_products)
    return first_products(scores.batch(users), K, traded, users, listed)
