"""The network of GraphSAGE: two layers of means over typed neighbours, with numpy alone.

    h_x = relu(x_x S1 + b1 + sum over relations r: mean over sampled y of x_y N1_r)
    z_x =      h_x S2 + b2 + sum over relations r: mean over sampled y of h_y N2_r,        s(u, i) = <z_u, z_i>

S, b by label of x. Heard: at most `fan-out` neighbours per node and relation, of a user those of the least order, of
others a fixed sample. What users send to a node is summed up in `of_users` and is no neighbour: no
row of a user is here, and x of a user is the same for all but for what a feature block says of them. The score is not
linear in the user's neighbours, so its lines are of kind `nonlinear`: the exact last layer, one per sampled neighbour,
<h_a N2_r, z_i> / d_r(u), and what the user's own h says. How the score comes from the edges is what `gradients.py`
tells. Formula: docs/formulas.md, GraphSAGE.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop
from graphrec.terms.forms.factors import Own

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SageLayer:
    """The weights of one layer.

    Shapes: own (in, out) and bias (out,) by label of the receiver, message (in, out) by hop from receiver to sender.
    """

    own: Mapping[str, NDArray[np.float32]]
    bias: Mapping[str, NDArray[np.float32]]
    message: Mapping[Hop, NDArray[np.float32]]
    of_users: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """By label, what users send to each node (num_nodes, out); a label without it receives nothing from users."""


@dataclass(frozen=True, eq=False)
class SageNetwork:
    """Everything a vector is computed from.

    Shapes: inputs (num_nodes, width) by label, (1, width) for users; sampled: by hop, the neighbours that each node of
    its first label has in the sample; order: by hop of a user, the place of each of its nodes (num_nodes,) in a random
    order; project (block width, width).
    """

    inputs: Mapping[str, NDArray[np.float32]]
    sampled: Mapping[Hop, Adjacency]
    first: SageLayer
    second: SageLayer
    order: Mapping[Hop, NDArray[np.int32]]
    fanout: int
    own: Own | None = None
    """What is known of users besides their edges, which `project` takes into their x."""
    project: NDArray[np.float32] | None = None

    def input(self, graph: Graph, label: str, nodes: NDArray[np.integer]) -> Matrix:
        """x of some nodes (len(nodes), width)."""
        if label != graph.schema.roles.user:
            return np.asarray(self.inputs[label][nodes], np.float64)
        rows = np.repeat(np.asarray(self.inputs[label], np.float64), len(nodes), axis=0)
        if self.own is not None and self.project is not None:
            rows += np.asarray(self.own.rows(graph, nodes), np.float64) @ np.asarray(self.project, np.float64)
        return rows

    def hops_of(self, graph: Graph, label: str) -> list[Hop]:
        """The hops over which the nodes of a label receive messages."""
        return [hop for hop in (*self.order, *self.sampled) if graph.source(hop) == label]

    def sampled_of(
        self, graph: Graph, hop: Hop, nodes: NDArray[np.integer]
    ) -> tuple[NDArray[np.int64], NDArray[np.integer]]:
        """Where each sampled neighbour belongs (position in `nodes`), and the neighbours of all."""
        if hop in self.sampled:
            return self.sampled[hop].expand(nodes)
        return first_of(graph.hops[hop], nodes, self.order[hop], self.fanout)

    def hidden(self, graph: Graph, label: str, nodes: NDArray[np.integer]) -> Matrix:
        """h of some nodes (len(nodes), hidden)."""
        total = self.base(graph, label, nodes)
        for hop in self.hops_of(graph, label):
            rows, senders = self.sampled_of(graph, hop, nodes)
            total += means(self.input(graph, graph.target(hop), senders), rows, len(nodes)) @ self.first.message[hop]
        return np.maximum(total, 0.0)

    def base(self, graph: Graph, label: str, nodes: NDArray[np.integer]) -> Matrix:
        """What h of some nodes has without any neighbour, before the relu (len(nodes), hidden)."""
        total = self.input(graph, label, nodes) @ self.first.own[label] + self.first.bias[label]
        return total + self.first.of_users[label][nodes] if label in self.first.of_users else total

    def vectors(self, graph: Graph, label: str, nodes: NDArray[np.integer]) -> Matrix:
        """z of some nodes (len(nodes), dim)."""
        total = self.hidden(graph, label, nodes) @ self.second.own[label] + self.second.bias[label]
        if label in self.second.of_users:
            total += self.second.of_users[label][nodes]
        for hop in self.hops_of(graph, label):
            rows, senders = self.sampled_of(graph, hop, nodes)
            distinct, place = np.unique(senders, return_inverse=True)
            sent = self.hidden(graph, graph.target(hop), distinct)[place.ravel()]
            total += means(sent, rows, len(nodes)) @ self.second.message[hop]
        return total


def first_of(
    edges: Adjacency, nodes: NDArray[np.integer], order: NDArray[np.int32], fanout: int
) -> tuple[NDArray[np.int64], NDArray[np.integer]]:
    """Of each node's neighbours those of the least order, at most `fanout`: their rows and themselves, sorted."""
    rows, found = edges.expand(nodes)
    degrees = np.bincount(rows, minlength=len(nodes))
    if degrees.max(initial=0) <= fanout:
        return rows, found
    by_order = np.lexsort((order[found], rows))
    place = np.arange(len(rows)) - np.repeat(np.cumsum(degrees) - degrees, degrees)
    kept = np.sort(by_order[place < fanout])
    return rows[kept], found[kept]


def means(values: Matrix, rows: NDArray[np.integer], num_rows: int) -> Matrix:
    """The mean of the values of each row (num_rows, width), 0 without any; rows are sorted."""
    counts = np.bincount(rows, minlength=num_rows)
    total = np.zeros((num_rows, values.shape[1]))
    present = counts > 0
    if present.any():
        starts = (np.cumsum(counts) - counts)[present]
        total[present] = np.add.reduceat(values, starts, axis=0) / counts[present, None]
    return total
