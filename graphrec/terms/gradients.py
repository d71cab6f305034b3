"""Integrated gradients of a GraphSAGE score over the edges of its two-hop subgraph.

    IG_e = integral over t from 0 to 1 of ds/dm_e at m = t,    sum over edges e: IG_e = s(1) - s(0)

A mask value per edge multiplies the messages over it, both ways; mean weights stay. With all masks t the first layer is
relu(base + t heard), so one pass over the edges serves all nodes of the quadrature. ReLU makes the integrand smooth in
pieces only: the sum misses s(1) - s(0) by the completeness gap, which is part of the answer. Sources: Sundararajan et
al., ICML 2017; docs/formulas.md, GraphSAGE.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Graph, Hop
from graphrec.terms.sage import Matrix, SageNetwork, means

#: Gauss-Legendre nodes; doubled up to MOST_NODES while the gap is above GAP.
NODES = 8
MOST_NODES = 1024
GAP = 0.005


@dataclass(frozen=True, eq=False)
class Gradients:
    """What every edge adds to a score that starts at `baseline`.

    Shapes: type, source, target, values (num_edges,): position in `types`, the two nodes of an edge in the direction of
    its type, its integrated gradient.
    """

    types: tuple[str, ...]
    type: NDArray[np.int64]
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    values: NDArray[np.float64]
    score: float
    baseline: float
    """The score without any message."""
    nodes: int
    """Nodes of the quadrature."""

    @property
    def gap(self) -> float:
        """What the edges miss of score - baseline, as a part of it."""
        change = self.score - self.baseline
        return abs(float(self.values.sum()) - change) / abs(change) if change else 0.0


@dataclass(frozen=True, eq=False)
class _Heard:
    """The edges over one hop: rows (positions among the receivers), senders, 1 / degree of the receiver."""

    hop: Hop
    rows: NDArray[np.int64]
    senders: NDArray[np.int64]
    part: NDArray[np.float64]


@dataclass(eq=False)
class _Receivers:
    """The nodes of one label that have an h, and its two parts: relu(base + t * heard).

    Shapes: nodes (n,) sorted; base, heard, pull (n, hidden), pull = the integral of ds/d(base + t * heard).
    """

    nodes: NDArray[np.int64]
    edges: list[_Heard]
    base: Matrix
    heard: Matrix
    pull: Matrix


@dataclass(frozen=True, eq=False)
class _Root:
    """One end of the pair: its label and place among the receivers, and what it hears in the second layer."""

    label: str
    place: int
    edges: list[tuple[_Heard, NDArray[np.int64]]]
    """Edges, and the places of their senders among the receivers."""


def integrated_gradients(graph: Graph, network: SageNetwork, user: int, product: int) -> Gradients:
    """The integrated gradients of s(user, product): all edges of the heard two-hop subgraph."""
    nodes = NODES
    while True:
        found = _integrate(graph, network, user, product, nodes)
        if found.gap <= GAP or nodes >= MOST_NODES:
            return found
        nodes *= 2


def _integrate(graph: Graph, network: SageNetwork, user: int, product: int, nodes: int) -> Gradients:
    roles = graph.schema.roles
    ends = [(roles.user, user), (roles.product, product)]
    around = [_edges(graph, network, label, np.array([node])) for label, node in ends]
    receivers = _receivers(graph, network, ends, around)
    roots = [
        _Root(
            label,
            int(np.searchsorted(receivers[label].nodes, node)),
            [(edge, np.searchsorted(receivers[graph.target(edge.hop)].nodes, edge.senders)) for edge in edges],
        )
        for (label, node), edges in zip(ends, around, strict=True)
    ]
    places, weights = np.polynomial.legendre.leggauss(nodes)
    second = [[np.zeros(len(edge.senders)) for edge, _ in root.edges] for root in roots]
    for t, weight in zip((places + 1) / 2, weights / 2, strict=True):
        _add_node(graph, network, receivers, roots, second, t, weight)
    values = [
        (edge, np.array([node]), gradient)
        for (_, node), root, gradients in zip(ends, roots, second, strict=True)
        for (edge, _), gradient in zip(root.edges, gradients, strict=True)
    ]
    values += [found for label in receivers for found in _first_layer(graph, network, receivers[label])]
    score, baseline = (_score(graph, network, receivers, roots, t)[0] for t in (1.0, 0.0))
    return _merged(values, score, baseline, nodes)


def _edges(graph: Graph, network: SageNetwork, label: str, nodes: NDArray[np.int64]) -> list[_Heard]:
    found = []
    for hop in network.hops_of(graph, label):
        rows, senders = network.heard[hop].expand(nodes)
        if len(rows):
            degrees = np.bincount(rows, minlength=len(nodes))
            found.append(_Heard(hop, rows, senders.astype(np.int64), 1.0 / degrees[rows]))
    return found


def _receivers(
    graph: Graph, network: SageNetwork, ends: Sequence[tuple[str, int]], around: Sequence[list[_Heard]]
) -> dict[str, _Receivers]:
    """Both ends and all that they hear, by label."""
    wanted: dict[str, list[NDArray[np.int64]]] = {}
    for (label, node), edges in zip(ends, around, strict=True):
        wanted.setdefault(label, []).append(np.array([node]))
        for edge in edges:
            wanted.setdefault(graph.target(edge.hop), []).append(edge.senders)
    found = {}
    for label, parts in wanted.items():
        nodes = np.unique(np.concatenate(parts))
        edges = _edges(graph, network, label, nodes)
        base = network.input(label, nodes) @ network.first.own[label] + network.first.bias[label]
        heard = np.zeros_like(base)
        for edge in edges:
            sent = network.input(graph.target(edge.hop), edge.senders)
            heard += means(sent, edge.rows, len(nodes)) @ network.first.message[edge.hop]
        found[label] = _Receivers(nodes, edges, base, heard, np.zeros_like(base))
    return found


def _score(
    graph: Graph, network: SageNetwork, receivers: dict[str, _Receivers], roots: Sequence[_Root], t: float
) -> tuple[float, list[Matrix], dict[str, Matrix]]:
    """s, z of both ends and h of all receivers when every mask is t."""
    hidden = {label: np.maximum(found.base + t * found.heard, 0.0) for label, found in receivers.items()}
    vectors = []
    for root in roots:
        z = hidden[root.label][root.place] @ network.second.own[root.label] + network.second.bias[root.label]
        for edge, places in root.edges:
            heard = hidden[graph.target(edge.hop)][places].mean(axis=0)
            z = z + t * heard @ network.second.message[edge.hop]
        vectors.append(z)
    return float(vectors[0] @ vectors[1]), vectors, hidden


def _add_node(
    graph: Graph,
    network: SageNetwork,
    receivers: dict[str, _Receivers],
    roots: Sequence[_Root],
    second: list[list[NDArray[np.float64]]],
    t: float,
    weight: float,
) -> None:
    """Add the gradients at m = t times the weight of this node of the quadrature."""
    _, vectors, hidden = _score(graph, network, receivers, roots, t)
    slopes = {label: np.zeros_like(found.base) for label, found in receivers.items()}
    for root, other, gradients in zip(roots, reversed(vectors), second, strict=True):
        slopes[root.label][root.place] += network.second.own[root.label] @ other
        for (edge, places), gradient in zip(root.edges, gradients, strict=True):
            label = graph.target(edge.hop)
            pull = network.second.message[edge.hop] @ other
            gradient += weight * edge.part * (hidden[label][places] @ pull)
            slopes[label][places] += t * edge.part[:, None] * pull
    for label, found in receivers.items():
        found.pull += weight * np.where(hidden[label] > 0, slopes[label], 0.0)


def _first_layer(
    graph: Graph, network: SageNetwork, found: _Receivers
) -> list[tuple[_Heard, NDArray[np.int64], NDArray[np.float64]]]:
    """The gradients of the edges of the first layer."""
    result = []
    for edge in found.edges:
        pull = found.pull @ network.first.message[edge.hop].T
        sent = network.input(graph.target(edge.hop), edge.senders)
        result.append((edge, found.nodes, edge.part * np.einsum("ij,ij->i", pull[edge.rows], sent)))
    return result


def _merged(
    values: Sequence[tuple[_Heard, NDArray[np.int64], NDArray[np.float64]]],
    score: float,
    baseline: float,
    nodes: int,
) -> Gradients:
    """One value per edge of the graph, whichever ways its messages went."""
    types = sorted({edge.hop.type for edge, _, _ in values})
    keys, parts = [], []
    for edge, receivers, gradient in values:
        ends = receivers[edge.rows], edge.senders
        source, target = ends[::-1] if edge.hop.reverse else ends
        keys.append(np.stack([np.full(len(source), types.index(edge.hop.type)), source, target]))
        parts.append(gradient)
    if not keys:
        nothing = np.zeros(0, np.int64)
        return Gradients((), nothing, nothing, nothing, np.zeros(0), score, baseline, nodes)
    distinct, place = np.unique(np.concatenate(keys, axis=1), axis=1, return_inverse=True)
    total = np.bincount(place.ravel(), np.concatenate(parts), distinct.shape[1]).astype(np.float64)
    return Gradients(tuple(types), distinct[0], distinct[1], distinct[2], total, score, baseline, nodes)
