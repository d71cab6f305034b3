"""Facts: what is known of customers and products now, apart from what a model has learned.

    meta.json                       format, hash, as_of, counts, schema; `snapshot`: the hash of what it was made from
    nodes/<n>/                      as in a snapshot: ids of every label, names, and all columns of users and products
    edges/<n>/                      by source the edges that leave users or products (indptr, indices, at, known_at,
                                    weight, until, …); all with `in_` before for those that lead to users; and of both
                                    who they are from the other end (in_indptr, in_indices; indptr, indices): what else
                                    is asked for from there is turned

A load publishes them, a training does not: an answer joins them by ids to the weights of a model. A folder is in the
form of a snapshot, so that names, policies and events are read from it as from one.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from graphrec.files import replace_folder
from graphrec.frozen import dataclass
from graphrec.graph.edges.adjacency import Hop
from graphrec.graph.folders.arrays import seal
from graphrec.graph.folders.meta import TakenEvents, plain
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Edges, Snapshot, content_hash
from graphrec.graph.folders.strings import Strings
from graphrec.schema import Kind

FACTS_FORMAT = 1
FACTS_REMEDY = "run: graphrec load MAPPING"
MARKS = "events.npy"
"""The file that says which events of a log facts hold."""
KEPT = 3
"""Facts that stay: the newest, and those that answers may still be reading."""
EVENTS = ("at", "known_at", "weight", "until", "until_known_at", "quantity")
"""What an event carries; all but the times of the first two only where the mapping names them."""
OTHER_END = {False: ("in_indptr", "in_indices"), True: ("indptr", "indices")}
"""What says who edges are from the end that is no user, by whether they lead to users."""


class Facts(Snapshot):
    """The facts in a folder, read-only; threads may share it."""

    format = FACTS_FORMAT
    called = "facts"
    remedy = FACTS_REMEDY

    @property
    def origin(self) -> str:
        """The content hash of the snapshot that they were made from."""
        assert self.meta.snapshot is not None, "what facts say"
        return self.meta.snapshot


class FactsShelf(SnapshotShelf):
    """The folder `facts` of a home; the newest ones are served."""

    none_yet = "there are no facts yet; run: graphrec load MAPPING, then graphrec train"

    def publish(self, snapshot: Snapshot, events: "HeldEvents | None" = None) -> Facts:
        """The facts of a snapshot, now the newest of this home.

        Args:
            events: those of the log that the snapshot holds.

        Raises:
            Unwritable: the folder is full or read-only.
        """
        return self.add(lambda path: write_facts(path, snapshot, events))

    def add(self, write: "Callable[[Path], Snapshot]") -> Facts:
        """Keep the facts that `write` writes, as the newest; older ones are removed, but for the last few."""
        facts = super().add(write)
        assert isinstance(facts, Facts), "what this shelf opens"
        self._retire(KEPT)
        return facts

    def latest(self) -> Facts:
        """The facts published last.

        Raises:
            NotTrained: there are none.
            SchemaOutdated: another version of graphrec wrote them.
            Damaged: they are not what was written, or it is not known which ones they are.
        """
        facts = super().latest()
        assert isinstance(facts, Facts), "what this shelf opens"
        return facts

    def opened(self, path: Path, remedy: str) -> Facts:
        """The facts in a folder of this shelf."""
        return Facts.open(path, remedy)

    def remedy(self, as_of: str) -> str:
        """The command that publishes facts of a date anew."""
        return f"run: graphrec snapshot --as-of {as_of}" if as_of else FACTS_REMEDY


@dataclass(frozen=True, eq=False)
class HeldEvents:
    """The events of a log that facts hold.

    Shapes: marks (num_events,) of 64 bits, ascending.
    """

    meta: TakenEvents
    marks: NDArray[np.uint64]


def write_facts(path: Path, snapshot: Snapshot, events: HeldEvents | None = None) -> Facts:
    """Write the facts of a snapshot to a folder that appears whole.

    Raises:
        Damaged: a file of the snapshot is not what was written.
        Unwritable: the folder around `path` is full or read-only.
    """
    with replace_folder(path) as folder:
        columns = {}
        for position, label in enumerate(snapshot.labels):
            target = folder / "nodes" / str(position)
            target.mkdir(parents=True)
            columns[label] = _write_nodes(target, snapshot, label)
        types = snapshot.types
        for position, name in enumerate(types):
            target = folder / "edges" / str(position)
            target.mkdir(parents=True)
            _write_edges(target, snapshot, name)
        if events is not None and len(events.marks):
            np.save(folder / MARKS, events.marks)
        meta = structs.replace(
            snapshot.meta,
            format=FACTS_FORMAT,
            as_of=snapshot.as_of,
            columns=columns,
            texts=dict.fromkeys(snapshot.labels, ()),
            snapshot=snapshot.hash,
            events=None if events is None else events.meta,
        )
        seal(folder, plain(structs.replace(meta, hash=content_hash(folder, meta))))
    return Facts.open(path)


def user_types(snapshot: Snapshot) -> list[str]:
    """The edge types that leave users or lead to them."""
    user = snapshot.schema.roles.user
    ends = {name: snapshot.schema.edges[name] for name in snapshot.types}
    return [name for name, edge in ends.items() if user in (edge.source, edge.target)]


def _write_nodes(folder: Path, snapshot: Snapshot, label: str) -> dict[str, Kind]:
    """Write the ids of a label and its columns: all of users and products, the name of others."""
    roles, nodes = snapshot.schema.roles, snapshot.nodes(label)
    nodes.ids.save(folder / "id")
    np.save(folder / "known_at.npy", nodes.known_at.whole())
    name = snapshot.meta.names[label]
    columns: dict[str, Kind] = {
        column: kind
        for column, kind in sorted(nodes.columns.items())
        if label in (roles.user, roles.product) or column == name
    }
    for position, column in enumerate(columns):
        found = nodes.column(column)
        np.save(folder / f"{position}.valid.npy", found.valid.whole())
        if isinstance(found.values, Strings):
            found.values.save(folder / str(position))
        else:
            np.save(folder / f"{position}.npy", found.values.whole())
    return columns


def _write_edges(folder: Path, snapshot: Snapshot, name: str) -> None:
    edge, edges = snapshot.schema.edges[name], snapshot.edges(name)
    user = snapshot.schema.roles.user
    for leads_to_user in (False, True):
        # Edges between what are no users are there by source: a policy reads those that leave products.
        if edge.target != user if leads_to_user else user == edge.target != edge.source:
            continue
        prefix = "in_" if leads_to_user else ""
        for column, values in events_of(edges, reverse=leads_to_user).items():
            if values is not None:
                np.save(folder / f"{prefix}{column}.npy", values)
    if user in (edge.source, edge.target) and edge.source != edge.target:
        # Who has a product or an attribute: reasons count people.
        for column in OTHER_END[edge.target == user]:
            np.save(folder / f"{column}.npy", getattr(edges, column).whole())


def events_of(edges: Edges, *, reverse: bool) -> dict[str, NDArray[Any] | None]:
    """The events of a type by source, or by target: indptr, indices and EVENTS (None: the type has none of it)."""
    if reverse and edges.is_by_target:
        names = ("in_indptr", "in_indices", *(f"in_{column}" for column in EVENTS))
        found = [edges.array(name) for name in names]
        whole = [None if one is None else one.whole() for one in found]
        return dict(zip(("indptr", "indices", *EVENTS), whole, strict=True))
    own = {column: None if (one := getattr(edges, column)) is None else one.whole() for column in EVENTS}
    if not reverse:
        return {"indptr": edges.indptr.whole(), "indices": edges.indices.whole(), **own}
    order = np.argsort(edges.indices.whole(), kind="stable")
    own = {column: None if values is None else values[order] for column, values in own.items()}
    return {"indptr": edges.in_indptr.whole(), "indices": edges.in_indices.whole(), **own}


@dataclass(frozen=True, eq=False)
class Happened:
    """Events between one user and one other node.

    Shapes: all (num_events,); None: no edge of the type has one.
    """

    at: NDArray[np.int64]
    known_at: NDArray[np.int64]
    weight: NDArray[np.float64] | None
    until: NDArray[np.int64] | None = None
    until_known_at: NDArray[np.int64] | None = None
    quantity: NDArray[np.float64] | None = None


def events_between(snapshot: Snapshot, hop: Hop, user: int, other: int) -> Happened:
    """The events of a hop from a user to another node, in the order of the files."""
    edges = snapshot.edges(hop.type)
    if hop.reverse and edges.is_by_target:
        indptr, indices, prefix = edges.in_indptr, edges.in_indices, "in_"
    else:
        indptr, indices, prefix = edges.indptr, edges.indices, ""
    start, end = (other, user) if hop.reverse and not prefix else (user, other)
    first, last = (int(bound) for bound in indptr[start : start + 2])
    places = first + np.flatnonzero(indices[first:last] == end)
    read = {column: edges.array(f"{prefix}{column}") for column in EVENTS}
    found: dict[str, Any] = {column: None if one is None else one[places] for column, one in read.items()}
    return Happened(**found)
