"""policy.toml as a typed table: what editors complete and `read_policy` converts."""

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
        Text, Meta(description="What a person reads when the condition is not met; {product.kind} stands for a value.")
    ]
    require: Annotated[Text, Meta(description="The condition that must hold.")]
    severity: Annotated[
        Literal["refuse", "warn"], Meta(description="refuse: the product is left out; warn: the sentence stands by it.")
    ] = "refuse"
    missing: Annotated[
        Literal["refuse", "allow"], Meta(description="How a condition counts that a missing value leaves open.")
    ] = "refuse"
    protected: Annotated[bool, Meta(description="Whether the rule may read protected columns; needs a reason.")] = False
    reason: Annotated[Text | UnsetType, Meta(description="The law that asks for a protected column.")] = UNSET


class PolicyFile(Struct, frozen=True, forbid_unknown_fields=True):
    """policy.toml: what may be shown to whom. Rules are evaluated in the order of the file."""

    version: Annotated[Text, Meta(description="Name of this version; change it whenever a rule changes.")]
    levels: Annotated[
        dict[str, Annotated[tuple[Text, ...], Meta(min_length=2, extra={"want": LEVELS})]],
        Meta(description='Texts in their order, lowest first, for level("NAME", …).'),
    ] = {}
    rule: Annotated[tuple[RuleTable, ...], Meta(description="The rules.")] = ()
