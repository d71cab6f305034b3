"""What conditions read: columns of users and products, and what happened between them, for blocks of pairs."""

from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Adjacency
from graphrec.graph.snapshot import ALWAYS, ColumnArray, Edges, Snapshot
from graphrec.policy.values import Flags, Truth, Value

DAY = 86_400_000_000
"""Microseconds."""


@dataclass(frozen=True, eq=False)
class Block:
    """The pairs of some users with some products; no products: with all of them."""

    users: NDArray[np.int64]
    products: NDArray[np.int64] | None = None


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
    """

    def __init__(
        self,
        snapshot: Snapshot,
        as_of: int | None = None,
        known_before: int | None = None,
        held: Adjacency | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.roles = snapshot.schema.roles
        self.as_of = as_of
        self.texts = Texts()
        self._known_before = known_before
        self._held = held
        self._columns: dict[tuple[str, str], Value] = {}
        self._opened: dict[str, Edges] = {}

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
        chosen = block.users if side == "user" else block.products
        if chosen is not None and len(chosen) == 1 and (side, name) not in self._columns:
            return self._one(side, name, int(chosen[0]))
        whole = self._columns.get((side, name)) or self._whole(side, name)
        if chosen is not None:
            whole = Value(whole.values[chosen], None if whole.valid is None else whole.valid[chosen])
        shape = (-1, 1) if side == "user" else (1, -1)
        return Value(whole.values.reshape(shape), None if whole.valid is None else whole.valid.reshape(shape))

    def held(self, block: Block) -> Truth:
        """Which products the users hold as of the snapshot: by any interaction that means "held"."""
        found = self._nothing(block)
        if self._held is not None:
            rows, columns, _ = _events(self._held, block)
            found[rows, columns] = True
            return Truth(found)
        for edge_type in self.roles.relevant:
            rows, columns, _ = _events(self._edges(edge_type), block)
            found[rows, columns] = True
        return Truth(found)

    def happened(self, edge_type: str, days: float | None, block: Block) -> Truth:
        """Which pairs have an event of a type; with `days`: in the last `days` before the date of the answer.

        An event without a time may lie in the window: unknown.

        Args:
            edge_type: an interaction.
            days: the length of the window; None: at any time.
            block: the pairs.

        Returns:
            (users, products).
        """
        edges = self._edges(edge_type)
        found = self._nothing(block)
        rows, columns, events = _events(edges, block)
        if self._known_before is not None:
            seen = edges.known_at[events] < self._known_before
            rows, columns, events = rows[seen], columns[seen], events[seen]
        if days is None:
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

    def last(self, edge_type: str, user: int, product: int) -> int | None:
        """The time of the latest event of a type between two nodes, in microseconds; None: none with a time."""
        edges = self._edges(edge_type)
        _, _, events = _events(edges, Block(np.array([user]), np.array([product])))
        seen = events if self._known_before is None else events[edges.known_at[events] < self._known_before]
        latest = int(edges.at[seen].max(initial=ALWAYS))
        return None if latest == ALWAYS else latest

    def _edges(self, edge_type: str) -> Edges:
        if edge_type not in self._opened:
            self._opened[edge_type] = self.snapshot.edges(edge_type)
        return self._opened[edge_type]

    def _nothing(self, block: Block) -> Flags:
        width = self.num_products if block.products is None else len(block.products)
        return np.zeros((len(block.users), width), np.bool_)

    def _one(self, side: str, name: str, position: int) -> Value:
        """The value of one node, without reading a column of texts as a whole."""
        value: Any = self.snapshot.value(self.label(side), name, position)
        if value is None or value != value:
            return Value(np.array([[self.texts.code("")]]), np.zeros((1, 1), np.bool_))
        return Value(np.array([[self.texts.code(value) if isinstance(value, str) else value]]))

    def _whole(self, side: str, name: str) -> Value:
        column = self.snapshot.nodes(self.label(side)).column(name)
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
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1_000_000)
