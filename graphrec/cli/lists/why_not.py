"""graphrec why-not: the rule that refuses a product, or its rank and what it lacks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from graphrec.cli.invocation import bank, reader
from graphrec.cli.options import Amount, AsOf, Channel, Json, Language, Model, NoPolicy, NoRecord, Purpose, View
from graphrec.cli.output import emit_json, note, say, table
from graphrec.schema import EXACT

if TYPE_CHECKING:
    from graphrec.app.answers import Refused
    from graphrec.serving.views import SeenWhyNot
    from graphrec.serving.why_not import WhyNot as WhyNotAnswer


def command(
    user: Annotated[str, typer.Argument(help="Id of the user.")],
    product: Annotated[str, typer.Argument(help="Id of the product, or its name where no other has it.")],
    k: Annotated[int, typer.Option("-k", min=1, help="Length of the list that the product is not in.")] = 5,
    model: Model = None,
    language: Language = None,
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

    Example: graphrec why-not C000004 P00006
    """
    from graphrec.app.answers import refused_to_json
    from graphrec.app.requests import WhyNot
    from graphrec.policy.facts import Occasion

    occasion = Occasion(amount, channel, purpose)
    refused = bank().why_not(WhyNot(user, product, k, model, as_of, no_policy, not no_record, occasion, language))
    found, say_in = refused.found, refused.sentences.say
    shown: WhyNotAnswer | SeenWhyNot = found
    if reader(view) != EXACT:
        shown = bank().seen_why_not(refused, reader(view))
    if json:
        emit_json(refused_to_json(refused, shown))
        return
    for text in refused.notes:
        note(f"note: {text}")
    if refused.record is not None:
        note(f"recorded as entry {refused.record}")
    say(shown.verdict)
    if shown.refused:
        rows = [[rule.rule, _values(rule.values, say_in("policy.unknown")), rule.sentence] for rule in shown.refused]
        table([say_in(f"heads.{key}") for key in ("rule", "values", "says")], rows, title=_title(refused))
    if reader(view) != EXACT:
        if shown.ahead:
            table([say_in("heads.speaks_for", i=shown.ahead.product)], [[gap.text] for gap in shown.missing])
    elif found.ahead and found.composition:
        parts = [part for part in found.composition if found.composition[part] or found.ahead.composition[part]]
        number, kind = refused.sentences.language.number, refused.sentences.kind
        rows = [
            [kind(part), *(number(of[part], 3, sign=True) for of in (found.ahead.composition, found.composition))]
            for part in parts
        ]
        say()
        columns = [say_in("heads.part"), found.ahead.product, found.product]
        table(columns, rows, right=columns[1:])
        # What too few people stand behind is not shown.
        rows = [
            [number(gap.ahead, 3, sign=True), "" if gap.here is None else number(gap.here, 3, sign=True), gap.text]
            for gap in found.missing
        ]
        say()
        table([*columns[1:], say_in("heads.speaks_for", i=found.ahead.product)], rows, right=columns[1:])


def _title(refused: "Refused") -> str:
    policy, say_in = refused.policy, refused.sentences.say
    if policy is None:
        return say_in("heads.no_policy")
    return say_in("heads.policy", version=policy.version, hash=policy.hash[:16])


def _values(values: Mapping[str, object], unknown: str) -> str:
    return ", ".join(f"{name} {unknown if value is None else value}" for name, value in values.items())
