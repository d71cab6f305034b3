"""What every network is to those that fit it."""

from typing import Any, Protocol, TypeVar

from graphrec.graph.edges.adjacency import Graph
from graphrec.terms.base import Term

T = TypeVar("T", bound=Term)
T_co = TypeVar("T_co", bound=Term, covariant=True)


class Network(Protocol[T_co]):
    """A torch module that makes a term."""

    @property
    def name(self) -> str:
        """What its term is called."""
        ...

    def parameter_groups(self) -> list[dict[str, Any]]:
        """What the optimizer moves."""
        ...

    def term(self, graph: Graph) -> T_co:
        """The term of the present state."""
        ...
