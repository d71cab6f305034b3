"""How a score of GraphSAGE comes from the edges around it, as plain values: integrated gradients, nobody else shown."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Graph, Hop
from graphrec.graph.snapshot import Snapshot
from graphrec.terms.sage.gradients import Gradients


def gradients_of(snapshot: Snapshot, graph: Graph, found: Gradients, user: int, scale: float) -> dict[str, Any]:
    """{score, baseline, completeness_gap, quadrature_nodes, edges, people, rest}, in score units.

    score = baseline + the sum of the shares of edges and people + rest. `edges`: {type, source, target, share} of the
    user's own edges and of those between nodes that are no users. `people`: edges of other users, summed by the node at
    their other end: {type, node, count, share}; those of fewer than `min_group` people are in the rest, beside what the
    integral misses. `completeness_gap` is that miss as a part of score - baseline.
    """
    shown = _Shown(snapshot, graph, found, user, scale)
    edges, people = shown.edges(), shown.people()
    total = sum(entry["share"] for entry in [*edges, *people])
    return {
        "score": scale * found.score,
        "baseline": scale * found.baseline,
        "completeness_gap": found.gap,
        "quadrature_nodes": found.nodes,
        "edges": edges,
        "people": people,
        "rest": scale * (found.score - found.baseline) - total,
    }


class _Shown:
    def __init__(self, snapshot: Snapshot, graph: Graph, found: Gradients, user: int, scale: float) -> None:
        self.snapshot, self.found, self.scale = snapshot, found, scale
        self.person = graph.schema.roles.user
        self.least = graph.schema.roles.min_group
        self.ends = [(graph.source(Hop(name)), graph.target(Hop(name))) for name in found.types]
        of_user = np.array([[label == self.person for label in ends] for ends in self.ends], np.bool_).reshape(-1, 2)
        self.by_source = of_user[found.type, 0] & (found.source != user)
        self.by_target = of_user[found.type, 1] & (found.target != user)
        self.order = np.argsort(-np.abs(found.values), kind="stable")

    def edges(self) -> list[dict[str, Any]]:
        """The edges at which no other user stands, the largest share first."""
        found = self.found
        entries = []
        for n in self.order[~(self.by_source | self.by_target)[self.order]]:
            first, last = self.ends[found.type[n]]
            entries.append({
                "type": found.types[found.type[n]],
                "source": self._node(first, int(found.source[n])),
                "target": self._node(last, int(found.target[n])),
                "share": self.scale * float(found.values[n]),
            })  # fmt: skip
        return entries

    def people(self) -> list[dict[str, Any]]:
        """The edges of other users by the node at their other end, the largest share first."""
        entries = self._people(self.by_source, self.found.target, 1) + self._people(
            self.by_target & ~self.by_source, self.found.source, 0
        )
        return sorted(entries, key=lambda entry: -abs(entry["share"]))

    def _people(self, chosen: NDArray[np.bool_], ends: NDArray[np.int64], side: int) -> list[dict[str, Any]]:
        found = self.found
        keys = np.stack([found.type[chosen], ends[chosen]])
        if not keys.size:
            return []
        distinct, place = np.unique(keys, axis=1, return_inverse=True)
        counts = np.bincount(place.ravel())
        shares = np.bincount(place.ravel(), found.values[chosen])
        return [
            {
                "type": found.types[number],
                "node": self._node(self.ends[number][side], int(node)),
                "count": int(count),
                "share": self.scale * float(share),
            }
            for (number, node), count, share in zip(distinct.T, counts, shares, strict=True)
            if count >= self.least and self.ends[number][side] != self.person
        ]

    def _node(self, label: str, index: int) -> dict[str, Any]:
        return {"label": label, "id": self.snapshot.nodes(label).ids[index], "name": self.snapshot.name(label, index)}
