"""What customers hold as numbers: amounts of their edges to products as of a date, and a column such as cash.

Where an edge type means "held", only what is not over counts, and what was given away is taken off; an edge type that a
bank names beside its dealings counts as it stands. An edge without an amount counts nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.frozen import dataclass
from graphrec.graph.edges.holdings import has_left, is_over
from graphrec.graph.folders.arrays import CheckedArray
from graphrec.graph.folders.snapshot import Snapshot

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Amounts:
    """What some users hold of each product, by row and product.

    Shapes: rows, products, values (num_amounts,); elsewhere (num_users,): what is held of products that are not there.
    """

    rows: NDArray[np.int64]
    products: NDArray[np.int64]
    values: Floats
    elsewhere: Floats
    is_money: bool
    """Whether values are amounts; else they are numbers of pieces."""


@dataclass(frozen=True, eq=False)
class Wealth:
    """Amounts and columns of customers, read from facts or from a snapshot when they are asked for.

    Args:
        snapshot: what they are read from.
        now: the date in microseconds since 1970; None: nothing is over.
        known_before: what became known at or after it is not seen; None: all is.
        hidden: sorted codes user * num_products + product of pairs that are not seen.
        targets: where each product of the snapshot is, -1: nowhere; None: in the same place.
        users: where each user is in the snapshot, -1: nowhere; None: in the same place.
    """

    snapshot: Snapshot
    now: int | None = None
    known_before: int | None = None
    hidden: NDArray[np.int64] | None = None
    targets: NDArray[np.int64] | None = None
    users: NDArray[np.int64] | None = None

    def reading(self, snapshot: Snapshot) -> "Wealth":
        """The same of facts that differ in events or values alone."""
        return replace(self, snapshot=snapshot)

    def amounts(self, edge_type: str, users: NDArray[np.integer]) -> Amounts:
        """What some users hold by edges of a type, each pair once, in the order of user and product."""
        edges = self.snapshot.edges(edge_type)
        places = self._places(users)
        there = np.flatnonzero(places >= 0)
        if len(there) > 1:
            bounds = np.asarray(edges.indptr)
            starts, ends = bounds[places[there]], bounds[places[there] + 1]
            read = partial(_read_some, starts, ends)
        else:
            one = edges.indptr[int(places[there[0]]) : int(places[there[0]]) + 2] if len(there) else np.zeros(2)
            starts, ends = np.asarray(one[:1], np.int64), np.asarray(one[1:], np.int64)
            read = partial(_read_one, int(starts[0]), int(ends[0]))
        rows = np.repeat(there, (ends - starts)[: len(there)])
        products = np.asarray(read(edges.indices), np.int64)
        known_at, weight, quantity = read(edges.known_at), read(edges.weight), read(edges.quantity)
        until, until_known_at = read(edges.until), read(edges.until_known_at)
        kept = np.ones(len(rows), np.bool_)
        if self.known_before is not None and known_at is not None:
            kept &= known_at < self.known_before
        if self.hidden is not None and len(self.hidden):
            codes = places[rows] * self.snapshot.count(self.snapshot.schema.roles.product) + products
            near = np.minimum(np.searchsorted(self.hidden, codes), len(self.hidden) - 1)
            kept &= self.hidden[near] != codes
        is_holding = edge_type in self.snapshot.schema.roles.holding and self.snapshot.schema.edges[edge_type].ends
        width = int(products.max(initial=0)) + 1
        if is_holding:
            if until is not None and until_known_at is not None:
                kept &= ~is_over(
                    until, until_known_at, now=self.now,
                    known_before=self.known_before, count=len(rows),
                )  # fmt: skip
            if quantity is not None:
                kept[kept] = has_left(rows[kept] * width + products[kept], quantity[kept])
        values = weight if weight is not None else quantity
        values = np.full(len(rows), np.nan) if values is None else values.astype(np.float64)
        if is_holding and weight is not None and quantity is not None:
            values = np.copysign(values, quantity)
        codes, counts = np.unique((rows * width + products)[kept], return_inverse=True)
        # A pair with an amount that is not known is left out as a whole.
        sums: Floats = np.bincount(counts, values[kept], len(codes)).astype(np.float64)
        some = np.isfinite(sums) & (sums > 0)
        rows, products, sums = codes[some] // width, codes[some] % width, sums[some]
        elsewhere: Floats = np.zeros(len(places))
        if self.targets is not None:
            placed = self.targets[products]
            gone = placed < 0
            elsewhere = elsewhere + np.bincount(rows[gone], sums[gone], len(places))
            rows, products, sums = rows[~gone], placed[~gone], sums[~gone]
            order = np.lexsort((products, rows))
            rows, products, sums = rows[order], products[order], sums[order]
        return Amounts(rows, products, sums, elsewhere, weight is not None)

    def numbers(self, column: str, users: NDArray[np.integer]) -> Floats:
        """The values of a column of numbers of some users (len(users),), 0 where there is none."""
        label, places = self.snapshot.schema.roles.user, self._places(users)
        found = np.zeros(len(places))
        if len(places) == 1:
            value = self.snapshot.value(label, column, int(places[0])) if places[0] >= 0 else None
            found[0] = float(value) if isinstance(value, int | float) and value == value else 0.0
            return found
        whole = self.snapshot.nodes(label).column(column)
        values = np.where(np.asarray(whole.valid), np.nan_to_num(np.asarray(whole.values, np.float64)), 0.0)
        found[places >= 0] = values[places[places >= 0]]
        return found

    def _places(self, users: NDArray[np.integer]) -> NDArray[np.int64]:
        """Where users are in the snapshot, -1: nowhere."""
        asked = np.asarray(users, np.int64)
        return asked if self.users is None else self.users[asked]


def _read_one(start: int, end: int, array: CheckedArray | None) -> NDArray[Any] | None:
    return None if array is None else np.asarray(array[start:end])


def _read_some(starts: NDArray[np.int64], ends: NDArray[np.int64], array: CheckedArray | None) -> NDArray[Any] | None:
    if array is None:
        return None
    lengths = ends - starts
    places = np.arange(int(lengths.sum())) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    found: NDArray[Any] = np.asarray(array)[places]
    return found


def amounts_of(snapshot: Snapshot, positions: str | None) -> Sequence[str]:
    """The edge types from customers to products that say how much is held: the one that is named, else what means held.

    Returns:
        Only types with a weight or a quantity; none where nothing says it.
    """
    roles, schema = snapshot.schema.roles, snapshot.schema
    wanted = roles.holding if positions is None else (positions,)
    return [
        name
        for name in wanted
        if name in snapshot.types
        and (schema.edges[name].source, schema.edges[name].target) == (roles.user, roles.product)
        and (snapshot.edges(name).weight is not None or snapshot.edges(name).quantity is not None)
    ]


def riskless_products(snapshot: Snapshot, kinds: Collection[str]) -> NDArray[np.bool_]:
    """The products of a kind whose worth does not move (num_products,)."""
    product = snapshot.schema.roles.product
    nodes, kind = snapshot.nodes(product), snapshot.schema.nodes[product].show.get("kind", "kind")
    if not kinds or nodes.columns.get(kind) != "text":
        return np.zeros(len(nodes), np.bool_)
    column = nodes.column(kind)
    return np.array([column.get(place) in kinds for place in range(len(nodes))], np.bool_)
