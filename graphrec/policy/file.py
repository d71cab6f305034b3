"""policy.toml as a typed table: what editors complete and `read_policy` converts."""

from datetime import date
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Text = Annotated[str, Meta(min_length=1)]
LEVELS = "a list of two texts or more, each once, lowest first"


class RuleTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[rule]]`: what a product and a customer must meet."""

    id: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z][\w-]*$(?!\n)",
            description="Name of the rule, once per file.",
            extra={"want": "a plain name of letters, digits, - and _"},
        ),
    ]
    sentence: Annotated[
        Text | dict[str, Text],
        Meta(
            description="What a person reads when the condition is not met; {product.kind} stands for a value. By "
            "language where there are several: sentence.en, sentence.de.",
            extra={"want": "a text that is not empty"},
        ),
    ]
    require: Annotated[Text, Meta(description="The condition that must hold.")]
    severity: Annotated[
        Literal["refuse", "review", "warn"],
        Meta(
            description="refuse: the product is left out; review: a person has to approve it; warn: the sentence "
            "stands by it."
        ),
    ] = "refuse"
    missing: Annotated[
        Literal["refuse", "allow"], Meta(description="How a condition counts that a missing value leaves open.")
    ] = "refuse"
    protected: Annotated[bool, Meta(description="Whether the rule may read protected columns; needs a reason.")] = False
    reason: Annotated[Text | UnsetType, Meta(description="The law that asks for a protected column.")] = UNSET
    confidential: Annotated[
        bool, Meta(description="Whether nobody but compliance learns that it refuses: sanctions, PEP.")
    ] = False
    code: Annotated[
        Literal["not_available"] | UnsetType,
        Meta(description="What others than compliance read in its place: not_available; set for confidential rules."),
    ] = UNSET
    law: Annotated[Text | UnsetType, Meta(description="The law or regulation that asks for it.")] = UNSET
    owner: Annotated[Text | UnsetType, Meta(description="Who answers for it.")] = UNSET
    approved_by: Annotated[Text | UnsetType, Meta(description="Who approved it.")] = UNSET
    valid_from: Annotated[date | UnsetType, Meta(description="The day from which it holds.")] = UNSET


Listed = Annotated[tuple[Text, ...], Meta(min_length=1, extra={"want": "a list of one text or more"})]


class ValuesTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[values.user]` and `[values.product]`: the values of columns that the policy knows."""

    user: Annotated[dict[str, Listed], Meta(description="By column of customers.")] = {}
    product: Annotated[dict[str, Listed], Meta(description="By column of products.")] = {}


class PurchaseTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[after_purchase]`: what wealth, and shares of it after a purchase, are counted by."""

    positions: Annotated[
        Text | UnsetType,
        Meta(description="Edge type to products with amounts; unset: the first that means held and has some."),
    ] = UNSET
    cash: Annotated[
        Text | UnsetType, Meta(description="Column of customers with what is not invested, which pays for a purchase.")
    ] = UNSET
    shares: Annotated[
        dict[str, Text],
        Meta(description="What products are taken together by, by name of the share: a relation, or product.COLUMN."),
    ] = {}


class TargetMarketTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[target_market]`: columns of products, each with the column of customers that is compared with it."""

    positive: Annotated[dict[str, Text], Meta(description="Columns of products that list for whom they are.")] = {}
    negative: Annotated[dict[str, Text], Meta(description="Columns of products that list for whom they are not.")] = {}


class PolicyFile(Struct, frozen=True, forbid_unknown_fields=True):
    """policy.toml: what may be shown to whom. Rules are evaluated in the order of the file."""

    version: Annotated[Text, Meta(description="Name of this version; change it whenever a rule changes.")]
    levels: Annotated[
        dict[str, Annotated[tuple[Text, ...], Meta(min_length=2, extra={"want": LEVELS})]],
        Meta(description='Texts in their order, lowest first, for level("NAME", …).'),
    ] = {}
    values: Annotated[
        ValuesTable, Meta(description="Values that the policy knows; any other value is remarked on.")
    ] = ValuesTable()
    max_age_days: Annotated[
        Annotated[float, Meta(gt=0)] | UnsetType, Meta(description="How old the data may be at the date of an answer.")
    ] = UNSET
    owner: Annotated[Text | UnsetType, Meta(description="Who answers for the policy.")] = UNSET
    approved_by: Annotated[Text | UnsetType, Meta(description="Who approved it.")] = UNSET
    valid_from: Annotated[date | UnsetType, Meta(description="The day from which it may be used.")] = UNSET
    after_purchase: Annotated[
        PurchaseTable, Meta(description="What wealth and its shares after a purchase are counted by.")
    ] = PurchaseTable()
    target_market: Annotated[
        TargetMarketTable, Meta(description="For whom products are made, and for whom they are not.")
    ] = TargetMarketTable()
    rule: Annotated[tuple[RuleTable, ...], Meta(description="The rules.")] = ()
