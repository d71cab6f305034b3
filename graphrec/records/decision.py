"""From answers to entries of the record: what was asked, on what, and what was shown."""

import base64
import platform
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from graphrec import __version__
from graphrec.frozen import dataclass
from graphrec.graph.asked import Asked
from graphrec.home import Home
from graphrec.policy.facts import NO_OCCASION, Occasion
from graphrec.records.blocks import Packed, check_finite
from graphrec.records.keep import Kept
from graphrec.records.recorder import Recorder
from graphrec.serving.answer import Answer, ExplainOptions, ListOptions
from graphrec.serving.engine import Engine

#: Answers whose entries are made at once.
BLOCK = 128
#: What an answer says of its engine: it stands in the header of the block, once for all entries.
_SHARED = ("as_of", "model", "snapshot", "policy", "confidential", "notes", "facts", "facts_as_of")


@dataclass(frozen=True)
class Request:
    """What was asked, without the person: one command with what decides its answer."""

    command: str
    """recommend, explain or export."""
    k: int
    options: ListOptions | ExplainOptions
    """How the list is made, or the score is explained."""
    as_of: str | None = None
    """The date that was asked for; None: the graph as it was."""
    occasion: Occasion = NO_OCCASION
    """What the request says of itself."""
    actor: str | None = None
    """Who asked; None: nobody is named."""
    arm: Mapping[str, str] | None = None
    """The experiment and the arm that decided how the list is made."""


@dataclass(frozen=True)
class Sealed:
    """Entries that only have to be appended to the record."""

    shared: Mapping[str, Any]
    """What holds for all of them."""
    blocks: tuple[Packed, ...]


class Decisions:
    """The record of a home for the answers of one engine; the first answer keeps what replays need.

    Raises (from `add`):
        RecordError: the record is damaged.
        OSError: the home cannot be written.
    """

    def __init__(self, home: Home, engine: Engine, request: Request) -> None:
        self._engine = engine
        self._request = request
        self._recorder = Recorder(home.records)
        self._kept = Kept(home.records)
        self._is_kept = False

    def keep(self) -> None:
        """Keep what replays of these answers need.

        Raises:
            ModelReplaced: another training replaced the model since it was opened.
            Damaged: a file of the snapshot or of the model is not the one that was written.
        """
        if not self._is_kept:
            self._kept.keep(self._engine)
            self._is_kept = True

    def add(self, answers: Sequence[Answer], product: str | None = None) -> range:
        """The numbers under which these answers are in the record now.

        Args:
            product: what was asked about, for commands that ask about one.
        """
        return self.commit(self.sealed(answers, product)) if answers else range(0)

    def sealed(self, answers: Sequence[Answer], product: str | None = None) -> "Sealed":
        """The entries of these answers, at least one, ready to be committed, which another process may do."""
        self.keep()
        entries = [
            one
            for start in range(0, len(answers), BLOCK)
            for one in entries_of(self._engine, self._request, answers[start : start + BLOCK], product)
        ]
        return Sealed(self._shared(answers[0]), tuple(self._recorder.sealed(entries)))

    def commit(self, sealed: "Sealed") -> range:
        """The numbers under which sealed entries are in the record now."""
        self.keep()
        numbers = [number for block in sealed.blocks for number in self._recorder.commit(sealed.shared, block)]
        if not self._kept.has(self._engine):
            # Pruned in between, before these entries were there.
            self._kept.keep(self._engine)
        return range(numbers[0], numbers[-1] + 1)

    def _shared(self, answer: Answer) -> dict[str, Any]:
        engine, request = self._engine, self._request
        return {
            "recorded_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "request": {
                "command": request.command, "k": request.k, "options": request.options, "as_of": request.as_of,
                **vars(request.occasion),
            },
            "actor": request.actor,
            "as_of": answer.as_of,
            "now": engine.now,
            "snapshot": answer.snapshot,
            "facts": {
                "hash": engine.snapshot.hash, "as_of": engine.snapshot.as_of, "until": answer.facts_as_of,
                "items": self._kept.items(engine.snapshot.hash),
            },
            "model": {"name": answer.model, "hash": engine.model.hash},
            "policy": {
                "version": engine.policy.version, "hash": engine.policy.hash, "rules": engine.eligibility.rules,
            },
            "versions": versions(),
            "platform": platform_name(),
            "notes": answer.notes,
        }  # fmt: skip


def event(home: Home, command: str, actor: str | None, content: Mapping[str, Any], *, user: str | None = None) -> int:
    """The number of an entry for what is no list and no score: why-not, query, find, a policy, a delivered file.

    Args:
        content: what was asked, and what came of it, as plain values or dataclasses.
        user: the customer whom it is about, if it is about one.

    Raises:
        RecordError: the record is damaged.
        OSError: the home cannot be written.
    """
    return events(home, command, actor, [(user, content)])[0]


def events(
    home: Home, command: str, actor: str | None, contents: Sequence[tuple[str | None, Mapping[str, Any]]]
) -> range:
    """The numbers of entries that are made together, each with the customer whom it is about; errors as of `event`."""
    shared = {
        "recorded_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "request": {"command": command}, "actor": actor, "versions": versions(), "platform": platform_name(),
    }  # fmt: skip
    made = [{**({} if user is None else {"user": user}), "event": content} for user, content in contents]
    return Recorder(home.records).append(shared, made)


def versions() -> dict[str, str]:
    """Of what computes an answer."""
    return {"graphrec": __version__, "numpy": np.__version__}


@cache
def platform_name() -> str:
    """The type of processor and system: sums of floating point numbers may round differently on another."""
    found = [platform.system(), platform.machine()]
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text("utf-8", errors="replace").partition("\n\n")[0].splitlines()
        found += [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return " ".join(found)


def entry(engine: Engine, request: Request, answer: Answer, product: str | None) -> dict[str, Any]:
    """One entry: the user, the products that were left and refused, and what was shown."""
    return entries_of(engine, request, [answer], product)[0]


def entries_of(
    engine: Engine, request: Request, answers: Sequence[Answer], product: str | None
) -> list[dict[str, Any]]:
    """What `entry` gives for each of some answers."""
    found: list[dict[str, Any] | None] = [None] * len(answers)
    alike: dict[int, tuple[Engine, list[int]]] = {}
    for place, answer in enumerate(answers):
        # Events of a customer lie over the facts of that customer alone.
        own = engine.of_customer(answer.user)
        alike.setdefault(id(own), (own, []))[1].append(place)
    for own, places in alike.values():
        made = _entries(own, request, [answers[place] for place in places], product)
        for place, one in zip(places, made, strict=True):
            found[place] = one
    return [one for one in found if one is not None]


def _entries(engine: Engine, request: Request, answers: Sequence[Answer], product: str | None) -> list[dict[str, Any]]:
    """The entries of answers of one engine."""
    eligibility = engine.eligibility
    users = np.array([engine.user_at(answer.user) for answer in answers], np.int64)
    products = [np.array([engine.product_at(item.product) for item in answer.items], np.int64) for answer in answers]
    masks, refused = eligibility.refused_of(users)
    outcomes = eligibility.outcomes_of(users, products)
    asked = {} if product is None else {"product": product}
    left_out = (*_SHARED, "user", "refused", "items", "last_event")
    found = []
    for user, answer, *parts in zip(users.tolist(), answers, products, masks, refused, outcomes, strict=True):
        of_user, left, all_refused, said = parts
        shown = {name: value for name, value in vars(answer).items() if name not in left_out}
        if answer.drawn is None:
            del shown["drawn"]
        # Only lists count what was refused.
        counts = answer.refused or all_refused
        found.append({
            "user": answer.user,
            **asked,
            **({} if request.arm is None else {"arm": request.arm}),
            **({} if engine.own is None else {"events": engine.own}),
            "known": Asked.of(engine.base.snapshot, user, engine.model.graph.blocks),
            "counted": engine.counted(user, of_user.tolist()),
            "candidates": len(engine.products) - sum(counts.values()),
            "refused": counts,
            "left": packed(left),
            "read": eligibility.read_of_user(user),
            "judged": said,
            "answer": {**shown, "items": delivered(answer) if request.command == "export" else answer.items},
        })  # fmt: skip
    return found


def packed(flags: NDArray[np.bool_]) -> str:
    """Flags of all products, in the order of their ids, as compressed bits in base64."""
    return _compressed(np.packbits(flags).tobytes())


@lru_cache(256)
def _compressed(bits: bytes) -> str:
    # Many customers are left the same products.
    return base64.b64encode(zlib.compress(bits, 9)).decode("ascii")


def unpacked(text: str, count: int) -> NDArray[np.bool_]:
    """The flags of `count` products that `packed` wrote."""
    bits = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return np.unpackbits(bits, count=count).astype(np.bool_)


class _Reason(msgspec.Struct):
    """A reason as it was delivered; fields are in the order in which they are written."""

    kind: str
    lines: int
    percent: float | None
    text: str


class _Line(msgspec.Struct):
    """A line as it was delivered."""

    share: float
    text: str


class _Delivered(msgspec.Struct):
    """A product as it was delivered."""

    confidence: float
    lines: list[_Line]
    name: str | None
    product: str
    rank: int | None
    reasons: list[_Reason]
    rest: float
    score: float
    warnings: tuple[str, ...]


def delivered(answer: Answer) -> msgspec.Raw:
    """What an export delivers of a list: every product with its reasons and strongest lines as a person reads them.

    Raises:
        ValueError: a number is not finite.
    """
    items = [
        _Delivered(
            item.confidence,
            [_Line(line.share, line.text) for line in item.lines],
            item.name,
            item.product,
            item.rank,
            [_Reason(one.kind, one.lines, one.percent, one.text) for one in item.reasons],
            item.rest,
            item.score,
            item.warnings,
        )
        for item in answer.items
    ]
    numbers: list[float] = []
    for one in items:
        numbers += (one.confidence, one.rest, one.score)
        numbers += [line.share for line in one.lines]
        numbers += [reason.percent for reason in one.reasons if reason.percent is not None]
    check_finite(numbers)
    return msgspec.Raw(msgspec.json.encode(items))
