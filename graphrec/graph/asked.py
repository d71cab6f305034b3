"""What facts say of one customer: their columns and the rows of their edges, as an entry of the record keeps them."""

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, cast

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from graphrec.frozen import dataclass
from graphrec.graph.folders.block_rows import Rows
from graphrec.graph.folders.facts import EVENTS, events_of, user_types
from graphrec.graph.folders.snapshot import ALWAYS, Snapshot
from graphrec.graph.folders.strings import Strings

_BY_SOURCE = ("indptr", "indices", *EVENTS)
_BY_TARGET = tuple(f"in_{name}" for name in _BY_SOURCE)
_TIMES = ("at", "known_at", "until", "until_known_at")
_NUMBERS = ("weight", "quantity")


@dataclass(frozen=True)
class Asked:
    """One customer as of some facts.

    Nodes at the other end of an edge are positions in these facts; times are microseconds since 1970, None: no time.
    """

    user: str
    known_at: int | None
    values: Mapping[str, str | int | float | bool]
    """By column; columns without a value are left out."""
    rows: Mapping[str, Mapping[str, list[Any]]]
    """By edge type, with < before it where it leads to the customer: `to`, `at`, `known_at` and, where an edge has one,
    `weight` of every event; `until`, `until_known_at` and `quantity` where the mapping names them."""
    blocks: Mapping[str, str] = field(default_factory=dict)
    """By digest of a feature block: the customer's row, its float32 numbers in base64."""

    @classmethod
    def of(cls, facts: Snapshot, user: int, blocks: Mapping[str, Rows]) -> "Asked":
        """The customer at a position of facts, and what feature blocks say of them."""
        roles = facts.schema.roles
        nodes = facts.nodes(roles.user)
        values = {name: nodes.column(name).get(user) for name in sorted(nodes.columns)}
        rows = {}
        for name, reverse in _hops(facts):
            if found := _row(facts, name, user, reverse=reverse):
                rows[f"<{name}" if reverse else name] = found
        known = {name: value for name, value in values.items() if value is not None and value == value}
        packed = {
            digest: b64encode(block[np.array([user])].astype("<f4").tobytes()).decode()
            for digest, block in sorted(blocks.items())
        }
        return cls(nodes.ids[user], _time(int(nodes.known_at[user])), known, rows, packed)

    def block_rows(self) -> dict[str, Rows]:
        """The rows of the feature blocks where this customer is the only one."""
        rows: dict[str, Any] = {
            digest: np.frombuffer(b64decode(row), "<f4")[None, :] for digest, row in self.blocks.items()
        }
        return rows

    def alone(self, items: Snapshot) -> Snapshot:
        """Facts in which this customer is the only one.

        Args:
            items: facts whose customers need not be there.
        """
        user = items.schema.roles.user
        stem = f"nodes/{items.labels.index(user)}"
        own: dict[str, NDArray[Any]] = {f"{stem}/known_at.npy": np.array([_micro(self.known_at)])}
        own |= _strings(f"{stem}/id", [self.user])
        kinds = items.meta.columns[user]
        for position, column in enumerate(sorted(kinds)):
            value = self.values.get(column)
            own[f"{stem}/{position}.valid.npy"] = np.array([value is not None])
            if kinds[column] == "text":
                own |= _strings(f"{stem}/{position}", ["" if value is None else str(value)])
            else:
                empty = {"real": 0.0, "boolean": False}.get(kinds[column], 0)
                own[f"{stem}/{position}.npy"] = np.array([empty if value is None else value])
        counts = dict(items.meta.edges)
        for name, reverse in _hops(items):
            row = self.rows.get(f"<{name}" if reverse else name, {})
            own |= _arrays(f"edges/{items.types.index(name)}/{'in_' if reverse else ''}", row)
            counts[name] = len(row.get("to", ()))
        nodes = items.meta.nodes
        alone = structs.replace(items.meta, nodes={**nodes, user: 1}, edges=counts, everyone=nodes[user])
        return items.overlaid(own, alone)


def _hops(facts: Snapshot) -> list[tuple[str, bool]]:
    """The edge types of facts, and whether they lead to the customer; those between customers are left out."""
    user = facts.schema.roles.user
    found = []
    for name in user_types(facts):
        edge = facts.schema.edges[name]
        if edge.source != edge.target:
            found.append((name, edge.target == user))
    return found


def _row(facts: Snapshot, name: str, user: int, *, reverse: bool) -> dict[str, list[Any]]:
    """The events of one type of a customer, as plain values."""
    edges = facts.edges(name)
    if reverse and not edges.is_by_target:
        read = cast("Sequence[Any]", tuple(events_of(edges, reverse=True).values()))
    else:
        read = cast("Sequence[Any]", edges.arrays(_BY_TARGET if reverse else _BY_SOURCE))
    indptr, indices, *columns = read
    start, end = indptr[user : user + 2].tolist()
    if start == end:
        return {}
    found: dict[str, list[Any]] = {"to": indices[start:end].tolist()}
    for column, events in zip(EVENTS, columns, strict=True):
        if events is not None:
            values = events[start:end].tolist()
            if column in _TIMES:
                found[column] = [None if one == ALWAYS else one for one in values]
            else:
                found[column] = [None if one != one else one for one in values]
    return found


def _arrays(stem: str, row: Mapping[str, list[Any]]) -> dict[str, NDArray[Any]]:
    """The files of a type that only one customer has edges of."""
    to = np.array(row.get("to", []), np.int32)
    found: dict[str, NDArray[Any]] = {f"{stem}indptr.npy": np.array([0, len(to)], np.int64), f"{stem}indices.npy": to}
    for column in _TIMES:
        if column in row or column in _TIMES[:2]:
            found[f"{stem}{column}.npy"] = np.array([_micro(moment) for moment in row.get(column, [])], np.int64)
    for column in _NUMBERS:
        if column in row:
            values = [np.nan if one is None else one for one in row[column]]
            found[f"{stem}{column}.npy"] = np.array(values, np.float64)
    return found


def _strings(stem: str, values: list[str]) -> dict[str, NDArray[Any]]:
    packed = Strings.of(values)
    return {f"{stem}.offsets.npy": np.asarray(packed.offsets), f"{stem}.data.npy": np.asarray(packed.data)}


def _time(moment: int) -> int | None:
    return None if moment == ALWAYS else moment


def _micro(moment: int | None) -> int:
    return int(ALWAYS) if moment is None else moment
