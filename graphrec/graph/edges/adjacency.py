"""The graph a model is fitted on: distinct neighbours per edge type, both directions, without hidden edges."""

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from graphrec.frozen import dataclass
from graphrec.graph.edges.fading import fading
from graphrec.graph.edges.wealth import Wealth
from graphrec.graph.folders.arrays import CheckedArray
from graphrec.graph.folders.block_rows import Rows
from graphrec.graph.folders.snapshot import ALWAYS, Edges, Snapshot
from graphrec.schema import GraphSchema
from graphrec.times import microseconds_of


@dataclass(frozen=True)
class Hop:
    """One step of a walk: along an edge type, or against it when `reverse`."""

    type: str
    reverse: bool = False

    def __str__(self) -> str:
        return f"<{self.type}" if self.reverse else self.type

    @classmethod
    def parse(cls, text: str) -> "Hop":
        """The hop that `str` printed: `TYPE` or `<TYPE`."""
        return cls(text.removeprefix("<"), text.startswith("<"))

    def back(self) -> "Hop":
        """The same step the other way."""
        return Hop(self.type, not self.reverse)


@dataclass(frozen=True, eq=False)
class Adjacency:
    """Distinct neighbours, sorted, as CSR.

    Shapes: indptr (n + 1,), indices (nnz,), weight (nnz,) = evidence summed over repeated events, or None (all 1);
    newest (nnz,) = when the newest event of each was, None where that is not known; faded (nnz,) = what its age leaves
    of it, or None (all of it).
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    weight: NDArray[np.float64] | None = None
    newest: NDArray[np.int64] | None = None
    faded: NDArray[np.float64] | None = None

    @property
    def num_rows(self) -> int:
        """The number of nodes whose neighbours these are."""
        return len(self.indptr) - 1

    @property
    def is_alone(self) -> bool:
        """Whether it is of one user whose rows are others than in the facts, so that the rest is not read."""
        return False

    def row(self, node: int) -> NDArray[np.int32]:
        """The neighbours of one node, sorted."""
        return self.indices[self.indptr[node] : self.indptr[node + 1]]

    def weights(self, node: int) -> NDArray[np.float64]:
        """The weights of the edges of one node, in the order of `row`."""
        span = slice(int(self.indptr[node]), int(self.indptr[node + 1]))
        return np.ones(span.stop - span.start) if self.weight is None else np.asarray(self.weight[span], np.float64)

    def left(self, node: int) -> NDArray[np.float64] | None:
        """What their age leaves of the edges of one node, in the order of `row`; None: all of them."""
        faded = self.faded
        return None if faded is None else faded[int(self.indptr[node]) : int(self.indptr[node + 1])]

    def evidence(self, node: int) -> NDArray[np.float64]:
        """x of the edges of one node: their weights, less what has faded."""
        weights, left = self.weights(node), self.left(node)
        return weights if left is None else weights * left

    @property
    def x(self) -> NDArray[np.float64] | None:
        """x of every edge; None: all 1."""
        if self.faded is None or self.weight is None:
            return self.weight if self.faded is None else self.faded
        return np.asarray(self.weight, np.float64) * self.faded

    def fading(self, half_life: float, now: int) -> "Adjacency":
        """The same edges with half of each gone every `half_life` days of its age at a date."""
        if self.newest is None:
            return self
        return replace(self, faded=fading(self.newest, now, half_life))

    def degrees(self) -> NDArray[np.int64]:
        """The number of distinct neighbours of every node."""
        return np.diff(self.indptr)

    def degrees_of(self, nodes: NDArray[np.integer]) -> NDArray[np.int64]:
        """The number of distinct neighbours of some nodes."""
        found: NDArray[np.int64] = self.indptr[np.asarray(nodes) + 1] - self.indptr[nodes]
        return found

    def spans(self, nodes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Where the rows of some nodes begin and end (len(nodes), 2)."""
        found: NDArray[np.int64] = np.stack((self.indptr[nodes], self.indptr[np.asarray(nodes) + 1]), axis=1)
        return found

    def expand(self, nodes: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Where each neighbour comes from (position in `nodes`) and the neighbours of all, one after another."""
        return _expanded(self.indptr, self.indices, nodes)

    def transposed(self, num_targets: int) -> "Adjacency":
        """The same edges by target."""
        order = np.argsort(self.indices, kind="stable")
        rows = np.repeat(np.arange(len(self.indptr) - 1, dtype=np.int32), self.degrees())
        indptr = np.zeros(num_targets + 1, np.int64)
        np.cumsum(np.bincount(self.indices, minlength=num_targets), out=indptr[1:])
        return Adjacency(indptr, rows[order], None if self.weight is None else self.weight[order])


class StoredAdjacency(Adjacency):
    """An adjacency in files: rows check the pages they read, the arrays as a whole are checked with order and range.

    Args:
        num_targets: the nodes that `indices` may name.
    """

    _indptr: CheckedArray
    _indices: CheckedArray
    _weight: CheckedArray | None
    _num_targets: int

    def __init__(
        self, indptr: CheckedArray, indices: CheckedArray, weight: CheckedArray | None, num_targets: int
    ) -> None:
        vars(self).update(_indptr=indptr, _indices=indices, _weight=weight, _num_targets=num_targets)

    @property
    def num_rows(self) -> int:
        return len(self._indptr) - 1

    @cached_property
    def indptr(self) -> NDArray[np.int64]:
        return _whole_bounds(self._indptr, len(self._indices))

    @cached_property
    def indices(self) -> NDArray[np.int32]:
        return _whole_targets(self._indices, self._num_targets)

    @cached_property
    def weight(self) -> NDArray[np.float64] | None:
        return None if self._weight is None else self._weight.whole()

    def row(self, node: int) -> NDArray[np.int32]:
        found: NDArray[np.int32] = self._indices[self._span(node)]
        return found

    def weights(self, node: int) -> NDArray[np.float64]:
        span = self._span(node)
        return np.ones(span.stop - span.start) if self._weight is None else np.asarray(self._weight[span], np.float64)

    def degrees_of(self, nodes: NDArray[np.integer]) -> NDArray[np.int64]:
        found: NDArray[np.int64] = self._indptr[np.asarray(nodes) + 1] - self._indptr[nodes]
        return found

    def spans(self, nodes: NDArray[np.integer]) -> NDArray[np.int64]:
        found: NDArray[np.int64] = np.stack((self._indptr[nodes], self._indptr[np.asarray(nodes) + 1]), axis=1)
        return found

    def expand(self, nodes: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        return _expanded(self._indptr, self._indices, nodes)

    def _span(self, node: int) -> slice:
        start, end = self._indptr[node : node + 2]
        return slice(int(start), int(end))


@dataclass(frozen=True, eq=False)
class Graph:
    """The input of terms: node counts and the adjacency of every hop."""

    schema: GraphSchema
    counts: Mapping[str, int]
    hops: Mapping[Hop, Adjacency]
    censored: NDArray[np.int32] | None = None
    """Users with interactions that are hidden pair by pair, ascending."""
    blocks: Mapping[str, Rows] = field(default_factory=dict)
    """Rows (num_users, width) of the users' feature blocks, by the digest of the block."""

    fitted: Mapping[Hop, Adjacency] = field(default_factory=dict)
    """Edges of users as the fit counted them, where those of `hops` are others: newer, or some of them gone."""
    now: int | None = None
    """The date that ages count to, in microseconds since 1970; None: nothing has a time."""
    wealth: Wealth | None = None
    """Amounts that users hold; None: nothing was given that says them."""

    def fading(self, half_lives: Mapping[str, float]) -> "Graph":
        """The graph with interactions that fade, by edge type; half-lives in days."""
        if self.now is None or not half_lives:
            return self
        hops = {Hop(name): self.hops[Hop(name)].fading(days, self.now) for name, days in half_lives.items()}
        return replace(self, hops={**self.hops, **hops})

    def as_fitted(self, hop: Hop) -> Adjacency:
        """The edges of a hop that leaves users, as the fit counted them."""
        return self.fitted[hop] if hop in self.fitted else self.hops[hop]

    def source(self, hop: Hop) -> str:
        """The label a hop leaves."""
        edge = self.schema.edges[hop.type]
        return edge.target if hop.reverse else edge.source

    def target(self, hop: Hop) -> str:
        """The label a hop reaches."""
        return self.source(hop.back())

    @property
    def num_users(self) -> int:
        """How many users there are."""
        return self.counts[self.schema.roles.user]

    @property
    def num_products(self) -> int:
        """How many products there are."""
        return self.counts[self.schema.roles.product]

    def held(self) -> Adjacency:
        """The products each user holds: distinct over all relevant edge types, weights dropped."""
        return union([self.hops[Hop(name)] for name in self.schema.roles.relevant], self.num_products)

    def learners(self, min_held: int = 1) -> NDArray[np.int32]:
        """The users whose holdings are training targets, ascending: those with at least `min_held` products.

        Users with a hidden pair are left out, because a loss takes their hidden product for one that they do not want;
        they stay in where fewer than half of the users would be left.
        """
        able = self.held().degrees() >= min_held
        whole = able.copy()
        if self.censored is not None:
            whole[self.censored] = False
        return np.flatnonzero(whole if 2 * whole.sum() >= able.sum() else able).astype(np.int32)


@dataclass(frozen=True, eq=False)
class Hidden:
    """What is hidden from a fit: edges known at or after a time, and pairs of user and product."""

    known_from: int | None = None
    """Microseconds since 1970; edges with `known_at` at or after it are hidden."""
    pairs: NDArray[np.int64] | None = None
    """Sorted codes user * num_products + product; every interaction of such a pair is hidden."""


def visible_graph(snapshot: Snapshot, hidden: Hidden | None = None) -> Graph:
    """The graph of a snapshot without what is hidden.

    Raises:
        Damaged: a file of the snapshot is not what was written.
    """
    hidden = hidden or Hidden()
    schema = snapshot.schema
    counts = {label: snapshot.count(label) for label in snapshot.labels}
    hops: dict[Hop, Adjacency] = {}
    for name in snapshot.types:
        edge = schema.edges[name]
        interaction = name in schema.roles.interactions
        adjacency = _distinct(
            snapshot.edges(name),
            counts[edge.target],
            hidden if interaction else Hidden(hidden.known_from),
            schema.roles.weight(name) if interaction else None,
            dated=interaction,
        )
        hops[Hop(name)] = adjacency
        hops[Hop(name, True)] = adjacency.transposed(counts[edge.target])
    now = hidden.known_from if hidden.known_from is not None else date_of(snapshot)
    wealth = Wealth(snapshot, now, hidden.known_from, hidden.pairs)
    if hidden.pairs is None:
        return Graph(schema, counts, hops, now=now, wealth=wealth)
    owners = hidden.pairs // counts[schema.roles.product]  # sorted, as the pairs are
    censored = owners[np.diff(owners, prepend=-1) != 0].astype(np.int32)
    return Graph(schema, counts, hops, censored, now=now, wealth=wealth)


def date_of(snapshot: Snapshot) -> int | None:
    """When a snapshot is of, in microseconds since 1970: its date, else its last event; None: nothing has a time."""
    moment = snapshot.as_of or snapshot.meta.last
    if moment is None:
        return None
    return microseconds_of(datetime.fromisoformat(moment))


def union(parts: list[Adjacency], num_targets: int) -> Adjacency:
    """The distinct edges of several adjacencies with the same rows, without weights."""
    if len(parts) == 1:
        return Adjacency(parts[0].indptr, parts[0].indices)
    # np.unique hashes, which takes many times as long as sorting.
    merged = np.sort(np.concatenate([codes_of(part, num_targets) for part in parts]))
    return from_codes(merged[np.diff(merged, prepend=-1) != 0], len(parts[0].indptr) - 1, num_targets)


def codes_of(edges: Adjacency | Edges, num_targets: int) -> NDArray[np.int64]:
    """The code row * num_targets + target of every edge, in their order."""
    if isinstance(edges, Edges):
        indptr = _whole_bounds(edges.indptr, len(edges.indices))
        indices = _whole_targets(edges.indices, num_targets)
    else:
        indptr, indices = edges.indptr, edges.indices
    rows = np.repeat(np.arange(len(indptr) - 1, dtype=np.int64), np.diff(indptr))
    codes: NDArray[np.int64] = rows * num_targets + indices
    return codes


def among(values: NDArray[np.integer], wanted: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Which values are in a sorted array."""
    if not len(wanted):
        return np.zeros(len(values), np.bool_)
    found: NDArray[np.bool_] = wanted[np.minimum(np.searchsorted(wanted, values), len(wanted) - 1)] == values
    return found


def from_codes(codes: NDArray[np.int64], num_rows: int, num_targets: int) -> Adjacency:
    """The adjacency of sorted distinct codes row * num_targets + target."""
    rows, columns = np.divmod(codes, num_targets)
    return Adjacency(np.searchsorted(rows, np.arange(num_rows + 1)).astype(np.int64), columns.astype(np.int32))


def from_rows(
    rows: NDArray[np.int64], targets: NDArray[np.int32], num_rows: int, weight: NDArray[np.float64] | None = None
) -> Adjacency:
    """The adjacency of edges that are sorted by row and target, from the row and the target of each."""
    ends = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=num_rows))))
    return Adjacency(ends.astype(np.int64), targets, weight)


def _distinct(edges: Edges, num_targets: int, hidden: Hidden, role_weight: float | None, *, dated: bool) -> Adjacency:
    codes = codes_of(edges, num_targets)
    written = None if edges.weight is None else edges.weight.whole()
    quantity = None if edges.quantity is None else edges.quantity.whole()
    weight = evidence(written, quantity, len(codes))
    keep = np.ones(len(codes), np.bool_)
    if hidden.known_from is not None:
        keep &= edges.known_at.whole() < hidden.known_from
    if hidden.pairs is not None:
        keep &= ~among(codes, hidden.pairs)
    codes, weight = codes[keep], weight[keep]
    at = edges.at.whole()[keep] if dated else None
    first = np.ones(len(codes), np.bool_)
    first[1:] = codes[1:] != codes[:-1]
    starts = np.flatnonzero(first)
    distinct = from_codes(codes[first], len(edges.indptr) - 1, num_targets)
    if at is not None and len(codes) and (at != ALWAYS).any():
        distinct = replace(distinct, newest=np.maximum.reduceat(at, starts))
    if role_weight is None:
        return distinct
    summed = summed_evidence(weight, starts, signed=quantity is not None)
    if role_weight == 1 and bool((summed == 1).all()):
        return distinct
    return replace(distinct, weight=summed * role_weight)


def evidence(
    written: NDArray[np.float64] | None, quantity: NDArray[np.float64] | None, count: int
) -> NDArray[np.float64]:
    """What each of `count` events says: 1, or log(1 + weight) with a weight; 0 where something is given away."""
    weight = np.ones(count)
    if written is not None:
        given = ~np.isnan(written)
        weight[given] = np.log1p(np.abs(written[given]))
    if quantity is not None:
        weight[quantity < 0] = 0.0
    return weight


def summed_evidence(weight: NDArray[np.float64], starts: NDArray[np.intp], *, signed: bool) -> NDArray[np.float64]:
    """The evidence of events added up by pair; who only gave something away had it: that is evidence of one event."""
    summed = np.add.reduceat(weight, starts) if len(weight) else weight
    return np.where(summed == 0, 1.0, summed) if signed else summed


def _expanded(
    indptr: NDArray[np.int64] | CheckedArray, indices: NDArray[np.int32] | CheckedArray, nodes: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    starts = indptr[nodes]
    lengths = indptr[np.asarray(nodes) + 1] - starts
    if len(lengths) == 1:
        # One customer is asked for alone, and a row of their own is no matter of arithmetic.
        alone = np.array(indices[int(starts[0]) : int(starts[0] + lengths[0])])
        return np.zeros(len(alone), np.int64), alone
    origin = np.repeat(np.arange(len(lengths)), lengths)
    shift = np.repeat(starts - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
    return origin, indices[np.arange(len(shift)) + shift] if len(shift) else indices[:0]


def _whole_bounds(indptr: CheckedArray, num_edges: int) -> NDArray[np.int64]:
    """The bounds of rows in a file, for code that indexes by them unchecked."""
    bounds = indptr.whole()
    if not len(bounds) or bounds[0] != 0 or bounds[-1] != num_edges or (np.diff(bounds) < 0).any():
        raise indptr.damaged(f"its rows are not those of {num_edges:,} edges")
    return bounds


def _whole_targets(indices: CheckedArray, num_targets: int) -> NDArray[np.int32]:
    """The targets of edges in a file, for code that indexes by them unchecked."""
    targets = indices.whole()
    if len(targets) and not 0 <= targets.min() <= targets.max() < num_targets:
        raise indices.damaged(f"its targets are not among {num_targets:,} nodes")
    return targets
