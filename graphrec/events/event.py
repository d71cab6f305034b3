"""An event as it is sent and kept: one customer did one thing at one time."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from graphrec.errors import EventRefused
from graphrec.times import microseconds_of

LONGEST = 500
"""Characters of an id, a type, a key."""

Word = Annotated[str, Meta(min_length=1, max_length=LONGEST)]
Entry = Annotated[int, Meta(ge=1)]
Words = Annotated[str, Meta(max_length=2000)]
Value = str | int | float | bool | None


class Event(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one customer did."""

    id: Annotated[Word, Meta(description="Counts once, however often it is sent.")]
    user: Annotated[Word, Meta(description="Key of the customer.")]
    type: Annotated[
        Word,
        Meta(
            description="viewed, clicked, accepted, rejected, bought, sold, contacted, complained, or one of your own."
        ),
    ]
    at: Annotated[Word, Meta(description="When: ISO 8601, UTC unless it says otherwise.")]
    product: Annotated[Word | None, Meta(description="Key of the product.")] = None
    key: Annotated[Word | None, Meta(description="Key that the bank's files have for the same, such as a trade.")] = (
        None
    )
    quantity: Annotated[float | None, Meta(description="How much of it, as the weight of the edge says it.")] = None
    reason: Annotated[Words | None, Meta(description="Why, in the customer's words or as a code.")] = None
    entry: Annotated[
        Entry | None, Meta(description="Number of the entry of the decision record that showed the product.")
    ] = None
    set: Annotated[dict[str, Value], Meta(description="Columns of the customer and their values from now on.")] = {}

    @property
    def moment(self) -> datetime:
        """When it happened, in UTC."""
        return moment_in(self.at)

    @property
    def microseconds(self) -> int:
        """The same since 1970."""
        return microseconds_of(self.moment)

    def to_json(self) -> dict[str, Any]:
        """The event as plain values, without what it does not say."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    def content(self) -> bytes:
        """The one way to write it: two events with the same content are the same."""
        return msgspec.json.encode(self.to_json(), order="sorted")


def event_of(content: bytes | str | Mapping[str, Any]) -> Event:
    """The event that somebody sends, its time in UTC.

    Raises:
        EventRefused: it is none.
    """
    try:
        found = _DECODER.decode(content) if isinstance(content, bytes | str) else msgspec.convert(content, Event)
    except msgspec.ValidationError as error:
        kind = "missing" if "missing required field" in str(error) else "malformed"
        raise EventRefused(kind, f"this is no event: {error}; docs/schema/event.json says what is one") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EventRefused("malformed", f"this is no JSON: {error}; want one event, an object") from None
    if found.quantity is not None and not math.isfinite(found.quantity):
        raise EventRefused("bad-value", f"event {found.id!r}: quantity {found.quantity} is no number; correct it")
    if any(isinstance(value, float) and not math.isfinite(value) for value in found.set.values()):
        raise EventRefused("bad-value", f"event {found.id!r}: set holds what is no number; correct it")
    try:
        moment = moment_in(found.at)
    except (ValueError, OverflowError):
        raise EventRefused(
            "bad-value", f"event {found.id!r}: at {found.at!r} is no time; want ISO 8601, such as 2026-01-31T12:00:00Z"
        ) from None
    return msgspec.structs.replace(found, at=written(moment))


_DECODER = msgspec.json.Decoder(Event)


def moment_in(text: str) -> datetime:
    """A time in ISO form in UTC; without a zone it is UTC.

    Raises:
        ValueError, OverflowError: it is none.
    """
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def written(moment: datetime) -> str:
    """A time in the form in which events keep it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
