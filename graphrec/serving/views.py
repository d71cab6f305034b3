"""What of an answer each role reads: a pure function of the exact answer, which only `compliance` and the record show.

Every view but `compliance` leaves out what can be solved for a number of another person: scores, shares, contrasts, the
rest, scales, powers and all other parameters of arithmetic. It has

* whole per cents that add up to 100 with `other`, by largest remainder, and in steps of ten where a reason or a line of
  the product rests on people of the first band, so that nobody's part of it can be read off;
* numbers of people as wide bands (5 to 49, 50 to 499, …). The band is that of a count that is moved a little, by a
  function of the home's secret, what is counted and the month. It keeps no history: who asks again, in another language
  or through other customers, gets the same band. Lines through people of the first band are left out, and others say
  that they are `min_group` at least. Narrower bands would tell whether one person did one thing: an event moves ten
  counts at once, and each of them may pass a border (benchmarks/differencing.py);
* confidence in three levels;
* Cypher that returns the neighbours of a way and whether the way is there, with ids and dates as its only parameters.

What a view cannot hide is the order of a list, which is that of the exact scores. docs/answers.md says what follows.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from graphrec import queries
from graphrec.errors import UsageError
from graphrec.frozen import dataclass
from graphrec.policy.rules import NOT_AVAILABLE
from graphrec.schema import EXACT, View
from graphrec.serving.answer import (
    Answer,
    Item,
    Line,
    Node,
    PathPart,
    People,
    PolicyName,
    Reason,
    Step,
    from_fields,
)  # fmt: skip

if TYPE_CHECKING:
    from graphrec.policy.compiled import Finding
    from graphrec.serving.why_not import WhyNot

#: Where bands begin after the first, which begins at `min_group`, in each power of ten; a band ends before the next.
STARTS = (5,)
#: Per cents of a product that few people stand behind are multiples of it.
STEP = 10
#: Confidence is at least this.
LEVELS = (0.0, 0.5, 0.8)
#: Views of those who speak with the customer.
_BESIDE_THE_CUSTOMER = ("adviser", "customer")
#: Parameters of a line's Cypher that a view keeps: ids and dates.
_KEPT = ("user", "via", "mid", "product", "as_of", "fitted_as_of", "nodes_as_of")
_TIMES = ("user", "as_of", "fitted_as_of", "nodes_as_of")


@dataclass(frozen=True)
class Band:
    """A number of people, as a view says it."""

    low: int
    high: int

    def __str__(self) -> str:
        return f"{self.low:,}–{self.high:,}"


@dataclass(frozen=True)
class SeenPeople:
    """Other people on a path."""

    label: str
    count: Band | None


@dataclass(frozen=True)
class SeenLine:
    """One line of a ledger without its numbers."""

    kind: str
    text: str
    via: Node | None
    path: tuple[Node | SeenPeople | Step, ...] | None
    cypher: str | None
    """Returns the neighbours of the path and whether the path is there."""
    parameters: Mapping[str, str | int] | None
    term: str


@dataclass(frozen=True)
class SeenReason:
    """A reason of a product."""

    text: str
    percent: int | None
    """Whole; None where nothing speaks for the product, and for a heading."""
    kind: str
    lines: int
    """How many lines of the ledger stand behind it."""
    count: Band | None
    """Other people that it speaks of; None: of nobody, or of all that there are."""


@dataclass(frozen=True)
class SeenItem:
    """One product of a list."""

    rank: int | None
    product: str
    name: str | None
    product_kind: str | None
    reasons: tuple[SeenReason, ...]
    other: int | None
    """Per cents that no reason shows; with those of `reasons` they add up to 100."""
    against: int | None
    """What speaks against the product, in the same unit, rounded; None: nothing."""
    confidence: float
    """The least of its level: 0, .5 or .8, as its word."""
    lines: tuple[SeenLine, ...]
    warnings: tuple[str, ...]
    risk: str | int | float | None
    """Risk class, fee and smallest amount, as the mapping's `show` names their columns."""
    fee: str | int | float | None
    minimum: str | int | float | None


@dataclass(frozen=True)
class SeenDrawn:
    """What a draw did to a list, without its probabilities."""

    ranks: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class SeenAnswer:
    """The list of one user, or the explanation of one product, as a role reads it."""

    user: str
    as_of: str | None
    model: str
    snapshot: str
    view: View
    items: tuple[SeenItem, ...]
    abstained: str | None
    notes: tuple[str, ...]
    refused: Mapping[str, int]
    policy: PolicyName | None
    facts: str
    facts_as_of: str | None
    unfitted: Mapping[str, int]
    limits: Mapping[str, str | int | float | bool | None]
    """What rules of the policy read of the customer, for those who speak with the customer."""
    drawn: SeenDrawn | None = None
    """What a draw did to the list; None: it is that of the scores."""

    def to_json(self) -> dict[str, Any]:
        """The answer as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class SeenGap:
    """What speaks for the product that is ahead, and less, or not, for the one that was asked about."""

    kind: str
    text: str


@dataclass(frozen=True)
class SeenAhead:
    """The last product of the list."""

    rank: int
    product: str
    name: str | None


@dataclass(frozen=True)
class SeenWhyNot:
    """Why a product is not in a list, as a role reads it."""

    user: str
    product: str
    name: str | None
    as_of: str | None
    model: str
    snapshot: str
    view: View
    policy: PolicyName | None
    verdict: str
    k: int
    refused: tuple[Finding, ...]
    rank: int | None
    ahead: SeenAhead | None
    missing: tuple[SeenGap, ...]

    def to_json(self) -> dict[str, Any]:
        """The answer as plain values."""
        return asdict(self)


def only_exact(view: View, what: str) -> None:
    """Refuse what has no form without exact numbers.

    Raises:
        UsageError: the view is not `compliance`.
    """
    if view != EXACT:
        raise UsageError(f"{what} shows exact numbers, which the view {view!r} does not have; want --view {EXACT}")


def whole(parts: Sequence[float], total: int = 100) -> tuple[int, ...]:
    """Whole numbers that add up to `total`, each less than 1 from its part: by largest remainder, ties to the first.

    Args:
        parts: not negative, adding up to `total` up to rounding.

    >>> whole([33.4, 33.3, 33.3]), whole([99.6, 0.4]), whole([12.5, 12.5, 75.0])
    ((34, 33, 33), (100, 0), (13, 12, 75))
    """
    found = [math.floor(part) for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda place: (found[place] - parts[place], place))
    for place in by_remainder[: max(total - sum(found), 0)]:
        found[place] += 1
    return tuple(found)


def shown_percents(item: Item | SeenItem) -> tuple[list[int | None], int | None]:
    """The per cents of a product's reasons and of what none of them shows, as people read them: whole, 100 in all.

    Each reason is rounded by itself, so that it reads alike wherever it stands, and the rest is what is left; where
    nothing is left for it, by largest remainder.

    Returns:
        One of each reason, None for a heading, and that of the rest, None where nothing speaks for the product.
    """
    percents = [reason.percent for reason in item.reasons]
    rest = item.others if isinstance(item, Item) else item.other
    if rest is None:
        return [None if one is None else round(one) for one in percents], None
    known = [one for one in percents if one is not None]
    found = [round(one) for one in known]
    whole_of_all = round(math.fsum([*known, rest]))
    last = whole_of_all - sum(found)
    if last < 0:
        *found, last = whole([*known, rest], whole_of_all)
    figures = iter(found)
    return [None if one is None else next(figures) for one in percents], last


class Viewer:
    """Makes one view out of exact answers.

    Args:
        view: not `compliance`, which needs no viewer.
        secret: of the home.
        month: as 2026-11; it decides, with the secret, on which side of its border a count close to one falls.
        min_group: the fewest people that a reason may speak of.
        often: what stands in place of a number of people that is all that there are.
        starts: where bands begin in each power of ten; others than STARTS are for measurements alone.
    """

    def __init__(
        self,
        view: View,
        *,
        secret: bytes,
        month: str,
        min_group: int,
        often: str,
        starts: Sequence[int] = STARTS,
    ) -> None:
        self.view: View = view
        self._drawing = hashlib.blake2b(f"{month}\0".encode(), key=secret[:64], digest_size=8)
        self._min_group = min_group
        self._often = often
        self._starts = tuple(starts)

    def answer(self, answer: Answer) -> SeenAnswer:
        """A list or an explanation."""
        return SeenAnswer(
            user=answer.user,
            as_of=answer.as_of,
            model=answer.model,
            snapshot=answer.snapshot,
            view=self.view,
            items=tuple(self.item(item) for item in answer.items),
            abstained=answer.abstained if answer.abstained_seen is None else answer.abstained_seen,
            notes=answer.notes,
            refused=_refused(answer),
            policy=answer.policy,
            facts=answer.facts,
            facts_as_of=answer.facts_as_of,
            unfitted=answer.unfitted,
            limits=answer.limits if self.view in _BESIDE_THE_CUSTOMER else {},
            drawn=None if answer.drawn is None else SeenDrawn(answer.drawn.ranks, answer.drawn.text),
        )

    def item(self, item: Item) -> SeenItem:
        """One product of a list."""
        bands = [self._band_of(item, reason) for reason in item.reasons]
        per_cents, other = self._per_cents(item)
        made: dict[str, Any] = {
            "rank": item.rank,
            "product": item.product,
            "name": item.name,
            "product_kind": item.product_kind,
            "reasons": tuple(map(self._reason, item.reasons, bands, per_cents)),
            "other": other,
            "against": round(item.against) if item.against else None,
            "confidence": max([level for level in LEVELS if level <= item.confidence]),
            "lines": tuple([self._line(line) for line in item.lines if not self._is_of_few(line)]),
            "warnings": item.warnings,
            "risk": item.risk,
            "fee": item.fee,
            "minimum": item.minimum,
        }
        return from_fields(SeenItem, made)

    def _reason(self, reason: Reason, band: Band | None, percent: int | None) -> SeenReason:
        text = self._said(reason.text, reason.wording, band, everyone=reason.everyone)
        count = None if reason.everyone else band
        made = {"text": text, "percent": percent, "kind": reason.kind, "lines": reason.lines, "count": count}
        return from_fields(SeenReason, made)

    def why_not(self, found: WhyNot) -> SeenWhyNot:
        """Why a product is not in a list."""
        last = found.ahead
        return SeenWhyNot(
            user=found.user,
            product=found.product,
            name=found.name,
            as_of=found.as_of,
            model=found.model,
            snapshot=found.snapshot,
            view=self.view,
            policy=found.policy,
            verdict=found.told,
            k=found.k,
            refused=findings(found.refused),
            rank=found.rank,
            ahead=None if last is None else SeenAhead(last.rank, last.product, last.name),
            missing=tuple(SeenGap(gap.kind, self._said_of(gap.line)) for gap in found.missing),
        )

    def band(self, statistic: str, count: int) -> Band:
        """The band of a number of people.

        Args:
            statistic: what is counted, in the same words for everybody who may ask.
        """
        drawing = self._drawing.copy()
        drawing.update(statistic.encode())
        drawn = int.from_bytes(drawing.digest(), "big")
        # One draw for all counts of a statistic in a month: they are moved by the same part of their width, so that one
        # person more changes the band at its border alone. A draw for each count would change it at every other one.
        width = 1 + count / 4
        moved = math.floor(count + 0.5 + width * (2 * drawn / 2**64 - 1))
        return _band_around(max(moved, self._min_group), self._min_group, self._starts)

    def _band_of(self, item: Item, reason: Reason) -> Band | None:
        if reason.people is None:
            return None
        # In the same words for everybody who may ask, whatever the language.
        counted = sorted([pair for pair in (reason.parameters or {}).items() if pair[0] not in _TIMES])
        return self.band(f"{item.product}\0{reason.kind}\0{counted}", reason.people)

    def _per_cents(self, item: Item) -> tuple[tuple[int | None, ...], int | None]:
        """Those of the reasons, then of everything else."""
        exact = [reason.percent for reason in item.reasons]
        if item.others is None:
            return (None,) * len(exact), None
        # Without lines nobody has counted the people behind them.
        few = not item.lines or self._is_of_few_people(item)
        # All of an item: from the others, and their sum, the one of few people could be computed.
        step = STEP if few else 1
        parts = [max(percent or 0.0, 0.0) / step for percent in exact]
        *found, other = whole([*parts, max(100 / step - sum(parts), 0.0)], 100 // step)
        shown = tuple(None if percent is None else one * step for percent, one in zip(exact, found, strict=True))
        return shown, other * step

    def _is_of_few_people(self, item: Item) -> bool:
        """Whether people of the first band stand behind a product: one number for all of it, so that an event moves one
        draw."""
        counts = [one.people for one in item.reasons] + [_people(line) for line in item.lines] + [item.fewest]
        fewest = min((count for count in counts if count is not None), default=None)
        return fewest is not None and self.band(f"{item.product}\0fewest", fewest).low < 2 * self._min_group

    def _is_of_few(self, line: Line) -> bool:
        """Whether a line rests on people of the first band: that it is there would tell of one of them."""
        count = _people(line)
        if count is None or line.everyone:
            return False
        # The way without the person who asks.
        way = [(part.label, part.id) if isinstance(part, Node) else _step(part) for part in (line.path or ())[1:]
               if not isinstance(part, People)]  # fmt: skip
        return self.band(str(way), count).low < 2 * self._min_group

    def _line(self, line: Line) -> SeenLine:
        statement, parameters = _seen_cypher(line, self._min_group)
        path = None if line.path is None else tuple(map(self._part, line.path))
        return SeenLine(line.kind, self._said_of(line), line.via, path, statement, parameters, line.term)

    def _part(self, part: PathPart) -> Node | SeenPeople | Step:
        return SeenPeople(part.label, None) if isinstance(part, People) else part

    def _said_of(self, line: Line) -> str:
        """The text of a line: of people it says that they are enough, since a reason has their band."""
        if line.wording is None:
            return line.text
        enough = self._often if line.everyone or _people(line) is None else f"{self._min_group:,}+"
        return line.wording.replace("{people}", enough)

    def _said(self, text: str, wording: str | None, band: Band | None, *, everyone: bool) -> str:
        """A text that says a band of people, or "often", where the exact one has a number."""
        if wording is None:
            return text
        return wording.replace("{people}", self._often if everyone or band is None else str(band))


def _people(line: Line) -> int | None:
    """How many people are on a line; None: there are none."""
    parts = line.path or ()
    return next((part.count for part in parts if isinstance(part, People) and part.count is not None), None)


@lru_cache(10_000)
def _band_around(count: int, min_group: int, starts: tuple[int, ...]) -> Band:
    """The band that a number of people lies in."""
    return Band(max(_start(count, starts), min_group), _next_start(count, starts) - 1)


def _start(count: int, starts: Sequence[int]) -> int:
    """Where the band of a count begins; all below the first after 5 are one.

    >>> [_start(one, (5,)) for one in (4, 7, 49, 50, 499, 512)], [_start(one, (1, 2, 5)) for one in (4, 7, 49, 512)]
    ([1, 5, 5, 50, 50, 500], [1, 5, 20, 500])
    """
    step = 10 ** (len(str(count)) - 1)
    below = [first * step for first in starts if first * step <= count]
    start = max(below) if below else max(starts) * step // 10
    return 1 if start < 5 else start


def _next_start(count: int, starts: Sequence[int]) -> int:
    step = 10 ** (len(str(count)) - 1)
    return 5 if count < 5 else min(
        first * power for power in (step, 10 * step) for first in starts if first * power > count
    )  # fmt: skip


def _refused(answer: Answer) -> dict[str, int]:
    """How many products each rule refused, confidential ones under one name."""
    counts: dict[str, int] = {}
    for rule, count in answer.refused.items():
        name = NOT_AVAILABLE if rule in answer.confidential else rule
        counts[name] = counts.get(name, 0) + count
    return counts


def findings(refused: Iterable[Finding]) -> tuple[Finding, ...]:
    """The rules that refuse; a confidential one says neither its name nor what it read."""
    found: list[Finding] = []
    for one in refused:
        seen = one
        if one.confidential:
            seen = replace(one, rule=NOT_AVAILABLE, sentence=one.public_sentence, values={})
        if seen not in found:
            found.append(seen)
    return tuple(found)


def _seen_cypher(line: Line, min_group: int) -> tuple[str | None, dict[str, str | int] | None]:
    """The statement that returns the neighbours of a path and that it is there, and its parameters."""
    if line.cypher is None or line.path is None or line.parameters is None:
        return None, None
    first, *between, last = line.nodes
    form = f"seen_{len(between) + 1}"
    if between and isinstance(between[0], People):
        form = f"seen_acquaintances_{len(between) + 1}"
    elif isinstance(between[-1] if between else None, People):
        form = f"seen_people_{len(between) + 1}"
    hops = dict(zip(("FIRST", "SECOND", "THIRD"), line.steps, strict=False))
    labels = {
        "User": first.label,
        "Product": last.label,
        "Via": between[0].label if between else last.label,
        "Mid": between[-1].label if between else last.label,
        **{name: step.type for name, step in hops.items()},
    }
    backwards = tuple(name for name, step in hops.items() if step.direction == "in")
    kept: dict[str, str | int] = {name: str(line.parameters[name]) for name in _KEPT if name in line.parameters}
    kept.setdefault("fitted_as_of", kept["as_of"])
    if "people" in form or "acquaintances" in form:
        kept["min_group"] = min_group
    return _statement_of(form, tuple(labels.items()), backwards), kept


@lru_cache(1024)
def _statement_of(form: str, labels: tuple[tuple[str, str], ...], backwards: tuple[str, ...]) -> str:
    return queries.text(f"explain/{form}", dict(labels), reverse=backwards)


@lru_cache(1024)
def _step(step: Step) -> str:
    return str(step)
