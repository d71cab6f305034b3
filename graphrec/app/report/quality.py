"""Parts of a report that a model is judged by: accuracy, explanations, fairness, stability."""

from __future__ import annotations

from graphrec.app.bank import Bank
from graphrec.app.jobs import AskFairness, AskStability, Evaluate
from graphrec.app.report.figures import Concern, Details, Figure, Part, part_of
from graphrec.app.results import StabilityOf
from graphrec.evaluation.details import Details as Measured
from graphrec.evaluation.evaluate import Evaluation
from graphrec.evaluation.fairness import FairAttribute, FairGroup, Fairness
from graphrec.evaluation.reasons.explanations import NECESSARY, SUFFICIENT, Explanations
from graphrec.evaluation.verdict import NAMES, SURE, p_text
from graphrec.metrics.removal import STEPS
from graphrec.progress import Progress

EXPLAINED = 200
"""Test users whose reasons are measured, as in graphrec evaluate --report."""
SUM_ERROR = 1e-9
"""Between a score and the sum of its lines."""
LEAST_OVERLAP, MOST_DAMAGE = 0.9, 0.5
"""The bars of docs/stability.md: where 1 % of the interactions is lost; in the damage to plain item-kNN."""
TABLED = ("hit_rate", "recall", "ndcg", "coverage", "novelty")


def evaluated(bank: Bank, progress: Progress) -> tuple[Part, Part]:
    """Accuracy and explanations: one evaluation gives both."""
    done = bank.evaluate(Evaluate(explain_users=EXPLAINED), progress=progress).evaluation
    if done.details is None:
        raise ValueError("a report needs an evaluation with details")
    return _accuracy(done, done.details), _explanations(done.details)


def _accuracy(done: Evaluation, details: Measured) -> Part:
    k = details.k
    own = done.metrics
    figures = [
        Figure.within("hit_rate", own[f"hit_rate@{k}"], "share", better=1),
        Figure.within("ndcg", own[f"ndcg@{k}"], better=1),
        Figure.within("recall", own[f"recall@{k}"], "share", better=1),
        Figure.within("coverage", own[f"coverage@{k}"], "share", better=1),
        *_shown(details),
        Figure("list_length", float(k), "count"),
        Figure("test_users", float(done.split.users), "count"),
    ]  # fmt: skip
    concerns = []
    for name, p in details.paired.items():
        gain = own[f"ndcg@{k}"].value - done.baselines[name][f"ndcg@{k}"].value
        if gain <= 0 or p[f"ndcg@{k}"] >= SURE:
            told = "no_better" if gain > 0 else "worse_than"
            concerns.append(Concern(told, {"other": NAMES.get(name, name), "p": p_text(p[f"ndcg@{k}"])}))
    models = {done.model: own, **done.baselines}
    rows: list[tuple[str | float | None, ...]] = [
        (name, *(found[f"{metric}@{k}"].value for metric in TABLED)) for name, found in models.items()
    ]
    table = Details(("model", *TABLED), (None, "share", "share", "number", "share", "number"), tuple(rows))
    return part_of("accuracy", figures, concerns, table)


def _shown(details: Measured) -> list[Figure]:
    """The same figures of the lists that `recommend` gives, under the policy."""
    found, k = details.recommended, details.k
    if found is None:
        return []
    own = found.metrics
    return [
        Figure.within("hit_rate_shown", own[f"hit_rate@{k}"], "share", better=1),
        Figure.within("ndcg_shown", own[f"ndcg@{k}"], better=1),
        Figure.within("recall_shown", own[f"recall@{k}"], "share", better=1),
        Figure.within("coverage_shown", own[f"coverage@{k}"], "share", better=1),
        Figure.within("refused_hidden", found.refused, "share"),
    ]


def _explanations(details: Measured) -> Part:
    found = details.explanations
    if found is None:
        return part_of("explanations", missing="fewer test users have a list than may be told of (min_group)")
    needed, kept = found.necessity["reasons"], found.sufficiency["reasons"]
    figures = [
        Figure.within("reasoned", found.products_with_reasons, "share", better=1),
        Figure.within("necessary", needed, "share", better=1),
        Figure.within("necessary_random", found.necessity["random"], "share"),
        Figure.within("sufficient", kept, "share", better=1),
        Figure.within("left", found.pos_p["reasons"], "share", better=-1),
        Figure.within("left_random", found.pos_p["random"], "share"),
        Figure("sum_error", found.largest_sum_error, "p", better=-1),
        *(Figure.within("made_of", part, "share", of=kind) for kind, part in sorted(
            found.composition.items(), key=lambda one: -one[1].value) if abs(part.value) >= 0.005),
    ]  # fmt: skip
    concerns = [
        Concern(name, {"bar": f"{bar:.0%}"})
        for name, one, bar in (("not_necessary", needed, NECESSARY), ("not_sufficient", kept, SUFFICIENT))
        if one.value < bar
    ]
    if found.largest_sum_error > SUM_ERROR:
        concerns.append(Concern("not_exact"))
    if found.pos_p["reasons"].value >= found.pos_p["random"].value:
        concerns.append(Concern("order_no_better"))
    return part_of("explanations", figures, concerns, _curve(found))


def _curve(found: Explanations) -> Details:
    """What is left of lists, by how much of what is known of a customer is deleted."""
    first, random = ([1.0, *(one.value for one in found.curve[order])] for order in ("reasons", "random"))
    rows = tuple((step / STEPS, first[step], random[step]) for step in range(STEPS + 1))
    return Details(("deleted", "left_reasons", "left_random"), ("share", "share", "share"), rows)


def fairness(bank: Bank, progress: Progress) -> Part:
    """Who gets how good lists, and whom lists show."""
    request = AskFairness(record=False)
    found = bank.fairness(request, progress=progress).fairness
    protected = [one for one in found.attributes if one.protected]
    gaps = [(one, group) for one in protected for group in one.groups]
    figures = [
        *([] if not gaps else [_worst(gaps)]),
        Figure.within("gini", found.gini, better=-1),
        Figure("gini_held", found.gini_held),
        Figure.within("popularity", found.popularity, better=-1),
        Figure("popularity_held", found.popularity_held),
        *_pushed(found),
    ]
    concerns = [
        Concern("group_below", {"attribute": one.name, "group": group.name, "gap": f"{group.gap:+.4f}"})
        for one, group in gaps
        if group.gap < 0 and group.p < request.level
    ]
    if found.uses_protected:
        concerns.append(Concern("protected_used"))
    rows = tuple(
        (one.name, group.name, float(group.users), group.ndcg.value, group.gap, group.p) for one, group in gaps
    )
    columns = ("attribute", "group", "customers", "ndcg", "gap", "p")
    table = Details(columns, (None, None, "count", "number", "number", "p"), rows) if rows else None
    return part_of("fairness", figures, concerns, table)


def _worst(gaps: list[tuple[FairAttribute, FairGroup]]) -> Figure:
    one, group = min(gaps, key=lambda pair: pair[1].gap)
    return Figure("worst_gap", group.gap, better=1, of=f"{one.name}: {group.name}")


def _pushed(found: Fairness) -> list[Figure]:
    """The provider of each label whose exposure is furthest above what was taken of it."""
    return [
        Figure("pushed", most.exposure.value - most.merit, "share", better=-1, of=f"{label.label}: {most.name}")
        for label in found.providers
        if label.providers
        for most in [max(label.providers, key=lambda one: one.exposure.value - one.merit)]
    ]


def stability(bank: Bank, progress: Progress) -> Part:
    """How much lists change where nothing should."""
    done: StabilityOf = bank.stability(AskStability(record=False), progress=progress)
    found = done.stability
    (run, seed), lost = found.compared[:2], found.after_loss
    own, plain = found.attacked
    figures = [
        Figure.within("overlap_lost", lost.overlap, better=1),
        Figure.within("overlap_run", run.overlap, better=1),
        Figure.within("overlap_seed", seed.overlap, better=1),
        Figure("damage", own.damage, "share", better=-1),
        Figure("damage_plain", plain.damage, "share"),
        Figure("damage_ratio", found.ratio, better=-1),
    ]
    concerns = []
    if run.same < 1:
        concerns.append(Concern("runs_differ"))
    if lost.overlap.value < LEAST_OVERLAP:
        concerns.append(Concern("overlap_low", {"bar": f"{LEAST_OVERLAP:g}"}))
    if found.ratio is not None and found.ratio > MOST_DAMAGE:
        concerns.append(Concern("damage_high", {"bar": f"{MOST_DAMAGE:g}"}))
    return part_of("stability", figures, concerns)
