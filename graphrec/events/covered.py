"""Up to when files have what events say: noted before a load writes, and valid when that load is complete."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from graphrec.files import whole_file
from graphrec.graph.rows import Source
from graphrec.home import Home


@dataclass(frozen=True)
class Covered:
    """What a load covers; times in microseconds since 1970."""

    run: str
    began: int
    """By the clock: values that events set before it are those of the files now."""
    until: Mapping[str, int]
    """By type of event, up to when the files have them."""
    users: bool
    """Whether it brought customers."""


def note_covered(home: Home, source: Source, until: Mapping[str, int]) -> None:
    """Note what a load covers; the last two loads of each source are kept, since this one may not be completed."""
    schema = source.schema
    users = schema.roles.user in schema.nodes
    new = Covered(source.run, time.time_ns() // 1000, dict(sorted(until.items())), users)
    known = _read(home)
    known[source.name] = [*known.get(source.name, [])[-1:], asdict(new)]
    path = home.events.with_name("covered.json")
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(known, sort_keys=True) + "\n", "utf-8")


def read_covered(home: Home) -> list[Covered]:
    """What loads cover; those that were not completed are among them."""
    return [Covered(**one) for loads in _read(home).values() for one in loads]


def _read(home: Home) -> dict[str, list[dict[str, Any]]]:
    try:
        found: dict[str, list[dict[str, Any]]] = json.loads(home.events.with_name("covered.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found
