"""Computing a recorded answer again: the same bytes, or what became of them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphrec.errors import GraphrecError, RecordError
from graphrec.home import Home
from graphrec.records.blocks import canonical
from graphrec.records.decision import Request, entry, versions
from graphrec.records.keep import Kept
from graphrec.records.read import Entry
from graphrec.serving.answer import ExplainOptions, ListOptions
from graphrec.serving.engine import Engine

MOST = 20
"""Differences that are told one by one."""


@dataclass(frozen=True)
class Replay:
    """What became of a recorded answer."""

    entry: int
    same: bool
    """The bytes of the answer are those of the record."""
    differences: tuple[str, ...]
    """What is not there any more or differs; empty when `same`."""
    versions: tuple[str, ...]
    """Versions that differ from those at the time, whether or not that changed anything."""


def replay(home: Home, found: Entry) -> Replay:
    """The answer of an entry computed again from the snapshot, model and policy of that time."""
    now = versions()
    then = found.shared["versions"]
    changed = tuple(f"{name} was {then[name]}, is {now.get(name)}" for name in then if then[name] != now.get(name))
    try:
        again = _again(home, found)
    except GraphrecError as error:
        return Replay(found.number, False, (str(error),), changed)
    if canonical(again) == found.content:
        return Replay(found.number, True, (), changed)
    return Replay(found.number, False, tuple(_told(found.entry, json.loads(canonical(again)))), changed)


def _again(home: Home, found: Entry) -> dict[str, Any]:
    shared, asked = found.shared, found.shared["request"]
    kept = Kept(home.records)
    snapshot = kept.snapshot(shared["snapshot"]["hash"], shared["snapshot"]["as_of"])
    model = kept.model(shared["model"]["name"], shared["model"]["hash"], snapshot)
    engine = Engine(snapshot, model, policy=kept.policy(shared["policy"]["hash"]))
    request = Request(asked["command"], asked["k"], asked["options"], asked["as_of"])
    user, product = found.entry["user"], found.entry.get("product")
    try:
        if product is not None:
            answer = engine.explain(user, product, request.k, ExplainOptions(**request.options))
        else:
            answer = engine.recommend(user, request.k, ListOptions(**request.options))
    except TypeError as error:
        raise RecordError(f"this graphrec does not know an option of that time: {error}") from None
    return entry(engine, request, answer, product)


def _told(was: Any, now: Any) -> Iterator[str]:
    """The differences, the first few one by one."""
    found = list(_differences("", was, now))
    yield from found[:MOST]
    if len(found) > MOST:
        yield f"and {len(found) - MOST} more"


def _differences(where: str, was: Any, now: Any) -> Iterator[str]:
    """Every place where two values differ; products and lines by their names, not by their place."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in [*was, *(key for key in now if key not in was)]:
            inner = f"{where} {key}".strip()
            if key not in now:
                yield f"{inner}: was {_short(was[key])}, is gone"
            elif key not in was:
                yield f"{inner}: is {_short(now[key])}, was not there"
            else:
                yield from _differences(inner, was[key], now[key])
    elif isinstance(was, list) and isinstance(now, list) and _named(was) and _named(now):
        yield from _differences(where, _by_name(was), _by_name(now))
    elif was != now:
        yield f"{where}: was {_short(was)}, is {_short(now)}"


def _named(values: list[Any]) -> bool:
    return all(isinstance(value, dict) and ("product" in value or "text" in value) for value in values)


def _by_name(values: list[Any]) -> dict[str, Any]:
    """Items by product, lines by their text; equal texts are numbered."""
    named: dict[str, Any] = {}
    for value in values:
        name = str(value.get("product") or value["text"])
        while name in named:
            name += " (again)"
        named[name] = value
    return named


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    return text if len(text) <= 80 else text[:77] + "…"
