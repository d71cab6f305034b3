"""Portraits of a home's customers: one to read, all to a file, or kept in the store as columns, tags and bands.

portrait.toml of the home says windows, tags and bands.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from functools import partial

import numpy as np

from graphrec.app.bank import Bank
from graphrec.app.data.derived import Derived, keep
from graphrec.app.jobs import MakePortraits
from graphrec.app.recording import record_event
from graphrec.app.requests import AskPortrait
from graphrec.app.results import PortraitsMade
from graphrec.errors import UsageError
from graphrec.files import whole_file
from graphrec.finance.portrait import Portrait, Portraits
from graphrec.finance.portrait_file import read_portrait
from graphrec.graph.folders.facts import FactsShelf
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.lookup import place_of
from graphrec.progress import Progress
from graphrec.schema import Column
from graphrec.times import moment_of

FILE = "portrait.toml"
SOURCE = "graphrec portrait"
TAG, HAS_TAG, BAND, IN_BAND = "PortraitTag", "HAS_TAG", "PortraitBand", "IN_BAND"
_ON = "portrait_on"


def portrait(bank: Bank, request: AskPortrait) -> Portrait:
    """The portrait of one customer as of a date."""
    made = _portraits(bank, request.as_of)
    return made.one(place_of(made.snapshot.nodes(made.roles.user), request.user, "user"))


def portraits(bank: Bank, request: MakePortraits, progress: Progress) -> PortraitsMade:
    """The portraits of all customers, to a file or kept in the store."""
    if request.out is None and not request.keep:
        raise UsageError("say where the portraits of all customers go: --out FILE.csv, --keep, or both")
    made = _portraits(bank, request.as_of)
    ids = made.snapshot.nodes(made.roles.user).ids
    users = np.arange(len(ids))
    progress("portraits", 0, len(users))
    numbers = {name: values for name, values in made.numbers(users).items() if not name.startswith("user.")}
    tags, bands = made.tagged(users), made.banded(made.numbers(users))
    day = moment_of(made.as_of)
    if request.out is not None:
        with whole_file(request.out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([made.roles.user, "as_of", *numbers, *tags, *(f"band {name}" for name in bands)])
            for user in range(len(users)):
                row = ("" if np.isnan(values[user]) else f"{values[user]:.12g}" for values in numbers.values())
                has = (int(flags[user]) for flags in tags.values())
                writer.writerow([ids[user], f"{day:%Y-%m-%d}", *row, *has, *(b[user] or "" for b in bands.values())])
    is_new = False
    if request.keep:
        derived = partial(_derived, made, list(ids), day)
        is_new = keep(bank, SOURCE, derived(numbers, tags, bands), progress)
    counts = {name: int(flags.sum()) for name, flags in tags.items()}
    content = {"did": "portraits", "customers": len(users), "kept": request.keep, "tags": counts}
    number, notes = record_event(bank, "portrait", content, wanted=request.record)
    return PortraitsMade(
        f"{day:%Y-%m-%d}", len(users), tuple(numbers), counts, request.out, request.keep, is_new, number, notes
    )


def _portraits(bank: Bank, as_of: str | None) -> Portraits:
    home = bank.home
    facts, snapshots = FactsShelf(home.facts), SnapshotShelf(home.snapshots)
    # A home whose facts were never published answers from its snapshot.
    shelf = snapshots if snapshots.has_latest() and not facts.has_latest() else facts
    return Portraits(shelf.latest(), read_portrait(home.path / FILE), bank.now(as_of))


def _derived(
    made: Portraits,
    ids: list[str],
    day: datetime,
    numbers: dict[str, np.ndarray],
    tags: dict[str, np.ndarray],
    bands: dict[str, list[str | None]],
) -> Derived:
    """Numbers as dated columns of customers; tags and bands as nodes with edges from the day on."""
    user, names = made.roles.user, {name: f"portrait_{name.lower()}" for name in numbers}
    taken = {TAG, BAND, HAS_TAG, IN_BAND} & {
        name
        for name in (*made.schema.nodes, *made.schema.edges)
        if not any(one.name == _ON for one in made.schema.nodes[user].columns)
    }
    if taken:
        raise UsageError(f"a mapping has {min(taken)} already, which portraits are kept as; rename it there")
    columns = (*(Column(name, "real") for name in names.values()), Column(_ON, "time"))
    rows = [
        (one, {**{names[n]: _or_none(values[place]) for n, values in numbers.items()}, _ON: day})
        for place, one in enumerate(ids)
    ]
    tag_rows = [(tag.id, {"name": tag.name or tag.id, "rule": tag.when}) for tag, _ in made.tags]
    of_bands = sorted({(name, band) for name, listed in bands.items() for band in listed if band is not None})
    in_bands = [
        (ids[place], f"{name}: {band}", day)
        for name, listed in bands.items()
        for place, band in enumerate(listed)
        if band is not None
    ]
    return Derived(
        nodes={user: rows, TAG: tag_rows, BAND: [(f"{n}: {b}", {"name": f"{n} {b}"}) for n, b in of_bands]},
        columns={
            user: columns,
            TAG: (Column("name", "text"), Column("rule", "text")),
            BAND: (Column("name", "text"),),
        },
        dated={user: {column.name: _ON for column in columns}},
        names={TAG: "name", BAND: "name"},
        edges={
            HAS_TAG: (user, TAG, list(_having(ids, tags, day))),
            IN_BAND: (user, BAND, in_bands),
        },
    )


def _having(ids: list[str], tags: dict[str, np.ndarray], day: datetime) -> Iterator[tuple[str, str, datetime]]:
    for name, flags in tags.items():
        for place in np.flatnonzero(flags).tolist():
            yield ids[place], name, day


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
