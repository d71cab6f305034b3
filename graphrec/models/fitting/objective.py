"""What a step of training minimises: a ranking loss and, when asked for, the contrast of two noisy views.

Contrast: two passes of one step that differ in their noise have to agree on each user and product. The ranking loss
reads the first of them, as XSimGCL does; SimGCL would take a third, clean pass. Noise is in training only.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from graphrec.models.fitting.config import Loss, PropagationConfig, TrainingConfig
from graphrec.models.fitting.losses import bpr, full_softmax, info_nce, sampled_softmax
from graphrec.models.fitting.steps import Holdings, Step

Vectors = tuple[Tensor, Tensor]
Noise = Callable[[Tensor], Tensor]

#: "auto" takes the full softmax for catalogues up to this size.
FULL_SOFTMAX_PRODUCTS = 20_000

#: All scores of a step are computed sooner than the vectors of its pairs are gathered, up to so many for each pair.
SCORES_PER_PAIR = 100


class Forward(Protocol):
    """A network as the objective sees it."""

    known: Tensor
    """Which products anybody or anything is linked with (num_products,)."""

    def __call__(self, step: Step, noise: Noise | None = None) -> Vectors:
        """The vectors of the step's users and of all products."""
        ...


def step_loss(
    network: Forward, step: Step, holdings: Holdings, config: PropagationConfig, rng: np.random.Generator
) -> Tensor:
    """The loss of one step."""
    if not config.contrast:
        return ranking_loss(network(step), network.known, config.loss, step, holdings, config, rng)
    noise = noise_of(config.noise, rng)
    first, second = network(step, noise), network(step, noise)
    touched = torch.from_numpy(np.unique(step.targets.products).astype(np.int64)).to(first[1].device)
    contrast = info_nce(first[0], second[0], config.temperature) + info_nce(
        first[1][touched], second[1][touched], config.temperature
    )
    ranking = ranking_loss(first, network.known, config.loss, step, holdings, config, rng)
    return ranking + config.contrast * contrast


def noise_of(length: float, rng: np.random.Generator) -> Noise:
    """Adds noise of that length to each row, to the side of zero that each number is on (SimGCL, eq. 8)."""
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))

    def add(rows: Tensor) -> Tensor:
        drawn = torch.rand(rows.shape, generator=generator).to(rows.device)
        return rows + length * rows.detach().sign() * functional.normalize(drawn, dim=1)

    return add


def ranking_loss(
    vectors: Vectors,
    known: Tensor,
    kind: Loss,
    step: Step,
    holdings: Holdings,
    config: TrainingConfig,
    rng: np.random.Generator,
) -> Tensor:
    """How far the targets of a step are from being ranked first."""
    users, products = vectors
    rows, targets = _tensor(step.targets.rows, users), _tensor(step.targets.products, users)
    if kind == "auto":
        kind = "full" if len(products) <= FULL_SOFTMAX_PRODUCTS else "sampled"
    if kind == "full":
        scores = _scores(users, products, config)
        scores[:, ~known] = -torch.inf
        scores[_tensor(step.held.rows, users), _tensor(step.held.products, users)] = -torch.inf
        return full_softmax(scores, rows, targets)
    if kind == "bpr":
        others = _tensor(holdings.others(step.users[step.targets.rows], rng), users)
        if len(users) * len(products) <= SCORES_PER_PAIR * len(rows):
            scores = _scores(users, products, config)
            return bpr(scores[rows, targets], scores[rows, others])
        return bpr((users[rows] * products[targets]).sum(1), (users[rows] * products[others]).sum(1))
    positive = (users[rows] * products[targets]).sum(1)
    if kind == "sampled":
        drawn, expected = holdings.sample(config.negatives, rng)
    else:
        drawn, expected = holdings.in_batch(step.targets.products)
    sampled = _scores(users, products[_tensor(drawn, users)], config)
    held = torch.from_numpy(holdings.table(step.users, drawn)).to(users.device)
    log_expected = torch.from_numpy(np.log(expected)).float().to(users.device)
    return sampled_softmax(positive, rows, sampled.masked_fill(held, -torch.inf), log_expected)


def _scores(users: Tensor, products: Tensor, config: TrainingConfig) -> Tensor:
    with torch.autocast(users.device.type, torch.bfloat16, enabled=config.mixed_precision):
        scores = users @ products.T
    return scores.float()


def _tensor(values: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(np.asarray(values, np.int64)).to(like.device)
