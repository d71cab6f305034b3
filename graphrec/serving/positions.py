"""A model's nodes in the snapshot that is served: positions are joined by ids, names come from the snapshot."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.snapshot import Snapshot
from graphrec.graph.strings import Strings
from graphrec.serving.answer import Node

#: Stands for a node that the other side does not have.
ABSENT = -1


class Positions:
    """Translates positions of a model into those of a snapshot and back; nothing to translate costs nothing.

    Args:
        snapshot: what is served: names, policy columns and kinds.
        ids: the model's own ids by label, each sorted; None: they are those of the snapshot.
    """

    def __init__(self, snapshot: Snapshot, ids: Mapping[str, Strings] | None = None) -> None:
        self.snapshot = snapshot
        self._ids = ids or {}
        self._found = {label: joined(own, snapshot.nodes(label).ids) for label, own in self._ids.items()}

    def in_snapshot(self, label: str, index: int) -> int:
        """Where a node of the model is in the snapshot; ABSENT where it is gone."""
        return int(self._found[label][index]) if label in self._found else index

    def in_model(self, label: str, index: int) -> int:
        """Where a node of the snapshot is in the model; ABSENT where it came later."""
        if label not in self._ids:
            return index
        return self._ids[label].find(self.snapshot.nodes(label).ids[index])

    def taken(self, label: str, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Flags of the snapshot's nodes (…, num_nodes) for the model's nodes; False for those that are gone."""
        if label not in self._found:
            return flags
        places = self._found[label]
        taken: NDArray[np.bool_] = flags[..., places] & (places != ABSENT)
        return taken

    def node(self, label: str, index: int) -> Node:
        """How a node of the model is shown: by the id it has there, and the name it has now."""
        here = self.in_snapshot(label, index)
        if here == ABSENT:
            return Node(label, self._ids[label][index], None)
        return Node(label, self.snapshot.nodes(label).ids[here], self.snapshot.name(label, here))


def joined(own: Strings, other: Strings) -> NDArray[np.int64]:
    """Where each of some sorted strings is among other sorted strings (len(own),); ABSENT where it is not."""
    places = {value: place for place, value in enumerate(other)}
    return np.fromiter((places.get(value, ABSENT) for value in own), np.int64, len(own))
