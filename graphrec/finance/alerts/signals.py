"""Patterns of transfers: money that comes back, many who send to one, one who sends to many; and what several share.

All transfers of a pattern lie within a window of days, and the last of them within as many days before the date. A
cycle goes forward in time, each transfer passes on at least `keeps` of the one before and at most 1 / `keeps` of it,
and no account is in it twice. A fan counts different accounts at the other end. The files
cypher/read/signal_*.cypher ask a store for the same, and a test holds that they find the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.folders.snapshot import ALWAYS

Places = NDArray[np.int64]
Step = tuple[str, str, int, float]
"""A transfer: from, to, when, how much."""
DAY = 86_400_000_000
"""Microseconds."""


@dataclass(frozen=True, eq=False)
class Transfers:
    """Transfers that are known, by time.

    Shapes: source, target, at, amount (num_transfers,); accounts are places in `ids`.
    """

    ids: tuple[str, ...]
    source: Places
    target: Places
    at: Places
    """Microseconds since 1970."""
    amount: NDArray[np.float64]

    def within(self, start: int, end: int, smallest: float) -> "Transfers":
        """Those after a start and before an end, of at least some amount and between two accounts, by time."""
        kept = (self.at > start) & (self.at < end) & (self.amount >= smallest) & (self.source != self.target)
        chosen = np.flatnonzero(kept)
        return self.of(chosen[np.lexsort((self.target[chosen], self.source[chosen], self.at[chosen]))])

    def of(self, chosen: Places) -> "Transfers":
        """Some of them."""
        return Transfers(
            self.ids, self.source[chosen], self.target[chosen], self.at[chosen], self.amount[chosen]
        )  # fmt: skip

    def steps(self, chosen: Places) -> tuple[Step, ...]:
        """Some of them in words."""
        ids = self.ids
        return tuple(
            (ids[int(self.source[one])], ids[int(self.target[one])], int(self.at[one]), float(self.amount[one]))
            for one in chosen.tolist()
        )


@dataclass(frozen=True)
class Signal:
    """A pattern about one account."""

    account: str
    at: int
    """Of its last transfer."""
    steps: tuple[Step, ...]
    """Its transfers."""


def fans(transfers: Transfers, as_of: int, *, days: int, least: int, into: bool, smallest: float = 0.0) -> list[Signal]:
    """Accounts that got money from many within the days, or sent to many; of each the last such window.

    Args:
        into: from many to one.
    """
    seen = transfers.within(as_of - 2 * days * DAY, as_of, smallest)
    one, other = (seen.target, seen.source) if into else (seen.source, seen.target)
    order = np.argsort(one, kind="stable")
    bounds = np.flatnonzero(np.diff(one[order], prepend=-1, append=-1))
    found = []
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        own = order[start:end]
        if end - start >= least and (window := _fan(seen.at[own], other[own], as_of, days, least)) is not None:
            found.append(_signal(seen, own[window], int(one[own[0]])))
    return sorted(found, key=lambda signal: signal.account)


@dataclass(frozen=True, eq=False)
class Links:
    """Links from customers or accounts to what they share, such as an address or a device.

    Shapes: source, target, at (num_links,); places in `ids` and `shared`; at is ALWAYS where a link has no time.
    """

    ids: tuple[str, ...]
    shared: tuple[str, ...]
    source: Places
    target: Places
    at: Places


@dataclass(frozen=True)
class Sharing:
    """One who shares something with others."""

    account: str
    shared: str
    at: int | None
    """When the last of them came to it, in microseconds since 1970; None: no link has a time."""
    own: int | None
    """When this one did."""
    others: tuple[str, ...]


def sharing(links: Links, as_of: int, *, days: int, least: int) -> list[Sharing]:
    """Each who shares something with others; of what an account shares, what most do, then the first by id.

    Args:
        days: links with a time count within so many days before the date.
        least: how many share it, at least.
    """
    kept = (links.at == ALWAYS) | ((links.at < as_of) & (links.at > as_of - days * DAY))
    pairs = np.stack([links.target[kept], links.source[kept], links.at[kept]], axis=1)
    pairs = pairs[np.lexsort(pairs.T[::-1])]
    # The last link of each pair stands.
    last = np.append((pairs[1:, :2] != pairs[:-1, :2]).any(axis=1), True)[: len(pairs)]
    pairs = pairs[last]
    found: dict[int, Sharing] = {}
    bounds = np.flatnonzero(np.diff(pairs[:, 0], prepend=-1, append=-1)) if len(pairs) else np.zeros(1, np.int64)
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        if end - start < least:
            continue
        own, times = pairs[start:end, 1], pairs[start:end, 2]
        latest = None if times.max() == ALWAYS else int(times.max())
        for one, at in zip(own.tolist(), times.tolist(), strict=True):
            others = tuple(links.ids[other] for other in own.tolist() if other != one)
            if one not in found or len(others) > len(found[one].others):
                moment = None if at == ALWAYS else at
                found[one] = Sharing(links.ids[one], links.shared[int(pairs[start, 0])], latest, moment, others)
    return sorted(found.values(), key=lambda one: one.account)


def _fan(at: Places, other: Places, as_of: int, days: int, least: int) -> slice | None:
    """The window of the last of these transfers, by time, that ends a fan."""
    for last in range(len(at) - 1, -1, -1):
        if at[last] <= as_of - days * DAY:
            return None
        first = int(np.searchsorted(at, at[last] - days * DAY, side="right"))
        if last + 1 - first >= least and len(np.unique(other[first : last + 1])) >= least:
            return slice(first, last + 1)
    return None


def cycles(
    transfers: Transfers, as_of: int, *, days: int, least: int, most: int, keeps: float, smallest: float = 0.0
) -> list[Signal]:
    """Cycles of money within the days, about the account that the first transfer leaves; of each account the last."""
    seen = _pruned(transfers.within(as_of - 2 * days * DAY, as_of, smallest))
    count = len(transfers.ids)
    by_source = np.argsort(seen.source, kind="stable")
    starts = np.searchsorted(seen.source[by_source], np.arange(count + 1))
    found: dict[int, tuple[int, ...]] = {}
    walk = _Walk(seen, by_source, starts, days, least, most, keeps)
    for first in range(len(seen.at)):
        for way in walk.ways((first,)):
            if seen.at[way[-1]] > as_of - days * DAY:
                account = int(seen.source[first])
                if account not in found or seen.at[way[-1]] >= seen.at[found[account][-1]]:
                    found[account] = way
    signals = [_signal(seen, np.array(way), account) for account, way in found.items()]
    return sorted(signals, key=lambda signal: signal.account)


@dataclass(frozen=True, eq=False)
class _Walk:
    """Walks forward in time."""

    seen: Transfers
    by_source: Places
    starts: Places
    days: int
    least: int
    most: int
    keeps: float

    def ways(self, way: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        """The cycles that begin with some transfers."""
        seen, last = self.seen, way[-1]
        home, here = int(seen.source[way[0]]), int(seen.target[last])
        own = self.by_source[self.starts[here] : self.starts[here + 1]]
        times = seen.at[own]
        low = int(np.searchsorted(times, seen.at[last], side="right"))
        high = int(np.searchsorted(times, seen.at[way[0]] + self.days * DAY, side="left"))
        amounts, before = seen.amount[own[low:high]], seen.amount[last]
        fits = own[low:high][(amounts >= self.keeps * before) & (amounts * self.keeps <= before)]
        visited = {home, *(int(seen.target[one]) for one in way)}
        for step in fits.tolist():
            to = int(seen.target[step])
            if to == home and len(way) + 1 >= self.least:
                yield (*way, step)
            elif to not in visited and len(way) + 2 <= self.most:
                yield from self.ways((*way, step))


def _pruned(transfers: Transfers) -> Transfers:
    """Without transfers of accounts that money only reaches, or only leaves: they are in no cycle."""
    while True:
        sends, gets = np.unique(transfers.source), np.unique(transfers.target)
        kept = np.isin(transfers.source, gets) & np.isin(transfers.target, sends)
        if kept.all():
            return transfers
        transfers = transfers.of(np.flatnonzero(kept))


def _signal(seen: Transfers, chosen: Places, account: int) -> Signal:
    steps = seen.steps(chosen)
    return Signal(seen.ids[account], steps[-1][2], steps)
