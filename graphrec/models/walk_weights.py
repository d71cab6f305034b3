"""The learned walk kernel: a positive number per node and path position, on top of the powers of degrees.

    score(u, i) = sum over walks m: beta_m * sum over simple paths u - n_1 - ... - n_L = i:
                  x(u, n_1) * prod_j deg_j(n_j) ** -power_j * exp(theta_{m, j, n_j})

All of the score stays on real paths. Numbers are learned where a line names its node: products, sectors, attributes.
Other people keep the powers of their degrees: nothing is learned about a person, and the Cypher of a line returns its
share with the numbers of its own nodes as a factor.

Training: a part of what each user holds is hidden and predicted by a softmax over the products from the rest; paths
through the user are left out in closed form. theta = 0 are the powers; lambda/2 |theta|^2 pulls rare nodes to them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from graphrec.errors import ModelError
from graphrec.graph.adjacency import Adjacency, Graph, among, codes_of
from graphrec.models import walk_slopes
from graphrec.models.epochs import Learner, Supervision, best_epoch, run_epochs
from graphrec.models.kernel import fit_kernel, multiplied_out
from graphrec.models.steps import hidden_part
from graphrec.terms.walks import Walk, WalkScorer, WalkTerm, closing_walks

Vector = NDArray[np.float64]
Scores = NDArray[np.float32]

ROUNDING = 1e-6
"""What is left of a mass after taking out walks is nothing below this part of the user's largest."""
TABLE_ENTRIES = 40_000_000
"""Hops 2 and 3 through people are multiplied out up to this size (160 MB)."""
SHARPNESS_RATE = 10.0
EMPTY = np.zeros(0)
BATCH_SCORES = 4_000_000
"""Scores of a step at most, per walk."""


@dataclass(frozen=True)
class WalkWeightsConfig:
    """How the numbers are learned."""

    epochs: int = 20
    """Epochs at most."""
    patience: int = 3
    """Epochs without a better validation value after which training ends."""
    drop: float = 0.3
    """Share of what each user holds that a step hides and predicts."""
    batch_size: int = 256
    """Users per step at most."""
    learning_rate: float = 0.01
    """Of Adam, in units of theta."""
    shrinkage: float = 3.0
    """lambda, in users who choose."""
    sharpness: float = 2.0
    """What standardised scores are multiplied with at the start; it is learned, SHARPNESS_RATE times as fast."""
    seed: int = 0
    """Of what is hidden and of the order of users."""


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
    supervision: Supervision | None = None,
) -> LearnedWalks:
    """The walks with learned numbers; with `evaluate` (higher is better) those of the best epoch.

    Raises:
        ModelError: nobody holds two products, so that one could be found from the other.
    """
    config = config or WalkWeightsConfig()
    training = WalkTraining(graph, walks, config)
    learner = Learner(
        training,
        torch.optim.Adam(
            [
                {"params": [*training.thetas], "lr": config.learning_rate},
                {"params": [training.sharpness], "lr": SHARPNESS_RATE * config.learning_rate},
            ]
        ),
        np.random.default_rng(config.seed),
        lambda: training.run_epoch(learner.optimizer, learner.rng),
        None if evaluate is None else lambda: evaluate(training.parts()),
    )
    epochs = run_epochs(learner, config.epochs, config.patience, supervision or Supervision("learned-kernel"))
    values = tuple(epoch.value for epoch in epochs if epoch.value is not None)
    losses = tuple(epoch.loss for epoch in epochs)
    return LearnedWalks(tuple(training.parts()), best_epoch(epochs), losses, values)


class WalkTraining(nn.Module):
    """The numbers of all walks and what a step needs to move them."""

    def __init__(self, graph: Graph, walks: Sequence[Walk], config: WalkWeightsConfig) -> None:
        super().__init__()
        self.graph, self.config = graph, config
        self.held = graph.held()
        self.learners = graph.learners(min_held=2)
        if not len(self.learners):
            raise ModelError("learned-kernel has nothing to learn from: no user holds two products; load interactions")
        self.walks = [WalkSteps(graph, walk) for walk in walks if fit_kernel(graph, [walk]).scorers]
        self.sharpness = nn.Parameter(torch.tensor(np.log(config.sharpness)))
        self.thetas = nn.ParameterList(
            nn.Parameter(torch.zeros(size, dtype=torch.float64)) for walk in self.walks for size in walk.sizes.values()
        )

    def numbers(self) -> Iterator[tuple["WalkSteps", dict[int, nn.Parameter]]]:
        """Every walk with its parameters by position."""
        left = iter(self.thetas)
        for walk in self.walks:
            yield walk, {position: next(left) for position in walk.sizes}

    def parts(self) -> list[tuple[WalkTerm, float]]:
        """The walks with the present numbers, as a blend adds them."""
        found = []
        for walk, thetas in self.numbers():
            learned = {position: np.exp(theta.detach().numpy()) for position, theta in thetas.items()}
            plain = Walk(walk.scorer.walk.hops, walk.scorer.walk.powers)
            term = fit_kernel(self.graph, [plain], learned=[learned])
            term.name = "learned-kernel"
            found.append((term, walk.scorer.walk.beta))
        return found

    def run_epoch(self, optimizer: torch.optim.Optimizer, rng: np.random.Generator) -> float:
        """Every learner once, in a random order; returns the mean loss."""
        hiding = hide(self.graph, self.held, self.config.drop, rng)
        for walk in self.walks:
            walk.begin(hiding.codes)
        order = rng.permutation(self.learners)
        size = max(1, min(self.config.batch_size, BATCH_SCORES // self.graph.num_products))
        total = 0.0
        for start in range(0, len(order), size):
            optimizer.zero_grad(set_to_none=True)
            total += self.step(order[start : start + size], hiding)
            optimizer.step()
        return total / len(order)

    def masses(self, users: NDArray[np.int32]) -> list[Scores]:
        """The scores (len(users), num_products) of every walk with the present numbers, without what is hidden."""
        return [
            walk.mass(users, {position: theta.detach().numpy() for position, theta in thetas.items()})
            for walk, thetas in self.numbers()
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
        """The summed loss of some users; leaves the slopes of its mean in the parameters.

        Scales (len(users),) of the walks are taken as constant; they are those of the present numbers unless given.
        """
        sharpness = float(self.sharpness.detach().exp())
        masses = self.masses(users)
        scales = scales or self.scales(masses)
        logits = np.zeros((len(users), self.graph.num_products), np.float32)
        for mass, scale in zip(masses, scales, strict=True):
            logits += sharpness * scale[:, None] * mass
        slopes, losses = logits.copy(), np.empty(len(users))
        walk_slopes.choice_slopes(
            slopes, users, hiding.left.indptr, hiding.left.indices, hiding.targets.indptr, hiding.targets.indices,
            losses,
        )  # fmt: skip
        slopes /= len(users)
        self.sharpness.grad = torch.tensor(float(np.einsum("ui,ui->", slopes, logits)), dtype=self.sharpness.dtype)
        slopes *= sharpness
        pull = self.config.shrinkage / len(self.learners)
        for (walk, thetas), mass, scale in zip(self.numbers(), masses, scales, strict=True):
            found = walk.slopes(users, mass, scale[:, None] * slopes)
            for position, theta in thetas.items():
                theta.grad = torch.from_numpy(found[position]) + pull * theta.detach()
        return float(losses.sum())


class WalkSteps:
    """One walk in training: its numbers, its mass and the slopes of the mass."""

    def __init__(self, graph: Graph, walk: Walk) -> None:
        self.scorer = scorer = WalkScorer(graph, walk)
        self.graph = graph
        self.sizes = {
            position: graph.counts[scorer.labels[position]]
            for position in range(scorer.length)
            if scorer.names(position)
        }
        """How many numbers are learned per position."""
        self.powers = scorer.scales
        self.table = _table(graph, scorer)
        self.left = scorer.first
        self.first = self.middle = self.last = self.powers[-1]
        self.closing = EMPTY

    def begin(self, codes: NDArray[np.int64]) -> None:
        """Hide some pairs of user and product in the first hop, if it is an interaction."""
        first, hop = self.scorer.first, self.scorer.walk.hops[0]
        if hop.type not in self.graph.schema.roles.interactions:
            return
        rows = np.repeat(np.arange(len(first.indptr) - 1), first.degrees())
        keep = ~among(codes_of(first, self.graph.num_products), codes)
        indptr = _ends(rows[keep], len(first.indptr) - 1)
        self.left = Adjacency(indptr, first.indices[keep], None if first.weight is None else first.weight[keep])

    def mass(self, users: NDArray[np.int32], thetas: dict[int, Vector]) -> Scores:
        """The walk's scores (len(users), num_products) with these numbers, without what is hidden."""
        numbers = [
            power * np.exp(thetas[position]) if position in thetas else power
            for position, power in enumerate(self.powers)
        ]
        self.first, self.middle, self.last = numbers[0], numbers[min(1, len(numbers) - 1)], numbers[-1]
        mass = np.zeros((len(users), self.graph.num_products), np.float32)
        scorer, kept = self.scorer, self._kept()
        if scorer.length == 1:
            walk_slopes.direct_mass(users, *kept, mass)
        elif scorer.length == 2:
            walk_slopes.linked_mass(users, *kept, self.first, *_csr(scorer.steps[1]), mass)
        elif self.table is not None:
            walk_slopes.tabled_mass(users, *kept, self.first, self.table, mass)
        else:
            walk_slopes.chained_mass(
                users, *kept, self.first, *_csr(scorer.steps[1]), self.middle, *_csr(scorer.steps[2]),
                scorer.mid_user, numba.get_num_threads(), mass,
            )  # fmt: skip
        high = mass.max(axis=1, keepdims=True)
        if self.table is not None:
            walk_slopes.take_out_user(users, *kept, self.first, self.middle, self._own(), mass)
        if scorer.closes:
            self.closing = self._closing()
            walk_slopes.take_out(
                users, *kept, self.first, self.closing, self.middle, scorer.mid_user, self._own(), mass
            )
        mass[mass < ROUNDING * high] = 0.0
        mass *= self.last.astype(np.float32)
        return mass

    def slopes(self, users: NDArray[np.int32], mass: Scores, pulls: Scores) -> dict[int, Vector]:
        """Slopes by theta, per position, from those by the mass (len(users), num_products) that was computed last."""
        scorer, kept = self.scorer, self._kept()
        found = {scorer.length - 1: np.einsum("ui,ui->i", pulls, mass).astype(np.float64)}
        if scorer.length == 1:
            return found
        pulls = pulls * self.last.astype(np.float32)
        threads = numba.get_num_threads()
        first, middle = np.zeros((threads, len(self.first))), np.zeros((threads, len(self.middle)))
        if scorer.length == 2:
            walk_slopes.linked_slopes(users, *kept, self.first, *_csr(scorer.steps[1]), pulls, first)
        elif self.table is not None:
            walk_slopes.tabled_slopes(users, *kept, self.first, self.table, *self._own(), self.middle, pulls, first)
        else:
            walk_slopes.chained_slopes(
                users, *kept, self.first, *_csr(scorer.steps[1]), self.middle, *_csr(scorer.steps[2]),
                scorer.mid_user, pulls, first, middle,
            )  # fmt: skip
        if scorer.closes:
            walk_slopes.take_out_slopes(
                users, *kept, self.first, self.closing, self.middle, scorer.mid_user, self._own(), pulls, first
            )
        return {0: first.sum(axis=0), 1: middle.sum(axis=0), **found} if scorer.length == 3 else {
            0: first.sum(axis=0), **found
        }  # fmt: skip

    def _kept(self) -> tuple[NDArray[np.int64], NDArray[np.int32], Vector]:
        weight = EMPTY if self.left.weight is None else np.asarray(self.left.weight, np.float64)
        return self.left.indptr, self.left.indices, weight

    def _own(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
        """What finds the walks through the user: their edges of hops 2 (back) and 3."""
        if not self.scorer.mid_user:
            return np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.int32)
        return *_csr(self.scorer.back[1]), *_csr(self.scorer.steps[2])

    def _closing(self) -> Vector:
        """What leads from every product at the first hop back to itself, before the last number."""
        if self.table is not None:
            return np.ascontiguousarray(np.diagonal(self.table)).astype(np.float64)
        if len(self.closing) and 1 not in self.sizes:
            return self.closing
        ones = np.ones(self.graph.num_products)
        numbers = [*[self.first, self.middle][: self.scorer.length - 1], ones]
        return closing_walks(self.scorer.steps, self.scorer.back, numbers, len(ones))


def _table(graph: Graph, scorer: WalkScorer) -> Scores | None:
    """Hops 2 and 3 through people multiplied out (nodes, num_products) without the last number, where that is small."""
    if not scorer.mid_user or graph.counts[scorer.labels[0]] * graph.num_products > TABLE_ENTRIES:
        return None
    return multiplied_out(scorer.steps[1:], [scorer.scales[1], np.ones(graph.num_products)]).astype(np.float32)


def hide(graph: Graph, held: Adjacency, drop: float, rng: np.random.Generator) -> Hiding:
    """A random part of what every user holds, at least one; nothing of users with a single product."""
    rows, products = held.expand(np.arange(graph.num_users))
    chosen = hidden_part(rows, graph.num_users, drop, rng) & (held.degrees()[rows] >= 2)
    parts = [Adjacency(_ends(rows[mask], graph.num_users), products[mask]) for mask in (chosen, ~chosen)]
    return Hiding(parts[0], parts[1], rows[chosen] * graph.num_products + products[chosen])


def _ends(rows: NDArray[np.int64], num_rows: int) -> NDArray[np.int64]:
    """Where rows begin and the last one ends, from the row of every entry."""
    return np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=num_rows)))).astype(np.int64)


def _csr(adjacency: Adjacency) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    return adjacency.indptr, adjacency.indices
