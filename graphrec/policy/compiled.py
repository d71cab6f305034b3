"""A policy compiled for a graph: the products that each user may see, and the rules that refuse one."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import PolicyError
from graphrec.graph.adjacency import Adjacency
from graphrec.graph.snapshot import Snapshot
from graphrec.policy.conditions import Compiler, Condition
from graphrec.policy.facts import DAY, NO_OCCASION, Block, Facts, Occasion
from graphrec.policy.operands import BadCondition, Column, Operand, Operands
from graphrec.policy.rules import Policy, Rule
from graphrec.policy.sentences import Fact, Sentence, day, shown
from graphrec.policy.values import Flags, Truth

NOT_AVAILABLE = "not available"
"""What others than compliance read in place of the sentence of a rule that is told by its code."""
FOR_REVIEW = "needs approval: "
"""Before the sentence of a rule that asks for a review."""


@dataclass(frozen=True)
class Finding:
    """A rule whose condition one pair does not meet."""

    rule: str
    severity: str
    sentence: str
    values: Mapping[str, Fact]
    """What the condition read: values by column, the day of the latest event by edge type; None: there is none."""
    confidential: bool = False
    """Whether others than compliance read `not available` in its place: it is confidential, or shares the code."""

    @property
    def told(self) -> str:
        """The sentence that anybody may read."""
        return NOT_AVAILABLE if self.confidential else self.sentence


OUTCOMES = {"m": "met", "o": "open, counts as met", "w": "warns", "a": "needs approval", "x": "refuses"}
"""What a letter of `Judged.outcomes` means."""


@dataclass(frozen=True)
class Judged:
    """What the rules say of one pair, and what they read."""

    outcomes: str
    """A letter a rule that holds, in the order of the policy: see OUTCOMES."""
    values: Mapping[str, Fact]
    """Of the product, and of what happened between the two."""


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
        held_before: what became known at or after this time is not held yet; None: all of it is.

    Raises:
        PolicyError: a rule or `roles.repeatable` names a column or an event that is not there or may not be read, or
            compares two kinds; or the policy is not valid yet.
    """

    def __init__(
        self,
        policy: Policy,
        snapshot: Snapshot,
        *,
        as_of: int | None = None,
        known_before: int | None = None,
        held: Adjacency | None = None,
        held_before: int | None = None,
    ) -> None:
        self.policy = policy
        self.facts = Facts(snapshot, as_of, known_before, held, held_before)
        self.occasion = NO_OCCASION
        self._check_day()
        self.facts.repeatable = self._repeatable()
        compiled = tuple(self._compiled(rule) for rule in policy.rules)
        self.later = tuple(rule for rule in compiled if not self._holds(rule.rule.valid_from))
        """Rules that do not hold yet."""
        self.rules = tuple(rule for rule in compiled if rule not in self.later)
        self.refusing = tuple(rule for rule in self.rules if rule.rule.severity == "refuse")
        self.warning = tuple(rule for rule in self.rules if rule.rule.severity != "refuse")
        self._known = self._known_values()
        self._of_products: dict[int, dict[str, Fact]] = {}

    def asking(self, occasion: Occasion) -> Self:
        """The same policy asked by a request that says something of itself."""
        asked = copy.copy(self)
        asked.occasion = occasion
        return asked

    def reading(self, snapshot: Snapshot) -> Self:
        """The same policy over facts in which the rows and values of some users are others."""
        other = copy.copy(self)
        other.facts = self.facts.reading(snapshot)
        return other

    def check_age(self, known: int | None) -> None:
        """Stop where the data are older than the policy allows.

        Args:
            known: up to when the data are known, in microseconds since 1970; None: they have no times.

        Raises:
            PolicyError: they are older than `max_age_days`.
        """
        most, now = self.policy.max_age_days, self.facts.as_of
        if most is not None and known is not None and now is not None and now - known > most * DAY:
            raise PolicyError(
                f"{self._source()}: the data are of {day(known)}, older than max_age_days = {most:g} on {day(now)}; "
                "load newer data"
            )

    def masks(self, users: NDArray[np.integer]) -> Flags:
        """Which products may be shown to each of some users.

        Args:
            users: (users,) positions.

        Returns:
            (users, products): True where no rule refuses.
        """
        block = self._block(users)
        allowed = np.ones((len(block.users), self.facts.num_products), np.bool_)
        for rule in self.refusing:
            np.logical_and(allowed, rule.met(rule.condition.truth(block)), out=allowed)
        return allowed

    def refused_first(self, user: int) -> dict[str, int]:
        """How many products each rule is the first to refuse to a user; with what is left they are all products."""
        return self.first_refusals(np.array([user]), np.ones((1, self.facts.num_products), np.bool_))

    def first_refusals(self, users: NDArray[np.integer], pairs: Flags) -> dict[str, int]:
        """How many of some pairs each rule is the first to refuse.

        Args:
            users: (users,) positions.
            pairs: (users, products) those that count.
        """
        block, left, counts = self._block(users), pairs.copy(), {}
        for rule in self.refusing:
            gone = left & ~rule.met(rule.condition.truth(block))
            if count := int(np.count_nonzero(gone)):
                counts[rule.rule.id] = count
            left &= ~gone
        return counts

    def first_rules(self, users: NDArray[np.integer], products: NDArray[np.int64]) -> NDArray[np.int16]:
        """The first rule that refuses each of some pairs.

        Args:
            users: (users,) positions.
            products: (products,) positions, ascending.

        Returns:
            (users, products): its place in `refusing`; -1: none refuses.
        """
        block = self._block(users, products)
        found = np.full((len(block.users), len(products)), -1, np.int16)
        for place, rule in enumerate(self.refusing):
            found[(found == -1) & ~rule.met(rule.condition.truth(block))] = place
        return found

    def barred(self, user: int) -> Finding | None:
        """The first rule that refuses every product to a user for what the user is, whatever the product."""
        block = self._block(np.array([user]))
        for rule in self.refusing:
            met = rule.met(rule.condition.truth(block))
            if met.shape == (1, 1) and not met.all():
                return next(self._findings((rule,), user, 0))
        return None

    def refusals(self, user: int, product: int) -> list[Finding]:
        """The rules that refuse a product to a user, in the order of the policy."""
        return list(self._findings(self.refusing, user, product))

    def warnings(self, user: int, product: int) -> list[Finding]:
        """The rules that warn of a product for a user or ask for a review, in the order of the policy."""
        return list(self._findings(self.warning, user, product))

    def limits(self, user: int) -> dict[str, Fact]:
        """What the rules that refuse read of a user, by column, but for confidential ones and what is protected."""
        rules = (rule for rule in self.refusing if not rule.rule.protected and not rule.rule.confidential)
        columns = (one for rule in rules for one in rule.condition.columns)
        return {column.name: shown(self.facts, column, user) for column in columns if column.side == "user"}

    def letters(self, users: NDArray[np.integer], products: NDArray[np.integer]) -> NDArray[np.uint8]:
        """What every rule says of some products of each user.

        Args:
            users: (users,) positions.
            products: (users, shown) positions of products for each.

        Returns:
            (users, shown, rules): letters of OUTCOMES, as ASCII.
        """
        block = self._block(users)
        shape = (len(users), self.facts.num_products)
        found = np.full((*products.shape, len(self.rules)), ord("m"), np.uint8)
        for number, rule in enumerate(self.rules):
            truth = rule.condition.truth(block)
            said = (np.broadcast_to(one, shape) for one in (rule.met(truth), truth.unknown()))
            met, is_open = (np.take_along_axis(one, products, 1) for one in said)
            found[..., number][is_open] = ord("o")
            found[..., number][~met] = ord({"refuse": "x", "review": "a", "warn": "w"}[rule.rule.severity])
        return found

    def judged(self, user: int, products: NDArray[np.integer]) -> list[Judged]:
        """What every rule says of some products for a user."""
        letters = self.letters(np.array([user]), np.asarray(products, np.int64).reshape(1, -1))[0]
        return [
            Judged(bytes(one).decode("ascii"), self.read_of(user, int(product)))
            for one, product in zip(letters, products, strict=True)
        ]

    def read_of(self, user: int, product: int) -> dict[str, Fact]:
        """What the rules read of a product, and of what happened between it and a user."""
        if product not in self._of_products:
            self._of_products[product] = self._side("product", product)
        found = dict(self._of_products[product])
        block = self._block(np.array([user]), np.array([product]))
        for rule in self.rules:
            for name in rule.condition.events:
                found[name] = day(self.facts.last(name, user, product))
            found |= {name: self._read(one, block) for name, one in rule.condition.computed.items()}
        return found

    def holdings(self, users: NDArray[np.integer]) -> NDArray[np.int64]:
        """What users hold at the date of the answer, what may be bought again too.

        Args:
            users: (users,) positions.

        Returns:
            (num_holdings, 2): place among `users` and product, each pair once, in order.
        """
        return self.facts.holdings(self._block(users))

    def read_of_user(self, user: int) -> dict[str, Fact]:
        """What the rules read of a user."""
        return self._side("user", user)

    def _side(self, side: str, position: int) -> dict[str, Fact]:
        columns = dict.fromkeys(one for rule in self.rules for one in rule.condition.columns if one.side == side)
        return {str(column): shown(self.facts, column, position) for column in columns}

    def remarks(self, user: int, product: int) -> tuple[str, ...]:
        """The values of a pair that the policy does not know, in one sentence each."""
        found = []
        for column, known in self._known.items():
            value = shown(self.facts, column, user if column.side == "user" else product)
            if value is not None and str(value) not in known:
                found.append(f"{column} is {value}, which the policy does not know")
        return tuple(found)

    def _block(self, users: NDArray[np.integer], products: NDArray[np.int64] | None = None) -> Block:
        return Block(np.asarray(users, np.int64), products, self.occasion, self.facts)

    def _holds(self, valid_from: str | None) -> bool:
        if valid_from is None or self.facts.as_of is None:
            return True
        return date(1970, 1, 1) + timedelta(microseconds=self.facts.as_of) >= date.fromisoformat(valid_from)

    def _check_day(self) -> None:
        if not self._holds(self.policy.valid_from):
            raise PolicyError(
                f"{self._source()}: version {self.policy.version} is valid from {self.policy.valid_from}, and the date "
                f"of the answer is {day(self.facts.as_of)}; use the policy of that day"
            )

    def _repeatable(self) -> Flags | None:
        """Which products may be bought again (num_products,); None: none."""
        text = self.facts.roles.repeatable
        if text is None:
            return None
        where = "roles.repeatable of the mapping"
        try:
            condition = Compiler(Operands(self.facts, self.policy.levels)).compile(text)
        except BadCondition as error:
            raise PolicyError(f"{where}: {error}; correct it and load again") from None
        if condition.events or condition.computed or any(one.side != "product" for one in condition.columns):
            raise PolicyError(f"{where}: {text!r} reads more than columns of products; correct it and load again")
        truth = condition.truth(Block(np.zeros(1, np.int64)))
        again: Flags = np.broadcast_to(truth.yes, (1, self.facts.num_products))[0]
        return again

    def _known_values(self) -> dict[Column, frozenset[str]]:
        """The values that the policy knows, by column."""
        found = {}
        for name, listed in self.policy.values.items():
            side, _, column = name.partition(".")
            try:
                kind = Operands(self.facts, allow_protected=True).column(side, column)
                if kind != "text":
                    raise BadCondition(f"{name} is a {kind}; want a column of texts")
            except BadCondition as error:
                raise PolicyError(f"{self._source()}: [values]: {error}") from None
            found[Column(side, column)] = frozenset(listed)
        return found

    def _findings(self, rules: tuple[CompiledRule, ...], user: int, product: int) -> Iterator[Finding]:
        block = self._block(np.array([user]), np.array([product]))
        for rule in rules:
            truth = rule.condition.truth(block)
            if not rule.met(truth).all():
                values = self._values(rule, user, product)
                text = rule.sentence.fill(user, product, self.occasion, self.facts)
                if bool(truth.unknown().any()):
                    text = _cannot_tell(rule, values)
                yield Finding(rule.rule.id, rule.rule.severity, text, values, rule.rule.code is not None)

    def _values(self, rule: CompiledRule, user: int, product: int) -> dict[str, Fact]:
        sides = {"user": user, "product": product}
        values = {str(column): shown(self.facts, column, sides[column.side]) for column in rule.condition.columns}
        values |= {name: day(self.facts.last(name, user, product)) for name in rule.condition.events}
        block = self._block(np.array([user]), np.array([product]))
        return values | {name: self._read(one, block) for name, one in rule.condition.computed.items()}

    def _read(self, operand: Operand, block: Block) -> Fact:
        """A number that is read besides columns, or what the request says of itself."""
        value = operand.value(block)
        if value.missing().any():
            return None
        found = value.values.reshape(-1)[0].item()
        if operand.kind == "text":
            return self.facts.texts.text(found)
        return int(found) if found == int(found) else float(found)

    def _source(self) -> str:
        return self.policy.source or "the built-in policy"

    def _compiled(self, rule: Rule) -> CompiledRule:
        operands = Operands(self.facts, self.policy.levels, rule.protected)
        try:
            key = "require"
            condition = Compiler(operands).compile(rule.require)
            key = "sentence"
            return CompiledRule(rule, condition, Sentence(rule.sentence, operands))
        except BadCondition as error:
            where = self._source()
            if key in rule.lines:
                where += f" line {rule.lines[key] + error.line - 1}"
            raise PolicyError(f"{where}: rule {rule.id}: {error}") from None


def _cannot_tell(rule: CompiledRule, values: Mapping[str, Fact]) -> str:
    events = rule.condition.events
    missing = [f"the date of {name}" if name in events else name for name, value in values.items() if value is None]
    return f"rule {rule.rule.id} needs {' and '.join(missing) or 'a value'}, which is not known"
