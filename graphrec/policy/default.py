"""The policy of a home without a policy.toml: what is held already, and what is closed, is left out."""

from graphrec.graph.snapshot import Snapshot
from graphrec.policy.rules import Policy, Rule

#: Values of a product's column `status`, in lower case, with which it is not offered.
NOT_OFFERED = ("closed", "inactive", "withdrawn", "suspended", "delisted", "matured")

HELD = Rule("held", "already held", "not held")
OFFERED = Rule(
    "offered",
    "not offered any more (status)",
    f"is_missing(product.status) or lower(product.status) not in {list(NOT_OFFERED)}",
)


def default_policy(snapshot: Snapshot) -> Policy:
    """The built-in rules that the snapshot has columns for."""
    columns = snapshot.meta["columns"][snapshot.schema.roles.product]
    rules = (HELD, OFFERED) if columns.get("status") == "text" else (HELD,)
    return Policy("built-in", rules)
