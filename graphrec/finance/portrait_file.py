"""portrait.toml as a typed table: what editors complete and `read_portrait` converts."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from graphrec.config.convert import convert
from graphrec.config.document import read_toml
from graphrec.errors import UsageError

Text = Annotated[str, Meta(min_length=1)]
Days = Annotated[int, Meta(ge=1, le=36_600)]


class TagTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[tag]]`: what customers are called who meet a rule."""

    id: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z][\w-]*$(?!\n)",
            description="What files and conditions call it.",
            extra={"want": "a plain name of letters, digits, - and _"},
        ),
    ]
    when: Annotated[Text, Meta(description="A condition on user.… and events, in the language of the policy.")]
    name: Annotated[str, Meta(description="What people read: active traders; empty: the id.")] = ""


class PortraitFile(Struct, frozen=True, forbid_unknown_fields=True):
    """portrait.toml of a home."""

    windows: Annotated[tuple[Days, ...], Meta(max_length=10, description="Days that events are counted over.")] = (
        30,
        90,
        365,
    )
    tag: Annotated[tuple[TagTable, ...], Meta(max_length=200, description="Tags.")] = ()
    bands: Annotated[
        dict[Text, Annotated[tuple[float, ...], Meta(min_length=1, max_length=50)]],
        Meta(description="Numbers of the portrait, each with the rising edges of its bands."),
    ] = {}
    stated_risk: Annotated[str | None, Meta(description="Column of customers with the risk that they say.")] = None
    product_risk: Annotated[
        str | None, Meta(description="Column of products with their risk; unset: what the mapping shows as risk.")
    ] = None


def read_portrait(file: Path) -> PortraitFile:
    """The portrait's file; without one the defaults: numbers, and no tags or bands.

    Raises:
        UsageError: it is no TOML, or a key or value is not one of docs/finance.md.
    """
    if not file.exists():
        return PortraitFile()
    document = read_toml(file, UsageError)
    found = convert(document, PortraitFile)
    ids = [tag.id for tag in found.tag]
    if len(set(ids)) < len(ids):
        document.refuse(("tag",), "two tags have one id")
    for name, edges in found.bands.items():
        if list(edges) != sorted(set(edges)):
            document.refuse(("bands", name), "edges of bands rise")
    return found
