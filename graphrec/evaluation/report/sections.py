"""The sections of a report: lists, reasons, what reasons cost, for whom, worth of the graph, learning curves."""

from collections.abc import Sequence

from graphrec.evaluation.details import Details
from graphrec.evaluation.evaluate import Evaluation
from graphrec.evaluation.groups import LEAST_USERS, SMALLER, Group, Segments
from graphrec.evaluation.reasons.explanations import KEPT, NECESSARY, REASONS, SUFFICIENT, TIMES_RANDOM, Explanations
from graphrec.evaluation.reasons.frontier import TOLERATED_COST, WANTED_SHARE
from graphrec.evaluation.report.charts import Mark, Series, Spot, curves, rows_of_intervals, stacked
from graphrec.evaluation.report.page import folded, heading, paragraph, section, table
from graphrec.evaluation.report.words import Words
from graphrec.evaluation.verdict import SURE, p_text, percent
from graphrec.metrics.intervals import Interval
from graphrec.metrics.removal import STEPS

NEW = "0 (new)"
TABLED = ("recall", "ndcg", "precision", "hit_rate", "mrr", "coverage", "novelty")
MEANINGS = {
    "coverage": ("part of the catalogue", "all products that are in any list; 1 all of them"),
    "novelty": ("novelty", "how little known what is shown is; one more for half as many holders"),
    "diversity": (
        "diversity",
        "how little two products of a list have in common (kind, describing nodes); 0 the same, 1 nothing",
    ),
    "gini": ("unevenness (Gini)", "how unevenly products come up; 0 all alike, towards 1 a few take all"),
    "calibration_js": (
        "distance from what is held",
        "how far the mix of kinds in the list is from that of what is held; 0 the same mix, 1 another",
    ),
    "ndcg_without_popular": (
        "nDCG without the popular",
        "nDCG if the ten most popular products did not exist: quality beyond what everybody buys",
    ),
}
"""What a reader sees of a metric: its name and its meaning."""


def accuracy(done: Evaluation, details: Details, words: Words) -> str:
    """Metrics with intervals, and tests against the baselines."""
    k = details.k
    # A list, since a baseline may be of the model's kind.
    models = [(done.model, done.metrics), *done.baselines.items()]
    rows = [
        (label, [Mark(name, found[f"{metric}@{k}"]) for name, found in models])
        for metric, label in (("hit_rate", f"served ({words.users})"), ("recall", f"recall@{k}"), ("ndcg", f"nDCG@{k}"))
    ]
    tests: list[list[str | Interval]] = []
    for name, found in details.paired.items():
        for metric, p in found.items():
            gain = done.metrics[metric].value - done.baselines[name][metric].value
            tests.append([name, metric, f"{gain:+.4f}", p_text(p), _verdict(gain, p)])
    whole: list[list[str | Interval]] = [
        [f"{metric}@{cut}", *(found[f"{metric}@{cut}"] for _, found in models)]
        for metric in TABLED for cut in done.k if f"{metric}@{cut}" in done.metrics
    ]  # fmt: skip
    return section(
        "Does it find what people take?",
        paragraph(
            f"Each dot is a mean over {done.split.users:,} {words.users}, the bar its 95 % interval. Grey is what a "
            "bank could do without a model of its own."
        ),
        rows_of_intervals(rows, title="Quality of the model and of the baselines with intervals"),
        heading("Against each baseline, for the same people") if tests else "",
        table(["baseline", "metric", "difference", "p", ""], tests, left=(0, 1, 4)) if tests else "",
        folded("All metrics at all lengths of list", table(["", *(name for name, _ in models)], whole)),
    )


def _verdict(gain: float, p: float) -> str:
    if p >= SURE:
        return "no difference to be sure of"
    return "better" if gain > 0 else "worse"


def beyond(done: Evaluation, details: Details) -> str:
    """Coverage, novelty, diversity, Gini, calibration, quality without the most popular."""
    k = details.k
    models = {
        name: {**own, **more}
        for (name, more), own in zip(details.beyond.items(), [done.metrics, *done.baselines.values()], strict=True)
    }
    names = [name for name in MEANINGS if any(f"{name}@{k}" in found for found in models.values())]
    rows: list[list[str | Interval]] = [
        [MEANINGS[name][0], *(found.get(f"{name}@{k}", "") for found in models.values())] for name in names
    ]
    meanings = [paragraph(f"{MEANINGS[name][0]} ({name}@{k}): {MEANINGS[name][1]}.", "small") for name in names]
    by = (details.kinds or "").replace("_", " ").lower().removeprefix("has ").removeprefix("in ")
    counted = f" Distance from what is held counts by {by}." if by else ""
    return section(
        "More than hits",
        paragraph(f"A list may hit and still be the same for everybody, or narrow.{counted}"),
        table(["", *models], rows),
        *meanings,
    )


SHOWN = ("hit_rate", "recall", "ndcg", "precision", "coverage", "novelty", "diversity", "gini", "calibration_js")
"""Metrics that are measured under the policy too."""


def shown(details: Details, words: Words) -> str:
    """The same figures under the policy, of the lists that `recommend` gives, beside full ranking."""
    found, k = details.recommended, details.k
    if found is None:
        return ""
    policy = found.policy
    rules = "the built-in rules refuse" if policy is None else f"policy {policy.version} ({policy.hash[:12]}) refuses"
    least = f" and what is below a confidence of {found.min_confidence:g}" if found.min_confidence else ""
    rows: list[list[str | Interval]] = [
        [MEANINGS[name][0] if name in MEANINGS else key, found.full[key], found.metrics[key]]
        for name in SHOWN
        if (key := f"{name}@{k}") in found.metrics
    ]
    return section(
        "What are people shown?",
        paragraph(
            "All other figures of quality, confidence and variety on this page rank every product without a policy: "
            "what a policy refuses cannot be held against a model. Here the lists of "
            f"{found.users:,} {words.users} are those that recommend gives: without what {rules}{least}, in its order, "
            "shorter where no more speaks for a further product than against it. They hold "
            f"{found.length.value:.1f} of {k} products; "
            f"{percent(found.refused.value)} of what was to be found is refused, and no such list can hold that."
        ),
        table(["", "full ranking, no policy", "as recommended"], rows),
    )


def audience(details: Details, words: Words) -> str:
    """New customers, new products, segments, and protected attributes for audit."""
    k = details.k
    open_ones = [found for found in details.segments if not found.protected]
    protected = [found for found in details.segments if found.protected]
    return section(
        "Whom does it serve, and which products?",
        heading(f"By how much {words.users} hold already") if details.holdings else "",
        _groups(details.holdings, f"ndcg@{k}", "products held"),
        heading("By how many hold the product that was to be found"),
        _groups(details.holders, f"recall@{k}", "holders"),
        heading("Protected attributes, for audit only") if protected else "",
        paragraph(
            "Whether the model serves these groups alike. Where intervals do not overlap, look at why: groups also "
            "differ in what they hold and in what they take."
        )
        if protected
        else "",
        _segments(protected, k),
        folded(
            f"By what else is known of them ({len(open_ones)} attributes, groups of at least {LEAST_USERS})",
            _segments(open_ones, k),
        ),
    )


def _groups(groups: Sequence[Group], metric: str, name: str) -> str:
    if not groups:
        return ""
    models = list(groups[0].metrics)
    rows: list[list[str | Interval]] = [
        [
            NEW if group.name == "0" else group.name,
            f"{group.users:,}",
            *(group.metrics[model][metric] for model in models),
        ]
        for group in groups
    ]
    whole = table([name, "people", *(f"{metric} {model}" for model in models)], rows)
    if not any(group.name == SMALLER for group in groups):
        return whole
    return whole + paragraph(f"{SMALLER.capitalize()}: each has too few people to be shown alone.", "small")


def _segments(found: Sequence[Segments], k: int) -> str:
    rows: list[list[str | Interval]] = []
    for segments in found:
        for place, group in enumerate(segments.groups):
            own = next(iter(group.metrics.values()))
            name = segments.attribute.replace("_", " ").lower() if place == 0 else ""
            rows.append([name, group.name, f"{group.users:,}", own[f"ndcg@{k}"], own[f"hit_rate@{k}"]])
    columns = ["attribute", "group", "people", f"ndcg@{k}", f"hit_rate@{k}"]
    return table(columns, rows, left=(0, 1)) if rows else ""


def worth_of_the_graph(details: Details) -> str:
    """True, removed and shuffled knowledge; nothing where it was not asked for."""
    if details.ablation is None:
        return ""
    metric = f"ndcg@{details.k}"
    rows: list[tuple[str, list[Mark]]] = [("true graph", [Mark("nDCG", details.ablation.true[metric])])]
    tests: list[list[str | Interval]] = []
    for variant in details.ablation.variants:
        rows.append((f"{variant.part} {variant.change}", [Mark("nDCG", variant.metrics[metric])]))
        gain = details.ablation.true[metric].value - variant.metrics[metric].value
        p = variant.p[metric]
        verdict = _verdict(gain, p)
        tests.append([f"{variant.part} {variant.change}", variant.metrics[metric], f"{gain:+.4f}", p_text(p), verdict])
    edges = sorted({(variant.part, ", ".join(variant.edges)) for variant in details.ablation.variants})
    return section(
        "What is the graph around people and products worth?",
        paragraph(
            "The same configuration, fitted again without some edges, and with every node given the edges of another. "
            "The weights were chosen with the true graph, which is to its advantage."
        ),
        rows_of_intervals(rows, title="nDCG with the true graph, without parts of it, and with parts shuffled"),
        table(["", metric, "true graph: gain", "p", "true graph"], tests, left=(0, 4)),
        *(paragraph(f"{part}: {names}.", "small") for part, names in edges),
    )


def learning(details: Details) -> str:
    """Curves of every fit by epochs, as training recorded them."""
    parts = []
    for curve in details.curves:
        values = curve.value
        points = values or curve.loss
        if len(points) < 2:
            continue
        name = f"{curve.metric} on validation" if values else "loss on train"
        series = Series(name, [(float(n), value) for n, value in enumerate(points, start=1)])
        parts.append(heading(f"{curve.term}, {curve.stage}"))
        parts.append(curves([series], title=f"{name} by epoch", x_name="epoch", y_name=name))
    return section("How it learned", *parts) if parts else ""


SPREADS = {"fixed": "held fixed", "anew": "computed anew"}
KINDS = {
    "path": "paths", "learned": "learned likeness", "text": "likeness of texts", "attribute": "attributes",
    "general": "everyone", "new": "newness", "against": "likeness to what was rejected", "self": "own ID",
    "nonlinear": "not linear", "profit": "what past prices let expect",
}  # fmt: skip
PATH_MEANINGS = {
    "LIR": "recency of the dealing that the strongest path starts with; 1 the last, 0 the first",
    "SEP": "popularity of what links it to the product; 1 the most popular",
    "ETD": "different kinds of paths in a list, of all kinds there are",
}


def reasons(details: Details, words: Words) -> str:
    """Composition, necessity, sufficiency, paths."""
    found = details.explanations
    if found is None:
        return ""
    rows = [
        (f"leave without {REASONS} reasons", [Mark(name, value) for name, value in found.necessity.items()]),
        (f"stay with {KEPT} reasons", [Mark(name, value) for name, value in found.sufficiency.items()]),
    ]
    parts = sorted(found.composition.items(), key=lambda part: -part[1].value)
    return section(
        "Are the reasons true?",
        paragraph(
            f"Measured on {found.users:,} {words.users} and their lists of {found.k}, as they are recommended: without "
            "what the policy refuses and lines behind which too few people stand. A score is the sum of its lines; "
            f"the largest gap between the two is {found.largest_sum_error:.1e} of the lines. "
            f"{percent(found.with_reasons.value)} of these {words.users} see reasons; "
            f"{percent(found.products_with_reasons.value)} of the products come with one."
        ),
        heading("What the scores are made of"),
        stacked(
            [(KINDS.get(name, f"likeness by {name}"), value.value) for name, value in parts if name != "self"],
            title="Parts of the scores",
        ),
        paragraph(
            f"Own ID: {found.composition['self'].value:.1%}. That part would know a person by number and explain "
            "nothing; it is 0 by design.",
            "small",
        ),
        heading("If the reasons were not there"),
        paragraph(
            f"What the first {REASONS} reasons of a product rest on ({found.edges.value:.1f} of the "
            f"{found.known_edges.value:.1f} edges that are known of a person) is deleted and everything is counted "
            f"anew, with spreads {SPREADS[found.spreads]}: does the product leave the list? And does it stay when "
            "nothing else is left? In grey, as many edges drawn at random, and those that most paths begin with."
            + (
                f" {', '.join(found.inexact)}: not linear, so a line is not what its edge adds."
                if found.inexact
                else ""
            )
        ),
        rows_of_intervals(rows, title="Necessity and sufficiency of reasons", percent=True),
        paragraph(
            "And the whole list, while all edges of a person are deleted in ten steps, those first that give most to "
            f"it (POS-P): {percent(found.pos_p['reasons'].value)} of it is left on average over the steps, "
            f"{percent(found.pos_p['random'].value)} in random order."
        ),
        curves(
            _left(found),
            title="What is left of lists",
            x_name="part of a person's edges that is deleted",
            y_name="part of the list that is left",
            x_percent=True,
            y_percent=True,
            from_zero=True,
        ),
        table(["", "bar", "measured", ""], _bars(found), left=(0, 1, 3)),
        heading("Which paths are shown") if found.paths else "",
        table(["", "SIGIR'22 variant", ""], _paths(found), left=(0, 2)) if found.paths else "",
    )


def _left(found: Explanations) -> list[Series]:
    names = {"reasons": "the weightiest first", "random": "in random order"}
    ats = [step / STEPS for step in range(STEPS + 1)]
    return [
        Series(
            names[order],
            list(zip(ats, [1.0, *(one.value for one in steps)], strict=True)),
            [(1.0, 1.0), *((one.low, one.high) for one in steps)],
        )
        for order, steps in found.curve.items()
    ]


def _bars(found: Explanations) -> list[list[str | Interval]]:
    own, random = found.necessity["reasons"], found.necessity["random"]
    times = own.value / random.value if random.value else float("inf")
    kept, on_paths = found.sufficiency["reasons"], found.composition["path"]
    return [
        ["leave the list", f"at least {NECESSARY:.0%}", own, _held(own.value >= NECESSARY)],
        ["times as many as at random", f"at least {TIMES_RANDOM:g}", f"{times:.1f}", _held(times >= TIMES_RANDOM)],
        ["stay in the list", f"at least {SUFFICIENT:.0%}", kept, _held(kept.value >= SUFFICIENT)],
        ["score on real paths", f"at least {WANTED_SHARE:.0%}", on_paths, _held(on_paths.value >= WANTED_SHARE)],
    ]


def _held(held: bool) -> str:
    return "reached" if held else "not reached"


def _paths(found: Explanations) -> list[list[str | Interval]]:
    return [[name, value, PATH_MEANINGS[name]] for name, value in found.paths.items()]


def price_of_paths(details: Details) -> str:
    """Accuracy against the share on real paths."""
    found = details.frontier
    if found is None:
        return ""
    points = sorted(found.points, key=lambda point: point.path_share.value)
    line = Series(
        f"nDCG@{found.k}",
        [(point.path_share.value, point.ndcg.value) for point in points],
        [(point.ndcg.low, point.ndcg.high) for point in points],
    )
    spot = Spot("the model as it is", (found.chosen.path_share.value, found.chosen.ndcg.value))
    cost = found.cost
    if cost is None:
        said = f"No weight brings {WANTED_SHARE:.0%} of the scores onto real paths."
    else:
        said = f"To have {WANTED_SHARE:.0%} of the scores on real paths costs {cost:.1%} of the best nDCG."
        said += (
            f" That is {'within' if cost <= TOLERATED_COST else 'more than'} the {TOLERATED_COST:.0%} one would pay."
        )
    rows: list[list[str | Interval]] = [[f"{point.weight:.2f}", point.path_share, point.ndcg] for point in found.points]
    rows.append([f"{found.chosen.weight:.2f} (as it is)", found.chosen.path_share, found.chosen.ndcg])
    return section(
        "What do reasons on real paths cost?",
        paragraph(
            f"{said} Paths are reasons that can be looked up; other parts of a score are learned. Here the weight of "
            f"the paths goes from 0 to 1, on {found.users:,} people. Nothing was chosen by this curve."
            + (" The model has no paths: those let in here are all walks with default powers." if found.added else "")
        ),
        curves(
            [line], title="Accuracy against share on real paths", x_name="share of the scores on real paths",
            y_name=f"nDCG@{found.k}", spots=[spot], x_percent=True,
        ),
        folded("All weights", table(["weight of paths", "share on paths", f"nDCG@{found.k}"], rows)),
    )  # fmt: skip


def confident(details: Details) -> str:
    """Precision by the threshold of confidence."""
    found = details.confidence
    if len(found) < 2:
        return ""
    line = Series(
        "precision",
        [(step.shown, step.precision.value) for step in found],
        [(step.precision.low, step.precision.high) for step in found],
    )
    rows: list[list[str | Interval]] = [
        [f"{step.threshold:.3f}", f"{step.shown:.0%}", f"{step.users:.1%}", step.precision] for step in found
    ]
    return section(
        "When is it sure?",
        paragraph(
            f"Of the products shown in lists of {details.k}, the part that was taken, when only those are shown whose "
            "confidence reaches a threshold. If confidence means something, the curve rises to the left."
        ),
        curves(
            [line], title="Precision against the part of products shown", x_name="part of the products still shown",
            y_name="precision", x_percent=True, y_percent=True, from_zero=True,
        ),
        folded("All thresholds", table(["threshold", "still shown", "people with a list", "precision"], rows)),
    )  # fmt: skip
