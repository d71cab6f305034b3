"""Which products a customer may be shown: not held already, and not closed."""

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.snapshot import Snapshot

#: Values of a product's column `status`, in lower case, with which it is not offered.
NOT_OFFERED = frozenset({"closed", "inactive", "withdrawn", "suspended", "delisted", "matured"})


class Eligibility:
    """Answers which products are left for a user."""

    def __init__(self, snapshot: Snapshot) -> None:
        roles = snapshot.schema.roles
        self._snapshot = snapshot
        self._relevant = [snapshot.edges(name) for name in roles.relevant]
        self._num_products = snapshot.count(roles.product)
        self._closed = _closed(snapshot)

    def held(self, user: int) -> NDArray[np.int64]:
        """The products a user holds as of the snapshot, sorted."""
        rows = [edges.indices[edges.indptr[user] : edges.indptr[user + 1]] for edges in self._relevant]
        return np.unique(np.concatenate(rows)) if rows else np.zeros(0, np.int64)

    def mask(self, user: int) -> NDArray[np.bool_]:
        """True (num_products,) for what may be shown."""
        allowed = ~self._closed
        allowed[self.held(user)] = False
        return allowed

    def refusal(self, user: int, product: int) -> str | None:
        """Why a product is not shown to a user, in a few words; None when it may be."""
        if product in self.held(user):
            return "already held"
        if self._closed[product]:
            return "not offered any more (status)"
        return None

    @property
    def closed(self) -> NDArray[np.bool_]:
        """True (num_products,) for products that nobody is offered."""
        return self._closed


def _closed(snapshot: Snapshot) -> NDArray[np.bool_]:
    product = snapshot.schema.roles.product
    closed = np.zeros(snapshot.count(product), np.bool_)
    columns = snapshot.meta["columns"][product]
    if columns.get("status") == "text":
        values = snapshot.nodes(product).column("status").values
        closed[[position for position, value in enumerate(values) if value.lower() in NOT_OFFERED]] = True
    return closed
