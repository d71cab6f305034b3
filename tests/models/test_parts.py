"""Steps in parts: the gradient of the whole step, the same bytes whoever computes, through a process that dies."""

import dataclasses
import os
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from graphrec.app.lists.workers import Process, Workers
from graphrec.app.models.shards import Gradients, Others
from graphrec.features.blocks import Blocks
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.fitting.config import TrainingConfig
from graphrec.models.fitting.loop import backward
from graphrec.models.fitting.parts import Part, Recipe, backward_in_parts, part_gradient
from graphrec.models.handed_out import handing_out
from graphrec.models.inputs import Inputs
from graphrec.models.networks.graphsage import GraphSageConfig
from graphrec.models.networks.graphsage.network import learning_graphsage
from graphrec.models.networks.lightgcn import LightGCNConfig
from graphrec.models.networks.lightgcn.network import fit_lightgcn, learning_lightgcn
from graphrec.models.networks.lightgcn_id import PlainLightGCNConfig
from graphrec.models.networks.lightgcn_id.network import learning_lightgcn_id
from graphrec.terms.base import Term
from tests.models.boards import random_board

CONFIG = LightGCNConfig(dim=8, text_dim=4, epochs=2, batch_size=16, parts=3)
DYING = "from graphrec.app.lists.workers import work; from tests.models.test_parts import Dying; work(Dying)"


class Dying(Gradients):
    """Dies once of the second part of the first step, when its gradient is computed."""

    def __init__(self, first: tuple[Recipe, str]) -> None:
        super().__init__(first[0])
        self._begun = Path(first[1])

    def made(self, number: int, part: Part) -> object:
        made = super().made(number, part)
        with self._begun.open("a") as file:
            file.write(f"{number}\n")
        if self._begun.read_text().split().count("1") == 1 and number == 1:
            os._exit(9)
        return made


class NotSent:
    """What lies in files of this machine."""

    def __reduce__(self) -> tuple:
        raise TypeError("it is sent to another process")


def with_texts(graph: Graph) -> Inputs:
    vectors = np.random.default_rng(0).standard_normal((graph.num_products, 6)).astype(np.float32)
    return Inputs(blocks=Blocks.of("text", {"Product": vectors}))


def scores(term: Term, graph: Graph) -> bytes:
    return term.batch(np.arange(graph.num_users, dtype=np.int32)).tobytes()


@pytest.mark.parametrize("parts", [1, 3, 99])
def test_parts_add_up_to_the_gradient_of_the_step(parts: int) -> None:
    graph = random_board(4)
    # Nothing is drawn for a step of this network, so that its parts are those of one step.
    config = PlainLightGCNConfig(dim=8, loss="full", parts=parts)
    recipe = Recipe(learning_lightgcn_id, graph, config, Blocks())
    whole, cut = recipe.learning("cpu"), recipe.learning("cpu")
    rng = np.random.default_rng(0)
    loss = backward(whole.loss(whole.draw(whole.learners, rng), rng))
    assert backward_in_parts(cut, recipe, cut.learners, rng) == pytest.approx(loss, rel=1e-5)
    for one, other in zip(whole.parameters, cut.parameters, strict=True):
        assert other.grad.numpy() == pytest.approx(one.grad.numpy(), rel=1e-3, abs=1e-8)


def test_a_part_is_computed_in_the_state_that_comes_with_it() -> None:
    recipe = Recipe(learning_lightgcn, random_board(5), CONFIG, Blocks())
    learning, moved = recipe.learning("cpu"), recipe.learning("cpu")
    values = [one.detach().numpy().copy() for one in learning.parameters]
    part = Part(learning.learners, 7, values)
    first = part_gradient(moved, part)
    part_gradient(moved, dataclasses.replace(part, values=[2 * one for one in values]))
    again = part_gradient(moved, part)
    assert first.loss == again.loss
    assert first.num_targets == again.num_targets > 0
    for one, other in zip(first.arrays, again.arrays, strict=True):
        assert (one is None) == (other is None)
        assert one is None or one.tobytes() == other.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "config"),
    [
        (learning_lightgcn, dataclasses.replace(CONFIG, num_layers=2, loss="sampled", contrast=0.1)),
        (learning_graphsage, GraphSageConfig(dim=8, parts=3)),
    ],
)
def test_another_process_is_sent_all_that_a_gradient_needs(make: Callable, config: TrainingConfig) -> None:
    graph = random_board(6, min_group=3)
    recipe = Recipe(make, dataclasses.replace(graph, wealth=NotSent()), config, with_texts(graph).blocks)
    sent = pickle.loads(pickle.dumps(recipe))
    here = recipe.learning("cpu")
    part = Part(here.learners[:9], 3, [one.detach().numpy() for one in here.parameters])
    gradient, other = part_gradient(here, part), Gradients(sent).made(0, part)
    assert (gradient.loss, gradient.num_targets) == (other.loss, other.num_targets)
    assert gradient.num_targets > 0
    for one, another in zip(gradient.arrays, other.arrays, strict=True):
        assert (one is None) == (another is None)
        assert one is None or one.tobytes() == another.tobytes()


@pytest.mark.slow
def test_a_process_dies_of_its_part_and_the_model_is_the_same(tmp_path: Path) -> None:
    graph, begun = random_board(6), tmp_path / "begun"
    alone = scores(fit_lightgcn(graph, CONFIG).term, graph)
    others = Others(lambda _, recipe, died: Workers(partial(Process, 2, DYING, (recipe, str(begun))), 2, died))
    with handing_out(others):
        assert scores(fit_lightgcn(graph, CONFIG).term, graph) == alone
    others.end()
    done = begun.read_text().split()
    assert done.count("1") == done.count("0") + 1
