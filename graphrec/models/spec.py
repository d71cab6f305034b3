"""What a model says about itself: everything that training, tuning, the blend, help and docs ask of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from graphrec.errors import ModelError
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.inputs import Inputs, Values
from graphrec.terms.base import Term

if TYPE_CHECKING:
    from optuna import Trial

C = TypeVar("C")

OPTIONS = ("seed", "use_protected")
"""Fields of a configuration that are options of the whole training."""


def _no_warning(_config: Any) -> str | None:
    return None


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a fit gives."""

    parts: tuple[tuple[Term, float], ...]
    """The terms that a blend adds, with their weights in it: a kernel walk by walk, any other model as one term.

    A blend divides each part by its own spread for the user, so that the few paths of a rare relation count beside the
    thousands of a common one.
    """
    epochs: int | None = None
    """Epochs of what is returned, where it was fitted by epochs: what a refit on more data runs."""

    @classmethod
    def of(cls, term: Term, epochs: int | None = None) -> "Fitted":
        """A model of one term."""
        return cls(((term, 1.0),), epochs)


@dataclass(frozen=True)
class NoConfig:
    """Nothing to set."""


def _one_trial(_graph: Graph) -> Iterator[Values]:
    yield {}


def _nothing(_values: Values) -> Values | None:
    return None


def _no_others(_graph: Graph, _values: Values) -> Iterator[Values]:
    return iter(())


def stronger(name: str, *chains: tuple[float, ...]) -> Callable[[Values], Values | None]:
    """What `ModelSpec.beyond` is where the largest value of a setting in the trials may still be too small.

    Args:
        name: of the setting.
        chains: the largest value in the trials, then what is tried beyond it, one after another while it is better.
    """
    following = dict(pair for chain in chains for pair in pairwise(chain))

    def beyond(values: Values) -> Values | None:
        found = following.get(values.get(name, 0.0))
        return None if found is None else {**values, name: found}

    return beyond


def _no_peak(_graph: Graph, _config: Any) -> int:
    return 0


def _affordable(_graph: Graph, _inputs: Inputs) -> bool:
    return True


@dataclass(frozen=True, eq=False)
class ModelSpec(Generic[C]):
    """A model: its file or package ends with one, and `registry.py` lists it."""

    name: str
    """As in `train --model NAME` and `--set NAME.KEY=VALUE`."""
    sentence: str
    """What it does, in one sentence for help and docs."""
    fit: Callable[[Graph, C, Inputs], Fitted]
    """Fits it on a graph; heavy packages are imported inside."""
    config: type[C]
    """A frozen dataclass; its fields are what can be set."""
    trials: Callable[[Graph], Iterator[Values]] = _one_trial
    """The configurations that every training tries, few enough for minutes on two cores."""
    beyond: Callable[[Values], Values | None] = _nothing
    """What is tried next where a configuration is the best of those tried; None: nothing. So an end of the trials is
    no end of what can be chosen, and what does not need it pays nothing for it."""
    instead: Callable[[Graph, Values], Iterator[Values]] = _no_others
    """What is tried beside the best of all trials and taken only where it is better by more than a standard error:
    a way to fit that is better of some data and worse of others."""
    space: "Callable[[Trial, Graph], Values] | None" = None
    """Draws a configuration for `graphrec tune`; None: there is nothing to tune."""
    is_affordable: Callable[[Graph, Inputs], bool] = _affordable
    """Whether a blend tries it: what takes too long is left out, `--model` still fits it."""
    peak: Callable[[Graph, C], int] = _no_peak
    """Bytes of tables of all pairs of products at the fullest moment of a fit, as measured; 0: there are none."""
    in_blend: bool = False
    """Whether a blend tries it at all."""
    is_alone: bool = True
    """Whether it is a model of its own; False for what only a blend adds."""
    fixed_weight: float = 0.0
    """Its weight in the blend of `--fixed`, fixed beforehand for all data."""
    fixed: Values | None = None
    """What `--fixed` sets, where that is not the defaults."""
    takes: tuple[str, ...] = ()
    """Names of the feature blocks that it reads where they are there."""
    needs: tuple[tuple[str, Literal["product", "user"]], ...] = ()
    """Names of the feature blocks that it cannot do without, and of whom: a blend leaves it out without them."""
    needs_times: bool = False
    """Whether it reads when products were taken: a blend leaves it out where no holding has a time."""
    by_epochs: bool = False
    """Whether it is fitted by epochs, the best of which validation chooses."""
    has_walks: bool = False
    """Whether its configuration holds walks, which every training chooses."""
    on_paths: bool = False
    """Whether its whole score lies on real paths."""
    replaces: str | None = None
    """The model that it replaces in a blend where it is clearly better; otherwise it leaves the blend."""
    is_counted: bool = False
    """Whether it is fitted from sums over customers: its settings are fixed beforehand and it reads only what it needs,
    since a choice on validation would be one more question about customers."""
    warning: Callable[[C], str | None] = _no_warning
    """What is said at once, and not only kept as a note, where a model of a configuration is fitted."""
    uses_torch: bool = False
    """Whether it is fitted with torch."""
    packages: tuple[str, ...] = ("numpy", "numba", "scipy")
    """Distributions another version of which may give other results."""
    extra: str | None = "train"
    """The extra of graphrec that brings what it imports."""

    def configure(self, values: Values, inputs: Inputs) -> C:
        """The configuration of plain values, with the options of the training."""
        from graphrec.config.convert import convert_value

        options = {name: getattr(inputs, name) for name in OPTIONS if name in self._fields()}
        found: C = convert_value({**values, **options}, self.config, f"model {self.name}", ModelError)
        return found

    def draw(self, trial: "Trial", graph: Graph) -> Values:
        """A configuration that `graphrec tune` tries."""
        assert self.space is not None, "there is something to tune"
        return self.space(trial, graph)

    def settable(self) -> tuple[str, ...]:
        """What `--set` can set."""
        return tuple(name for name in self._fields() if name not in (*OPTIONS, "walks"))

    def blocks(self) -> tuple[str, ...]:
        """The names of all feature blocks that it reads."""
        return tuple(dict.fromkeys((*(name for name, _ in self.needs), *self.takes)))

    def _fields(self) -> tuple[str, ...]:
        config: Any = self.config
        return tuple(field.name for field in fields(config))
