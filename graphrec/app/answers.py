"""What is answered for one customer. What jobs answer with: results.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, TypeAlias

from graphrec.frozen import dataclass

if TYPE_CHECKING:
    from graphrec.finance.statement.statement import Basis, Statement
    from graphrec.graph.find import Found
    from graphrec.privacy.contests import Contest
    from graphrec.serving.answer import Answer, PolicyName, Reason
    from graphrec.serving.reasons.sentences import Sentences
    from graphrec.serving.views import Band, SeenAnswer, SeenReason, SeenWhyNot
    from graphrec.serving.why_not import WhyNot
    from graphrec.terms.standing import Standing, Step

    Count: TypeAlias = int | Band | None
    """Of people: a number for compliance, a band for others, and None below `min_group`."""


@dataclass(frozen=True)
class Served:
    """A list or an explanation, and where it is in the decision record."""

    answer: Answer
    record: int | None
    """Number of its entry; None where nothing was recorded."""
    sentences: Sentences
    """What puts the answer into words of its language."""
    notes: tuple[str, ...] = ()
    """What a reader should know besides, such as that nothing could be recorded."""


@dataclass(frozen=True)
class Seen:
    """A list or an explanation as a role reads it, and where the exact one is in the decision record."""

    answer: SeenAnswer
    record: int | None
    sentences: Sentences
    notes: tuple[str, ...] = ()


def to_json(served: Served | Seen) -> Mapping[str, object]:
    """The one object that `recommend --json`, `explain --json` and the service answer with."""
    plain = served.answer.to_json()
    return {**plain, "notes": [*plain["notes"], *served.notes], "record": served.record}


def to_encode(served: Served | Seen) -> Mapping[str, object]:
    """What `to_json` gives, for an encoder that knows dataclasses: nothing in it is copied."""
    answer = served.answer
    plain = {one.name: getattr(answer, one.name) for one in fields(answer)}
    return {**plain, "notes": (*answer.notes, *served.notes), "record": served.record}


@dataclass(frozen=True)
class Refused:
    """Why a product is not in a list, with the notes of the model that was asked."""

    found: WhyNot
    policy: PolicyName | None
    """None: the request went without one."""
    record: int | None
    """Number of its entry; None where nothing was recorded."""
    notes: tuple[str, ...]
    sentences: Sentences
    """What puts the answer into words of its language."""


def refused_to_json(refused: Refused, shown: WhyNot | SeenWhyNot) -> Mapping[str, object]:
    """The one object that `why-not --json`, the service and assistants answer with.

    Args:
        shown: what is found, as the role of the reader sees it.
    """
    return {**shown.to_json(), "notes": [*refused.notes], "record": refused.record}


@dataclass(frozen=True)
class FoundNodes:
    """What a search found."""

    query: str
    user_label: str
    product_label: str
    users: tuple[Found, ...]
    products: tuple[Found, ...]
    user_count: int
    """Among how many users was searched."""
    product_count: int


@dataclass(frozen=True)
class AudienceUser:
    """One customer of an audience."""

    user: str
    rank: int
    """Of the product among all that this customer may be shown."""
    score: float | None
    """None in views that are not exact."""
    confidence: float
    reasons: tuple[Reason, ...] | tuple[SeenReason, ...]
    """Those of the product for this customer, as a list shows them."""
    warnings: tuple[str, ...]
    adviser: str | None
    """Who looks after the customer, where the mapping names that column."""


@dataclass(frozen=True)
class AudienceGroup:
    """The customers with one value of a column, or one neighbour, counted."""

    column: str
    value: str
    eligible: Count
    """Customers of the audience's condition to whom no rule refuses the product: a number, or a band of it."""
    listed: Count
    """Those of them in whose list the product stands; None: fewer than `min_group`."""


@dataclass(frozen=True)
class ProductAudience:
    """The customers for whom a product ranks best, and why the others are not among them.

    Numbers of people are bands in views that are not exact, and None below `min_group`.
    """

    product: str
    name: str | None
    as_of: str | None
    model: str
    snapshot: str
    facts: str
    policy: PolicyName | None
    view: str
    where: str | None
    k: int
    asked: Count
    """Customers who meet the condition."""
    eligible: Count
    """To whom no rule refuses the product."""
    listed: Count
    """Of these, in whose list of `list_length` the product stands."""
    list_length: int
    unknown: Count
    """Of the eligible, of whom too little is known to rank anything."""
    refused: Mapping[str, Count]
    """To how many customers each rule is the first to refuse the product."""
    users: tuple[AudienceUser, ...]
    """Best rank first, then the higher score; none where the view shows groups alone."""
    groups: tuple[AudienceGroup, ...]
    """Of at least `min_group` eligible customers."""
    abstained: str | None
    """Why there is nobody, in one sentence."""
    notes: tuple[str, ...]
    record: int | None
    """Number of its entry; None where nothing was recorded."""


@dataclass(frozen=True)
class KnownModel:
    """One model of a home."""

    id: str
    kind: str
    state: str
    """live: it answers by default; final: fitted on everything; tested: its metrics are of the hidden part; kept: a
    version that was promoted or that a training replaced."""
    since: str
    """When it was written, or where it was promoted, made live; UTC."""
    by: str | None
    """Who made it live; None: nobody is named, or it is live because it is the newest."""
    hash: str
    snapshot: str
    metrics: Mapping[str, object]
    standing: Standing = "draft"
    """How far people have taken it: validated, approved, retired."""


@dataclass(frozen=True)
class Contested:
    """A contest, and what it does to the list."""

    contest: Contest
    withdrawn: bool
    moves: tuple[Move, ...]
    """The products of the list after it, in its order, then those that are in it no more."""
    record: int | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class StandingSet:
    """A step of a model."""

    step: Step
    before: Standing
    record: int | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Switched:
    """What a promotion or a rollback did."""

    live: str
    """The model that answers by default now."""
    before: str
    """The one that did before, by the name of its version."""
    action: str
    at: str
    record: int | None
    """Number of its entry; None where nothing was recorded."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Move:
    """Where a product stands in a list, and where it would stand."""

    product: str
    name: str | None
    before: int | None
    """Rank in the list of now; None: further behind, or refused."""
    after: int | None
    """Rank in the list that would be; None: likewise."""


@dataclass(frozen=True)
class WhatIfAnswer:
    """The list that a customer would get if something were different."""

    user: str
    as_of: str | None
    k: int
    moves: tuple[Move, ...]
    """The products of the list that would be, in its order, then those that would be in it no more."""
    abstained: str | None
    """Why that list is short or empty, in one sentence."""
    record: int | None
    """Number of its entry; None where nothing was recorded."""
    notes: tuple[str, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether nothing would change."""
        return all(one.before == one.after for one in self.moves)


@dataclass(frozen=True)
class Decision:
    """What an adviser decided of a statement."""

    state: str
    """proposed, accepted, modified or rejected."""
    by: str | None = None
    at: str | None = None
    """The day."""
    why: str | None = None
    approved_by: str | None = None
    """The second person, where a rule asks for approval."""
    waits_for_second: bool = False


@dataclass(frozen=True)
class Handed:
    """A suitability statement, what it is written from, and what was decided."""

    statement: Statement
    basis: Basis
    decision: Decision
    record: int | None
    """Number of its entry; None: it was not recorded."""
    notes: tuple[str, ...] = ()

    def to_json(self) -> Mapping[str, object]:
        """The object that `statement --json` and the service answer with."""
        own = {name: value for name, value in vars(self.statement).items() if name != "headings"}
        origin = {"explained": self.basis.explained, "model": self.basis.model, "policy": self.basis.policy}
        return {**own, **origin, "decision": self.decision, "record": self.record, "notes": self.notes}
