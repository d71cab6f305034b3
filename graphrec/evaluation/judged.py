"""One model with its lists and those of the baselines: what every part of a report looks at."""

from collections.abc import Mapping
from dataclasses import dataclass

from graphrec.evaluation.hidden_part import HiddenPart, Measured
from graphrec.graph.adjacency import Graph
from graphrec.graph.snapshot import Snapshot
from graphrec.training.folder import Model

#: The most popular products, which one quality is measured without.
POPULAR = 10
#: The list that a person is shown.
SHOWN = 10
#: A list of a small catalogue is this part of it, at least 3 products: ten of twenty products are no choice.
SMALL_PART = 7


@dataclass(frozen=True, eq=False)
class Judged:
    """A model on the test part of its snapshot."""

    snapshot: Snapshot
    model: Model
    visible: Graph
    """What the model was fitted on, with every edge type."""
    part: HiddenPart
    own: Measured
    others: Mapping[str, Measured]
    """The baselines."""
    ks: tuple[int, ...]
    seed: int

    @property
    def name(self) -> str:
        """What the model is called beside the baselines."""
        return "model" if self.model.kind in self.others else self.model.kind

    @property
    def measured(self) -> dict[str, Measured]:
        """The model, then the baselines."""
        return {self.name: self.own, **self.others}

    @property
    def k(self) -> int:
        """The cut of a report: the longest that was asked for, up to what a person is shown."""
        most = min(SHOWN, max(3, self.part.num_products // SMALL_PART))
        return max((k for k in self.ks if k <= most), default=min(self.ks))
