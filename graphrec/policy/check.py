"""Counts what each rule of a policy does to all pairs of users and products."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.config.names import nearest
from graphrec.policy.compiled import CompiledPolicy, CompiledRule
from graphrec.policy.facts import Block
from graphrec.policy.language.operands import Column, Named, parts_of
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
    idle: tuple[str, ...] = ()
    """Rules that do nothing: they refuse no pair, or none that another rule does not refuse; or do not hold yet."""
    warnings: tuple[str, ...] = ()
    """Texts that rules name and no column has."""
    remarks: tuple[str, ...] = ()
    """Values that no rule names, and columns that no rule reads."""


def check_policy(compiled: CompiledPolicy, *, progress: Progress = silent) -> PolicyReport:
    """The counts of every rule over all pairs of users and products.

    Args:
        compiled: the policy over a snapshot.
        progress: called after each block of users.
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
        rules=(counts := [tally.count() for tally in tallies]),
        idle=tuple(_idle(compiled, counts)),
        warnings=tuple(_absent_texts(compiled)),
        remarks=(*_unnamed_values(compiled), *_unread(compiled)),
    )


def _idle(compiled: CompiledPolicy, counts: list[RuleCount]) -> Iterator[str]:
    for one in counts:
        if not one.pairs:
            yield f"{one.id} {'refuses' if one.severity == 'refuse' else 'speaks of'} no pair"
        elif one.severity == "refuse" and not one.alone:
            yield f"{one.id} refuses no pair that no other rule refuses"
    for rule in compiled.later:
        yield f"{rule.rule.id} does not hold before {rule.rule.valid_from}"


def _absent_texts(compiled: CompiledPolicy) -> Iterator[str]:
    """Texts that a condition compares a column with and that the column never has."""
    for rule in (*compiled.rules, *compiled.later):
        for named in rule.condition.named:
            values = _values_of(compiled, named)
            if named.text not in values:
                near = nearest(named.text, values)
                hint = f"; the nearest value is {near!r}" if near else ""
                yield f"rule {rule.rule.id}: {named.column} is never {named.text!r}{hint}"


def _unnamed_values(compiled: CompiledPolicy) -> Iterator[str]:
    """Values of columns that rules compare with texts, which none of them names."""
    listed: dict[Column, set[str]] = {}
    for rule in compiled.rules:
        for named in rule.condition.named:
            if named.how != "part":
                whole = (
                    {named.text}
                    if named.how == "whole"
                    else {value for value in _texts(compiled, named.column) if value.lower() == named.text}
                )
                listed.setdefault(named.column, set()).update(whole)
    for name, known in compiled.policy.values.items():
        side, _, of = name.partition(".")
        listed.setdefault(Column(side, of), set()).update(known)
    for column, known_texts in listed.items():
        others = {text: count for text, count in _texts(compiled, column).items() if text not in known_texts}
        if others:
            shown = ", ".join(f"{text!r} ({count:,})" for text, count in list(others.items())[:5])
            more = f" and {len(others) - 5:,} more" if len(others) > 5 else ""
            yield f"{column} has values that no rule names: {shown}{more}"


def _unread(compiled: CompiledPolicy) -> Iterator[str]:
    """Columns that speak of suitability, and that no rule reads."""
    from graphrec.policy.example import unread

    read = [str(column) for rule in (*compiled.rules, *compiled.later) for column in rule.condition.columns]
    for column, concept in unread(compiled.facts.snapshot, read).items():
        yield f"no rule reads {column}, which seems to speak of {concept}"


def _values_of(compiled: CompiledPolicy, named: Named) -> set[str]:
    """The texts that a column is compared by."""
    texts = _texts(compiled, named.column)
    if named.how == "lower":
        return {text.lower() for text in texts}
    return set(texts) if named.how == "whole" else {part for text in texts for part in parts_of(text)}


def _texts(compiled: CompiledPolicy, column: Column) -> dict[str, int]:
    """The texts of a column and how many nodes have each, the most frequent first."""
    facts = compiled.facts
    found = facts.snapshot.nodes(facts.label(column.side)).column(column.name)
    counts = Counter(str(text) for text, there in zip(found.values, found.valid[:], strict=True) if there)
    return dict(counts.most_common())


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
