"""What the folder of a snapshot or of facts says about itself, typed; and how a meta.json becomes a typed value."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from graphrec.errors import Damaged
from graphrec.schema import Kind

T = TypeVar("T", bound=Struct)


class Undated(Struct, frozen=True):
    """Labels and edge types with rows that carry no time."""

    nodes: tuple[str, ...] = ()
    edges: tuple[str, ...] = ()


class Ahead(Struct, frozen=True):
    """Events after the day on which a snapshot was taken."""

    events: int
    last: str
    """When the latest of them is."""


class TakenEvents(Struct, frozen=True):
    """The events of a log that facts hold."""

    log: str | None = None
    """Which log."""
    number: int = 0
    """Of the last one."""
    covered: dict[str, int] = {}
    """Until when the loads cover each type, in microseconds since 1970."""
    counts: dict[str, int] = {}
    """How many were written, superseded and left waiting."""


class SnapshotMeta(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The meta.json of a snapshot or of facts."""

    format: int
    hash: str
    """Of its content: schema, columns, counts and arrays."""
    as_of: str | None
    last: str | None
    """The latest `known_at` of any edge that is not after the day of writing; None without times."""
    labels: tuple[str, ...]
    types: tuple[str, ...]
    nodes: dict[str, int]
    """How many, by label."""
    edges: dict[str, int]
    """How many, by type."""
    columns: dict[str, dict[str, Kind]]
    """The public columns of each label."""
    names: dict[str, str | None]
    """The column that people read as the name, by label."""
    texts: dict[str, tuple[str, ...]]
    """The text columns of each label."""
    undated: Undated
    schema: dict[str, Any]
    """In the form of `GraphSchema.to_json`."""
    digests: dict[str, str] = {}
    """SHA-256 of the edges of every type, with their times."""
    ahead: Ahead | None = None
    snapshot: str | None = None
    """Of facts: the content hash of the snapshot that they were made from."""
    events: TakenEvents | None = None
    """Of facts: the events that they hold."""
    everyone: int | None = None
    """How many customers there are, where the rows are those of one of them alone."""


def read_as(kind: type[T], content: Mapping[str, Any], path: Path, remedy: str) -> T:
    """What a meta.json says, typed.

    Args:
        kind: of the value.
        content: of the file.
        path: of the file, for an error's line.
        remedy: the end of an error's line: the next command.

    Raises:
        Damaged: a key is missing, or a value is of another type.
    """
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError:
        from graphrec.config.convert import convert_value

        known = {name: value for name, value in content.items() if name in kind.__struct_fields__}
        convert_value(known, kind, f"{path} is damaged", Damaged, advice=remedy)
        raise


def plain(value: Struct) -> dict[str, Any]:
    """A typed value as what JSON holds."""
    found: dict[str, Any] = msgspec.to_builtins(value)
    return found
