"""graphrec why-not: the rule that refuses a product, or its rank and what it lacks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from graphrec.cli.invocation import bank, reader
from graphrec.cli.options import Amount, AsOf, Channel, Json, Model, NoPolicy, NoRecord, Purpose, View
from graphrec.cli.output import emit_json, note, say, table
from graphrec.schema import EXACT

if TYPE_CHECKING:
    from graphrec.serving.answer import PolicyName
    from graphrec.serving.views import SeenWhyNot
    from graphrec.serving.why_not import WhyNot as WhyNotAnswer


def command(
    user: Annotated[str, typer.Argument(help="Id of the user.")],
    product: Annotated[str, typer.Argument(help="Id of the product.")],
    k: Annotated[int, typer.Option("-k", min=1, help="Length of the list that the product is not in.")] = 5,
    model: Model = None,
    view: View = None,
    no_policy: NoPolicy = False,
    amount: Amount = None,
    channel: Channel = None,
    purpose: Purpose = None,
    no_record: NoRecord = False,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Say why a product is not in the list of a user.

    Either rules of the policy refuse it: each is printed with the values that it read. Or the product may be shown and
    other products rank before it: then its rank and score stand beside those of the last product of the list, with the
    evidence that speaks for that one and less, or not at all, for this one.
    """
    from graphrec.app.requests import WhyNot
    from graphrec.policy.facts import Occasion

    occasion = Occasion(amount, channel, purpose)
    refused = bank().why_not(WhyNot(user, product, k, model, as_of, no_policy, not no_record, occasion))
    found = refused.found
    shown: WhyNotAnswer | SeenWhyNot = found
    if reader(view) != EXACT:
        shown = bank().seen_why_not(refused, reader(view))
    if json:
        emit_json(shown.to_json())
        return
    for text in refused.notes:
        note(f"note: {text}")
    if refused.record is not None:
        note(f"recorded as entry {refused.record}")
    say(shown.verdict)
    if shown.refused:
        rows = [[rule.rule, _values(rule.values), rule.sentence] for rule in shown.refused]
        table(["rule", "values", "what it says"], rows, title=_title(refused.policy))
    if reader(view) != EXACT:
        if shown.ahead:
            table([f"what speaks for {shown.ahead.product}"], [[gap.text] for gap in shown.missing])
    elif found.ahead and found.composition:
        parts = [part for part in found.composition if found.composition[part] or found.ahead.composition[part]]
        rows = [[part, f"{found.ahead.composition[part]:+.3f}", f"{found.composition[part]:+.3f}"] for part in parts]
        say()
        columns = ["part of the score", found.ahead.product, found.product]
        table(columns, rows, right=columns[1:])
        # What too few people stand behind is not shown.
        rows = [
            [f"{gap.ahead:+.3f}", "" if gap.here is None else f"{gap.here:+.3f}", gap.text] for gap in found.missing
        ]
        say()
        table([*columns[1:], f"what speaks for {found.ahead.product}"], rows, right=columns[1:])


def _title(policy: "PolicyName | None") -> str:
    return "without a policy" if policy is None else f"policy, version {policy.version} · {policy.hash[:16]}"


def _values(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {'unknown' if value is None else value}" for name, value in values.items())
