"""Sections about explanations: what scores are made of, whether reasons hold, what they cost, when to be sure."""

from graphrec.evaluation.details import Details
from graphrec.evaluation.explanations import KEPT, NECESSARY, REASONS, SUFFICIENT, TIMES_RANDOM, Explanations
from graphrec.evaluation.frontier import TOLERATED_COST, WANTED_SHARE
from graphrec.evaluation.report.charts import Mark, Series, Spot, curves, rows_of_intervals, stacked
from graphrec.evaluation.report.page import folded, heading, paragraph, section, table
from graphrec.evaluation.report.words import Words, percent
from graphrec.metrics.intervals import Interval

KINDS = {
    "path": "paths", "similarity": "learned likeness", "text": "likeness of texts", "attribute": "attributes",
    "general": "everyone", "new": "newness", "self": "own ID", "nonlinear": "not linear",
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
            f"Measured on {found.users:,} {words.users} and their lists of {found.k}. A score is the sum of its lines; "
            f"the largest gap between the two is {found.largest_sum_error:.1e} of the lines. "
            f"{percent(found.with_reasons.value)} of these {words.users} see reasons; "
            f"{percent(found.products_with_reasons.value)} of the products come with one."
        ),
        heading("What the scores are made of"),
        stacked([(KINDS[name], value.value) for name, value in parts if name != "self"], title="Parts of the scores"),
        paragraph(
            f"Own ID: {found.composition['self'].value:.1%}. That part would know a person by number and explain "
            "nothing; it is 0 by design.",
            "small",
        ),
        heading("If the reasons were not there"),
        paragraph(
            f"What the first {REASONS} reasons of a product rest on ({found.edges.value:.1f} of the "
            f"{found.known_edges.value:.1f} edges that are known of a person) is deleted and everything is counted "
            "anew: does the product leave the list? And does it stay when nothing else is left? In grey, as many edges "
            "drawn at random, and those that most paths begin with."
            + (f" For {', '.join(found.inexact)} the lines stand for the deletion." if found.inexact else "")
        ),
        rows_of_intervals(rows, title="Necessity and sufficiency of reasons", percent=True),
        table(["", "bar", "measured", ""], _bars(found), left=(0, 1, 3)),
        heading("Which paths are shown") if found.paths else "",
        table(["", "SIGIR'22 variant", ""], _paths(found), left=(0, 2)) if found.paths else "",
    )


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
