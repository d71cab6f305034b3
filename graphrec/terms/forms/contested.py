"""A blend as one customer sees it whose contested reasons count for nothing.

What a reason says of a product are lines of the ledger: those that start with one neighbour of the customer, or with
none. Their shares leave the score of that product, and the lines are 0. Every other score stays as it is, to the bit:
spreads are those of the scores with all lines.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graphrec.frozen import dataclass
from graphrec.graph.edges.adjacency import Graph
from graphrec.terms.base import Term
from graphrec.terms.forms.blend import Blend, Offered, Row
from graphrec.terms.ledger import Edge, Ledger, LineGroup, Shares

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Start:
    """What lines start with, by positions of the model."""

    nodes: frozenset[tuple[str, int]]
    """Labels and places of one neighbour, or of the two of a pair; none: the lines start with no single neighbour."""
    kind: str
    edge: str | None
    """First hop of lines without a neighbour; None: they have none."""

    def covers(self, graph: Graph, group: LineGroup, via: int, mid: int) -> bool:
        """Whether a line starts with it."""
        if via < 0:
            return not self.nodes and (group.kind, _written(group)) == (self.kind, self.edge)
        return bool(self.nodes) and self.nodes <= nodes_of(graph, group, via, mid)


@dataclass(frozen=True)
class Muted:
    """A reason that counts for nothing: lines of one product."""

    product: int
    starts: tuple[Start, ...]


def start_of(graph: Graph, group: LineGroup, via: int, mid: int) -> Start:
    """What a line starts with."""
    if via < 0:
        return Start(frozenset(), group.kind, _written(group))
    return Start(nodes_of(graph, group, via, mid), group.kind, None)


def nodes_of(graph: Graph, group: LineGroup, via: int, mid: int) -> frozenset[tuple[str, int]]:
    """The neighbours of the customer that a line rests on."""
    return frozenset((graph.target(hop), place) for hop, place in group.edges(via, mid) if hop is not None)


class ContestedBlend(Blend):
    """The same terms and weights without some lines of some products.

    It is that of one customer: whoever asks for another gets that one's scores without the same lines.
    """

    def __init__(
        self, terms: Sequence[Term], weights: Sequence[float], muted: tuple[Muted, ...], *, offered: Offered | None
    ) -> None:
        super().__init__(terms, weights, offered=offered)
        self.muted = muted
        self._products = np.array(sorted({one.product for one in muted}), np.int32)

    @classmethod
    def over(cls, blend: Blend, muted: tuple[Muted, ...]) -> "ContestedBlend":
        """A blend without these lines."""
        return cls(blend.terms, blend.weights, muted, offered=blend.offered)

    def made(self, terms: Sequence[Term], offered: Offered | None) -> "ContestedBlend":
        """The same with other terms."""
        return ContestedBlend(terms, self.weights, self.muted, offered=offered)

    def row(self, user: int) -> Row:
        """The scores of all products for one user, and the scale of each term."""
        return self._less(user, super().row(user))

    def rows(self, users: NDArray[np.int32]) -> list[Row]:
        """What `row` gives for each of many users, to the bit."""
        return [self._less(user, row) for user, row in zip(users.tolist(), super().rows(users), strict=True)]

    def batch(self, users: NDArray[np.int32], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """The scores (len(users), num_products) of many users, rounded to float32."""
        scores = super().batch(users, out)
        for place, row in enumerate(self.rows(users)):
            scores[place, self._products] = row.scores[self._products]
        return scores

    def ledger(self, user: int, products: NDArray[np.int32], scales: NDArray[np.float64]) -> Ledger:
        """Every line of these products; contested ones are 0."""
        found = super().ledger(user, products, scales)
        for place in np.flatnonzero(np.isin(products, self._products)).tolist():
            lines = self._lines(int(products[place]), found.groups, found.group, found.via, found.mid)
            found.values[lines, place] = 0.0
        return found

    def ledgers(
        self, users: NDArray[np.int32], products: Sequence[NDArray[np.int32]], scales: NDArray[np.float64]
    ) -> list[Ledger]:
        """`ledger` of every user."""
        return [self.ledger(user, products[place], scales[place]) for place, user in enumerate(users.tolist())]

    def left_scores(self, position: int, user: int, edges: Sequence[Edge] = ()) -> tuple[NDArray[np.int32], Floats]:
        """The products of which something is contested, and what one term says of them without it, in its own units.

        Args:
            position: of the term.
            edges: of the user that are gone.
        """
        term = self.terms[position].without_edges(user, list(edges)) if edges else self.terms[position]
        known = self._products[self._products < term.graph.num_products]
        shares: Shares = term.shares(user, known)
        found = np.zeros(len(known))
        for place, product in enumerate(known.tolist()):
            lines = self._lines(product, shares.groups, shares.group, shares.via, shares.mid)
            found[place] = shares.values[~lines, place].sum()
        return known, found

    def _less(self, user: int, row: Row) -> Row:
        scores = row.scores.copy()
        scores[self._products] = self.ledger(user, self._products, row.scales).totals()
        return Row(scores, row.scales)

    def _lines(
        self,
        product: int,
        groups: Sequence[LineGroup],
        group: NDArray[np.int16],
        via: NDArray[np.int32],
        mid: NDArray[np.int32],
    ) -> NDArray[np.bool_]:
        """True (num_lines,) for contested lines of a product."""
        starts = [start for one in self.muted if one.product == product for start in one.starts]
        graph = self.terms[0].graph
        asked = zip(group.tolist(), via.tolist(), mid.tolist(), strict=True)
        return np.array(
            [any(start.covers(graph, groups[number], a, b) for start in starts) for number, a, b in asked], np.bool_
        )


def _written(group: LineGroup) -> str | None:
    return None if group.hop is None else str(group.hop)
