"""The answers that scripts rely on: the keys of `recommend --json` and `explain --json`."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from graphrec.schema import LANGUAGES
from graphrec.terms.deletion import Spreads

PathPart = dict[str, Any]
#: What no deletion of an audit changes.
HELD = "held fixed: each term's spread over the products (sd), the weights of terms and walks, the other candidates"


#: Reasons of a product unless more are asked for.
REASONS = 3

Preference = Literal["recent", "popular", "novel", "diverse"]


@dataclass(frozen=True)
class ListOptions:
    """How a list is made and told; what is left out is the default of `recommend`."""

    reasons: int | None = REASONS
    """The strongest reasons of each product; None: every line."""
    plain: bool = False
    """Order reasons by share, not by contrast."""
    min_confidence: float = 0.0
    """Products below it are left out."""
    count_groups: bool = False
    """State for each product how much of its score lies behind groups smaller than `min_group`."""
    language: str = LANGUAGES[0]
    """Of the reasons, one of LANGUAGES."""
    prefer: Preference | None = None
    """Which of equally exact paths leads the reasons of a product: serving/reasons/prefer.py."""


@dataclass(frozen=True)
class ExplainOptions:
    """How one score is explained."""

    plain: bool = False
    """Order lines by share, not by contrast."""
    language: str = LANGUAGES[0]
    """Of the lines, one of LANGUAGES."""


@dataclass(frozen=True)
class Line:
    """One line of a ledger."""

    kind: str
    """path, attribute, similarity, general, new or self."""
    text: str
    share: float
    """The line's part of the score, in score units."""
    contrast: float
    """Share minus its mean over the eligible products ranked after the list; used for the order only."""
    via: dict[str, Any] | None
    """The user's neighbour: {label, id, name}."""
    path: list[PathPart] | None
    """Alternating nodes {label, id, name} or {label, count} and edges {type, direction}; None: no path."""
    cypher: str | None
    parameters: dict[str, Any] | None
    term: str
    """The term of the model that the line belongs to."""


@dataclass(frozen=True)
class Deletion:
    """One edge of the customer, deleted."""

    via: dict[str, Any] | None
    """{label, id, name}; None: all people the customer knows, together."""
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
class Item:
    """One product of a list; its score is the sum of `lines` and `rest`."""

    rank: int | None
    """None for a product that is not eligible."""
    product: str
    name: str | None
    product_kind: str | None
    score: float
    lines: list[Line]
    rest: float
    """What the lines that are not shown add up to."""
    composition: dict[str, float]
    """The parts of the score, shown or not: path, text, learned, attribute, general, new, self and, where a term is not
    linear, nonlinear; they add up to it."""
    confidence: float
    """How much evidence stands behind the product, 0 to below 1: serving/confidence.py."""
    below_min_group: float | None
    """What ways through fewer than `min_group` other people add to the score; None: not asked for."""
    gradients: dict[str, Any] | None = None
    """Integrated gradients with their completeness gap, where one product is explained by a term that is not linear:
    serving/gradients.py."""
    audit: Audit | None = None
    """Where it was asked for: what deletions say of the ledger."""
    warnings: list[str] = field(default_factory=list)
    """What rules of the policy that only warn say of this product for this user."""


@dataclass(frozen=True)
class Answer:
    """The list of one user."""

    user: str
    as_of: str | None
    model: str
    snapshot: str
    items: list[Item]
    abstained: str | None
    """Why there is no list, or a shorter one, in one sentence."""
    notes: list[str]
    """What a reader must know about the model or its graph."""
    refused: dict[str, int] = field(default_factory=dict)
    """How many products each rule of the policy was the first to refuse."""

    def to_json(self) -> dict[str, Any]:
        """The answer as plain values."""
        return asdict(self)
