"""The portrait of customers as of a date: numbers from their edges, tags by rules, bands of numbers.

    NAME_30          events of a type in the last 30 days, for each window of the file
    NAME_total       events of a type
    NAME_products    different products of a type
    NAME_amount_30   sum of what the mapping calls weight, where a type has some
    NAME_night       events between 0 and 6 in UTC, and so NAME_morning, NAME_afternoon, NAME_evening, where a type has
                     times finer than days
    NAME_recency     days since the latest event with a time
    holdings         products that are held
    tenure           days since the first event with a time
    revealed_risk    mean of the products' risk column over what is held

What was known after the date changes nothing. All customers are computed at once with numpy; one alone in the same way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import UsageError
from graphrec.finance.conditions import Met
from graphrec.finance.portrait_file import PortraitFile
from graphrec.graph.folders.snapshot import ALWAYS, Snapshot
from graphrec.policy.facts import DAY, Block, Facts
from graphrec.serving.reasons.sentences import words

Floats = NDArray[np.float64]
Users = NDArray[np.int64]
MOST = 3
"""Values of one kind that the text names."""
HOURS = ("night", "morning", "afternoon", "evening")
"""Quarters of a day."""


@dataclass(frozen=True)
class Tag:
    """A tag of one customer."""

    id: str
    name: str
    rule: str
    evidence: Mapping[str, str | int | float | bool | None]
    """What the rule read, as it is written in the rule."""


@dataclass(frozen=True)
class BandOf:
    """The band of one number of a customer."""

    number: str
    band: str
    value: float


@dataclass(frozen=True)
class Portrait:
    """What is computed of one customer as of a date."""

    user: str
    as_of: str
    numbers: Mapping[str, float]
    held: Mapping[str, Mapping[str, int]]
    """By what products are told apart by: how many of the held ones have each value."""
    stated_risk: float | None
    tags: tuple[Tag, ...]
    bands: tuple[BandOf, ...]
    missing: tuple[str, ...]
    """Columns without a value, and numbers that nothing is known for."""
    text: str


class Portraits:
    """The portraits of a graph as of a date.

    Args:
        snapshot: a snapshot or facts.
        file: windows, tags and bands.
        as_of: the date in microseconds since 1970.

    Raises:
        UsageError: a rule or a name of the file does not fit the graph.
    """

    def __init__(self, snapshot: Snapshot, file: PortraitFile, as_of: int) -> None:
        self.snapshot, self.file, self.as_of = snapshot, file, as_of
        self.roles, self.schema = snapshot.schema.roles, snapshot.schema
        self.facts = Facts(snapshot, as_of, known_before=as_of, held_before=as_of)
        self.types = [
            name
            for name in dict.fromkeys((*self.roles.interactions, *self.roles.holding))
            if name in snapshot.types and self.schema.edges[name].source == self.roles.user
            and self.schema.edges[name].target == self.roles.product
        ]  # fmt: skip
        self.tags = [(tag, Met(self.facts, tag.when, f"tag {tag.id} of the portrait")) for tag in file.tag]
        if unknown := next((one for one in file.bands if one not in self.names), None):
            raise UsageError(
                f"[bands] of the portrait: there is no number {unknown}; there are {', '.join(self.names)}"
            )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The numbers of every customer, columns of numbers among them as user.NAME."""
        return tuple(self.numbers(np.zeros(0, np.int64)))

    def numbers(self, users: Users) -> dict[str, Floats]:
        """(users,) each number by its name; NaN: nothing is known."""
        found: dict[str, Floats] = {}
        first = np.full(len(users), np.inf)
        for name in self.types:
            found |= self._of_type(name, users, first)
        held = self.facts.holdings(Block(users))
        found["holdings"] = np.bincount(held[:, 0], minlength=len(users)).astype(np.float64)
        found["tenure"] = np.where(np.isfinite(first), (self.as_of - first) / DAY, np.nan)
        if (risk := self._risk_column) is not None:
            found["revealed_risk"] = self._mean_held(users, held, risk)
        for column in self._columns:
            found[f"user.{column}"] = self._column(column, users)
        return found

    def tagged(self, users: Users) -> dict[str, NDArray[np.bool_]]:
        """(users,) who has each tag."""
        return {tag.id: condition.by(users) for tag, condition in self.tags}

    def banded(self, numbers: Mapping[str, Floats]) -> dict[str, list[str | None]]:
        """(users,) the band of each number that the file cuts; None: nothing is known."""
        return {
            name: [None if np.isnan(one) else band_name(edges, float(one)) for one in numbers[name]]
            for name, edges in self.file.bands.items()
        }

    def one(self, user: int) -> Portrait:
        """The portrait of one customer."""
        users = np.array([user])
        numbers = {name: float(value[0]) for name, value in self.numbers(users).items()}
        known = {name: value for name, value in numbers.items() if not np.isnan(value)}
        tags = tuple(
            Tag(tag.id, tag.name or tag.id, tag.when, condition.read(user))
            for tag, condition in self.tags
            if condition.by(users)[0]
        )
        bands = tuple(
            BandOf(name, band_name(edges, known[name]), known[name])
            for name, edges in self.file.bands.items()
            if name in known
        )
        stated = None if self.file.stated_risk is None else known.get(f"user.{self.file.stated_risk}")
        missing = (*(name for name in numbers if name not in known), *self._missing(user))
        ids, held = self.snapshot.nodes(self.roles.user).ids, self._held(users)
        day = str(np.datetime64(self.as_of, "us"))[:10]
        text = _text(known, [tag.name for tag in tags], held, self.types)
        return Portrait(ids[user], day, known, held, stated, tags, bands, tuple(dict.fromkeys(missing)), text)

    def _of_type(self, name: str, users: Users, first: Floats) -> dict[str, Floats]:
        """The numbers of one edge type; `first` is lowered to the first event of each customer."""
        edges = self.snapshot.edges(name)
        starts = np.asarray(edges.indptr[users])
        lengths = np.asarray(edges.indptr[users + 1]) - starts
        rows = np.repeat(np.arange(len(users)), lengths)
        places = np.arange(len(rows)) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
        seen = edges.known_at[places] < self.as_of
        rows, places = rows[seen], places[seen]
        at, count = edges.at[places], len(users)
        dated = at != ALWAYS
        weight = None if edges.weight is None else np.nan_to_num(np.asarray(edges.weight[places], np.float64))
        found = {f"{name}_total": np.bincount(rows, minlength=count).astype(np.float64)}
        pairs = np.unique(rows * self.facts.num_products + np.asarray(edges.indices[places], np.int64))
        found[f"{name}_products"] = np.bincount(pairs // self.facts.num_products, minlength=count).astype(np.float64)
        for days in self.file.windows:
            inside = dated & (at > self.as_of - days * DAY)
            found[f"{name}_{days}"] = np.bincount(rows[inside], minlength=count).astype(np.float64)
            if weight is not None:
                sums = np.bincount(rows[inside], weight[inside], minlength=count)
                found[f"{name}_amount_{days}"] = sums.astype(np.float64)
        if name in self._with_hours:
            quarter = at % DAY // (DAY // len(HOURS))
            for place, part in enumerate(HOURS):
                inside = dated & (quarter == place)
                found[f"{name}_{part}"] = np.bincount(rows[inside], minlength=count).astype(np.float64)
        last = np.full(count, -np.inf)
        np.maximum.at(last, rows[dated], at[dated])
        np.minimum.at(first, rows[dated], at[dated])
        found[f"{name}_recency"] = np.where(np.isfinite(last), (self.as_of - last) / DAY, np.nan)
        return found

    @cached_property
    def _with_hours(self) -> frozenset[str]:
        """The edge types whose times are finer than days."""
        whole = {name: np.asarray(self.snapshot.edges(name).at[:]) for name in self.types}
        return frozenset(name for name, at in whole.items() if (at[at != ALWAYS] % DAY).any())

    @cached_property
    def _columns(self) -> list[str]:
        """The columns of numbers of customers that a portrait may show, of days that are over."""
        node = self.schema.nodes[self.roles.user]
        hidden = {*node.personal, *node.protected, *node.dated, *node.dated.values()}
        there = self.snapshot.nodes(self.roles.user).columns
        return sorted(name for name, kind in there.items() if kind in ("integer", "real") and name not in hidden)

    @cached_property
    def _risk_column(self) -> str | None:
        name = self.file.product_risk or self.schema.nodes[self.roles.product].show.get("risk")
        columns = self.snapshot.nodes(self.roles.product).columns
        if self.file.product_risk is not None and name not in columns:
            raise UsageError(f"product_risk of the portrait: products have no column {name}")
        return name if name is not None and columns.get(name) in ("integer", "real") else None

    def _column(self, name: str, users: Users) -> Floats:
        column = self.snapshot.nodes(self.roles.user).column(name)
        values = np.asarray(column.values)[users].astype(np.float64)
        return np.where(np.asarray(column.valid)[users], values, np.nan)

    def _mean_held(self, users: Users, held: NDArray[np.int64], name: str) -> Floats:
        column = self.snapshot.nodes(self.roles.product).column(name)
        values, valid = np.asarray(column.values)[held[:, 1]].astype(np.float64), np.asarray(column.valid)[held[:, 1]]
        sums = np.bincount(held[valid, 0], values[valid], minlength=len(users))
        counts = np.bincount(held[valid, 0], minlength=len(users))
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

    def _held(self, users: Users) -> dict[str, dict[str, int]]:
        """What products a customer holds, by texts of products and by what they are linked with."""
        held = self.facts.holdings(Block(users))[:, 1].tolist()
        found: dict[str, dict[str, int]] = {}
        show = self.schema.nodes[self.roles.product].show
        for what in sorted({"kind", show.get("kind", "kind"), "currency"}):
            if self.snapshot.nodes(self.roles.product).columns.get(what) == "text":
                _count(found, what, [self.snapshot.value(self.roles.product, what, one) for one in held])
        for name in self.snapshot.types:
            edge = self.schema.edges[name]
            if edge.source == self.roles.product and edge.target not in (self.roles.product, self.roles.user):
                edges, nodes = self.snapshot.edges(name), self.snapshot.nodes(edge.target)
                spans = [slice(int(edges.indptr[one]), int(edges.indptr[one + 1])) for one in held]
                linked = [int(node) for span in spans for node in edges.indices[span]]
                _count(found, edge.target, [self.snapshot.name(edge.target, n) or nodes.ids[n] for n in linked])
        return found

    def _missing(self, user: int) -> list[str]:
        node = self.schema.nodes[self.roles.user]
        hidden = {*node.personal, *node.protected, *node.dated, *node.dated.values(), *node.encoded}
        columns = sorted(set(self.snapshot.nodes(self.roles.user).columns) - hidden)
        return [f"user.{name}" for name in columns if self.snapshot.value(self.roles.user, name, user) is None]


def band_name(edges: Sequence[float], value: float) -> str:
    """The band of a value; one that reaches an edge is above it.

    >>> [band_name((10, 20), value) for value in (9, 10, 25)]
    ['below 10', '10 to below 20', '20 or more']
    """
    place = int(np.searchsorted(np.asarray(edges, np.float64), value, side="right"))
    if place == 0:
        return f"below {edges[0]:g}"
    return f"{edges[-1]:g} or more" if place == len(edges) else f"{edges[place - 1]:g} to below {edges[place]:g}"


def _count(found: dict[str, dict[str, int]], what: str, values: Sequence[object]) -> None:
    texts = [str(one) for one in values if one is not None]
    if texts:
        found[what] = {text: texts.count(text) for text in sorted(set(texts), key=lambda t: (-texts.count(t), t))}


def _text(
    numbers: Mapping[str, float], tags: Sequence[str], held: Mapping[str, Mapping[str, int]], types: Sequence[str]
) -> str:
    """The portrait in sentences; every number and name in it is one of the portrait."""
    holdings = numbers["holdings"]
    said = ["Holds no product." if not holdings else f"Holds {holdings:g} product{'s' * (holdings != 1)}."]
    # A column and the nodes that were made of it say the same.
    different = [what for n, what in enumerate(held) if held[what] not in list(held.values())[:n]]
    said += [f"By {words(what)}: {_listed(held[what])}." for what in different]
    if "tenure" in numbers:
        said.append(f"First event {numbers['tenure']:.0f} days ago.")
    said += [
        f"{words(name).capitalize()}: {numbers[f'{name}_total']:g} in all, "
        f"the latest {numbers[f'{name}_recency']:.0f} days ago."
        for name in types
        if f"{name}_recency" in numbers
    ]
    if tags:
        said.append(f"Tags: {', '.join(tags)}.")
    return " ".join(said)


def _listed(counts: Mapping[str, int]) -> str:
    most = ", ".join(f"{name} {count}" for name, count in list(counts.items())[:MOST])
    return most if len(counts) <= MOST else f"{most}, and others"
