"""GraphSAGE as it is served: two layers of means over typed neighbours, with numpy alone.

    h_x = relu(x_x S1 + b1 + sum over relations r: mean over heard y of x_y N1_r)
    z_x =      h_x S2 + b2 + sum over relations r: mean over heard y of h_y N2_r,        s(u, i) = <z_u, z_i>

S, b by label of x. Heard: a fixed sample of at most `fan-out` neighbours per node and relation. The score is not linear
in the user's neighbours, since h_y hears them too, so its lines are of kind `nonlinear`: the exact last layer, one per
heard neighbour, <h_a N2_r, z_i> / d_r(u), and what the user's own h says. How the score comes from the edges is what
`gradients.py` tells. Formula: docs/formulas.md, GraphSAGE.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Adjacency, Graph, Hop
from graphrec.terms.base import LineGroup, Shares
from graphrec.terms.factors import stacked

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


class SageTerm:
    """GraphSAGE as a term; not linear in the user's neighbours.

    Shapes: users (num_users, dim), products (num_products, dim) = z.
    """

    def __init__(
        self, graph: Graph, network: SageNetwork, users: NDArray[np.float32], products: NDArray[np.float32]
    ) -> None:
        self.name = "graphsage"
        self.graph = graph
        self.network = network
        self.users = users
        self.products = products

    def knows(self, user: int) -> bool:
        """Whether the user hears anything."""
        return any(len(self.network.heard[hop].row(user)) for hop in self._hops())

    def scores(self, user: int) -> NDArray[np.float64]:
        """Scores of all products (num_products,) for one user."""
        own, messages = self._parts(user)
        z = np.concatenate([own[None, :], *(part for _, _, part in messages)]).sum(axis=0)
        return np.asarray(self.products.astype(np.float64) @ z)

    def batch(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """Scores (len(users), num_products)."""
        return np.asarray(self.users[users] @ np.asarray(self.products).T)

    def rows(self, users: NDArray[np.int32]) -> NDArray[np.float64]:
        """What `scores` gives for each user (len(users), num_products)."""
        return stacked(self, users)

    def shares(self, user: int, products: NDArray[np.int32]) -> Shares:
        """The last layer: a line per heard neighbour and one of the user's own h."""
        right = np.asarray(self.products[products], np.float64).T
        own, messages = self._parts(user)
        none = np.array([-1], np.int32)
        parts = [(LineGroup("nonlinear"), none, none, own[None, :] @ right)]
        for hop, via, vectors in messages:
            group = LineGroup("nonlinear", hop, part="learned")
            parts.append((group, via, np.full(len(via), -1, np.int32), vectors @ right))
        return Shares.stack(parts)

    def _hops(self) -> list[Hop]:
        return self.network.hops_of(self.graph, self.graph.schema.roles.user)

    def _parts(self, user: int) -> tuple[Matrix, list[tuple[Hop, NDArray[np.int32], Matrix]]]:
        """What the user's own h adds to z, and what every heard neighbour adds."""
        label, layer = self.graph.schema.roles.user, self.network.second
        hidden = self.network.hidden(self.graph, label, np.array([user]))[0]
        messages = []
        for hop in self._hops():
            via = self.network.heard[hop].row(user)
            if len(via):
                sent = self.network.hidden(self.graph, self.graph.target(hop), via) @ layer.message[hop]
                messages.append((hop, via, sent / len(via)))
        return hidden @ layer.own[label] + layer.bias[label], messages

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Every array by name, for a file."""
        found: dict[str, NDArray[Any]] = {"users": self.users, "products": self.products}
        found |= {f"input/{label}": table for label, table in self.network.inputs.items()}
        for hop, adjacency in self.network.heard.items():
            found |= {f"heard/{hop}/indptr": adjacency.indptr, f"heard/{hop}/indices": adjacency.indices}
        for number, layer in enumerate((self.network.first, self.network.second)):
            found |= {f"{number}/own/{label}": weights for label, weights in layer.own.items()}
            found |= {f"{number}/bias/{label}": weights for label, weights in layer.bias.items()}
            found |= {f"{number}/message/{hop}": weights for hop, weights in layer.message.items()}
        return found

    @classmethod
    def of_arrays(cls, graph: Graph, arrays: Mapping[str, NDArray[Any]]) -> "SageTerm":
        """The term whose `arrays` these are."""

        def under(prefix: str) -> dict[str, NDArray[Any]]:
            return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}

        hops = [Hop.parse(name.removesuffix("/indptr")) for name in under("heard/") if name.endswith("/indptr")]
        heard = {hop: Adjacency(arrays[f"heard/{hop}/indptr"], arrays[f"heard/{hop}/indices"]) for hop in hops}
        layers = [
            SageLayer(
                under(f"{number}/own/"),
                under(f"{number}/bias/"),
                {Hop.parse(name): array for name, array in under(f"{number}/message/").items()},
            )
            for number in range(2)
        ]
        return cls(graph, SageNetwork(under("input/"), heard, *layers), arrays["users"], arrays["products"])


def means(values: Matrix, rows: NDArray[np.integer], num_rows: int) -> Matrix:
    """The mean of the values of each row (num_rows, width), 0 without any; rows are sorted."""
    counts = np.bincount(rows, minlength=num_rows)
    total = np.zeros((num_rows, values.shape[1]))
    present = counts > 0
    if present.any():
        starts = (np.cumsum(counts) - counts)[present]
        total[present] = np.add.reduceat(values, starts, axis=0) / counts[present, None]
    return total
