"""Random typed graphs, and the walk kernel counted path by path."""

from dataclasses import replace

import numpy as np

from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop, from_codes
from graphrec.schema import EdgeSchema, GraphSchema, NodeSchema, Roles
from graphrec.terms.walks import Walk

EDGES = {
    "BOUGHT": ("User", "Product"),
    "VIEWED": ("User", "Product"),
    "IN_BAND": ("User", "Band"),
    "IN_SECTOR": ("Product", "Sector"),
    "SIMILAR_TO": ("Product", "Product"),
    "KNOWS": ("User", "User"),
    "LIKES": ("User", "Sector"),
}
SCHEMA = GraphSchema(
    Roles("User", "Product", ("BOUGHT", "VIEWED"), {"VIEWED": 0.2}, ("BOUGHT",), min_group=1),
    {label: NodeSchema(label) for label in ("User", "Product", "Band", "Sector")},
    {name: EdgeSchema(name, *ends) for name, ends in EDGES.items()},
)


def random_graph(seed: int, users: int = 9, products: int = 7, min_group: int = 1) -> Graph:
    """A small random graph of four labels and seven edge types; interactions carry weights."""
    rng = np.random.default_rng(seed)
    counts = {"User": users, "Product": products, "Band": 3, "Sector": 3}
    hops = {}
    for name, (source, target) in EDGES.items():
        chosen = rng.random((counts[source], counts[target])) < rng.uniform(0.1, 0.5)
        if source == target:
            np.fill_diagonal(chosen, False)
        plain = from_codes(np.flatnonzero(chosen.ravel()), *chosen.shape)
        weight = rng.uniform(0.2, 3.0, len(plain.indices)) if source == "User" and target == "Product" else None
        hops[Hop(name)] = Adjacency(plain.indptr, plain.indices, weight)
        hops[Hop(name, True)] = hops[Hop(name)].transposed(counts[target])
    return Graph(replace(SCHEMA, roles=replace(SCHEMA.roles, min_group=min_group)), counts, hops)


def random_walks(seed: int) -> list[Walk]:
    """Every kind of walk there is, with random powers and weights."""
    rng = np.random.default_rng(seed)
    texts = (
        "VIEWED; KNOWS BOUGHT; BOUGHT SIMILAR_TO; LIKES <IN_SECTOR; BOUGHT <BOUGHT BOUGHT; VIEWED <VIEWED BOUGHT; "
        "VIEWED <BOUGHT VIEWED; VIEWED IN_SECTOR <IN_SECTOR; BOUGHT IN_SECTOR <IN_SECTOR; IN_BAND <IN_BAND BOUGHT; "
        "VIEWED SIMILAR_TO SIMILAR_TO; KNOWS KNOWS BOUGHT; KNOWS BOUGHT SIMILAR_TO; VIEWED <VIEWED VIEWED"
    )
    walks = [tuple(Hop.parse(hop) for hop in text.split()) for text in texts.split("; ")]
    return [Walk(hops, tuple(rng.uniform(0, 1, len(hops))), float(rng.uniform(0.1, 2))) for hops in walks]


def paths(graph: Graph, walk: Walk, user: int, product: int) -> dict[tuple[int, ...], float]:
    """Every simple path of a walk from user to product with its share, by following every edge."""
    labels = ["User", *(graph.target(hop) for hop in walk.hops)]
    found = {}

    def follow(nodes: tuple[int, ...], share: float) -> None:
        position = len(nodes) - 1
        if position == len(walk.hops):
            if nodes[-1] == product:
                found[nodes[1:-1]] = share
            return
        hop = walk.hops[position]
        weights = graph.hops[hop].weights(user) if position == 0 else None
        for number, node in enumerate(graph.hops[hop].row(nodes[-1]).tolist()):
            if (labels[position + 1], node) in zip(labels, nodes, strict=False):
                continue
            arriving = len(graph.hops[hop.back()].row(node))
            weight = 1.0 if weights is None else weights[number]
            follow((*nodes, node), share * float(arriving) ** -walk.powers[position] * weight)

    follow((user,), walk.beta)
    return found


def lines(graph: Graph, walk: Walk, user: int, product: int) -> dict[tuple[int, int], tuple[float, int]]:
    """The lines of a walk by (via, mid), -1 where a line has none: share, and how many people; by enumeration.

    Fewer people than `min_group` are none, and no path leads through what describes fewer.
    """
    labels, least = [graph.target(hop) for hop in walk.hops], graph.schema.roles.min_group
    found: dict[tuple[int, int], float] = {}
    people: dict[tuple[int, int], set[int]] = {}
    for inner, share in paths(graph, walk, user, product).items():
        described = [
            len(graph.hops[hop.back()].row(node))
            for hop, node, label in zip(walk.hops, inner, labels, strict=False)
            if graph.source(hop) == "User" and label not in ("User", "Product")
        ]
        if any(count < least for count in described):
            continue
        via = -1 if inner and labels[0] == "User" else inner[0] if inner else product
        mid = -1 if "User" in labels[:2] or len(inner) < 2 else inner[1]
        found[via, mid] = found.get((via, mid), 0.0) + share
        person = [node for node, label in zip(inner, labels, strict=False) if label == "User"]
        people.setdefault((via, mid), set()).update(person[-1:])
    through = "User" in labels[:-1]
    return {way: (share, len(people[way])) for way, share in found.items() if not through or len(people[way]) >= least}
