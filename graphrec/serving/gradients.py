"""How a score of GraphSAGE comes from the edges around it: integrated gradients, nobody else shown."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Graph, Hop
from graphrec.serving.answer import EdgeShare, Node, PeopleShare, ScoreGradients
from graphrec.serving.positions import Positions

if TYPE_CHECKING:
    from graphrec.terms.sage.gradients import Gradients


def gradients_of(positions: Positions, graph: Graph, found: "Gradients", user: int, scale: float) -> ScoreGradients:
    """The integrated gradients of one score, in score units.

    Edges of other users are summed by the node at their other end; those of fewer than `min_group` people are in the
    rest, beside what the integral misses. `completeness_gap` is that miss as a part of score - baseline.

    Args:
        graph: that the term reads.
        user: position in the model.
        scale: of the term.
    """
    around = _Around(positions, graph, found, user, scale)
    edges, people = around.edges(), around.people()
    total = sum([*(one.share for one in edges), *(one.share for one in people)])
    return ScoreGradients(
        score=scale * found.score,
        baseline=scale * found.baseline,
        completeness_gap=found.gap,
        quadrature_nodes=found.nodes,
        edges=edges,
        people=people,
        rest=scale * (found.score - found.baseline) - total,
    )


class _Around:
    """The edges around one score, as people may see them."""

    def __init__(self, positions: Positions, graph: Graph, found: "Gradients", user: int, scale: float) -> None:
        self.positions, self.found, self.scale = positions, found, scale
        self.person = graph.schema.roles.user
        self.least = graph.schema.roles.min_group
        self.ends = [(graph.source(Hop(name)), graph.target(Hop(name))) for name in found.types]
        of_user = np.array([[label == self.person for label in ends] for ends in self.ends], np.bool_).reshape(-1, 2)
        self.by_source = of_user[found.type, 0] & (found.source != user)
        self.by_target = of_user[found.type, 1] & (found.target != user)
        self.order = np.argsort(-np.abs(found.values), kind="stable")

    def edges(self) -> tuple[EdgeShare, ...]:
        """The edges at which no other user stands, the largest share first."""
        found, entries = self.found, []
        for n in self.order[~(self.by_source | self.by_target)[self.order]]:
            first, last = self.ends[found.type[n]]
            source, target = self._node(first, int(found.source[n])), self._node(last, int(found.target[n]))
            entries.append(EdgeShare(found.types[found.type[n]], source, target, self.scale * float(found.values[n])))
        return tuple(entries)

    def people(self) -> tuple[PeopleShare, ...]:
        """The edges of other users by the node at their other end, the largest share first."""
        entries = self._people(self.by_source, self.found.target, 1) + self._people(
            self.by_target & ~self.by_source, self.found.source, 0
        )
        return tuple(sorted(entries, key=lambda entry: -abs(entry.share)))

    def _people(self, chosen: NDArray[np.bool_], ends: NDArray[np.int64], side: int) -> list[PeopleShare]:
        found = self.found
        keys = np.stack([found.type[chosen], ends[chosen]])
        if not keys.size:
            return []
        distinct, place = np.unique(keys, axis=1, return_inverse=True)
        counts = np.bincount(place.ravel())
        shares = np.bincount(place.ravel(), found.values[chosen])
        return [
            PeopleShare(
                found.types[number],
                self._node(self.ends[number][side], int(node)),
                int(count),
                self.scale * float(share),
            )
            for (number, node), count, share in zip(distinct.T, counts, shares, strict=True)
            if count >= self.least and self.ends[number][side] != self.person
        ]

    def _node(self, label: str, index: int) -> Node:
        return self.positions.node(label, index)
