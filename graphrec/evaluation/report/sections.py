"""Sections about lists: how good, how various, for whom, worth of the graph, learning curves."""

from collections.abc import Sequence

from graphrec.evaluation.details import Details
from graphrec.evaluation.evaluate import Evaluation
from graphrec.evaluation.groups import LEAST_USERS, Group, Segments
from graphrec.evaluation.report.charts import Mark, Series, curves, rows_of_intervals
from graphrec.evaluation.report.page import folded, heading, paragraph, section, table
from graphrec.evaluation.report.words import SURE, Words, p_text
from graphrec.metrics.intervals import Interval

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
            f"Each dot is a mean over {done.split['users']:,} {words.users}, the bar its 95 % interval. Grey is what a "
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
    return table([name, "people", *(f"{metric} {model}" for model in models)], rows)


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
        values = [float(value) for value in curve["value"]]
        points = values or [float(value) for value in curve["loss"]]
        if len(points) < 2:
            continue
        name = f"{curve['metric']} on validation" if values else "loss on train"
        series = Series(name, [(float(n), value) for n, value in enumerate(points, start=1)])
        parts.append(heading(f"{curve['term']}, {curve['stage']}"))
        parts.append(curves([series], title=f"{name} by epoch", x_name="epoch", y_name=name))
    return section("How it learned", *parts) if parts else ""
