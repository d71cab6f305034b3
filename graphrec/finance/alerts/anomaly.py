"""How unlike all others an account's transfers are: a sum over measures, so that each part of it is a reason.

    measure   of what goes out and of what comes in: how many, how many others, the sum, the mean, the smallest, the
              largest, most within seven days, most with one other; and the part that goes to those who send
    score     sum over measures of min(|x - median| / (1.4826 MAD), 10),   x = log(1 + measure)

The median and the median absolute deviation are those of all accounts with a transfer (Rousseeuw and Hubert, WIREs Data
Mining and Knowledge Discovery 1 (2011)): a few odd accounts do not move them. Nothing is learned from labels.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.finance.alerts.signals import DAY, Places, Step, Transfers

Floats = NDArray[np.float64]
WEEK = 7 * DAY
MOST = 10.0
"""What one measure adds at most."""
CONSISTENT = 1.4826
"""Median absolute deviations of a normal distribution in one standard deviation."""


@dataclass(frozen=True, eq=False)
class Anomalies:
    """The accounts with a transfer, their scores and what they are sums of.

    Shapes: accounts, scores (num_accounts,); each of `measures` and `parts` (num_accounts,).
    """

    accounts: Places
    """Places in the ids of the transfers."""
    scores: Floats
    measures: Mapping[str, Floats]
    parts: Mapping[str, Floats]
    """What each measure adds to the scores."""
    usual: Mapping[str, float]
    """Median of each measure."""
    known: Transfers
    """What the measures are of."""

    def highest(self, share: float) -> Places:
        """The rows of a share of the accounts with the highest scores, the highest first; of ties none at the end."""
        order = np.lexsort((self.accounts, -self.scores))
        count = int(share * len(order))
        bound = float(self.scores[order[count]]) if count < len(order) else -np.inf
        return order[:count][self.scores[order[:count]] > bound]

    def path(self, row: int, most: int = 12) -> tuple[Step, ...]:
        """The transfers behind the measure that adds most to a score, by time: those that make it what it is."""
        name = max(self.parts, key=lambda one: (self.parts[one][row], one))
        measure, _, way = name.rpartition(" ")
        known, account = self.known, int(self.accounts[row])
        one, other = (known.target, known.source) if way == "in" else (known.source, known.target)
        own = np.flatnonzero(one == account)
        if not len(own):  # a measure of what is not there: what there is
            one, other = other, one
            own = np.flatnonzero(one == account)
        if measure == "most with one":
            own = own[other[own] == np.bincount(other[own]).argmax()]
        elif measure == "most in a week":
            times = known.at[own]
            counts = np.arange(1, len(own) + 1) - np.searchsorted(times, times - WEEK, side="right")
            end = int(counts.argmax())
            own = own[end + 1 - int(counts[end]) : end + 1]
        else:
            sign = 1.0 if measure == "smallest" else -1.0
            own = own[np.argsort(sign * known.amount[own], kind="stable")]
        return known.steps(np.sort(own[:most]))

    def described(self, row: int, most: int = 5) -> list[str]:
        """The measures that add most to a score, each with its value and the usual one."""
        names = sorted((name for name in self.parts if self.parts[name][row] > 0), key=lambda n: -self.parts[n][row])
        return [
            f"{name} {self.measures[name][row]:,.2f}, usual {self.usual[name]:,.2f}: {self.parts[name][row]:.1f} of "
            f"{self.scores[row]:.1f}"
            for name in names[:most]
        ]


def anomalies(transfers: Transfers, start: int, as_of: int) -> Anomalies:
    """How unlike all others each account is, by its transfers after a start and before a date."""
    known = transfers.within(start, as_of, 0.0)
    accounts = np.unique(np.concatenate([known.source, known.target]))
    source, target = np.searchsorted(accounts, known.source), np.searchsorted(accounts, known.target)
    count = len(accounts)
    measures = {
        **_of_way("out", source, target, known, count),
        **_of_way("in", target, source, known, count),
    }
    pairs, back = source * count + target, target * count + source
    returned = np.bincount(source, np.isin(pairs, back), count)
    measures["to those who send"] = returned / np.maximum(measures["number out"], 1)
    parts = {name: _part(np.log1p(values)) for name, values in measures.items()}
    usual = {name: float(np.median(values)) if count else 0.0 for name, values in measures.items()}
    return Anomalies(accounts, np.sum(list(parts.values()), axis=0), measures, parts, usual, known)


def _of_way(way: str, own: Places, other: Places, known: Transfers, count: int) -> dict[str, Floats]:
    """The measures of what goes one way."""
    number = np.bincount(own, minlength=count).astype(np.float64)
    total: Floats = np.bincount(own, known.amount, count).astype(np.float64)
    pairs, times = np.unique(own * count + other, return_counts=True)
    smallest, largest = np.full(count, np.inf), np.zeros(count)
    np.minimum.at(smallest, own, known.amount)
    np.maximum.at(largest, own, known.amount)
    with_one = np.zeros(count)
    np.maximum.at(with_one, pairs // count, times)
    measures: dict[str, Floats] = {
        f"number {way}": number,
        f"others {way}": np.bincount(pairs // count, minlength=count).astype(np.float64),
        f"sum {way}": total,
        f"mean {way}": total / np.maximum(number, 1),
        f"smallest {way}": np.where(number > 0, smallest, 0.0),
        f"largest {way}": largest,
        f"most in a week {way}": _most_within(own, known.at, count),
        f"most with one {way}": with_one,
    }
    return measures


def _most_within(own: Places, at: Places, count: int) -> Floats:
    """The most transfers of each account within seven days."""
    found = np.zeros(count)
    order = np.lexsort((at, own))
    own, at = own[order], at[order]
    bounds = np.searchsorted(own, np.arange(count + 1))
    for place in np.flatnonzero(np.diff(bounds)).tolist():
        times = at[bounds[place] : bounds[place + 1]]
        first = np.searchsorted(times, times - WEEK, side="right")
        found[place] = float((np.arange(len(times)) - first + 1).max())
    return found


def _part(values: Floats) -> Floats:
    """Distances from the median in robust standard deviations, at most `MOST`; 0 where most accounts are alike."""
    if not len(values):
        return values
    away = np.abs(values - np.median(values))
    spread = CONSISTENT * float(np.median(away))
    found: Floats = np.minimum(away / spread, MOST) if spread > 0 else np.where(away > 0, MOST, 0.0)
    return found
