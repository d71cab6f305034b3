"""Integrated gradients of a GraphSAGE score over the edges of its two-hop subgraph.

    IG_e = integral over t from 0 to 1 of ds/dm_e at m = t,    sum over edges e: IG_e = s(1) - s(0)

The edges are those of the user and those between nodes that are no users; what users send to a node is part of its own
(`of_users`, network.py). A mask value per edge multiplies the messages over it; mean weights stay. With all masks t a
hidden unit is relu(base + t received), at work in one interval of t that is known exactly, and ds/dm_e is a sum over
units of z(t), of the other end of the pair, times 1, t or the unit. So z is sampled at Gauss-Legendre nodes, and the
Legendre series through them is integrated over the interval of every unit in closed form. z bends where units start and
stop: the sum misses s(1) - s(0) by the completeness gap, which is part of the answer. Sources: Sundararajan et al.,
ICML 2017; docs/formulas.md, GraphSAGE.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.terms.sage.network import Matrix, SageNetwork, means

#: Gauss-Legendre nodes; doubled up to MOST_NODES while the gap is above GAP.
NODES = 8
MOST_NODES = 256
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
    """The score without any edge."""
    nodes: int
    """Nodes of the quadrature."""

    @property
    def gap(self) -> float:
        """What the edges miss of score - baseline, as a part of it."""
        change = self.score - self.baseline
        return abs(float(self.values.sum()) - change) / abs(change) if change else 0.0


@dataclass(frozen=True, eq=False)
class _Received:
    """The edges over one hop: rows (positions among the receivers), senders, 1 / degree of the receiver."""

    hop: Hop
    rows: NDArray[np.int64]
    senders: NDArray[np.int64]
    part: NDArray[np.float64]


@dataclass(eq=False)
class _Receivers:
    """The nodes of one label that have an h, and its two parts: relu(base + t * received).

    Shapes: nodes (n,) sorted; base, received, pull (n, hidden), pull = the integral of ds/d(base + t * received).
    """

    nodes: NDArray[np.int64]
    edges: list[_Received]
    base: Matrix
    received: Matrix
    pull: Matrix


@dataclass(frozen=True, eq=False)
class _Root:
    """One end of the pair: its label and place among the receivers, and what it receives in the second layer."""

    label: str
    place: int
    edges: list[tuple[_Received, NDArray[np.int64]]]
    """Edges, and the places of their senders among the receivers."""


def integrated_gradients(graph: Graph, network: SageNetwork, user: int, product: int) -> Gradients:
    """The integrated gradients of s(user, product): all edges of the sampled two-hop subgraph."""
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
    series = [_series(graph, network, receivers, root, nodes) for root in roots]
    spans = {label: _spans(found, nodes) for label, found in receivers.items()}
    values = [
        (edge, np.array([node]), gradient)
        for (_, node), root, other in zip(ends, roots, reversed(series), strict=True)
        for edge, gradient in _second_layer(graph, network, receivers, spans, root, other)
    ]
    values += [found for label in receivers for found in _first_layer(graph, network, receivers[label])]
    at = [np.stack([_vectors(graph, network, receivers, root, np.array([t]))[0] for root in roots]) for t in (1.0, 0.0)]
    score, baseline = (float(pair[0] @ pair[1]) for pair in at)
    return _merged(values, score, baseline, nodes)


def _edges(graph: Graph, network: SageNetwork, label: str, nodes: NDArray[np.int64]) -> list[_Received]:
    found = []
    for hop in network.hops_of(graph, label):
        rows, senders = network.sampled_of(graph, hop, nodes)
        if len(rows):
            degrees = np.bincount(rows, minlength=len(nodes))
            found.append(_Received(hop, rows, senders.astype(np.int64), 1.0 / degrees[rows]))
    return found


def _receivers(
    graph: Graph, network: SageNetwork, ends: Sequence[tuple[str, int]], around: Sequence[list[_Received]]
) -> dict[str, _Receivers]:
    """Both ends and all that they receive from, by label."""
    wanted: dict[str, list[NDArray[np.int64]]] = {}
    for (label, node), edges in zip(ends, around, strict=True):
        wanted.setdefault(label, []).append(np.array([node]))
        for edge in edges:
            wanted.setdefault(graph.target(edge.hop), []).append(edge.senders)
    found = {}
    for label, parts in wanted.items():
        nodes = np.unique(np.concatenate(parts))
        edges = _edges(graph, network, label, nodes)
        base = network.base(graph, label, nodes)
        received = np.zeros_like(base)
        for edge in edges:
            sent = network.input(graph, graph.target(edge.hop), edge.senders)
            received += means(sent, edge.rows, len(nodes)) @ network.first.message[edge.hop]
        found[label] = _Receivers(nodes, edges, base, received, np.zeros_like(base))
    return found


def _vectors(
    graph: Graph, network: SageNetwork, receivers: dict[str, _Receivers], root: _Root, at: NDArray[np.float64]
) -> Matrix:
    """z of one end (len(at), dim) when every mask is t, for each t of `at`."""

    def hidden(label: str, places: NDArray[np.int64]) -> NDArray[np.float64]:
        found = receivers[label]
        return np.maximum(found.base[places] + at[:, None, None] * found.received[places], 0.0)

    own = hidden(root.label, np.array([root.place]))[:, 0]
    z = own @ network.second.own[root.label] + network.second.bias[root.label]
    if root.label in network.second.of_users:
        z = z + network.second.of_users[root.label][receivers[root.label].nodes[root.place]]
    for edge, places in root.edges:
        received = hidden(graph.target(edge.hop), places).mean(axis=1)
        z = z + at[:, None] * (received @ network.second.message[edge.hop])
    return np.asarray(z)


def _series(graph: Graph, network: SageNetwork, receivers: dict[str, _Receivers], root: _Root, nodes: int) -> Matrix:
    """The Legendre series (nodes, dim) of z(t) of one end, on [0, 1]."""
    places, weights = np.polynomial.legendre.leggauss(nodes)
    values = _vectors(graph, network, receivers, root, (places + 1) / 2)
    basis = np.polynomial.legendre.legvander(places, nodes - 1)
    return np.asarray((basis * (weights / 2)[:, None]).T @ values * (2 * np.arange(nodes) + 1)[:, None])


def _spans(found: _Receivers, nodes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The integrals of P_m(t) and of t P_m(t), P_m the Legendre polynomials on [0, 1], while a unit is at work.

    Shapes: (num_nodes, hidden, nodes) each.
    """
    begins, ends = found.base > 0, found.base + found.received > 0
    turn = begins != ends
    moment = np.ones_like(found.base)
    moment[turn] = -found.base[turn] / found.received[turn]
    whole = _integrals(np.ones(1), nodes)
    until = _integrals(moment[turn], nodes)
    result = []
    for part, full in zip(until, whole, strict=True):
        span = np.where((begins & ends)[:, :, None], full, 0.0)
        span[turn] = np.where(begins[turn][:, None], part, full - part)
        result.append(span)
    return result[0], result[1]


def _integrals(until: NDArray[np.float64], nodes: int) -> tuple[Matrix, Matrix]:
    """The integrals of P_m(t) and t P_m(t) from 0 (len(until), nodes).

    (2m + 1) P_m = P'_{m+1} - P'_{m-1} and (2m + 1) x P_m = (m + 1) P_{m+1} + m P_{m-1} with x = 2t - 1.
    """
    basis = np.polynomial.legendre.legvander(2 * until - 1, nodes + 1)
    orders = np.arange(nodes + 1)
    plain = np.empty((len(until), nodes + 1))
    plain[:, 0] = until
    plain[:, 1:] = (basis[:, 2:] - basis[:, :-2]) / (2 * (2 * orders[1:] + 1))
    lower = np.concatenate([np.zeros((len(until), 1)), plain[:, :-2]], axis=1)
    order = orders[:-1]
    weighted = (plain[:, :-1] + ((order + 1) * plain[:, 1:] + order * lower) / (2 * order + 1)) / 2
    return plain[:, :-1], weighted


def _second_layer(
    graph: Graph,
    network: SageNetwork,
    receivers: dict[str, _Receivers],
    spans: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    root: _Root,
    other: Matrix,
) -> list[tuple[_Received, NDArray[np.float64]]]:
    """The gradients of the edges over which one end receives, `other` the series of the other; adds to the pulls."""
    own = receivers[root.label]
    towards = other @ network.second.own[root.label].T
    own.pull[root.place] += np.einsum("mk,km->k", towards, spans[root.label][0][root.place])
    result = []
    for edge, places in root.edges:
        label = graph.target(edge.hop)
        found = receivers[label]
        towards = other @ network.second.message[edge.hop].T
        plain, weighted = (np.einsum("mk,pkm->pk", towards, span[places]) for span in spans[label])
        result.append((edge, edge.part * (found.base[places] * plain + found.received[places] * weighted).sum(axis=1)))
        found.pull[places] += edge.part[:, None] * weighted
    return result


def _first_layer(
    graph: Graph, network: SageNetwork, found: _Receivers
) -> list[tuple[_Received, NDArray[np.int64], NDArray[np.float64]]]:
    """The gradients of the edges of the first layer."""
    result = []
    for edge in found.edges:
        pull = found.pull @ network.first.message[edge.hop].T
        sent = network.input(graph, graph.target(edge.hop), edge.senders)
        result.append((edge, found.nodes, edge.part * np.einsum("ij,ij->i", pull[edge.rows], sent)))
    return result


def _merged(
    values: Sequence[tuple[_Received, NDArray[np.int64], NDArray[np.float64]]],
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
