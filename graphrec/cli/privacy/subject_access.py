"""graphrec subject-access: what a customer may be told."""

from typing import TYPE_CHECKING, Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json, NoRecord
from graphrec.cli.output import emit_json, note, say, table

if TYPE_CHECKING:
    from graphrec.app.results import SubjectAccess
    from graphrec.privacy.contests import Contest
    from graphrec.privacy.subject import HeldEdge, HeldValue
    from graphrec.serving.proof.counterfactual import Counterfactual


def command(
    user: Annotated[str, typer.Argument(help="Id of the customer.")],
    k: Annotated[int, typer.Option("-k", min=1, help="Length of the list whose counterfactuals are sought.")] = 5,
    no_record: NoRecord = False,
    json: Json = False,
) -> None:
    """Tell all that is known of one customer, what was made of it, and who looked.

    Data come with sources and dates; then how a list comes about, what was shown, and what would have changed it.

    A counterfactual names the customer's own edges without which a product would not be in the list; it is computed
    anew in two ways, and said only where both agree.

    Example: graphrec subject-access C000004 --json
    """
    from graphrec.app.requests import SubjectAccess

    answer = bank().subject_access(SubjectAccess(user, k, record=not no_record))
    for text in answer.notes:
        note(f"note: {text}")
    if json:
        emit_json(answer)
        return
    _data(answer)
    say("HOW A LIST COMES ABOUT")
    for sentence in answer.procedure:
        say(f"  {sentence}")
    say()
    _answers(answer)
    if answer.counterfactuals:
        rows = [[one.rank, one.product, _said(one)] for one in answer.counterfactuals]
        table(["rank", "product", "would not be in the list without"], rows, title="what would change the list of now")
        say()
    if answer.contests:
        rows = [[_contested(one), one.ground, one.since, one.by, one.why] for one in answer.contests]
        table(["what", "ground", "since", "by", "why"], rows, title="what is contested", optional=["by", "why"])
        say()
    seen = [[one.at[:19], one.who or "nobody named", one.what, one.where] for one in answer.seen_by]
    table(["at", "who", "what", "where"], seen, title="who looked")


def _data(answer: "SubjectAccess") -> None:
    rows = [[one.name, one.value, *_origin(one), " ".join(one.marks)] for one in answer.data.values]
    table(["what", "value", "source", "loaded", "marks"], rows, title=f"data on {answer.user}", optional=["marks"])
    say()
    edges = [[one.type, one.other, str(one.values.get("at") or "")[:10], *_origin(one)] for one in answer.data.edges]
    table(["edge", "with", "at", "source", "loaded"], edges, optional=["at"])
    for name, found in answer.data.series.items():
        say(f"series {name}: {len(found):,} rows from {found[0]['at'][:10]} to {found[-1]['at'][:10]}")
    for event in answer.data.events:
        say(f"event {event.id}: {event.type} {event.product or ''} at {event.at}")
    say()


def _origin(one: "HeldValue | HeldEdge") -> tuple[str, str]:
    return " ".join(one.sources), (one.loaded or "")[:10]


def _answers(answer: "SubjectAccess") -> None:
    rows = [
        [one.record, one.at[:19], one.command, " ".join(item.product for item in one.items), one.model]
        for one in answer.recommendations
    ]
    if rows:
        table(["record", "at", "command", "products", "model"], rows, title="what was recommended")
        say()


def _contested(one: "Contest") -> str:
    return f"{one.edge} {one.of}" if one.product is None else f"reason of {one.product}: {one.text}"


def _said(one: "Counterfactual") -> str:
    if not one.without:
        return "no few edges decide it"
    if not one.verified:
        return "not agreed on"
    return ", ".join(f"{changed.edge} {changed.node.name or changed.node.id}" for changed in one.without)
