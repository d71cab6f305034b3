"""The Chebyshev filter against its definition, in dense arithmetic."""

from dataclasses import replace

import numpy as np
import pytest

from graphrec.graph.edges.adjacency import Graph
from graphrec.models.factors.chebyshev import ChebyshevConfig, coefficients, fit_chebyshev
from graphrec.terms.base import Term
from graphrec.terms.forms.compound import SumTerm
from graphrec.terms.forms.factors import SparseRows, TableTerm
from tests.models.boards import random_board
from tests.models.test_linear import dense
from tests.privacy.moved import bank
from tests.privacy.test_solved import counts

CONFIG = ChebyshevConfig(patterns=4, degree=6)


def normal(graph: Graph, relevant: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """R, the holders of products, and N^T N."""
    R = np.asarray(sum(dense(graph, name) for name in relevant))
    users, products = np.maximum(R.sum(axis=1), 1), np.maximum(R.sum(axis=0), 1)
    N = R / np.sqrt(users)[:, None] / np.sqrt(products)
    return R, products, N.T @ N


def weights(term: Term, graph: Graph) -> np.ndarray:
    """W of the purchases, by the lines of users who hold a product."""
    found = np.zeros((graph.num_products, graph.num_products))
    for user in range(graph.num_users):
        shares = term.shares(user, np.arange(graph.num_products, dtype=np.int32))
        found[shares.via] = shares.values
    return found


@pytest.mark.parametrize("relevant", [("BOUGHT",), ("BOUGHT", "VIEWED")])
def test_the_filter_is_its_recurrence(relevant: tuple[str, ...]) -> None:
    graph = random_board(4, relevant=relevant)
    R, products, G = normal(graph, relevant)
    K, phi = CONFIG.degree, CONFIG.steepness
    wanted = [0.5 - 0.5 * np.sign(x) * abs(x) ** phi for x in np.cos(np.arange(K, -1, -1) * np.pi / K)]
    y = np.cos((K + 1.5 - np.arange(1, K + 2)) * np.pi / (K + 1))
    c = [2 / (K + 1) * sum(np.cos(k * np.arccos(y)) * wanted) for k in range(K + 1)]
    c[0] /= 2
    np.testing.assert_allclose(coefficients(CONFIG), c, atol=1e-12)
    L = np.eye(24) - 2 * G
    T = [np.eye(24), L]
    while len(T) <= K:
        T.append(2 * L @ T[-1] - T[-2])
    V = np.linalg.eigh(G)[1][:, -4:]
    F = sum(one * matrix for one, matrix in zip(c, T, strict=True)) + CONFIG.more * V @ V.T
    W = products[:, None] ** -CONFIG.power * F * products**CONFIG.power
    np.fill_diagonal(W, 0)
    term = fit_chebyshev(graph, CONFIG)
    np.testing.assert_allclose([term.scores(user) for user in range(graph.num_users)], R @ W, atol=2e-5)


def test_above_the_bounds_it_is_the_closed_form_and_a_straight_line() -> None:
    graph = random_board(4)
    config = replace(CONFIG, most_whole=1, most_dense=1)
    term, table = fit_chebyshev(graph, config), fit_chebyshev(graph, replace(config, most_dense=24))
    assert isinstance(term, SumTerm)
    assert isinstance(table, TableTerm)
    found = weights(term, graph)
    assert np.abs(np.diag(found)).max() < 1e-6
    np.testing.assert_allclose(found, weights(table, graph), atol=1e-5)
    # Pairs that nobody holds together are said nothing of but by the patterns.
    sparse = term.parts[1].neighbours[0].left
    assert isinstance(sparse, SparseRows)
    together = counts(graph) > 0
    assert len(sparse.values) == together.sum() < together.size


def test_what_the_line_leaves_out_is_small() -> None:
    graph = random_board(2, users=400, products=48)
    whole = weights(fit_chebyshev(graph), graph)
    closed = weights(fit_chebyshev(graph, ChebyshevConfig(most_whole=1)), graph)
    assert np.abs(closed - whole).mean() < 0.05 * np.abs(whole).mean()
    assert np.corrcoef(closed.ravel(), whole.ravel())[0, 1] > 0.998


@pytest.mark.parametrize("most_dense", [1, 12_000])
def test_with_groups_only_supported_pairs_speak(most_dense: int) -> None:
    graph, _ = bank(0)
    term = fit_chebyshev(graph, ChebyshevConfig(most_whole=1, most_dense=most_dense))
    found = weights(term, graph)
    few = counts(graph) < 5
    assert not found[few].any()
    assert (found[~few & ~np.eye(len(few), dtype=np.bool_)] != 0).mean() > 0.9


def test_products_without_holders_are_said_nothing_of() -> None:
    graph = random_board(0, users=3)
    term = fit_chebyshev(graph)
    empty = ~dense(graph, "BOUGHT").any(axis=0)
    assert empty.any()
    assert not np.array([term.scores(user)[empty] for user in range(3)]).any()
