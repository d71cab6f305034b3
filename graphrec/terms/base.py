"""What a term is, and what its part of a ledger looks like."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Hop

LineKind = Literal["path", "attribute", "similarity", "general", "new", "self", "nonlinear"]
LinePart = Literal["", "text", "learned"]


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


class Term(Protocol):
    """One part of a score, linear in the user's first-hop neighbours."""

    @property
    def name(self) -> str:
        """What people call it: kernel, spectral, ease, …"""
        ...

    def scores(self, user: int) -> NDArray[np.float64]:
        """The term's scores of all products (num_products,) for one user."""
        ...

    def batch(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """The term's scores (len(users), num_products) for many users; may be rounded to float32."""
        ...

    def rows(self, users: NDArray[np.int32]) -> NDArray[np.float64]:
        """What `scores` gives for each of many users (len(users), num_products), to the bit."""
        ...

    def shares(self, user: int, products: NDArray[np.int32]) -> Shares:
        """The lines of these products; their float64 sums are the term's exact scores."""
        ...
