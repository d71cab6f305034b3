"""ALS: each half solves its least squares, the known answer, users solved from what they hold."""

from dataclasses import replace

import numpy as np
import pytest

from graphrec.graph.edges.adjacency import Hop
from graphrec.models.factors.als import AlsConfig, fit_als, trials
from graphrec.models.matrix import holdings
from graphrec.terms.compiled.least_squares import near_rows, solve_rows
from tests.models.boards import best_new, check_contract, checkerboard, random_board, same_scores

SMALL = AlsConfig(dim=4, alpha=5.0, regularization=0.5)


def test_the_withheld_product_of_a_checkerboard_comes_back() -> None:
    graph = checkerboard()
    assert best_new(fit_als(graph, SMALL), graph).tolist() == list(range(16))


@pytest.mark.parametrize("relevant", [("BOUGHT",), ("BOUGHT", "VIEWED")])
def test_batch_single_and_shares_agree(relevant: tuple[str, ...]) -> None:
    graph = random_board(3, relevant=relevant)
    term = fit_als(graph, SMALL)
    check_contract(term, graph)
    groups = term.shares(0, np.array([1], np.int32)).groups
    assert [(group.kind, str(group.hop), group.part) for group in groups] == [
        ("similarity", name, "learned") for name in relevant
    ]


@pytest.mark.parametrize("relevant", [("BOUGHT",), ("BOUGHT", "VIEWED")])
def test_a_half_is_weighted_least_squares(relevant: tuple[str, ...]) -> None:
    """x_u of the normal equations with all products: (Y^T C Y + lambda I) x = Y^T C p, an edge an observation."""
    graph = random_board(4, relevant=relevant)
    held = holdings(graph)
    factors = np.random.default_rng(0).standard_normal((graph.num_products, 4))
    term = fit_als(graph, SMALL)
    term = replace(term, products=factors.astype(np.float32))
    factors = term.products.astype(np.float64)
    for user, counts in enumerate(held.toarray()):
        confidence = np.diag(1 + 5.0 * counts)
        wanted = factors.T @ ((1 + 5.0) * counts)
        expected = np.linalg.solve(factors.T @ confidence @ factors + 0.5 * np.eye(4), wanted)
        np.testing.assert_allclose(term.scores(user), factors @ expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("products", "widths"), [(6, {2}), (21, {2, 7}), (60, {7, 20}), (192, {64})])
def test_vectors_are_much_narrower_than_a_small_catalogue(products: int, widths: set[int]) -> None:
    assert {values["dim"] for values in trials(random_board(0, products=products))} == widths


def test_steps_of_conjugate_gradients_reach_what_is_solved_exactly() -> None:
    """In as many steps as a vector is wide, from any start; each step comes nearer."""
    rng = np.random.default_rng(0)
    indptr = np.array([0, 3, 3, 8, 12])
    indices, factors = rng.integers(0, 9, 12), rng.standard_normal((9, 4))
    gram = factors.T @ factors + 0.5 * np.eye(4)
    exact = solve_rows(indptr, indices, factors, gram, 5.0)
    begin, errors = rng.standard_normal(exact.shape), []
    for steps in range(5):
        found = begin.copy()
        near_rows(indptr, indices, factors, gram, 5.0, found, steps)
        errors.append(float(np.abs(found - exact).max()))
    np.testing.assert_allclose(found, exact, atol=1e-9)
    assert errors[4] < errors[2] < errors[0]
    assert found[1].tolist() == [0.0] * 4


def test_a_row_without_factors_is_zero_and_the_user_is_not_known() -> None:
    found = solve_rows(np.array([0, 0, 1]), np.array([0]), np.array([[2.0]]), np.array([[1.0]]), 1.0)
    assert found.tolist() == [[0.0], [2 * 2.0 / (1 + 4)]]
    graph = random_board(5)
    adjacency = graph.hops[Hop("BOUGHT")]
    kept = np.repeat(np.arange(graph.num_users), adjacency.degrees()) != 2
    degrees = np.where(np.arange(graph.num_users) == 2, 0, adjacency.degrees())
    graph.hops[Hop("BOUGHT")] = type(adjacency)(np.concatenate(([0], np.cumsum(degrees))), adjacency.indices[kept])
    graph.hops[Hop("BOUGHT", True)] = graph.hops[Hop("BOUGHT")].transposed(graph.num_products)
    term = fit_als(graph, SMALL)
    assert (term.knows(2), term.knows(3)) == (False, True)
    assert not term.scores(2).any()
    assert len(term.shares(2, np.array([1], np.int32)).via) == 0


def test_the_same_seed_gives_the_same_bytes() -> None:
    graph = random_board(5)
    assert same_scores(fit_als(graph, SMALL), fit_als(graph, SMALL), graph)
