"""graphrec fairness: who gets how good lists, and whom lists show."""

from typing import TYPE_CHECKING, Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json, NoRecord
from graphrec.cli.output import emit_json, note, progress, say, table
from graphrec.errors import LimitPassed

if TYPE_CHECKING:
    from graphrec.evaluation.fairness import FairAttribute, Fairness
    from graphrec.evaluation.mitigation import Mitigated
    from graphrec.evaluation.protected import ProtectedPrice
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
    mitigate: Annotated[
        str | None,
        typer.Option(help="Label, such as Issuer: what it costs in nDCG to show each no more than it merits."),
    ] = None,
    part: Annotated[
        float, typer.Option(min=0, max=0.99, help="mitigate: part of the largest excess that may be left.")
    ] = 0.5,
    protected_price: Annotated[
        bool,
        typer.Option(
            "--protected-price", help="Train once more with protected attributes in the score: what they add."
        ),
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Show attributes that are not protected too.")] = False,
    no_record: NoRecord = False,
    json: Json = False,
) -> None:
    """Measure who gets how good lists, and whom lists show.

    Groups by protected attributes, which are in no score: nDCG, recall and coverage on the test part, acceptance from
    the record, and p that a gap to the others is chance (corrected for how many there are). Issuers and all else that
    describes products: share of places beside what test users took; Gini of both. Groups of fewer than 20 users, or
    `min_group`, are not told.

    Beside them, by group: fee and risk class of what lists show, what the policy refuses, how far the mix of kinds in
    lists is from the mix that is held (calibration; 0 the same), and whether any list changes where everybody is in
    another group. `--mitigate LABEL` ranks again with a penalty for providers that are shown more than was taken of
    them, and prints its price. `--protected-price` trains once more with protected attributes in the score and prints
    what they add; the card of the model shows it from then on.

    Examples: graphrec fairness --max-gap 0.05; graphrec fairness --mitigate Issuer
    """
    from graphrec.app.jobs import AskFairness

    with progress(json=json) as report:
        done = bank().fairness(
            AskFairness(
                model, k, max_gap, record=not no_record, mitigate=mitigate, part=part, protected_price=protected_price
            ),
            progress=report,
        )
    if json:
        emit_json(done)
    else:
        for text in done.notes:
            note(f"note: {text}")
        _show(done.fairness, every=every)
        if done.mitigated is not None:
            _price(done.mitigated)
        if done.protected is not None:
            _added(done.protected)
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
        _beside(one)
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


def _beside(one: "FairAttribute") -> None:
    """Fees, risk and refusals by group, and what happens where everybody is in another one."""
    names = [
        name for name in ("fee", "risk", "refused", "calibration") if any(getattr(group, name) for group in one.groups)
    ]
    if names:
        rows = [
            [group.name, *("–" if getattr(group, name) is None else _said(getattr(group, name)) for name in names)]
            for group in one.groups
        ]
        say()
        table([one.name, *names], rows, right=names)
    if one.flipped is not None:
        say(f"with everybody in another group, {one.flipped:.1%} of the lists stay the same, place by place")


def _price(found: "Mitigated") -> None:
    say()
    left = "" if found.reached else f", which is not {found.wanted:g} of it"
    say(
        f"{found.label}: the largest excess of places over what was taken falls from {found.before:.4f} to "
        f"{found.after:.4f}{left}"
    )
    change = f"{abs(found.price):.2%} {'less' if found.price > 0 else 'more'} (p {found.p:.3f})"
    say(f"price: nDCG {_said(found.ndcg_before)} to {_said(found.ndcg_after)}, {change}, {found.users:,} test users")
    if found.penalties:
        rows = [[name, f"{penalty:.4f}"] for name, penalty in found.penalties[:SHOWN]]
        table([found.label, "penalty"], rows, right=["penalty"])


def _added(found: "ProtectedPrice") -> None:
    say()
    say(
        f"{', '.join(found.attributes)} in the score: nDCG@{found.k} {_said(found.without)} without, "
        f"{_said(found.with_them)} with, gain {_said(found.gain)} (p {found.p:.3f}), {found.users:,} test users"
    )


def _said(one: "Interval") -> str:
    return f"{one.value:.4f} [{one.low:.4f}, {one.high:.4f}]"
