"""The file of a campaign as a typed table: what editors complete and `read_campaign` converts."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from graphrec.config.convert import convert
from graphrec.config.document import parse_toml, read_toml
from graphrec.errors import UsageError

Text = Annotated[str, Meta(min_length=1)]
Name = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][\w-]{0,63}$(?!\n)",
        extra={"want": "a plain name of letters, digits, - and _, at most 64"},
    ),
]
Count = Annotated[int, Meta(ge=0)]
Amount = Annotated[float, Meta(ge=0, le=1e12)]


class ChannelTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[channel]]`: one way to reach a customer."""

    name: Annotated[Name, Meta(description="Of the channel; rules of the policy read it as channel.")]
    cost_eur: Annotated[Amount, Meta(description="Of one contact.")] = 0.0
    require: Annotated[
        Text | UnsetType, Meta(description="Consent: the condition on user.… that a customer must meet.")
    ] = UNSET
    effect: Annotated[
        float, Meta(gt=0, le=100, description="What a contact by it is worth beside the other channels.")
    ] = 1.0
    capacity: Annotated[Count | UnsetType, Meta(description="Contacts by it in all, at most.")] = UNSET
    capacity_per_adviser: Annotated[
        Count | UnsetType, Meta(description="Contacts by it for each adviser, at most; customers without one get none.")
    ] = UNSET


class CapTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[cap]`: contacts of one customer."""

    contacts: Annotated[int, Meta(ge=1, le=100, description="At most so many in the days, of all campaigns.")] = 1
    days: Annotated[int, Meta(ge=1, le=3660, description="The period, up to the day of the plan.")] = 30
    per_campaign: Annotated[int, Meta(ge=1, le=100, description="At most so many in this campaign.")] = 1


class CampaignFile(Struct, frozen=True, forbid_unknown_fields=True):
    """The file of `graphrec campaign plan`."""

    name: Annotated[Name, Meta(description="Of the campaign; one plan of a name is kept.")]
    channel: Annotated[
        tuple[ChannelTable, ...], Meta(min_length=1, max_length=20, description="The channels, by their order.")
    ]
    products: Annotated[
        Annotated[tuple[Text, ...], Meta(min_length=1)] | UnsetType, Meta(description="Ids of products.")
    ] = UNSET
    goal: Annotated[
        Text | UnsetType, Meta(description="Products by a condition on product.…, in place of their ids.")
    ] = UNSET
    where: Annotated[Text | UnsetType, Meta(description="The audience: a condition on user.…")] = UNSET
    exclude: Annotated[Text | UnsetType, Meta(description="A file of customers' ids, one a line, who get nothing.")] = (
        UNSET
    )
    objective: Annotated[
        Literal["fit", "revenue", "response"],
        Meta(
            description="What is made large: the confidence in the product; that times its value; the probability of "
            "the response model times its value."
        ),
    ] = "fit"
    response: Annotated[
        Name | UnsetType, Meta(description="The response model that `graphrec campaign response fit` wrote.")
    ] = UNSET
    values: Annotated[
        dict[str, Amount], Meta(description="What an accepted product is worth, in EUR, by id; others: 1.")
    ] = {}
    quotas: Annotated[dict[str, Count], Meta(description="Contacts about a product at most, by id.")] = {}
    budget_eur: Annotated[Amount | UnsetType, Meta(description="What all contacts may cost.")] = UNSET
    control: Annotated[
        float, Meta(ge=0, le=0.9, description="Share of customers, by a keyed hash, who are chosen and not contacted.")
    ] = 0.1
    rank: Annotated[
        Annotated[int, Meta(ge=1)] | UnsetType,
        Meta(description="Only products that rank at least so high with the customer."),
    ] = UNSET
    least_confidence: Annotated[float, Meta(ge=0, lt=1, description="Only products of at least this confidence.")] = 0.0
    purpose: Annotated[Text, Meta(description="What rules of the policy read as purpose.")] = "campaign"
    cap: Annotated[CapTable, Meta(description="Contacts of one customer.")] = CapTable()


def read_campaign(file: Path, text: str | None = None) -> CampaignFile:
    """The campaign in a file.

    Args:
        text: what stands in it, where it is not on this machine.

    Raises:
        UsageError: it is no TOML, or a key or value is not one of docs/campaigns.md.
    """
    document = read_toml(file, UsageError) if text is None else parse_toml(text, str(file), UsageError)
    found = convert(document, CampaignFile)
    if (found.products is UNSET) == (found.goal is UNSET):
        document.refuse((), "a campaign has either products or a goal")
    if (found.objective == "response") != (found.response is not UNSET):
        document.refuse(("objective",), 'objective = "response" and response = "NAME" go together')
    if text is not None and found.exclude is not UNSET:
        document.refuse(("exclude",), "the file is read on the machine of the home alone: graphrec campaign plan")
    names = [one.name for one in found.channel]
    if len(set(names)) < len(names):
        document.refuse(("channel",), "two channels have one name")
    return found
