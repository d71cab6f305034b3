"""graphrec stability: how much lists change where nothing should."""

from typing import TYPE_CHECKING, Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json, NoRecord
from graphrec.cli.output import emit_json, note, progress, say, table
from graphrec.errors import LimitPassed

if TYPE_CHECKING:
    from graphrec.evaluation.stability import Stability

HALF = 0.5
"""Of the damage that plain item-kNN takes: the bar for a default."""


def command(
    model: Annotated[str | None, typer.Option(help="Kind of model (default: the blend, tested).")] = None,
    k: Annotated[int, typer.Option("-k", help="Length of lists.")] = 10,
    lost: Annotated[float, typer.Option(help="Share of interactions that a delivery loses.")] = 0.01,
    fakes: Annotated[float, typer.Option(help="Fake customers, as a share of the real ones.")] = 0.01,
    pushed: Annotated[int, typer.Option(help="Products that they push, each in an attack of its own.")] = 3,
    min_overlap: Annotated[
        float | None, typer.Option(help="Exit with 7 where lists are less alike after the loss (0 to 1).")
    ] = None,
    max_damage: Annotated[
        float | None, typer.Option(help="Exit with 7 where fake customers do more damage, in that of plain item-kNN.")
    ] = None,
    no_record: NoRecord = False,
    json: Json = False,
) -> None:
    """Measure how much lists change where nothing should.

    The model is fitted again with its own configuration: once more, with another seed, a day earlier, where
    interactions are lost or wrong, where columns drift, and where fake customers or a copied text push a product.
    Lists are compared by rank-biased overlap (1: the same); the damage is the share of real customers who get the
    product only then, beside that of plain item-kNN.

    Example: graphrec stability --min-overlap 0.9 --max-damage 0.5
    """
    from graphrec.app.jobs import AskStability

    request = AskStability(model, k, lost, fakes, pushed, min_overlap, max_damage, record=not no_record)
    with progress(json=json) as report:
        done = bank().stability(request, progress=report)
    if json:
        emit_json(done)
    else:
        for text in done.notes:
            note(f"note: {text}")
        _show(done.stability)
    if done.beyond:
        raise LimitPassed(f"{len(done.beyond)} bounds are not kept, first: {done.beyond[0]}")


def _show(found: "Stability") -> None:
    say(f"{found.model}: lists of {found.k} of {found.customers:,} customers")
    rows = [
        (one.case, f"{one.overlap.value:.4f} [{one.overlap.low:.4f}, {one.overlap.high:.4f}]", f"{one.same:.1%}")
        for one in found.compared
    ]
    table(("", "overlap", "same lists"), rows, right=("overlap", "same lists"))
    if found.moved:
        say("what moved them: " + ", ".join(f"{name} {share:+.0%}" for name, share in found.moved))
    say()
    say(f"{found.fakes:,} fake customers push a product ({found.pushed} products, one after another)")
    attacks = [(one.model, f"{one.before:.2%}", f"{one.after:.2%}", f"{one.damage:+.2%}") for one in found.attacked]
    table(("listed by", "before", "after", "damage"), attacks, right=("before", "after", "damage"))
    if found.copied is not None:
        one = found.copied
        say(
            f"a text that is copied from the product most held: {one.before:.2%} before, {one.after:.2%} after, "
            f"damage {one.damage:+.2%}"
        )
    say(_verdict(found))


def _verdict(found: "Stability") -> str:
    """What the damage means beside plain item-kNN."""
    own, plain = found.attacked
    if found.ratio is None:
        return (
            "verdict: the fake customers move plain item-kNN by nothing, so that this attack says nothing; try --fakes"
        )
    if found.ratio <= HALF:
        return f"verdict: {max(found.ratio, 0.0):.3f} of the damage that plain item-kNN takes; half is allowed"
    return (
        f"verdict: {found.ratio:.3f} of the damage that plain item-kNN takes, which is MORE THAN HALF "
        f"({own.damage:+.2%} beside {plain.damage:+.2%}): {found.fakes:,} accounts move these "
        "lists; weigh another term, or check new accounts before they count"
    )
