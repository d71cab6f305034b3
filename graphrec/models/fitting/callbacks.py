"""What goes along with a fit by epochs: progress, learning curve, kept state. Nothing here imports torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from graphrec.models.digests import digest
from graphrec.progress import Progress, silent

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Epoch:
    """One pass over the training data."""

    number: int
    """From 1."""
    loss: float
    """Mean training loss of its steps."""
    value: float | None = None
    """The validation metric after it, where it was asked for; higher is better."""


@dataclass(frozen=True, eq=False)
class State:
    """Everything a fit needs to go on."""

    epochs: tuple[Epoch, ...]
    arrays: "Mapping[str, Tensor]"
    """Parameters, optimiser, generator of torch, and the parameters of the best epoch, each under its own prefix."""
    rng: Mapping[str, Any]
    """State of the numpy generator."""


class Keeper(Protocol):
    """Where a fit keeps its state."""

    def last(self) -> State | None:
        """The state that was kept last; None at the beginning."""
        ...

    def keep(self, state: Callable[[], State], *, is_last: bool) -> None:
        """Keep a state, at once when it is the last one, otherwise when that is worth its time."""
        ...


@dataclass(frozen=True)
class Fit:
    """One fit by epochs of a training."""

    stage: str
    """choosing, refit or tuning."""
    term: str
    configuration: Mapping[str, Any]
    metric: str
    """What its values are."""

    @property
    def key(self) -> str:
        """Its name in the working folder and in the log folder."""
        return f"{self.stage}-{self.term}-{digest(dict(self.configuration))}"


class Work(Protocol):
    """What a training has done already."""

    def once(self, step: str, make: Callable[[], Any]) -> Any:
        """The plain result of a step: read where it was done before, made and kept otherwise."""
        ...

    def keeper(self, fit: str) -> Keeper | None:
        """Where the state of a fit is kept; None where nothing is kept."""
        ...


class Tracker(Protocol):
    """Collects the epochs of every fit of a training."""

    def callback(self, fit: Fit) -> Callable[[Epoch], None]:
        """The function that gets every epoch of one fit."""
        ...

    def curves(self, stage: str) -> list[dict[str, Any]]:
        """The learning curves of a stage."""
        ...


class NothingKept:
    """Work and tracker of a fit that keeps nothing."""

    def once(self, step: str, make: Callable[[], Any]) -> Any:  # noqa: ARG002
        """The result of the step, made now."""
        return make()

    def keeper(self, fit: str) -> Keeper | None:  # noqa: ARG002
        """None: nothing is kept."""
        return None

    def callback(self, fit: Fit) -> Callable[[Epoch], None]:  # noqa: ARG002
        """A function that does nothing."""
        return ignore

    def curves(self, stage: str) -> list[dict[str, Any]]:  # noqa: ARG002
        """None: nothing is collected."""
        return []


def ignore(epoch: Epoch) -> None:
    """Do nothing with an epoch."""


@dataclass(frozen=True, eq=False)
class Callbacks:
    """What a fit calls: where progress is shown, what gets each epoch, where the state is kept."""

    name: str = "fit"
    """What people call the fit."""
    metric: str = "value"
    """What people call the value of an epoch."""
    progress: Progress = silent
    on_epoch: Callable[[Epoch], None] = ignore
    """Gets every epoch, those before a stop again; an error that it raises ends the fit."""
    keeper: Keeper | None = None
