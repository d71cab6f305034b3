"""What a report shows beside the metrics: all of it is measured on the test part, nothing is chosen by it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from graphrec.evaluation.ablation import Ablation, ablate
from graphrec.evaluation.confidence import Threshold, by_confidence
from graphrec.evaluation.groups import Group, Segments, by_holders, by_holdings, segments
from graphrec.evaluation.hidden_part import POPULAR, Comparison, Measured
from graphrec.evaluation.kinds import kinds_of, things_in_common
from graphrec.evaluation.reasons.explanations import Explanations, explained
from graphrec.evaluation.reasons.frontier import Frontier, frontier
from graphrec.features.blocks import Sources
from graphrec.metrics.beyond import calibration, diversity, gini_interval, without_products
from graphrec.metrics.intervals import Interval, bootstrap_all, paired_test
from graphrec.metrics.ranking import evaluate_lists
from graphrec.progress import Progress, silent
from graphrec.terms.meta import Curve

#: Metrics whose difference from every baseline is tested, at the cut of the report.
TESTED = ("ndcg", "recall", "hit_rate")


@dataclass(frozen=True, eq=False)
class Wanted:
    """What is measured beside the metrics."""

    explain_users: int = 200
    """Sampled test users whose explanations are evaluated; 0: none."""
    ablation: bool = False
    """Refit without, and with shuffled, attributes and product knowledge."""
    sources: Sources = field(default_factory=Sources)
    """Of the feature blocks that a refit needs when the model read some."""

    min_confidence: float = 0.0
    """Of the lists whose explanations are evaluated, as `recommend` takes it."""

    @property
    def spare(self) -> int:
        """Products that lists are longer than the longest cut."""
        return POPULAR


@dataclass(frozen=True)
class Details:
    """What a report shows beside the metrics; the values of a model stand under its name."""

    k: int
    """The cut of what follows."""
    paired: Mapping[str, Mapping[str, float]]
    """By baseline and metric: two-sided p that the model and it are equally good for the same users."""
    beyond: Mapping[str, Mapping[str, Interval]]
    """diversity, gini, calibration_js and ndcg_without_popular at k; what cannot be measured is left out."""
    kinds: str | None
    """What the calibration counts."""
    segments: tuple[Segments, ...]
    holdings: tuple[Group, ...]
    """By how much the users hold."""
    holders: tuple[Group, ...]
    """By how many hold the hidden product."""
    curves: tuple[Curve, ...]
    """Loss and validation metric by epoch, as the training recorded them, of every fit by epochs."""
    confidence: tuple[Threshold, ...]
    frontier: Frontier | None
    explanations: Explanations | None
    ablation: Ablation | None


def detailed(comparison: Comparison, wanted: Wanted, *, progress: Progress = silent) -> Details:
    """Everything a report shows beside the metrics."""
    k, seed, part, measured = comparison.k, comparison.seed, comparison.part, comparison.measured
    kinds = kinds_of(comparison.snapshot, comparison.visible)
    min_group = comparison.snapshot.schema.roles.min_group
    return Details(
        k=k,
        paired=paired_tests(comparison.own, comparison.others, k, seed),
        beyond=_beyond(comparison, None if kinds is None else kinds.shares),
        kinds=None if kinds is None else kinds.name,
        segments=segments(comparison.snapshot, comparison.visible, part, measured, k, seed),
        holdings=by_holdings(part, measured, k, seed, min_group=min_group),
        holders=by_holders(part, measured, k, seed, min_group=min_group),
        curves=comparison.model.meta.curves,
        confidence=by_confidence(comparison, progress=progress),
        frontier=frontier(comparison, progress=progress),
        explanations=explained(
            comparison, wanted.explain_users, min_confidence=wanted.min_confidence, progress=progress
        )
        if wanted.explain_users
        else None,
        ablation=ablate(comparison, wanted.sources, progress=progress) if wanted.ablation else None,
    )


def paired_tests(own: Measured, others: Mapping[str, Measured], k: int, seed: int) -> dict[str, dict[str, float]]:
    """The p of the differences of a model to each baseline, by metric, at one length of list."""
    names = [f"{metric}@{k}" for metric in TESTED]
    return {
        baseline: {name: paired_test(own.per_user[name], other.per_user[name], seed) for name in names}
        for baseline, other in others.items()
    }


def _beyond(comparison: Comparison, kinds: NDArray[np.float64] | None) -> dict[str, dict[str, Interval]]:
    k, part, seed = comparison.k, comparison.part, comparison.seed
    common = things_in_common(comparison.snapshot, comparison.visible)
    popular = np.argsort(-part.holders, kind="stable")[:POPULAR]
    history = None if kinds is None else _history(comparison, kinds)
    found = {}
    for name, measured in comparison.measured.items():
        values = {f"gini@{k}": gini_interval(measured.lists, k, part.num_products)}
        per_user = {}
        if common is not None:
            per_user[f"diversity@{k}"] = diversity(measured.lists, k, common)
        values |= bootstrap_all(per_user, seed=seed)
        if kinds is not None and history is not None:
            distance = calibration(measured.lists, k, history, kinds)
            known = ~np.isnan(distance)
            if known.any():
                values |= bootstrap_all({f"calibration_js@{k}": distance[known]}, seed=seed)
        lists, indptr, indices, rows = without_products(
            measured.lists, part.relevant.indptr, part.relevant.indices, popular
        )
        if len(rows):
            left = evaluate_lists(lists, indptr, indices, [k])[f"ndcg@{k}"]
            values |= bootstrap_all({f"ndcg_without_popular@{k}": left}, seed=seed)
        found[name] = values
    return found


def _history(comparison: Comparison, kinds: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of each kind every test user holds (num_test_users, num_kinds)."""
    part = comparison.part
    origin, products = part.held.expand(part.users)
    history = np.zeros((len(part.users), kinds.shape[1]))
    np.add.at(history, origin, kinds[products])
    return history
