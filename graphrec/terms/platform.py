"""What the last digits of a score depend on besides snapshot and model: processor and libraries of this machine.

Sums of learned weights are exact (factors.exact_rows), powers of degrees come from the C library (walks.powers), and
all other sums are in a fixed order. The small systems that ALS solves and the layers of GraphSAGE are left to numpy's
BLAS, which chooses other instructions on another processor: their scores may differ in the last digit.
"""

import platform as machine
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

#: Sets of instructions that numpy chooses its loops by, the strongest first.
_FEATURES = (
    "AVX512_SPR",
    "AVX512_ICL",
    "AVX512_SKX",
    "AVX512F",
    "AVX2",
    "FMA3",
    "AVX",
    "SVE",
    "ASIMDDP",
    "NEON",
    "VSX4",
)


@cache
def platform() -> str:
    """The processor's kind and strongest instructions, and the versions that decide how numpy adds: one line."""
    features = _features()
    strongest = next((name for name in _FEATURES if features.get(name)), "baseline")
    build: dict[str, Any] = np.show_config(mode="dicts")  # type: ignore[assignment]
    blas = build["Build Dependencies"]["blas"]
    return f"{machine.machine()} {strongest}, numpy {np.__version__}, {blas['name']} {blas['version']}"


def _features() -> dict[str, bool]:
    """Which sets of instructions this processor has, as numpy found at its start."""
    core = import_module("numpy._core._multiarray_umath")
    return dict(core.__cpu_features__)
