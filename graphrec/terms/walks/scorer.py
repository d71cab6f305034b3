"""What every walk has: its hops, powers and degrees, and what a scorer of one walk answers."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from graphrec.frozen import dataclass
from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.terms.base import Stored, StoredRows, once
from graphrec.terms.ledger import Edge, LineGroup

Vector = NDArray[np.float64]
Part = tuple[LineGroup, NDArray[np.int32], NDArray[np.int32], Vector]
"""Lines: their group, the neighbour and the node between of each (-1: none), values (num_lines, num_products)."""
#: Degrees below it have their powers in a table.
MOST_USUAL = 1024


@dataclass(frozen=True)
class Walk:
    """A typed walk from user to product, a power per hop, and its weight in the kernel."""

    hops: tuple[Hop, ...]
    powers: tuple[float, ...]
    beta: float = 1.0

    def __str__(self) -> str:
        return " ".join(str(hop) for hop in self.hops)


class WalkScorer(ABC):
    """Scores and shares of one walk (beta left out) on one graph; it does not change after it is made.

    Args:
        graph: hops that leave the user label, and hops between other labels; hops into users are read only at the fit,
            for degrees.
        degrees: by position, how many users lead to each node there, as the fit counted them; None: those of the graph.
        learned: weights (nodes,) of the nodes at a position; only where a line names its node (`names`).
    """

    via_user: ClassVar[bool] = False
    """Its first hop leads to people."""
    mid_user: ClassVar[bool] = False
    """It leads from a thing through other people."""
    is_additive: ClassVar[bool] = True
    """What a neighbour gives does not depend on the other neighbours."""

    def __init__(
        self,
        graph: Graph,
        walk: Walk,
        *,
        degrees: Mapping[int, NDArray[Any]] | None = None,
        learned: Mapping[int, Vector] | None = None,
    ) -> None:
        self.graph = graph
        self.walk = walk
        self.first = graph.hops[walk.hops[0]]
        self.labels = tuple(graph.target(hop) for hop in walk.hops)
        self.num_products = graph.num_products
        self.roles = graph.schema.roles
        self.length = len(walk.hops)
        self.degrees = degrees or {}
        self.learned = learned or {}

    @property
    def people(self) -> bool:
        """Whether it leads through other people."""
        return self.via_user or self.mid_user

    @property
    def has_rows(self) -> bool:
        """Whether the score of a user is a sum of rows that are there: of a table, or of the user's own edges."""
        return self.mid_user

    @property
    def closes(self) -> bool:
        """Whether the first hop leads to products, so that a walk may come back to where it led."""
        return self.length > 1 and self.labels[0] == self.roles.product

    @property
    def hops(self) -> frozenset[Hop]:
        """The hops of the graph that it reads: none that leads from something else to people."""
        person = self.roles.user
        both = {way for hop in self.walk.hops for way in (hop, hop.back())}
        return frozenset(hop for hop in both if self.graph.target(hop) != person or self.graph.source(hop) == person)

    def weighted(self, beta: float) -> Self:
        """The same walk with another weight in its kernel."""
        other = copy(self)
        other.walk = replace(self.walk, beta=beta)
        return other

    @abstractmethod
    def scores(self, user: int) -> Vector:
        """Scores (num_products,) of one user."""

    @abstractmethod
    def rows_of(self, user: int) -> tuple[NDArray[np.int32], Vector]:
        """The nodes after the first hop, and what each gives to every product (len(nodes), num_products)."""

    @abstractmethod
    def shares(self, user: int, products: NDArray[np.int32], position: int) -> list[Part]:
        """The lines of this walk for some products, each once; `position` is the walk's place in its term."""

    @abstractmethod
    def num_paths(self, user: int, products: NDArray[np.int32]) -> NDArray[np.int64]:
        """How many paths lead by way of each node after the first hop to each product (len(nodes), len(products))."""

    @abstractmethod
    def without_edges(self, user: int, edges: Sequence[Edge], graph: Graph) -> Self:
        """The walk on the graph that is left without some edges of this user; it scores them alone."""

    def reading(self, graph: Graph) -> Self:
        """The same walk where users have other rows; what the fit counted stays."""
        other = copy(self)
        other.graph, other.first = graph, graph.hops[self.walk.hops[0]]
        return other

    def people_between(self, user: int, via: int, product: int) -> int:
        """How many other people the paths from the user by way of `via` (-1: any) to the product lead through.

        0 where they are fewer than `min_group`, and where they lead through nobody.
        """
        del user, via, product
        return 0

    @property
    def least(self) -> int:
        """Fewer people count as none."""
        return max(self.roles.min_group, 1)

    def growth(self, user: int) -> list[tuple[Edge, float]]:
        """By how much the score of a product grows when the user's own edge to it is gone: one degree less."""
        del user
        return []

    @once
    def scales(self) -> list[Vector]:
        """The factor of every node, per hop."""
        return [
            self.node_weights(place, np.arange(self.graph.counts[label])) for place, label in enumerate(self.labels)
        ]

    def node_weights(self, place: int, nodes: NDArray[np.integer]) -> Vector:
        """What a path is multiplied with at some nodes of one hop: deg ** -power, times what was learned.

        0 at what describes fewer than `min_group` people: such nodes are "other", and no path leads through that.
        """
        degrees = self.degrees_at(place, nodes)
        if self._describes_people(place):
            degrees = np.where(degrees < self.least, 0, degrees)
        found = powers(degrees, self.walk.powers[place])
        return found * self.learned[place][nodes] if place in self.learned else found

    def degrees_at(self, place: int, nodes: NDArray[np.integer]) -> NDArray[np.int64]:
        """How many edges of one hop arrive at some nodes."""
        if place in self.degrees:
            return np.asarray(self.degrees[place][nodes], np.int64)
        hop = self.walk.hops[place].back()
        # Attributes are counted as the fit saw them: products that came later lead to them too.
        back = self.graph.hops[hop] if self.graph.source(hop) == self.roles.user else self.graph.as_fitted(hop)
        return back.degrees()[nodes] if len(nodes) == back.num_rows else back.degrees_of(nodes)

    def names(self, place: int) -> bool:
        """Whether a line of this walk names its node after this hop; other people, and what lies behind them, no."""
        return place == self.length - 1 or (place == 0 and not self.via_user) or not self.people

    def learned_factor(self, via: int, mid: int, product: int) -> float:
        """What was learned of the nodes that a line names, multiplied; 1 without learning."""
        nodes = {0: via, 1: mid, self.length - 1: product}
        factor = 1.0
        for place, learned in self.learned.items():
            factor *= float(learned[nodes[place]])
        return factor

    def start(self, user: int) -> tuple[NDArray[np.int32], Vector]:
        """The nodes after the first hop and x * deg ** -power of each."""
        nodes = self.first.row(user)
        return nodes, self.first.evidence(user) * self.node_weights(0, nodes)

    def describe(self) -> tuple[dict[str, Any], dict[str, Stored], dict[str, StoredRows]]:
        """The walk for a model folder: settings, and arrays without a row for any person."""
        walk = {"walk": str(self.walk), "powers": list(self.walk.powers), "beta": self.walk.beta}
        arrays = {f"learned/{place}": Stored(own, (self.labels[place],)) for place, own in self.learned.items()}
        for place in range(self.length):
            if self._counts_people(place):
                degrees = self.degrees_at(place, np.arange(self.graph.counts[self.labels[place]]))
                arrays[f"degrees/{place}"] = Stored(degrees.astype(np.int32), (self.labels[place],))
        return walk, arrays, {}

    def fewer_degrees(self, edges: Sequence[Edge]) -> dict[int, NDArray[Any]]:
        """`degrees` when some edges of one user are gone."""
        found = dict(self.degrees)
        for place, hop in enumerate(self.walk.hops):
            gone = [via for other, via in edges if other == hop]
            if gone and self._counts_people(place):
                degrees = self.degrees_at(place, np.arange(self.graph.counts[self.labels[place]])).copy()
                degrees[gone] -= 1
                found[place] = degrees
        return found

    def _counts_people(self, place: int) -> bool:
        """Whether a degree counts people, and of something else than people."""
        person = self.roles.user
        return self.graph.source(self.walk.hops[place]) == person and self.labels[place] != person

    def _describes_people(self, place: int) -> bool:
        """Whether the nodes of a hop are attributes of people."""
        return self._counts_people(place) and self.labels[place] != self.roles.product


def powers(degrees: NDArray[np.int64], power: float) -> Vector:
    """degree ** -power, 0 for degree 0.

    By the C library, one number at a time: numpy's own powers differ in the last digit from processor to processor.
    """
    table = _table_of_powers(power)
    found = table[np.minimum(degrees, len(table) - 1)]
    for place in np.flatnonzero(degrees >= len(table)):
        found[place] = math.pow(int(degrees[place]), -power)
    return found


@lru_cache(maxsize=256)
def _table_of_powers(power: float) -> Vector:
    return np.array([0.0, *(math.pow(degree, -power) for degree in range(1, MOST_USUAL))])


def filled(group: LineGroup, via: NDArray[np.int32], mid: NDArray[np.int32], values: Vector) -> list[Part]:
    """The lines that are not 0 everywhere."""
    used = (values != 0).any(axis=1)
    return [(group, via[used], mid[used], values[used])] if used.any() else []
