"""A step in parts: customers of each hide, sample and predict for themselves, and the gradients are added in order.

    g = sum over parts p: n_p g_p / sum over parts p: n_p,   n_p targets of part p

Which customers a part has, what is drawn for it and its place in the sum follow from the configuration, and one thread
computes it, so that a model is the same where this process computes its parts and where others do
(models/handed_out.py).
Source: synchronous data parallelism, Chen et al., ICLR workshop 2016, with a fixed order of the sum.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphrec.features.blocks import Blocks
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.fitting.config import TrainingConfig
from graphrec.models.fitting.network import Network, T
from graphrec.models.fitting.steps import Step
from graphrec.models.handed_out import others


@dataclass(frozen=True, eq=False)
class Learning(Generic[T]):
    """A network and what it learns from."""

    network: Network[T]
    learners: NDArray[np.int32]
    """Users with something to predict."""
    draw: Callable[[NDArray[np.int32], np.random.Generator], Step]
    """The step of some users."""
    loss: Callable[[Step, np.random.Generator], Tensor]

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """What is learned, in a fixed order."""
        assert isinstance(self.network, torch.nn.Module), "a network is a torch module"
        return list(self.network.parameters())


@dataclass(frozen=True, eq=False)
class Recipe(Generic[T]):
    """What a process needs to learn along."""

    make: "Callable[[Graph, Any, Blocks, str], Learning[T]]"
    """A function of a module, from the three below and a device."""
    graph: Graph
    config: TrainingConfig
    blocks: Blocks

    def __getstate__(self) -> dict[str, Any]:
        """For another process: without amounts that customers hold, which lie in files and no network reads."""
        return {**self.__dict__, "graph": replace(self.graph, wealth=None)}

    def learning(self, device: str) -> Learning[T]:
        """The network in its first state, with what it learns from."""
        return self.make(self.graph, self.config, self.blocks, device)


@dataclass(frozen=True, eq=False)
class Part:
    """Some users of a step, and the state in which they meet the network."""

    users: NDArray[np.int32]
    seed: int
    """Of what is drawn for them."""
    values: Sequence[NDArray[Any]]
    """The parameters."""


@dataclass(frozen=True, eq=False)
class Gradient:
    """What a part says; the loss and `arrays` are means over its targets."""

    loss: float
    num_targets: int
    arrays: Sequence[NDArray[Any] | None]
    """By parameter; None: it has none."""


def gradient_of(learning: Learning[Any], users: NDArray[np.int32], seed: int) -> Gradient:
    """The gradient of a part in the present state, by one thread."""
    rng, parameters = np.random.default_rng(seed), learning.parameters
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        step = learning.draw(users, rng)
        if not len(step.users):
            return Gradient(0.0, 0, [None] * len(parameters))
        loss = learning.loss(step, rng)
        found = torch.autograd.grad(loss, parameters, allow_unused=True)
    finally:
        torch.set_num_threads(threads)
    arrays = [None if one is None else one.cpu().numpy() for one in found]
    return Gradient(float(loss.detach()), len(step.targets.rows), arrays)


def part_gradient(learning: Learning[Any], part: Part) -> Gradient:
    """The gradient of a part in the state that comes with it."""
    with torch.no_grad():
        for parameter, values in zip(learning.parameters, part.values, strict=True):
            parameter.copy_(torch.from_numpy(values))
    return gradient_of(learning, part.users, part.seed)


def backward_in_parts(
    learning: Learning[Any], recipe: Recipe[Any], users: NDArray[np.int32], rng: np.random.Generator
) -> float:
    """Leave the gradient of a step of these users at the parameters; returns its loss.

    Args:
        rng: gives each part a seed of its own.
    """
    cut = [part for part in np.array_split(users, recipe.config.parts) if len(part)]
    seeds = [int(rng.integers(2**62)) for _ in cut]
    if (to := others()) is None:
        found = [gradient_of(learning, part, seed) for part, seed in zip(cut, seeds, strict=True)]
    else:
        values = [parameter.detach().cpu().numpy() for parameter in learning.parameters]
        parts = (Part(part, seed, values) for part, seed in zip(cut, seeds, strict=True))
        found = list(to.gradients(recipe, parts))
    total = max(sum(one.num_targets for one in found), 1)
    for number, parameter in enumerate(learning.parameters):
        arrays = [(one.num_targets / total, one.arrays[number]) for one in found]
        weighted = [np.float32(weight) * array for weight, array in arrays if array is not None]
        if weighted:
            summed = weighted[0]
            for array in weighted[1:]:
                summed = summed + array
            parameter.grad = torch.from_numpy(summed).to(parameter.device)
    return sum(one.num_targets / total * one.loss for one in found)
