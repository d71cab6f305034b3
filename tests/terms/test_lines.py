"""Many users at once: the same scores and the same lines, to the bit, as one user after another."""

import math
from dataclasses import replace

import numpy as np
import pytest

from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.models.walks.kernel import fit_walk, scorer_of
from graphrec.terms import compiled
from graphrec.terms.base import Term
from graphrec.terms.forms.blend import Blend
from graphrec.terms.forms.factors import FactorTerm, Neighbours, Own, SparseRows, TableTerm, exact_rows, with_rows
from graphrec.terms.ledger import Ledger
from graphrec.terms.walks import PeopleScorer, WalkTerm
from tests.terms.graphs import random_graph, random_walks


def random_blend(graph: Graph, seed: int) -> Blend:
    """All 14 kinds of walks, half of them multiplied out, factors with a text part, a dense and a sparse table."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    counts, products = graph.counts, graph.num_products
    walks = random_walks(seed)
    plain = WalkTerm("plain", graph, tuple(scorer_of(graph, walk) for walk in walks))
    tables = [WalkTerm("table", graph, (fit_walk(graph, replace(walk, beta=1.0)),)) for walk in walks]
    sources = [
        Neighbours(Hop("BOUGHT"), normal(products, 6)),
        Neighbours(Hop("IN_BAND"), normal(counts["Band"], 6)),
        Neighbours(None, Own("rows", normal(6))),
        Neighbours(None, normal(1, 6)),
    ]
    known = with_rows(graph, "rows", normal(counts["User"], 6))
    factors = FactorTerm("factors", known, sources, normal(products, 6), text_dim=int(rng.integers(0, 7)))
    dense = TableTerm("ease", graph, [Neighbours(Hop("VIEWED"), normal(products, products))])
    indptr, indices = np.arange(products + 1), rng.integers(0, products, products).astype(np.int32)
    sparse = TableTerm(
        "itemknn", graph, [Neighbours(Hop("BOUGHT"), SparseRows(indptr, indices, normal(products), products))]
    )
    terms: list[Term] = [plain, factors, dense, *tables, sparse]
    weights = rng.uniform(0, 2, len(terms))
    weights[3] = 0.0
    return Blend(terms, weights.tolist())


def products_of(graph: Graph, rng: np.random.Generator) -> list[np.ndarray]:
    """Some products for every user: none, one, all, in any order."""
    return [
        rng.permutation(graph.num_products)[: rng.integers(0, graph.num_products + 1)].astype(np.int32)
        for _ in range(graph.num_users)
    ]


def assert_same(found: Ledger, expected: Ledger) -> None:
    """The same lines in the same order, to the bit."""
    assert found.values.shape == expected.values.shape
    assert found.values.tobytes() == expected.values.tobytes()
    for name in ("term", "via", "mid"):
        assert getattr(found, name).tolist() == getattr(expected, name).tolist()
    assert [found.groups[n] for n in found.group] == [expected.groups[n] for n in expected.group]
    assert found.totals().tobytes() == expected.totals().tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(80))
def test_batches_are_single_answers_to_the_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_graph(seed, int(rng.integers(2, 12)), int(rng.integers(2, 10)), min_group=1 + seed % 3)
    blend = random_blend(graph, seed)
    users = rng.permutation(graph.num_users).astype(np.int32)
    rows = blend.rows(users)
    for user, row in zip(users, rows, strict=True):
        single = blend.row(int(user))
        assert row.scales.tobytes() == single.scales.tobytes()
        assert row.scores.tobytes() == single.scores.tobytes()
    wanted = products_of(graph, rng)
    for user, products, row, found in zip(
        users, wanted, rows, blend.ledgers(users, wanted, np.stack([row.scales for row in rows])), strict=True
    ):
        assert_same(found, blend.ledger(int(user), products, row.scales))


def test_lines_through_people_are_the_same_where_rows_are_read_whole_and_where_products_are_looked_up() -> None:
    graph = random_graph(11, 24, 40)
    walks = [walk for walk in random_walks(11) if str(walk) in ("BOUGHT <BOUGHT BOUGHT", "IN_BAND <IN_BAND BOUGHT")]
    term = WalkTerm("people", graph, tuple(fit_walk(graph, walk) for walk in walks))
    longest = [int(np.diff(one.table.rows.indptr).max()) for one in term.scorers if isinstance(one, PeopleScorer)]
    assert len(longest) == 2
    assert min(longest) > 16, "rows of a table that are long for one product"
    blend, users = Blend([term], [1.0]), np.arange(24, dtype=np.int32)
    scales = np.stack([row.scales for row in blend.rows(users)])
    for width in (1, 40):
        wanted = [np.arange(width, dtype=np.int32)] * len(users)
        for user, found in enumerate(blend.ledgers(users, wanted, scales)):
            assert_same(found, blend.ledger(user, wanted[user], scales[user]))


def test_factors_are_rounded_so_that_their_products_add_up_without_rounding() -> None:
    rng = np.random.default_rng(3)
    values = (rng.normal(size=(6, 300)) * 10.0 ** rng.integers(-12, 12, (6, 1))).astype(np.float32)
    values[0] = 0.0
    rounded = exact_rows(values)
    assert rounded.dtype == np.float32
    assert np.array_equal(rounded, exact_rows(rounded))
    assert np.all(np.abs(rounded - values) <= 2.0**-21 * np.abs(values).max(axis=1, keepdims=True))
    for left, right in zip(rounded.astype(np.float64), rounded[::-1].astype(np.float64), strict=True):
        assert float(np.dot(left, right)) == math.fsum(left * right) == sum((left * right)[::-1].tolist())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200, 210))
def test_without_numba_batches_are_the_same_bits(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(seed)
    graph = random_graph(seed, 9, 8, min_group=1 + seed % 3)
    users, wanted = np.arange(9, dtype=np.int32), products_of(graph, rng)

    def made() -> tuple[bytes, list[bytes], list[Ledger]]:
        blend = random_blend(graph, seed)
        rows = blend.rows(users)
        ledgers = blend.ledgers(users, wanted, np.stack([row.scales for row in rows]))
        return blend.batch(users).tobytes(), [row.scores.tobytes() for row in rows], ledgers

    expected = made()
    monkeypatch.setattr(compiled, "is_there", lambda: False)
    found = made()
    assert found[:2] == expected[:2]
    for one, other in zip(found[2], expected[2], strict=True):
        assert_same(one, other)
