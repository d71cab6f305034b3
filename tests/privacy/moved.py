"""A bank where customer A and customer B alone hold some products, and the same bank where B's other product is moved.

`gains` counts the lists of A that hold a product only while B holds it: what one other person does must not show.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop
from graphrec.schema import EdgeSchema, GraphSchema, NodeSchema, Roles

BOUGHT = Hop("BOUGHT")
EDGES = {
    "BOUGHT": EdgeSchema("BOUGHT", "User", "Product"),
    "IN_BAND": EdgeSchema("IN_BAND", "User", "Band"),
    "IN_SECTOR": EdgeSchema("IN_SECTOR", "Product", "Sector"),
}
PAIRS = 40
TASTES, PER_TASTE, BANDS, SECTORS = 5, 12, 4, 12
COMMON = TASTES * PER_TASTE
SHARED = 3
SINGLE = PAIRS // 2
"""Products that only one B holds: the moved product of every second pair; that of the others is a common one."""
FILLERS = 220
K = 10


class Scores(Protocol):
    """A term or a blend."""

    def batch(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """The scores (len(users), num_products)."""
        ...


@dataclass(frozen=True)
class Pair:
    """A and B alone hold SHARED products; B's holding of `moved`, which A does not have, goes to C."""

    a: int
    b: int
    c: int
    moved: int


def bank(seed: int, min_group: int = 5) -> tuple[Graph, list[Pair]]:
    """A graph with PAIRS pairs; A, B and C of a pair differ in taste and band, B and C hold equally many products."""
    rng = np.random.default_rng(seed)
    num_users, num_products = 2 * PAIRS + FILLERS, COMMON + SHARED * PAIRS + SINGLE
    held = np.zeros((num_users, num_products), np.bool_)
    taste, band = rng.integers(TASTES, size=num_users), rng.integers(BANDS, size=num_users)
    for place in range(PAIRS):
        first, second = 2 * place, 2 * place + 1
        taste[second] = (taste[first] + rng.integers(1, TASTES)) % TASTES
        band[second] = (band[first] + rng.integers(1, BANDS)) % BANDS
    for user in range(num_users):
        is_filler = user >= 2 * PAIRS
        size = rng.integers(3, 9) if is_filler else rng.integers(2, 5)
        held[user, taste[user] * PER_TASTE + rng.choice(PER_TASTE, size, replace=False)] = True
        if is_filler:
            # Tastes of the others mix, so that every product lies near every other one.
            held[user, rng.choice(COMMON, 2, replace=False)] = True
    pairs = []
    for place in range(PAIRS):
        first, second, shared = 2 * place, 2 * place + 1, COMMON + SHARED * place
        held[[first, second], shared : shared + SHARED] = True
        if place % 2:
            moved = int(rng.choice(np.flatnonzero(held[second, :COMMON])))
        else:
            moved = COMMON + SHARED * PAIRS + place // 2
            held[second, moved] = True
        pairs.append(Pair(first, second, -1, moved))
    degrees = held.sum(axis=1)
    for place, pair in enumerate(pairs):
        alike = (degrees == degrees[pair.b]) & (band != band[pair.a]) & ~(held & held[pair.a]).any(axis=1)
        alike &= ~held[:, pair.moved]
        alike[: 2 * PAIRS] = False
        pairs[place] = replace(pair, c=int(rng.choice(np.flatnonzero(alike))))
    roles = Roles("User", "Product", ("BOUGHT",), {}, ("BOUGHT",), min_group=min_group)
    schema = GraphSchema(roles, {label: NodeSchema(label) for label in ("User", "Product", "Band", "Sector")}, EDGES)
    counts = {"User": num_users, "Product": num_products, "Band": BANDS, "Sector": SECTORS}
    sector = rng.integers(SECTORS, size=num_products)
    hops = {
        **_both("BOUGHT", held),
        **_both("IN_BAND", np.equal.outer(band, np.arange(BANDS))),
        **_both("IN_SECTOR", np.equal.outer(sector, np.arange(SECTORS))),
    }
    return Graph(schema, counts, hops), pairs


def moved(graph: Graph, pairs: Sequence[Pair]) -> Graph:
    """The graph where C of every pair holds what B held."""
    bought = graph.hops[BOUGHT]
    held = np.zeros((graph.num_users, graph.num_products), np.bool_)
    held[np.repeat(np.arange(graph.num_users), bought.degrees()), bought.indices] = True
    for pair in pairs:
        held[pair.b, pair.moved], held[pair.c, pair.moved] = False, True
    return replace(graph, hops={**graph.hops, **_both("BOUGHT", held)})


def gains(
    fit: Callable[[Graph], Scores], *, min_group: int = 5, seeds: Sequence[int] = range(5), at_once: int = 1
) -> int:
    """In how many of the lists of A (PAIRS a seed) a product stands only while B holds it.

    Args:
        fit: a model on a graph.
        min_group: of the roles.
        seeds: of the banks.
        at_once: how many pairs of a bank are moved together, for fits that take long.
    """
    found = 0
    for seed in seeds:
        graph, pairs = bank(seed, min_group)
        before = lists(fit(graph), graph, [pair.a for pair in pairs])
        for start in range(0, PAIRS, at_once):
            some = pairs[start : start + at_once]
            other = moved(graph, some)
            after = lists(fit(other), other, [pair.a for pair in some])
            for place, pair in enumerate(some):
                found += pair.moved in before[start + place] and pair.moved not in after[place]
    return found


def lists(scores: Scores, graph: Graph, users: Sequence[int]) -> list[list[int]]:
    """The K best products that each user does not hold, ties by number."""
    rows = scores.batch(np.array(users, np.int32)).copy()
    held = graph.held()
    best = []
    for user, row in zip(users, rows, strict=True):
        row[held.row(user)] = -np.inf
        order = np.lexsort((np.arange(len(row)), -row))
        best.append(order[:K].tolist())
    return best


def ranks(scores: Scores, graph: Graph, pairs: Sequence[Pair]) -> NDArray[np.int64]:
    """The rank of every pair's product among those that A does not hold (1: the best)."""
    rows = scores.batch(np.array([pair.a for pair in pairs], np.int32)).copy()
    held, found = graph.held(), []
    for pair, row in zip(pairs, rows, strict=True):
        row[held.row(pair.a)] = -np.inf
        own = row[pair.moved]
        found.append(1 + int(((row > own) | ((row == own) & (np.arange(len(row)) < pair.moved))).sum()))
    return np.array(found, np.int64)


def dense(graph: Graph, name: str) -> NDArray[np.float64]:
    """Who or what has which node behind an edge type (num_rows, num_nodes), 0 or 1."""
    hop = next(hop for hop in graph.hops if hop.type == name and not hop.reverse)
    edges = graph.hops[hop]
    matrix = np.zeros((edges.num_rows, graph.counts[graph.target(hop)]))
    matrix[np.repeat(np.arange(edges.num_rows), edges.degrees()), edges.indices] = 1
    return matrix


def _both(name: str, matrix: NDArray[np.bool_]) -> dict[Hop, Adjacency]:
    rows, columns = np.nonzero(matrix)
    ends = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=len(matrix))))).astype(np.int64)
    edges = Adjacency(ends, columns.astype(np.int32))
    return {Hop(name): edges, Hop(name, True): edges.transposed(matrix.shape[1])}
