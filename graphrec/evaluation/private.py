"""What differential privacy would cost: nDCG of the model `private` at several epsilons beside the model itself.

The noise is that of a known seed, so that the same report has the same figures; such a model protects nobody and is
kept nowhere. One figure on all test users is printed of it, as of any other model.
"""

from dataclasses import dataclass
from pathlib import Path

from graphrec.evaluation.evaluate import open_on_test
from graphrec.evaluation.hidden_part import headline, measure
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.metrics.intervals import Interval
from graphrec.models.counted.private import PrivateConfig, fit_private
from graphrec.progress import Progress, silent
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
    tested = open_on_test(snapshot, folder)
    visible, part = tested.visible, tested.part
    if visible.num_products > MOST_PRODUCTS:
        return None
    k = headline((10,), part.num_products)

    def ndcg(blend: Blend) -> Interval:
        return measure(blend, part, [k], seed=seed, progress=progress).metrics[f"ndcg@{k}"]

    return PrivatePrices(
        k, len(part.users), ndcg(tested.model.blend),
        tuple((one, ndcg(Blend([fit_private(visible, PrivateConfig(epsilon=one, test_seed=seed))], [1.0])))
              for one in EPSILONS),
    )  # fmt: skip
