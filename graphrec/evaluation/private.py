"""What differential privacy would cost: nDCG of the model `private` at several epsilons beside the model itself.

The noise is that of a known seed, so that the same report has the same figures; such a model protects nobody and is
kept nowhere. What is told of it is one figure on all test users, as of any other model.
"""

from dataclasses import dataclass
from pathlib import Path

from graphrec.evaluation.evaluate import checked_split
from graphrec.evaluation.hidden_part import HiddenPart, headline, measure, open_tested
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.metrics.intervals import Interval
from graphrec.models.counted.private import PrivateConfig, fit_private
from graphrec.progress import Progress, silent
from graphrec.terms.folder import read_meta
from graphrec.terms.forms.blend import Blend

EPSILONS = (1.0, 3.0, 8.0)
MOST_PRODUCTS = 3_000
"""A larger catalogue has too many pairs for a figure beside others."""


@dataclass(frozen=True)
class PrivatePrices:
    """nDCG with and without differential privacy, of the same test users."""

    k: int
    users: int
    without: Interval
    """Of the model itself."""
    by_epsilon: tuple[tuple[float, Interval], ...]


def private_prices(
    snapshot: Snapshot, folder: Path, *, seed: int = 0, progress: Progress = silent
) -> PrivatePrices | None:
    """The price of each epsilon; None where the catalogue is too large.

    Raises:
        ModelError: the model is final, or there is nothing to find.
    """
    split = checked_split(snapshot, read_meta(folder), folder)
    visible = visible_graph(snapshot, split.hidden(split.fitted))
    if visible.num_products > MOST_PRODUCTS:
        return None
    part = HiddenPart.of(snapshot, split, visible)
    k = headline((10,), part.num_products)

    def ndcg(blend: Blend) -> Interval:
        return measure(blend, part, [k], seed=seed, progress=progress).metrics[f"ndcg@{k}"]

    return PrivatePrices(
        k, len(part.users), ndcg(open_tested(folder, snapshot).blend),
        tuple((one, ndcg(Blend([fit_private(visible, PrivateConfig(epsilon=one, test_seed=seed))], [1.0])))
              for one in EPSILONS),
    )  # fmt: skip
