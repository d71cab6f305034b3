"""A policy compiled for a graph: the products that each user may see, and the rules that refuse one."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import PolicyError
from graphrec.frozen import dataclass
from graphrec.graph.edges.adjacency import Adjacency
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.languages import Language
from graphrec.policy.facts import DAY, NO_OCCASION, Block, Facts, Occasion
from graphrec.policy.language.conditions import Compiler, Condition, sides
from graphrec.policy.language.operands import BadCondition, Column, Operand, Operands
from graphrec.policy.language.values import Flags, Truth
from graphrec.policy.rules import Policy, Rule
from graphrec.policy.sentences import Fact, Sentence, as_text, day, shown
from graphrec.times import moment_of

NOT_AVAILABLE = "not available"
"""What others than compliance read in place of the sentence of a rule that is named by its code."""
FOR_REVIEW = "needs approval: "
"""Before the sentence of a rule that asks for a review."""
#: Users whose values are kept.
USERS = 1_024
#: Pairs of users and products of which it is kept what rules say, for those who were asked about last.
PAIRS = 100_000


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
    in_its_place: str = NOT_AVAILABLE
    """What they read, in the language of the answer."""

    @property
    def public_sentence(self) -> str:
        """The sentence that anybody may read."""
        return self.in_its_place if self.confidential else self.sentence


OUTCOMES = {"m": "met", "o": "open, counts as met", "w": "warns", "a": "needs approval", "x": "refuses"}
"""What a letter of `RuleOutcomes.outcomes` means."""


_SIDES = "user", "product"
_LETTERS = {"refuse": "x", "review": "a", "warn": "w"}


@dataclass(frozen=True)
class RuleOutcomes:
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
    sentences: Mapping[str, Sentence]
    """By language, where there are several."""
    of_products: bool
    """Whether it says the same to every user and request."""

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
        self._always: dict[int, Flags] = {}
        self._truths: dict[int, Truth] = {}
        """What rules that read products alone say of all of them."""
        self._remarks: dict[tuple[int, str], dict[Column, str]] = {}
        self._of_users: dict[int, dict[str, Fact]] = {}
        read = [one for rule in self.rules for one in rule.condition.columns]
        self._columns_of = {
            side: [(str(one), one) for one in dict.fromkeys(read) if one.side == side] for side in _SIDES
        }
        """What the rules read of a user and of a product, by the name of the column with its side."""
        open_to_all = [one for one in self.refusing if not one.rule.protected and not one.rule.confidential]
        limits = dict.fromkeys(one for rule in open_to_all for one in rule.condition.columns if one.side == "user")
        self._limits = [(str(one), one) for one in limits]
        self._last: Block | None = None

    def asking(self, occasion: Occasion) -> Self:
        """The same policy asked by a request that says something of itself."""
        asked = copy.copy(self)
        asked.occasion = occasion
        return asked

    def reading(self, snapshot: Snapshot) -> Self:
        """The same policy over facts in which the rows and values of some users are others."""
        other = copy.copy(self)
        other.facts, other._of_users = self.facts.reading(snapshot), {}
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
            np.logical_and(allowed, rule.met(self._truth(rule, block)), out=allowed)
        return allowed

    def refused_first(self, user: int) -> dict[str, int]:
        """How many products each rule is the first to refuse to a user; with what is left they are all products."""
        return self.judged_first(np.array([user]))[1][0]

    def judged_first(self, users: NDArray[np.integer]) -> tuple[Flags, list[dict[str, int]]]:
        """What `masks` gives for some users, and for each of them what `refused_first` gives."""
        block = self._block(users)
        left = np.ones((len(block.users), self.facts.num_products), np.bool_)
        counts: list[dict[str, int]] = [{} for _ in range(len(left))]
        before = [left.shape[1]] * len(left)
        for rule in self.refusing:
            np.logical_and(left, self._met(rule, block), out=left)
            # Rows are counted one by one: sums of flags along an axis take their bytes for numbers.
            after = [int(np.count_nonzero(row)) for row in left]
            for row, (then, now) in enumerate(zip(before, after, strict=True)):
                if now < then:
                    counts[row][rule.rule.id] = then - now
            before = after
        return left, counts

    def first_refusals(self, users: NDArray[np.integer], pairs: Flags) -> dict[str, int]:
        """How many of some pairs each rule is the first to refuse.

        Args:
            users: (users,) positions.
            pairs: (users, products) those that count.
        """
        block, left, counts = self._block(users), pairs.copy(), {}
        for rule in self.refusing:
            gone = left & ~rule.met(self._truth(rule, block))
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
            found[(found == -1) & ~rule.met(self._truth(rule, block))] = place
        return found

    def barred(self, user: int, language: Language | None = None) -> Finding | None:
        """The first rule that refuses every product to a user for what the user is, whatever the product."""
        block = self._block(np.array([user]))
        for rule in self.refusing:
            met = rule.met(self._truth(rule, block))
            if met.shape == (1, 1) and not met.all():
                return next(self._findings((rule,), user, 0, language))
        return None

    def refusals(self, user: int, product: int, language: Language | None = None) -> list[Finding]:
        """The rules that refuse a product to a user, in the order of the policy."""
        return list(self._findings(self.refusing, user, product, language))

    def warnings(self, user: int, product: int) -> list[Finding]:
        """The rules that warn of a product for a user or ask for a review, in the order of the policy."""
        return list(self._findings(self.warning, user, product))

    def warnings_of(
        self, users: NDArray[np.integer], products: Sequence[NDArray[np.int64]], language: Language | None = None
    ) -> list[list[list[Finding]]]:
        """The rules that warn of products or ask for a review, in the order of the policy, by user and product.

        Args:
            users: (users,) positions.
            products: positions of products of each.
        """
        found: list[list[list[Finding]]] = [[[] for _ in of_user] for of_user in products]
        block, row, column, place = self._pairs(users, products)
        for rule in self.warning:
            met = _of_pairs(self._met(rule, block), row, column)
            for pair in np.flatnonzero(~met).tolist():
                user, product = int(users[row[pair]]), int(column[pair])
                found[row[pair]][place[pair]] += self._findings((rule,), user, product, language)
        return found

    def _pairs(
        self, users: NDArray[np.integer], products: Sequence[NDArray[np.int64]]
    ) -> tuple[Block, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """A block of users, and of every pair its row, its product, and its place among those of the user."""
        lengths = [len(of_user) for of_user in products]
        row = np.repeat(np.arange(len(lengths)), lengths)
        place = np.concatenate([np.arange(length) for length in lengths]) if lengths else np.zeros(0, np.int64)
        column = np.concatenate(products).astype(np.int64) if lengths else np.zeros(0, np.int64)
        return self._block(users), row, column, place

    def limits(self, user: int) -> dict[str, Fact]:
        """What the rules that refuse read of a user, by column, but for confidential ones and what is protected."""
        return {column.name: self._of_user(name, column, user) for name, column in self._limits}

    def letters(self, users: NDArray[np.integer], products: NDArray[np.integer]) -> NDArray[np.uint8]:
        """What every rule says of some products of each user.

        Args:
            users: (users,) positions.
            products: (users, shown) positions of products for each.

        Returns:
            (users, shown, rules): letters of OUTCOMES, as ASCII.
        """
        block, row, column, _ = self._pairs(users, list(np.asarray(products)))
        found = np.full((len(row), len(self.rules)), ord("m"), np.uint8)
        for number, rule in enumerate(self.rules):
            self._judge(rule, block, row, column, found[:, number])
        return found.reshape(*products.shape, len(self.rules))

    def _judge(
        self,
        rule: CompiledRule,
        block: Block,
        row: NDArray[np.int64],
        column: NDArray[np.int64],
        letters: NDArray[np.uint8],
    ) -> None:
        """Write what a rule says of some pairs, where it is not that it is met."""
        truth = self._truth(rule, block)
        if truth.no is not None:
            letters[_of_pairs(truth.unknown(), row, column)] = ord("o")
        letters[~_of_pairs(self._met(rule, block), row, column)] = ord(_LETTERS[rule.rule.severity])

    def outcomes_of(
        self, users: NDArray[np.integer], products: Sequence[NDArray[np.int64]]
    ) -> list[list[RuleOutcomes]]:
        """What every rule says of some products for each user.

        Args:
            users: (users,) positions.
            products: positions of products of each.
        """
        block, row, column, _ = self._pairs(users, products)
        letters = np.full((len(row), len(self.rules)), ord("m"), np.uint8)
        values: list[dict[str, Fact]] = [dict(self._product_values(one)) for one in column.tolist()]
        for number, rule in enumerate(self.rules):
            self._judge(rule, block, row, column, letters[:, number])
            for name in rule.condition.events:
                _add(values, name, [day(one) for one in self.facts.latest(name, block, row, column)])
            for name, operand in rule.condition.computed.items():
                _add(values, name, self._read_all(operand, block, row, column))
        texts, width = letters.tobytes().decode("ascii"), len(self.rules)
        found = (RuleOutcomes(texts[n * width : (n + 1) * width], read) for n, read in enumerate(values))
        return [list(islice(found, len(of_user))) for of_user in products]

    def read_of(self, user: int, product: int) -> dict[str, Fact]:
        """What the rules read of a product, and of what happened between it and a user."""
        return dict(self.outcomes_of(np.array([user]), [np.array([product])])[0][0].values)

    def _product_values(self, product: int) -> dict[str, Fact]:
        if product not in self._of_products:
            self._of_products[product] = self._side("product", product)
        return self._of_products[product]

    def _read_all(
        self, operand: Operand, block: Block, row: NDArray[np.int64], column: NDArray[np.int64]
    ) -> list[Fact]:
        """What `_read` gives for pairs of a block of users and all products."""
        value = operand.value(block)
        missing = _of_pairs(value.missing(), row, column).tolist()
        found: list[Any] = _of_pairs(value.values, row, column).tolist()
        return [
            None if is_missing else self._fact(operand, one) for one, is_missing in zip(found, missing, strict=True)
        ]

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
        columns = self._columns_of[side]
        if side == "user":
            return {name: self._of_user(name, column, position) for name, column in columns}
        return {name: shown(self.facts, column, position) for name, column in columns}

    def _of_user(self, name: str, column: Column, user: int) -> Fact:
        """The value of a column of a user: a list and its entry in the record ask the same."""
        known = self._of_users.get(user)
        if known is None:
            if len(self._of_users) >= USERS:
                self._of_users.clear()
            known = self._of_users.setdefault(user, {})
        if name not in known:
            known[name] = shown(self.facts, column, user)
        return known[name]

    def remarks(self, user: int, products: Sequence[int], language: Language | None = None) -> list[tuple[str, ...]]:
        """The values of a user and of some products that the policy does not know, in one sentence each."""
        of_user, found = self._remarks_of("user", user, language), []
        code = "" if language is None else language.code
        for product in products:
            said = self._remarks.get((product, code))
            if said is None:
                said = self._remarks[product, code] = self._remarks_of("product", product, language)
            both = of_user | said
            found.append(tuple([both[one] for one in self._known if one in both] if both else ()))
        return found

    def _remarks_of(self, side: str, position: int, language: Language | None) -> dict[Column, str]:
        """The remarks on the values of a user or of a product."""
        said = ((column, self._remark(column, position, language)) for column in self._known if column.side == side)
        return {column: remark for column, remark in said if remark is not None}

    def _remark(self, column: Column, position: int, language: Language | None) -> str | None:
        is_user = column.side == "user"
        value = self._of_user(str(column), column, position) if is_user else shown(self.facts, column, position)
        if value is None or str(value) in self._known[column]:
            return None
        if language is not None:
            return language.say("policy.not_known", column=str(column), value=as_text(value, language))
        return f"{column} is {value}, which the policy does not know"

    def _block(self, users: NDArray[np.integer], products: NDArray[np.int64] | None = None) -> Block:
        """Some users with some products; a list, its warnings and its entry in the record get the same one."""
        asked = np.asarray(users, np.int64)
        if products is not None or len(asked) * self.facts.num_products > PAIRS:
            return Block(asked, products, self.occasion, self.facts)
        last = self._last
        if (
            last is None
            or last.facts is not self.facts
            or last.occasion != self.occasion
            or not np.array_equal(last.users, asked)
        ):
            last = self._last = Block(asked.copy(), None, self.occasion, self.facts, {}, {})
        return last

    def _truth(self, rule: CompiledRule, block: Block) -> Truth:
        """What the condition of a rule says of a block."""
        if rule.of_products and block.products is None:
            always = self._truths.get(id(rule))
            if always is None:
                always = self._truths[id(rule)] = rule.condition.truth(Block(np.zeros(1, np.int64)))
            return always
        if block.truths is None:
            return rule.condition.truth(block)
        found = block.truths.get(id(rule))
        if found is None:
            found = block.truths[id(rule)] = rule.condition.truth(block)
        return found

    def _met(self, rule: CompiledRule, block: Block) -> Flags:
        """Where a block meets a rule; what is the same for all users, and of a block that is asked again, is known."""
        known = self._always if rule.of_products and block.products is None else block.met
        if known is None:
            return rule.met(self._truth(rule, block))
        found = known.get(id(rule))
        if found is None:
            found = known[id(rule)] = rule.met(self._truth(rule, block))
        return found

    def _holds(self, valid_from: str | None) -> bool:
        if valid_from is None or self.facts.as_of is None:
            return True
        return moment_of(self.facts.as_of).date() >= date.fromisoformat(valid_from)

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

    def _findings(
        self, rules: tuple[CompiledRule, ...], user: int, product: int, language: Language | None = None
    ) -> Iterator[Finding]:
        block = self._block(np.array([user]), np.array([product]))
        hidden = NOT_AVAILABLE if language is None else language.text("policy.not_available")
        for rule in rules:
            truth = self._truth(rule, block)
            if not rule.met(truth).all():
                values = self._values(rule, user, product)
                told = rule.sentence if language is None else rule.sentences.get(language.code, rule.sentence)
                # A sentence that is told in one language alone keeps the values as that language writes them.
                own = language if told is not rule.sentence or rule.sentences else None
                text = told.fill(user, product, self.occasion, self.facts, own)
                if bool(truth.unknown().any()):
                    text = _cannot_tell(rule, values, language)
                yield Finding(rule.rule.id, rule.rule.severity, text, values, rule.rule.code is not None, hidden)

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
        return self._fact(operand, value.values.reshape(-1)[0].item())

    def _fact(self, operand: Operand, found: Any) -> Fact:
        if operand.kind == "text":
            return self.facts.texts.text(found)
        return int(found) if found == int(found) else float(found)

    def _source(self) -> str:
        return self.policy.source or "the built-in policy"

    def _compiled(self, rule: Rule) -> CompiledRule:
        policy = self.policy
        operands = Operands(
            self.facts, policy.levels, rule.protected, policy.purchase, policy.market, policy.lists
        )  # fmt: skip
        try:
            key = "require"
            condition = Compiler(operands).compile(rule.require)
            key = "sentence"
            told = {code: Sentence(text, operands) for code, text in rule.sentences.items()}
            of_products = not (condition.events or condition.computed or sides(rule.require) - {"product"})
            return CompiledRule(rule, condition, Sentence(rule.sentence, operands), told, of_products)
        except BadCondition as error:
            where = self._source()
            if key in rule.lines:
                where += f" line {rule.lines[key] + error.line - 1}"
            raise PolicyError(f"{where}: rule {rule.id}: {error}") from None


def _of_pairs(values: NDArray[Any], row: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[Any]:
    """What holds of some pairs of a block; a side that `values` does not tell apart has length 1."""
    if len(values) == 1:
        row = np.zeros_like(row)
    found: NDArray[Any] = values[row, column if values.shape[1] > 1 else np.zeros_like(column)]
    return found


def _add(values: list[dict[str, Fact]], name: str, found: Sequence[Fact]) -> None:
    for one, value in zip(values, found, strict=True):
        one[name] = value


def _cannot_tell(rule: CompiledRule, values: Mapping[str, Fact], language: Language | None) -> str:
    events = rule.condition.events
    if language is not None:
        gone = [language.say("policy.date_of", a=n) if n in events else n for n, one in values.items() if one is None]
        return language.say(
            "policy.cannot_tell", rule=rule.rule.id, a=language.joined(gone) or language.text("policy.a_value")
        )
    missing = [f"the date of {name}" if name in events else name for name, value in values.items() if value is None]
    return f"rule {rule.rule.id} needs {' and '.join(missing) or 'a value'}, which is not known"
