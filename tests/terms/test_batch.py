"""What only batches need: rows of spread one."""

import numpy as np
import pytest

from graphrec.graph.edges.adjacency import Hop
from graphrec.terms import compiled
from graphrec.terms.base import standardise
from graphrec.terms.compiled import scores as compiled_scores
from graphrec.terms.compiled.scores import standardise_rows, sum_of_dense
from graphrec.terms.forms.factors import FactorTerm, Neighbours
from tests.terms.graphs import random_graph


def test_rows_get_spread_one_times_the_weight_and_rows_without_spread_become_zero() -> None:
    rng = np.random.default_rng(0)
    for num_products in (1, 2, 3, 7, 40):
        scores = (5 + rng.standard_normal((6, num_products))).astype(np.float32)
        scores[2] = 0.3
        scores[3] = -1e6
        expected = scores.astype(np.float64)
        spread = expected.std(axis=1, keepdims=True)
        varied = (spread > 1e-9).ravel()
        standardise_rows(scores, 2.5)
        wanted = 2.5 * expected / np.where(spread > 0, spread, 1)
        np.testing.assert_allclose(scores[varied], wanted[varied], rtol=1e-6)
        assert not scores[~varied].any()
        assert not scores[[2, 3]].any()


@pytest.mark.parametrize("num_products", [1, 2, 3, 4, 7, 40, 1001])
def test_without_numba_rows_are_standardised_to_the_same_bits(
    num_products: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = (5 + np.random.default_rng(num_products).standard_normal((6, num_products))).astype(np.float32)
    scores[2] = 0.3
    expected = scores.copy()
    standardise_rows(expected, 0.7)
    monkeypatch.setattr(compiled, "is_there", lambda: False)
    standardise(scores, 0.7)
    assert scores.tobytes() == expected.tobytes()


def test_factors_are_standardised_without_looking_at_their_scores() -> None:
    graph = random_graph(4, users=9, products=30)
    rng = np.random.default_rng(4)
    left, right = rng.normal(size=(2, 30, 5)).astype(np.float32)
    users = np.arange(9, dtype=np.int32)
    term = FactorTerm("factors", graph, [Neighbours(Hop("BOUGHT"), left)], right + 3)
    expected = term.batch(users)
    standardise_rows(expected, 0.7)
    np.testing.assert_allclose(term.standardised(users, 0.7), expected, rtol=1e-4, atol=1e-5)
    same = FactorTerm("same", graph, [Neighbours(Hop("BOUGHT"), left)], np.ones_like(right))
    assert not same.standardised(users, 0.7).any()


def test_fitted_arrays_and_those_of_a_folder_share_a_compilation() -> None:
    graph = random_graph(2)
    held, users = graph.hops[Hop("BOUGHT")], np.arange(graph.num_users, dtype=np.int32)
    fitted = np.random.default_rng(2).standard_normal((graph.num_products, 5)).astype(np.float32)
    opened = fitted.copy()
    opened.flags.writeable = False
    expected = sum_of_dense(held, users, fitted)
    compiled_once = len(compiled_scores._sum_dense.signatures)
    assert sum_of_dense(held, users, opened).tobytes() == expected.tobytes()
    assert len(compiled_scores._sum_dense.signatures) == compiled_once
    assert fitted.flags.writeable
