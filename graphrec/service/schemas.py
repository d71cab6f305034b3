"""What the API answers with, for OpenAPI: the objects of `--json`. Fields that a view leaves out are absent or null."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from graphrec.app.requests import Outcome
from graphrec.privacy.contests import Ground


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Node(_Open):
    """A node of a reason; other people are a label with a count."""

    label: str
    id: str | None = None
    name: str | None = None


class Reason(_Open):
    """What people read: a group of ledger lines with one sentence."""

    text: str
    percent: float | None = None
    kind: str | None = None
    lines: int | None = None


class Line(_Open):
    """One line of the ledger."""

    kind: str
    text: str
    share: float | None = None
    contrast: float | None = None
    via: Node | None = None
    vias: list[Node] = []
    cypher: str | None = None


class Item(_Open):
    """One product of a list."""

    rank: int
    product: str
    name: str | None = None
    score: float | None = None
    lines: list[Line] = []
    reasons: list[Reason] = []
    rest: float | None = None
    confidence: Any = None
    warnings: list[str] = []


class Answer(_Open):
    """A list of one customer, or the explanation of one product."""

    user: str
    as_of: str | None = None
    model: str
    snapshot: str
    items: list[Item]
    abstained: str | None = None
    record: int | None = Field(None, description="Number of the entry in the decision record.")


class Answers(_Open):
    """The lists of several customers; a customer that is not there has a problem in place of a list."""

    answers: list[Answer]
    unknown: list[str] = []


class WhyNot(_Open):
    """Why a product is not in a list."""

    user: str
    product: str
    verdict: str | None = None


class AlertStep(_Open):
    """One step of a pattern."""

    start: str
    end: str
    at: str | None = None
    amount: float | None = None


class Alert(_Open):
    """Something that a rule or a signal says of a customer or an account."""

    id: str
    rule: str
    name: str
    severity: str
    about: str
    user: str | None = None
    at: str
    evidence: list[str]
    state: str
    by: str | None = None
    why: str | None = None
    kind: str
    path: list[AlertStep]


class Alerts(_Open):
    """The alerts of the record, the oldest first."""

    alerts: list[Alert]


class AlertState(BaseModel):
    """Another state of an alert; it is closed with a reason."""

    model_config = ConfigDict(extra="forbid", strict=True)
    state: Literal["acknowledged", "closed"]
    why: str | None = Field(None, max_length=2000)


class StatementElement(_Open):
    """One element, with the fields of the record that its figures and names come from."""

    text: str
    fields: dict[str, Any] = Field(description="JSON pointer into the basis of the recorded entry, and the value.")
    missing: bool = False
    sentences: list[str] = Field(
        [], description="Those of the text; a first one that ends with a colon leads the others."
    )


class Statement(_Open):
    """The suitability statement of one product for one customer."""

    user: str
    product: str
    date: str
    elements: dict[str, StatementElement]
    refused: str | None = None
    notices: list[str] = []
    decision: dict[str, Any]
    record: int | None = None


class DecisionIn(BaseModel):
    """What the one who asks decided of a statement."""

    model_config = ConfigDict(extra="forbid", strict=True)
    outcome: Outcome
    why: str = Field(min_length=1, max_length=2000)


class PortraitTag(_Open):
    """A tag with the rule that gave it and what the rule read."""

    id: str
    name: str
    rule: str
    evidence: dict[str, Any] = {}


class PortraitBand(_Open):
    """The band of one number."""

    number: str
    band: str
    value: float


class Portrait(_Open):
    """What is computed of one customer as of a date."""

    user: str
    as_of: str
    numbers: dict[str, float]
    held: dict[str, dict[str, int]] = Field(description="Products that are held, counted by kind, issuer, currency.")
    stated_risk: float | None = None
    tags: list[PortraitTag] = []
    bands: list[PortraitBand] = []
    missing: list[str] = Field([], description="Columns without a value, and numbers that nothing is known for.")
    text: str


class Portfolio(_Open):
    """What a customer holds as of a date."""

    user: str
    as_of: str
    wealth: float
    cash: float | None = None
    positions: list[dict[str, Any]] = Field(description="product, name, value, weight, volatility, contribution.")
    concentration: dict[str, float] = Field(description="HHI by product and by what products have in common.")
    volatility: float | None = Field(None, description="A year, of positions with prices.")
    drawdown: float | None = None
    cost_percent: float | None = None
    without_prices: list[str] = []
    candidate: dict[str, Any] | None = None


class LoanPlans(_Open):
    """The loans that a customer can bear, and why not the others."""

    user: str
    amount: float
    purpose: str | None = None
    plans: list[dict[str, Any]] = Field(description="product, name, months, instalment, total, refused, rank.")
    limit: dict[str, Any] | None = Field(None, description="The largest amount; null: none may be offered.")
    left: float | None = None
    record: int | None = None
    notes: list[str] = []


class Contest(_Open):
    """One edge that a customer contests, or one reason."""

    user: str
    edge: str | None = Field(None, description="null: a reason of `product` is contested.")
    of: str | None = None
    ground: str
    since: str
    by: str | None = None
    why: str | None = None
    product: str | None = None
    text: str | None = Field(None, description="The reason as it was read, without numbers of people.")


class Contests(_Open):
    """What a customer contests, the oldest first."""

    contests: list[Contest]


class ContestIn(BaseModel):
    """An edge (`edge` and `of`) or a reason (`product` and `number`) that is contested, or whose contest ends."""

    model_config = ConfigDict(extra="forbid", strict=True)
    edge: str | None = Field(None, min_length=1, max_length=200, description="Its type, such as BOUGHT.")
    of: str | None = Field(None, min_length=1, max_length=500, description="Id at its other end.")
    product: str | None = Field(None, min_length=1, max_length=500, description="Whose reason is contested.")
    number: int | None = Field(
        None, ge=1, le=10_000, description="Its place among the reasons of the product's explanation, from 1."
    )
    ground: Ground = Field(
        "not-relevant", description="not-true: it counts nowhere; not-relevant: it is in no score and no reason."
    )
    why: str | None = Field(None, max_length=2000)
    withdraw: bool = False


class Contested(_Open):
    """A contest, and what it does to the list."""

    contest: Contest
    withdrawn: bool
    moves: list[dict[str, Any]]
    record: int | None = None
    notes: list[str] = []


class AudienceUser(_Open):
    """One customer of an audience."""

    user: str
    rank: int
    score: float | None = None
    confidence: float
    reasons: list[Reason]
    warnings: list[str]
    adviser: str | None = None


class Audience(_Open):
    """The customers for whom a product ranks best; counts are bands, or null, in views that are not exact."""

    product: str
    view: str
    k: int
    asked: Any
    eligible: Any
    listed: Any
    list_length: int
    unknown: Any
    refused: dict[str, Any]
    users: list[AudienceUser]
    groups: list[dict[str, Any]]
    abstained: str | None = None
    record: int | None = None


class Found(_Open):
    """What a search found."""

    query: str
    users: list[dict[str, Any]]
    products: list[dict[str, Any]]


class ModelEntry(_Open):
    """One model of the home."""

    id: str
    kind: str
    state: str
    since: str
    by: str | None = None
    metrics: dict[str, Any]


class Models(_Open):
    """The models of the home."""

    models: list[ModelEntry]
    history: list[dict[str, Any]] = []


class Switched(_Open):
    """What a promotion or a rollback did."""

    live: str
    before: str
    action: str
    at: str
    record: int | None = None


class StepIn(BaseModel):
    """A step of a model, taken by the caller."""

    model_config = ConfigDict(extra="forbid", strict=True)
    step: Literal["validate", "approve", "retire"]
    reason: str = Field(min_length=1, max_length=2000)


class StandingSet(_Open):
    """A step of a model that was taken."""

    step: dict[str, Any] = Field(description="model, hash, standing, at, by, why.")
    before: str
    record: int | None = None
    notes: list[str] = []


class ModelCard(_Open):
    """The card of a model."""

    model: str
    hash: str
    standing: str
    parts: list[dict[str, Any]] = Field(description="title, text, heads, rows.")


class Monitored(_Open):
    """What changed since the live model was fitted."""

    as_of: str
    window_days: int
    model: str | None = None
    state: str = Field(description="ok, warn, alarm or unknown: the worst of all measures.")
    measures: list[dict[str, Any]] = Field(description="part, name, about, value, state, warn, alarm, note.")
    record: int | None = None
    notes: list[str] = []


class Outcomes(_Open):
    """What came of what was shown."""

    by: list[dict[str, Any]] = Field(description="group, value, shown, accepted, rate, low, high, customers, rejected.")
    control: dict[str, Any] | None = Field(None, description="Lists that were drawn evenly.")
    lift: dict[str, float] | None = None
    total: dict[str, Any] | None = None
    drift: dict[str, Any]
    position: dict[str, Any]
    open: int = Field(description="Impressions whose window is not over; they are in no figure.")
    hidden: int = Field(description="Groups of too few customers.")
    notes: list[str] = []


class Experiments(_Open):
    """The experiments so far."""

    experiments: list[dict[str, Any]]
    holdout: float
    explore: float


class KnownCampaign(_Open):
    """A campaign of the home."""

    campaign: str
    planned_at: str
    delivered_at: str | None = None
    contacts: int


class Campaigns(_Open):
    """The campaigns of the home, the newest first."""

    campaigns: list[KnownCampaign]


class CampaignText(BaseModel):
    """A campaign to plan."""

    model_config = ConfigDict(extra="forbid", strict=True)
    toml: str = Field(min_length=1, max_length=200_000, description="The file of `graphrec campaign plan`, as text.")


class CampaignBegun(_Open):
    """A plan that is still being made: the list of campaigns has it as soon as it is there."""

    state: Literal["planning"]


class CampaignPlan(_Open):
    """What a plan came to."""

    campaign: str
    as_of: str | None = None
    model: str
    snapshot: str
    objective: str
    audience: int = Field(description="Customers who meet the condition of the campaign.")
    products: int
    refused: dict[str, int]
    offers: int
    contacts: int
    customers: int
    control: int = Field(description="Customers who were chosen and are not contacted.")
    cost_eur: float
    reserved_eur: float
    budget_eur: float | None = None
    value: float
    bound: float = Field(description="No plan within the bounds is worth more.")
    gap: float
    loss: float = Field(description="What the bounds cost beside each customer's own best products.")
    prices: dict[str, float]
    by_channel: dict[str, int]
    by_product: dict[str, int]
    by_adviser: dict[str, int]
    record: int | None = None
    notes: list[str] = []


class CampaignContact(_Open):
    """One customer who hears about one product."""

    user: str
    product: str
    name: str | None = None
    channel: str
    adviser: str | None = None
    rank: int
    confidence: float
    cost_eur: float
    reasons: list[str] = []
    record: int | None = None


class CampaignContacts(_Open):
    """Some contacts of a campaign, best first."""

    campaign: str
    delivered_at: str | None = None
    total: int
    contacts: list[CampaignContact]


class CampaignReport(_Open):
    """What those who were contacted did, beside the control."""

    campaign: str
    since: str
    contacted: int
    accepted: int
    rate: dict[str, float]
    control: int
    control_accepted: int
    control_rate: dict[str, float]
    uplift: float
    low: float
    high: float
    by_product: dict[str, int]


class Entries(_Open):
    """Entries of the decision record, the last ones."""

    entries: list[dict[str, Any]]


class Entry(_Open):
    """One entry of the decision record."""

    record: int
    hash: str


class Replayed(_Open):
    """What a replay gave."""


class Many(BaseModel):
    """The customers of a batch."""

    model_config = ConfigDict(extra="forbid")
    users: list[str] = Field(min_length=1, max_length=1000)
    k: int = Field(5, ge=1, le=100)
    lines: bool = True
    record: bool = True


class Question(BaseModel):
    """A question in somebody's own words."""

    model_config = ConfigDict(extra="forbid")
    question: str = Field(min_length=1, max_length=1000)
    user: str | None = Field(None, min_length=1, max_length=500, description="The customer whom it is about.")
    after: int | None = Field(None, ge=1, description="Entry of the question that this one follows.")
    language: str | None = Field(
        None, pattern="^[a-z]{2,3}$", description="Of the answer; default that of the question."
    )
    k: int = Field(5, ge=1, le=20)
    as_of: str | None = Field(None, max_length=40)
    record: bool = True


class AnsweredQuestion(_Open):
    """An answer, and all that it rests on."""

    question: str
    language: str
    intent: str
    answer: str
    sentences: list[str]
    evidence: list[dict[str, Any]] = Field(description="what, value, source, date, field, path, record.")
    refused: str | None = Field(None, description="Why there is no answer.")
    record: int | None = None


class EventIn(BaseModel):
    """What one customer did: docs/schema/event.json."""

    model_config = ConfigDict(extra="forbid", strict=True)
    id: str = Field(min_length=1, max_length=500, description="Counts once, however often it is sent.")
    user: str = Field(min_length=1, max_length=500)
    type: str = Field(min_length=1, max_length=500)
    at: str = Field(min_length=1, max_length=500, description="ISO 8601, UTC unless it says otherwise.")
    product: str | None = Field(None, min_length=1, max_length=500)
    key: str | None = Field(None, min_length=1, max_length=500)
    quantity: float | None = None
    reason: str | None = Field(None, max_length=2000)
    entry: int | None = Field(None, ge=1)
    set: dict[str, str | int | float | bool | None] = {}


class Sent(BaseModel):
    """Several events: all are kept, or none."""

    model_config = ConfigDict(extra="forbid", strict=True)
    events: list[EventIn] = Field(min_length=1, max_length=1000)


class Kept(_Open):
    """What became of events."""

    accepted: int
    duplicates: int


class Problem(_Open):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str


class Health(_Open):
    """Whether the service lives, and whether it can answer."""

    status: str
