"""A policy compiled for a graph: the products that each user may see, and the rules that refuse one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import PolicyError
from graphrec.graph.adjacency import Adjacency
from graphrec.graph.snapshot import Snapshot
from graphrec.policy.conditions import Compiler, Condition
from graphrec.policy.facts import Block, Facts
from graphrec.policy.operands import BadCondition, Operands
from graphrec.policy.rules import Policy, Rule
from graphrec.policy.sentences import Fact, Sentence, day, shown
from graphrec.policy.values import Flags, Truth


@dataclass(frozen=True)
class Finding:
    """A rule whose condition one pair does not meet."""

    rule: str
    severity: str
    sentence: str
    values: Mapping[str, Fact]
    """What the condition read: values by column, the day of the latest event by edge type; None: there is none."""


@dataclass(frozen=True, eq=False)
class CompiledRule:
    """A rule with its condition and sentence ready."""

    rule: Rule
    condition: Condition
    sentence: Sentence

    def met(self, truth: Truth) -> Flags:
        """True where the pairs pass, broadcastable to the block."""
        return truth.yes if self.rule.missing == "refuse" else ~truth.known_not()


class CompiledPolicy:
    """A policy over one snapshot as of a date. Users and products are positions in the snapshot.

    Args:
        policy: the rules.
        snapshot: the graph.
        as_of: the date of the answer in microseconds since 1970; None: the graph has no times.
        known_before: events known at or after this time are not seen; None: all are.
        held: products (a row for every user) that count as held; None: those of the snapshot.

    Raises:
        PolicyError: a rule names a column or an event that is not there or may not be read, or compares two kinds.
    """

    def __init__(
        self,
        policy: Policy,
        snapshot: Snapshot,
        *,
        as_of: int | None = None,
        known_before: int | None = None,
        held: Adjacency | None = None,
    ) -> None:
        self.policy = policy
        self.facts = Facts(snapshot, as_of, known_before, held)
        self.rules = tuple(self._compiled(rule) for rule in policy.rules)
        self.refusing = tuple(rule for rule in self.rules if rule.rule.severity == "refuse")
        self.warning = tuple(rule for rule in self.rules if rule.rule.severity == "warn")

    def masks(self, users: NDArray[np.integer]) -> Flags:
        """Which products may be shown to each of some users.

        Args:
            users: (users,) positions.

        Returns:
            (users, products): True where no rule refuses.
        """
        block = Block(np.asarray(users, np.int64))
        allowed = np.ones((len(block.users), self.facts.num_products), np.bool_)
        for rule in self.refusing:
            np.logical_and(allowed, rule.met(rule.condition.truth(block)), out=allowed)
        return allowed

    def refused_first(self, user: int) -> dict[str, int]:
        """How many products each rule is the first to refuse to a user; with what is left they are all products."""
        block = Block(np.array([user]))
        left = np.ones((1, self.facts.num_products), np.bool_)
        counts: dict[str, int] = {}
        for rule in self.refusing:
            still = left & rule.met(rule.condition.truth(block))
            if fewer := int(left.sum() - still.sum()):
                counts[rule.rule.id] = fewer
            left = still
        return counts

    def barred(self, user: int) -> Finding | None:
        """The first rule that refuses every product to a user for what the user is, whatever the product."""
        block = Block(np.array([user]))
        for rule in self.refusing:
            met = rule.met(rule.condition.truth(block))
            if met.shape == (1, 1) and not met.all():
                return next(self._findings((rule,), user, 0))
        return None

    def refusals(self, user: int, product: int) -> list[Finding]:
        """The rules that refuse a product to a user, in the order of the policy."""
        return list(self._findings(self.refusing, user, product))

    def warnings(self, user: int, product: int) -> list[Finding]:
        """The rules that warn of a product for a user, in the order of the policy."""
        return list(self._findings(self.warning, user, product))

    def limits(self, user: int) -> dict[str, Fact]:
        """What the rules that refuse read of a user, by column, but for rules that read what is protected."""
        columns = (one for rule in self.refusing if not rule.rule.protected for one in rule.condition.columns)
        return {column.name: shown(self.facts, column, user) for column in columns if column.side == "user"}

    def _findings(self, rules: tuple[CompiledRule, ...], user: int, product: int) -> Iterator[Finding]:
        block = Block(np.array([user]), np.array([product]))
        for rule in rules:
            truth = rule.condition.truth(block)
            if not rule.met(truth).all():
                values = self._values(rule, user, product)
                text = rule.sentence.fill(user, product)
                if bool(truth.unknown().any()):
                    text = _cannot_tell(rule, values)
                yield Finding(rule.rule.id, rule.rule.severity, text, values)

    def _values(self, rule: CompiledRule, user: int, product: int) -> dict[str, Fact]:
        sides = {"user": user, "product": product}
        values = {str(column): shown(self.facts, column, sides[column.side]) for column in rule.condition.columns}
        return values | {name: day(self.facts.last(name, user, product)) for name in rule.condition.events}

    def _compiled(self, rule: Rule) -> CompiledRule:
        operands = Operands(self.facts, self.policy.levels, rule.protected)
        try:
            key = "require"
            condition = Compiler(operands).compile(rule.require)
            key = "sentence"
            return CompiledRule(rule, condition, Sentence(rule.sentence, operands))
        except BadCondition as error:
            where = self.policy.source or "the built-in policy"
            if key in rule.lines:
                where += f" line {rule.lines[key] + error.line - 1}"
            raise PolicyError(f"{where}: rule {rule.id}: {error}") from None


def _cannot_tell(rule: CompiledRule, values: Mapping[str, Fact]) -> str:
    events = rule.condition.events
    missing = [f"the date of {name}" if name in events else name for name, value in values.items() if value is None]
    return f"rule {rule.rule.id} needs {' and '.join(missing) or 'a value'}, which is not known"
