"""Where networks run: the CPU, or a GPU where torch can use one."""

from dataclasses import dataclass

from graphrec.errors import ModelError
from graphrec.extras import needs_extra


@dataclass(frozen=True)
class Device:
    """Where a network runs, and why there."""

    name: str
    reason: str


def choose_device(wanted: str = "auto") -> Device:
    """Return the device that is wanted: cpu, cuda, or auto for the GPU where torch can use one, else the CPU.

    Raises:
        ModelError: cuda is wanted and not there.
    """
    with needs_extra("train"):
        import torch

    if wanted == "cpu":
        return Device("cpu", "the CPU was asked for")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ModelError("--device cuda: torch finds no CUDA device here; use --device auto or --device cpu")
    if torch.cuda.is_available():
        return Device("cuda", f"{torch.cuda.get_device_name()} is there")
    return Device("cpu", "torch finds no CUDA device")
