"""What events say of one customer over the facts: edges and values that came after the load that made the facts.

`with_own` gives facts in which this customer has them, and everybody else is as before. Nothing is copied: the arrays
of the files are read as if the new rows stood in them.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.frozen import dataclass
from graphrec.graph.folders.arrays import CheckedArray, CheckedFolder, OverlaidFiles
from graphrec.graph.folders.facts import EVENTS
from graphrec.graph.folders.snapshot import ALWAYS, Snapshot
from graphrec.graph.folders.strings import Strings
from graphrec.times import microseconds_of

Plain = str | int | float | bool | None
DAY = 86_400_000_000
"""Microseconds."""


@dataclass(frozen=True)
class OwnEdge:
    """An edge to a product; times in microseconds since 1970."""

    type: str
    to: str
    """Id of the product."""
    at: int
    known_at: int
    quantity: float | None = None
    """How much of it; below 0: given away."""
    ends: bool = False
    """Whether nothing is left of it, as after a sale of all."""


@dataclass(frozen=True)
class HiddenEdge:
    """An edge of a customer that is not counted, since the customer contests it."""

    type: str
    to: str
    """Id at its other end."""
    for_rules: bool
    """Whether the rules of the policy do not see it either."""


@dataclass(frozen=True)
class ReasonStart:
    """What a contested reason starts with: one neighbour of the customer, the two of a pair, or none."""

    kind: str
    """Of its lines."""
    nodes: tuple[tuple[str, str], ...] = ()
    """Label and id of each."""
    edge: str | None = None
    """First hop of lines that start with no single neighbour; None: they have none."""


@dataclass(frozen=True)
class HiddenReason:
    """A reason of one product that counts for nothing, since the customer contests it."""

    product: str
    starts: tuple[ReasonStart, ...]

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "HiddenReason":
        """What an entry of the record kept."""
        return cls(content["product"], starts_from_json(content["starts"]))


def starts_from_json(starts: Sequence[Mapping[str, Any]]) -> tuple[ReasonStart, ...]:
    """What JSON made of them."""
    return tuple(
        ReasonStart(one["kind"], tuple((label, id_) for label, id_ in one["nodes"]), one["edge"]) for one in starts
    )


@dataclass(frozen=True)
class Own:
    """What events and contests say of one customer, apart from the facts."""

    user: str
    last: str | None
    """Id of the last event; None: there is none."""
    edges: tuple[OwnEdge, ...] = ()
    values: Mapping[str, Plain] = field(default_factory=dict)
    """By column; None: there is no value any more."""
    hidden: tuple[HiddenEdge, ...] = ()
    reasons: tuple[HiddenReason, ...] = ()
    """That count for nothing."""

    @property
    def types(self) -> set[str]:
        """The types of edges of which it says something."""
        return {one.type for one in self.edges} | {one.type for one in self.hidden}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Own":
        """What an entry of the record kept."""
        edges = tuple(OwnEdge(**edge) for edge in content["edges"])
        hidden = tuple(HiddenEdge(**edge) for edge in content.get("hidden", ()))
        reasons = tuple(map(HiddenReason.from_json, content.get("reasons", ())))
        return cls(**{**content, "edges": edges, "hidden": hidden, "reasons": reasons})


class _Inserted(CheckedArray):
    """An array in which a span stands for another one."""

    __slots__ = ("_base", "_new", "_start", "_stop")

    def __init__(self, base: CheckedArray, start: int, stop: int, new: NDArray[Any]) -> None:
        self._base, self._start, self._stop = base, start, stop
        self._new = new.astype(base.dtype)
        self._is_checked = True
        self.dtype = base.dtype
        self.shape = (len(base) + len(new) - (stop - start),)

    def __len__(self) -> int:
        return int(self.shape[0])

    @property
    def size(self) -> int:
        """The number of elements."""
        return len(self)

    @property
    def nbytes(self) -> int:
        """The number of bytes of the elements."""
        return len(self) * int(np.dtype(self.dtype).itemsize)

    def damaged(self, what: str) -> Any:
        """The error of an array whose content cannot be right."""
        return self._base.damaged(what)

    def __getitem__(self, key: Any) -> Any:
        start, end = self._start, self._start + len(self._new)
        moved = len(self._new) - (self._stop - start)
        if isinstance(key, int | np.integer) and not isinstance(key, bool):
            place = int(key) + (len(self) if key < 0 else 0)
            if start <= place < end:
                return self._new[place - start]
            return self._base[place if place < start else place - moved]
        if isinstance(key, slice):
            first, last, step = key.indices(len(self))
            if step != 1:
                return self[np.arange(first, last, step)]
            parts = [
                self._base[first : min(last, start)] if first < start else None,
                self._new[max(first - start, 0) : max(last - start, 0)],
                self._base[max(first, end) - moved : last - moved] if last > end else None,
            ]
            return np.concatenate([part for part in parts if part is not None])
        places = np.asarray(key)
        if places.dtype.kind not in "iu":
            return self.whole()[key]
        places = np.where(places < 0, places + len(self), places)
        own = (places >= start) & (places < end)
        found: NDArray[Any] = np.empty(places.shape, self.dtype)
        found[own] = self._new[places[own] - start]
        others = places[~own]
        found[~own] = self._base[np.where(others < start, others, others - moved)]
        return found

    def whole(self) -> NDArray[Any]:
        """The array in memory."""
        base = self._base.whole()
        return np.concatenate((base[: self._start], self._new, base[self._stop :]))


class _Moved(CheckedArray):
    """Bounds of rows, those after the first `first` of them moved."""

    __slots__ = ("_base", "_by", "_first")

    def __init__(self, base: CheckedArray, first: int, by: int) -> None:
        self._base, self._first, self._by = base, first, by
        self._is_checked = True
        self.dtype, self.shape = base.dtype, base.shape

    def __len__(self) -> int:
        return len(self._base)

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._base.size

    @property
    def nbytes(self) -> int:
        """The number of bytes of the elements."""
        return self._base.nbytes

    def damaged(self, what: str) -> Any:
        """The error of an array whose content cannot be right."""
        return self._base.damaged(what)

    def __getitem__(self, key: Any) -> Any:
        places = np.arange(*key.indices(len(self))) if isinstance(key, slice) else np.asarray(key)
        if places.dtype.kind not in "iu":
            return self.whole()[key]
        places = np.where(places < 0, places + len(self), places)
        return self._base[key] + np.where(places >= self._first, self._by, 0)

    def whole(self) -> NDArray[Any]:
        """The array in memory."""
        found = self._base.whole().copy()
        found[self._first :] += self._by
        return found


class _Files(OverlaidFiles):
    """The files of a folder of which some are read with other rows in them."""

    def __init__(self, files: CheckedFolder | OverlaidFiles, own: Mapping[str, CheckedArray]) -> None:
        self.folder = files.folder
        self._files = files  # type: ignore[assignment]  # one may lie over another
        self._own = dict(own)


def with_own(snapshot: Snapshot, own: Own, *, for_rules: bool = False) -> Snapshot:
    """Facts in which one customer has what events say; edges to products that are not there are left out.

    Args:
        for_rules: as the rules of the policy see them: edges that are there and not relevant too.
    """
    user = snapshot.schema.roles.user
    place = snapshot.nodes(user).ids.find(own.user)
    found: dict[str, CheckedArray] = {}
    for name in dict.fromkeys(edge.type for edge in own.edges):
        if name in snapshot.types:
            found |= _row(snapshot, name, place, [edge for edge in own.edges if edge.type == name])
    for column, value in own.values.items():
        if column in snapshot.nodes(user).columns:
            found |= _value(snapshot, column, place, value)
    left = _overlaid(snapshot, found)
    for one in own.hidden if place >= 0 else ():
        if one.type in left.types and (one.for_rules or not for_rules):
            target = left.nodes(left.schema.edges[one.type].target).ids.find(one.to)
            left = without_edges(left, place, target, [one.type])
    return left


def without_edges(snapshot: Snapshot, user: int, product: int, types: Sequence[str]) -> Snapshot:
    """Facts in which one customer has no edge of some types to a node, as if none had ever been loaded.

    Args:
        user: position of the customer.
        product: position of the node: a product, or what describes a customer.
        types: edge types from customers to nodes of that label.
    """
    found: dict[str, CheckedArray] = {}
    for name in types:
        edges = snapshot.edges(name)
        start, stop = (int(bound) for bound in edges.indptr[user : user + 2])
        left = np.asarray(edges.indices[start:stop]) != product
        if left.all():
            continue
        stem = f"edges/{snapshot.types.index(name)}"
        for column in ("indices", *EVENTS):
            if (array := edges.array(column)) is not None:
                found[f"{stem}/{column}.npy"] = _Inserted(array, start, stop, np.asarray(array[start:stop])[left])
        found[f"{stem}/indptr.npy"] = _Moved(edges.indptr, user + 1, -int((~left).sum()))
    return _overlaid(snapshot, found)


def _overlaid(snapshot: Snapshot, found: Mapping[str, CheckedArray]) -> Snapshot:
    """A snapshot of which some files are read otherwise."""
    if not found:
        return snapshot
    other = copy.copy(snapshot)
    type(snapshot).__init__(other, _Files(snapshot.files, found), snapshot.meta, snapshot.as_of)
    return other


def _row(snapshot: Snapshot, name: str, place: int, new: Sequence[OwnEdge]) -> dict[str, CheckedArray]:
    """The files of an edge type with more edges of one customer, in the order of a snapshot."""
    edges, ids = snapshot.edges(name), snapshot.nodes(snapshot.schema.edges[name].target).ids
    reached = [(ids.find(edge.to), edge) for edge in new]
    reached = [(target, edge) for target, edge in reached if target >= 0]
    if not reached:
        return {}
    start, stop = (int(bound) for bound in edges.indptr[place : place + 2])
    before: dict[str, tuple[CheckedArray, NDArray[Any]]] = {}
    for column in ("indices", *EVENTS):
        if (array := edges.array(column)) is not None:
            before[column] = (array, np.array(array[start:stop]))
    columns = _columns(before, reached)
    whole = {column: (array, np.concatenate((values, columns[column]))) for column, (array, values) in before.items()}
    order = np.lexsort((whole["known_at"][1], whole["indices"][1]))
    stem = f"edges/{snapshot.types.index(name)}"
    found: dict[str, CheckedArray] = {
        f"{stem}/{column}.npy": _Inserted(array, start, stop, values[order])
        for column, (array, values) in whole.items()
    }
    found[f"{stem}/indptr.npy"] = _Moved(edges.indptr, place + 1, len(columns["indices"]))
    return found


def _columns(
    before: Mapping[str, tuple[CheckedArray, NDArray[Any]]], reached: Sequence[tuple[int, OwnEdge]]
) -> dict[str, NDArray[Any]]:
    """The columns of new events of one customer; what they end among the events before is marked there."""
    has_quantity = "quantity" in before
    count = len(reached)
    columns: dict[str, NDArray[Any]] = {
        "indices": np.array([target for target, _ in reached], np.int32),
        "at": np.array([edge.at for _, edge in reached], np.int64),
        "known_at": np.array([edge.known_at for _, edge in reached], np.int64),
        "weight": np.array([_number(None if has_quantity else edge.quantity) for _, edge in reached], np.float64),
        "until": np.full(count, ALWAYS, np.int64),
        "until_known_at": np.full(count, ALWAYS, np.int64),
        "quantity": np.array([_number(edge.quantity) for _, edge in reached], np.float64),
    }
    kept = np.ones(count, np.bool_)
    for number, (target, edge) in enumerate(reached):
        is_sale = edge.ends or (edge.quantity or 0.0) < 0
        # Without quantities a sale is no edge of its own: it says when a holding was over.
        kept[number] = has_quantity or not is_sale
        if not is_sale or (has_quantity and not edge.ends):
            continue
        sides = [
            ({name: values for name, (_, values) in before.items()}, len(before["indices"][1])),
            (columns, number),
        ]
        if has_quantity:
            left = sum(float(np.nansum(one["quantity"][:stop][one["indices"][:stop] == target])) for one, stop in sides)
            columns["quantity"][number] = -max(left, 0.0)
        if "until" in before:
            for one, stop in sides:
                open_ = (one["indices"][:stop] == target) & (one["until"][:stop] == ALWAYS)
                # Answers are of a day, and what ended in the course of it is over.
                one["until"][:stop][open_] = edge.at - edge.at % DAY
                one["until_known_at"][:stop][open_] = edge.at
    return {name: values[kept] for name, values in columns.items()}


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def _value(snapshot: Snapshot, column: str, place: int, value: Plain) -> dict[str, CheckedArray]:
    """The files of a column with another value of one customer."""
    nodes = snapshot.nodes(snapshot.schema.roles.user)
    array = nodes.column(column)
    stem = nodes.stem(column)
    valid = _Inserted(array.valid, place, place + 1, np.array([value is not None]))
    found: dict[str, CheckedArray] = {f"{stem}.valid.npy": valid}
    if isinstance(array.values, Strings):
        offsets, data = array.values.offsets, array.values.data
        assert isinstance(offsets, CheckedArray), "it is in a file"
        assert isinstance(data, CheckedArray), "it is in a file"
        start, stop = (int(bound) for bound in offsets[place : place + 2])
        text = np.frombuffer(("" if value is None else str(value)).encode(), np.uint8)
        found[f"{stem}.data.npy"] = _Inserted(data, start, stop, text)
        found[f"{stem}.offsets.npy"] = _Moved(offsets, place + 1, len(text) - (stop - start))
    else:
        number = stored_value(array.kind, value)
        found[f"{stem}.npy"] = _Inserted(array.values, place, place + 1, np.array([number]))
    return found


def stored_value(kind: str, value: Plain) -> int | float | bool:
    """A value that is no text as a column keeps it; a time, in ISO form, as microseconds since 1970."""
    if value is None:
        return {"real": 0.0, "boolean": False}.get(kind, 0)
    if kind == "time":
        return microseconds_of(datetime.fromisoformat(str(value)))
    assert not isinstance(value, str), "checked when the event came"
    return value
