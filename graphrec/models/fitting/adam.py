"""Adam, with the arithmetic of `torch.optim.Adam` to the last bit on the CPU.

The first optimiser of torch that a process makes imports the compiler of torch, 900 modules that no fit here uses: one
to two seconds of every training. Source: Kingma and Ba, ICLR 2015.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

BETAS = (0.9, 0.999)
EPSILON = 1e-8


class Adam:
    """Moves parameters along their gradients; those without one stay.

    Args:
        groups: each with tensors as `params`, and its own `lr` or `weight_decay`.
        lr: learning rate of groups without one.
    """

    def __init__(self, groups: Iterable[Mapping[str, Any]], lr: float = 1e-3) -> None:
        self.param_groups: list[dict[str, Any]] = [
            {"lr": lr, "weight_decay": 0.0, **group, "params": list(group["params"])} for group in groups
        ]
        self._state: dict[int, dict[str, Tensor]] = {}

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self._parameters():
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        number = 0
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(number, parameter, group["lr"], group["weight_decay"])
                number += 1

    def state_dict(self) -> dict[str, Any]:
        """The moments by the number of the parameter, and the groups with numbers instead of parameters."""
        start, groups = 0, []
        for group in self.param_groups:
            numbers = list(range(start, start + len(group["params"])))
            groups.append({**group, "params": numbers})
            start += len(numbers)
        return {"state": {number: dict(own) for number, own in self._state.items()}, "param_groups": groups}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        parameters = self._parameters()
        self._state = {}
        for number, own in state["state"].items():
            device = parameters[number].device
            self._state[number] = {
                name: one.clone().to("cpu" if name == "step" else device) for name, one in own.items()
            }
        for group, kept in zip(self.param_groups, state["param_groups"], strict=True):
            group.update({name: value for name, value in kept.items() if name != "params"})

    def _parameters(self) -> list[Tensor]:
        return [parameter for group in self.param_groups for parameter in group["params"]]

    def _move(self, number: int, parameter: Tensor, lr: float, weight_decay: float) -> None:
        gradient = parameter.grad
        assert gradient is not None, "asked before"
        if number not in self._state:
            self._state[number] = {
                "step": torch.tensor(0.0),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
        own = self._state[number]
        own["step"] += 1
        if weight_decay:
            gradient = gradient.add(parameter, alpha=weight_decay)
        own["exp_avg"].lerp_(gradient, 1 - BETAS[0])
        own["exp_avg_sq"].mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        step = own["step"].item()
        divided = (own["exp_avg_sq"].sqrt() / (1 - BETAS[1] ** step) ** 0.5).add_(EPSILON)
        parameter.addcdiv_(own["exp_avg"], divided, value=-(lr / (1 - BETAS[0] ** step)))
