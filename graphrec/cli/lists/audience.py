"""graphrec audience: the customers for whom a product ranks best."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphrec.cli.invocation import bank, reader
from graphrec.cli.options import Amount, AsOf, Channel, Json, Language, Model, NoPolicy, NoRecord, Purpose, View
from graphrec.cli.output import emit_json, note, progress, say, say_wrapped, table

if TYPE_CHECKING:
    from graphrec.languages import Language as Words


def command(
    product: Annotated[str, typer.Argument(help="Id of the product, or its name where no other has it.")],
    k: Annotated[int, typer.Option("-k", "--k", min=1, help="How many customers.")] = 10,
    where: Annotated[
        str | None, typer.Option(help="Only customers who meet this condition, such as \"user.region == 'North'\".")
    ] = None,
    adviser: Annotated[str | None, typer.Option(help="Only customers of this adviser.")] = None,
    model: Model = None,
    reasons: Annotated[int, typer.Option(min=1, help="How many reasons of each customer, at most.")] = 1,
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
    """List the customers for whom a product ranks best, each with reasons, and count why the others are not there.

    The policy is asked before anything is ranked. The view analyst shows groups and nobody's id.

    Example: graphrec audience P00055 -k 20 --where "user.segment == 'retail'"
    """
    from graphrec.app.requests import Audience
    from graphrec.languages import language_of
    from graphrec.policy.facts import Occasion

    here = bank()
    asked = Audience(
        product, k, where, model, reasons, adviser, language, as_of, no_policy, not no_record,
        Occasion(amount, channel, purpose),
    )  # fmt: skip
    with progress(json=json) as report:
        found = here.audience(asked, reader(view), progress=report)
    if json:
        emit_json(found)
        return
    words = language_of(language or here.settings.language, here.home.languages)
    say_in = words.texts
    for text in found.notes:
        note(f"note: {text}")
    if found.record is not None:
        note(f"recorded as entry {found.record}")
    listed, eligible, customers = (_people(count, words) for count in (found.listed, found.eligible, found.asked))
    named = f"{found.name} ({found.product})" if found.name else found.product
    say_wrapped(
        words.say(
            "heads.audience",
            i=named,
            k=words.number(found.list_length),
            listed=listed,
            eligible=eligible,
            asked=customers,
        )
    )
    if found.abstained:
        say_wrapped(found.abstained)
    if found.users:
        rows = [[one.user, one.rank, "; ".join(reason.text for reason in one.reasons)] for one in found.users]
        say()
        table([say_in[f"heads.{name}"] for name in ("person", "rank", "reason")], rows)
    elif found.groups:
        rows = [
            [one.column, one.value, _people(one.eligible, words), _people(one.listed, words)] for one in found.groups
        ]
        say()
        table([say_in["heads.group"], "", say_in["heads.eligible"], say_in["heads.in_list"]], rows)
    if found.refused:
        say()
        table(
            [say_in["heads.refuses"], say_in["heads.customers"]],
            [[rule, _people(count, words)] for rule, count in found.refused.items()],
            right=[say_in["heads.customers"]],
        )


def _people(count: Any, words: "Words") -> str:
    """A number of people, or its band."""
    if count is None:
        return "–"
    return words.number(count) if isinstance(count, int) else str(count)
