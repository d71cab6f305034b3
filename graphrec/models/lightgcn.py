"""Item-only relational LightGCN: users are the sum of what they touch; nothing is learned about a person.

Every step hides its targets: a share of each user's holdings carries no message in the step that predicts it
(docs/formulas.md). The mathematics of the network: network.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from graphrec.errors import ModelError
from graphrec.graph.adjacency import Graph
from graphrec.models.losses import bpr, full_softmax, sampled_softmax
from graphrec.models.network import ItemGCN, LightGCNConfig, Texts
from graphrec.models.steps import Holdings, Step, StepSource
from graphrec.progress import Progress, silent
from graphrec.terms.factors import FactorTerm

__all__ = ["Fitted", "LightGCNConfig", "fit_lightgcn", "step_loss"]

#: "auto" takes the full softmax for catalogues up to this size.
FULL_SOFTMAX_PRODUCTS = 20_000


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained term and how it came about."""

    term: FactorTerm
    epochs: int
    """Epochs of the returned state: what a refit on more data should run."""
    losses: tuple[float, ...]
    """Mean training loss per epoch."""
    values: tuple[float, ...]
    """Validation value per epoch, empty without validation."""


def fit_lightgcn(
    graph: Graph,
    texts: Texts | None = None,
    config: LightGCNConfig | None = None,
    *,
    evaluate: Callable[[FactorTerm], float] | None = None,
    progress: Progress = silent,
    device: str = "cpu",
) -> Fitted:
    """The trained term; with `evaluate` (higher is better) the state of its best epoch.

    Raises:
        ModelError: nobody holds anything, or the loss is not a number.
    """
    config = config or LightGCNConfig()
    network = ItemGCN(graph, texts or {}, config).to(device)
    source = StepSource(graph, network.hops, config.drop, min_held=config.min_held, whole=config.num_layers > 1)
    if not len(source.learners):
        raise ModelError("lightgcn has nothing to learn from: no user holds a product; load interactions first")
    rng = np.random.default_rng(config.seed)
    optimizer = torch.optim.Adam(network.parameter_groups(), lr=config.learning_rate)
    losses: list[float] = []
    values: list[float] = []
    best, best_epoch = network.term(graph), 0
    for epoch in range(1, config.epochs + 1):
        progress("lightgcn epochs", epoch - 1, config.epochs)
        losses.append(_train_epoch(network, source, optimizer, config, rng))
        if evaluate is None:
            best_epoch = epoch
            continue
        term = network.term(graph)
        values.append(evaluate(term))
        if values[-1] >= max(values):
            best, best_epoch = term, epoch
        elif epoch - best_epoch >= config.patience:
            break
    progress("lightgcn epochs", config.epochs, config.epochs)
    return Fitted(network.term(graph) if evaluate is None else best, best_epoch, tuple(losses), tuple(values))


def _train_epoch(
    network: ItemGCN,
    source: StepSource,
    optimizer: torch.optim.Optimizer,
    config: LightGCNConfig,
    rng: np.random.Generator,
) -> float:
    total, count = 0.0, 0
    for step in source.epoch(config.batch_size, rng):
        optimizer.zero_grad(set_to_none=True)
        loss = step_loss(network, step, source.holdings, config, rng)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        total, count = total + float(loss.detach()), count + 1
    if not np.isfinite(total):
        raise ModelError("the loss of lightgcn is not a number; train again with a smaller learning_rate")
    return total / count


def step_loss(
    network: ItemGCN, step: Step, holdings: Holdings, config: LightGCNConfig, rng: np.random.Generator
) -> Tensor:
    """The loss of one step."""
    users, products = network(step)
    rows = torch.from_numpy(step.targets.rows).to(users.device)
    targets = torch.from_numpy(step.targets.products).long().to(users.device)
    kind = config.loss
    if kind == "auto":
        kind = "full" if len(products) <= FULL_SOFTMAX_PRODUCTS else "sampled"
    if kind == "full":
        scores = users @ products.T
        held = torch.from_numpy(step.held.rows), torch.from_numpy(step.held.products).long()
        scores[:, ~network.known] = -torch.inf
        scores[held[0].to(users.device), held[1].to(users.device)] = -torch.inf
        return full_softmax(scores, rows, targets)
    positive = (users[rows] * products[targets]).sum(1)
    if kind == "bpr":
        other = holdings.others(step.users[step.targets.rows], rng)
        return bpr(positive, (users[rows] * products[torch.from_numpy(other).to(users.device)]).sum(1))
    drawn, expected = holdings.sample(config.negatives, rng)
    sampled = users @ products[torch.from_numpy(drawn).to(users.device)].T
    sampled = sampled.masked_fill(torch.from_numpy(holdings.table(step.users, drawn)).to(users.device), -torch.inf)
    return sampled_softmax(positive, sampled[rows], torch.from_numpy(np.log(expected)).float().to(users.device))
