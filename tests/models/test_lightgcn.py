"""The network: hidden targets, the known answer, one arithmetic in training and serving."""

import dataclasses

import numpy as np
import pytest
import torch

from graphrec.errors import ModelError
from graphrec.features.blocks import Blocks
from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.models.fitting.loop import backward, drawn_batches, run_epoch
from graphrec.models.fitting.losses import full_softmax, info_nce, sampled_softmax
from graphrec.models.fitting.objective import noise_of, ranking_loss, step_loss
from graphrec.models.fitting.propagation import gather_sum, propagate_sum
from graphrec.models.fitting.steps import Pairs, Step, StepSource
from graphrec.models.inputs import Inputs
from graphrec.models.networks.lightgcn import LightGCNConfig
from graphrec.models.networks.lightgcn.network import ItemGCN, fit_lightgcn, message_hops
from tests.models.boards import best_new, check_contract, checkerboard, random_board, same_scores

SMALL = LightGCNConfig(dim=8, text_dim=4, epochs=40, batch_size=8, learning_rate=0.05)


def texts(graph: Graph) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {label: rng.standard_normal((graph.counts[label], 6)).astype(np.float32) for label in ("Product", "Sector")}


def with_texts(graph: Graph) -> Inputs:
    """What a fit takes, with these vectors."""
    return Inputs(blocks=Blocks.of("text", texts(graph)))


def pairs_of(adjacency, rows: np.ndarray) -> set[tuple[int, int]]:
    return {(int(row), int(node)) for position, row in enumerate(rows) for node in adjacency.row(position)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "change", [{}, {"loss": "bpr"}, {"loss": "sampled", "negatives": 30}, {"loss": "in-batch"}, {"num_layers": 2}]
)
def test_the_withheld_product_of_a_checkerboard_comes_back(change: dict) -> None:
    graph = checkerboard()
    fitted = fit_lightgcn(graph, dataclasses.replace(SMALL, **change))
    assert best_new(fitted.term, graph).tolist() == list(range(16))
    assert fitted.losses[-1] < 0.7 * fitted.losses[0]


@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize("relevant", [("BOUGHT",), ("BOUGHT", "VIEWED")])
def test_batch_single_and_shares_agree(num_layers: int, relevant: tuple[str, ...]) -> None:
    graph = random_board(3, relevant=relevant)
    config = dataclasses.replace(SMALL, num_layers=num_layers, epochs=2)
    for given in (None, with_texts(graph)):
        term = fit_lightgcn(graph, config, given).term
        check_contract(term, graph)
        assert term.text_dim == (0 if given is None else 4)
        assert {str(source.hop) for source in term.neighbours} == {"BOUGHT", "VIEWED", "IN_BAND", "None"}


def test_shares_split_into_text_and_learned_part_and_name_their_kind() -> None:
    graph = random_board(3)
    term = fit_lightgcn(graph, dataclasses.replace(SMALL, epochs=1), with_texts(graph)).term
    groups = {(group.kind, str(group.hop), group.part) for group in term.shares(0, np.array([1], np.int32)).groups}
    kinds = [("similarity", "BOUGHT"), ("similarity", "VIEWED"), ("attribute", "IN_BAND"), ("general", "None")]
    assert groups == {(*kind, part) for kind in kinds for part in ("text", "learned")}


@pytest.mark.parametrize("num_layers", [1, 2])
def test_training_scores_are_serving_scores_up_to_the_users_constant(num_layers: int) -> None:
    graph = random_board(4)
    network = ItemGCN(graph, texts(graph), dataclasses.replace(SMALL, num_layers=num_layers))
    everyone = np.arange(graph.num_users, dtype=np.int32)
    kept = {hop: graph.hops[hop] for hop in network.hops if graph.source(hop) == "User"}
    nothing = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int32))
    with torch.no_grad():
        users, products = network(Step(everyone, kept, nothing, nothing))
    count = 1 + np.sum([adjacency.degrees() for adjacency in kept.values()], axis=0)
    expected = (users @ products.T).numpy() * np.sqrt(count)[:, None]
    np.testing.assert_allclose(network.term(graph).batch(everyone), expected, rtol=1e-4, atol=1e-6)


def test_a_step_hides_its_targets_from_every_interaction_and_from_the_whole_graph() -> None:
    graph = random_board(5)
    graph.hops[Hop("VIEWED")] = graph.hops[Hop("BOUGHT")]  # every purchase was also viewed
    graph.hops[Hop("VIEWED", True)] = graph.hops[Hop("BOUGHT", True)]
    source = StepSource(graph, message_hops(graph, use_protected=False), 0.4, whole=True)
    held = graph.held()
    seen = set()
    rng = np.random.default_rng(0)
    for batch in drawn_batches(source.learners, 16, rng):
        step = source.draw(batch, rng)
        targets = {
            (int(step.users[row]), int(i)) for row, i in zip(step.targets.rows, step.targets.products, strict=True)
        }
        kept = {(int(step.users[row]), int(i)) for row, i in zip(step.held.rows, step.held.products, strict=True)}
        assert targets | kept == {(int(u), int(i)) for u in step.users for i in held.row(u)}
        assert not targets & kept
        everyone = np.arange(graph.num_users)
        assert step.whole is not None
        for name in ("BOUGHT", "VIEWED"):
            assert pairs_of(step.kept[Hop(name)], step.users) == kept
            rest = pairs_of(graph.hops[Hop(name)], everyone) - targets
            assert pairs_of(step.whole[Hop(name)], everyone) == rest
            back = pairs_of(step.whole[Hop(name, True)], np.arange(graph.num_products))
            assert {(user, product) for product, user in back} == rest
        for user in step.users:
            wanted = max(1, round(0.4 * len(held.row(user))))
            assert sum(1 for target in targets if target[0] == user) == wanted
        seen.update(map(int, step.users))
    assert seen == set(np.flatnonzero(held.degrees()))


def test_who_holds_too_little_is_not_learned_from() -> None:
    graph = random_board(5, products=8)
    degrees = graph.held().degrees()
    hops = message_hops(graph, use_protected=False)
    for least in (1, 2, 3):
        learners = StepSource(graph, hops, 0.3, min_held=least).learners
        assert learners.tolist() == np.flatnonzero(degrees >= least).tolist()
    most = degrees.max()
    assert StepSource(graph, hops, 0.3, min_held=99).learners.tolist() == np.flatnonzero(degrees == most).tolist()


@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_the_vectors_of_a_steps_users_do_not_know_their_targets(num_layers: int) -> None:
    graph = random_board(6)
    network = ItemGCN(graph, {}, dataclasses.replace(SMALL, num_layers=num_layers))
    source = StepSource(graph, network.hops, 0.4, whole=num_layers > 1)
    step = source.draw(np.array([2, 5], np.int32), np.random.default_rng(0))
    users, _ = network(step)
    (gradient,) = torch.autograd.grad(users[0].sum(), network.ids[network.labels.index("Product")])
    reached_by_longer_walks = num_layers > 2
    assert bool(gradient[int(step.targets.products[0])].any()) == reached_by_longer_walks
    assert bool(gradient[int(step.held.products[0])].any())


@pytest.mark.parametrize("contrast", [0.0, 0.1])
def test_more_layers_go_with_groups_where_users_send_nothing(contrast: float) -> None:
    graph = random_board(6, min_group=3)
    config = dataclasses.replace(SMALL, num_layers=3, epochs=2, contrast=contrast)
    check_contract(fit_lightgcn(graph, config, with_texts(graph)).term, graph)


def test_bags_and_message_passing_agree() -> None:
    adjacency = random_board(7).hops[Hop("BOUGHT")]
    sent = torch.randn(24, 5, generator=torch.Generator().manual_seed(0), requires_grad=True)
    bags, passed = gather_sum(adjacency, sent), propagate_sum(adjacency, sent)
    torch.testing.assert_close(bags, passed)
    weights = torch.arange(float(bags.numel())).reshape(bags.shape)
    gradients = [torch.autograd.grad((weights * result).sum(), sent)[0] for result in (bags, passed)]
    torch.testing.assert_close(*gradients)


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    graph = random_board(8)
    config = dataclasses.replace(SMALL, epochs=3)
    first, again = (fit_lightgcn(graph, config, with_texts(graph)).term for _ in range(2))
    assert same_scores(first, again, graph)
    assert not same_scores(
        first, fit_lightgcn(graph, dataclasses.replace(config, seed=1), with_texts(graph)).term, graph
    )


def test_gradients_are_of_one_step_alone() -> None:
    graph = random_board(8)
    network = ItemGCN(graph, {}, SMALL)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0)
    source = StepSource(graph, network.hops, 0.3)
    batches = list(drawn_batches(source.learners, SMALL.batch_size, np.random.default_rng(0)))
    run_epoch("test", iter(batches), lambda _: backward(sum(p.sum() for p in network.parameters())), optimizer)
    assert len(batches) == 5
    assert all(bool((parameter.grad == 1).all()) for parameter in network.parameters())


def test_validation_ends_training_and_returns_the_best_epoch() -> None:
    graph = random_board(9)
    values = iter([1.0, 3.0, 2.0, 2.5, 9.0])
    config = dataclasses.replace(SMALL, patience=2)
    fitted = fit_lightgcn(graph, config, Inputs(evaluate=lambda term: next(values)))
    assert (fitted.epochs, fitted.values, len(fitted.losses)) == (2, (1.0, 3.0, 2.0, 2.5), 4)
    assert same_scores(fitted.term, fit_lightgcn(graph, dataclasses.replace(config, epochs=2)).term, graph)


def test_protected_edges_and_rejections_carry_no_message() -> None:
    graph = random_board(9)
    found = {hop.type for hop in message_hops(graph, use_protected=False)}
    assert found == {"BOUGHT", "VIEWED", "IN_BAND", "IN_SECTOR"}
    assert {hop.type for hop in message_hops(graph, use_protected=True)} - found == {"HAS_SEX"}


def test_a_product_nobody_touched_is_scored_by_its_text_and_entities_alone() -> None:
    graph = random_board(10)
    cold = 4
    for name in ("BOUGHT", "VIEWED"):
        adjacency = graph.hops[Hop(name)]
        kept = adjacency.indices != cold
        rows = np.repeat(np.arange(graph.num_users), adjacency.degrees())[kept]
        indptr = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=graph.num_users))))
        graph.hops[Hop(name)] = type(adjacency)(indptr, adjacency.indices[kept])
        graph.hops[Hop(name, True)] = graph.hops[Hop(name)].transposed(graph.num_products)
    network = ItemGCN(graph, texts(graph), SMALL)
    with torch.no_grad():
        layer = network.layer0()["Product"]
    assert not layer[cold, 4:].any()
    assert layer[cold, :4].any()
    assert layer[cold + 1, 4:].any()
    fitted = fit_lightgcn(graph, dataclasses.replace(SMALL, epochs=2), with_texts(graph))
    assert fitted.term.right[cold, :4].any()


def test_nothing_to_learn_from_is_said() -> None:
    graph = random_board(9)
    adjacency = graph.hops[Hop("BOUGHT")]
    graph.hops[Hop("BOUGHT")] = type(adjacency)(np.zeros_like(adjacency.indptr), adjacency.indices[:0])
    graph.hops[Hop("BOUGHT", True)] = graph.hops[Hop("BOUGHT")].transposed(24)
    with pytest.raises(ModelError) as caught:
        fit_lightgcn(graph, SMALL)
    assert str(caught.value) == ("lightgcn has nothing to learn from: no user holds a product; load interactions first")


def test_a_loss_that_is_no_number_is_said() -> None:
    with pytest.raises(ModelError) as caught:
        fit_lightgcn(random_board(9), dataclasses.replace(SMALL, learning_rate=1e30))
    assert str(caught.value) == "the loss of lightgcn is not a number; train again with a smaller learning_rate"


def test_a_sample_of_everything_gives_the_full_softmax() -> None:
    scores = torch.randn(3, 6, generator=torch.Generator().manual_seed(1))
    rows, products = torch.tensor([0, 1, 2]), torch.tensor([4, 0, 4])
    others = torch.stack(
        [torch.cat([row[:target], row[target + 1 :]]) for row, target in zip(scores, products, strict=True)]
    )
    sampled = sampled_softmax(scores[rows, products], torch.arange(3), others, torch.zeros(5))
    torch.testing.assert_close(sampled, full_softmax(scores, rows, products))


def test_bpr_is_the_same_from_all_scores_and_from_the_vectors_of_the_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = random_board(11)
    config = dataclasses.replace(SMALL, loss="bpr")
    network = ItemGCN(graph, {}, config)
    source = StepSource(graph, network.hops, 0.3)
    step = source.draw(source.learners, np.random.default_rng(1))
    found = []
    for scores_per_pair in (0, 1_000):
        monkeypatch.setattr("graphrec.models.fitting.objective.SCORES_PER_PAIR", scores_per_pair)
        loss = step_loss(network, step, source.holdings, config, np.random.default_rng(2))
        found.append([loss, *torch.autograd.grad(loss, list(network.parameters()), allow_unused=True)])
    torch.testing.assert_close(found[0], found[1])


def test_the_learning_rate_falls_along_half_a_cosine() -> None:
    config = LightGCNConfig(learning_rate=2.0, last_rate=0.5, epochs=5)
    assert [config.rate(epoch) for epoch in (1, 3, 5, 6)] == pytest.approx([2.0, 1.5, 1.0, 1.0])
    assert LightGCNConfig(learning_rate=0.3).rate(7) == 0.3


def test_a_learning_rate_of_nothing_moves_nothing() -> None:
    """The second of two epochs has none."""
    graph = random_board(9)
    one, two = (fit_lightgcn(graph, dataclasses.replace(SMALL, epochs=epochs, last_rate=0.0)).term for epochs in (1, 2))
    np.testing.assert_array_equal(one.right, two.right)


def test_negatives_are_held_by_somebody_and_not_by_the_user() -> None:
    graph = random_board(11)
    source = StepSource(graph, message_hops(graph, use_protected=False), 0.3)
    users = np.repeat(np.arange(graph.num_users), 50)
    drawn = source.holdings.others(users, np.random.default_rng(0))
    held = graph.held()
    assert not any(product in held.row(user) for user, product in zip(users, drawn, strict=True))
    popular = np.bincount(held.indices, minlength=24)
    sample, expected = source.holdings.sample(1000, np.random.default_rng(0))
    chances = 0.5 * (popular > 0) / (popular > 0).sum() + 0.5 * popular / popular.sum()
    np.testing.assert_allclose(expected, 1000 * chances[sample])
    table = source.holdings.table(np.array([3, 0]), np.array([5, 1, 2]))
    assert table.tolist() == [[product in held.row(user) for product in (5, 1, 2)] for user in (3, 0)]


def test_views_agree_when_each_node_is_likest_to_itself() -> None:
    first, second = torch.tensor([[3.0, 0.0], [0.0, 2.0]]), torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    cosines = np.array([[1.0, 0.5**0.5], [0.0, 0.5**0.5]]) / 0.5
    expected = np.mean([np.log(np.exp(cosines[n]).sum()) - cosines[n, n] for n in range(2)])
    assert info_nce(first, second, 0.5).item() == pytest.approx(expected)


def test_noise_has_its_length_and_leaves_the_side_of_zero() -> None:
    rows = torch.tensor([[0.3, -0.2, 0.1], [-1.0, 2.0, 0.0]])
    added = noise_of(0.4, np.random.default_rng(0))(rows) - rows
    torch.testing.assert_close(added[0].norm(), torch.tensor(0.4))
    assert torch.equal(added.sign(), rows.sign())
    assert not torch.equal(noise_of(0.4, np.random.default_rng(1))(rows) - rows, added)


@pytest.mark.slow
@pytest.mark.parametrize("num_layers", [2, 3])
def test_contrast_leaves_out_layer_0_and_its_noise_in_serving(num_layers: int) -> None:
    graph = checkerboard()
    config = dataclasses.replace(SMALL, num_layers=num_layers, contrast=0.1)
    assert config.layer_weights(num_layers) == [0.0] + [1 / num_layers] * num_layers
    fitted = fit_lightgcn(graph, config)
    assert best_new(fitted.term, graph).tolist() == list(range(16))
    check_contract(fitted.term, graph)
    assert same_scores(fitted.term, fit_lightgcn(graph, config).term, graph)


def test_contrast_with_one_layer_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        fit_lightgcn(checkerboard(), dataclasses.replace(SMALL, contrast=0.1))
    assert str(caught.value) == (
        "lightgcn with contrast leaves out layer 0, and num_layers = 1 leaves a product nothing else; "
        "train with num_layers = 2 or more"
    )


def test_targets_of_a_batch_estimate_the_whole_sum() -> None:
    """-s_t + log(exp s_t + sum over the distinct j that the user does not hold: n_j exp(s_j) / (T p_j))."""
    graph = random_board(11)
    source = StepSource(graph, message_hops(graph, use_protected=False), 0.4)
    step = source.draw(np.array([3, 8, 20], np.int32), np.random.default_rng(0))
    generator = torch.Generator().manual_seed(0)
    users, products = torch.randn(3, 4, generator=generator), torch.randn(24, 4, generator=generator)
    known = torch.ones(24, dtype=torch.bool)
    config = dataclasses.replace(SMALL, loss="in-batch")
    found = ranking_loss((users, products), known, config.loss, step, source.holdings, config, np.random.default_rng(0))
    scores, held = (users @ products.T).double().numpy(), graph.held()
    chance = np.bincount(held.indices, minlength=24) / len(held.indices)
    targets, losses = step.targets, []
    for row, target in zip(targets.rows, targets.products, strict=True):
        mass = np.exp(scores[row, target])
        for product, times in zip(*np.unique(targets.products, return_counts=True), strict=True):
            if product not in held.row(int(step.users[row])):
                mass += times * np.exp(scores[row, product]) / (len(targets.products) * chance[product])
        losses.append(np.log(mass) - scores[row, target])
    assert found.item() == pytest.approx(np.mean(losses), rel=1e-5)


def test_a_batch_in_which_a_user_holds_everything_has_a_gradient() -> None:
    scores = torch.full((1, 2), -torch.inf, requires_grad=True)
    target = torch.zeros(1, requires_grad=True)
    loss = sampled_softmax(target, torch.tensor([0]), scores, torch.zeros(2))
    loss.backward()
    assert (loss.item(), target.grad.item(), scores.grad.tolist()) == (0.0, 0.0, [[0.0, 0.0]])


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["full", "sampled"])
def test_mixed_precision_rounds_the_scores_of_a_step_and_nothing_else(loss: str) -> None:
    graph = checkerboard()
    network = ItemGCN(graph, {}, SMALL)
    source = StepSource(graph, network.hops, 0.3)
    step = source.draw(np.arange(16, dtype=np.int32), np.random.default_rng(0))
    found = []
    for mixed in (False, True):
        config = dataclasses.replace(SMALL, loss=loss, init=1.0, mixed_precision=mixed)
        network.zero_grad()
        value = step_loss(network, step, source.holdings, config, np.random.default_rng(0))
        value.backward()
        assert value.dtype == network.ids[0].grad.dtype == torch.float32
        found.append((value.item(), network.ids[0].grad.clone()))
    assert found[0][0] != found[1][0]
    assert found[0][0] == pytest.approx(found[1][0], rel=0.01)
    torch.testing.assert_close(*(gradient for _, gradient in found), rtol=0.05, atol=0.001)
    fitted = fit_lightgcn(graph, dataclasses.replace(SMALL, loss=loss, mixed_precision=True))
    assert best_new(fitted.term, graph).tolist() == list(range(16))
