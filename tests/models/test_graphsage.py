"""GraphSAGE: sampling, the known answer, one arithmetic in training and serving, gradients as torch has them."""

import dataclasses

import numpy as np
import pytest
import torch

from graphrec.errors import ModelError
from graphrec.features.blocks import Blocks
from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.models.fitting.steps import StepSource
from graphrec.models.inputs import Inputs
from graphrec.models.networks.graphsage import GraphSageConfig
from graphrec.models.networks.graphsage.network import HeteroSAGE, fit_graphsage
from graphrec.models.networks.graphsage.sampling import fixed_sample, sampled_block
from graphrec.models.networks.lightgcn.network import message_hops
from graphrec.terms.sage.gradients import Gradients, integrated_gradients
from graphrec.terms.sage.term import SageTerm
from tests.models.boards import best_new, check_contract, checkerboard, random_board, same_scores

SMALL = GraphSageConfig(dim=8, epochs=60, batch_size=8, learning_rate=0.02)


def texts(graph: Graph) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {label: rng.standard_normal((graph.counts[label], 6)).astype(np.float32) for label in ("Product", "User")}


def trained(graph: Graph, given: dict | None = None, **change: object) -> SageTerm:
    config = dataclasses.replace(SMALL, **{"epochs": 3, **change})
    return fit_graphsage(graph, config, Inputs(blocks=Blocks.of("text", given or {}))).term


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["full", "in-batch"])
def test_a_product_of_the_users_parity_comes_first(loss: str) -> None:
    graph = checkerboard()
    fitted = fit_graphsage(graph, dataclasses.replace(SMALL, loss=loss))
    assert (best_new(fitted.term, graph) % 2).tolist() == [user % 2 for user in range(16)]
    assert fitted.losses[-1] < 0.8 * fitted.losses[0]


@pytest.mark.slow
@pytest.mark.parametrize("fanout", [2, 25])
@pytest.mark.parametrize("relevant", [("BOUGHT",), ("BOUGHT", "VIEWED")])
def test_batch_single_and_shares_agree(fanout: int, relevant: tuple[str, ...]) -> None:
    graph = random_board(3, relevant=relevant)
    for given in (None, texts(graph)):
        term = trained(graph, given, fanout=fanout)
        check_contract(term, graph)
        groups = term.shares(0, np.array([1], np.int32)).groups
        assert {group.kind for group in groups} == {"nonlinear"}
        assert {str(group.hop) for group in groups} <= {"None", "BOUGHT", "VIEWED", "IN_BAND"}


def test_what_is_served_is_what_the_network_computes() -> None:
    graph = random_board(4)
    blocks = Blocks.of("text", texts(graph))
    network = HeteroSAGE(graph, blocks, dataclasses.replace(SMALL, fanout=99))
    roots = {"User": np.arange(graph.num_users), "Product": np.arange(graph.num_products)}
    block = sampled_block(graph, graph.hops, network.hops, roots, 99, np.random.default_rng(0))
    with torch.no_grad():
        vectors = network.encode(block)
    term = network.term(graph)
    np.testing.assert_allclose(term.products, vectors["Product"].numpy(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        [term.scores(user) for user in range(graph.num_users)],
        (vectors["User"] @ vectors["Product"].T).numpy(), rtol=1e-4, atol=1e-6,
    )  # fmt: skip


def test_at_most_the_fan_out_is_sampled_and_only_what_is_there() -> None:
    graph = random_board(6)
    hops = message_hops(graph, use_protected=False)
    (sampled, order), (again, _) = (fixed_sample(graph, hops, 3, seed=1) for _ in range(2))
    assert {str(hop) for hop in order} == {"BOUGHT", "VIEWED", "IN_BAND"}
    for hop in hops:
        whole = graph.hops[hop]
        assert sampled[hop].degrees().tolist() == np.minimum(whole.degrees(), 3).tolist()
        assert all(set(sampled[hop].row(node)) <= set(whole.row(node)) for node in range(len(whole.indptr) - 1))
        assert sampled[hop].indices.tobytes() == again[hop].indices.tobytes()
    other, _ = fixed_sample(graph, hops, 3, seed=2)
    assert any(sampled[hop].indices.tobytes() != other[hop].indices.tobytes() for hop in hops)


def test_the_vectors_of_a_steps_users_do_not_know_their_targets() -> None:
    graph = random_board(6)
    network = HeteroSAGE(graph, Blocks(), SMALL)
    source = StepSource(graph, network.hops, 0.4, whole=True)
    rng = np.random.default_rng(0)
    step = source.draw(np.array([2], np.int32), rng)
    block = sampled_block(graph, step.whole, network.hops, {"User": np.array([2])}, 99, rng)
    near = {
        str(hop): set(block.nodes["Product"][pairs[0]]) for hop, pairs in block.second.items() if hop.type != "IN_BAND"
    }
    hidden = set(step.targets.products.tolist())
    assert hidden
    assert all(not products & hidden for products in near.values())
    for hop in (Hop("BOUGHT", True), Hop("VIEWED", True)):
        senders, receivers = block.first[hop]
        sampled = {
            (int(block.nodes["Product"][b]), int(block.nodes["User"][a]))
            for a, b in zip(senders, receivers, strict=True)
        }
        assert not sampled & {(product, 2) for product in hidden}


def edge_masks(term: SageTerm, user: int, product: int, t: float) -> tuple[float, dict[tuple[str, int, int], float]]:
    """s(m = t) and ds/dm of every edge, with torch and one mask value per edge."""
    graph, network = term.graph, term.network
    masks: dict[tuple[str, int, int], torch.Tensor] = {}

    def mask(hop: Hop, receiver: int, sender: int) -> torch.Tensor:
        ends = (sender, receiver) if hop.reverse else (receiver, sender)
        key = (hop.type, int(ends[0]), int(ends[1]))
        if key not in masks:
            masks[key] = torch.tensor(t, dtype=torch.float64, requires_grad=True)
        return masks[key]

    def tensor(values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.asarray(values, np.float64))

    def layer(weights, label: str, node: int, vector) -> torch.Tensor:
        total = vector(label, node) @ tensor(weights.own[label]) + tensor(weights.bias[label])
        if label in weights.of_users:
            total = total + tensor(weights.of_users[label][node])
        for hop in network.hops_of(graph, label):
            others = network.sampled_of(graph, hop, np.array([node]))[1]
            if len(others):
                sent = [mask(hop, node, other) * vector(graph.target(hop), int(other)) for other in others]
                total = total + sum(sent) / len(sent) @ tensor(weights.message[hop])
        return total

    def inputs(label: str, node: int) -> torch.Tensor:
        return tensor(network.input(graph, label, np.array([node]))[0])

    def hidden(label: str, node: int) -> torch.Tensor:
        return layer(network.first, label, node, inputs).relu()

    score = layer(network.second, "User", user, hidden) @ layer(network.second, "Product", product, hidden)
    keys = list(masks)
    gradients = torch.autograd.grad(score, [masks[key] for key in keys])
    return score.item(), {key: gradient.item() for key, gradient in zip(keys, gradients, strict=True)}


def by_quadrature(term: SageTerm, user: int, product: int, places: np.ndarray, weights: np.ndarray) -> dict:
    """The integrated gradients by autograd at some places."""
    expected: dict[tuple[str, int, int], float] = {}
    for place, weight in zip(places, weights, strict=True):
        for key, gradient in edge_masks(term, user, product, place)[1].items():
            expected[key] = expected.get(key, 0.0) + weight * gradient
    return expected


def as_edges(found: Gradients) -> dict:
    types = [found.types[n] for n in found.type]
    return dict(zip(zip(types, found.source.tolist(), found.target.tolist(), strict=True), found.values, strict=True))


@pytest.mark.parametrize("given", [False, True])
def test_where_every_unit_is_at_work_the_gradients_are_those_of_autograd(given: bool) -> None:
    graph = random_board(7, users=12, products=10)
    term = trained(graph, texts(graph) if given else None, fanout=4)
    for bias in term.network.first.bias.values():
        bias += 10.0
    places, weights = np.polynomial.legendre.leggauss(8)
    for user, product in ((0, 3), (5, 9)):
        found = integrated_gradients(term.graph, term.network, user, product)
        expected = by_quadrature(term, user, product, (places + 1) / 2, weights / 2)
        got = as_edges(found)
        assert got.keys() == expected.keys()
        np.testing.assert_allclose([got[key] for key in expected], list(expected.values()), rtol=1e-9, atol=1e-10)
        assert (found.nodes, found.gap) == (8, pytest.approx(0.0, abs=1e-9))


@pytest.mark.slow
def test_integrated_gradients_are_those_of_autograd() -> None:
    graph = random_board(7, users=12, products=10)
    term = trained(graph, fanout=4)
    places = (np.arange(100) + 0.5) / 100
    for user, product in ((0, 3), (11, 0)):
        found = integrated_gradients(term.graph, term.network, user, product)
        expected = by_quadrature(term, user, product, places, np.full(100, 1 / 100))
        got = as_edges(found)
        assert got.keys() == expected.keys()
        largest = max(map(abs, expected.values()))
        np.testing.assert_allclose([got[key] for key in expected], list(expected.values()), atol=0.02 * largest)
        ends = edge_masks(term, user, product, 1.0)[0], edge_masks(term, user, product, 0.0)[0]
        assert (found.score, found.baseline) == pytest.approx(ends, rel=1e-9)
        assert found.score == pytest.approx(term.scores(user)[product], rel=1e-5)
        assert found.gap == pytest.approx(abs(found.values.sum() - ends[0] + ends[1]) / abs(ends[0] - ends[1]))


def test_the_gap_of_every_pair_is_small() -> None:
    graph = random_board(7)
    term = trained(graph, fanout=4)
    gaps = [integrated_gradients(graph, term.network, user, user % 24).gap for user in range(graph.num_users)]
    assert max(gaps) <= 0.005


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    graph = random_board(8)
    first, again = (trained(graph, texts(graph), fanout=2) for _ in range(2))
    assert same_scores(first, again, graph)
    assert not same_scores(first, trained(graph, texts(graph), fanout=2, seed=1), graph)


def test_arrays_give_the_term_back() -> None:
    graph = random_board(8)
    term = trained(graph, texts(graph), fanout=2)
    again = SageTerm.open(term.describe(), term.graph)
    assert same_scores(term, again, graph)
    assert again.scores(3).tolist() == term.scores(3).tolist()
    found, expected = (integrated_gradients(one.graph, one.network, 3, 4) for one in (again, term))
    assert found.values.tolist() == expected.values.tolist()


def test_a_folder_that_calls_the_vectors_of_users_by_their_old_name_opens() -> None:
    term = trained(random_board(3))
    described = term.describe()
    old = {name.replace("/of_users/", "/crowd/"): array for name, array in described.arrays.items()}
    assert set(old) != set(described.arrays)
    again = SageTerm.open(dataclasses.replace(described, arrays=old), term.graph)
    assert same_scores(term, again, term.graph)


def test_a_user_without_edges_is_not_known() -> None:
    graph = random_board(9)
    assert trained(graph, epochs=1).knows(0)
    for hop in [hop for hop in graph.hops if graph.source(hop) == "User"]:
        adjacency = graph.hops[hop]
        kept = np.repeat(np.arange(graph.num_users), adjacency.degrees()) != 0
        degrees = np.where(np.arange(graph.num_users) == 0, 0, adjacency.degrees())
        graph.hops[hop] = type(adjacency)(np.concatenate(([0], np.cumsum(degrees))), adjacency.indices[kept])
        graph.hops[hop.back()] = graph.hops[hop].transposed(graph.counts[graph.target(hop)])
    assert not trained(graph, epochs=1).knows(0)


@pytest.mark.parametrize("loss", ["bpr", "sampled"])
def test_a_loss_that_is_not_offered_is_refused(loss: str) -> None:
    with pytest.raises(ModelError) as caught:
        trained(random_board(1), loss=loss)
    assert str(caught.value) == f"graphsage is trained with loss auto, full or in-batch, not with {loss!r}"


def test_a_term_does_not_change_with_the_network_that_it_came_from() -> None:
    graph = random_board(4)
    network = HeteroSAGE(graph, Blocks.of("text", texts(graph)), SMALL)
    term = network.term(graph)
    arrays = [term.products, *term.network.inputs.values(), *term.network.first.bias.values()]
    before = [array.copy() for array in arrays]
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 1
    for array, kept in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, kept)
