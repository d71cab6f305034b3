"""What can be asked for one customer: one frozen dataclass a use case. None: the value of the settings, or the default.

All else is in jobs.py: a list for one customer starts quicker without it.
"""

from dataclasses import field
from pathlib import Path
from typing import Literal

from graphrec.frozen import dataclass
from graphrec.languages import Voice
from graphrec.policy.facts import Occasion
from graphrec.schema import EXACT, View

Preference = Literal["recent", "popular", "novel", "diverse"]
Outcome = Literal["accepted", "modified", "rejected", "approved"]


@dataclass(frozen=True)
class Recommend:
    """The products that fit one user best, with reasons."""

    user: str
    k: int = 5
    model: str | None = None
    """Kind of model; None: the blend, final before tested."""
    reasons: int | None = 5
    """Reasons of each product, and its strongest lines, at most; None: all of both."""
    plain: bool = False
    """Order reasons by share alone: contrast demotes none."""
    min_confidence: float | None = None
    """Products below it are left out, 0 to below 1."""
    prefer: Preference | None = None
    """Which path leads the reasons of a product, where shares are near."""
    language: str | None = None
    """en, de, zh, or one of the home's own."""
    voice: Voice = "adviser"
    """Who is spoken to: an adviser, of the customer; or the customer."""
    record: bool = True
    """False: no entry in the decision record."""
    as_of: str | None = None
    """Date or time, UTC unless it says otherwise: only what was known before it."""
    no_policy: bool = False
    """Go without a policy: what is held or not offered any more is left out, and nothing else."""
    occasion: Occasion = field(default_factory=Occasion)
    """What the request says of itself, for rules that ask: amount, channel, purpose."""
    lines: bool = True
    """Whether the strongest lines of each score, with their paths and statements, are in the answer."""


@dataclass(frozen=True)
class Explain:
    """Every line of the score of one product for one user."""

    user: str
    product: str
    k: int = 5
    """Length of the list that the product is contrasted with."""
    model: str | None = None
    audit: bool = False
    """Delete each edge behind the lines and compute the score anew."""
    picture: Path | None = None
    """File to draw the explanation to: .png, .svg, .pdf or .graphml."""
    plain: bool = False
    language: str | None = None
    """en, de, zh, or one of the home's own."""
    voice: Voice = "adviser"
    """Who is spoken to: an adviser, of the customer; or the customer."""
    record: bool = True
    as_of: str | None = None
    no_policy: bool = False
    occasion: Occasion = field(default_factory=Occasion)


@dataclass(frozen=True)
class WhyNot:
    """Why a product is not in the list of a user."""

    user: str
    product: str
    k: int = 5
    model: str | None = None
    as_of: str | None = None
    no_policy: bool = False
    record: bool = True
    occasion: Occasion = field(default_factory=Occasion)
    language: str | None = None
    """en, de, zh, or one of the home's own."""


@dataclass(frozen=True)
class WhatIf:
    """The list of a customer if something were different; nothing is changed."""

    user: str
    more: str | None = None
    """Product that the customer would hold besides."""
    less: str | None = None
    """Product that the customer would never have got."""
    amount: float | None = None
    """What the customer would put in, for rules that ask for it."""
    k: int = 5
    as_of: str | None = None
    language: str | None = None
    """en, de, zh, or one of the home's own."""
    record: bool = True


@dataclass(frozen=True)
class Find:
    """Users and products by id, name or text."""

    text: str
    k: int = 10
    """How many of each at most."""
    record: bool = True
    users: bool = True
    """False: products alone."""
    adviser: str | None = None
    """Users of this adviser alone, by the column that the mapping names."""


@dataclass(frozen=True)
class AskStatement:
    """The suitability statement of one product for one customer."""

    user: str
    product: str
    amount: float | None = None
    """What the customer would put in; None: costs are counted on 1,000."""
    replaces: str | None = None
    """Product that would be given up for it."""
    language: str | None = None
    """en, de, zh, or one of the home's own."""
    as_of: str | None = None
    record: bool = True


@dataclass(frozen=True)
class ReadStatement:
    """A statement as it was recorded."""

    record: int
    """Number of its entry."""


@dataclass(frozen=True)
class Decide:
    """What a person decided of a statement."""

    record: int
    """Number of the statement's entry."""
    outcome: Outcome
    """approved: by a second person, where a rule asks for approval."""
    why: str
    by: str | None = None
    """Who decides; None: the settings' actor."""


@dataclass(frozen=True)
class AskPortrait:
    """What is computed of one customer."""

    user: str
    as_of: str | None = None
    """What was known before this date; None: the date of answers."""


@dataclass(frozen=True)
class AboutCustomer:
    """What is known of one customer: facts, what is held, what else happened."""

    user: str
    view: View = EXACT
    """Who reads it: others than compliance read nothing of confidential rules."""
    as_of: str | None = None
    language: str | None = None
    """en, de, zh, or one of the home's own."""


@dataclass(frozen=True)
class AboutProduct:
    """What is known of one product: facts, who holds it by segment, similar products."""

    product: str
    view: View = EXACT
    """Who reads it: others than compliance read numbers of people as bands."""
    as_of: str | None = None
    language: str | None = None
    """en, de, zh, or one of the home's own."""


@dataclass(frozen=True)
class SubjectAccess:
    """All that is known of one customer, what was made of it, and who saw it."""

    user: str
    k: int = 5
    """Products of the list of now whose counterfactuals are sought."""
    record: bool = True


@dataclass(frozen=True)
class SwitchModel:
    """Another model that answers by default."""

    action: Literal["promote", "rollback", "follow"]
    """follow: the newest model is live again, as before any promotion."""
    model: str | None = None
    """promote: its folder, as `Bank.models` names it."""
    by: str | None = None
    """Who asks; None: the settings' actor."""
    record: bool = True
    force: bool = False
    """promote: although a bound of [live] is not kept; with a reason."""
    reason: str | None = None
    """Why it is forced."""
    measure: bool = False
    """Whether figures of [live] that are not known yet are measured now."""


@dataclass(frozen=True)
class PutContest:
    """An edge or a reason that a customer contests, or a contest that is withdrawn."""

    user: str
    edge: str | None = None
    """Its type, as the graph names it; None: a reason of `product` is meant."""
    of: str | None = None
    """Id at its other end: a product, or what describes the customer."""
    ground: Literal["not-true", "not-relevant"] = "not-relevant"
    """not-true: it counts nowhere, not for rules either; not-relevant: it is in no score and no reason."""
    why: str | None = None
    withdraw: bool = False
    k: int = 5
    """Length of the list that is compared."""
    by: str | None = None
    """Who enters it; None: the settings' actor."""
    product: str | None = None
    """Whose reason is contested; withdrawn are all contests of its reasons."""
    number: int | None = None
    """The reason, by its place among those that an explanation shows, from 1."""


@dataclass(frozen=True)
class SetStanding:
    """A step of a model: validated, approved by somebody else, or retired."""

    action: Literal["validate", "approve", "retire"]
    model: str
    """Its folder, as `Bank.models` names it."""
    reason: str
    by: str | None = None
    """Who takes it; None: the settings' actor."""
    record: bool = True


@dataclass(frozen=True)
class AskModelCard:
    """The card of a model."""

    model: str | None = None
    """Its folder, as `Bank.models` names it; None: the live one."""


@dataclass(frozen=True)
class Audience:
    """The customers for whom a product ranks best."""

    product: str
    k: int = 10
    """How many customers."""
    where: str | None = None
    """Only customers who meet this condition of the policy's language, such as `user.region == 'North'`."""
    model: str | None = None
    reasons: int = 3
    """Reasons of each customer, at most."""
    adviser: str | None = None
    """Only customers of this adviser."""
    language: str | None = None
    """en, de, zh, or one of the home's own."""
    as_of: str | None = None
    no_policy: bool = False
    record: bool = True
    occasion: Occasion = field(default_factory=Occasion)


@dataclass(frozen=True)
class SendEvent:
    """What one customer did."""

    user: str
    type: str
    """viewed, clicked, accepted, rejected, bought, sold, contacted, complained, or one of the mapping."""
    product: str | None = None
    at: str | None = None
    """When, UTC unless it says otherwise; None: now."""
    id: str | None = None
    """Counts once; None: one of its own."""
    key: str | None = None
    """Key that the bank's files have for the same."""
    quantity: float | None = None
    reason: str | None = None
    entry: int | None = None
    """Number of the entry of the decision record that showed the product."""
    values: tuple[tuple[str, str], ...] = ()
    """Columns of the customer and their values from now on, as texts."""
