"""Who does the parts of a training that others can do: this process, or those that `handing_out` names."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from scipy.sparse import csc_array, csr_array

    from graphrec.models.fitting.parts import Gradient, Part, Recipe


class OtherProcesses(Protocol):
    """Processes that work for this one; answers come in the order of what was asked."""

    def products(self, shards: "Iterable[tuple[csr_array, csr_array]]") -> "Iterator[csc_array]":
        """`sharded.product` of each shard."""
        ...

    def gradients(self, recipe: "Recipe[Any]", parts: "Iterable[Part]") -> "Iterator[Gradient]":
        """The gradient of each part of a step."""
        ...


_others: ContextVar[OtherProcesses | None] = ContextVar("others", default=None)


@contextmanager
def handing_out(to: OtherProcesses) -> Iterator[None]:
    """Let other processes work meanwhile."""
    token = _others.set(to)
    try:
        yield
    finally:
        _others.reset(token)


def others() -> OtherProcesses | None:
    """Other processes that work for this one, where there are some."""
    return _others.get()
