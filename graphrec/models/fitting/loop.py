"""How every network is fitted: its steps and its loss under the epochs of `epochs.py`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from graphrec.errors import ModelError
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.fitting.adam import Adam
from graphrec.models.fitting.config import TrainingConfig
from graphrec.models.fitting.epochs import Learner, best_epoch, run_epochs
from graphrec.models.fitting.steps import Step
from graphrec.models.inputs import Inputs
from graphrec.models.spec import Fitted
from graphrec.terms.base import Term

T = TypeVar("T", bound=Term)
T_co = TypeVar("T_co", bound=Term, covariant=True)


class Network(Protocol[T_co]):
    """A torch module that makes a term."""

    @property
    def name(self) -> str:
        """What its term is called."""
        ...

    def parameter_groups(self) -> list[dict[str, Any]]:
        """What the optimizer moves."""
        ...

    def term(self, graph: Graph) -> T_co:
        """The term of the present state."""
        ...


@dataclass(frozen=True, eq=False)
class Trained(Generic[T]):
    """A trained term and how it came about."""

    term: T
    epochs: int
    """Epochs of the returned state: what a refit on more data should run."""
    losses: tuple[float, ...]
    """Mean training loss per epoch."""
    values: tuple[float, ...]
    """Validation value per epoch, empty without validation."""

    def fitted(self) -> Fitted:
        """As the registry's models return it."""
        return Fitted.of(self.term, self.epochs)


def fit(
    network: Network[T],
    graph: Graph,
    steps: Callable[[np.random.Generator], Iterator[Step]],
    loss: Callable[[Step, np.random.Generator], Tensor],
    config: TrainingConfig,
    inputs: Inputs,
) -> Trained[T]:
    """The trained term; with `inputs.evaluate` (higher is better) the state of its best epoch.

    Args:
        network: what is trained, on its device.
        graph: what it is trained on.
        steps: the steps of one epoch.
        loss: of one step.
        config: of the network; its values name the fit in the working folder.
        inputs: progress, evaluation and callbacks.

    Returns:
        The term, its epochs, losses and values.

    Raises:
        ModelError: the loss is not a number.
    """
    assert isinstance(network, torch.nn.Module), "a network is a torch module"
    rng = np.random.default_rng(config.seed)
    optimizer = Adam(network.parameter_groups(), lr=config.learning_rate)
    evaluate = inputs.evaluate

    def epoch(number: int) -> float:
        for group in optimizer.param_groups:
            group["lr"] = config.rate(number)
        return run_epoch(network.name, steps(rng), lambda step: loss(step, rng), optimizer)

    learner = Learner(
        network,
        optimizer,
        rng,
        epoch,
        None if evaluate is None else lambda: evaluate(network.term(graph)),
    )
    epochs = run_epochs(learner, config.epochs, config.patience, inputs.callbacks(network.name, config))
    values = tuple(epoch.value for epoch in epochs if epoch.value is not None)
    return Trained(network.term(graph), best_epoch(epochs), tuple(epoch.loss for epoch in epochs), values)


def run_epoch(name: str, steps: Iterator[Step], loss_of: Callable[[Step], Tensor], optimizer: Adam) -> float:
    """One move of the optimizer per step; returns the mean loss."""
    total, count = 0.0, 0
    for step in steps:
        optimizer.zero_grad()
        loss = loss_of(step)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        total, count = total + float(loss.detach()), count + 1
    if not np.isfinite(total):
        raise ModelError(f"the loss of {name} is not a number; train again with a smaller learning_rate")
    return total / max(count, 1)
