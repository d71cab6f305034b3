"""graphrec fairness: who gets how good lists, and whom lists show."""

from typing import TYPE_CHECKING, Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json, NoRecord
from graphrec.cli.output import emit_json, note, progress, say, table
from graphrec.errors import LimitPassed

if TYPE_CHECKING:
    from graphrec.evaluation.fairness import Fairness
    from graphrec.metrics.intervals import Interval

SHOWN = 10
"""Providers that are printed, of each label."""


def command(
    model: Annotated[str | None, typer.Option(help="Kind of model (default: the blend, tested).")] = None,
    k: Annotated[int | None, typer.Option("-k", help="Length of lists (default 10, less for few products).")] = None,
    max_gap: Annotated[
        float | None,
        typer.Option(min=0, help="Exit with 7 where a protected group's nDCG is so much below the others'."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show attributes that are not protected too.")] = False,
    no_record: NoRecord = False,
    json: Json = False,
) -> None:
    """Measure who gets how good lists, and whom lists show.

    Groups by protected attributes, which are in no score: nDCG, recall and coverage on the test part, acceptance from
    the record, and p that a gap to the others is chance (corrected for how many there are). Issuers and all else that
    describes products: share of places beside what test users took; Gini of both. Groups of fewer than 20 users, or
    `min_group`, are not told.

    Example: graphrec fairness --max-gap 0.05
    """
    from graphrec.app.jobs import AskFairness

    with progress(json=json) as report:
        done = bank().fairness(AskFairness(model, k, max_gap, record=not no_record), progress=report)
    if json:
        emit_json(done)
    else:
        for text in done.notes:
            note(f"note: {text}")
        _show(done.fairness, every=every)
    if done.below:
        raise LimitPassed(
            f"{len(done.below)} protected groups are more than {max_gap:g} below the others, first {done.below[0]}"
        )


def _show(found: "Fairness", *, every: bool) -> None:
    used = "are in the score" if found.uses_protected else "are in no score"
    say(f"{found.model}: lists of {found.k} for {found.users:,} test users, nDCG {_said(found.ndcg)}")
    say(f"protected attributes {used}")
    shown = [one for one in found.attributes if every or one.protected]
    for one in shown:
        rows = [
            [
                group.name, f"{group.users:,}", _said(group.ndcg), f"{group.gap:+.4f}", f"{group.p:.3f}",
                f"{group.recall.value:.4f}", f"{group.coverage:.2f}",
                "–" if group.acceptance is None else _said(group.acceptance),
            ]
            for group in one.groups
        ]  # fmt: skip
        heads = ["users", f"nDCG@{found.k}", "gap", "p", "recall", "coverage", "acceptance"]
        say()
        table([one.name, *heads], rows, right=heads)
    if not shown:
        say("no protected attribute has groups that are large enough; --all shows other attributes")
    for label in found.providers:
        rows = [
            [
                one.name, f"{one.products:,}", _said(one.exposure), f"{one.merit:.4f}", f"{one.catalogue:.4f}",
            ]
            for one in label.providers[:SHOWN]
        ]  # fmt: skip
        heads = ["products", "exposure", "taken", "catalogue"]
        say()
        table([label.label, *heads], rows, right=heads)
        say(f"Gini of exposure {_said(label.gini)}, of what was taken {label.gini_merit:.4f}")
    say()
    say(f"Gini of listed products {_said(found.gini)}, of held ones {found.gini_held:.4f}")
    say(
        f"popularity of listed products {_said(found.popularity)}, of held ones {found.popularity_held:.4f} (even: 0.5)"
    )


def _said(one: "Interval") -> str:
    return f"{one.value:.4f} [{one.low:.4f}, {one.high:.4f}]"
