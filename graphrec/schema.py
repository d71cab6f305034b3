"""The vocabulary of a graph: its roles, labels, edge types, columns, and which are personal or protected.

A mapping is parsed into a `GraphSchema`; the store keeps it beside the rows and a snapshot repeats it, so that
nothing but the loader ever needs the mapping itself.
"""

from collections.abc import Mapping
from dataclasses import asdict, field, replace
from typing import Any, Literal, get_args

from graphrec.errors import SourceError
from graphrec.frozen import dataclass

Kind = Literal["text", "integer", "real", "boolean", "time"]
View = Literal["compliance", "adviser", "customer", "service", "analyst", "campaign", "auditor", "admin"]
#: Who reads an answer: the first sees exact numbers, nobody else does (graphrec/serving/views.py).
VIEWS: tuple[View, ...] = get_args(View)
EXACT: View = "compliance"

BOUGHT, SOLD = "bought", "sold"
#: The types of event that every bank has, and what an edge type's name begins with that says the same.
EVENTS: Mapping[str, tuple[str, ...]] = {
    "viewed": ("VIEW", "LOOKED", "SAW"),
    "clicked": ("CLICK",),
    "accepted": ("ACCEPT",),
    "rejected": ("REJECT", "DECLIN", "REFUS"),
    BOUGHT: ("BOUGHT", "BUY", "PURCHAS"),
    SOLD: ("SOLD", "SELL"),
    "contacted": ("CONTACT",),
    "complained": ("COMPLAIN",),
}


@dataclass(frozen=True)
class Column:
    """A property of a node or an edge; a `time` is UTC with microseconds."""

    name: str
    kind: Kind


@dataclass(frozen=True)
class NodeSchema:
    """What one label carries besides its `id` and `known_at`."""

    label: str
    columns: tuple[Column, ...] = ()
    name: str | None = None
    """Column that a person reads; none for a personal name outside the store."""
    text: tuple[str, ...] = ()
    """Columns that are embedded, joined in this order by a line feed."""
    personal: tuple[str, ...] = ()
    """Columns that stay in the store."""
    protected: tuple[str, ...] = ()
    """Columns that are in a snapshot for audits and part of no score."""
    sensitive: tuple[str, ...] = ()
    """Columns that never lead a list for the customer."""
    crm_id: str | None = None
    """Column with the key that a CRM system has for the node."""
    adviser: str | None = None
    """Column with who looks after the customer."""
    data_as_of: str | None = None
    """Column with the time up to which the node's values were kept up."""
    show: Mapping[str, str] = field(default_factory=dict)
    """What people see beside a product, each with its column: kind, risk, fee, minimum."""
    units: Mapping[str, str] = field(default_factory=dict)
    """Columns of numbers, each with the unit that its file has beside them: EUR, %."""
    dated: Mapping[str, str] = field(default_factory=dict)
    """Columns with values of one day, each with the column that says which: earlier snapshots have none of them."""
    vector: str | None = None
    """Column with a vector made elsewhere, as text: [0.1, 0.2]."""

    @property
    def encoded(self) -> tuple[str, ...]:
        """Columns that models read as vectors and that say nothing as values: texts, and a vector itself."""
        return self.text if self.vector is None else (*self.text, self.vector)

    def public_columns(self) -> tuple[Column, ...]:
        """The columns that may leave the store."""
        return tuple(column for column in self.columns if column.name not in self.personal)


@dataclass(frozen=True)
class EdgeSchema:
    """What one edge type joins and carries besides `key`, `at`, `known_at` and `weight`."""

    type: str
    source: str
    """Label at the start."""
    target: str
    """Label at the end."""
    columns: tuple[Column, ...] = ()
    protected: bool = False
    risk: bool = False
    """Whether two products with one such neighbour are a concentration, and no praise."""
    sensitive: bool = False
    """Whether it never leads a list for the customer."""
    until: str | None = None
    """Column with the time when it ended."""
    until_known_at: str | None = None
    """Column with the time from which the end was known; None: `until`."""
    quantity: str | None = None
    """Column with a signed quantity: below 0 where something is given away."""
    half_life_days: float | Literal["fit", "none"] | None = None
    """Days after which an edge is half the evidence; `fit` and None: chosen by the training where edges have times."""

    @property
    def ends(self) -> bool:
        """Whether what it says can be over."""
        return self.until is not None or self.quantity is not None


@dataclass(frozen=True)
class SeriesSchema:
    """A time series of the nodes of one label: values by `at`."""

    name: str
    of: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class EventSchema:
    """What an event of a type is to the graph."""

    type: str
    """bought, viewed, or one of the bank's own."""
    edge: str | None = None
    """Edge type from user to product that it becomes; None: none."""
    keyed: bool = False
    """Whether loaded edges of that type have a key, which an event may name."""
    sets: tuple[str, ...] = ()
    """Columns of users that it may set."""


@dataclass(frozen=True)
class Roles:
    """Which labels and edge types play which part."""

    user: str
    product: str
    interactions: tuple[str, ...]
    weights: Mapping[str, float] = field(default_factory=dict)
    """Evidence per interaction; 1 when absent, below 0: never evidence for."""
    relevant: tuple[str, ...] = ()
    """Interactions that are a hit in evaluation."""
    metapaths: tuple[str, ...] | None = None
    min_group: int = 5
    held: tuple[str, ...] = ()
    """Interactions that mean "already held" until they end; empty: the relevant ones."""
    repeatable: str | None = None
    """Condition of the policy's language on columns of products: those that may be bought again."""
    most_alike: int | None = None
    """Customers with the very same holdings, three or more, who count in a fit at most; None: all."""

    @property
    def holding(self) -> tuple[str, ...]:
        """The interactions that mean "already held"."""
        return self.held or self.relevant

    def weight(self, edge_type: str) -> float:
        """The evidence one edge of this type is, before its own weight."""
        return float(self.weights.get(edge_type, 1.0))

    def evidence(self) -> tuple[str, ...]:
        """The interactions that speak for a product."""
        return tuple(name for name in self.interactions if self.weight(name) > 0)

    def against(self) -> tuple[str, ...]:
        """The interactions that speak against a product, such as a rejection."""
        return tuple(name for name in self.interactions if self.weight(name) < 0)


@dataclass(frozen=True)
class SplitRule:
    """How a mapping's own split is used; the pairs travel beside it."""

    refit: bool = True
    mask: Literal["fitted", "train", "train+valid"] = "fitted"


@dataclass(frozen=True)
class LiveBounds:
    """What a model has to keep before it is made live; None: nothing is asked."""

    min_ndcg_of_popularity: float | None = None
    """nDCG on the test part, in that of the most popular products."""
    min_ndcg_of_live: float | None = None
    """The same in that of the live model's configuration, fitted on the same data."""
    min_overlap: float | None = None
    """How alike lists stay where 1 % of the interactions is lost."""
    max_damage: float | None = None
    """What fake customers reach, in what they reach with plain item-kNN."""
    max_exposure: float | None = None
    """How far the places of an issuer, sector, seller may be above what was taken of it."""
    max_group_gap: float | None = None
    """How far the nDCG of a protected group may be below the others', where that is not chance."""

    @property
    def asked(self) -> dict[str, float]:
        """The bounds that are set, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class GraphSchema:
    """Everything a graph's rows mean."""

    roles: Roles
    nodes: Mapping[str, NodeSchema]
    edges: Mapping[str, EdgeSchema]
    series: Mapping[str, SeriesSchema] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    """A sentence per way, in English."""
    reasons_in: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By language: a sentence per way; those of English stand over `reasons`."""
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By language: what labels, edge types and names of nodes are called."""
    split: SplitRule | None = None
    events: Mapping[str, EventSchema] = field(default_factory=dict)
    live: LiveBounds = LiveBounds()

    def event_types(self) -> dict[str, EventSchema]:
        """Every type of event that the graph knows, by its name.

        A built-in type that the mapping does not name becomes the edge from users to products whose name says the same;
        `bought` and `sold`, where no name does, the first of those that mean "held" (for `sold`, and that can end). One
        without such an edge is only kept.
        """
        found = {name: EventSchema(name, self._edge_of_event(name, starts)) for name, starts in EVENTS.items()}
        return {**found, **self.events}

    def _edge_of_event(self, name: str, starts: tuple[str, ...]) -> str | None:
        roles, taken = self.roles, {event.edge for event in self.events.values()}
        ends = (roles.user, roles.product)
        known = sorted(one.type for one in self.edges.values() if (one.source, one.target) == ends)
        for one in known:
            if one.upper().startswith(starts) and one not in taken:
                return one
        held = [one for one in roles.holding if one in known]
        if name == BOUGHT:
            return next((one for one in held if one not in taken), None)
        return next((one for one in held if self.edges[one].ends), None) if name == SOLD else None

    def to_json(self) -> dict[str, Any]:
        """The schema as JSON values, labels and types sorted."""
        content = asdict(self)
        for part, defaults in _LATER.items():
            # A key that is not used is not written, so that the hashes of older snapshots stay.
            for entry in content[part].values():
                for key, default in defaults.items():
                    if entry[key] == default:
                        del entry[key]
        for part in ("nodes", "edges", "series", "reasons"):
            content[part] = dict(sorted(content[part].items()))
        content["roles"]["weights"] = dict(sorted(content["roles"]["weights"].items()))
        if events := content.pop("events"):
            content["events"] = dict(sorted(events.items()))
        del content["live"]
        if bounds := self.live.asked:
            content["live"] = bounds
        content["roles"] = {
            key: one for key, one in content["roles"].items() if one or key not in ("held", "repeatable", "most_alike")
        }
        for part in _BY_LANGUAGE:
            # A schema without other languages is written as it always was, so that its hash stays.
            by_language = {language: dict(sorted(values.items())) for language, values in content.pop(part).items()}
            content.update({part: dict(sorted(by_language.items()))} if by_language else {})
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "GraphSchema":
        """The schema that `to_json` wrote."""
        roles = dict(content["roles"])
        for name in ("interactions", "relevant", "metapaths", "held"):
            if roles.get(name) is not None:
                roles[name] = tuple(roles[name])
        return cls(
            roles=Roles(**roles),
            nodes={label: _node(value) for label, value in content["nodes"].items()},
            edges={
                name: EdgeSchema(**{**value, "columns": _columns(value)}) for name, value in content["edges"].items()
            },
            series={
                name: SeriesSchema(value["name"], value["of"], tuple(value["values"]))
                for name, value in content["series"].items()
            },
            reasons=dict(content["reasons"]),
            **{part: {k: dict(v) for k, v in content.get(part, {}).items()} for part in _BY_LANGUAGE},
            split=SplitRule(**content["split"]) if content["split"] else None,
            events={
                name: EventSchema(**{**value, "sets": tuple(value["sets"])})
                for name, value in content.get("events", {}).items()
            },
            live=LiveBounds(**content.get("live", {})),
        )

    def merge(self, other: "GraphSchema") -> "GraphSchema":
        """This schema and that of another source in the same home.

        Raises:
            SourceError: roles differ, or an edge type joins other labels.
        """
        if self.roles != other.roles:
            raise SourceError(
                f"two mappings in one home give different roles: {self.roles} and {other.roles}; "
                "make them agree, or set roles in graphrec.toml"
            )
        for name in self.edges.keys() & other.edges.keys():
            mine, theirs = self.edges[name], other.edges[name]
            if (mine.source, mine.target) != (theirs.source, theirs.target):
                raise SourceError(
                    f"edge type {name} joins {mine.source} to {mine.target} in one mapping and {theirs.source} to "
                    f"{theirs.target} in another; one type joins one pair of labels: rename one of them"
                )
        nodes = {**self.nodes, **other.nodes}
        for label in self.nodes.keys() & other.nodes.keys():
            nodes[label] = _merge_nodes(self.nodes[label], other.nodes[label])
        edges = {**self.edges, **other.edges}
        for name in self.edges.keys() & other.edges.keys():
            edges[name] = replace(
                self.edges[name],
                columns=_merge_columns(self.edges[name].columns, other.edges[name].columns),
                protected=self.edges[name].protected or other.edges[name].protected,
                risk=self.edges[name].risk or other.edges[name].risk,
                sensitive=self.edges[name].sensitive or other.edges[name].sensitive,
                until=self.edges[name].until or other.edges[name].until,
                until_known_at=self.edges[name].until_known_at or other.edges[name].until_known_at,
                quantity=self.edges[name].quantity or other.edges[name].quantity,
                half_life_days=self.edges[name].half_life_days or other.edges[name].half_life_days,
            )
        return GraphSchema(
            roles=self.roles,
            nodes=nodes,
            edges=edges,
            series={**self.series, **other.series},
            reasons={**self.reasons, **other.reasons},
            reasons_in=_merge_languages(self.reasons_in, other.reasons_in),
            words=_merge_languages(self.words, other.words),
            split=other.split or self.split,
            events={**self.events, **other.events},
            live=replace(self.live, **other.live.asked),
        )


_BY_LANGUAGE = ("reasons_in", "words")
_LATER: Mapping[str, Mapping[str, Any]] = {
    "nodes": {
        "vector": None,
        "sensitive": (),
        "crm_id": None,
        "adviser": None,
        "data_as_of": None,
        "show": {},
        "units": {},
        "dated": {},
    },
    "edges": {
        "risk": False,
        "sensitive": False,
        "until": None,
        "until_known_at": None,
        "quantity": None,
        "half_life_days": None,
    },
}
"""Keys that are written only where they say something, with what they say by default."""


def _merge_languages(
    mine: Mapping[str, Mapping[str, str]], theirs: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    return {name: {**mine.get(name, {}), **theirs.get(name, {})} for name in sorted({*mine, *theirs})}


def _columns(value: Mapping[str, Any]) -> tuple[Column, ...]:
    return tuple(Column(**column) for column in value["columns"])


def _node(value: Mapping[str, Any]) -> NodeSchema:
    lists = {name: tuple(value.get(name, ())) for name in ("text", "personal", "protected", "sensitive")}
    return NodeSchema(**{**value, **lists, "columns": _columns(value)})


def _merge_nodes(mine: NodeSchema, theirs: NodeSchema) -> NodeSchema:
    personal, protected = {*mine.personal, *theirs.personal}, {*mine.protected, *theirs.protected}
    return NodeSchema(
        label=mine.label,
        columns=_merge_columns(mine.columns, theirs.columns),
        name=mine.name or theirs.name,
        # A column that either mapping calls personal or protected stays out of the texts: texts make scores.
        text=tuple(column for column in mine.text or theirs.text if column not in personal | protected),
        vector=_vector_of(mine, theirs, personal | protected),
        personal=tuple(sorted(personal)),
        protected=tuple(sorted(protected)),
        sensitive=tuple(sorted({*mine.sensitive, *theirs.sensitive})),
        crm_id=mine.crm_id or theirs.crm_id,
        adviser=mine.adviser or theirs.adviser,
        data_as_of=mine.data_as_of or theirs.data_as_of,
        show={**theirs.show, **mine.show},
        units={**theirs.units, **mine.units},
        dated={**theirs.dated, **mine.dated},
    )


def _vector_of(mine: NodeSchema, theirs: NodeSchema, barred: set[str]) -> str | None:
    found = mine.vector or theirs.vector
    return None if found in barred else found


def _merge_columns(mine: tuple[Column, ...], theirs: tuple[Column, ...]) -> tuple[Column, ...]:
    kinds = {column.name: column for column in mine}
    for column in theirs:
        if kinds.setdefault(column.name, column).kind != column.kind:
            raise SourceError(
                f"column {column.name} is {kinds[column.name].kind} in one mapping and {column.kind} in another; "
                "cast one"
            )
    return tuple(kinds[name] for name in sorted(kinds))
