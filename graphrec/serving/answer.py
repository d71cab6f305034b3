"""The answers that scripts rely on: the keys of `recommend --json` and `explain --json`."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, field, fields
from types import NoneType
from typing import Any, ClassVar, Literal, Self, TypeVar

from graphrec.frozen import dataclass
from graphrec.languages import LANGUAGES, Voice
from graphrec.terms.deletion import Spreads

#: What no deletion of an audit changes.
HELD = "held fixed: each term's spread over the products (sd), the weights of terms and walks, the other candidates"
#: Reasons of a product unless more are asked for.
REASONS = 5

_T = TypeVar("_T")
Preference = Literal["recent", "popular", "novel", "diverse"]


@dataclass(frozen=True)
class Draw:
    """How places of lists are drawn, for a share of the customers of a day: serving/drawn.py."""

    way: Literal["swap", "even"]
    """swap: one place; even: the whole list, from all that may be shown."""
    seed: str
    """Of all draws; with it and the customer the record draws again."""
    share: float = 1.0
    """Of the lists, 0 to 1."""
    pool: int = 10
    """Products behind the list that a swap may draw."""

    def chooses(self, user: str) -> bool:
        """Whether the list of a user is one of the share."""
        return self.numbers(user)[0] < self.share * 2.0**64

    def numbers(self, user: str) -> tuple[int, int, int]:
        """Three numbers of 64 bits that look drawn."""
        drawn = hashlib.blake2b(f"{self.seed}\n{user}".encode(), digest_size=24).digest()
        first, second, third = (int.from_bytes(drawn[start : start + 8], "little") for start in (0, 8, 16))
        return first, second, third


@dataclass(frozen=True)
class Drawn:
    """What a draw did to a list."""

    way: Literal["swap", "even"]
    ranks: tuple[int, ...]
    """The places that it decided."""
    propensities: tuple[float, ...]
    """For each place, the probability with which such a draw shows this product there."""
    count: int
    """From how many products it was drawn."""
    among: tuple[str, ...]
    """Which ones; empty where they are all that the policy allows."""
    text: str
    """The same in one sentence."""


@dataclass(frozen=True)
class ListOptions:
    """How a list and its reasons are made; the defaults are those of `recommend`."""

    reasons: int | None = REASONS
    """The first reasons of each product, and as many of its strongest lines; None: all of both."""
    plain: bool = False
    """Order reasons by share alone: contrast demotes none."""
    min_confidence: float = 0.0
    """Products below it are left out."""
    language: str = LANGUAGES[0]
    """Of all that is said: one of LANGUAGES, or one of the home's own."""
    voice: Voice = "adviser"
    """Who is spoken to: an adviser, of the customer; or the customer."""
    prefer: Preference | None = None
    """Which of equally exact paths leads the reasons of a product: serving/reasons/prefer.py."""
    draw: Draw | None = None
    """How places are drawn; None: every list is that of the scores."""
    lines: bool = True
    """False: products come without lines, for those who show reasons alone."""

    @classmethod
    def of(cls, recorded: Mapping[str, Any]) -> "ListOptions":
        """The options that an entry of the record holds.

        Raises:
            TypeError: one of them is not known.
        """
        draw = recorded.get("draw")
        return cls(**{**recorded, "draw": None if draw is None else Draw(**draw)})


@dataclass(frozen=True)
class ExplainOptions:
    """How one score is explained."""

    plain: bool = False
    """Order reasons by share alone: contrast demotes none."""
    language: str = LANGUAGES[0]
    """Of all that is said: one of LANGUAGES, or one of the home's own."""
    voice: Voice = "adviser"
    """Who is spoken to: an adviser, of the customer; or the customer."""


@dataclass(frozen=True)
class Node:
    """A node as people see it; `name` is None where it has none or is a person's."""

    label: str
    id: str
    name: str | None


@dataclass(frozen=True)
class People:
    """Nodes that are not shown one by one: other people, or what lies behind them (count None)."""

    label: str
    count: int | None


@dataclass(frozen=True)
class Step:
    """An edge of a path and which way it is walked."""

    type: str
    direction: Literal["in", "out"]


PathPart = Node | People | Step


def from_fields(cls: type[_T], fields: dict[str, Any]) -> _T:
    """One of a frozen class from all its fields by name, which become its own: many times as fast as its own way."""
    one = object.__new__(cls)
    object.__setattr__(one, "__dict__", fields)
    return one


class _Made:
    """Something of which some fields are worked out when one of them is first read."""

    _LATER: ClassVar[tuple[str, ...]]

    @classmethod
    def made(cls, later: Callable[[], tuple[Any, ...]], **known: Any) -> Self:
        """One whose other fields `later` gives."""
        known["_later"] = later
        return from_fields(cls, known)

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        if name not in self._LATER:
            raise AttributeError(name)
        # Another thread may have worked them out in between.
        later = own.get("_later")
        if later is not None:
            own.update(zip(self._LATER, later(), strict=True))
            own.pop("_later", None)
        return own[name]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, one.name) for one in fields(self))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Line(_Made):
    """One line of a ledger."""

    _LATER = ("path", "cypher", "parameters")

    kind: str
    """path, attribute, similarity, pair, general, new, against (like something rejected), nonlinear, diversification
    or profit."""
    text: str
    share: float
    """The line's part of the score, in score units."""
    contrast: float
    """Share minus its mean over the products of reference; it only demotes reasons."""
    via: Node | None
    """The user's neighbour; None where there is none, or a pair of them."""
    path: tuple[PathPart, ...] | None
    """Alternating nodes (or people) and steps from the user to the product; None: no path."""
    cypher: str | None
    parameters: Mapping[str, str | float] | None
    """Of the Cypher statement."""
    term: str
    """The term of the model that the line belongs to."""
    wording: str | None = None
    """The text with {people} in place of the number of other people; None: it speaks of nobody."""
    everyone: bool = False
    """The people are all others that have `via`: who is known to have it would be known to have the product."""
    cypher_note: str | None = None
    """That the store's edges on the path changed since the fit, so that the statement gives another share."""
    vias: tuple[Node, ...] = ()
    """Both neighbours of a pair."""

    @property
    def nodes(self) -> tuple[Node | People, ...]:
        """The nodes of the path in their order; none without a path."""
        return tuple([part for part in self.path or () if part.__class__ is not Step])  # type: ignore[misc]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The edges of the path in their order; none without a path."""
        return tuple([part for part in self.path or () if part.__class__ is Step])  # pyright: ignore[reportReturnType]


@dataclass(frozen=True)
class Reason(_Made):
    """What people read: lines of a ledger that one sentence covers."""

    _LATER = ("cypher", "parameters")

    text: str
    percent: float | None
    """Its share of all that speaks for the product, 0 to 100; None: a heading, or nothing speaks for the product."""
    kind: str
    """That of its lines; concentration (a risk of the same kind once more), other (what no sentence covers), or many
    (a heading: no reason is large enough to lead)."""
    lines: int
    """How many lines of the ledger stand behind it."""
    people: int | None = None
    """How many different other people the text speaks of."""
    wording: str | None = None
    """The text with {people} in place of their number; None: it speaks of nobody."""
    everyone: bool = False
    """The people of each of its lines are all others that have the neighbour."""
    # No value of the class stands before one that is worked out later.
    cypher: str | None = field(default_factory=NoneType)
    """The statement that counts them, where they stand behind neighbours of the customer."""
    parameters: Mapping[str, Any] | None = field(default_factory=NoneType)
    """Of the Cypher statement."""
    share: float = 0.0
    """Its part of the score, in score units."""


@dataclass(frozen=True)
class Deletion:
    """One edge of the customer, deleted."""

    via: Node | None
    """None: all people the customer knows, together."""
    edge: str
    """Edge type, with < before it where it leads to the customer."""
    predicted: float
    """Minus the shares of all lines that start with the edge, in score units."""
    actual: float
    """Score without the edge minus score with it."""
    predicted_paths: float
    """The part of `predicted` that lies on real paths."""
    actual_paths: float
    """What the terms of real paths really lose or gain."""
    score: float
    """Without the edge."""
    rank: int
    """Without the edge, among the same products."""


@dataclass(frozen=True)
class Audit:
    """The ledger of one score, checked by deletion."""

    deletions: tuple[Deletion, ...]
    """Largest predicted effect first."""
    sum_error: float
    """|sum of all lines - the model's own score| / sum of the absolute lines."""
    recomputed: tuple[str, ...]
    """Terms that were computed anew from the edges that are left."""
    folded_in: tuple[str, ...]
    """Terms that took the neighbours that are left and kept what they had learned (W)."""
    spreads: Spreads = "fixed"
    """The spreads that scores are divided by: those of before, or computed anew."""
    held: str = HELD


@dataclass(frozen=True)
class EdgeShare:
    """What one edge adds to a score, by integrated gradients."""

    type: str
    source: Node
    target: Node
    share: float


@dataclass(frozen=True)
class ScoreGradients:
    """How a score that is not linear comes from the edges around it, in score units.

    score = baseline + the shares of `edges` + rest.
    """

    score: float
    baseline: float
    completeness_gap: float
    """What the integral misses, as a part of score - baseline."""
    quadrature_nodes: int
    edges: tuple[EdgeShare, ...]
    """The user's own edges and those between nodes that are no users, the largest share first."""
    rest: float


@dataclass(frozen=True)
class Item(_Made):
    """One product of a list; its score is the sum of `lines` and `rest`."""

    _LATER = ("composition",)

    rank: int | None
    """None for a product that is not eligible."""
    product: str
    name: str | None
    product_kind: str | None
    score: float
    lines: tuple[Line, ...]
    """The strongest lines."""
    rest: float
    """What the lines that are not shown add up to."""
    composition: Mapping[str, float]
    """The parts of the score, shown or not: path, text, learned, attribute, general, new, self and, where a term is not
    linear, nonlinear; they add up to it."""
    confidence: float
    """How much evidence stands behind the product, 0 to below 1: serving/confidence.py."""
    gradients: ScoreGradients | None = None
    """Where one product is explained by a term that is not linear."""
    audit: Audit | None = None
    """Where it was asked for: what deletions say of the ledger."""
    warnings: tuple[str, ...] = ()
    """What rules of the policy that only warn say of this product for this user."""
    reasons: tuple[Reason, ...] = ()
    """In their order; the first leads."""
    others: float | None = None
    """Per cents that no reason shows; with those of `reasons` they add up to 100. None: nothing speaks for it."""
    against: float | None = None
    """What speaks against the product, in the same unit; None: nothing speaks for it."""
    risk: str | int | float | None = None
    """Risk class, fee and smallest amount, as the mapping's `show` names their columns."""
    fee: str | int | float | None = None
    minimum: str | int | float | None = None
    fewest: int | None = None
    """The smallest number of other people behind its first REASONS reasons and lines, shown or not; None: nobody."""


@dataclass(frozen=True)
class PolicyName:
    """Which policy refused or let pass."""

    version: str
    hash: str


@dataclass(frozen=True)
class Answer:
    """The list of one user."""

    user: str
    as_of: str | None
    """The date that dates, windows and ages count from."""
    model: str
    snapshot: str
    """Hash of what the weights were fitted on."""
    items: tuple[Item, ...]
    abstained: str | None
    """Why there is no list, or a shorter one, in one sentence."""
    notes: tuple[str, ...]
    """What a reader must know about the model or its graph."""
    refused: Mapping[str, int] = field(default_factory=dict)
    """How many products each rule of the policy was the first to refuse."""
    policy: PolicyName | None = None
    """Which policy was asked; None: the built-in rules, as the request goes without a policy."""
    limits: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    """What rules of the policy read of the customer, by column."""
    confidential: tuple[str, ...] = ()
    """Rules that others than compliance read as `not_available`: confidential ones, and those that share the code."""
    facts: str = ""
    """Hash of the facts that the user's rows, consents and the states of products are of; `snapshot` is what the
    weights were fitted on."""
    facts_as_of: str | None = None
    """Until when the facts go: the date that they were taken for, else their last event."""
    unfitted: Mapping[str, int] = field(default_factory=dict)
    """The user's edges that weigh nothing until the next fit, by type: they, or what they lead to, came after it."""
    last_event: str | None = None
    """Id of the customer's last event that the facts do not hold yet; it is in the answer. None: there is none."""
    abstained_seen: str | None = None
    """The sentence of `abstained` for other views; None: the same."""
    drawn: Drawn | None = None
    """What a draw did to the list; None: it is that of the scores."""

    def to_json(self) -> dict[str, Any]:
        """The answer as plain values."""
        return asdict(self)
