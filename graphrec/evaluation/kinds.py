"""What products have in common: their kind, and the nodes that describe them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop
from graphrec.graph.folders.snapshot import Snapshot

#: Nodes of all labels together that products are compared by.
MOST_COMMON = 2_000
MOST_KINDS = 100
KIND = "kind"


@dataclass(frozen=True, eq=False)
class Kinds:
    """Shapes: shares (num_products, num_kinds), a row sums to 1, or to 0 for a product without a kind."""

    name: str
    shares: NDArray[np.float64]


def kinds_of(snapshot: Snapshot, graph: Graph) -> Kinds | None:
    """The kinds of products: their column `kind`, else the smallest label that describes them; None without one."""
    column = _kind_column(snapshot)
    if column is not None:
        return Kinds(KIND, column)
    sizes = {hop: graph.counts[graph.target(hop)] for hop in describing_hops(graph)}
    fitting = {hop: size for hop, size in sizes.items() if 2 <= size <= MOST_KINDS}
    if not fitting:
        return None
    hop = min(fitting, key=lambda hop: (fitting[hop], str(hop)))
    shares = members_of(graph, hop)
    total = shares.sum(axis=1, keepdims=True)
    return Kinds(hop.type, np.divide(shares, total, out=np.zeros_like(shares), where=total > 0))


def kinds_held(held: Adjacency, users: NDArray[np.int32], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of each kind some users hold (num_users, num_kinds).

    Args:
        held: of every user.
        shares: of products.
    """
    origin, products = held.expand(users)
    found = np.zeros((len(users), shares.shape[1]))
    np.add.at(found, origin, shares[products])
    return found


def things_in_common(snapshot: Snapshot, graph: Graph) -> NDArray[np.float64] | None:
    """Kind and describing nodes of every product (num_products, num_things), 1 where it has one; None without any.

    Nodes of a single product, which no two can have in common, are left out; so are labels beyond MOST_COMMON nodes.
    """
    blocks = []
    column = _kind_column(snapshot)
    if column is not None:
        blocks.append(column)
    left = MOST_COMMON
    for hop in sorted(describing_hops(graph), key=lambda hop: (graph.counts[graph.target(hop)], str(hop))):
        shared = np.flatnonzero(graph.hops[hop.back()].degrees() > 1)
        if len(shared) <= left:
            left -= len(shared)
            blocks.append(members_of(graph, hop)[:, shared])
    return np.concatenate(blocks, axis=1) if blocks else None


def describing_hops(graph: Graph) -> list[Hop]:
    """The hops from a product to what describes it: neighbours that are neither people nor products."""
    roles = graph.schema.roles
    apart = (roles.user, roles.product)
    found = [hop for hop in graph.hops if graph.source(hop) == roles.product and graph.target(hop) not in apart]
    return sorted(found, key=str)


def members_of(graph: Graph, hop: Hop) -> NDArray[np.float64]:
    members = np.zeros((graph.num_products, graph.counts[graph.target(hop)]))
    adjacency = graph.hops[hop]
    members[np.repeat(np.arange(graph.num_products), adjacency.degrees()), adjacency.indices] = 1.0
    return members


def _kind_column(snapshot: Snapshot) -> NDArray[np.float64] | None:
    """The column `kind` as one column per value; None where there is none or it tells nothing apart."""
    product = snapshot.schema.roles.product
    if snapshot.meta.columns[product].get(KIND) != "text":
        return None
    column = snapshot.nodes(product).column(KIND)
    values = np.array([column.get(place) or "" for place in range(snapshot.count(product))])
    names = np.unique(values[values != ""])
    if not 2 <= len(names) <= MOST_KINDS:
        return None
    return np.asarray(values[:, None] == names[None, :], np.float64)
