"""graphrec.toml as a typed table: what editors complete and `read_settings` converts."""

from datetime import date
from typing import Annotated, Any, get_type_hints

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from graphrec import log
from graphrec.config.settings import LogLevel
from graphrec.schema import View

Text = Annotated[str, Meta(min_length=1)]


class RolesTable(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`[roles]`: each key that is set replaces that of the mappings."""

    user: Annotated[Text | UnsetType, Meta(description="Label of the people who get recommendations.")] = UNSET
    product: Annotated[Text | UnsetType, Meta(description="Label of what is recommended.")] = UNSET
    interactions: Annotated[
        tuple[Text, ...] | UnsetType, Meta(description="Edge types from user to product that are evidence.")
    ] = UNSET
    weights: Annotated[
        dict[str, float] | UnsetType, Meta(description="Evidence of one interaction by edge type; 1 when absent.")
    ] = UNSET
    relevant: Annotated[
        tuple[Text, ...] | UnsetType, Meta(description="Interactions that are a hit in evaluation.")
    ] = UNSET
    held: Annotated[
        tuple[Text, ...] | UnsetType,
        Meta(description='Interactions that mean "already held" until they end; default the relevant ones.'),
    ] = UNSET
    repeatable: Annotated[
        Text | UnsetType,
        Meta(description="Condition of the policy's language: products that may be bought again."),
    ] = UNSET
    metapaths: Annotated[
        tuple[Text, ...] | UnsetType, Meta(description='Paths of edge types that may explain, such as "A <A A".')
    ] = UNSET
    min_group: Annotated[
        Annotated[int, Meta(ge=1)] | UnsetType,
        Meta(description="The smallest number of other people a reason may speak of."),
    ] = UNSET
    most_alike: Annotated[
        Annotated[int, Meta(ge=1)] | UnsetType,
        Meta(description="Customers with the very same holdings, three or more, who count in a fit at most."),
    ] = UNSET


class SettingsFile(Struct, frozen=True, forbid_unknown_fields=True):
    """graphrec.toml: settings of a home. The environment and options of the command line replace them."""

    store: Annotated[Text | UnsetType, Meta(description="neo4j://…, bolt://… or a path.")] = UNSET
    home: Annotated[Text | UnsetType, Meta(description="Folder of one bank's data.")] = UNSET
    encoder: Annotated[Text | UnsetType, Meta(description="Text encoder: the packaged one, a name or a path.")] = UNSET
    seed: Annotated[
        Annotated[int, Meta(ge=0, lt=1 << 32)] | UnsetType, Meta(description="Seed of all random draws.")
    ] = UNSET
    log_level: Annotated[LogLevel | UnsetType, Meta(description="What is logged to standard error.")] = UNSET
    log_format: Annotated[log.Format | UnsetType, Meta(description="The form of log lines.")] = UNSET
    log_file: Annotated[
        Text | UnsetType, Meta(description="File that log lines are appended to; default a file a month in the home.")
    ] = UNSET
    policy: Annotated[
        Text | UnsetType, Meta(description='File of the policy: what may be shown to whom; "none": without one.')
    ] = UNSET
    policy_hash: Annotated[
        Annotated[str, Meta(pattern="^[0-9a-f]{16,64}$", extra={"want": "16 to 64 digits of its hash, 0-9 and a-f"})]
        | UnsetType,
        Meta(description="The first digits of the hash that the policy must have."),
    ] = UNSET
    record: Annotated[bool | UnsetType, Meta(description="Whether answers go into the decision record.")] = UNSET
    require_record: Annotated[
        bool | UnsetType, Meta(description="Whether an answer that cannot be recorded is refused.")
    ] = UNSET
    require_approval: Annotated[
        bool | UnsetType, Meta(description="Whether only a model that is approved is made live.")
    ] = UNSET
    actor: Annotated[Text | UnsetType, Meta(description="Who asks, for the decision record.")] = UNSET
    language: Annotated[Text | UnsetType, Meta(description="Language of all that is said: en, de, zh, …")] = UNSET
    view: Annotated[View | UnsetType, Meta(description="Who reads the answers that commands print.")] = UNSET
    today: Annotated[
        date | UnsetType,
        Meta(description="The date of answers, YYYY-MM-DD; default the UTC date of the clock. For historic data."),
    ] = UNSET
    max_age: Annotated[
        Annotated[int, Meta(ge=0)] | UnsetType,
        Meta(description="Days after which facts are too old to answer from."),
    ] = UNSET
    min_confidence: Annotated[
        Annotated[float, Meta(ge=0, lt=1)] | UnsetType,
        Meta(description="Confidence below which a product is left out of a list."),
    ] = UNSET
    ask_url: Annotated[
        Text | UnsetType, Meta(description="Address of a language model that words the answers of ask.")
    ] = UNSET
    ask_model: Annotated[Text | UnsetType, Meta(description="Name of that model there.")] = UNSET
    sql_seconds: Annotated[
        Annotated[float, Meta(gt=0, le=1_000_000)] | UnsetType,
        Meta(description="Seconds that one statement of a mapping may run."),
    ] = UNSET
    roles: Annotated[RolesTable | UnsetType, Meta(description="Roles that replace those of the mappings.")] = UNSET

    @classmethod
    def kind(cls, name: str) -> Any:
        """The type of a key's value."""
        return get_type_hints(cls, include_extras=True)[name]

    def to_values(self) -> dict[str, Any]:
        """The keys that are set; those of `[roles]` as a dict of their own."""
        values = {name: value for name, value in structs.asdict(self).items() if value is not UNSET}
        if self.roles is not UNSET:
            values["roles"] = {name: value for name, value in structs.asdict(self.roles).items() if value is not UNSET}
        return values
