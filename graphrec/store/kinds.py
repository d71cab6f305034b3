"""Kinds of rows: a label, or an edge type with its ends, and their placeholders in statements."""

from dataclasses import dataclass

from graphrec import queries
from graphrec.schema import Column, GraphSchema

#: How the labels begin that the store keeps its own books under.
RESERVED = "Graphrec"


@dataclass(frozen=True)
class Kind:
    """A label, or an edge type with its ends: one table of rows belongs to it."""

    name: str
    source: str | None = None
    target: str | None = None

    @property
    def part(self) -> str:
        """nodes or edges."""
        return "nodes" if self.source is None else "edges"

    @property
    def key(self) -> str:
        """The name by which the store's account knows it: a label and an edge type may share a name."""
        return f"{self.part}/{self.name}"

    @property
    def identity(self) -> tuple[str, ...]:
        """The columns that name a row."""
        return ("id",) if self.source is None else ("source", "target", "key")

    @property
    def labels(self) -> queries.Labels:
        """What the placeholders of load/ stand for."""
        if self.source is None or self.target is None:
            return {"Node": self.name}
        return {"Source": self.source, "EDGE": self.name, "Target": self.target}

    def as_list(self) -> list[str]:
        """The form in which a source remembers it."""
        return [self.name] if self.source is None or self.target is None else [self.name, self.source, self.target]


def kinds_of(schema: GraphSchema) -> list[Kind]:
    """Every label and edge type of a schema."""
    edges = (Kind(name, edge.source, edge.target) for name, edge in schema.edges.items())
    return [*(Kind(label) for label in schema.nodes), *edges]


def columns_of(schema: GraphSchema, kind: Kind) -> tuple[Column, ...]:
    """The columns that a schema gives a kind; none when it has no such kind."""
    if kind.part == "nodes":
        return schema.nodes[kind.name].columns if kind.name in schema.nodes else ()
    return schema.edges[kind.name].columns if kind.name in schema.edges else ()
