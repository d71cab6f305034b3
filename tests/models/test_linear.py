"""Spectral, EASE, item-kNN and text against their definitions, in dense arithmetic."""

import numpy as np
import pytest

from graphrec.errors import ModelError
from graphrec.features.blocks import Blocks
from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.models.content.text import fit_text
from graphrec.models.factors.spectral import SpectralConfig, fit_spectral, leading_patterns
from graphrec.models.inputs import Inputs
from graphrec.models.tables.ease import EaseConfig, fit_ease
from graphrec.models.tables.itemknn import ItemKnnConfig
from graphrec.models.tables.itemknn.neighbours import fit_itemknn
from graphrec.terms.forms.factors import SparseRows
from tests.models.boards import random_board


def dense(graph: Graph, hop: str) -> np.ndarray:
    matrix = np.zeros((graph.counts[graph.source(Hop(hop))], graph.counts[graph.target(Hop(hop))]))
    for row in range(len(matrix)):
        matrix[row, graph.hops[Hop(hop)].row(row)] = 1
    return matrix


def scores(term, graph: Graph) -> np.ndarray:
    return np.array([term.scores(user) for user in range(graph.num_users)])


@pytest.mark.parametrize("relevant", [("BOUGHT",), ("BOUGHT", "VIEWED")])
def test_spectral_equals_the_exact_decomposition(relevant: tuple[str, ...]) -> None:
    graph = random_board(4, relevant=relevant)
    R = sum(dense(graph, name) for name in relevant)
    users, products = R.sum(axis=1), R.sum(axis=0)
    assert products.all()
    N = R / np.sqrt(np.maximum(users, 1))[:, None] / np.sqrt(products)
    _, strengths, Vt = np.linalg.svd(N)
    config = SpectralConfig(dim=5, max_share=1.0, iterations=60, min_strength=0.0)
    V = leading_patterns(graph, 5, config).vectors
    np.testing.assert_allclose(V @ V.T, Vt[:5].T @ Vt[:5], atol=1e-5)
    assert strengths[4] - strengths[5] > 0.001
    expected = R @ (Vt[:5].T @ Vt[:5] / np.sqrt(products)[:, None] * np.sqrt(products))
    np.testing.assert_allclose(scores(fit_spectral(graph, config), graph), expected, atol=2e-5)


@pytest.mark.parametrize(("products", "dim"), [(3, 3), (24, 4), (400, 50), (100_000, 512)])
def test_the_number_of_patterns_follows_the_catalogue(products: int, dim: int) -> None:
    assert SpectralConfig().dim_for(products) == dim


def test_spectral_keeps_no_more_patterns_than_the_rank() -> None:
    graph = random_board(0, users=3)
    assert leading_patterns(graph, 10, SpectralConfig()).vectors.shape == (24, 3)


def test_ease_equals_its_closed_form() -> None:
    graph = random_board(6)
    X = dense(graph, "BOUGHT")
    P = np.linalg.inv(X.T @ X + 7 * np.eye(24))
    B = -P / np.diag(P)
    np.fill_diagonal(B, 0)
    term = fit_ease(graph, EaseConfig(regularization=7, attributes=False))
    np.testing.assert_allclose(scores(term, graph), X @ B, atol=1e-5)


def test_ease_with_attributes_and_two_types_is_the_constrained_least_squares() -> None:
    graph = random_board(7, relevant=("BOUGHT", "VIEWED"))
    X = np.hstack([dense(graph, name) for name in ("BOUGHT", "VIEWED", "IN_BAND")])
    Y = np.minimum(dense(graph, "BOUGHT") + dense(graph, "VIEWED"), 1)
    B = np.zeros((X.shape[1], 24))
    for product in range(24):
        kept = np.setdiff1d(np.arange(X.shape[1]), [product, 24 + product])
        gram = X[:, kept].T @ X[:, kept] + 3 * np.eye(len(kept))
        B[kept, product] = np.linalg.solve(gram, X[:, kept].T @ Y[:, product])
    term = fit_ease(graph, EaseConfig(regularization=3))
    assert [str(source.hop) for source in term.neighbours] == ["BOUGHT", "VIEWED", "IN_BAND"]
    np.testing.assert_allclose(scores(term, graph), X @ B, atol=1e-5)


def test_ease_with_weighted_users_is_weighted_least_squares() -> None:
    graph = random_board(6)
    X = dense(graph, "BOUGHT")
    degrees = X.sum(axis=1)
    assert degrees.all()
    weights = (degrees / degrees.mean()) ** -0.5
    P = np.linalg.inv(X.T @ (weights[:, None] * X) + 7 * np.eye(24))
    B = -P / np.diag(P)
    np.fill_diagonal(B, 0)
    term = fit_ease(graph, EaseConfig(regularization=7, user_power=0.5, attributes=False))
    np.testing.assert_allclose(scores(term, graph), X @ B, atol=1e-5)


def test_ease_with_all_powers_is_least_squares_of_scaled_rows_and_columns() -> None:
    graph = random_board(7)
    X, Y = np.hstack([dense(graph, "BOUGHT"), dense(graph, "IN_BAND")]), dense(graph, "BOUGHT")
    users, columns, products = (counts / counts.mean() for counts in (Y.sum(axis=1), X.sum(axis=0), Y.sum(axis=0)))
    assert np.concatenate([users, columns]).all()
    inputs, root = X * users[:, None] ** -0.4, users[:, None] ** -0.15
    W = np.zeros((X.shape[1], 24))
    for product in range(24):
        kept = np.delete(np.arange(X.shape[1]), product)
        A = np.vstack([root * inputs[:, kept], np.diag(np.sqrt(3) * columns[kept] ** 0.1)])
        B = np.linalg.lstsq(A, np.append(root[:, 0] * Y[:, product], np.zeros(len(kept))))[0]
        W[kept, product] = B * (columns[kept] * products[product]) ** -0.1
    config = EaseConfig(regularization=3, user_power=0.3, holdings_power=0.4, popularity_power=0.1)
    np.testing.assert_allclose(scores(fit_ease(graph, config), graph), X @ W, atol=1e-5)


def test_ease_takes_protected_attributes_only_when_asked() -> None:
    term = fit_ease(random_board(7), EaseConfig(use_protected=True))
    assert [str(source.hop) for source in term.neighbours] == ["BOUGHT", "HAS_SEX", "IN_BAND"]


@pytest.mark.parametrize("nearest", [6, 100])
def test_ease_of_a_large_catalogue_is_least_squares_over_the_nearest_columns(nearest: int) -> None:
    graph = random_board(7)
    X, Y = np.hstack([dense(graph, "BOUGHT"), dense(graph, "IN_BAND")]), dense(graph, "BOUGHT")
    cosine = X.T @ Y / np.sqrt(np.maximum(X.sum(axis=0), 1))[:, None]
    np.fill_diagonal(cosine, 0)
    B = np.zeros_like(cosine)
    for product in range(24):
        kept = np.argsort(-cosine[:, product], kind="stable")[:nearest]
        kept = kept[cosine[kept, product] > 0]
        gram = X[:, kept].T @ X[:, kept] + 3 * np.eye(len(kept))
        B[kept, product] = np.linalg.solve(gram, X[:, kept].T @ Y[:, product])
    term = fit_ease(graph, EaseConfig(regularization=3, max_columns=20, nearest=nearest))
    assert all(isinstance(source.left, SparseRows) for source in term.neighbours)
    np.testing.assert_allclose(scores(term, graph), X @ B, atol=1e-5)


@pytest.mark.slow
def test_itemknn_keeps_the_nearest_by_cosine() -> None:
    graph = random_board(8)
    X = dense(graph, "BOUGHT")
    norms = np.sqrt(X.sum(axis=0))
    cosine = X.T @ X / (np.outer(norms, norms) + 2)
    np.fill_diagonal(cosine, 0)
    expected = np.zeros_like(cosine)
    for product in range(24):
        best = np.argsort(-cosine[product], kind="stable")[:5]
        expected[product, best] = cosine[product, best]
    term = fit_itemknn(graph, ItemKnnConfig(neighbours=5, shrinkage=2))
    left = term.neighbours[0].left
    assert isinstance(left, SparseRows)
    found = left.at(np.arange(24, dtype=np.int32), np.arange(24, dtype=np.int32))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert (left.values > 0).all()


def test_text_is_the_cosine_of_centred_texts() -> None:
    graph = random_board(9)
    rng = np.random.default_rng(0)
    products = rng.standard_normal((24, 6)).astype(np.float32) + 5
    products[3] = 0
    users = rng.standard_normal((40, 6)).astype(np.float32) + 5
    present = np.arange(24) != 3
    centre = products[present].mean(axis=0)
    unit = np.where(present[:, None], (products - centre) / np.linalg.norm(products - centre, axis=1, keepdims=True), 0)
    own = (users - centre) / np.linalg.norm(users - centre, axis=1, keepdims=True)
    term = fit_text(graph, Inputs(blocks=Blocks.of("text", {"Product": products, "User": users})))
    X = dense(graph, "BOUGHT")
    np.testing.assert_allclose(scores(term, graph), (X @ unit + own) @ unit.T, atol=2e-5)
    shares = term.shares(0, np.array([1, 3], np.int32))
    assert {(group.kind, group.part) for group in shares.groups} == {("similarity", "text")}
    assert shares.values[:, 1].tolist() == [0.0] * len(shares.via)


def test_text_without_product_texts_says_what_to_do() -> None:
    with pytest.raises(ModelError) as caught:
        fit_text(random_board(9), Inputs())
    assert str(caught.value) == (
        "the text term needs text vectors of Product, none were given; "
        "name text columns under [nodes.Product] and run: graphrec embed"
    )
