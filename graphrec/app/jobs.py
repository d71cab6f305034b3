"""What can be done with files, models, the store, the policy and the record: one frozen dataclass a use case.

None stands for the value of the settings, or the default. What is asked for one customer: requests.py.
"""

from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Literal

from graphrec.frozen import dataclass
from graphrec.languages import Voice
from graphrec.policy.facts import Occasion
from graphrec.schema import View


@dataclass(frozen=True)
class Export:
    """The lists of all users, to a file or to another sink."""

    out: Path | None = None
    """A file; its suffix names the sink."""
    to: str | None = None
    """A file, a folder with a slash at its end, an address, or the name of a sink such as `store`."""
    k: int = 10
    model: str | None = None
    raw: bool = False
    """Write cells that a spreadsheet would take for formulas as they are."""
    bom: bool = False
    """Begin a .csv with a byte order mark, by which Excel knows its encoding."""
    record: bool = True
    as_of: str | None = None
    accept_missing: bool = False
    """Go on where a final model that was there before is gone."""
    no_policy: bool = False
    """Go without a policy: what is held or not offered any more is left out, and nothing else."""
    occasion: Occasion = field(default_factory=Occasion)
    """What the request says of itself, for rules that ask: amount, channel, purpose."""
    view: View | None = None
    """Who reads the rows; None: the view of the settings."""
    users: Path | None = None
    """A file with the ids of the users whose lists are made, one a line; None: of all."""
    where: str | None = None
    """A condition on columns of users, in the policy's language, that they meet."""
    delta: bool = False
    """Deliver what changed since the last export alone: new, moved, gone."""
    language: str | None = None
    voice: Voice = "adviser"
    min_confidence: float | None = None
    excel: bool = False
    """Write a .csv as Excel opens it by a double click."""
    valid_days: int = 30
    """Days after which the lists are no longer valid."""
    map: str | None = None
    """The columns of another system in a .csv: salesforce, hubspot, dynamics, or the path of a TOML file."""
    workers: int | None = None
    """Processes that make lists; None: as many as there are processors, where the export is long enough."""
    on: str | None = None
    """A Ray cluster that makes them: `ray`, one of this machine; `ray://HOST:PORT`; None: no cluster."""
    pseudonyms: str | None = None
    """The receiver for whom keyed hashes stand for the ids of customers; None: the ids."""


@dataclass(frozen=True)
class Refresh:
    """Everything from new files to new lists; only what changed is done."""

    mappings: tuple[str, ...] = ()
    """Names of shipped mappings, or paths of TOML files; none: the store is taken as it is."""
    data: Path | None = None
    """Folder of their files; None: that of each TOML file."""
    max_rejected: str = "0"
    max_removed: str = "10%"
    model: str = "blend"
    train: bool = True
    """False: the model stays as it is."""
    to: str | None = None
    """Where the lists go, as in Export; None: nowhere."""
    k: int = 10
    record: bool = True


@dataclass(frozen=True)
class Load:
    """The files of a mapping into the store."""

    mapping: str
    """Name of a shipped mapping, or path of a TOML file."""
    data: Path | None = None
    """Folder of the files; None: that of the TOML file, else the current one."""
    check: bool = False
    """Do everything but the writing."""
    incremental: bool = False
    """Merge only; remove nothing."""
    max_rejected: str = "0"
    """Rows that may be rejected: a number, or a share of the rows such as 0.5%."""
    max_removed: str = "10%"
    """How much of each label and edge type a full load may remove: a number of rows, or a share."""
    rejected: Path | None = None
    """File for rejected rows; None: rejected.csv in the home."""
    bulk: Path | None = None
    """Write files for neo4j-admin import to this folder instead of loading."""


Ask = Callable[[str, tuple[str, ...]], str]
"""Asks a person a question; the answer is one of the choices, of which the first is the proposal."""


@dataclass(frozen=True)
class ProposeMapping:
    """A first mapping from the files in a folder, and from the tables of a database."""

    path: Path
    data: Path
    url_env: str | None = None
    """The environment variable with the address of the database."""


@dataclass(frozen=True)
class TakeSnapshot:
    """The graph as of a date as arrays, from the store or from a mapping."""

    as_of: str | None = None
    mapping: str | None = None
    data: Path | None = None
    max_rejected: str = "0"
    keep: int = 3
    """So many of the newest snapshots stay, besides the latest and those of models."""


@dataclass(frozen=True)
class Publish:
    """The serving side of the home, copied to a folder."""

    to: Path


@dataclass(frozen=True)
class Consume:
    """The events of a feed, into the log."""

    source: str
    """A file with one event a line, or kafka://HOST:PORT/TOPIC."""
    group: str = "graphrec"
    """Of consumers that share a topic."""
    idle: float | None = None
    """Stop when a topic brings nothing for so many seconds; None: go on until asked to stop."""
    member: str | None = None
    """Name of this consumer in the group: one that was killed and starts again under it goes on at once."""


@dataclass(frozen=True)
class Embed:
    """The texts of the latest snapshot as vectors."""

    encoder: str | None = None


@dataclass(frozen=True)
class Train:
    """A model fitted on the latest snapshot."""

    model: str = "blend"
    final: bool = False
    """Refit what was chosen on everything, the test part too."""
    fixed: bool = False
    """Defaults; nothing is chosen on validation."""
    blocks: tuple[str, ...] = ("text",)
    """Sources of features that models may read besides edges: text, columns, series, portfolio, vector."""
    use_protected: bool = False
    path_share: float = 0.62
    """Part of a blend's weight on real paths, where validation sees no loss."""
    overrides: tuple[str, ...] = ()
    """MODEL.KEY=VALUE: not searched."""
    seed: int | None = None
    device: str = "auto"
    log_dir: Path | None = None
    """Folder for TensorBoard events."""
    as_of: str | None = None
    thorough: bool = False
    """Choose among all models and on all validation customers, however long it takes."""
    on: str | None = None
    """A Ray cluster whose workers make the sums over customers and the parts of steps of networks: `ray`,
    `ray://HOST:PORT`, `ray://auto`."""
    workers: int | None = None
    """Processes that make them at most; with `on`, of the cluster."""


@dataclass(frozen=True)
class TuneEncoder:
    """A text encoder that learns from what customers hold together."""

    out: Path
    """Folder of the new encoder."""
    encoder: str | None = None
    """What it is made from: name or folder of a transformers model; None: the one that reads the texts."""
    epochs: int = 10
    rank: int = 8
    """Rows of the matrices that learn beside the weights of each layer."""
    seed: int | None = None


@dataclass(frozen=True)
class Tune:
    """A search over the configurations of a model on the validation part."""

    model: str = "blend"
    trials: int = 30
    timeout: float | None = None
    """Seconds after which no other trial begins."""
    blocks: tuple[str, ...] = ("text",)
    use_protected: bool = False
    overrides: tuple[str, ...] = ()
    seed: int | None = None
    as_of: str | None = None


@dataclass(frozen=True)
class Evaluate:
    """A tested model on the hidden part, next to baselines."""

    ks: tuple[int, ...] = (1, 3, 10, 20)
    baselines: tuple[str, ...] = ("popularity", "itemknn")
    model: str | None = None
    report: Path | None = None
    """Write a page to FILE.html."""
    explain_users: int | None = None
    """Sampled users whose explanations are evaluated; None: 200 with a report or an ablation, else 0."""
    ablation: bool = False
    as_of: str | None = None


@dataclass(frozen=True)
class EvaluateNew:
    """New products or new customers: a tenth of them hidden whole."""

    side: Literal["items", "users"]
    ks: tuple[int, ...] = (1, 3, 10, 20)
    model: str = "blend"
    as_of: str | None = None


@dataclass(frozen=True)
class EvaluateDates:
    """A protocol of rolling dates on the files of its mapping."""

    protocol: str
    data: Path
    model: str = "blend"


@dataclass(frozen=True)
class EvaluateProfit:
    """What past prices would bring and cost lists: nDCG beside monthly return, by the weight of the profit term."""

    learner: Literal["ridge", "boosting"] | None = None
    """None: that of the model, else ridge."""


@dataclass(frozen=True)
class AskQuery:
    """A question of the analysts' library, or a Cypher statement."""

    query: str
    parameters: tuple[tuple[str, str], ...] = ()
    write: bool = False
    timeout: float = 60.0
    """Seconds that it may take; a statement that writes takes as long as it takes."""
    limit: int = 10_000
    """Rows that are given."""
    record: bool = True


@dataclass(frozen=True)
class CheckPolicy:
    """What each rule of the policy does."""

    as_of: str | None = None


@dataclass(frozen=True)
class CheckCases:
    """What the policy says of the cases in a file."""

    cases: Path
    as_of: str | None = None


@dataclass(frozen=True)
class DiffPolicies:
    """What a new policy allows that an old one refuses."""

    old: Path
    new: Path
    as_of: str | None = None


@dataclass(frozen=True)
class ChangeRule:
    """What the policy of the home would allow and refuse if one of its rules were another."""

    rule: str
    """Its id."""
    require: str | None
    """Its condition, in the language of docs/policy.md; None: the rule is left out."""
    as_of: str | None = None


@dataclass(frozen=True)
class InitPolicy:
    """A first policy.toml for the home."""

    force: bool = False
    """Replace the one that is there."""
    as_of: str | None = None
    language: str | None = None
    """Of its sentences; None: that of the settings."""
    like: Literal["bank", "broker", "insurer"] | None = None
    """One of the policies that are shipped, as it is; None: rules for the columns that the graph has."""


@dataclass(frozen=True)
class InitFile:
    """A first file for the home: statement.toml, plan.toml, needs.toml, market.toml or alerts.toml."""

    kind: Literal["statement", "plan", "needs", "market", "alerts"]
    force: bool = False
    """Replace the one that is there."""


@dataclass(frozen=True)
class ListRecord:
    """The last entries of the decision record."""

    user: str | None = None
    last: int = 20


@dataclass(frozen=True)
class VerifyRecord:
    """Every hash of the decision record computed anew."""

    anchor: str | None = None
    """BLOCK:HASH that was kept elsewhere, or a file of signed heads."""
    roots: Path | None = None
    """Root certificates of the authorities whose time stamps the file has; None: whose they are is not checked."""


@dataclass(frozen=True)
class SignHead:
    """Where the decision record ends, signed, as one more line of a file that is kept elsewhere."""

    file: Path
    tsa: str | None = None
    """Address of a time stamp authority (RFC 3161) that dates the line too."""
    roots: Path | None = None
    """Root certificates of the authority, as PEM."""


@dataclass(frozen=True)
class PruneRecord:
    """Free what only entries before a date need for their replay; the entries stay."""

    before: str


@dataclass(frozen=True)
class MakeDemoBank:
    """The built-in demo bank as files."""

    out: Path = Path("demo-bank")
    size: str = "S"
    seed: int = 7


@dataclass(frozen=True)
class AskOutcomes:
    """What came of the lists of the record."""

    by: Literal["rank", "kind", "model", "reason", "channel", "segment", "arm"] = "rank"
    since: str | None = None
    """Date of the first lists; None: of all."""
    until: str | None = None
    """Date before which they were shown; None: today is the last."""
    window_days: float = 30.0
    """Days after a list in which an event counts."""
    success: tuple[str, ...] = ("accepted", "bought")
    """Types of events that count as acceptance."""
    segment: str | None = None
    """Column of the customer, with by = segment."""
    with_protected: bool = True
    """Whether that may be a protected column."""


@dataclass(frozen=True)
class AskOffPolicy:
    """What a model or a policy would have earned before it serves."""

    model: str | None = None
    """Kind of a model of the home."""
    log: Path | None = None
    """A log in the form of the Open Bandit Dataset, in place of the record."""
    target: Path | None = None
    """Whose value is estimated on it: item_id, position, probability; a log; or `even`."""
    window_days: float = 30.0
    success: tuple[str, ...] = ("accepted", "bought")


@dataclass(frozen=True)
class EvaluateExperiments:
    """What experiments have shown so far."""

    name: str | None = None
    """One of them; None: all."""
    act: bool = False
    """Stop those that have to stop."""


@dataclass(frozen=True)
class StopExperiment:
    """End an experiment."""

    name: str
    why: str


@dataclass(frozen=True)
class Backup:
    """The home in one file."""

    to: Path
    """A new file outside the home."""
    encrypt: tuple[str, ...] = ()
    """Public keys of age that the file is encrypted to; none: it is not."""


@dataclass(frozen=True)
class Restore:
    """The home of a backup in its place."""

    file: Path
    replace: bool = False
    """It takes the place of the home that is there."""
    keys: Path | None = None
    """Folder with the keys of the record; None: those of the home that is there."""
    identity: Path | None = None
    """File with the secret key of an encrypted backup; None: GRAPHREC_BACKUP_IDENTITY holds it."""


@dataclass(frozen=True)
class PutHold:
    """Nothing of a customer may be removed for now."""

    user: str
    reason: str | None = None
    until: str | None = None
    """Last day, YYYY-MM-DD; None: until it is lifted."""
    lift: bool = False
    """End the hold."""


@dataclass(frozen=True)
class Forget:
    """Take customers out of all that the home keeps."""

    users: tuple[str, ...] = ()
    file: Path | None = None
    """A file with one id a line, besides."""
    reason: str | None = None
    """Why, for the certificate: no name, no id."""
    keep_record_until: str | None = None
    """Last day, YYYY-MM-DD, that a rule asks to keep what was recorded: the key goes into escrow until then."""
    rule: str | None = None
    """Which rule that is."""
    downdate: bool = False
    """Take the persons out of whole-number sums where a model is a function of them, and fit the others again; the
    sums stay in the vault for the next time."""


@dataclass(frozen=True)
class Federate:
    """One step towards a model of several banks."""

    step: Literal["join", "plan", "send", "add", "finish"]
    files: tuple[Path, ...] = ()
    """What the step reads, in its order."""
    name: str | None = None
    """join: of the bank; plan: of the round."""
    out: Path | None = None
    power: float = 0.0
    """How far customers with many products count less."""
    min_group: int = 5
    """Customers of all banks that a count needs."""
    final: bool = False
    """Count what the test of a model hides, too."""


@dataclass(frozen=True)
class AskEscrow:
    """The keys in escrow: listed, one of them released or closed, or those whose date is over destroyed."""

    release: str | None = None
    """The customer whose entries are to be read."""
    close: str | None = None
    """The customer whose entries are to be read no more."""
    reason: str | None = None
    by: str | None = None
    due: bool = False
    """Destroy the keys whose date is over."""


@dataclass(frozen=True)
class PlanCampaign:
    """Who hears about what in a campaign."""

    file: Path
    text: str | None = None
    """What stands in the file, where it is not on this machine: then it can exclude nobody by another file."""
    record: bool = True


@dataclass(frozen=True)
class ListContacts:
    """Some contacts of a campaign, best first."""

    campaign: str
    adviser: str | None = None
    """Only those that are this adviser's; None: of all."""
    for_adviser: bool = False
    """Whether that adviser asks: only once they are delivered, and of customers who still are this adviser's."""
    channel: str | None = None
    skip: int = 0
    k: int = 50


@dataclass(frozen=True)
class DeliverCampaign:
    """The contacts of a planned campaign as files."""

    campaign: str
    to: Path
    """A new folder: a folder a channel, a file an adviser."""
    form: str = "csv"
    """Suffix of the files, as an export has them."""
    language: str | None = None
    record: bool = True


@dataclass(frozen=True)
class ReportCampaign:
    """What a delivered campaign led to."""

    campaign: str


@dataclass(frozen=True)
class FitResponse:
    """A model of who responds to a contact."""

    file: Path
    """CSV of past contacts; with a column `user`, columns are those of the home's customers."""
    name: str
    response: str
    """Column that says who responded."""
    treatment: str | None = None
    """Column that says who was contacted: then two models are fitted, and the difference counts."""
    without: tuple[str, ...] = ()
    """Columns that no model may read."""
    ordered: bool = False
    """Rows are in the order of time."""
    record: bool = True


@dataclass(frozen=True)
class ScoreResponse:
    """What a response model says of the rows of a file."""

    file: Path
    name: str


@dataclass(frozen=True)
class FitRisk:
    """Risk models on declared cases."""

    file: Path
    """TOML that declares the models."""
    name: str | None = None
    """One of them; None: all."""
    record: bool = True


@dataclass(frozen=True)
class ReportRisk:
    """What the risk models of a file are worth, beside their peers."""

    file: Path
    name: str | None = None


@dataclass(frozen=True)
class ScoreRisk:
    """What a risk model says of the rows of a file."""

    name: str
    file: Path
    """CSV with the columns that the model reads."""
    user: str | None = None
    """Column with the ids of customers."""
    keep: bool = False
    """Keep the scores as columns of customers, which the policy may read as user.NAME."""
    as_of: str | None = None
    """The day of the scores; None: the date of answers."""
    record: bool = True


@dataclass(frozen=True)
class MakePortraits:
    """The portraits of all customers."""

    out: Path | None = None
    """A CSV file."""
    keep: bool = False
    """Keep numbers as dated columns of customers, tags and bands as nodes with edges."""
    as_of: str | None = None
    record: bool = True


@dataclass(frozen=True)
class AskMarket:
    """What prices of products did until a date."""

    product: str | None = None
    """None: all."""
    keep: bool = False
    """Keep the figures as dated columns of products."""
    as_of: str | None = None
    record: bool = True
    garch: bool = False
    """Fit GARCH beside the weighted volatility, as `garch` of market.toml says for every run."""


@dataclass(frozen=True)
class AskClasses:
    """Which risk classes of products changed, and who is affected."""

    product: str | None = None
    """None: all."""
    days: int = 365
    """Before the date."""
    as_of: str | None = None


@dataclass(frozen=True)
class AskFairness:
    """Who gets how good lists, and whom lists show."""

    model: str | None = None
    """Kind of the tested model; None: the blend."""
    k: int | None = None
    """Length of lists; None: what a person is shown."""
    max_gap: float | None = None
    """How far the nDCG of a protected group may be below that of the others; None: any far."""
    level: float = 0.05
    """A gap that chance makes more often than this is none."""
    window_days: float = 30.0
    """Days after a list in which an event counts as acceptance."""
    success: tuple[str, ...] = ("accepted", "bought")
    record: bool = True
    mitigate: str | None = None
    """Label whose providers are to be shown no more than they merit: what that costs is measured."""
    part: float = 0.5
    """Of the largest excess that may be left."""
    protected_price: bool = False
    """Train once more with protected attributes in the score, or without them where they are in it: what they add."""


@dataclass(frozen=True)
class AskStability:
    """How much the lists of a model change where nothing should."""

    model: str | None = None
    """Kind of the model; None: the blend."""
    k: int = 10
    lost: float = 0.01
    """Share of interactions that a delivery loses."""
    fakes: float = 0.01
    """Fake customers, as a share of the real ones."""
    pushed: int = 3
    """Products that fake customers push, each in an attack of its own."""
    min_overlap: float | None = None
    """How alike lists have to be where interactions are lost; None: any."""
    max_damage: float | None = None
    """How much damage fake customers may do, in that of plain item-kNN; None: any."""
    record: bool = True


@dataclass(frozen=True)
class CompareModels:
    """Two models on the same day's customers."""

    challenger: str
    """Its folder, as `Bank.models` names it."""
    champion: str | None = None
    """None: the live one."""
    k: int = 10
    customers: int = 1000
    """Drawn at random; 0: all."""
    record: bool = True


@dataclass(frozen=True)
class CheckModel:
    """The bounds of the mapping's `[live]` beside the figures of a model, measured where they are not known."""

    model: str
    """Its folder, as `Bank.models` names it."""
    record: bool = True


@dataclass(frozen=True)
class TrackModel:
    """A model as a run and a registered version of an MLflow server."""

    model: str
    """Its folder, as `Bank.models` names it."""
    address: str | None = None
    """Of the server; None: MLFLOW_TRACKING_URI."""
    record: bool = True


@dataclass(frozen=True)
class MakeReport:
    """What every measurement of the home says, beside the last report."""

    out: Path | None = None
    """A .html or .json file; None: the report is kept in the home alone."""
    against: Path | None = None
    """JSON of the report to compare with; None: the last one of the home."""
    without: tuple[str, ...] = ()
    """Parts that are left out."""
    anew: bool = False
    """Measure again what cannot have changed since the last report."""
    language: str | None = None
    """None: that of the settings."""
    record: bool = True


@dataclass(frozen=True)
class Monitor:
    """What changed in the inputs, the lists and their outcomes, beside limits."""

    against: str | None = None
    """A date as of which the home has a snapshot, or the first digits of a snapshot's hash; None: that of the live
    model."""
    record: bool = True
    """The run is kept too, for the page over time."""
    page: Path | None = None
    """A page of all runs over time."""
    tell: bool = True
    """Tell those whom monitor.toml names."""


@dataclass(frozen=True)
class AskExposure:
    """How large a part of all lists goes to products by columns, such as the bank's own and those it is paid for."""

    columns: tuple[str, ...] = ()
    """Columns of products; none: own_brand and inducement of statement.toml."""
    k: int = 10
    """Length of the lists."""
    model: str | None = None
    as_of: str | None = None


@dataclass(frozen=True)
class AskPortfolio:
    """What a customer holds as a portfolio."""

    user: str
    candidate: str | None = None
    """A product: what a part of the wealth in it would do."""
    as_of: str | None = None


@dataclass(frozen=True)
class AskPortfolios:
    """The portfolios of all customers, a line each."""

    out: Path
    """A file of JSON lines."""
    candidate: str | None = None
    """A product: what a part of the wealth of each in it would do."""
    as_of: str | None = None


@dataclass(frozen=True)
class ProposePortfolio:
    """The least volatile mix of what a customer holds and of the products of their list, within limits."""

    user: str
    amount: float = 0.0
    """What is invested besides, from cash."""
    as_of: str | None = None
    record: bool = True


@dataclass(frozen=True)
class AskQuality:
    """What is wrong with the data that were loaded."""

    record: bool = True


@dataclass(frozen=True)
class FindDuplicates:
    """Customers who are likely to be there twice, for a person to decide."""

    out: Path
    least: float = 0.5
    """The least probability of a pair that is named."""
    record: bool = True


@dataclass(frozen=True)
class PlanLoan:
    """Loans and terms for an amount."""

    user: str
    amount: float
    purpose: str | None = None
    as_of: str | None = None
    record: bool = True


@dataclass(frozen=True)
class PlanCover:
    """What a customer needs, by needs.toml, and what would meet it."""

    user: str
    as_of: str | None = None
    record: bool = True


@dataclass(frozen=True)
class RunAlerts:
    """What alerts.toml asks about."""

    as_of: str | None = None
    kind: Literal["rule", "answers", "graph", "class"] | None = None
    """Only rules, jumps of answers, signals of the graph, or changed risk classes; None: all."""
    to: str | None = None
    """A file, a folder/, https://… or postgresql://… that gets alerts; None: nobody gets any."""


@dataclass(frozen=True)
class ListAlerts:
    """The alerts of the record."""

    state: Literal["open", "acknowledged", "closed"] | None = None
    """None: all."""
    out: Path | None = None
    """A file for them too: .csv, .jsonl, .parquet or .xlsx."""
    kind: Literal["rule", "answers", "graph", "class"] | None = None
    """None: all."""


@dataclass(frozen=True)
class SetAlert:
    """Another state of an alert."""

    id: str
    state: Literal["acknowledged", "closed"]
    by: str | None = None
    """None: the settings' actor."""
    why: str | None = None
    """Why it is closed."""


@dataclass(frozen=True)
class FitClassifier:
    """A classifier of relations or of tone from a bank's own examples."""

    examples: Path
    """CSV with sentence, head, tail and relation; or with sentence and tone."""
    out: Path
    seed: int = 0
    encoder: str | None = None
    """Whose vectors are read beside words: its name or path, or none; None: the one for the script of the examples."""


@dataclass(frozen=True)
class ExtractTexts:
    """The documents of a mapping as a source that can be loaded."""

    mapping: str
    """Path of a mapping with `[documents.NAME]`."""
    out: Path
    """Folder of the source; one that is there is replaced."""
    data: Path | None = None
    """Folder of the files; None: that of the mapping."""
    relations: Path | None = None
    """Classifier of relations; None: mentions alone."""
    tone: Path | None = None
    """Classifier of tone; None: mentions have none."""
    threshold: float = 0.8
    """Least probability of a relation; the others go to the review."""
    finder: str | None = None
    """Who finds names that no node has: spacy:MODEL or gliner:MODEL; None: nobody."""
    record: bool = True


@dataclass(frozen=True)
class FindTopics:
    """Clusters of the text vectors of a label as a source that can be loaded."""

    out: Path
    """Folder of the source; one that is there is replaced."""
    label: str | None = None
    """Whose texts; None: those of products."""
    number: int | None = None
    """Of topics, at most; None: the root of half the texts."""
    seed: int = 0
    record: bool = True


@dataclass(frozen=True)
class Reidentify:
    """Who the pseudonyms of an export are."""

    receiver: str
    """As the export named it."""
    pseudonyms: tuple[str, ...]
    reason: str
    by: str | None = None
    """Who asks; None: the settings' actor."""
