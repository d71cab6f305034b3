"""A model's nodes in the facts that are served: positions are joined by ids, names come from the facts."""

from collections.abc import Mapping
from copy import copy

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.folders.strings import ABSENT, Strings, joined
from graphrec.serving.answer import Node


class Positions:
    """Translates positions of a model into those of facts (or a snapshot) and back; nothing to translate costs nothing.

    Products that came after the training stand behind those of the model, in the order of their ids.

    Args:
        snapshot: what is served: names, policy columns and kinds.
        ids: the model's own ids by label, each sorted; None: they are those of the snapshot.
    """

    def __init__(self, snapshot: Snapshot, ids: Mapping[str, Strings] | None = None) -> None:
        self.snapshot = snapshot
        self._ids = ids or {}
        self._found = {label: joined(own, snapshot.nodes(label).ids) for label, own in self._ids.items()}
        product = snapshot.schema.roles.product
        self.num_known = snapshot.count(product) if product not in self._ids else len(self._ids[product])
        """Products of the model."""
        self._new: dict[str, NDArray[np.int64]] = {}
        if product in self._found:
            new = np.setdiff1d(np.arange(snapshot.count(product)), self._found[product])
            self._new[product] = new
            self._found[product] = np.concatenate((self._found[product], new))

    def reading(self, snapshot: Snapshot) -> "Positions":
        """The same where the rows and values of a customer are others."""
        other = copy(self)
        other.snapshot = snapshot
        return other

    @property
    def products(self) -> NDArray[np.int64] | None:
        """Where each product, of the model and then new, is in the snapshot; None: they are the same."""
        return self._found.get(self.snapshot.schema.roles.product)

    def in_snapshot(self, label: str, index: int) -> int:
        """Where a node of the model is in the snapshot; ABSENT where it is gone."""
        return int(self._found[label][index]) if label in self._found else index

    def in_model(self, label: str, index: int) -> int:
        """Where a node of the snapshot is in the model; ABSENT where it came later and is no product."""
        if label not in self._ids:
            return index
        found = self._ids[label].find(self.snapshot.nodes(label).ids[index])
        if found != ABSENT or label not in self._new:
            return found
        return self.num_known + int(np.searchsorted(self._new[label], index))

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
