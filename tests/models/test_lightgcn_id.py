"""LightGCN with user vectors: the published propagation, the vectors of users folded in, the known answer."""

import dataclasses

import numpy as np
import pytest
import torch

from graphrec.errors import ModelError
from graphrec.graph.edges.adjacency import Hop
from graphrec.models.matrix import holdings
from graphrec.models.networks.lightgcn_id import PlainLightGCNConfig
from graphrec.models.networks.lightgcn_id.network import FOLD_IN, PlainGCN, fit_lightgcn_id
from tests.models.boards import best_new, check_contract, checkerboard, random_board, same_scores

SMALL = PlainLightGCNConfig(dim=8, epochs=40, batch_size=8, learning_rate=0.05)


def folded_in(held: np.ndarray, network: PlainGCN) -> np.ndarray:
    """e0 of users from their holdings: ridge regression in closed form."""
    sums = held.sum(1), held.sum(0)
    scale = [np.divide(1, np.sqrt(one), where=one > 0, out=np.zeros(len(one))) for one in sums]
    normal = scale[0][:, None] * held * scale[1]
    users = network.users.detach().double().numpy()
    inner = normal.T @ normal + FOLD_IN * np.eye(held.shape[1])
    found: np.ndarray = normal @ np.linalg.solve(inner, normal.T @ users)
    return found


def published(graph, network: PlainGCN, alphas: list[float]) -> np.ndarray:
    """The scores by dense matrices: E = sum over k: alpha_k Ah^k E0, e0 of the users' own layer folded in."""
    held = holdings(graph).toarray().astype(np.float64)
    users, products = held.shape
    adjacency = np.block([[np.zeros((users, users)), held], [held.T, np.zeros((products, products))]])
    scale = np.divide(1, np.sqrt(adjacency.sum(1)), where=adjacency.sum(1) > 0, out=np.zeros(users + products))
    normal = scale[:, None] * adjacency * scale
    start = np.concatenate([folded_in(held, network), network.products.detach().double().numpy()])
    layers = torch.cat([network.users, network.products]).detach().double().numpy()
    own = alphas[0] * start[:users]
    total = alphas[0] * layers
    for alpha in alphas[1:]:
        layers = normal @ layers
        total = total + alpha * layers
    folded = total[:users] - alphas[0] * network.users.detach().double().numpy() + own
    scores: np.ndarray = folded @ total[users:].T
    return scores


@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize("contrast", [0.0, 0.1])
@pytest.mark.parametrize("relevant", [("BOUGHT",), ("BOUGHT", "VIEWED")])
def test_the_term_is_the_published_propagation(num_layers: int, contrast: float, relevant: tuple[str, ...]) -> None:
    graph = random_board(3, relevant=relevant)
    config = dataclasses.replace(SMALL, num_layers=num_layers, contrast=contrast, spectral_start=False)
    network = PlainGCN(graph, config)
    degrees = holdings(graph).sum(axis=1)
    expected = published(graph, network, config.layer_weights(num_layers)) * np.sqrt(degrees)[:, None]
    found = network.term(graph).batch(np.arange(graph.num_users, dtype=np.int32))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


def test_no_line_is_the_users_own() -> None:
    graph = random_board(3)
    term = PlainGCN(graph, SMALL).term(graph)
    check_contract(term, graph)
    shares = term.shares(4, np.array([1, 7], np.int32))
    assert [shares.groups[place].kind for place in shares.group] == ["similarity"] * len(graph.held().row(4))


def test_pairs_of_too_few_customers_say_nothing() -> None:
    graph = random_board(3)
    roles = dataclasses.replace(graph.schema.roles, min_group=3)
    graph = dataclasses.replace(graph, schema=dataclasses.replace(graph.schema, roles=roles))
    term = fit_lightgcn_id(graph, dataclasses.replace(SMALL, epochs=2)).term
    check_contract(term, graph)
    held = holdings(graph).toarray()
    few = held.T @ held < 3
    everything = np.arange(graph.num_products, dtype=np.int32)
    for user in range(graph.num_users):
        shares = term.shares(user, everything)
        assert not shares.values[few[shares.via]].any()
        assert shares.values[~few[shares.via]].any() == (~few[shares.via]).any()


def test_with_contrast_no_part_of_a_score_is_the_users_own() -> None:
    graph = random_board(3)
    term = fit_lightgcn_id(graph, dataclasses.replace(SMALL, epochs=1, contrast=0.1)).term
    assert {group.kind for group in term.shares(0, np.array([1], np.int32)).groups} == {"similarity"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [{}, {"loss": "bpr", "epochs": 80}, {"loss": "sampled", "negatives": 30}, {"loss": "in-batch"}, {"contrast": 0.1},
     {"num_layers": 1}, {"num_layers": 3}, {"spectral_start": False, "epochs": 80}],
)  # fmt: skip
def test_the_withheld_product_of_a_checkerboard_comes_back(change: dict) -> None:
    graph = checkerboard()
    fitted = fit_lightgcn_id(graph, dataclasses.replace(SMALL, **change))
    best = best_new(fitted.term, graph)
    assert best.tolist() == list(range(16))


def test_one_product_is_the_gradient_of_the_other() -> None:
    graph = random_board(5)
    messages = PlainGCN(graph, SMALL).messages
    rows = torch.randn(graph.num_products, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    weights = torch.arange(3.0 * graph.num_users).reshape(-1, 3)
    (gradient,) = torch.autograd.grad((weights * messages(rows)).sum(), rows)
    torch.testing.assert_close(gradient, messages.back(weights))


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    graph = random_board(8)
    config = dataclasses.replace(SMALL, epochs=3, contrast=0.1)
    first, again = (fit_lightgcn_id(graph, config).term for _ in range(2))
    assert same_scores(first, again, graph)
    assert not same_scores(first, fit_lightgcn_id(graph, dataclasses.replace(config, seed=1)).term, graph)


def test_who_holds_nothing_has_no_vector() -> None:
    graph = random_board(6)
    adjacency = graph.hops[Hop("BOUGHT")]
    rows = np.repeat(np.arange(graph.num_users), adjacency.degrees())
    kept = (rows != 2) & (adjacency.indices != 5)
    indptr = np.concatenate(([0], np.cumsum(np.bincount(rows[kept], minlength=graph.num_users))))
    graph.hops[Hop("BOUGHT")] = type(adjacency)(indptr, adjacency.indices[kept])
    graph.hops[Hop("BOUGHT", True)] = graph.hops[Hop("BOUGHT")].transposed(graph.num_products)
    for start in (True, False):
        term = fit_lightgcn_id(graph, dataclasses.replace(SMALL, epochs=2, spectral_start=start)).term
        assert not term.scores(2).any()
        assert not term.right[5].any()


def test_nothing_to_learn_from_is_said() -> None:
    graph = random_board(9)
    adjacency = graph.hops[Hop("BOUGHT")]
    graph.hops[Hop("BOUGHT")] = type(adjacency)(np.zeros_like(adjacency.indptr), adjacency.indices[:0])
    graph.hops[Hop("BOUGHT", True)] = graph.hops[Hop("BOUGHT")].transposed(24)
    with pytest.raises(ModelError) as caught:
        fit_lightgcn_id(graph, SMALL)
    assert str(caught.value) == (
        "lightgcn-id has nothing to learn from: no user holds a product; load interactions first"
    )
