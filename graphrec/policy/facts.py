"""What conditions read: columns of users and products, and what happened between them, for blocks of pairs."""

import copy
from collections.abc import Iterator
from datetime import datetime
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.frozen import dataclass
from graphrec.graph.edges.adjacency import Adjacency
from graphrec.graph.edges.holdings import has_left, is_over
from graphrec.graph.folders.snapshot import ALWAYS, ColumnArray, Edges, Snapshot
from graphrec.policy.language.values import Flags, Truth, Value
from graphrec.times import microseconds_of

DAY = 86_400_000_000
"""Microseconds."""


KNOWN_AT = "known_at"
"""A column that every label has: when a node became known."""


@dataclass(frozen=True)
class Occasion:
    """What a request says of itself; None: nothing."""

    amount: float | None = None
    """What the customer would put into the product, in the unit of the holdings."""
    channel: str | None = None
    """Where the list is shown, such as branch, phone or app."""
    purpose: str | None = None
    """What the list is made for, such as advice or advertising."""


NO_OCCASION = Occasion()


@dataclass(frozen=True, eq=False)
class Block:
    """The pairs of some users with some products; no products: with all of them."""

    users: NDArray[np.int64]
    products: NDArray[np.int64] | None = None
    occasion: Occasion = NO_OCCASION
    facts: "Facts | None" = None
    """Facts that differ from those of the policy in the rows of these users; None: they do not."""
    truths: "dict[int, Truth] | None" = None
    """What conditions say of the pairs, by their rule; None: nothing is kept."""
    met: "dict[int, Flags] | None" = None
    """Where the pairs meet them; None as before."""

    def chosen(self, of_products: NDArray[Any]) -> NDArray[Any]:
        """The entries of the block's products among those of all products, on the last axis."""
        return of_products if self.products is None else of_products[..., self.products]


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of products, such as those of one issuer: a product may be in several, or in none.

    Shapes: indptr (num_products + 1,), indices (n,), the groups of each product in its order.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int64]
    count: int


class Texts:
    """Texts as small numbers, the same for the same text in every column and literal."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._texts: list[str] = []
        self._lock = Lock()

    def code(self, text: str) -> int:
        """The number of a text."""
        if text not in self._codes:
            # Two threads must not give one number to two texts.
            with self._lock:
                if text not in self._codes:
                    self._texts.append(text)
                    self._codes[text] = len(self._texts) - 1
        return self._codes[text]

    def text(self, code: int) -> str:
        """The text of a number."""
        return self._texts[code]


class Facts:
    """A snapshot as conditions see it.

    Args:
        snapshot: the graph.
        as_of: the date of the answer in microseconds since 1970; None: the graph has no times.
        known_before: events known at or after this time are not seen; None: all are.
        held: products (a row for every user) that count as held; None: those of the snapshot.
        held_before: what became known at or after this time is not held yet; None: all of it is.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        as_of: int | None = None,
        known_before: int | None = None,
        held: Adjacency | None = None,
        held_before: int | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.roles = snapshot.schema.roles
        self.as_of = as_of
        self.texts = Texts()
        self._known_before = known_before
        self._held = held
        self._held_before = held_before
        self.repeatable: Flags | None = None
        """Products (num_products,) that may be bought again; None: none."""
        self._columns: dict[tuple[str, str], Value] = {}
        self._opened: dict[str, Edges] = {}
        self._groups: dict[tuple[str, str], Groups] = {}

    def reading(self, snapshot: Snapshot) -> "Facts":
        """The same facts where the rows and values of some users are others."""
        other = copy.copy(self)
        other.snapshot = snapshot
        other._columns = {key: value for key, value in self._columns.items() if key[0] == "product"}
        other._opened = {}
        return other

    @property
    def num_products(self) -> int:
        """How many products there are."""
        return self.snapshot.count(self.roles.product)

    def label(self, side: str) -> str:
        """The label of `user` or `product`."""
        return self.roles.user if side == "user" else self.roles.product

    def column(self, side: str, name: str, block: Block) -> Value:
        """The values of a column in a block.

        Args:
            side: `user` or `product`.
            name: the column.
            block: the pairs.

        Returns:
            (users, 1) for a column of users, (1, products) for one of products.
        """
        if block.facts is not None and block.facts is not self:
            return block.facts.column(side, name, block)
        chosen = block.users if side == "user" else block.products
        if chosen is not None and len(chosen) == 1 and (side, name) not in self._columns:
            return self._one(side, name, int(chosen[0]))
        whole = self._columns.get((side, name)) or self._whole(side, name)
        if chosen is not None:
            whole = Value(whole.values[chosen], None if whole.valid is None else whole.valid[chosen])
        shape = (-1, 1) if side == "user" else (1, -1)
        return Value(whole.values.reshape(shape), None if whole.valid is None else whole.valid.reshape(shape))

    def held(self, block: Block) -> Truth:
        """Which products the users hold at the date of the answer and may not buy again.

        By any interaction that means "held", known before that date and not over.
        """
        if block.facts is not None and block.facts is not self:
            return block.facts.held(block)
        found = self._nothing(block)
        for rows, columns in self._holdings(block):
            found[rows, columns] = True
        if self.repeatable is not None and self._held is None:
            found &= ~block.chosen(self.repeatable)
        return Truth(found)

    def holdings(self, block: Block) -> NDArray[np.int64]:
        """What the users of a block hold at the date of the answer, what may be bought again too.

        Returns:
            (num_holdings, 2): row in the block and product, each pair once, in order.
        """
        if block.facts is not None and block.facts is not self:
            return block.facts.holdings(block)
        pairs = [np.stack((rows, columns), axis=1) for rows, columns in self._holdings(block)]
        return np.unique(np.concatenate([np.zeros((0, 2), np.int64), *pairs]), axis=0)

    def _holdings(self, block: Block) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Rows and columns of what is held, by edge type."""
        if self._held is not None:
            rows, columns, _ = _events(self._held, block)
            yield rows, columns
            return
        for edge_type in self.roles.holding:
            if edge_type not in self.snapshot.types:
                continue
            edges = self._edges(edge_type)
            rows, columns, events = _events(edges, block)
            if self._held_before is not None:
                seen = edges.known_at[events] < self._held_before
                rows, columns, events = rows[seen], columns[seen], events[seen]
            kept = self._current(edges, rows, columns, events)
            yield rows[kept], columns[kept]

    def _current(
        self, edges: Edges, rows: NDArray[np.int64], columns: NDArray[np.int64], events: NDArray[np.int64]
    ) -> Flags:
        """Which events are not over, of pairs of which something is left."""
        until, known_at, quantity = edges.until, edges.until_known_at, edges.quantity
        kept = np.ones(len(events), np.bool_)
        if until is not None and known_at is not None:
            before = self._known_before if self._held_before is None else self._held_before
            kept = ~is_over(
                until[events], known_at[events], now=self.as_of, known_before=before, count=len(events)
            )  # fmt: skip
        if quantity is not None:
            pairs = rows[kept] * (int(columns.max(initial=0)) + 1) + columns[kept]
            kept[kept] = has_left(pairs, quantity[events[kept]])
        return kept

    def _ends(self, edge_type: str, days: float | None) -> bool:
        """Whether only what is still held counts: of a holding that can be over, with no window in time."""
        return days is None and edge_type in self.roles.holding and self.snapshot.schema.edges[edge_type].ends

    def happened(self, edge_type: str, days: float | None, block: Block) -> Truth:
        """Which pairs have an event of a type; with `days`: in the last `days` before the date of the answer.

        Of holdings that can be over, without `days`: which are held at the date of the answer.

        An event without a time may lie in the window: unknown.

        Args:
            edge_type: an interaction.
            days: the length of the window; None: at any time.
            block: the pairs.

        Returns:
            (users, products).
        """
        if block.facts is not None and block.facts is not self:
            return block.facts.happened(edge_type, days, block)
        edges = self._edges(edge_type)
        if not self.reaches_products(edge_type):
            number = self.counted(edge_type, days, block)
            some = number.values > 0
            return Truth(some) if number.valid is None else Truth(some, ~some & number.valid)
        found = self._nothing(block)
        rows, columns, events = _events(edges, block)
        if self._known_before is not None:
            seen = edges.known_at[events] < self._known_before
            rows, columns, events = rows[seen], columns[seen], events[seen]
        if days is None:
            if self._ends(edge_type, days):
                kept = self._current(edges, rows, columns, events)
                rows, columns = rows[kept], columns[kept]
            found[rows, columns] = True
            return Truth(found)
        assert self.as_of is not None, "a condition with days is refused where the graph has no date"
        at = edges.at[events]
        undated = at == ALWAYS
        recent = ~undated & (at > self.as_of - days * DAY)
        found[rows[recent], columns[recent]] = True
        if not undated.any():
            return Truth(found)
        absent = ~found
        absent[rows[undated], columns[undated]] = False
        return Truth(found, absent)

    def reaches_products(self, edge_type: str) -> bool:
        """Whether edges of a type lead to products."""
        return self.snapshot.schema.edges[edge_type].target == self.roles.product

    def counted(
        self, edge_type: str, days: float | None, block: Block, *, groups: Groups | None = None, weighed: bool = False
    ) -> Value:
        """How many edges of a type lead from each user, or what they weigh in all.

        Of holdings that can be over, without `days`: only those that are held at the date of the answer, products
        where the type has quantities; what was given away is taken off the sum.

        Where an edge without a time may lie in the window, or one without a weight is in the sum, it is missing.

        Args:
            edge_type: edges from users.
            days: only those of the last `days` before the date of the answer; None: all that are known.
            block: the pairs.
            groups: only edges to products that share a group with the product of the pair; where that is in several,
                the largest number counts, and where it is in none, the number is missing.
            weighed: sum the weights instead.

        Returns:
            (users, 1), or with `groups` (users, products).
        """
        if block.facts is not None and block.facts is not self:
            return block.facts.counted(edge_type, days, block, groups=groups, weighed=weighed)
        edges = self._edges(edge_type)
        whole = Block(block.users)
        rows, columns, events = _events(edges, whole)
        if self._known_before is not None:
            seen = edges.known_at[events] < self._known_before
            rows, columns, events = rows[seen], columns[seen], events[seen]
        doubtful = np.zeros(len(rows), np.bool_)
        if days is not None:
            assert self.as_of is not None, "a condition with days is refused where the graph has no date"
            at = edges.at[events]
            doubtful = at == ALWAYS
            inside = doubtful | (at > self.as_of - days * DAY)
            rows, columns, events, doubtful = rows[inside], columns[inside], events[inside], doubtful[inside]
        quantity = edges.quantity if self._ends(edge_type, days) else None
        if self._ends(edge_type, days):
            kept = self._current(edges, rows, columns, events)
            if quantity is not None and not weighed:
                pairs = rows * (int(columns.max(initial=0)) + 1) + columns
                first = np.zeros(len(rows), np.bool_)
                first[np.unique(np.where(kept, pairs, -1), return_index=True)[1]] = True
                kept &= first
            rows, columns, events, doubtful = rows[kept], columns[kept], events[kept], doubtful[kept]
        amounts = np.ones(len(rows))
        if weighed:
            weight = edges.quantity if edges.weight is None else edges.weight
            amounts = np.full(len(rows), np.nan) if weight is None else np.asarray(weight[events], np.float64)
            if quantity is not None and edges.weight is not None:
                amounts = np.copysign(amounts, quantity[events])
            doubtful = doubtful | np.isnan(amounts)
        amounts = np.where(doubtful, 0.0, amounts)
        width = 1 if groups is None else groups.count
        if groups is None:
            cells = rows
        else:
            starts, lengths = groups.indptr[columns], np.diff(groups.indptr)[columns]
            repeat = np.repeat(np.arange(len(rows)), lengths)
            offset = np.arange(len(repeat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            cells = rows[repeat] * width + groups.indices[np.repeat(starts, lengths) + offset]
            amounts, doubtful = amounts[repeat], doubtful[repeat]
        size, shape = len(block.users) * width, (len(block.users), width)
        sums: NDArray[np.float64] = np.bincount(cells, amounts, size).astype(np.float64).reshape(shape)
        open_ = np.bincount(cells, doubtful, size).reshape(shape) > 0
        if groups is None:
            return Value(sums, None if not open_.any() else ~open_)
        return self._largest(sums, open_, groups, block)

    def _largest(self, sums: NDArray[np.float64], open_: Flags, groups: Groups, block: Block) -> Value:
        """The largest number among the groups of each product; missing where it is in none or one is open."""
        lengths = block.chosen(np.diff(groups.indptr))
        starts = block.chosen(groups.indptr[:-1])
        repeat = np.repeat(starts - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        members = groups.indices[repeat]
        some = np.flatnonzero(lengths)
        largest = np.zeros((len(sums), len(lengths)))
        valid = np.zeros((len(sums), len(lengths)), np.bool_)
        if len(some):
            first = (np.cumsum(lengths) - lengths)[some]
            largest[:, some] = np.maximum.reduceat(sums[:, members], first, axis=1)
            valid[:, some] = ~np.logical_or.reduceat(open_[:, members], first, axis=1)
        return Value(largest, None if bool(valid.all()) else valid)

    def groups(self, kind: str, name: str) -> Groups:
        """The groups of products that share a value of a column, or a neighbour by an edge type.

        Args:
            kind: `column` or `edge`.
            name: the column of products, or the edge type from products.
        """
        if (kind, name) not in self._groups:
            made = self._by_column(name) if kind == "column" else self._by_edge(name)
            self._groups[kind, name] = made
        return self._groups[kind, name]

    def _by_column(self, name: str) -> Groups:
        value = self._columns.get(("product", name)) or self._whole("product", name)
        valid = np.ones(len(value.values), np.bool_) if value.valid is None else value.valid
        kinds, members = np.unique(value.values[valid], return_inverse=True)
        indptr = np.concatenate(([0], np.cumsum(valid))).astype(np.int64)
        return Groups(indptr, members.astype(np.int64), len(kinds))

    def _by_edge(self, name: str) -> Groups:
        edges = self._edges(name)
        label = self.snapshot.schema.edges[name].target
        indptr, indices = np.asarray(edges.indptr[:], np.int64), np.asarray(edges.indices[:], np.int64)
        if self._known_before is not None:
            seen = np.asarray(edges.known_at[:]) < self._known_before
            indptr = np.concatenate(([0], np.cumsum(seen)))[indptr].astype(np.int64)
            indices = indices[seen]
        return Groups(indptr, indices, self.snapshot.count(label))

    def last(self, edge_type: str, user: int, product: int) -> int | None:
        """The time of the latest event of a type between two nodes, in microseconds; None: none with a time.

        Where the type does not lead to products: of the user's latest event.
        """
        edges = self._edges(edge_type)
        products = np.array([product]) if self.reaches_products(edge_type) else None
        _, _, events = _events(edges, Block(np.array([user]), products))
        seen = events if self._known_before is None else events[edges.known_at[events] < self._known_before]
        latest = int(edges.at[seen].max(initial=ALWAYS))
        return None if latest == ALWAYS else latest

    def latest(
        self, edge_type: str, block: Block, row: NDArray[np.int64], column: NDArray[np.int64]
    ) -> list[int | None]:
        """What `last` gives for some pairs of a block of users and all products."""
        edges = self._edges(edge_type)
        rows, columns, events = _events(edges, Block(block.users))
        if self._known_before is not None:
            seen = edges.known_at[events] < self._known_before
            rows, columns, events = rows[seen], columns[seen], events[seen]
        width = self.num_products if self.reaches_products(edge_type) else 1
        if not len(events):
            return [None] * len(row)
        codes, wanted = rows * width + (columns if width > 1 else 0), row * width + (column if width > 1 else 0)
        found = np.full(len(block.users) * width, ALWAYS)
        np.maximum.at(found, codes, edges.at[events])
        return [None if moment == ALWAYS else moment for moment in found[wanted].tolist()]

    def _edges(self, edge_type: str) -> Edges:
        if edge_type not in self._opened:
            self._opened[edge_type] = self.snapshot.edges(edge_type)
        return self._opened[edge_type]

    def _nothing(self, block: Block) -> Flags:
        width = self.num_products if block.products is None else len(block.products)
        return np.zeros((len(block.users), width), np.bool_)

    def _one(self, side: str, name: str, position: int) -> Value:
        """The value of one node, without reading a column of texts as a whole."""
        if name == KNOWN_AT and name not in self.snapshot.nodes(self.label(side)).columns:
            known_at = int(self.snapshot.nodes(self.label(side)).known_at[position])
            return Value(np.array([[known_at]]), None if known_at != ALWAYS else np.zeros((1, 1), np.bool_))
        value: Any = self.snapshot.value(self.label(side), name, position)
        if value is None or value != value:
            return Value(np.array([[self.texts.code("")]]), np.zeros((1, 1), np.bool_))
        return Value(np.array([[self.texts.code(value) if isinstance(value, str) else value]]))

    def _whole(self, side: str, name: str) -> Value:
        nodes = self.snapshot.nodes(self.label(side))
        if name == KNOWN_AT and name not in nodes.columns:
            known_at = np.asarray(nodes.known_at[:])
            value = Value(known_at, None if bool((known_at != ALWAYS).all()) else known_at != ALWAYS)
            self._columns[side, name] = value
            return value
        column = nodes.column(name)
        values, valid = self._plain(column), np.asarray(column.valid)
        if column.kind == "real":
            valid = valid & ~np.isnan(values)
        value = Value(values, None if bool(valid.all()) else valid)
        self._columns[side, name] = value
        return value

    def _plain(self, column: ColumnArray) -> NDArray[Any]:
        """The values as numbers, in four bytes where they fit: comparisons of all pairs are twice as quick."""
        if column.kind == "text":
            code = self.texts.code
            return np.fromiter((code(text) for text in column.values), np.int32, len(column.values))
        values = np.asarray(column.values)
        fits = np.iinfo(np.int32)
        if column.kind == "integer" and len(values) and fits.min <= values.min() and values.max() <= fits.max:
            return values.astype(np.int32)
        return values


def _events(edges: Edges | Adjacency, block: Block) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The events of a block: row and column of its pair, and its position among all events."""
    if len(block.users) == 1 and block.products is None:
        start, stop = edges.indptr[int(block.users[0]) : int(block.users[0]) + 2].tolist()
        return np.zeros(stop - start, np.int64), np.array(edges.indices[start:stop], np.int64), np.arange(start, stop)
    starts = np.asarray(edges.indptr[block.users])
    lengths = np.asarray(edges.indptr[block.users + 1]) - starts
    rows = np.repeat(np.arange(len(block.users)), lengths)
    first = np.concatenate(([0], np.cumsum(lengths)[:-1])) if len(lengths) else lengths
    events = np.arange(len(rows)) + np.repeat(starts - first, lengths)
    columns = np.asarray(edges.indices[events], np.int64)
    if block.products is None:
        return rows, columns, events
    # Products of a block are sorted.
    place = np.minimum(np.searchsorted(block.products, columns), len(block.products) - 1)
    inside = block.products[place] == columns
    return rows[inside], place[inside], events[inside]


def microseconds(text: str) -> int:
    """A time written in ISO form, as microseconds since 1970; without a zone it is UTC."""
    return microseconds_of(datetime.fromisoformat(text))
