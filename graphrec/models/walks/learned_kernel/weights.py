"""The learned walk kernel: a positive weight per node and path position, on top of the powers of degrees.

    score(u, i) = sum over walks m: beta_m * sum over simple paths u - n_1 - ... - n_L = i:
                  x(u, n_1) * prod_j deg_j(n_j) ** -power_j * exp(theta_{m, j, n_j})

All of the score stays on real paths. Weights are learned where a line names its node: products, sectors, attributes.
Other people keep the powers of their degrees: nothing is learned about a person, and the Cypher of a line returns its
share with the weights of its own nodes as a factor.

Training: a part of what each user holds is hidden and predicted by a softmax over the products from the rest; paths
through the user are left out in closed form. theta = 0 are the powers; lambda/2 |theta|^2 pulls rare nodes to them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from graphrec.errors import NothingToLearn
from graphrec.graph.edges.adjacency import Adjacency, Graph, from_rows
from graphrec.models.fitting.adam import Adam
from graphrec.models.fitting.callbacks import Callbacks
from graphrec.models.fitting.epochs import Learner, best_epoch, run_epochs
from graphrec.models.fitting.steps import hidden_part
from graphrec.models.walks.kernel import fit_kernel
from graphrec.models.walks.learned_kernel import WalkWeightsConfig
from graphrec.models.walks.learned_kernel import gradients as gradients_of
from graphrec.models.walks.learned_kernel.steps import Scores, WalkSteps
from graphrec.terms.walks import Walk, WalkTerm

SHARPNESS_RATE = 10.0
BATCH_SCORES = 4_000_000
"""Scores of a step at most, per walk."""


@dataclass(frozen=True, eq=False)
class LearnedWalks:
    """The parts of a learned kernel and how they came about."""

    parts: tuple[tuple[WalkTerm, float], ...]
    """Each walk with its weight, as a blend adds them."""
    epochs: int
    losses: tuple[float, ...]
    values: tuple[float, ...]
    """Validation value per epoch, empty without validation."""


@dataclass(frozen=True, eq=False)
class Hiding:
    """What an epoch hides: rows per user of what is to be found and of what is left."""

    targets: Adjacency
    left: Adjacency
    codes: NDArray[np.int64]
    """Hidden pairs, sorted, as user * num_products + product."""


def learn_walks(
    graph: Graph,
    walks: Sequence[Walk],
    config: WalkWeightsConfig | None = None,
    *,
    evaluate: "Callable[[Sequence[tuple[WalkTerm, float]]], float] | None" = None,
    callbacks: Callbacks | None = None,
) -> LearnedWalks:
    """The walks with learned weights; with `evaluate` (higher is better) those of the best epoch.

    Raises:
        NothingToLearn: nobody holds two products, so that one could be found from the other.
    """
    config = config or WalkWeightsConfig()
    training = WalkTraining(graph, walks, config)
    learner = Learner(
        training,
        Adam(
            [
                {"params": [*training.thetas], "lr": config.learning_rate},
                {"params": [training.sharpness], "lr": SHARPNESS_RATE * config.learning_rate},
            ]
        ),
        np.random.default_rng(config.seed),
        lambda _: training.run_epoch(learner.optimizer, learner.rng),
        None if evaluate is None else lambda: evaluate(training.parts()),
    )
    epochs = run_epochs(learner, config.epochs, config.patience, callbacks or Callbacks("learned-kernel"))
    values = tuple(epoch.value for epoch in epochs if epoch.value is not None)
    losses = tuple(epoch.loss for epoch in epochs)
    return LearnedWalks(tuple(training.parts()), best_epoch(epochs), losses, values)


class WalkTraining(nn.Module):
    """The weights of all walks and what a step needs to move them."""

    def __init__(self, graph: Graph, walks: Sequence[Walk], config: WalkWeightsConfig) -> None:
        super().__init__()
        self.graph, self.config = graph, config
        self.held = graph.held()
        self.learners = graph.learners(min_held=2)
        if not len(self.learners):
            raise NothingToLearn(
                "learned-kernel has nothing to learn from: no user holds two products; load interactions"
            )
        self.walks = [WalkSteps(graph, walk) for walk in walks if fit_kernel(graph, [walk]).scorers]
        self.sharpness = nn.Parameter(torch.tensor(np.log(config.sharpness)))
        self.thetas = nn.ParameterList(
            nn.Parameter(torch.zeros(size, dtype=torch.float64)) for walk in self.walks for size in walk.sizes.values()
        )

    def weights(self) -> Iterator[tuple[WalkSteps, dict[int, nn.Parameter]]]:
        """Every walk with its parameters by position."""
        left = iter(self.thetas)
        for walk in self.walks:
            yield walk, {position: next(left) for position in walk.sizes}

    def parts(self) -> list[tuple[WalkTerm, float]]:
        """The walks with the present weights, as a blend adds them."""
        found = []
        for walk, thetas in self.weights():
            learned = {position: np.exp(theta.detach().numpy()) for position, theta in thetas.items()}
            plain = Walk(walk.scorer.walk.hops, walk.scorer.walk.powers)
            term = fit_kernel(self.graph, [plain], learned=[learned])
            found.append((replace(term, name="learned-kernel"), walk.scorer.walk.beta))
        return found

    def run_epoch(self, optimizer: Adam, rng: np.random.Generator) -> float:
        """Every learner once, in a random order; returns the mean loss."""
        hiding = hide(self.graph, self.held, self.config.drop, rng)
        for walk in self.walks:
            walk.begin(hiding.codes)
        order = rng.permutation(self.learners)
        size = max(1, min(self.config.batch_size, BATCH_SCORES // self.graph.num_products))
        total = 0.0
        for start in range(0, len(order), size):
            optimizer.zero_grad()
            total += self.step(order[start : start + size], hiding)
            optimizer.step()
        return total / len(order)

    def masses(self, users: NDArray[np.int32]) -> list[Scores]:
        """The scores (len(users), num_products) of every walk with the present weights, without what is hidden."""
        return [
            walk.mass(users, {position: theta.detach().numpy() for position, theta in thetas.items()})
            for walk, thetas in self.weights()
        ]

    def scales(self, masses: Sequence[Scores]) -> list[Scores]:
        """What a blend multiplies each walk of each user with (num_users,), 0 without spread."""
        found = []
        for walk, mass in zip(self.walks, masses, strict=True):
            spread = mass.std(axis=1, dtype=np.float64)
            scale = np.divide(walk.scorer.walk.beta, spread, out=np.zeros_like(spread), where=spread > 0)
            found.append(scale.astype(np.float32))
        return found

    def step(self, users: NDArray[np.int32], hiding: Hiding, scales: Sequence[Scores] | None = None) -> float:
        """The summed loss of some users; leaves the gradients of its mean in the parameters.

        Scales (len(users),) of the walks are taken as constant; they are those of the present weights unless given.
        """
        sharpness = float(self.sharpness.detach().exp())
        masses = self.masses(users)
        scales = scales or self.scales(masses)
        logits = np.zeros((len(users), self.graph.num_products), np.float32)
        for mass, scale in zip(masses, scales, strict=True):
            logits += sharpness * scale[:, None] * mass
        gradients, losses = logits.copy(), np.empty(len(users))
        gradients_of.choice_gradients(
            gradients, users, hiding.left.indptr, hiding.left.indices, hiding.targets.indptr, hiding.targets.indices,
            losses,
        )  # fmt: skip
        gradients /= len(users)
        self.sharpness.grad = torch.tensor(float(np.einsum("ui,ui->", gradients, logits)), dtype=self.sharpness.dtype)
        gradients *= sharpness
        pull = self.config.shrinkage / len(self.learners)
        for (walk, thetas), mass, scale in zip(self.weights(), masses, scales, strict=True):
            found = walk.gradients(users, mass, scale[:, None] * gradients)
            for position, theta in thetas.items():
                theta.grad = torch.from_numpy(found[position]) + pull * theta.detach()
        return float(losses.sum())


def hide(graph: Graph, held: Adjacency, drop: float, rng: np.random.Generator) -> Hiding:
    """A random part of what every user holds, at least one; nothing of users with a single product."""
    rows, products = held.expand(np.arange(graph.num_users))
    chosen = hidden_part(rows, graph.num_users, drop, rng) & (held.degrees()[rows] >= 2)
    parts = [from_rows(rows[mask], products[mask], graph.num_users) for mask in (chosen, ~chosen)]
    return Hiding(parts[0], parts[1], rows[chosen] * graph.num_products + products[chosen])
