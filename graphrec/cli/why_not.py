"""graphrec why-not: the rule that refuses a product, or its rank and what it lacks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import AsOf, Json, Model, NoPolicy, NoRecord
from graphrec.cli.output import emit_json, note, say, table

if TYPE_CHECKING:
    from graphrec.serving.answer import PolicyName


def command(
    user: Annotated[str, typer.Argument(help="Id of the user.")],
    product: Annotated[str, typer.Argument(help="Id of the product.")],
    k: Annotated[int, typer.Option("-k", min=1, help="Length of the list that the product is not in.")] = 5,
    model: Model = None,
    no_policy: NoPolicy = False,
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

    refused = bank().why_not(WhyNot(user, product, k, model, as_of, no_policy, not no_record))
    found = refused.found
    if json:
        emit_json(found.to_json())
        return
    for text in refused.notes:
        note(f"note: {text}")
    say(found.verdict)
    if found.refused:
        rows = [[rule.rule, _values(rule.values), rule.sentence] for rule in found.refused]
        table(["rule", "values", "what it says"], rows, title=_title(refused.policy))
    if found.ahead and found.composition:
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
