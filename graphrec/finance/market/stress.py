"""Stress by history: what today's weights would have lost in episodes that were declared, or the worst of an index.

    loss = -sum over positions: w_i (price at the end / price at the beginning - 1),  prices as of the days or before

Positions without a price at the beginning, or none at all, are left out and their part of the wealth is said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Days = NDArray[np.int64]
Course = tuple[Days, Floats]
"""Days since 1970, ascending, and the price of each."""
WINDOW = 21
"""Trading days of an episode that is found."""
WORST = 3
"""Episodes that are found."""


@dataclass(frozen=True)
class Episode:
    """A time between two days, the prices of both ends of which are compared."""

    name: str
    begin: str
    end: str
    is_declared: bool = False


@dataclass(frozen=True)
class Loss:
    """What weights would have lost in an episode."""

    episode: str
    begin: str
    end: str
    loss: float
    """As a part of the wealth; below 0: a gain."""
    covered: float
    """Part of the wealth, cash and riskless products among it, of which it is known."""


def index_of(courses: Sequence[Course]) -> Course:
    """An index of products weighed alike: the mean of their returns on days on which at least half of them have one.

    >>> days, values = index_of([(np.array([1, 2, 3]), np.array([1.0, 2.0, 1.0])), (np.array([1, 2]), np.ones(2))])
    >>> days.tolist(), values.tolist()
    ([1, 2, 3], [1.0, 1.5, 0.75])
    """
    days, counts = np.unique(np.concatenate([own for own, _ in courses]), return_counts=True)
    calendar = days[2 * counts >= len(courses)]
    sums, known = np.zeros(len(calendar)), np.zeros(len(calendar))
    for own, values in courses:
        places = np.searchsorted(own, calendar)
        there = (places < len(own)) & (own[np.minimum(places, len(own) - 1)] == calendar)
        here = np.flatnonzero(there)
        sums[here[1:]] += np.diff(values[places[here]]) / values[places[here[:-1]]]
        known[here[1:]] += 1
    returns = np.divide(sums, known, out=np.zeros(len(calendar)), where=known > 0)
    return calendar, np.asarray(np.cumprod(1 + returns), np.float64)


def worst(index: Course, *, window: int = WINDOW, most: int = WORST) -> tuple[Episode, ...]:
    """The windows in which an index fell most, the worst first, none of which overlap."""
    days, values = index
    if len(days) <= window:
        return ()
    moved = values[window:] / values[:-window] - 1
    found: list[int] = []
    for place in np.lexsort((np.arange(len(moved)), moved)).tolist():
        if moved[place] >= 0 or len(found) == most:
            break
        if all(abs(place - other) > window for other in found):
            found.append(place)
    return tuple(
        Episode(f"{_day(days[place])} to {_day(days[place + window])}", _day(days[place]), _day(days[place + window]))
        for place in found
    )


def moved(course: Course, episode: Episode) -> float | None:
    """What a price did in an episode; None: it was not there at the beginning, or has ended."""
    days, values = course
    begin, end = (int(np.datetime64(day).astype(np.int64)) for day in (episode.begin, episode.end))
    first, last = (int(np.searchsorted(days, day, side="right")) - 1 for day in (begin, end))
    if first < 0 or last == first:
        return None
    return float(values[last] / values[first] - 1)


def losses(
    episodes: Sequence[Episode], weights: Mapping[str, float], courses: Mapping[str, Course], riskless: float
) -> tuple[Loss, ...]:
    """What some weights would have lost.

    Args:
        weights: parts of the wealth by product, without what is riskless.
        riskless: the part of the wealth that does not move.
    """
    found = []
    for one in episodes:
        told = [(weight, moved(courses[name], one)) for name, weight in weights.items() if name in courses]
        known = [(weight, change) for weight, change in told if change is not None]
        loss = -sum(weight * change for weight, change in known)
        found.append(Loss(one.name, one.begin, one.end, loss, riskless + sum(weight for weight, _ in known)))
    return tuple(found)


def _day(day: np.int64) -> str:
    return str(day.astype("datetime64[D]"))
