"""What jobs answer with, where the room that computes has no type of its own for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from graphrec.frozen import dataclass

if TYPE_CHECKING:
    from graphrec.delivery.alerts import AlertsDelivered
    from graphrec.delivery.sinks import SinkReport
    from graphrec.evaluation.evaluate import Evaluation
    from graphrec.evaluation.fairness import Fairness
    from graphrec.evaluation.mitigation import Mitigated
    from graphrec.evaluation.protected import ProtectedPrice
    from graphrec.evaluation.stability import Stability
    from graphrec.finance.credit.loans import Limit, Plan
    from graphrec.finance.market.classes import ClassChange
    from graphrec.finance.market.figures import Figures
    from graphrec.finance.market.proposal import Walk
    from graphrec.finance.market.stress import Episode
    from graphrec.finance.needs import Need
    from graphrec.graph.folders.snapshot import Snapshot
    from graphrec.graph.rows import LoadReport
    from graphrec.metrics.intervals import Interval
    from graphrec.metrics.probabilities import Quality, Reliability
    from graphrec.monitoring.measure import Measure, State
    from graphrec.monitoring.quality import ColumnSummary, Fault
    from graphrec.outcomes.evaluate import ExperimentResult
    from graphrec.outcomes.support import Estimate
    from graphrec.outcomes.tables import Drift, Group, Lift, Positions
    from graphrec.policy.check import PolicyReport
    from graphrec.privacy.anonymity import Anonymity
    from graphrec.privacy.contests import Contest
    from graphrec.privacy.subject import Held
    from graphrec.queries import Query
    from graphrec.serving.answer import PolicyName
    from graphrec.serving.proof.counterfactual import Counterfactual
    from graphrec.training.tune import Tuned


@dataclass(frozen=True)
class Exported:
    """What an export delivered."""

    report: SinkReport
    recorded: range
    """Numbers of its entries in the decision record."""
    notes: tuple[str, ...]
    policy: PolicyName | None
    """None: the request went without one."""


@dataclass(frozen=True)
class EstimatedExport:
    """What an export would take at least, from the lists of some of its users; nothing was delivered."""

    users: int
    sampled: int
    """Users whose lists were made for it."""
    rows: int
    processor_seconds: float
    """Of all processes together; opening files, compiling and writing are not among them."""
    processes: int
    seconds: float
    """By the clock, where each process has a processor of its own."""
    bytes_each: int
    """Memory of a process at its fullest so far; processes of one machine share what is mapped of it."""
    is_recorded: bool
    """Whether making entries of the decision record is among it."""

    def lines(self) -> list[str]:
        """The estimate as a person reads it."""
        kinds = "lists, reasons and entries of the record" if self.is_recorded else "lists and reasons"
        count = f"{self.processes:,} process{'' if self.processes == 1 else 'es'}"
        return [
            f"{self.users:,} users, about {self.rows:,} rows; estimated from {kinds} of {self.sampled:,} of them:",
            f"  at least {_time(self.processor_seconds)} of processor, {_time(self.seconds)} by the clock with {count}",
            f"  {self.bytes_each / 1e6:,.0f} MB of memory in each process",
        ]


@dataclass(frozen=True)
class EstimatedTraining:
    """What a training would take; nothing was fitted."""

    model: str
    users: int
    products: int
    edges: int
    like: str | None
    """The model of this home whose training says how long it takes; None: there is none of its kind."""
    seconds: float | None
    """Of that training, times edges now over edges then."""
    snapshot_bytes: int
    """Of the snapshot, which is mapped."""
    peaks: Mapping[str, int]
    """By model: bytes of its tables of all pairs of products at the fullest moment; one is fitted after another."""

    def lines(self) -> list[str]:
        """The estimate as a person reads it."""
        time = f"no {self.model} of this kind was trained in this home: how long it takes is not known"
        if self.seconds is not None:
            time = f"about {_time(self.seconds)}, as {self.like} took, by the number of edges"
        tables = ", ".join(f"{name} {peak / 1e6:,.0f} MB" for name, peak in sorted(self.peaks.items()))
        return [
            f"{self.model}: {self.users:,} users, {self.products:,} products, {self.edges:,} edges",
            f"  {time}",
            f"  memory at least: {self.snapshot_bytes / 1e6:,.0f} MB of snapshot, mapped"
            + (f"; tables of all pairs of products, one after another: {tables}" if tables else ""),
        ]


def _time(seconds: float) -> str:
    """Seconds as people say them.

    >>> [_time(value) for value in (0.42, 75, 4000, 360_000)]
    ['0.4 s', '75 s', '67 min', '100 h']
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 600:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 36_000 else f"{seconds / 3600:,.0f} h"


@dataclass(frozen=True)
class Loaded:
    """What a load did."""

    report: LoadReport
    checked: bool
    """Nothing was written."""
    rejected: int
    rejected_path: Path | None
    """File of the rejected rows, where rows were rejected and written."""
    import_command: str | None = None
    """What imports the files of a bulk load."""
    events: Mapping[str, int] | None = None
    """How many events of the log are written in the store, superseded by files, or wait; None: there are none."""
    took_events: bool = False
    """Whether that changed."""

    @property
    def is_new(self) -> bool:
        """False where the files are those of the last full load."""
        return any(one.read for one in (*self.report.nodes.values(), *self.report.edges.values()))


@dataclass(frozen=True)
class Dealing:
    """One product of a proposed mix."""

    product: str
    name: str
    before: float
    """Its part of what is invested in products with prices, with the amount that is to be invested."""
    after: float
    amount: float
    """Bought; below 0: sold."""


@dataclass(frozen=True)
class ExposureOf:
    """Products with one value of a column, and what part of the lists they take."""

    column: str
    value: str
    """yes, no, above 0, 0 or below, a text, or `not recorded`."""
    products: int
    of_products: float
    """Part of all products."""
    of_allowed: float | None
    """Part of the pairs of customer and product that the policy allows; None: it allows nothing."""
    of_lists: float | None
    """Part of the places of all lists."""
    lift: float | None
    """of_lists / of_allowed: 1 where lists show them as often as chance would."""
    mean_rank: float | None


@dataclass(frozen=True)
class Exposure:
    """What part of the lists products take, by columns."""

    as_of: str | None
    model: str
    policy: PolicyName | None
    k: int
    customers: int
    """Customers with a list."""
    places: int
    """Products in all lists."""
    groups: tuple[ExposureOf, ...]
    record: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Portfolios:
    """The portfolios of all customers, as they were written."""

    as_of: str
    path: Path
    customers: int
    empty: int
    """Customers who hold nothing with a worth."""
    known: int
    """Customers whose volatility is known."""
    volatility: float | None
    """Mean of those that are known."""
    shrinkage: float | None
    """Of the one covariance of all products."""
    episodes: tuple[Episode, ...]
    candidate: str | None


@dataclass(frozen=True)
class ProposedMix:
    """The least volatile mix within limits."""

    user: str
    as_of: str
    invested: float
    """In products with prices, with the amount that is to be invested."""
    dealings: tuple[Dealing, ...]
    volatility_before: float | None
    """A year; None: money is to be invested, so that the mix is another one."""
    volatility: float
    cost_before: float | None
    """Per cent a year."""
    cost: float | None
    turnover: float
    """What is sold, as a part of `invested`."""
    left_alone: tuple[str, ...]
    """What is held and has no prices."""
    walk: Walk | None
    """How such mixes of these products did on days that they had not seen; None: there are too few days."""
    record: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Proposed:
    """A proposed mapping."""

    path: Path
    nodes: tuple[str, ...]
    edges: tuple[str, ...]
    open_questions: tuple[str, ...]
    files: int


@dataclass(frozen=True)
class Taken:
    """A snapshot that was taken."""

    snapshot: Snapshot
    seconds: float
    anonymity: Anonymity

    @property
    def notes(self) -> tuple[str, ...]:
        """What its date does not cut."""
        return (self.snapshot.uncut,) if self.snapshot.uncut else ()


@dataclass(frozen=True)
class TunedModels:
    """The studies of a search."""

    studies: tuple[Tuned, ...]
    snapshot: str
    """Hash."""


@dataclass(frozen=True)
class Evaluated:
    """How good a model is, and the page where one was asked for."""

    evaluation: Evaluation
    report: Path | None


@dataclass(frozen=True)
class Asked:
    """The rows that a query returned."""

    name: str | None
    """None for a Cypher statement."""
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    is_cut: bool = False
    """There are more rows than were asked for."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Library:
    """The questions that fit the graph."""

    queries: tuple[Query, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PolicyChecked:
    """What a policy does, and what the date of the snapshot does not cut."""

    report: PolicyReport
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PolicyWritten:
    """A first policy."""

    path: Path
    rules: tuple[str, ...]
    left_out: tuple[str, ...]
    """What no rule could be written for, and why."""
    doubts: tuple[str, ...] = ()
    """What a person has to decide."""


@dataclass(frozen=True)
class FirstFile:
    """A first file of a home, written from the names of columns."""

    path: Path
    found: tuple[str, ...]
    """Keys that were filled; of alerts.toml the ids of rules and signals, of needs.toml those of needs."""
    left_out: tuple[str, ...]
    """Keys that a command needs and that nothing was found for."""


@dataclass(frozen=True)
class RecordedAnswer:
    """One entry of the decision record in short."""

    record: int
    recorded_at: str
    command: str
    user: str | None
    """None: the entry is about no customer, or erased."""
    as_of: str | None
    model: str | None
    """None: the entry is of no list and no score."""
    candidates: int | None
    shown: tuple[str, ...]
    """Products."""
    is_erased: bool = False
    """The key of its person was destroyed."""


@dataclass(frozen=True)
class SignedHead:
    """Where the decision record ended, signed (ed25519)."""

    anchor: str
    file: Path
    line: int
    public_key: str
    stamped_at: str | None = None
    """When the time stamp authority saw it, by its clock; UTC."""


@dataclass(frozen=True)
class RecordHead:
    """Where the decision record ends."""

    anchor: str
    block: int
    hash: str
    entries: int


@dataclass(frozen=True)
class StoreConverted:
    """What a conversion of the embedded store did."""

    before: str
    """Engine and version that wrote it."""
    after: str
    nodes: int
    edges: int
    is_done: bool
    """False: there was nothing to do."""


@dataclass(frozen=True)
class Examples:
    """Customers to show a bank with."""

    users: tuple[str, ...]
    """Of different kinds."""
    product: str
    """The best one for the first of them."""
    refused: str
    """One that the policy refuses to that one."""


@dataclass(frozen=True)
class Check:
    """One finding of doctor."""

    name: str
    ok: bool
    detail: str
    advice: str | None = None
    """None when there is nothing to do."""


@dataclass(frozen=True)
class Health:
    """What doctor found."""

    checks: tuple[Check, ...]

    def __iter__(self) -> Iterator[Check]:
        return iter(self.checks)


@dataclass(frozen=True)
class HomeUpgraded:
    """A home in the format of this graphrec."""

    before: int
    after: int
    is_done: bool
    """False: it had this format already."""
    anchor: str | None = None
    """Of the decision record, where it was written anew: keep it elsewhere in the place of the one of before."""


@dataclass(frozen=True)
class Published:
    """A serving copy of a home."""

    path: Path
    files: int
    bytes: int
    is_new: bool
    """False: it held all of that already."""


@dataclass(frozen=True)
class OutcomesOf:
    """What came of what was shown: see outcomes/tables.py."""

    by: tuple[Group, ...]
    control: Group | None
    lift: Lift | None
    total: Group | None
    drift: Drift
    position: Positions
    open: int
    hidden: int
    notes: tuple[str, ...]
    since: str | None
    until: str | None
    window_days: float
    success: tuple[str, ...]


@dataclass(frozen=True)
class Experimented:
    """The experiments of a home so far."""

    experiments: tuple[ExperimentResult, ...]
    holdout: float
    """Share of customers with lists that are drawn evenly."""
    explore: float
    """Share of lists with one drawn place."""
    stopped_now: tuple[str, ...]
    """Those that this look stopped."""


@dataclass(frozen=True)
class OffPolicyOf:
    """What a policy would have earned."""

    policy: str
    """The model, or the file."""
    window_days: float | None
    """None: of a log."""
    estimate: Estimate


@dataclass(frozen=True)
class CampaignPlan:
    """A plan of a campaign."""

    campaign: str
    as_of: str | None
    model: str
    snapshot: str
    facts: str
    policy: PolicyName | None
    objective: str
    audience: int
    """Customers who meet the condition of the campaign."""
    products: int
    refused: Mapping[str, int]
    """Pairs of a customer and a product by the first rule that refuses them, for the first channel."""
    without_consent: Mapping[str, int]
    """Customers by channel."""
    capped: int
    """Customers who were contacted as often as the period allows."""
    offers: int
    """Customer, product and channel that policy, consents and the campaign allow."""
    contacts: int
    customers: int
    control: int
    """Customers who were chosen and are not contacted."""
    withheld: int
    """Their contacts."""
    cost_eur: float
    reserved_eur: float
    """What the contacts of the control would have cost; nobody else gets it, so that both groups are alike."""
    budget_eur: float | None
    value: float
    """Of all that were chosen, the control too."""
    bound: float
    """No plan within the bounds is worth more."""
    gap: float
    """(bound - value) / bound."""
    unconstrained: float
    """What the best products of each customer are worth without budget, capacities and quotas."""
    loss: float
    """The part of that which the bounds cost."""
    prices: Mapping[str, float]
    """What one more EUR of budget, or one more contact, would add to the value."""
    by_channel: Mapping[str, int]
    by_product: Mapping[str, int]
    by_adviser: Mapping[str, int]
    file: Path | None = None
    record: int | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class KnownCampaign:
    """A campaign of a home."""

    campaign: str
    planned_at: str
    delivered_at: str | None
    """None: nobody was contacted yet."""
    contacts: int
    """Of one adviser's customers where it is asked for one."""


@dataclass(frozen=True)
class CampaignContact:
    """One customer who hears about one product."""

    user: str
    product: str
    name: str | None
    """Of the product."""
    channel: str
    adviser: str | None
    rank: int
    confidence: float
    value: float
    cost_eur: float
    reasons: tuple[str, ...]
    """As an adviser reads them; none before the delivery, which asks the policy again."""
    record: int | None
    """Number of its entry in the decision record."""


@dataclass(frozen=True)
class CampaignContacts:
    """Some contacts of a campaign."""

    campaign: str
    delivered_at: str | None
    total: int
    """How many there are."""
    contacts: tuple[CampaignContact, ...]


@dataclass(frozen=True)
class CampaignDelivered:
    """A campaign that was delivered."""

    campaign: str
    path: Path
    files: int
    contacts: int
    left_out: Mapping[str, int]
    """Planned contacts that policy, consents or caps refuse by now."""
    record: int | None
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class CampaignReport:
    """What those who were contacted did, beside the control."""

    campaign: str
    since: str
    contacted: int
    """Contacts."""
    accepted: int
    rate: Interval
    control: int
    control_accepted: int
    control_rate: Interval
    uplift: float
    """Difference of the rates."""
    low: float
    high: float
    """95 %."""
    by_product: Mapping[str, int]
    """Contacts that were accepted."""


@dataclass(frozen=True)
class ResponseFitted:
    """A response model."""

    name: str
    rows: int
    responses: int
    columns: tuple[str, ...]
    auc: Mapping[str, float]
    """By model, on rows that its fits did not see: mean of five folds."""
    ridge: Mapping[str, float]
    file: Path


@dataclass(frozen=True)
class ResponseLine:
    """What one column adds to a logit."""

    column: str
    value: str
    """Its bin in words."""
    share: float


@dataclass(frozen=True)
class ResponseRow:
    """What a response model says of one row: base + lines are the logit of `response`, or of `treated`."""

    row: int
    user: str | None
    base: float
    lines: tuple[ResponseLine, ...]
    response: float | None = None
    """Probability; None: the model was fitted with a control."""
    treated: float | None = None
    """Probability with a contact."""
    control: float | None = None
    """Probability without one."""
    uplift: float | None = None
    """treated - control."""


@dataclass(frozen=True)
class ResponseScored:
    """What a response model says of a file."""

    name: str
    rows: tuple[ResponseRow, ...]


@dataclass(frozen=True)
class BackedUp:
    """A backup that was written."""

    path: Path
    files: int
    bytes: int
    anchor: str | None
    """Of the record that is in it."""
    encrypted: bool = False


@dataclass(frozen=True)
class Restored:
    """A home that was restored."""

    path: Path
    files: int
    made_at: str
    """When the backup was made."""
    forgotten: int
    """Customers who were forgotten after the backup, and are forgotten again."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RecommendedItem:
    """One product of an answer that was given."""

    product: str
    name: str | None
    rank: int | None
    score: float
    reasons: tuple[str, ...]
    """That were shown."""


@dataclass(frozen=True)
class Recommended:
    """One answer that was given about a customer."""

    record: int
    at: str
    command: str
    model: str | None
    policy: str | None
    as_of: str | None
    items: tuple[RecommendedItem, ...]


@dataclass(frozen=True)
class SeenBy:
    """One time that somebody looked."""

    at: str
    who: str | None
    """The actor of the record, or the caller of the service; None: nobody was named."""
    what: str
    where: str
    """record or service."""


@dataclass(frozen=True)
class SubjectAccess:
    """What a customer may be told: Articles 13 to 15 of the GDPR."""

    user: str
    made_at: str
    data: Held
    procedure: tuple[str, ...]
    """How a list comes about, in words."""
    recommendations: tuple[Recommended, ...]
    """Oldest first."""
    counterfactuals: tuple[Counterfactual, ...]
    """What would have to be different for a product of the list of now not to be in it."""
    seen_by: tuple[SeenBy, ...]
    contests: tuple[Contest, ...] = ()
    """What is contested now, the oldest first."""
    notes: tuple[str, ...] = ()
    record: int | None = None


@dataclass(frozen=True)
class KeptPlace:
    """What stays of a person who is forgotten, or of what was learned from that one."""

    place: str
    why: str
    until: str


@dataclass(frozen=True)
class Forgotten:
    """What was done to forget customers."""

    user: str | None
    """The customer; None: several."""
    users: tuple[str, ...]
    removed: Mapping[str, int]
    """How much went, by place."""
    kept: tuple[KeptPlace, ...]
    certificate: Path | None
    """In the record of the home; None: they were forgotten before, and nothing of them was left."""
    document: str
    """The certificate as JSON, with what opens it for these customers: for them alone; empty: there is none."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Federated:
    """What a step towards a model of several banks came to."""

    step: str
    path: Path | None
    """What it wrote."""
    banks: int
    products: int
    """With enough holders, once that is known."""
    customers: int | None = None
    """Of all banks, who hold something; None: not known yet."""
    round: int | None = None
    """1 or 2, of messages and totals."""


@dataclass(frozen=True)
class KeyInEscrow:
    """The key of somebody's entries in the record, without whose it is."""

    slot: int
    until: str
    """Last day, YYYY-MM-DD."""
    rule: str
    since: str
    released: str | None = None
    """Since when its entries can be read; None: they cannot."""


@dataclass(frozen=True)
class EscrowOf:
    """The keys in escrow, and what was done with some."""

    keys: tuple[KeyInEscrow, ...]
    changed: KeyInEscrow | None = None
    """What was released or closed."""
    entries: int = 0
    """That can be read again."""
    destroyed: tuple[KeyInEscrow, ...] = ()
    certificate: Path | None = None
    """Of what was destroyed."""


@dataclass(frozen=True)
class RiskFitted:
    """A risk model that was fitted."""

    name: str
    rows: int
    events: int
    columns: tuple[str, ...]
    pairs: tuple[str, ...]
    held_out: Quality
    """On rows that its fits did not see."""
    file: Path


@dataclass(frozen=True)
class RiskBand:
    """Cases of one band of the probability."""

    name: str
    rows: int
    predicted: float
    observed: Interval


@dataclass(frozen=True)
class RiskReport:
    """A risk model beside its peers, on rows that no fit saw."""

    name: str
    rows: int
    events: int
    held_out: int
    """Rows that the figures are of."""
    by_time: bool
    """Whether these are later than the rows of the fits; else they are all, each predicted from other folds."""
    models: Mapping[str, Quality]
    isotonic_ece: float
    venn_abers_ece: float
    venn_abers_width: float
    reliability: tuple[Reliability, ...]
    bands: tuple[RiskBand, ...]
    protected_price: float | None
    """AUC that protected columns would add; None: there are none."""
    drift: Mapping[str, float]
    """Stability index of each column of numbers between earlier and later cases."""
    notes: tuple[str, ...]


@dataclass(frozen=True)
class RiskLine:
    """What one column, or a pair of columns, adds to a logit."""

    columns: tuple[str, ...]
    values: tuple[str, ...]
    """The bin of each column, in words."""
    share: float


@dataclass(frozen=True)
class RiskRow:
    """What a risk model says of one row: base + lines are the logit of the probability."""

    row: int
    user: str | None
    probability: float
    band: str
    base: float
    lines: tuple[RiskLine, ...]
    """The largest first."""


@dataclass(frozen=True)
class RiskScored:
    """What a risk model says of the rows of a file."""

    name: str
    rows: tuple[RiskRow, ...]
    kept: int
    on: str
    record: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PortraitsMade:
    """Portraits of all customers."""

    as_of: str
    customers: int
    numbers: tuple[str, ...]
    tags: Mapping[str, int]
    """Customers by tag."""
    out: Path | None
    kept: bool
    is_new: bool
    """Whether what was kept is other than before."""
    record: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class MarketOf:
    """What is computed of the prices of one product."""

    product: str
    name: str | None
    figures: Figures | None
    """None: there is no price before the date."""
    rating: int | None
    """The highest of the computed class and of those that others gave."""


@dataclass(frozen=True)
class Market:
    """What prices of products did until a date."""

    as_of: str
    products: tuple[MarketOf, ...]
    without: int
    """Products without prices and ratings."""
    kept: bool
    is_new: bool
    """Whether what was kept is other than before."""
    record: int | None
    notes: tuple[str, ...]
    changed: tuple[ClassChange, ...] = ()
    """Classes that this run saw to be others than before."""


@dataclass(frozen=True)
class OpenOffer:
    """A statement that nobody has decided on."""

    user: str
    entry: int
    """Of the record."""
    on: str


@dataclass(frozen=True)
class ClassAffects:
    """A product whose risk class changed, and who is affected."""

    product: str
    name: str | None
    on: str
    before: int
    after: int
    was: Mapping[str, int]
    """Classes by source: a column of ratings, or computed."""
    given: Mapping[str, int]
    holders: tuple[str, ...]
    """Customers who hold it."""
    offers: tuple[OpenOffer, ...]


@dataclass(frozen=True)
class ClassesChanged:
    """The risk classes that changed before a date; of each product the last change."""

    as_of: str
    changes: tuple[ClassAffects, ...]


@dataclass(frozen=True)
class FairnessOf:
    """Who gets how good lists, and whom lists show."""

    fairness: Fairness
    max_gap: float | None
    below: tuple[str, ...]
    """Protected groups that are further below the others than was allowed."""
    record: int | None
    notes: tuple[str, ...]
    mitigated: Mitigated | None = None
    """What it costs to show providers no more than they merit; None: nobody asked."""
    protected: ProtectedPrice | None = None
    """What protected attributes would add; None: nobody asked."""


@dataclass(frozen=True)
class Bound:
    """One bound beside what was measured."""

    name: str
    """As `[live]` calls it."""
    bound: float
    value: float | None
    """None: it was not measured yet, or nothing can break it."""
    about: str
    """On what, and of whom."""
    kept: bool
    measured: bool

    @property
    def said(self) -> str:
        """The bound in one line."""
        found = "not measured" if not self.measured else "nothing" if self.value is None else f"{self.value:.4g}"
        return f"{self.name} {self.bound:g}: {found} ({self.about})"


@dataclass(frozen=True)
class Tracked:
    """A model on an MLflow server."""

    model: str
    server: str
    run: str
    registered: str
    """Name of the registered model."""
    version: str
    alias: str
    """champion: it is live; challenger: it is not."""
    is_new: bool
    """False: the run was there, and only alias and state were set."""
    record: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class CheckedModel:
    """A model beside the bounds of the mapping's `[live]`."""

    model: str
    bounds: tuple[Bound, ...]
    """None: the mapping has none."""
    record: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class StabilityOf:
    """How much the lists of a model change where nothing should."""

    stability: Stability
    beyond: tuple[str, ...]
    """The bounds that it does not keep."""
    record: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Monitored:
    """What changed in the inputs, the lists and their outcomes."""

    as_of: str
    window_days: int
    before: str
    """The snapshot that inputs are compared with, by its hash."""
    after: str
    """The latest one."""
    model: str | None
    """The live one."""
    state: State
    """The worst of all measures."""
    measures: tuple[Measure, ...]
    record: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class AlertStep:
    """One step of a pattern: a transfer, or a link to what several share."""

    start: str
    end: str
    at: str | None
    """The day; None: it has none."""
    amount: float | None = None


@dataclass(frozen=True)
class Alert:
    """Something that a rule or a signal says of a customer or an account."""

    id: str
    rule: str
    name: str
    severity: str
    about: str
    """Id of the customer or the account, or of the product whose class changed."""
    label: str
    user: str | None
    """The customer; None: nobody is known to own the account."""
    at: str
    """The day."""
    evidence: tuple[str, ...]
    state: str = "open"
    """open, acknowledged or closed."""
    by: str | None = None
    why: str | None = None
    kind: str = "rule"
    """rule, answers, graph or class."""
    path: tuple[AlertStep, ...] = ()
    """The steps of the pattern, of an alert of the kind graph."""


@dataclass(frozen=True)
class AlertsRun:
    """What a run of the alerts raised."""

    as_of: str
    customers: int
    alerts: tuple[Alert, ...]
    known: int
    """Alerts that were raised before, and are not raised again."""
    delivered: AlertsDelivered | None = None
    """What went out; None: nobody asked for it."""


@dataclass(frozen=True)
class ClassifierFitted:
    """A classifier of relations or of tone."""

    kind: str
    """relation or tone."""
    examples: int
    classes: tuple[str, ...]
    hash: str
    file: Path
    encoder: str | None
    """Whose vectors it reads; None: words alone."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TextsExtracted:
    """What documents gave."""

    path: Path
    """Folder of the source."""
    documents: int
    mentions: int
    relations: int
    review: int
    """Rows that a person has to look at; they are in no graph."""
    unknown: int | None
    """Names that no node has; None: no finder looked for them."""
    record: int | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TopicFound:
    """A topic of texts."""

    name: str
    nodes: int


@dataclass(frozen=True)
class TopicsFound:
    """The topics of the texts of a label."""

    path: Path
    """Folder of the source."""
    label: str
    topics: tuple[TopicFound, ...]
    """The largest first."""
    without: int
    """Nodes of no topic."""
    record: int | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reidentified:
    """Who pseudonyms are."""

    receiver: str
    users: Mapping[str, str]
    """By pseudonym."""
    unknown: tuple[str, ...]
    """Pseudonyms of nobody who is there: of another receiver, another home, or of somebody who was forgotten."""


@dataclass(frozen=True)
class LoanPlans:
    """The loans that a customer can bear, and why not the others."""

    user: str
    amount: float
    purpose: str | None
    plans: tuple[Plan, ...]
    """Those that may be offered by rank, then the refused ones."""
    limit: Limit | None
    """The largest amount; None: none may be offered."""
    left: float | None
    """What is left a month before a new loan; None: something is not known."""
    record: int | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotOffered:
    """A product that would meet a need, and that the policy refuses."""

    product: str
    name: str | None
    why: tuple[str, ...]


@dataclass(frozen=True)
class NeedOf:
    """A need of a customer, and what would meet it where it is open."""

    need: Need
    products: tuple[str, ...]
    """Those that the policy allows."""
    refused: tuple[NotOffered, ...]


@dataclass(frozen=True)
class CoverPlan:
    """The needs of one customer."""

    user: str
    as_of: str
    version: str
    """Of the rules."""
    needs: tuple[NeedOf, ...]
    record: int | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Duplicates:
    """A review of customers who are likely to be there twice."""

    path: Path
    pairs: int
    customers: int
    columns: tuple[str, ...]
    """What says who a customer is."""
    record: int | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataQuality:
    """The columns of the data, and what is wrong with them."""

    data: str
    """Hash of the snapshot or the facts."""
    columns: tuple[ColumnSummary, ...]
    faults: tuple[Fault, ...]
    record: int | None
    notes: tuple[str, ...] = ()
