"""Neighbour sampling for GraphSAGE: what two layers need of a graph for the vectors of some nodes.

In numpy, since PyTorch Geometric's NeighborLoader samples only with an extension that is compiled for each version of
torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop, from_rows
from graphrec.terms.sage.network import first_of

Nodes = dict[str, NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class Block:
    """The nodes that two layers need and the edges of each layer.

    Shapes: nodes by label (n,); first, second: (2, num_edges) by hop from receiver to sender, sender above receiver, as
    places in `nodes`; roots: places of the nodes whose vectors are wanted.
    """

    nodes: Nodes
    first: Mapping[Hop, NDArray[np.int64]]
    second: Mapping[Hop, NDArray[np.int64]]
    roots: Nodes


def sampled_block(
    graph: Graph,
    adjacency: Mapping[Hop, Adjacency],
    hops: Sequence[Hop],
    roots: Nodes,
    fanout: int,
    rng: np.random.Generator,
) -> Block:
    """A block with at most `fanout` neighbours per node and relation, drawn at random."""
    second = {hop: _sample(adjacency[hop], roots[label], fanout, rng) for hop, label in _from(graph, hops, roots)}
    near = _joined(graph, roots, second)
    first = {hop: _sample(adjacency[hop], near[label], fanout, rng) for hop, label in _from(graph, hops, near)}
    nodes = _joined(graph, near, first)

    def places(edges: Mapping[Hop, tuple[NDArray[np.int64], NDArray[np.int64]]]) -> dict[Hop, NDArray[np.int64]]:
        return {
            hop: np.stack(
                [
                    np.searchsorted(nodes[graph.target(hop)], senders),
                    np.searchsorted(nodes[graph.source(hop)], receivers),
                ]
            )
            for hop, (receivers, senders) in edges.items()
            if len(senders)
        }

    wanted = {label: np.searchsorted(nodes[label], rows) for label, rows in roots.items()}
    return Block(nodes, places(first), places(second), wanted)


def fixed_sample(
    graph: Graph, hops: Sequence[Hop], fanout: int, seed: int
) -> tuple[dict[Hop, Adjacency], dict[Hop, NDArray[np.int32]]]:
    """At most `fanout` neighbours of every node over each hop; an equal seed gives an equal sample.

    Returns:
        The neighbours by hop, and for hops of users the order of their nodes: a user receives from the first of them.
    """
    rng = np.random.default_rng(seed)
    sample, order = {}, {}
    for hop in hops:
        nodes = np.arange(len(graph.hops[hop].indptr) - 1)
        if graph.source(hop) == graph.schema.roles.user:
            order[hop] = rng.permutation(graph.counts[graph.target(hop)]).astype(np.int32)
            receivers, senders = first_of(graph.hops[hop], nodes, order[hop], fanout)
        else:
            receivers, senders = _sample(graph.hops[hop], nodes, fanout, rng)
        sample[hop] = from_rows(receivers, senders.astype(np.int32), len(nodes))
    return sample, order


def _from(graph: Graph, hops: Sequence[Hop], nodes: Nodes) -> list[tuple[Hop, str]]:
    return [(hop, graph.source(hop)) for hop in hops if graph.source(hop) in nodes]


def _sample(
    adjacency: Adjacency, nodes: NDArray[np.int64], fanout: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Receivers and senders of a random choice of each node's edges, sorted by place of the node and by sender."""
    rows, senders = adjacency.expand(nodes)
    degrees = np.bincount(rows, minlength=len(nodes))
    if degrees.max(initial=0) > fanout:
        order = np.lexsort((rng.random(len(rows)), rows))
        place = np.arange(len(rows)) - np.repeat(np.cumsum(degrees) - degrees, degrees)
        kept = np.sort(order[place < fanout])
        rows, senders = rows[kept], senders[kept]
    return nodes[rows], senders.astype(np.int64)


def _joined(graph: Graph, nodes: Nodes, edges: Mapping[Hop, tuple[NDArray[np.int64], NDArray[np.int64]]]) -> Nodes:
    """The nodes and all senders, sorted and distinct, by label."""
    parts = {label: [rows] for label, rows in nodes.items()}
    for hop, (_, senders) in edges.items():
        parts.setdefault(graph.target(hop), []).append(senders)
    return {label: np.unique(np.concatenate(rows)) for label, rows in parts.items()}
