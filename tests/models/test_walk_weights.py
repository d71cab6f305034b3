"""The learned kernel: exact gradients, real paths alone, pulled to the powers, equal shares from one user and many."""

import numpy as np
import pytest
import torch

from graphrec.errors import ModelError
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.walks.kernel import fit_kernel, starting_walks
from graphrec.models.walks.learned_kernel import WalkWeightsConfig, steps
from graphrec.models.walks.learned_kernel.weights import Hiding, WalkTraining, hide, learn_walks
from graphrec.terms.forms.blend import Blend
from graphrec.terms.walks import Walk
from tests.models.boards import best_new, check_contract, checkerboard, graph, random_board, same_scores


def training(board: Graph, walks: list[Walk], **change: float) -> tuple[WalkTraining, Hiding]:
    """A training with numbers away from the powers, and one drawing of what is hidden."""
    found = WalkTraining(board, walks, WalkWeightsConfig(**change))  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    for theta in found.thetas:
        theta.data += torch.from_numpy(0.3 * rng.standard_normal(len(theta)))
    hiding = hide(board, board.held(), 0.3, rng)
    for walk in found.walks:
        walk.begin(hiding.codes)
    return found, hiding


def loss(found: WalkTraining, hiding: Hiding, scales: list) -> float:
    """The loss as it is minimised: its mean over the users, and what pulls to the powers."""
    prior = sum(float((theta.detach() ** 2).sum()) for theta in found.thetas)
    users = found.learners
    return (found.step(users, hiding, scales) + found.config.shrinkage / 2 * prior) / len(users)


@pytest.mark.slow
@pytest.mark.parametrize("min_group", [1, 2])
@pytest.mark.parametrize("dense", [True, False])
def test_gradients_equal_finite_differences(dense: bool, min_group: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "DENSE_PART", 1000 if dense else 0)
    board = random_board(3, users=14, products=9, min_group=min_group)
    walks = starting_walks(board.schema)
    assert sorted({len(walk.hops) for walk in walks}) == [1, 3]
    found, hiding = training(board, walks, shrinkage=2.0, sharpness=0.3)
    assert any(len(walk.dense) for walk in found.walks) == dense
    scales = found.scales(found.masses(found.learners))
    loss(found, hiding, scales)
    gradients = [(parameter, parameter.grad.clone().reshape(-1)) for parameter in found.parameters()]
    assert max(float(gradient.abs().max()) for _, gradient in gradients) > 0.01
    for parameter, gradient in gradients:
        flat = parameter.data.view(-1)
        for place in range(len(flat)):
            flat[place] += 0.01
            above = loss(found, hiding, scales)
            flat[place] -= 0.02
            below = loss(found, hiding, scales)
            flat[place] += 0.01
            assert (above - below) / 0.02 == pytest.approx(float(gradient[place]), rel=1e-3, abs=2e-4)


@pytest.mark.parametrize("min_group", [1, 3])
@pytest.mark.parametrize("dense", [True, False])
def test_mass_in_training_is_the_score_of_what_is_left(
    dense: bool, min_group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "DENSE_PART", 1000 if dense else 0)
    board = random_board(5, users=14, products=9, min_group=min_group)
    hidden = 0
    for walk in starting_walks(board.schema):
        found, hiding = training(board, [walk])
        if not found.walks:
            continue
        walked, thetas = next(found.weights())
        learned = {place: np.exp(theta.detach().numpy()) for place, theta in thetas.items()}
        scorer = fit_kernel(board, [walk], learned=[learned]).scorers[0]
        scorer.first = walked.left
        mass = found.masses(np.arange(14, dtype=np.int32))[0]
        for user in range(14):
            np.testing.assert_allclose(mass[user], scorer.scores(user), rtol=1e-5, atol=1e-6 * mass.max())
            if walk.hops[0].type in ("BOUGHT", "VIEWED"):
                assert not set(hiding.targets.row(user).tolist()) & set(walked.left.row(user).tolist())
                hidden += len(hiding.targets.row(user))
    assert hidden > 5


def test_people_keep_the_powers_of_their_degrees() -> None:
    board = random_board(3)
    for part, _ in learn_walks(board, starting_walks(board.schema), WalkWeightsConfig(epochs=1)).parts:
        (scorer,) = part.scorers
        for place, label in enumerate(scorer.labels):
            assert (place in scorer.learned) == (label != "User")
        assert part.name == "learned-kernel"


def fitted(board: Graph, **change: float) -> Blend:
    """The learned kernel of the default walks."""
    config = WalkWeightsConfig(**{"epochs": 6, "learning_rate": 0.1, **change})  # type: ignore[arg-type]
    parts = learn_walks(board, starting_walks(board.schema), config).parts
    return Blend(*zip(*parts, strict=True))


def test_the_withheld_product_of_a_checkerboard_comes_back() -> None:
    board = checkerboard()
    assert best_new(fitted(board).terms[1], board).tolist() == list(range(16))


def test_batch_single_and_shares_agree_and_nothing_is_negative() -> None:
    board = random_board(3)
    products = np.arange(board.num_products, dtype=np.int32)
    for part in fitted(board).terms:
        check_contract(part, board)
        assert part.shares(4, products).values.min(initial=0.0) >= 0


def test_pulled_hard_the_numbers_are_the_powers() -> None:
    board = random_board(3)
    free, pulled = fitted(board, learning_rate=0.02), fitted(board, learning_rate=0.02, shrinkage=1e9)
    powers = [fit_kernel(board, [walk]) for walk in starting_walks(board.schema)]
    powers = [term for term in powers if term.scorers]
    users = np.arange(board.num_users, dtype=np.int32)
    for one, other, plain in zip(pulled.terms, free.terms, powers, strict=True):
        kept = one.scorers[0].learned[0 if 0 in one.scorers[0].learned else 2]  # type: ignore[attr-defined]
        moved = other.scorers[0].learned[0 if 0 in other.scorers[0].learned else 2]  # type: ignore[attr-defined]
        assert np.abs(np.log(kept)).max() < 0.05 < np.abs(np.log(moved)).max()
        assert np.corrcoef(one.batch(users).ravel(), plain.batch(users).ravel())[0, 1] > 0.99


def test_losses_fall_and_the_best_epoch_is_kept() -> None:
    board = checkerboard()
    values = iter([0.1, 0.3, 0.2, 0.2])
    walks = starting_walks(board.schema)
    found = learn_walks(board, walks, WalkWeightsConfig(epochs=9, patience=2), evaluate=lambda _: next(values))
    assert (found.epochs, found.values) == (2, (0.1, 0.3, 0.2, 0.2))
    losses = learn_walks(board, walks, WalkWeightsConfig(epochs=30)).losses
    assert losses[-1] < losses[0]


def test_a_model_folder_keeps_the_weights() -> None:
    board = random_board(3)
    blend = fitted(board)
    for one in blend.terms:
        other = type(one).open(one.describe(), board)
        assert same_scores(one, other, board)
        np.testing.assert_array_equal(one.scores(5), other.scores(5))


def test_the_same_seed_gives_the_same_bytes() -> None:
    board = random_board(5)
    for one, other in zip(fitted(board).terms, fitted(board).terms, strict=True):
        assert same_scores(one, other, board)


def test_nothing_to_learn_from_is_one_line() -> None:
    board = graph({"BOUGHT": np.eye(3, dtype=bool)})
    with pytest.raises(ModelError, match="learned-kernel has nothing to learn from: no user holds two products"):
        learn_walks(board, starting_walks(board.schema))
