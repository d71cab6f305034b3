"""What protected attributes would add: the same training with them, or without them where the model has them.

Both are chosen on validation and measured on the same test users, which neither has seen. The difference is what a bank
gives up, or gains, by leaving protected attributes out of every score.
"""

from dataclasses import dataclass
from pathlib import Path

from graphrec.errors import UsageError
from graphrec.evaluation.evaluate import open_on_test
from graphrec.evaluation.fairness import protected_hops
from graphrec.evaluation.hidden_part import headline, measure, open_tested
from graphrec.features.blocks import Sources
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.metrics.intervals import Interval, bootstrap_all, paired_test
from graphrec.progress import Progress, silent
from graphrec.training.fit import train
from graphrec.training.job import TrainOptions


@dataclass(frozen=True)
class ProtectedPrice:
    """nDCG with and without protected attributes in the score."""

    attributes: tuple[str, ...]
    """Edge types that are protected."""
    k: int
    users: int
    """Test users."""
    without: Interval
    with_them: Interval
    gain: Interval
    """nDCG that they add, of the same users."""
    p: float
    """That they add or take nothing (sign flips of the same users' differences)."""


def protected_price(
    snapshot: Snapshot,
    folder: Path,
    scratch: Path,
    *,
    sources: Sources | None = None,
    k: int | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> ProtectedPrice:
    """What protected attributes would add to a tested model: it is trained once more, the other way.

    Args:
        scratch: an empty folder for the other model.
        sources: of feature blocks, those that the model was offered.
        k: length of the lists; None: what a person is shown, less for small catalogues.

    Raises:
        ModelError: the model is final, or there is nothing to find.
        UsageError: nothing that customers have an edge to is protected.
    """
    tested = open_on_test(snapshot, folder)
    attributes, part = tuple(hop.type for hop in protected_hops(tested.visible)), tested.part
    if not attributes:
        raise UsageError(
            "--protected-price: the mapping marks no edge of a customer as protected, so there is no price"
        )
    k = min(k or headline((10,), part.num_products), part.num_products)
    asked = tested.model.meta.request
    options = TrainOptions(
        tested.model.kind, fixed=asked.fixed, seed=asked.seed, use_protected=not asked.use_protected,
        path_share=asked.path_share, overrides=asked.overrides, device=asked.device, thorough=asked.thorough,
    )  # fmt: skip
    other = train(snapshot, Home(scratch / "home").prepare(), options, sources=sources, progress=progress).path
    blends = [tested.model.blend, open_tested(other, snapshot).blend]
    without, with_them = (
        measure(one, part, [k], seed=seed, progress=progress).per_user[f"ndcg@{k}"]
        for one in (reversed(blends) if asked.use_protected else blends)
    )
    found = bootstrap_all({"without": without, "with": with_them, "gain": with_them - without}, seed=seed)
    return ProtectedPrice(
        attributes, k, len(part.users), found["without"], found["with"], found["gain"],
        paired_test(with_them, without, seed),
    )  # fmt: skip
