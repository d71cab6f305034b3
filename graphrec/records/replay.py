"""Computing a recorded answer again: the same bytes, or what became of them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from graphrec.errors import GraphrecError, RecordError, UnknownId
from graphrec.graph.asked import Asked
from graphrec.graph.edges.own import Own
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.folders.strings import ABSENT
from graphrec.home import Home
from graphrec.policy.compiled import OUTCOMES
from graphrec.policy.facts import Occasion
from graphrec.policy.sentences import Fact
from graphrec.records.blocks import canonical, entry_bytes
from graphrec.records.decision import Request, entry, platform_name, versions
from graphrec.records.keep import Kept
from graphrec.records.read import Entry
from graphrec.serving.answer import ExplainOptions, ListOptions
from graphrec.serving.drawn import drawn_list
from graphrec.serving.engine import Engine, seen_before
from graphrec.terms.folder import ModelFiles

MOST = 20
"""Differences that are named one by one."""


@dataclass(frozen=True)
class Replay:
    """What became of a recorded answer."""

    entry: int
    same: bool
    """The bytes of the answer are those of the record."""
    differences: tuple[str, ...]
    """What is gone or differs; empty when `same`."""
    versions: tuple[str, ...]
    """Versions that differ from those at the time, whether or not that changed anything."""
    is_computed: bool = True
    """False where something that the replay needs is gone, so that nothing could be compared."""
    other_platform: str | None = None
    """Where bytes differ: that another type of processor computed the entry."""


@dataclass(frozen=True)
class Refusals:
    """What the rules said of one product when an answer was recorded."""

    product: str
    rules: Mapping[str, str]
    """What each rule said, by its id."""
    values: Mapping[str, Fact]
    """What they read."""
    was_left: bool
    """Whether it could be shown."""


def _no_list(found: Entry) -> str:
    return f"entry {found.number} is of graphrec {found.shared['request']['command']}: there is no list to compute"


def occasion_of(asked: Mapping[str, Any]) -> Occasion:
    """What a recorded request said of itself."""
    return Occasion(asked.get("amount"), asked.get("channel"), asked.get("purpose"))


def replay(home: Home, found: Entry) -> Replay:
    """The answer of an entry computed again from the model, the policy and what was known at that time."""
    with Replayer(home) as replayer:
        return replayer.replay(found)


class Replayer:
    """Computes recorded answers of a home again; the facts and the model of the last one stay opened.

    Args:
        model: answers in place of that of the time.
    """

    def __init__(self, home: Home, *, model: ModelFiles | None = None) -> None:
        self._kept = Kept(home.records)
        self._languages = home.languages
        self._model = model
        self._stack = ExitStack()
        self._opened: tuple[object, Snapshot, ModelFiles] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._close()

    def replay(self, found: Entry) -> Replay:
        """The answer of one entry computed again."""
        if "model" not in found.shared:
            return Replay(found.number, False, (_no_list(found),), (), is_computed=False)
        now = versions()
        then = found.shared["versions"]
        changed = tuple(f"{name} was {then[name]}, is {now.get(name)}" for name in then if then[name] != now.get(name))
        try:
            again = self._again(found)
        except GraphrecError as error:
            return Replay(found.number, False, (str(error),), changed, is_computed=False)
        computed = json.loads(entry_bytes(again))
        if canonical(computed) == canonical(found.entry):
            return Replay(found.number, True, (), changed)
        differences = tuple(_first_differences(found.entry, computed))
        return Replay(found.number, False, differences, changed, other_platform=_other_platform(found))

    def _again(self, found: Entry) -> dict[str, Any]:
        asked = found.shared["request"]
        user, product = found.entry["user"], found.entry.get("product")
        try:
            options = ListOptions.of(asked["options"]) if product is None else ExplainOptions(**asked["options"])
        except TypeError as error:
            raise RecordError(f"this graphrec does not know an option of that time: {error}") from None
        request = Request(
            asked["command"], asked["k"], options, asked["as_of"], occasion_of(asked), arm=found.entry.get("arm")
        )
        engine = self._engine(found).asking(request.occasion)
        if isinstance(options, ExplainOptions):
            answer = engine.explain(user, str(product), request.k, options)
        else:
            answer = drawn_list(engine, user, request.k, options)
        return {**entry(engine, request, answer, product), "counted": found.entry["counted"]}

    def listed_by_another(self, found: Entry, k: int) -> tuple[str, ...]:
        """The k best products by the model of this replayer, for the customer of an entry as of that time.

        Returns:
            Ids of products; none where the model knows nothing of the customer.

        Raises:
            RecordError: something that this needs is gone.
        """
        engine = self._engine(found).asking(occasion_of(found.shared["request"])).of_customer(found.entry["user"])
        here = engine.users.ids.find(found.entry["user"])
        user = engine.positions.in_model(engine.roles.user, here)
        if user == ABSENT or not engine.has_evidence(user):
            return ()
        # Reasons, and with them counts of other people, are made of no place.
        listed = engine.listed(engine.scored(user, k), k, chosen=lambda _: ())
        places = (engine.positions.in_snapshot(engine.roles.product, listed.product(n)) for n in range(listed.length))
        return tuple(engine.products.ids[place] for place in places)

    def outcomes(self, found: Entry, product: str) -> Refusals:
        """What the rules of that time said of a product for the user of an entry.

        Raises:
            UnknownId: there was no such product.
            RecordError: something that this needs is gone.
        """
        if "model" not in found.shared:
            raise RecordError(_no_list(found))
        engine = self._engine(found).asking(occasion_of(found.shared["request"])).of_customer(found.entry["user"])
        user, position = engine.users.ids.find(found.entry["user"]), engine.products.ids.find(product)
        if position < 0:
            raise UnknownId(f"there was no product {product!r} when entry {found.number} was recorded")
        (outcomes,) = engine.eligibility.outcomes(user, np.array([position]))
        said = dict(zip(engine.eligibility.rules, outcomes.outcomes, strict=True))
        return Refusals(
            product,
            {rule: OUTCOMES[letter] for rule, letter in said.items()},
            {**engine.eligibility.read_of_user(user), **outcomes.values},
            bool(engine.eligibility.mask(user)[position]),
        )

    def _engine(self, found: Entry) -> Engine:
        """The engine of that time for the one customer of an entry."""
        shared = found.shared
        if "facts" not in shared:
            raise RecordError(
                f"entry {found.number} was written by an older graphrec, which kept no rows of its customer; replay it "
                f"with graphrec {shared['versions']['graphrec']}"
            )
        facts, model, policy = shared["facts"], shared["model"], shared["policy"]
        key = (facts["hash"], facts["as_of"], model["name"], model["hash"])
        if self._opened is None or self._opened[0] != key:
            self._close()
            opened = self._stack.enter_context(self._kept.opened(facts, model["name"], model["hash"]))
            self._opened = (key, *opened)
        _, items, files = self._opened
        asked, now = Asked(**found.entry["known"]), shared["now"]
        alone = asked.alone(items)
        before = None if now is None else seen_before(alone, now)
        model = (self._model or files).model(alone, known_before=before, now=now, blocks=asked.block_rows())
        engine = Engine(
            alone, model, policy=self._kept.policy(policy["hash"]), now=now, counted=found.entry["counted"],
            languages=self._languages,
        )  # fmt: skip
        if "events" not in found.entry:
            return engine
        return engine.among({found.entry["user"]: Own.from_json(found.entry["events"])})

    def _close(self) -> None:
        self._opened = None
        self._stack.close()


def _other_platform(found: Entry) -> str | None:
    """That the answer was computed on another type of processor, in one sentence."""
    then, now = found.shared.get("platform"), platform_name()
    if then in (None, now):
        return None
    return (
        f"entry {found.number} was computed on {then}, this is {now}; another type of processor may round the last "
        "digits differently, which is no sign of tampering: replay it on the first one"
    )


def _first_differences(was: Any, now: Any) -> Iterator[str]:
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
