"""The ledger is the score: on a thousand random typed graphs, for every kind of term."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphrec.graph.edges.adjacency import Graph, Hop, visible_graph
from graphrec.models.walks.kernel import scorer_of
from graphrec.terms.base import Term
from graphrec.terms.forms.als import AlsTerm
from graphrec.terms.forms.blend import Blend
from graphrec.terms.forms.factors import FactorTerm, Neighbours, Own, SparseRows, TableTerm, with_rows
from graphrec.terms.walks import Walk, WalkTerm
from tests.banks import bank_snapshot
from tests.terms.graphs import lines, random_graph, random_walks
from tests.terms.models import KINDS, term_of

USERS, PRODUCTS = 5, 5


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """The graph of a small bank."""
    return visible_graph(bank_snapshot(tmp_path_factory.mktemp("bank")))


def random_blend(graph: Graph, seed: int) -> tuple[Blend, list[Walk]]:
    """Walks, factors with a text part, a dense and a sparse table, and everyone, with random weights."""
    rng = np.random.default_rng(seed)
    walks = [random_walks(seed)[n] for n in rng.choice(14, 3, replace=False)]
    kernel = WalkTerm("kernel", graph, tuple(scorer_of(graph, walk) for walk in walks))

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    counts = graph.counts
    sources = [Neighbours(Hop("BOUGHT"), normal(PRODUCTS, 4)), Neighbours(Hop("IN_BAND"), normal(counts["Band"], 4))]
    own = Neighbours(None, Own("rows", np.zeros(4, np.float32)))
    known = with_rows(graph, "rows", normal(USERS, 4))
    factors = FactorTerm("factors", known, [*sources, own], normal(PRODUCTS, 4), text_dim=int(rng.integers(0, 5)))
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
                raw += [sum(share for share, _ in lines(graph, walk, user, p).values()) for p in range(PRODUCTS)]
        else:
            assert isinstance(term, FactorTerm | TableTerm)
            for source in term.neighbours:
                if source.is_own:
                    own = source.of_user(term.graph, user)[0].astype(np.float64)
                    raw += term.right.astype(np.float64) @ own  # type: ignore[union-attr]
                    continue
                for node in graph.hops[source.hop].row(user) if source.hop else [0]:
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


@pytest.mark.slow
@settings(max_examples=120, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 2**32 - 1))
def test_lines_add_up_to_the_score_computed_by_hand(seed: int) -> None:
    graph = random_graph(seed, USERS, PRODUCTS, min_group=1 + seed % 3)
    blend, walks = random_blend(graph, seed)
    user = seed % USERS
    expected = scores_by_hand(graph, blend, walks, user)
    ledger = blend.ledger(user, np.arange(PRODUCTS, dtype=np.int32), blend.row(user).scales)
    scale = np.abs(ledger.values).sum(axis=0) + 1e-300
    assert np.all(np.abs(ledger.totals() - blend.row(user).scores) <= 1e-9 * scale)
    assert np.all(np.abs(ledger.totals() - expected) <= 1e-9 * scale)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", KINDS)
def test_lines_of_every_form_add_up_to_its_score(bank: Graph, kind: str, seed: int) -> None:
    term = term_of(kind, bank, seed)
    products, users = np.arange(bank.num_products, dtype=np.int32), np.arange(bank.num_users, dtype=np.int32)
    for user, row in zip(users.tolist(), term.rows(users), strict=True):
        values = term.shares(user, products).values
        assert np.all(np.abs(values.sum(axis=0) - term.scores(user)) <= 1e-12 * np.abs(values).sum(axis=0))
        assert row.tobytes() == term.scores(user).tobytes()


@pytest.mark.parametrize("dim", [1, 3, 64, 300])
def test_scores_of_factors_are_the_products_in_float64(dim: int) -> None:
    """Also where the rows of a user differ much in size."""
    rng = np.random.default_rng(dim)
    graph = random_graph(dim, users=12, products=15)
    sizes = 10.0 ** rng.integers(-5, 5, (2, 15, 1))
    left, right = (rng.normal(size=(2, 15, dim)) * sizes).astype(np.float32)
    term = FactorTerm("factors", graph, [Neighbours(Hop("BOUGHT"), left), Neighbours(Hop("VIEWED"), left)], right)
    for user in range(graph.num_users):
        held = [*graph.hops[Hop("BOUGHT")].row(user), *graph.hops[Hop("VIEWED")].row(user)]
        lines = term.neighbours[0].dense[held].astype(np.float64) @ term.right.astype(np.float64).T
        found = term.scores(user)
        assert np.all(np.abs(found - lines.sum(axis=0)) <= 1e-12 * np.abs(lines).sum(axis=0).max())
        assert np.all(np.abs(found - lines.sum(axis=0)) <= 1e-9 * np.abs(lines).sum(axis=0))


def test_scores_of_als_are_those_of_the_solved_equations(bank: Graph) -> None:
    term = term_of("als", bank)
    assert isinstance(term, AlsTerm)
    factors = term.products.astype(np.float64)
    for user in range(bank.num_users):
        held = [node for _, node in term.edges(user)]
        confidence = np.bincount(held, minlength=len(factors)) if held else np.zeros(len(factors))
        inner = factors.T @ (factors * (1 + term.alpha * confidence)[:, None]) + term.regularization * np.eye(4)
        expected = factors @ np.linalg.inv(inner) @ factors.T @ ((1 + term.alpha) * confidence)
        assert term.scores(user) == pytest.approx(expected, rel=1e-9, abs=1e-12)
