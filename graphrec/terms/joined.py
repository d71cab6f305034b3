"""The arrays of a model, brought to the nodes of a snapshot by their ids.

Where the ids are the same, as in the snapshot that a model was trained on, arrays stay as they are: mapped, and read
where they are needed. Otherwise they are copied in the order of the snapshot: what a model does not know is 0 and has
no edges, and what the snapshot does not have is left out.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import Damaged
from graphrec.graph.adjacency import Adjacency, from_rows
from graphrec.graph.snapshot import Snapshot
from graphrec.graph.strings import Strings
from graphrec.terms.base import Stored, StoredRows


class Joined:
    """Joins the arrays of one model to one snapshot.

    Args:
        ids: of the nodes that the model knows, by label, sorted by their bytes.
        same: the snapshot is the one that the model was trained on, so that no id needs to be read.
        remedy: the end of an error's line: the next command.
    """

    def __init__(self, ids: Mapping[str, Strings], snapshot: Snapshot, remedy: str, *, same: bool) -> None:
        self._ids = ids
        self._snapshot = snapshot
        self._remedy = remedy
        self._places = {label: None if same else _places(ids[label], snapshot.nodes(label).ids) for label in ids}

    def known(self, label: str) -> NDArray[np.bool_] | None:
        """Which nodes of a label (num_nodes,) the model knows; None: all of them."""
        places = self._places[label]
        return None if places is None or bool((places >= 0).all()) else places >= 0

    def array(self, stored: Stored) -> NDArray[Any]:
        """An array by the nodes of the snapshot.

        Raises:
            Damaged: it does not have a row for each node.
        """
        values = stored.values
        for axis, label in enumerate(stored.axes):
            if label is None:
                continue
            if values.shape[axis] != len(self._ids[label]):
                raise Damaged(
                    f"an array of the model has {values.shape[axis]:,} rows for {len(self._ids[label]):,} nodes of "
                    f"{label}; {self._remedy}"
                )
            places = self._places[label]
            if places is not None:
                values = _taken(np.asarray(values), places, axis)
        return values

    def rows(self, stored: StoredRows) -> StoredRows:
        """Edges by the nodes of the snapshot.

        Raises:
            Damaged: they are not those of the model's nodes.
        """
        sources, targets = self._places[stored.source], self._places[stored.target]
        if len(stored.indptr) != len(self._ids[stored.source]) + 1 or int(stored.indptr[-1]) != len(stored.indices):
            raise Damaged(
                f"edges of the model from {stored.source} to {stored.target} do not fit its nodes; {self._remedy}"
            )
        if sources is None and targets is None:
            return stored
        indices = np.asarray(stored.indices)
        entries = Adjacency(np.asarray(stored.indptr), np.arange(len(indices), dtype=np.int64))  # type: ignore[arg-type]
        if sources is None:
            sources = np.arange(len(self._ids[stored.source]))
        present = np.flatnonzero(sources >= 0)
        origin, found = entries.expand(sources[present])
        ends = indices[found]
        if targets is not None:
            now = np.full(len(self._ids[stored.target]), -1, np.int32)
            now[targets[targets >= 0]] = np.flatnonzero(targets >= 0)
            ends = now[ends]
        kept = ends >= 0
        values = None if stored.values is None else np.asarray(stored.values)[found[kept]]
        joined = from_rows(present[origin[kept]], ends[kept].astype(np.int32), len(sources), values)
        return StoredRows(joined.indptr, joined.indices, stored.source, stored.target, joined.weight)


def _places(own: Strings, now: Strings) -> NDArray[np.int64] | None:
    """The position that each id of now had in the model, -1 without; None where both are the same."""
    own = Strings(np.asarray(own.offsets), np.asarray(own.data))
    if len(own) == len(now) and np.array_equal(own.offsets, now.offsets) and np.array_equal(own.data, now.data):
        return None
    position = {value: place for place, value in enumerate(own)}
    return np.fromiter((position.get(value, -1) for value in now), np.int64, len(now))


def _taken(values: NDArray[Any], places: NDArray[np.int64], axis: int) -> NDArray[Any]:
    shape = (*values.shape[:axis], len(places), *values.shape[axis + 1 :])
    taken = np.zeros(shape, values.dtype)
    known = np.flatnonzero(places >= 0)
    at: list[Any] = [slice(None)] * values.ndim
    at[axis] = known
    taken[tuple(at)] = np.take(values, places[known], axis)
    return taken
