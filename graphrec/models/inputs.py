"""What a fit takes besides a graph and a configuration."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from graphrec.features.blocks import Blocks
from graphrec.models.fitting.callbacks import Callbacks, Fit, NothingKept, Tracker, Work
from graphrec.progress import Progress, silent

Values = Mapping[str, Any]
"""Plain values of a configuration by name, as a model folder keeps them."""

PATH_SHARE = 0.62
"""About as much of what lists show is then on real paths, 60 % at least."""


class Scores(Protocol):
    """A term or a blend."""

    def batch(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """The scores (len(users), num_products)."""
        ...


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a fit takes besides a graph and a configuration."""

    seed: int = 0
    use_protected: bool = False
    blocks: Blocks = field(default_factory=Blocks)
    """Features of nodes, fitted on the stage that the fit is for."""
    progress: Progress = silent
    device: str = "auto"
    """Where networks are trained: auto, cpu or cuda."""
    evaluate: Callable[[Scores], float] | None = None
    """The metric on validation, higher is better, by which a fit by epochs keeps its best one; None in a refit."""
    tuned: Mapping[str, Values] = field(default_factory=dict)
    """Configurations by model that `graphrec tune` found: a search takes them as they are."""
    overrides: Mapping[str, Values] = field(default_factory=dict)
    """Values by model and name that stand over those of every configuration that is tried."""
    path_share: float = PATH_SHARE
    """Part of a blend's weight on real paths, where that costs little."""
    thorough: bool = False
    """Whether a blend tries what takes too long otherwise."""
    stage: str = "choosing"
    """What the fits are for: choosing, refit or tuning."""
    metric: str = "value"
    """Name of what `evaluate` gives."""
    work: Work = field(default_factory=NothingKept)
    """What is done already."""
    tracker: Tracker = field(default_factory=NothingKept)

    def callbacks(self, name: str, config: Any) -> Callbacks:
        """What goes along with a fit by epochs of a configuration (a dataclass)."""
        fit = Fit(self.stage, name, asdict(config), self.metric)
        return Callbacks(name, self.metric, self.progress, self.tracker.callback(fit), self.work.keeper(fit.key))
