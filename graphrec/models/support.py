"""Who stands behind what: what fewer than `min_group` customers have in common counts as none, before any fit.

    products      fewer holders: no customer's edge to it is learned from; its text and entities speak for it
    attributes    nodes with fewer customers are one node, "other", where that says something: not where it has too few
                  as well, where customers have several of them (transactions), or where most of what is had is rare
    pairs (a, i)  fewer customers who have a and hold i: no entry of a Gram matrix, and none of what is solved from it

With `min_group` = 1 nothing changes. And `most_alike` = n of the roles leaves n customers of those with the very same
holdings: fake customers who are copies of one another count as n.
"""

import logging
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import NothingToLearn
from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop, among, codes_of, from_codes
from graphrec.log import stage
from graphrec.models.matrix import csr, holdings, relevant_hops
from graphrec.models.sharded import crossed, is_sharded
from graphrec.terms.forms.factors import FactorTerm, Neighbours, SparseRows, TableTerm

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Pairs of a user's holdings that are counted at once (1 GB).
PAIRS_AT_ONCE = 30_000_000
#: Weights of a masked table at most (400 MB); beyond it each node keeps its strongest ones.
MOST_WEIGHTS = 50_000_000
#: Pairs of a table of yes and no at most (64 MB); beyond it they are looked for.
MOST_FLAGS = 1 << 26


#: Products in common from which customers with the same holdings may be copies: fewer are common.
LEAST_ALIKE = 3


@dataclass(frozen=True, eq=False)
class Supported:
    """A graph as models may learn from it."""

    graph: Graph
    """Without the edges of customers to products that too few hold; rare attribute nodes are one."""
    other: Mapping[Hop, NDArray[np.int32]] = field(default_factory=dict)
    """By hop of an attribute: the node whose learned row each node reads (num_nodes,)."""

    def rows(self, hop: Hop, learned: NDArray[np.float32]) -> NDArray[np.float32]:
        """What was learned of the nodes of a hop (num_nodes, …), with that of "other" for rare attribute nodes."""
        return learned[self.other[hop]] if hop in self.other else learned


_seen: "WeakKeyDictionary[Graph, Supported]" = WeakKeyDictionary()
_pairs: "WeakKeyDictionary[Graph, dict[Hop, Adjacency]]" = WeakKeyDictionary()


def supported(graph: Graph) -> Supported:
    """What `min_group` and `most_alike` leave of a graph; the graph itself where they are 1 and not set."""
    roles = graph.schema.roles
    if roles.min_group <= 1 and roles.most_alike is None:
        return Supported(graph)
    if graph not in _seen:
        single = graph if roles.most_alike is None else without_copies(graph, roles.most_alike)
        _seen[graph] = _supported(single) if roles.min_group > 1 else Supported(single)
    return _seen[graph]


def without_copies(graph: Graph, most: int) -> Graph:
    """The graph with the interactions of `most` customers, the first ones, of those who hold the very same products."""
    held, seen = graph.held(), Counter[bytes]()
    stays = np.ones(held.num_rows, np.bool_)
    for user in np.flatnonzero(held.degrees() >= LEAST_ALIKE).tolist():
        key = held.row(user).tobytes()
        seen[key] += 1
        stays[user] = seen[key] <= most
    if stays.all():
        return graph
    roles, hops = graph.schema.roles, dict(graph.hops)
    for hop in sorted(graph.hops, key=str):
        if (graph.source(hop), graph.target(hop)) == (roles.user, roles.product):
            hops[hop] = only_of(graph.hops[hop], stays)
            hops[hop.back()] = hops[hop].transposed(graph.num_products)
    return replace(graph, hops=hops)


def only_of(edges: Adjacency, kept: NDArray[np.bool_]) -> Adjacency:
    """The edges of some rows."""
    there = np.repeat(kept, edges.degrees())
    ends = np.concatenate(([0], np.cumsum(np.where(kept, edges.degrees(), 0)))).astype(np.int64)
    return Adjacency(ends, edges.indices[there], None if edges.weight is None else edges.weight[there])


def nothing_to_learn(name: str, graph: Graph, wanted: str) -> NothingToLearn:
    """The error of a model that finds nothing to learn from.

    Args:
        name: of the model.
        graph: what may be seen.
        wanted: what is not there, such as `no user holds a product`.
    """
    least = graph.schema.roles.min_group
    if least > 1 and len(graph.held().indices):
        return NothingToLearn(
            f"{name} has nothing to learn from: nothing is held by min_group = {least} customers together, and what "
            "fewer share counts as none; load more customers, or run: graphrec train --model text"
        )
    return NothingToLearn(f"{name} has nothing to learn from: {wanted}; load interactions first")


def has_times(graph: Graph) -> bool:
    """Whether the graph knows when some of what is held was taken."""
    return graph.now is not None and any(graph.hops[hop].newest is not None for hop in relevant_hops(graph))


def enough_holders(graph: Graph) -> NDArray[np.bool_]:
    """Which products at least `min_group` customers hold (num_products,)."""
    return _customers(graph.held(), graph.num_products) >= graph.schema.roles.min_group


def supported_pairs(graph: Graph, hop: Hop) -> Adjacency:
    """For each node behind a customer's hop: the products that at least `min_group` of its customers hold.

    Args:
        graph: of `supported`.
        hop: from customers to holdings or attributes.
    """
    known = _pairs.setdefault(graph, {})
    if hop not in known:
        known[hop] = supported_pairs_of(graph, graph.hops[hop.back()])
    return known[hop]


def masked_term(name: str, graph: Graph, lefts: Mapping[Hop, NDArray[np.float32]], right: NDArray[np.float32]) -> (
    FactorTerm | TableTerm
):  # fmt: skip
    """The term of two thin matrices, of which only the weights of supported pairs are kept.

    Args:
        graph: what may be seen.
        lefts: (num_nodes, dim) by hop.
        right: (num_products, dim).

    Returns:
        Factors where `min_group` is 1, else a sparse table: a product of factors says something of every pair.
    """
    if graph.schema.roles.min_group <= 1:
        return FactorTerm(name, graph, [Neighbours(hop, left) for hop, left in lefts.items()], right)
    seen = supported(graph).graph
    tables = [Neighbours(hop, _masked(name, supported_pairs(seen, hop), left, right)) for hop, left in lefts.items()]
    return TableTerm(name, graph, tables, right)


def _supported(graph: Graph) -> Supported:
    roles = graph.schema.roles
    hops = dict(graph.hops)
    other = {}
    enough = enough_holders(graph)
    for hop in sorted(graph.hops, key=str):
        target = graph.target(hop)
        if graph.source(hop) != roles.user or target == roles.user:
            continue
        edges, count = graph.hops[hop], graph.counts[target]
        if target != roles.product:
            edges, other[hop] = _with_other(edges, count, roles.min_group)
        elif hop.type in roles.relevant:
            edges = only_to(edges, enough)
        else:
            edges = only_to(edges, _customers(edges, count) >= roles.min_group)
        hops[hop], hops[hop.back()] = edges, edges.transposed(count)
    return Supported(replace(graph, hops=hops), other)


def _customers(edges: Adjacency, num_targets: int) -> NDArray[np.int64]:
    """How many customers have an edge to each node (num_targets,)."""
    found: NDArray[np.int64] = np.bincount(edges.indices, minlength=num_targets)
    return found


def only_to(edges: Adjacency, kept: NDArray[np.bool_]) -> Adjacency:
    """The edges to some nodes."""
    if kept.all():
        return edges
    there = kept[edges.indices]
    ends = np.concatenate(([0], np.cumsum(there)))[edges.indptr].astype(np.int64)
    weight = None if edges.weight is None else edges.weight[there]
    return Adjacency(ends, edges.indices[there], weight)


def _with_other(edges: Adjacency, num_nodes: int, least: int) -> tuple[Adjacency, NDArray[np.int32]]:
    """The edges with all rare nodes as the first of them, and the node that each node is now."""
    nodes = np.arange(num_nodes, dtype=np.int32)
    counts = _customers(edges, num_nodes)
    rare = (counts > 0) & (counts < least)
    if not rare.any():
        return edges, nodes
    nodes[rare] = nodes[rare][0]
    renamed = Adjacency(edges.indptr, nodes[edges.indices])
    codes = np.unique(codes_of(renamed, num_nodes))
    merged = from_codes(codes, edges.num_rows, num_nodes)
    enough = _customers(merged, num_nodes) >= least
    if len(edges.indices) - len(codes) >= least or 2 * counts[rare].sum() > len(edges.indices):
        enough[nodes[rare][0]] = False
    return only_to(merged, enough), nodes


def supported_gram(graph: Graph, of_user: NDArray[np.float64]) -> "csr_array":
    """The sum over customers of `of_user` for each pair of their holdings, 0 where the pair is not supported.

    Args:
        graph: of `supported`.
        of_user: what each customer counts (num_users,).

    Returns:
        (num_products, num_products), symmetric; a product held by two types counts twice.
    """
    from scipy.sparse import csr_array

    by_user = holdings(graph, np.float64)
    shape = (graph.num_products, graph.num_products)
    if is_sharded(graph.num_users, graph.num_products):
        summed = csr_array(crossed(csr_array(by_user.multiply(of_user[:, None]).tocsr()), by_user))
        summed.sort_indices()
        found = csr_array(summed.multiply(_enough(graph, graph.held(), graph.num_products)))
        found.sort_indices()
        return found
    weighted = csr_array(by_user.multiply(of_user[:, None]).tocsr().T.tocsr())
    values: list[NDArray[np.float64]] = []

    def add(start: int, end: int, enough: NDArray[np.bool_]) -> None:
        summed = (weighted[start:end] @ by_user).tocsr()
        summed.sort_indices()
        values.append(summed.data[enough])

    pairs = supported_pairs_of(graph, graph.held().transposed(graph.num_products), add)
    return csr_array((np.concatenate(values), pairs.indices, pairs.indptr), shape=shape)


def supported_pairs_of(
    graph: Graph, back: Adjacency, also: Callable[[int, int, NDArray[np.bool_]], None] | None = None
) -> Adjacency:
    """For each node: the products that at least `min_group` of the customers in its row of `back` hold.

    Args:
        also: is called for each span of nodes, with which of its pairs, by node and product, are supported.
    """
    held = graph.held()
    if also is None and is_sharded(graph.num_users, graph.num_products):
        both = _enough(graph, back.transposed(graph.num_users), back.num_rows)
        return Adjacency(both.indptr.astype(np.int64), both.indices.astype(np.int32))
    by_user, by_node = csr(held, graph.num_products), csr(back, graph.num_users)
    parts, counts = [np.zeros(0, np.int32)], [np.zeros(1, np.int64)]
    for start, end in _spans(back, held.degrees()):
        both = (by_node[start:end] @ by_user).tocsr()
        both.sort_indices()
        enough = both.data >= graph.schema.roles.min_group
        parts.append(both.indices[enough].astype(np.int32))
        counts.append(np.diff(np.concatenate(([0], np.cumsum(enough)))[both.indptr]))
        if also is not None:
            also(start, end, enough)
    return Adjacency(np.cumsum(np.concatenate(counts)).astype(np.int64), np.concatenate(parts))


def _enough(graph: Graph, edges: Adjacency, num_nodes: int) -> "csr_array":
    """1 for each node of some edges of users and each product that at least `min_group` of its users hold."""
    from scipy.sparse import csr_array

    both = csr_array(crossed(csr(edges, num_nodes), csr(graph.held(), graph.num_products)))
    both.sort_indices()
    few = both.data < graph.schema.roles.min_group
    both.data = np.where(few, 0.0, 1.0)
    both.eliminate_zeros()
    return both


def _spans(back: Adjacency, degrees: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Rows of nodes whose customers have about PAIRS_AT_ONCE holdings together."""
    work = np.concatenate(([0], np.cumsum(degrees[back.indices])))[back.indptr]
    start = 0
    while start < back.num_rows:
        end = max(start + 1, int(np.searchsorted(work, work[start] + PAIRS_AT_ONCE, side="right")) - 1)
        yield start, end
        start = end


def _masked(name: str, pairs: Adjacency, left: NDArray[np.float32], right: NDArray[np.float32]) -> SparseRows:
    """The weights of some pairs; of too many the strongest of each node."""
    from graphrec.terms.compiled.scores import products_of

    return strongest(name, pairs, products_of(pairs, left, right), len(right))


def strongest(name: str, pairs: Adjacency, values: NDArray[np.float32], num_products: int) -> SparseRows:
    """A table of weights (num_pairs,) of some pairs; where they are more than MOST_WEIGHTS the strongest of each node.

    Args:
        name: of the model, for the log.
    """
    degrees = pairs.degrees()
    if len(values) > MOST_WEIGHTS:
        caps = np.arange(1, degrees.max() + 1)
        most = bisect_right(caps, MOST_WEIGHTS, key=lambda cap: int(np.minimum(degrees, cap).sum()))
        rows = np.repeat(np.arange(pairs.num_rows), degrees)
        order = np.lexsort((-np.abs(values), rows))
        place = np.arange(len(values)) - np.repeat(pairs.indptr[:-1], degrees)
        kept = np.sort(order[place < most])
        # A table holds MOST_WEIGHTS: the smallest of the nodes with most are left out, and the log says so.
        with stage("masked table", level=logging.WARNING, model=name) as done:
            done.count(kept=len(kept), left_out=len(values) - len(kept), most_of_a_node=most)
        ends = np.concatenate(([0], np.cumsum(np.minimum(degrees, most)))).astype(np.int64)
        return SparseRows(ends, pairs.indices[kept], values[kept], num_products)
    return SparseRows(pairs.indptr, pairs.indices, values, num_products)


class PairCodes:
    """Which pairs of a customer's neighbour and a product are supported, for steps of training."""

    def __init__(self, graph: Graph, hops: "list[Hop]") -> None:
        self.num_products = graph.num_products
        pairs = {hop: supported_pairs(graph, hop) for hop in hops}
        self._are_there = {hop: _lookup(found, graph.num_products) for hop, found in pairs.items()}

    def __call__(self, hop: Hop, nodes: NDArray[np.integer], products: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Whether each node and the product beside it are a supported pair."""
        return self._are_there[hop](np.asarray(nodes, np.int64) * self.num_products + products)


def _lookup(pairs: Adjacency, num_products: int) -> Callable[[NDArray[np.int64]], NDArray[np.bool_]]:
    """Tells which codes are those of pairs: by a table of all that there could be, where it is not too large."""
    codes, count = codes_of(pairs, num_products), (len(pairs.indptr) - 1) * num_products
    if count > MOST_FLAGS:
        return partial(among, wanted=codes)
    flags = np.zeros(count, np.bool_)
    flags[codes] = True
    return flags.__getitem__
