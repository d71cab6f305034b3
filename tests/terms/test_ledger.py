"""The ledger is the score: on a thousand random typed graphs, for every kind of term."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from graphrec.graph.adjacency import Graph, Hop
from graphrec.terms.base import Term
from graphrec.terms.blend import Blend
from graphrec.terms.factors import FactorTerm, Neighbours, SparseRows, TableTerm
from graphrec.terms.walks import Walk, WalkScorer, WalkTerm
from tests.terms.graphs import paths, random_graph, random_walks

USERS, PRODUCTS = 5, 5


def random_blend(graph: Graph, seed: int) -> tuple[Blend, list[Walk]]:
    """Walks, factors with a text part, a dense and a sparse table, and everyone, with random weights."""
    rng = np.random.default_rng(seed)
    walks = [random_walks(seed)[n] for n in rng.choice(14, 3, replace=False)]
    kernel = WalkTerm("kernel", graph, tuple(WalkScorer(graph, walk) for walk in walks))

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    counts = graph.counts
    sources = [Neighbours(Hop("BOUGHT"), normal(PRODUCTS, 4)), Neighbours(Hop("IN_BAND"), normal(counts["Band"], 4))]
    own = Neighbours(None, normal(USERS, 4), own=True)
    factors = FactorTerm("factors", graph, [*sources, own], normal(PRODUCTS, 4), text_dim=int(rng.integers(0, 5)))
    dense = TableTerm("ease", graph, [Neighbours(Hop("VIEWED"), normal(PRODUCTS, PRODUCTS))])
    indptr = np.arange(0, 2 * PRODUCTS + 1, 2)
    indices = np.concatenate([np.sort(rng.choice(PRODUCTS, 2, replace=False)) for _ in range(PRODUCTS)]).astype(
        np.int32
    )
    rows = SparseRows(indptr, indices, normal(2 * PRODUCTS), PRODUCTS)
    sparse = TableTerm("itemknn", graph, [Neighbours(Hop("BOUGHT"), rows)])
    everyone = TableTerm("popularity", graph, [Neighbours(None, normal(1, PRODUCTS))])
    terms: list[Term] = [kernel, factors, dense, sparse, everyone]
    return Blend(terms, rng.uniform(0, 2, len(terms)).tolist()), walks


def scores_by_hand(graph: Graph, blend: Blend, walks: list[Walk], user: int) -> np.ndarray:
    """The blend's scores (num_products,) from the definition: enumerated paths, dense products, frozen spreads."""
    total = np.zeros(PRODUCTS)
    for term, weight in zip(blend.terms, blend.weights, strict=True):
        raw = np.zeros(PRODUCTS)
        if isinstance(term, WalkTerm):
            for walk in walks:
                raw += [sum(paths(graph, walk, user, product).values()) for product in range(PRODUCTS)]
        else:
            assert isinstance(term, FactorTerm | TableTerm)
            for source in term.neighbours:
                nodes = graph.hops[source.hop].row(user) if source.hop else [user if source.own else 0]
                for node in nodes:
                    raw += _weights_of(term, source, int(node))
        spread = raw.std()
        total += weight / spread * raw if spread > 1e-9 * np.abs(raw).max() else 0
    return total


def _weights_of(term: FactorTerm | TableTerm, source: Neighbours, node: int) -> np.ndarray:
    if isinstance(source.left, SparseRows):
        dense = np.zeros(PRODUCTS)
        span = slice(source.left.indptr[node], source.left.indptr[node + 1])
        dense[source.left.indices[span]] = source.left.values[span]
        return dense
    row = source.left[node].astype(np.float64)
    return term.right.astype(np.float64) @ row if isinstance(term, FactorTerm) else row


@settings(max_examples=1000, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 2**32 - 1))
def test_lines_add_up_to_the_score_computed_by_hand(seed: int) -> None:
    graph = random_graph(seed, USERS, PRODUCTS)
    blend, walks = random_blend(graph, seed)
    user = seed % USERS
    expected = scores_by_hand(graph, blend, walks, user)
    ledger = blend.ledger(user, np.arange(PRODUCTS, dtype=np.int32), blend.row(user).scales)
    scale = np.abs(ledger.values).sum(axis=0) + 1e-300
    # The spread of a factor term is taken from float32 scores; the lines for that spread are exact.
    exact = ledger.totals()
    assert np.all(np.abs(exact - blend.row(user).scores) <= 2e-6 * scale)
    assert np.all(np.abs(exact - expected) <= 2e-6 * scale)


@settings(max_examples=1000, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 2**32 - 1))
def test_sum_of_shares_is_the_score_to_1e_9_where_terms_are_float64(seed: int) -> None:
    graph = random_graph(seed, USERS, PRODUCTS)
    blend, walks = random_blend(graph, seed)
    exact_terms = Blend([blend.terms[n] for n in (0, 2, 3, 4)], [blend.weights[n] for n in (0, 2, 3, 4)])
    user = seed % USERS
    row = exact_terms.row(user)
    ledger = exact_terms.ledger(user, np.arange(PRODUCTS, dtype=np.int32), row.scales)
    scale = np.abs(ledger.values).sum(axis=0) + 1e-300
    assert np.all(np.abs(ledger.totals() - row.scores) <= 1e-9 * scale)
    assert np.all(np.abs(ledger.totals() - scores_by_hand(graph, exact_terms, walks, user)) <= 1e-9 * scale)
