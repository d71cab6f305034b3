"""The lines of a score: those of one term, of one user, and of many users side by side."""

from collections.abc import Sequence
from dataclasses import field
from functools import cached_property
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from graphrec.frozen import dataclass
from graphrec.graph.edges.adjacency import Hop

LineKind = Literal[
    "path", "attribute", "similarity", "pair", "general", "new", "against", "nonlinear", "diversification",
    "profit",
]  # fmt: skip
LinePart = str
"""The name of the feature block that a line comes from, `learned`, or empty."""
Edge = tuple[Hop | None, int]
"""A first hop and the node it leads to; no hop and -1: the user's own text."""


@dataclass(frozen=True)
class LineGroup:
    """What the lines of one way of scoring have in common."""

    kind: LineKind
    hop: Hop | None = None
    """The first hop to the neighbour a line speaks of; None for everyone and for the user's own text."""
    walk: int | None = None
    """Position of the walk in its term, for lines that are real paths."""
    part: LinePart = ""
    people: bool = False
    """The path leads through other users, who are merged into one line."""
    ended: bool = False
    """The neighbour was held and is held no more."""
    other: Hop | None = None
    """The first hop to the second neighbour of a pair, whose place is `mid`."""

    def edge(self, via: int) -> Edge | None:
        """The first edge of the user that a line with this neighbour rests on; None: no deletion takes it away."""
        if self.hop is not None:
            return self.hop, via
        return (None, -1) if self.kind == "similarity" else None

    def edges(self, via: int, mid: int) -> tuple[Edge, ...]:
        """All edges of the user that a line rests on: of a pair two."""
        first = self.edge(via)
        second = None if self.other is None else (self.other, mid)
        return tuple(edge for edge in (first, second) if edge is not None)


@dataclass(frozen=True, eq=False)
class Shares:
    """The lines of one term for one user and several products, in the term's own units.

    Shapes: group, via, mid (num_lines,): position in `groups`, node reached by the first hop, node between it and the
    product (-1: none); values (num_lines, num_products). A column sums to the term's score of that product.
    """

    groups: tuple[LineGroup, ...]
    group: NDArray[np.int16]
    via: NDArray[np.int32]
    mid: NDArray[np.int32]
    values: NDArray[np.float64]

    @classmethod
    def none(cls, num_products: int) -> "Shares":
        """No lines at all."""
        empty = np.zeros(0, np.int32)
        return cls((), np.zeros(0, np.int16), empty, empty, np.zeros((0, num_products)))

    @classmethod
    def stack(
        cls, parts: "list[tuple[LineGroup, NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]]"
    ) -> "Shares":
        """All lines of several groups, given as (group, via, mid, values)."""
        return cls(
            tuple(part[0] for part in parts),
            np.repeat(np.arange(len(parts)), [len(part[1]) for part in parts]).astype(np.int16),
            np.concatenate([part[1] for part in parts]).astype(np.int32),
            np.concatenate([part[2] for part in parts]).astype(np.int32),
            np.concatenate([part[3] for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class Ledger:
    """Every line of the scores of some products for one user, in score units.

    Shapes: term, group, via, mid (num_lines,); values (num_lines, num_products). A column sums to the score.
    """

    term: NDArray[np.int16]
    groups: tuple[LineGroup, ...]
    owners: tuple[int, ...]
    """The term of each group."""
    group: NDArray[np.int16]
    via: NDArray[np.int32]
    mid: NDArray[np.int32]
    values: NDArray[np.float64]

    def totals(self) -> NDArray[np.float64]:
        """The scores (num_products,): the float64 sum of all lines."""
        totals: NDArray[np.float64] = self.values.sum(axis=0)
        return totals

    def group_of(self, place: int) -> LineGroup:
        """What the line at a place has in common with others."""
        return self.groups[int(self.group[place])]


@dataclass(frozen=True, eq=False)
class Beside:
    """What every line gives to the products of reference.

    Shapes: values (num_lines, num_products), places (num_reference,) in its columns; mean (num_lines,).
    """

    values: NDArray[np.float64]
    places: NDArray[np.int64]
    mean: NDArray[np.float64]
    """What every line gives to them on average; 0 where there are none."""

    @classmethod
    def of(cls, values: NDArray[np.float64], places: NDArray[np.int64]) -> "Beside":
        """The same with its means."""
        return cls(values, places, values[:, places].mean(axis=1) if len(places) else np.zeros(len(values)))

    def rows(self, lines: NDArray[np.bool_]) -> NDArray[np.float64]:
        """What some lines give to each of them (num_chosen, num_reference)."""
        return self.values[lines][:, self.places]


class Asked(NamedTuple):
    """Which lines a compiled loop writes: users, their products padded with -1, how many those are, and the scales."""

    users: NDArray[np.int32]
    products: NDArray[np.int32]
    widths: NDArray[np.int64]
    scale: NDArray[np.float64]


class Out(NamedTuple):
    """Where lines are written: `filled` (num_users,) is the next free one of each user; the rest (num_lines, ...).

    Write in a function that the parallel loop calls: numba drops, as dead, what the loop itself writes to a field.
    """

    filled: NDArray[np.int64]
    values: NDArray[np.float64]
    via: NDArray[np.int32]
    mid: NDArray[np.int32]
    group: NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Block:
    """The lines of several users, each in a region of its own that is filled from its start."""

    users: NDArray[np.int32]
    products: NDArray[np.int32]
    widths: NDArray[np.int64]
    starts: NDArray[np.int64]
    out: Out
    groups: list[LineGroup] = field(default_factory=list)
    terms: list[int] = field(default_factory=list)
    """The term of each group."""

    @classmethod
    def empty(cls, users: NDArray[np.int32], products: Sequence[NDArray[np.int32]], most: NDArray[np.int64]) -> "Block":
        """Room for at most so many lines of each user (num_users,)."""
        starts = np.zeros(len(users) + 1, np.int64)
        np.cumsum(most, out=starts[1:])
        lengths = [len(wanted) for wanted in products]
        widths = np.array(lengths, np.int64)
        padded = np.full((len(users), max(lengths, default=0)), -1, np.int32)
        for place, wanted in enumerate(products):
            padded[place, : len(wanted)] = wanted
        size = int(starts[-1])
        values = np.empty((size, padded.shape[1]))
        via, mid, group = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int16)
        return cls(users, padded, widths, starts[:-1], Out(starts[:-1].copy(), values, via, mid, group))

    def asked(self, scale: NDArray[np.float64]) -> Asked:
        """What a compiled loop writes lines of, at the scale of a term for each user."""
        return Asked(self.users, self.products, self.widths, scale)

    def add_group(self, group: LineGroup, term: int) -> int:
        """The number of a new group of lines."""
        self.groups.append(group)
        self.terms.append(term)
        return len(self.groups) - 1

    def add_groups(self, groups: Sequence[LineGroup], terms: Sequence[int]) -> int:
        """The number of the first of some new groups."""
        self.groups.extend(groups)
        self.terms.extend(terms)
        return len(self.groups) - len(groups)

    def ledger(self, place: int) -> Ledger:
        """The lines of one user; their values are a part of the block."""
        out, span = self.out, slice(int(self.starts[place]), int(self.out.filled[place]))
        group = out.group[span].copy()
        values = out.values[span, : self.widths[place]]
        groups, owners, numbers = self._named
        terms = numbers[group] if self.terms else np.zeros(0, np.int16)
        return Ledger(terms, groups, owners, group, out.via[span].copy(), out.mid[span].copy(), values)

    @cached_property
    def _named(self) -> tuple[tuple[LineGroup, ...], tuple[int, ...], NDArray[np.int16]]:
        """The groups and their terms, these as an array too: the same for all ledgers of the block."""
        return tuple(self.groups), tuple(self.terms), np.array(self.terms, np.int16)


class Lines(Protocol):
    """The lines of one term for several users, ready to be written side by side."""

    def most(self) -> NDArray[np.int64]:
        """At most how many lines each user has (num_users,)."""
        ...

    def write(self, block: Block, scale: NDArray[np.float64], position: int) -> None:
        """Append the lines to the regions of a block.

        Args:
            scale: (num_users,) what the lines are multiplied with; a user with 0 gets none.
            position: of the term in its blend.
        """
        ...


@dataclass(frozen=True, eq=False)
class ShareLines:
    """Lines that were computed user by user."""

    shares: Sequence[Shares]

    def most(self) -> NDArray[np.int64]:
        """How many lines each user has."""
        return np.array([len(one.via) for one in self.shares], np.int64)

    def write(self, block: Block, scale: NDArray[np.float64], position: int) -> None:
        """Append the lines."""
        numbers: dict[LineGroup, int] = {}
        out = block.out
        for place, shares in enumerate(self.shares):
            if not scale[place]:
                continue
            for group in shares.groups:
                if group not in numbers:
                    numbers[group] = block.add_group(group, position)
            here = [numbers[group] for group in shares.groups]
            span = slice(int(out.filled[place]), int(out.filled[place]) + len(shares.via))
            out.values[span, : block.widths[place]] = scale[place] * shares.values
            out.via[span], out.mid[span] = shares.via, shares.mid
            out.group[span] = np.array(here, np.int16)[shares.group] if here else 0
            out.filled[place] = span.stop
