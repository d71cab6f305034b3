"""What is drafted: the parts of a proposed mapping so far, and what only a person can decide."""

from collections.abc import Callable
from dataclasses import dataclass, field

from graphrec.loading.mapping.names import is_too_long
from graphrec.loading.propose.draft_sql import Parse, parse_text, toml_key
from graphrec.loading.propose.looks import type_name

MANY_VALUES = 60
"""A column with more different values is no attribute node."""
MANY_LEVELS = 12
"""A whole number with more different values is no level, such as one of risk tolerance."""
UNKNOWN = 0.5
"""Weight of what customers did with a product where nothing tells what it was: evidence, and no holding."""
UNDECIDED = "consent_undecided"
"""A property that stays empty where nobody can tell who has agreed: a rule lets nobody through."""
LONG_TEXT = 25.0
"""Characters on average from which a column is a text to embed."""


@dataclass(frozen=True)
class Decision:
    """What only a person can know; the first choice is the proposal."""

    question: str
    choices: tuple[str, ...]


Decide = Callable[[Decision], str]


def as_proposed(decision: Decision) -> str:
    """The proposal."""
    return decision.choices[0]


@dataclass
class Draft:
    """What was proposed; `questions` are what only a person can know."""

    questions: list[str]
    labels: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    user: str = ""
    product: str = ""
    interactions: dict[str, float] = field(default_factory=dict)
    """Weight by edge type."""
    undated: list[str] = field(default_factory=list)
    """Interactions that have no time."""
    label_of: dict[str, str] = field(default_factory=dict)
    """Label by table name, for the tables that are used; an event's has none."""
    decide: Decide = as_proposed
    """Asks a person, or takes what is proposed."""
    has_ages: bool = False
    """Whether products have a minimum or maximum age."""
    people: set[str] = field(default_factory=set)
    """Tables with columns that are personal."""
    left_out: set[tuple[str, str]] = field(default_factory=set)
    """Table and column of what nobody has said yes to."""
    answers: set[tuple[str, str]] = field(default_factory=set)
    """Table and column of what customers may have answered when they were asked for a consent."""
    undecided: set[str] = field(default_factory=set)
    """Tables of customers one of whose columns may be a consent, in words that nobody here reads."""
    owners: dict[str, frozenset[str]] = field(default_factory=dict)
    """Labels that the rows of a label name: a plan its customer."""
    files: int = 0
    """How many files, and tables of a database, are used."""
    is_loose: bool = False
    """Whether a column that is called like users or products alone is taken for their identifier."""

    def relevant(self) -> list[str]:
        """The interactions that are a hit: those of full weight."""
        return [kind for kind, weight in self.interactions.items() if weight >= 1.0]

    def ask(self, question: str) -> None:
        """Note what to look at, once."""
        if question not in self.questions:
            self.questions.append(question)

    def add_node(self, label: str, *lines: str, parse: Parse = ()) -> None:
        """Propose a label."""
        self.labels.append(label)
        self.add_part(f"nodes.{toml_key(label)}", *lines, parse=parse)

    def add_part(self, part: str, *lines: str, parse: Parse = ()) -> None:
        """Propose a table, and below it how columns are read."""
        parsed = [f"{toml_key(column)} = {parse_text(spec)}" for column, spec in parse]
        self.parts.append("\n".join([f"[{part}]", *lines, *([f"[{part}.parse]", *parsed] if parsed else [])]))

    def leave_out(self, kind: str) -> None:
        """Propose an edge type no more."""
        self.types.remove(kind)
        self.interactions.pop(kind, None)
        head = f"[edges.{toml_key(kind)}]\n"
        self.parts = [part for part in self.parts if not part.startswith(head)]

    def add_edge(self, kind: str, source: str, *lines: str, parse: Parse = ()) -> str:
        """Propose an edge type; its name, which takes that of its source where another has it already."""
        if kind in self.types and not is_too_long(longer := f"{type_name(source)}_{kind}"):
            kind = longer
        while kind in self.types:
            kind += "_2"
        self.types.append(kind)
        self.add_part(f"edges.{toml_key(kind)}", *lines, parse=parse)
        return kind
