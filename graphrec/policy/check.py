"""Counts what each rule of a policy does to all pairs of users and products."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.policy.compiled import CompiledPolicy, CompiledRule
from graphrec.policy.facts import Block
from graphrec.progress import Progress, silent

BLOCK_BYTES = 64 << 20
"""Memory of one block of users: a byte a pair and rule."""


@dataclass(frozen=True)
class RuleCount:
    """The counts of one rule."""

    id: str
    severity: str
    users: int
    """Users for whom it refuses, or warns of, at least one product."""
    products: int
    """Products that it refuses to, or warns of for, at least one user."""
    pairs: int
    first: int
    """Pairs that no rule before it refuses."""
    alone: int
    """Pairs that no other rule refuses."""
    missing: int
    """Of its pairs, those that a missing value leaves open."""


@dataclass(frozen=True)
class PolicyReport:
    """The counts of a policy."""

    version: str
    hash: str
    source: str | None
    users: int
    products: int
    pairs_left: int
    users_without_product: int
    rules: list[RuleCount]


def check_policy(compiled: CompiledPolicy, *, progress: Progress = silent) -> PolicyReport:
    """The counts of every rule over all pairs of users and products.

    Args:
        compiled: the policy over a snapshot.
        progress: told after each block of users.
    """
    facts = compiled.facts
    num_users, num_products = facts.snapshot.count(facts.roles.user), facts.num_products
    tallies = [_Tally(rule, num_products) for rule in compiled.rules]
    pairs_left = without = 0
    step = max(1, BLOCK_BYTES // max(num_products * len(tallies), 1))
    for start in range(0, num_users, step):
        progress("evaluating pairs", start, num_users)
        left = _count_block(tallies, np.arange(start, min(start + step, num_users)), num_products)
        pairs_left += int(np.count_nonzero(left))
        without += len(left) - int(np.count_nonzero(left.any(axis=1)))
    progress("evaluating pairs", num_users, num_users)
    return PolicyReport(
        version=compiled.policy.version,
        hash=compiled.policy.hash,
        source=compiled.policy.source,
        users=num_users,
        products=num_products,
        pairs_left=pairs_left,
        users_without_product=without,
        rules=[tally.count() for tally in tallies],
    )


class _Tally:
    """The counts of one rule, block by block."""

    def __init__(self, rule: CompiledRule, num_products: int) -> None:
        self.rule = rule
        self.refuses = rule.rule.severity == "refuse"
        self.products = np.zeros(num_products, np.bool_)
        self.counts: dict[str, int] = dict.fromkeys(("users", "pairs", "first", "alone", "missing"), 0)

    def add(self, block: Block, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """The pairs of a block that the rule does not pass."""
        truth = self.rule.condition.truth(block)
        failed: NDArray[np.bool_] = np.broadcast_to(~self.rule.met(truth), shape)
        self.products |= failed.any(axis=0)
        self.counts["users"] += int(np.count_nonzero(failed.any(axis=1)))
        self.counts["pairs"] += int(np.count_nonzero(failed))
        self.counts["missing"] += int(np.count_nonzero(failed & truth.unknown()))
        return failed

    def count(self) -> RuleCount:
        """The counts so far."""
        values: dict[str, Any] = {**self.counts, "products": int(self.products.sum())}
        return RuleCount(id=self.rule.rule.id, severity=self.rule.rule.severity, **values)


def _count_block(tallies: list[_Tally], users: NDArray[np.int64], num_products: int) -> NDArray[np.bool_]:
    """Count a block of users.

    Returns:
        (users, products): True where no rule refuses.
    """
    shape = (len(users), num_products)
    times, left = np.zeros(shape, np.uint16), np.ones(shape, np.bool_)
    failures = [tally.add(Block(users), shape) for tally in tallies]
    for tally, failed in zip(tallies, failures, strict=True):
        tally.counts["first"] += int(np.count_nonzero(failed & left))
        if tally.refuses:
            left &= ~failed
            times += failed
    for tally, failed in zip(tallies, failures, strict=True):
        tally.counts["alone"] += int(np.count_nonzero(failed & (times == tally.refuses)))
    return left
