"""How every network is fitted: its steps and its loss under the epochs of `epochs.py`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphrec.errors import ModelError
from graphrec.features.device import choose_device
from graphrec.models.fitting.adam import Adam
from graphrec.models.fitting.epochs import Learner, best_epoch, run_epochs
from graphrec.models.fitting.network import T
from graphrec.models.fitting.parts import Recipe, backward_in_parts
from graphrec.models.inputs import Inputs
from graphrec.models.spec import Fitted

S = TypeVar("S")


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


def fit(recipe: Recipe[T], inputs: Inputs) -> Trained[T]:
    """The trained term; with `inputs.evaluate` (higher is better) the state of its best epoch.

    Args:
        recipe: the network, what it is trained on, and its configuration, whose values name the fit in the working
            folder.
        inputs: device, progress, evaluation and callbacks.

    Returns:
        The term, its epochs, losses and values.

    Raises:
        ModelError: there is nothing to learn, or the loss is not a number.
    """
    learning, config = recipe.learning(choose_device(inputs.device).name), recipe.config
    network, graph = learning.network, recipe.graph
    assert isinstance(network, torch.nn.Module), "a network is a torch module"
    rng = np.random.default_rng(config.seed)
    optimizer = Adam(network.parameter_groups(), lr=config.learning_rate)
    evaluate = inputs.evaluate

    def epoch(number: int) -> float:
        for group in optimizer.param_groups:
            group["lr"] = config.rate(number)
        batches = drawn_batches(learning.learners, config.batch_size, rng)
        if config.parts > 1:
            return run_epoch(
                network.name, batches, lambda users: backward_in_parts(learning, recipe, users, rng), optimizer
            )
        steps = (step for users in batches if len((step := learning.draw(users, rng)).users))
        return run_epoch(network.name, steps, lambda step: backward(learning.loss(step, rng)), optimizer)

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


def drawn_batches(
    learners: NDArray[np.int32], batch_size: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int32]]:
    """Every learner once, in a random order."""
    order = rng.permutation(learners)
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def backward(loss: Tensor) -> float:
    """Leave the gradient at the parameters; returns the loss."""
    loss.backward()  # type: ignore[no-untyped-call]
    return float(loss.detach())


def run_epoch(name: str, steps: Iterator[S], descend: Callable[[S], float], optimizer: Adam) -> float:
    """One move of the optimizer per step; returns the mean loss.

    Args:
        descend: leaves the gradient of a step at the parameters and returns its loss.
    """
    total, count = 0.0, 0
    for step in steps:
        optimizer.zero_grad()
        loss = descend(step)
        optimizer.step()
        total, count = total + loss, count + 1
    if not np.isfinite(total):
        raise ModelError(f"the loss of {name} is not a number; train again with a smaller learning_rate")
    return total / max(count, 1)
