"""GraphSAGE as it is served, with numpy alone: its lines are the exact last layer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.terms.base import Described, Matrix, Stored, StoredRows, Term, graph_without
from graphrec.terms.forms.factors import Own
from graphrec.terms.ledger import Edge, LineGroup, Shares
from graphrec.terms.sage.gradients import Gradients, integrated_gradients
from graphrec.terms.sage.network import SageLayer, SageNetwork


@dataclass(frozen=True, eq=False)
class SageTerm(Term):
    """GraphSAGE as a term; not linear in the user's neighbours.

    Shapes: products (num_products, dim) = z.
    """

    form = "sage"
    is_linear = False
    graph: Graph
    network: SageNetwork
    products: NDArray[np.float32]
    name: str = "graphsage"

    @property
    def hops(self) -> frozenset[Hop]:
        """The hops of users; of all others the network has its sample of edges."""
        return frozenset(self.network.order)

    def knows(self, user: int) -> bool:
        """Whether the user has any neighbour."""
        return any(len(self.graph.hops[hop].row(user)) for hop in self.network.order)

    def scores(self, user: int) -> NDArray[np.float64]:
        """Scores of all products (num_products,) for one user."""
        own, messages = self._parts(user)
        z = np.concatenate([own[None, :], *(part for _, _, part in messages)]).sum(axis=0)
        return np.asarray(np.asarray(self.products, np.float64) @ z)

    def batch(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """Scores (len(users), num_products)."""
        vectors = self.network.vectors(self.graph, self.graph.schema.roles.user, users).astype(np.float32)
        return np.asarray(vectors @ np.asarray(self.products).T)

    def shares(self, user: int, products: NDArray[np.int32]) -> Shares:
        """The last layer: a line per sampled neighbour and one of the user's own h."""
        right = np.asarray(self.products[products], np.float64).T
        own, messages = self._parts(user)
        none = np.array([-1], np.int32)
        parts = [(LineGroup("nonlinear"), none, none, own[None, :] @ right)]
        for hop, via, vectors in messages:
            group = LineGroup("nonlinear", hop, part="learned")
            parts.append((group, via, np.full(len(via), -1, np.int32), vectors @ right))
        return Shares.stack(parts)

    def _parts(self, user: int) -> tuple[Matrix, list[tuple[Hop, NDArray[np.int32], Matrix]]]:
        """What the user's own h adds to z, and what every sampled neighbour adds."""
        label, layer = self.graph.schema.roles.user, self.network.second
        hidden = self.network.hidden(self.graph, label, np.array([user]))[0]
        messages = []
        for hop in self.network.order:
            via = self.network.sampled_of(self.graph, hop, np.array([user]))[1].astype(np.int32)
            if len(via):
                sent = self.network.hidden(self.graph, self.graph.target(hop), via) @ layer.message[hop]
                messages.append((hop, via, sent / len(via)))
        return hidden @ layer.own[label] + layer.bias[label], messages

    def without_edges(self, user: int, edges: Sequence[Edge]) -> Self:
        """The same network, where the user receives nothing over these edges; what others receive stays as learned."""
        return replace(self, graph=graph_without(self.graph, user, edges))

    def gradients(self, user: int, product: int) -> Gradients:
        """The integrated gradients of the score over the edges around the pair."""
        return integrated_gradients(self.graph, self.network, user, product)

    def describe(self) -> Described:
        """The network, its sample of edges, and the vectors of all products."""
        roles, network = self.graph.schema.roles, self.network
        arrays = {"products": Stored(self.products, (roles.product, None))}
        for label, table in network.inputs.items():
            arrays[f"input/{label}"] = Stored(table, (None if label == roles.user else label, None))
        for hop, places in network.order.items():
            arrays[f"order/{hop}"] = Stored(places, (self.graph.target(hop),))
        for number, layer in enumerate((network.first, network.second)):
            arrays |= {f"{number}/own/{label}": Stored(weights) for label, weights in layer.own.items()}
            arrays |= {f"{number}/bias/{label}": Stored(weights) for label, weights in layer.bias.items()}
            arrays |= {f"{number}/message/{hop}": Stored(weights) for hop, weights in layer.message.items()}
            arrays |= {
                f"{number}/of_users/{label}": Stored(sent, (label, None)) for label, sent in layer.of_users.items()
            }
        own = network.own
        if own is not None and own.centre is not None and network.project is not None:
            arrays |= {"own/centre": Stored(own.centre, (None,)), "own/project": Stored(network.project)}
        rows = {
            str(hop): StoredRows.of(sampled, self.graph.source(hop), self.graph.target(hop))
            for hop, sampled in network.sampled.items()
        }
        settings = {"fanout": network.fanout, "own": None if own is None else {"block": own.block, "unit": own.unit}}
        return Described(self.name, settings, arrays, rows)

    @classmethod
    def open(cls, described: Described, graph: Graph) -> Self:
        """The described term."""

        def layer(number: int) -> SageLayer:
            """The weights of a layer, which are small and always needed whole, and what users send to each node."""
            parts = [
                {name: np.asarray(array) for name, array in described.under(f"{number}/{part}/").items()}
                for part in ("own", "bias", "message")
            ]
            message = {Hop.parse(name): array for name, array in parts[2].items()}
            # A folder of an older graphrec calls them crowd.
            of_users = described.under(f"{number}/of_users/") or described.under(f"{number}/crowd/")
            return SageLayer(parts[0], parts[1], message, of_users)

        sampled = {Hop.parse(name): stored.adjacency() for name, stored in described.rows.items()}
        order = {Hop.parse(name): np.asarray(places) for name, places in described.under("order/").items()}
        own = described.under("own/")
        settings = described.settings["own"]
        network = SageNetwork(
            described.under("input/"), sampled, layer(0), layer(1), order, described.settings["fanout"],
            None if settings is None else Own(centre=np.asarray(own["centre"]), **settings),
            np.asarray(own["project"]) if own else None,
        )  # fmt: skip
        return cls(graph, network, described.arrays["products"].values, described.name)
