"""Which products a customer may be shown, by the policy."""

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.snapshot import Snapshot
from graphrec.policy.default import NOT_OFFERED, default_policy
from graphrec.policy.rules import Policy


class Eligibility:
    """Answers which products are left for a user."""

    def __init__(self, snapshot: Snapshot, policy: Policy | None = None) -> None:
        roles = snapshot.schema.roles
        self.policy = policy or default_policy(snapshot)
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

    def masks(self, users: NDArray[np.integer]) -> NDArray[np.bool_]:
        """True (len(users), num_products) for what may be shown to each; the caller chooses blocks that fit."""
        return (
            np.stack([self.mask(int(user)) for user in users])
            if len(users)
            else np.zeros((0, self._num_products), bool)
        )

    def refused(self, user: int) -> dict[str, int]:
        """How many products each rule is the first to refuse; what is left and these add up to all products."""
        held = self.held(user)
        closed = int(self._closed.sum()) - int(self._closed[held].sum())
        counts = {"held": len(held), "offered": closed}
        return {rule: count for rule, count in counts.items() if count}

    def refusal(self, user: int, product: int) -> str | None:
        """Why a product is not shown to a user, in a few words; None when it may be."""
        if product in self.held(user):
            return "already held"
        if self._closed[product]:
            return "not offered any more (status)"
        return None


def _closed(snapshot: Snapshot) -> NDArray[np.bool_]:
    product = snapshot.schema.roles.product
    closed = np.zeros(snapshot.count(product), np.bool_)
    columns = snapshot.meta["columns"][product]
    if columns.get("status") == "text":
        values = snapshot.nodes(product).column("status").values
        closed[[position for position, value in enumerate(values) if value.lower() in NOT_OFFERED]] = True
    return closed
