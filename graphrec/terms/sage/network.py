"""The network of GraphSAGE: two layers of means over typed neighbours, with numpy alone.

    h_x = relu(x_x S1 + b1 + sum over relations r: mean over heard y of x_y N1_r)
    z_x =      h_x S2 + b2 + sum over relations r: mean over heard y of h_y N2_r,        s(u, i) = <z_u, z_i>

S, b by label of x. Heard: a fixed sample of at most `fan-out` neighbours per node and relation. The score is not linear
in the user's neighbours, since h_y hears them too, so its lines are of kind `nonlinear`: the exact last layer, one per
heard neighbour, <h_a N2_r, z_i> / d_r(u), and what the user's own h says. How the score comes from the edges is what
`gradients.py` tells. Formula: docs/formulas.md, GraphSAGE.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Adjacency, Graph, Hop
from graphrec.terms.ledger import Edge

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SageLayer:
    """The weights of one layer.

    Shapes: own (in, out) and bias (out,) by label of the receiver, message (in, out) by hop from receiver to sender.
    """

    own: Mapping[str, NDArray[np.float32]]
    bias: Mapping[str, NDArray[np.float32]]
    message: Mapping[Hop, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class SageNetwork:
    """Everything a vector is computed from.

    Shapes: inputs (num_nodes, width) by label, or (1, width) where all nodes of a label start alike; heard: by hop, the
    neighbours that each node of its first label hears.
    """

    inputs: Mapping[str, NDArray[np.float32]]
    heard: Mapping[Hop, Adjacency]
    first: SageLayer
    second: SageLayer

    def input(self, label: str, nodes: NDArray[np.integer]) -> Matrix:
        """x of some nodes (len(nodes), width)."""
        table = self.inputs[label]
        rows = nodes if len(table) > 1 else np.zeros(len(nodes), np.int64)
        return np.asarray(table[rows], np.float64)

    def hops_of(self, graph: Graph, label: str) -> list[Hop]:
        """The hops over which a label hears others."""
        return [hop for hop in self.heard if graph.source(hop) == label]

    def hidden(self, graph: Graph, label: str, nodes: NDArray[np.integer]) -> Matrix:
        """h of some nodes (len(nodes), hidden)."""
        total = self.input(label, nodes) @ self.first.own[label] + self.first.bias[label]
        for hop in self.hops_of(graph, label):
            rows, senders = self.heard[hop].expand(nodes)
            total += means(self.input(graph.target(hop), senders), rows, len(nodes)) @ self.first.message[hop]
        return np.maximum(total, 0.0)

    def without_edges(self, user: int, edges: Sequence[Edge]) -> "SageNetwork":
        """The network as this user hears it when some of their edges are gone, in both directions."""
        heard = dict(self.heard)
        for hop, via in edges:
            if hop is None:
                continue
            for one, start, end in ((hop, user, via), (hop.back(), via, user)):
                if one in heard:
                    heard[one] = _Fewer.of(heard[one], start, end)
        return replace(self, heard=heard)


@dataclass(frozen=True, eq=False)
class _Fewer(Adjacency):
    """Edges without some, which are left out as they are read."""

    gone: frozenset[tuple[int, int]] = frozenset()

    @classmethod
    def of(cls, edges: Adjacency, start: int, end: int) -> "_Fewer":
        gone = edges.gone if isinstance(edges, _Fewer) else frozenset()
        return cls(edges.indptr, edges.indices, edges.weight, gone | {(start, end)})

    def row(self, node: int) -> NDArray[np.int32]:
        """The neighbours of one node that are left."""
        found = super().row(node)
        without = [end for start, end in self.gone if start == node]
        return found[~np.isin(found, without)] if without else found

    def expand(self, nodes: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Where each neighbour that is left comes from, and the neighbours."""
        origin, found = super().expand(nodes)
        there = np.ones(len(found), np.bool_)
        for start, end in self.gone:
            there &= (nodes[origin] != start) | (found != end)
        return origin[there], found[there]


def means(values: Matrix, rows: NDArray[np.integer], num_rows: int) -> Matrix:
    """The mean of the values of each row (num_rows, width), 0 without any; rows are sorted."""
    counts = np.bincount(rows, minlength=num_rows)
    total = np.zeros((num_rows, values.shape[1]))
    present = counts > 0
    if present.any():
        starts = (np.cumsum(counts) - counts)[present]
        total[present] = np.add.reduceat(values, starts, axis=0) / counts[present, None]
    return total
