"""Graphs with a known answer, and what every term must do."""

import numpy as np

from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop, from_codes
from graphrec.schema import EdgeSchema, GraphSchema, NodeSchema, Roles
from graphrec.terms.base import Term

EDGES = {
    "BOUGHT": EdgeSchema("BOUGHT", "User", "Product"),
    "VIEWED": EdgeSchema("VIEWED", "User", "Product"),
    "REJECTED": EdgeSchema("REJECTED", "User", "Product"),
    "IN_BAND": EdgeSchema("IN_BAND", "User", "Band"),
    "HAS_SEX": EdgeSchema("HAS_SEX", "User", "Sex", protected=True),
    "IN_SECTOR": EdgeSchema("IN_SECTOR", "Product", "Sector"),
}


def schema(
    relevant: tuple[str, ...] = ("BOUGHT",), metapaths: tuple[str, ...] | None = None, min_group: int = 1
) -> GraphSchema:
    """Users, products, two attributes of users and one of products; a few people say enough on boards so small."""
    weights = {"VIEWED": 0.2, "REJECTED": -1.0}
    roles = Roles("User", "Product", ("BOUGHT", "VIEWED", "REJECTED"), weights, relevant, metapaths, min_group)
    return GraphSchema(
        roles, {label: NodeSchema(label) for label in ("User", "Product", "Band", "Sex", "Sector")}, EDGES
    )


def checkerboard(size: int = 16, relevant: tuple[str, ...] = ("BOUGHT",)) -> Graph:
    """User u buys every product of the same parity but u itself: the withheld one.

    Bands and sectors follow the parity; views repeat the purchases of the first users; sex is all one value.
    """
    same = np.equal.outer(np.arange(size) % 2, np.arange(size) % 2)
    bought = same & ~np.eye(size, dtype=bool)
    viewed = bought & (np.arange(size) < size // 2)[:, None]
    halves = np.equal.outer(np.arange(size) % 2, np.arange(2))
    return graph(
        {"BOUGHT": bought, "VIEWED": viewed, "REJECTED": ~same & (np.arange(size) % 4 == 0)[:, None],
         "IN_BAND": halves, "HAS_SEX": np.ones((size, 1), bool), "IN_SECTOR": halves}, relevant
    )  # fmt: skip


def random_board(
    seed: int, users: int = 40, products: int = 24, relevant: tuple[str, ...] = ("BOUGHT",), min_group: int = 1
) -> Graph:
    """Random edges of every type."""
    rng = np.random.default_rng(seed)
    sizes = {"User": users, "Product": products, "Band": 4, "Sex": 2, "Sector": 3}
    return graph(
        {name: rng.random((sizes[edge.source], sizes[edge.target])) < 0.2 for name, edge in EDGES.items()},
        relevant,
        min_group,
    )


def graph(chosen: dict[str, np.ndarray], relevant: tuple[str, ...] = ("BOUGHT",), min_group: int = 1) -> Graph:
    """The graph of dense 0/1 matrices by edge type."""
    hops: dict[Hop, Adjacency] = {}
    counts: dict[str, int] = {}
    for name, matrix in chosen.items():
        adjacency = from_codes(np.flatnonzero(matrix.ravel()), *matrix.shape)
        hops[Hop(name)], hops[Hop(name, True)] = adjacency, adjacency.transposed(matrix.shape[1])
        counts[EDGES[name].source], counts[EDGES[name].target] = matrix.shape
    return Graph(schema(relevant, min_group=min_group), counts, hops)


def best_new(term: Term, graph: Graph) -> np.ndarray:
    """The best product that each user does not hold."""
    held = graph.held()
    best = []
    for user in range(graph.num_users):
        scores = term.scores(user)
        scores[held.row(user)] = -np.inf
        best.append(int(scores.argmax()))
    return np.array(best)


def check_contract(term: Term, graph: Graph, rtol: float = 1e-5) -> None:
    """Batch, single scores and the sums of the shares agree."""
    single = np.array([term.scores(user) for user in range(graph.num_users)])
    scale = np.abs(single).max()
    batch = term.batch(np.arange(graph.num_users, dtype=np.int32))
    assert batch.shape == single.shape
    np.testing.assert_allclose(batch, single, rtol=rtol, atol=rtol * scale)
    products = np.arange(graph.num_products, dtype=np.int32)
    for user in range(graph.num_users):
        shares = term.shares(user, products)
        np.testing.assert_allclose(shares.values.sum(axis=0), single[user], rtol=rtol, atol=rtol * scale)
    chosen = np.array([3, 1, 3], np.int32)
    np.testing.assert_array_equal(term.batch(chosen), batch[chosen])


def same_scores(first: Term, second: Term, graph: Graph) -> bool:
    """Whether two terms give the same bytes."""
    users = np.arange(graph.num_users, dtype=np.int32)
    return first.batch(users).tobytes() == second.batch(users).tobytes()
