"""The epochs of a fit by gradient steps: loss and value of each, the best one, early stopping, going on after a stop.

All that decides the next epoch is one `State`: parameters, optimiser, generators and the curve so far. A fit that goes
on from a kept state takes the steps that it would have taken without the stop.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor, nn

from graphrec.models.fitting.adam import Adam
from graphrec.models.fitting.callbacks import Callbacks, Epoch, State


@dataclass(frozen=True, eq=False)
class Learner:
    """What is trained.

    `epoch` takes all steps of the epoch of that number, from 1, and returns their mean loss; `value`, when given,
    measures the present state, and the parameters of the best epoch are what stays.
    """

    module: nn.Module
    optimizer: Adam
    rng: np.random.Generator
    epoch: Callable[[int], float]
    value: Callable[[], float] | None = None
    best: dict[str, Tensor] = field(default_factory=dict)

    def state(self, epochs: tuple[Epoch, ...]) -> State:
        """The state after these epochs."""
        arrays = {f"model/{name}": tensor for name, tensor in self.module.state_dict().items()}
        for number, entries in self.optimizer.state_dict()["state"].items():
            arrays |= {f"optimizer/{number}/{name}": tensor for name, tensor in entries.items()}
        arrays |= {f"best/{name}": tensor for name, tensor in self.best.items()}
        arrays["torch"] = torch.get_rng_state()
        if torch.cuda.is_available():
            arrays["cuda"] = torch.cuda.get_rng_state()
        return State(
            epochs, {name: tensor.detach().clone() for name, tensor in arrays.items()}, self.rng.bit_generator.state
        )

    def restore(self, state: State) -> None:
        """Put everything back as it was."""
        self.module.load_state_dict(_under("model/", state.arrays))
        entries: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _under("optimizer/", state.arrays).items():
            number, _, key = name.partition("/")
            entries.setdefault(int(number), {})[key] = tensor
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": entries, "param_groups": groups})
        self.rng.bit_generator.state = state.rng
        self.best.update(_under("best/", state.arrays))
        torch.set_rng_state(state.arrays["torch"])
        if "cuda" in state.arrays and torch.cuda.is_available():
            torch.cuda.set_rng_state(state.arrays["cuda"])

    def remember(self) -> None:
        """Take the present parameters for the best."""
        self.best.update({name: tensor.detach().clone() for name, tensor in self.module.state_dict().items()})


def run_epochs(learner: Learner, most: int, patience: int, callbacks: Callbacks) -> tuple[Epoch, ...]:
    """The epochs of a fit, at most `most`; with a value until `patience` of them in a row were no better.

    Afterwards the module has the parameters of the best epoch (of equal ones the last), without a value of the last.
    """
    epochs: tuple[Epoch, ...] = ()
    before = callbacks.keeper.last() if callbacks.keeper else None
    if before is not None:
        learner.restore(before)
        epochs = before.epochs
        for epoch in epochs:
            callbacks.on_epoch(epoch)
    while not _is_over(epochs, most, patience):
        callbacks.progress(_shown(callbacks, epochs), len(epochs), most)
        number = len(epochs) + 1
        epoch = Epoch(number, learner.epoch(number))
        if learner.value is not None:
            epoch = replace(epoch, value=learner.value())
        epochs = (*epochs, epoch)
        if best_epoch(epochs) == epoch.number and learner.value is not None:
            learner.remember()
        if callbacks.keeper:
            callbacks.keeper.keep(lambda: learner.state(epochs), is_last=_is_over(epochs, most, patience))  # noqa: B023
        callbacks.on_epoch(epoch)
    callbacks.progress(_shown(callbacks, epochs), most, most)
    if learner.best:
        learner.module.load_state_dict(learner.best)
    return epochs


def best_epoch(epochs: tuple[Epoch, ...]) -> int:
    """The number of the epoch with the highest value, of equal ones the last; without values the last of all."""
    best, number = -np.inf, 0
    for epoch in epochs:
        if epoch.value is None or epoch.value >= best:
            best, number = best if epoch.value is None else epoch.value, epoch.number
    return number


def _is_over(epochs: tuple[Epoch, ...], most: int, patience: int) -> bool:
    return len(epochs) >= most or len(epochs) - best_epoch(epochs) >= patience


def _shown(callbacks: Callbacks, epochs: tuple[Epoch, ...]) -> str:
    if not epochs:
        return f"{callbacks.name} epochs"
    last = epochs[-1]
    value = "" if last.value is None else f", {callbacks.metric} {last.value:.4f}"
    return f"{callbacks.name} epochs: loss {last.loss:.4f}{value}"


def _under(prefix: str, arrays: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in arrays.items() if name.startswith(prefix)}
