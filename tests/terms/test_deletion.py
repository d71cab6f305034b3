"""Scores without some of a user's edges, against graphs that never had them."""

from dataclasses import replace

import numpy as np
import pytest

from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop
from graphrec.models.walks import kernel
from graphrec.models.walks.kernel import fit_walk
from graphrec.terms.base import Term
from graphrec.terms.deletion import Evidence
from graphrec.terms.forms.blend import Blend
from graphrec.terms.forms.factors import FactorTerm, Neighbours, Own, SparseRows, TableTerm, with_rows
from graphrec.terms.ledger import Edge
from graphrec.terms.walks import Walk, WalkTerm
from tests.terms.graphs import random_graph, random_walks


def without(graph: Graph, user: int, edges: list[Edge]) -> Graph:
    """The graph as it would be if these edges of a user had never been."""
    hops = dict(graph.hops)
    for hop in {hop for hop, _ in edges if hop is not None}:
        there = graph.hops[hop]
        gone = {node for other, node in edges if other == hop}
        span = range(int(there.indptr[user]), int(there.indptr[user + 1]))
        kept = np.array([place not in span or there.indices[place] not in gone for place in range(len(there.indices))])
        shift = np.concatenate(([0], np.cumsum(kept)))
        weight = None if there.weight is None else there.weight[kept]
        hops[hop] = Adjacency(shift[there.indptr], there.indices[kept], weight)
        hops[hop.back()] = hops[hop].transposed(graph.counts[graph.target(hop)])
    return replace(graph, hops=hops)


def terms_on(graph: Graph, walks: list[Walk]) -> list[Term]:
    """Walks on this graph, and learned terms that do not change with it."""
    rng = np.random.default_rng(11)
    left = {
        label: rng.normal(size=(graph.counts[label], 3)).astype(np.float32) for label in ("Product", "Band", "User")
    }
    factors = FactorTerm(
        "factors", with_rows(graph, "rows", left["User"]),
        [Neighbours(Hop("BOUGHT"), left["Product"]), Neighbours(Hop("IN_BAND"), left["Band"]),
         Neighbours(None, Own("rows", np.zeros(3, np.float32))), Neighbours(None, left["User"][:1])],
        left["Product"],
    )  # fmt: skip
    dense = rng.normal(size=(graph.num_products, graph.num_products)).astype(np.float32)
    indptr = np.arange(0, dense.size + 1, graph.num_products)
    sparse = SparseRows(indptr, np.tile(np.arange(graph.num_products, dtype=np.int32), graph.num_products),
                        dense.ravel(), graph.num_products)  # fmt: skip
    table = TableTerm("table", graph, [Neighbours(Hop("VIEWED"), dense), Neighbours(Hop("BOUGHT"), sparse)])
    return [WalkTerm("kernel", graph, tuple(fit_walk(graph, walk) for walk in walks)), factors, table]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "tables", "min_group"), [(seed, *((True, 1), (False, 1), (True, 2))[seed % 3]) for seed in range(12)]
)
def test_a_score_without_edges_is_that_of_a_graph_without_them(
    seed: int, tables: bool, min_group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "TABLE_ENTRIES", 4_000_000 if tables else 0)
    graph = random_graph(seed, min_group=min_group)
    walks = random_walks(seed)
    weights = [0.5, 1.0, 0.3]
    blend = Blend(terms_on(graph, walks), weights)
    rng = np.random.default_rng(seed)
    for user in range(graph.num_users):
        evidence = Evidence(blend, user, "anew")
        candidates = np.setdiff1d(np.arange(graph.num_products), graph.hops[Hop("BOUGHT")].row(user))
        kept = rng.random((6, len(evidence.edges))) < np.linspace(0, 1, 6)[:, None]
        own = evidence.place((None, -1))
        assert own is not None
        kept[:, own] = True
        found = evidence.scores(kept)
        for case, there in enumerate(kept):
            gone = [edge for edge, is_there in zip(evidence.edges, there, strict=True) if not is_there]
            true = Blend(terms_on(without(graph, user, gone), walks), weights)
            for position, term in enumerate(true.terms):
                given = evidence.term_scores(position, kept)[case]
                assert given[candidates] == pytest.approx(term.scores(user)[candidates], rel=1e-9, abs=1e-12)
            if len(candidates) == graph.num_products:
                assert found[case] == pytest.approx(true.row(user).scores, rel=1e-9, abs=1e-9)


def test_with_all_edges_scores_are_those_of_the_blend() -> None:
    graph = random_graph(3)
    blend = Blend(terms_on(graph, random_walks(3)), [0.5, 1.0, 0.3])
    for user in range(graph.num_users):
        evidence = Evidence(blend, user, "anew")
        whole = evidence.scores(np.ones((1, len(evidence.edges)), np.bool_))[0]
        assert whole == pytest.approx(blend.row(user).scores, abs=1e-12)


def test_a_user_without_edges_scores_nothing_but_what_holds_for_everyone() -> None:
    graph = random_graph(5)
    blend = Blend(terms_on(graph, random_walks(5))[:2], [1.0, 0.0])
    evidence = Evidence(blend, 2, "anew")
    assert not evidence.scores(np.zeros((1, len(evidence.edges)), np.bool_)).any()
