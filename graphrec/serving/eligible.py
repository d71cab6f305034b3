"""Which products a customer may be shown: the policy, asked for one user or for many."""

import copy
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Adjacency
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.languages import Language
from graphrec.policy.compiled import FOR_REVIEW, CompiledPolicy, Finding, RuleOutcomes
from graphrec.policy.facts import Occasion, microseconds
from graphrec.policy.rules import Policy, default_policy
from graphrec.policy.sentences import Fact


class _Refused(NamedTuple):
    """What is left to some users, and what the rules refuse them."""

    users: bytes
    left: NDArray[np.bool_]
    counts: list[dict[str, int]]


class Eligibility:
    """Answers which products are left for a user, and why the others are not; positions are those of the snapshot.

    Args:
        snapshot: whose columns and events the policy reads.
        policy: None: the built-in one.
        known_before: the time, in microseconds since 1970, before which the answer's graph was known; None: the answer
            is as of the snapshot.
        now: the date of the answers in microseconds since 1970; None: that of `known_before` or of the snapshot.
        held: products (a row for every user) that count as held; None: those of the snapshot.

    Raises:
        PolicyError: the policy does not fit the snapshot.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        policy: Policy | None = None,
        *,
        known_before: int | None = None,
        now: int | None = None,
        held: Adjacency | None = None,
    ) -> None:
        self.policy = policy or default_policy(snapshot)
        self._compiled = compiled_policy(snapshot, self.policy, known_before=known_before, now=now, held=held)
        self._last: _Refused | None = None

    def asking(self, occasion: Occasion) -> Self:
        """The same for a request that says something of itself."""
        asked = copy.copy(self)
        asked._compiled, asked._last = self._compiled.asking(occasion), None
        return asked

    def reading(self, snapshot: Snapshot) -> Self:
        """The same over facts in which the rows and values of some users are others."""
        other = copy.copy(self)
        other._compiled, other._last = self._compiled.reading(snapshot), None
        return other

    def mask(self, user: int) -> NDArray[np.bool_]:
        """True (num_products,) for what may be shown."""
        mask: NDArray[np.bool_] = self.masks(np.array([user]))[0]
        return mask

    def masks(self, users: NDArray[np.integer]) -> NDArray[np.bool_]:
        """True (len(users), num_products) for what may be shown to each; the caller chooses blocks that fit."""
        return self._compiled.masks(users)

    def refused(self, user: int) -> dict[str, int]:
        """How many products each rule is the first to refuse; what is left and these add up to all products."""
        return self._compiled.refused_first(user)

    def first_rules(self, users: NDArray[np.integer], products: NDArray[np.int64]) -> NDArray[np.int16]:
        """The first rule that refuses each of some pairs, as its place in `refusing`; -1 where none does.

        Args:
            products: positions, ascending.
        """
        return self._compiled.first_rules(users, products)

    def refusal(self, user: int, product: int) -> str | None:
        """Why a product is not shown to a user, in words that anybody may read; None when it may be."""
        return "; ".join(dict.fromkeys(finding.public_sentence for finding in self.refusals(user, product))) or None

    def refusals(self, user: int, product: int, language: Language | None = None) -> list[Finding]:
        """The rules that refuse a product to a user, with the values they read; none when it may be shown."""
        return self._compiled.refusals(user, product, language)

    def barred(self, user: int, language: Language | None = None) -> str | None:
        """Why a user is shown nothing at all, in words that anybody may read; None: that depends on the product."""
        found = self._compiled.barred(user, language)
        return None if found is None else found.public_sentence

    def holdings(self, users: NDArray[np.integer]) -> NDArray[np.int64]:
        """What users hold at the date of the answer: (num_holdings, 2) places among `users`, and products."""
        return self._compiled.holdings(users)

    def limits(self, user: int) -> dict[str, Fact]:
        """What the rules that refuse read of a user, by column, but for what is protected."""
        return self._compiled.limits(user)

    def warnings(self, user: int, product: int, language: Language | None = None) -> tuple[str, ...]:
        """What rules that do not refuse say of a product for a user, and the values that the policy does not know."""
        return self.warnings_of(np.array([user]), [np.array([product])], language)[0][0]

    def warnings_of(
        self, users: NDArray[np.integer], products: Sequence[NDArray[np.int64]], language: Language | None = None
    ) -> list[list[tuple[str, ...]]]:
        """What `warnings` gives for some products of each of some users."""
        found = []
        for user, of_user, one in zip(
            users.tolist(), products, self._compiled.warnings_of(users, products, language), strict=True
        ):
            remarks = self._compiled.remarks(user, of_user.tolist(), language)
            found.append([(*_public(findings, language), *said) for findings, said in zip(one, remarks, strict=True)])
        return found

    def refused_of(self, users: NDArray[np.integer]) -> tuple[NDArray[np.bool_], list[dict[str, int]]]:
        """What `masks` gives for some users, and for each of them what `refused` gives; neither is to be changed.

        Those asked last are known: a list, its counts and its entry in the record ask the same one after another.
        """
        last, asked = self._last, np.asarray(users, np.int64).tobytes()
        if last is None or last.users != asked:
            last = self._last = _Refused(asked, *self._compiled.judged_first(users))
        return last.left, last.counts

    def outcomes(self, user: int, products: NDArray[np.integer]) -> list[RuleOutcomes]:
        """What every rule says of some products for a user, with the values it read of them."""
        return self.outcomes_of(np.array([user]), [np.asarray(products, np.int64)])[0]

    def outcomes_of(
        self, users: NDArray[np.integer], products: Sequence[NDArray[np.int64]]
    ) -> list[list[RuleOutcomes]]:
        """What `judged` gives for some products of each of some users."""
        return self._compiled.outcomes_of(users, products)

    def wants_review(self, user: int, product: int) -> bool:
        """Whether a rule asks that somebody looks at a product for a user before it is sold."""
        asks = any(one.rule.severity == "review" for one in self._compiled.rules)
        return asks and "a" in self.outcomes(user, np.array([product]))[0].outcomes

    def read_of_user(self, user: int) -> dict[str, Fact]:
        """What the rules read of a user."""
        return self._compiled.read_of_user(user)

    @property
    def refusing(self) -> tuple[str, ...]:
        """The ids of the rules that refuse, in the order of the policy."""
        return tuple(rule.rule.id for rule in self._compiled.refusing)

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules that hold, in the order of the outcomes of `judged`."""
        return tuple(rule.rule.id for rule in self._compiled.rules)


def _public(findings: Sequence[Finding], language: Language | None) -> Iterator[str]:
    for one in findings:
        text = one.public_sentence
        if one.severity != "review":
            yield text
        else:
            yield FOR_REVIEW + text if language is None else language.say("policy.for_review", why=text)


def compiled_policy(
    snapshot: Snapshot,
    policy: Policy,
    *,
    known_before: int | None = None,
    now: int | None = None,
    held: Adjacency | None = None,
) -> CompiledPolicy:
    """A policy over a snapshot or facts, as of the date of its answers.

    Raises:
        PolicyError: the policy does not fit the snapshot.
    """
    as_of = now
    if as_of is None:
        as_of = date_of(snapshot) if known_before is None else known_before
    before = None if now is None else known_before
    compiled = CompiledPolicy(
        policy, snapshot, as_of=as_of, known_before=known_before, held=held, held_before=before
    )  # fmt: skip
    compiled.check_age(date_of(snapshot))
    return compiled


def date_of(snapshot: Snapshot) -> int | None:
    """The date of answers from a snapshot: as of when it was taken, else its last event; None: nothing has a time."""
    moment = snapshot.as_of or snapshot.meta.last
    return None if moment is None else microseconds(moment)
