"""Who computes the parts of a network's steps: this process, or others that `computing_with` names."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from graphrec.models.fitting.parts import Gradient, Part, Recipe


class Computers(Protocol):
    """Other processes that compute gradients."""

    def gradients(self, recipe: "Recipe[Any]", parts: "Iterable[Part]") -> "Iterator[Gradient]":
        """Those of each part, in their order."""
        ...


_others: ContextVar[Computers | None] = ContextVar("computers", default=None)


@contextmanager
def computing_with(others: Computers) -> Iterator[None]:
    """Let other processes compute the parts of steps meanwhile."""
    token = _others.set(others)
    try:
        yield
    finally:
        _others.reset(token)


def computers() -> Computers | None:
    """Other processes that compute, where there are some."""
    return _others.get()
