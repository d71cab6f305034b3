"""A two-tower network of products' attributes, fitted with differential privacy beside the released sums.

    score(u, i) = sum over what u holds of W[a, i],    W = B / std(B) + A G A^T, 0 between a product and itself
    B = the table of EASE from the release (private.py),  A = the products' attributes, G = the weights of the network
    loss(u) = mean over u's products i of -log softmax(mean of W over u's other products + log n)[i]

An example is one customer: the loss is a function of that customer's own holdings, of the catalogue and of what is
released already, and every product is a negative. In a graph network this does not hold, since the edges of one
customer are in the representations of others. So the gradient of each customer is clipped to `CLIP` (L2), and the sum
of a step gets Gaussian noise of deviation s: mu^2 = STEPS (CLIP / s)^2. Source: Abadi et al., CCS 2016. A step asks all
customers and not a sample of them, so that the accounting (noise.py) is exact.

Gradients are rounded to whole numbers of 2^-BITS, so that a sum has no order. The number of customers is taken from the
release: the trace of M counts them.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import NothingToLearn
from graphrec.graph.edges.adjacency import Adjacency, Graph
from graphrec.models.counted.noise import Uniform, gaussian

Matrix = NDArray[np.float64]

SHARE = 0.3
"""Of mu^2 for the network; the rest goes to the sums."""
STEPS = 20
CLIP = 0.1
RATE, MOMENTUM = 3.0, 0.9
DIM = 48
"""Dimensions of attributes at most."""
BITS = 30
AT_ONCE = 4_000_000
"""Scores that are computed at once."""


@dataclass(frozen=True, eq=False)
class Known:
    """What is released of customers before the network is fitted.

    Shapes: table (num_products, num_products), holders (num_products,).
    """

    table: Matrix
    holders: Matrix
    customers: float


def deviation_of(mu: float) -> float:
    """The deviation of the noise in a step; rounding moves each number of a gradient by half a unit at most."""
    return math.sqrt(STEPS) * (CLIP + DIM * 2.0 ** -(BITS + 1)) / mu


def fit_network(graph: Graph, rows: Adjacency, known: Known, mu: float, uniform: Uniform) -> tuple[Matrix, Matrix]:
    """W (num_products, num_products), and G.

    Args:
        graph: whose catalogue it is.
        rows: products of each customer, clipped.
        known: what is released already.
        mu: of all steps together.
        uniform: what draws the noise.

    Raises:
        NothingToLearn: products have no attributes.
    """
    inputs = attributes_of(graph)
    base = known.table / max(float(known.table.std()), 1e-12)
    G = np.zeros((inputs.shape[1],) * 2)
    speed = np.zeros_like(G)
    deviation = deviation_of(mu) * 2.0**BITS
    for _ in range(STEPS):
        W = base + inputs @ G @ inputs.T
        total = gradient(rows, W, inputs, known.holders)
        noisy = np.ldexp(
            (total + gaussian(total.size, deviation, uniform).reshape(total.shape)).astype(np.float64), -BITS
        )
        speed = MOMENTUM * speed + noisy / known.customers
        G -= RATE * speed
    W = base + inputs @ G @ inputs.T
    np.fill_diagonal(W, 0.0)
    return W, G


def gradient(rows: Adjacency, W: Matrix, inputs: Matrix, holders: Matrix) -> NDArray[np.int64]:
    """The sum over customers of their clipped gradients by G, in whole numbers of 2^-BITS.

    A customer with fewer than two products has none.
    """
    total = np.zeros((inputs.shape[1],) * 2, np.int64)
    degrees = rows.degrees()
    able = np.flatnonzero(degrees >= 2).astype(np.int32)
    piece = np.cumsum(degrees[able]) * len(W) // AT_ONCE
    for number in np.unique(piece):
        own = _gradients(rows, able[piece == number], W, inputs, holders)
        norms = np.linalg.norm(own.reshape(len(own), -1), axis=1)
        own *= np.minimum(CLIP / np.maximum(norms, 1e-12), 1.0)[:, None, None]
        total += np.rint(np.ldexp(own, BITS)).astype(np.int64).sum(axis=0)
    return total


def attributes_of(graph: Graph) -> Matrix:
    """The attributes of products (num_products, DIM at most): edges that the mapping declares from them, centred.

    Raises:
        NothingToLearn: there are none that two products share.
    """
    roles, found = graph.schema.roles, []
    for hop in sorted(graph.hops, key=str):
        if hop.reverse or graph.source(hop) != roles.product or graph.target(hop) in (roles.user, roles.product):
            continue
        edges = graph.hops[hop]
        matrix = np.zeros((graph.num_products, graph.counts[graph.target(hop)]))
        matrix[np.repeat(np.arange(edges.num_rows), edges.degrees()), edges.indices] = 1
        matrix = matrix[:, matrix.sum(axis=0) > 1]
        found.append(matrix / np.sqrt(np.maximum(matrix.sum(axis=1, keepdims=True), 1)))
    joined = np.concatenate(found, axis=1) if found else np.zeros((graph.num_products, 0))
    centred: Matrix = joined - joined.mean(axis=0)
    if not centred.any():
        raise NothingToLearn(
            "private.method=network has nothing to learn from: no two products share an attribute (a node that the "
            "mapping leads an edge of products to); run: graphrec train --model private --set private.method=ease"
        )
    if centred.shape[1] <= DIM:
        return centred
    left, strengths, _ = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(left[:, :DIM] * strengths[:DIM])


def _gradients(rows: Adjacency, users: NDArray[np.int32], W: Matrix, inputs: Matrix, holders: Matrix) -> Matrix:
    """The gradient of each customer (len(users), dim, dim)."""
    degrees = rows.degrees()[users]
    owners, answers = rows.expand(users)
    starts, pairs = np.cumsum(degrees) - degrees, np.arange(len(owners))
    share = 1 / (degrees - 1)[owners, None]

    def others(values: Matrix) -> Matrix:
        """The mean over a customer's other products, for each product that is left out."""
        return (np.add.reduceat(values[answers], starts)[owners] - values[answers]) * share

    held = np.zeros((len(users), len(W)), np.bool_)
    held[owners, answers] = True
    held = held[owners]
    held[pairs, answers] = False
    scores = others(W) + np.log(np.maximum(holders, 1.0))
    scores[held] = -np.inf
    scores -= scores.max(axis=1, keepdims=True)
    chances = np.exp(scores)
    chances /= chances.sum(axis=1, keepdims=True) * degrees[owners, None]
    chances[pairs, answers] -= 1 / degrees[owners]
    left, right = others(inputs), chances @ inputs
    ends = [slice(start, start + degree) for start, degree in zip(starts, degrees, strict=True)]
    return np.stack([left[one].T @ right[one] for one in ends])
