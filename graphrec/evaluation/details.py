"""What a report shows beside the metrics: all of it is measured on the test part, nothing is chosen by it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from graphrec.evaluation.ablation import Ablation, ablate
from graphrec.evaluation.confidence import Threshold, by_confidence
from graphrec.evaluation.groups import Group, Segments, by_holders, by_holdings, segments
from graphrec.evaluation.hidden_part import (
    POPULAR,
    Comparison,
    HiddenPart,
    Measured,
    Metrics,
    blocks,
    measure_lists,
    recommended,
    sampled_rows,
)
from graphrec.evaluation.kinds import kinds_held, kinds_of, things_in_common
from graphrec.evaluation.reasons.explanations import Explanations, explained
from graphrec.evaluation.reasons.frontier import Frontier, frontier
from graphrec.features.blocks import Sources
from graphrec.metrics.beyond import calibration, diversity, gini_interval, without_products
from graphrec.metrics.intervals import Interval, bootstrap_all, paired_test
from graphrec.metrics.ranking import evaluate_lists
from graphrec.progress import Progress, silent
from graphrec.serving.answer import ListOptions, PolicyName
from graphrec.terms.meta import Curve
from graphrec.training.validation import rows_of

#: Metrics whose difference from every baseline is tested, at the cut of the report.
TESTED = ("ndcg", "recall", "hit_rate")
#: Test users whose lists are made as `recommend` makes them, at most.
RECOMMENDED_USERS = 1_000


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
class Recommended:
    """Figures of the lists that `recommend` gives, under the policy, beside those of full ranking of the same users.

    Full ranking orders all products that nobody refuses by their scores: it compares models, and holds no refusal
    against one. What a person gets is shorter: without what the policy refuses, what no line speaks for and what is
    below the least confidence.
    """

    policy: PolicyName | None
    """None: the built-in rules alone hold."""
    min_confidence: float
    users: int
    """A seeded sample of the test users."""
    refused: Interval
    """Part of what a user had to find that the policy refuses: no list under it can hold that."""
    length: Interval
    """Products in a list."""
    full: Metrics
    """Of full ranking, at the cut of the report."""
    metrics: Metrics
    """The same of the lists that `recommend` gives."""


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
    recommended: Recommended | None
    """The same figures for the lists that `recommend` gives; None: too few test users may be told of."""


def detailed(comparison: Comparison, wanted: Wanted, *, progress: Progress = silent) -> Details:
    """Everything a report shows beside the metrics."""
    k, seed, part, measured = comparison.k, comparison.seed, comparison.part, comparison.measured
    kinds = kinds_of(comparison.snapshot, comparison.visible)
    variety = _Variety(
        things_in_common(comparison.snapshot, comparison.visible), None if kinds is None else kinds.shares
    )
    min_group = comparison.snapshot.schema.roles.min_group
    return Details(
        k=k,
        paired=paired_tests(comparison.own, comparison.others, k, seed),
        beyond={name: variety.of(one, part, k, seed) for name, one in measured.items()},
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
        recommended=_recommended(comparison, wanted, variety, min_group, progress),
    )


def paired_tests(own: Measured, others: Mapping[str, Measured], k: int, seed: int) -> dict[str, dict[str, float]]:
    """The p of the differences of a model to each baseline, by metric, at one length of list."""
    names = [f"{metric}@{k}" for metric in TESTED]
    return {
        baseline: {name: paired_test(own.per_user[name], other.per_user[name], seed) for name in names}
        for baseline, other in others.items()
    }


@dataclass(frozen=True, eq=False)
class _Variety:
    """Measures how various, even and near to what is held lists are.

    Shapes: common (num_products, num_things), kinds (num_products, num_kinds); None: products have none.
    """

    common: NDArray[np.float64] | None
    kinds: NDArray[np.float64] | None

    def of(self, measured: Measured, part: HiddenPart, k: int, seed: int) -> dict[str, Interval]:
        """diversity, gini, calibration_js and ndcg_without_popular at k; what cannot be measured is left out."""
        values = {f"gini@{k}": gini_interval(measured.lists, k, part.num_products)}
        if self.common is not None:
            values |= bootstrap_all({f"diversity@{k}": diversity(measured.lists, k, self.common)}, seed=seed)
        if self.kinds is not None:
            distance = calibration(measured.lists, k, kinds_held(part.held, part.users, self.kinds), self.kinds)
            known = ~np.isnan(distance)
            if known.any():
                values |= bootstrap_all({f"calibration_js@{k}": distance[known]}, seed=seed)
        if measured.lists.shape[1] < k + POPULAR:
            return values
        popular = np.argsort(-part.holders, kind="stable")[:POPULAR]
        lists, indptr, indices, rows = without_products(
            measured.lists, part.relevant.indptr, part.relevant.indices, popular
        )
        if len(rows):
            left = evaluate_lists(lists, indptr, indices, [k])[f"ndcg@{k}"]
            values |= bootstrap_all({f"ndcg_without_popular@{k}": left}, seed=seed)
        return values


def _recommended(
    comparison: Comparison, wanted: Wanted, variety: _Variety, min_group: int, progress: Progress
) -> Recommended | None:
    """Figures of what `recommend` gives, and of full ranking, for a sample of the test users."""
    engine, k, seed = comparison.engine, comparison.k, comparison.seed
    rows = sampled_rows(comparison, RECOMMENDED_USERS)
    if len(rows) < min_group:
        return None
    whole = comparison.part
    part = replace(whole, users=whole.users[rows], relevant=rows_of(whole.relevant, rows))
    options = ListOptions(min_confidence=wanted.min_confidence)
    lists = recommended(engine, part.users, k, options, progress=progress)
    full, own = (measure_lists(one, part, [k], seed=seed) for one in (comparison.own.lists[rows, :k], lists))
    gone = np.zeros(len(rows))
    for start, block in blocks(len(rows), part.num_products):
        allowed = engine.allowed(part.users[block])
        owner, products = part.relevant.expand(np.arange(start, start + len(allowed)))
        gone[block] = np.bincount(owner, ~allowed[owner, products], len(allowed))
    gone /= part.relevant.degrees()
    sizes = (lists >= 0).sum(axis=1).astype(np.float64)
    about = bootstrap_all({"refused": gone, "length": sizes}, seed=seed)
    return Recommended(
        engine.policy_name, wanted.min_confidence, len(rows), about["refused"], about["length"],
        full=full.metrics | variety.of(full, part, k, seed), metrics=own.metrics | variety.of(own, part, k, seed),
    )  # fmt: skip
