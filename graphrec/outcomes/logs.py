"""Logs of other systems in the form of the Open Bandit Dataset, and what a policy would have earned on them."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import SourceError
from graphrec.metrics.off_policy import MeanRewards, OffPolicy, off_policy
from graphrec.outcomes.support import Estimate, check

#: Columns of a log; other columns are not read.
COLUMNS = ("item_id", "position", "click", "propensity_score")
TARGET = ("item_id", "position", "probability")


@dataclass(frozen=True, eq=False)
class Log:
    """Choices that were logged.

    Shapes: all (num_choices,); items and places from 0.
    """

    items: NDArray[np.int64]
    places: NDArray[np.int64]
    rewards: NDArray[np.float64]
    propensities: NDArray[np.float64]
    names: tuple[str, ...]
    """Ids of items, ascending."""
    positions: tuple[int, ...]
    """Positions as they are in the file, ascending."""


def read_log(file: Path) -> Log:
    """A log: a CSV with item_id, position, click and propensity_score, or a folder with `all.csv`.

    Raises:
        SourceError: it cannot be read, or a cell is not what it has to be.
    """
    path = file / "all.csv" if file.is_dir() else file
    rows = _rows(path, COLUMNS)
    items = [row[0] for row in rows]
    positions = [_whole(path, line, "position", row[1]) for line, row in enumerate(rows, start=2)]
    rewards = [_number(path, line, "click", row[2], 0.0, 1.0) for line, row in enumerate(rows, start=2)]
    chances = [_number(path, line, "propensity_score", row[3], 1e-12, 1.0) for line, row in enumerate(rows, start=2)]
    names, places = tuple(sorted(set(items), key=_by_number)), tuple(sorted(set(positions)))
    at, of = {one: number for number, one in enumerate(places)}, {one: number for number, one in enumerate(names)}
    return Log(
        np.array([of[one] for one in items], np.int64),
        np.array([at[one] for one in positions], np.int64),
        np.array(rewards),
        np.array(chances),
        names,
        places,
    )


def read_target(file: Path, log: Log) -> NDArray[np.float64]:
    """How often a policy shows each item at each place (num_items, num_places).

    Args:
        file: a CSV with item_id, position and probability; or a log, of which the frequencies are taken; or `even`.

    Raises:
        SourceError: it cannot be read, shows an item that the log never has, or its shares at a place are not 1.
    """
    shape = len(log.names), len(log.positions)
    if str(file) == "even":
        return np.full(shape, 1 / shape[0])
    path = file / "all.csv" if file.is_dir() else file
    names, places = ({one: number for number, one in enumerate(known)} for known in (log.names, log.positions))
    is_log = "click" in _header(path)
    rows = _rows(path, COLUMNS[:2] if is_log else TARGET)
    shares = np.zeros(shape)
    for line, row in enumerate(rows, start=2):
        place = _whole(path, line, "position", row[1])
        share = 1.0 if is_log else _number(path, line, "probability", row[2], 0.0, 1.0)
        if share and (row[0] not in names or place not in places):
            raise SourceError(
                f"{path} line {line}: item {row[0]} at position {place} is not in the log, which says nothing of it"
            )
        if share:
            shares[names[row[0]], places[place]] += share
    total = shares.sum(axis=0)
    if is_log:
        shares = shares / np.maximum(total, 1)
    elif not np.allclose(total, 1, atol=1e-6):
        raise SourceError(
            f"{path}: the probabilities of a position add up to {total.min():g} to {total.max():g}; want 1"
        )
    return shares


def estimate_log(log: Log, target: NDArray[np.float64], *, seed: int = 1) -> Estimate:
    """What a policy would have earned, as the mean reward of a choice.

    Raises:
        NoSupport: the log says too little of it.
    """
    q = MeanRewards.of(log.items, log.places, log.rewards, target.shape).values
    weights = target[log.items, log.places] / log.propensities
    # What the log never shows at a place has no weight: the estimate is silent on it.
    logged = np.zeros(target.shape, np.bool_)
    logged[log.items, log.places] = True
    supported = float((target * logged).sum() / max(target.sum(), 1e-300))
    found: OffPolicy = off_policy(
        log.rewards,
        weights,
        q[log.items, log.places],
        (target * q).sum(axis=0)[log.places],
        np.arange(len(log.items)),
        seed=seed,
    )
    return check(found, supported, len(log.items), float(log.rewards.mean()))


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])
    except (OSError, UnicodeError) as error:
        raise SourceError(f"{path} cannot be read: {error}; want a CSV file") from None


def _rows(path: Path, wanted: Iterable[str]) -> list[list[str]]:
    header = _header(path)
    missing = [name for name in wanted if name not in header]
    if missing:
        raise SourceError(f"{path} has no column {missing[0]}; want {', '.join(wanted)}")
    places = [header.index(name) for name in wanted]
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        rows = [[row[place] if place < len(row) else "" for place in places] for row in reader if row]
    if not rows:
        raise SourceError(f"{path} holds no row")
    return rows


def _whole(path: Path, line: int, name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise SourceError(f"{path} line {line}: {name} {text!r} is no whole number; correct it") from None


def _number(path: Path, line: int, name: str, text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise SourceError(f"{path} line {line}: {name} {text!r} is no number from {low:g} to {high:g}; correct it")
    return value


def _by_number(text: str) -> tuple[int, int, str]:
    return (0, int(text), "") if text.isdigit() else (1, 0, text)
