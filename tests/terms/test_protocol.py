"""A form of term of one's own: what the base class gives is enough to serve many users and to score without edges."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pytest
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.terms.base import Described, Stored, Term, graph_without, once
from graphrec.terms.deletion import Evidence
from graphrec.terms.forms.blend import Blend
from graphrec.terms.ledger import Edge, LineGroup, Shares
from tests.terms.graphs import random_graph

BOUGHT = Hop("BOUGHT")


@dataclass(frozen=True, eq=False)
class Neighbouring(Term):
    """Every product that is bought speaks for the next one, as much as its own weight says."""

    form = "neighbouring"
    name: str
    graph: Graph
    weights: NDArray[np.float64]

    @property
    def hops(self) -> frozenset[Hop]:
        return frozenset({BOUGHT})

    def knows(self, user: int) -> bool:
        return len(self.graph.hops[BOUGHT].row(user)) > 0

    def scores(self, user: int) -> NDArray[np.float64]:
        held = self.graph.hops[BOUGHT].row(user)
        total = np.zeros(len(self.weights))
        total[(held + 1) % len(self.weights)] = self.weights[held]
        return total

    def batch(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        return self.rows(users).astype(np.float32)

    def shares(self, user: int, products: NDArray[np.int32]) -> Shares:
        held = self.graph.hops[BOUGHT].row(user)
        is_next = ((held + 1) % len(self.weights))[:, None] == products[None, :]
        values = self.weights[held, None] * is_next
        none = np.full(len(held), -1, np.int32)
        return Shares.stack([(LineGroup("similarity", BOUGHT, part="learned"), held, none, values)])

    def without_edges(self, user: int, edges: Sequence[Edge]) -> Self:
        return replace(self, graph=graph_without(self.graph, user, edges))

    def describe(self) -> Described:
        return Described(self.name, arrays={"weights": Stored(self.weights, ("Product",))})

    @classmethod
    def open(cls, described: Described, graph: Graph) -> Self:
        return cls(described.name, graph, described.arrays["weights"].values)


@pytest.fixture
def graph() -> Graph:
    """A random graph."""
    return random_graph(2)


@pytest.fixture
def term(graph: Graph) -> Neighbouring:
    """The term with random weights."""
    return Neighbouring("next", graph, np.random.default_rng(2).uniform(1, 2, graph.num_products))


def test_many_users_get_what_one_gets(graph: Graph, term: Neighbouring) -> None:
    blend = Blend([term], [0.5])
    users = np.arange(graph.num_users, dtype=np.int32)
    products = np.arange(graph.num_products, dtype=np.int32)
    rows = blend.rows(users)
    ledgers = blend.ledgers(users, [products] * len(users), np.stack([row.scales for row in rows]))
    for user, row, ledger in zip(users.tolist(), rows, ledgers, strict=True):
        assert row.scores.tolist() == blend.row(user).scores.tolist()
        assert ledger.totals() == pytest.approx(row.scores, abs=1e-12)
        assert all(blend.people_between(ledger, place, user, 0) is None for place in range(len(ledger.via)))
    again = Neighbouring.open(term.describe(), graph)
    assert again.scores(3).tolist() == term.scores(3).tolist()


def test_scores_without_edges_are_those_of_what_is_left(graph: Graph, term: Neighbouring) -> None:
    blend = Blend([term], [0.5])
    for user in range(graph.num_users):
        held = graph.hops[BOUGHT].row(user).tolist()
        fixed, anew = Evidence(blend, user, "fixed"), Evidence(blend, user, "anew")
        assert fixed.edges == [(BOUGHT, node) for node in held]
        for node in held:
            case = fixed.all_but([(BOUGHT, node)])[None]
            left = term.scores(user)
            left[(node + 1) % graph.num_products] -= term.weights[node]
            assert fixed.term_scores(0, case)[0] == pytest.approx(left, abs=1e-12)
            assert fixed.scores(case)[0] == pytest.approx(blend.row(user).scales[0] * left, abs=1e-12)
            spread = left.std()
            assert anew.scores(case)[0] == pytest.approx(0.5 * left / spread if spread > 1e-9 else 0 * left, abs=1e-9)


def test_what_is_built_once_is_built_once() -> None:
    made = []

    class Slow:
        @once
        def value(self) -> int:
            """A value."""
            made.append(1)
            return 7

    one, other = Slow(), Slow()
    assert (one.value, one.value, other.value) == (7, 7, 7)
    assert len(made) == 2
