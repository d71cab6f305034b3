"""The two tables of an export: one row a listed product, and one row a customer without a list."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple, TypeVar, get_args, get_type_hints

from graphrec.serving.answer import Answer, Item, ListOptions
from graphrec.serving.engine import Engine
from graphrec.serving.views import SeenItem, Viewer
from graphrec.times import moment_of

Change = Literal["new", "moved", "same", "gone"]
#: Days for which lists are valid unless more are asked for.
VALID_DAYS = 30
#: Columns that are times.
TIMES = ("as_of", "generated_at", "valid_until")


class Row(NamedTuple):
    """One product of one user; None is an empty cell."""

    user: str
    product: str
    rank: int | None
    """None for a product that is gone from the list."""
    score: float | None
    """In the view compliance alone."""
    reason: str | None
    """The first."""
    reason_share: float | None
    """Its part of the score; in the view compliance alone."""
    model: str
    snapshot: str
    as_of: str | None
    name: str | None
    """Of the product."""
    confidence: float | None
    """0 to below 1."""
    warnings: str | None
    """What rules that only warn say, joined by "; "."""
    reason_percent: float | None
    """The first reason's part of all that speaks for the product, 0 to 100."""
    reasons: tuple[Mapping[str, Any], ...]
    """All reasons: text, percent, kind, lines."""
    kind: str | None
    """Of the product, as risk, fee and minimum: the columns that the mapping's `show` names."""
    risk: str | None
    fee: str | None
    minimum: str | None
    crm_id: str | None
    """The user's key in the mapping's column `crm_id`."""
    change: Change | None
    """Against the last export with --delta."""
    run: str
    """The same for all rows of an export, and for an export of the same content at the same time."""
    record: int | None
    """Number of the list in the decision record."""
    policy: str | None
    """Hash of the policy."""
    generated_at: str
    valid_until: str


class Without(NamedTuple):
    """One user without a list."""

    user: str
    crm_id: str | None
    why: str
    model: str
    snapshot: str
    as_of: str | None
    run: str
    record: int | None
    policy: str | None
    generated_at: str


@dataclass(frozen=True)
class Run:
    """What all rows of an export share."""

    id: str
    generated_at: str
    valid_until: str

    @classmethod
    def of(cls, engine: Engine, k: int, options: ListOptions, valid_days: int = VALID_DAYS) -> Run:
        """The run of an engine now: of the same content at the same time it is the same."""
        day = timedelta(days=1)
        now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        if engine.now is not None:
            now = moment_of(engine.now)
        content = [engine.model.hash, engine.snapshot.hash, engine.policy.hash, k, repr(options), now.isoformat()]
        digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
        return cls(f"export-{now:%Y%m%d}-{digest[:16]}", _text(now), _text(now + valid_days * day))


#: A text as JSON in quotes.
quoted = json.encoder.encode_basestring
#: Stands for the number of a list in the decision record until it has one.
NUMBER = -(10**18) - 7


@dataclass(frozen=True)
class Form:
    """How a sink of text writes a row."""

    line: Callable[[Row | Without], str]
    nothing: str
    """What stands for a number that is not there."""


@dataclass(frozen=True)
class Packing:
    """How a sink of tables packs rows."""

    pack: Callable[[Sequence[Row], Sequence[Without]], tuple[bytes, bytes]]
    nothing: str = ""


@dataclass(frozen=True)
class Batch:
    """The answers of some users as a sink takes them."""

    answers: Sequence[Answer]
    """None where another process made the rows."""
    rows: Sequence[Row]
    without: Sequence[Without]
    run: str = ""
    number: int = 0
    """Of this batch in its run."""
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The products of each user, in the order of the users."""
    texts: Sequence[tuple[str, str]] = ()
    """The rows of each user as text, of both tables, where they are written already; `rows` and `without` are empty."""
    counts: tuple[int, int] = (0, 0)
    """How many rows there are, of both tables."""
    packed: tuple[bytes, bytes] | None = None
    """Both tables where they are packed already; `rows` and `without` are empty."""
    records: tuple[Sequence[int | None], Sequence[int | None]] = ((), ())
    """Numbers in the decision record of the rows of packed tables; before they have some, the users they belong to."""

    def formed(self, form: Form | Packing) -> Batch:
        """The same with rows that are text, or packed."""
        if isinstance(form, Packing):
            place = {user: number for number, user in enumerate(self.lists)}
            records = [place[row.user] for row in self.rows], [place[one.user] for one in self.without]
            return replace(self, rows=(), without=(), packed=form.pack(self.rows, self.without), records=records)
        texts = {user: ["", ""] for user in self.lists}
        for row in self.rows:
            texts[row.user][0] += form.line(row)
        for one in self.without:
            texts[one.user][1] += form.line(one)
        return replace(self, rows=(), without=(), texts=[(first, second) for first, second in texts.values()])

    def numbered(self, numbers: Sequence[int], nothing: str = "") -> Batch:
        """The same with the numbers of the lists in the decision record; none: they have none."""
        of_user: dict[str, int | None] = dict.fromkeys(self.lists)
        if numbers:
            of_user = dict(zip(self.lists, numbers, strict=True))
        if self.packed is not None:
            of_place = list(of_user.values())
            first, second = ([of_place[place] for place in places if place is not None] for places in self.records)
            return replace(self, records=(first, second))
        mark, numbers_as_text = str(NUMBER), [nothing if number is None else str(number) for number in of_user.values()]
        texts = [
            (rows.replace(mark, number), without.replace(mark, number))
            for (rows, without), number in zip(self.texts, numbers_as_text, strict=bool(self.texts))
        ]
        rows = [row._replace(record=of_user[row.user]) for row in self.rows]
        return replace(self, rows=rows, without=[one._replace(record=of_user[one.user]) for one in self.without],
                       texts=texts)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Rows:
    """Makes the rows of answers: the one iterator that all sinks take from."""

    engine: Engine
    run: Run
    viewer: Viewer | None = None
    """Makes a view that is not exact; None: compliance."""
    before: Mapping[str, Sequence[str]] | None = None
    """The lists of the last export, by which changes are found; None: all lists are delivered."""
    after: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The lists of this export, as far as it went."""
    pseudonym: Callable[[str], str] | None = None
    """What stands for a customer; their key in a CRM system is left out then. None: the id."""

    def batch(self, answers: Sequence[Answer], numbers: Sequence[int | None]) -> Batch:
        """The rows of some answers in their order.

        Args:
            numbers: of the answers in the decision record.
        """
        rows: list[Row] = []
        without: list[Without] = []
        for answer, number in zip(answers, numbers, strict=True):
            self.after[answer.user] = tuple(item.product for item in answer.items)
            rows += self._rows(answer, number)
            if not answer.items:
                without.append(self._without(answer, number))
        lists = {answer.user: self.after[answer.user] for answer in answers}
        if self.pseudonym is not None:
            names = {user: self.pseudonym(user) for user in lists}
            rows = [_renamed(row, names[row.user]) for row in rows]
            without = [_renamed(row, names[row.user]) for row in without]
            lists = {names[user]: products for user, products in lists.items()}
        return Batch(answers, rows, without, self.run.id, lists=lists, counts=(len(rows), len(without)))

    def _rows(self, answer: Answer, number: int | None) -> Iterator[Row]:
        ranks, crm_id = self._ranks(answer.user), self._crm_id(answer.user) if answer.items else None
        for item in answer.items:
            row = self._row(answer, item, number, crm_id)
            if ranks is None:
                yield row
                continue
            change: Change = "new" if item.product not in ranks else "same"
            if change == "same" and ranks[item.product] != item.rank:
                change = "moved"
            if change != "same":
                yield row._replace(change=change)
        left = {item.product for item in answer.items}
        for product in ranks or ():
            if product not in left:
                yield self._gone(answer, product, number)

    def _ranks(self, user: str) -> dict[str, int] | None:
        if self.before is None:
            return None
        return {product: rank for rank, product in enumerate(self.before.get(user, ()), start=1)}

    def _row(self, answer: Answer, item: Item, number: int | None, crm_id: str | None) -> Row:
        seen: Item | SeenItem = item if self.viewer is None else self.viewer.item(item)
        first = seen.reasons[0] if seen.reasons else None
        exact = item.reasons[0] if item.reasons and self.viewer is None else None
        share = exact.share / item.score if exact and exact.percent is not None and item.score else None
        return Row(
            user=answer.user,
            product=item.product,
            rank=item.rank,
            score=item.score if self.viewer is None else None,
            reason=first.text if first else None,
            reason_share=share,
            model=answer.model,
            snapshot=answer.snapshot,
            as_of=answer.as_of,
            name=item.name,
            confidence=seen.confidence,
            warnings="; ".join(item.warnings) or None,
            reason_percent=first.percent if first else None,
            reasons=tuple(
                [
                    {"text": one.text, "percent": one.percent, "kind": one.kind, "lines": one.lines}
                    for one in seen.reasons
                ]
            ),
            kind=item.product_kind,
            risk=_cell(item.risk),
            fee=_cell(item.fee),
            minimum=_cell(item.minimum),
            crm_id=crm_id,
            change=None,
            run=self.run.id,
            record=number,
            policy=answer.policy.hash if answer.policy else None,
            generated_at=self.run.generated_at,
            valid_until=self.run.valid_until,
        )

    def _gone(self, answer: Answer, product: str, number: int | None) -> Row:
        """A product that was in the last list and is not in this one."""
        here = self.engine.products.ids.find(product)
        name = None if here < 0 else self.engine.snapshot.name(self.engine.roles.product, here)
        return Row(
            answer.user, product, None, None, None, None, answer.model, answer.snapshot, answer.as_of, name, None, None,
            None, (), None, None, None, None, self._crm_id(answer.user), "gone", self.run.id, number,
            answer.policy.hash if answer.policy else None, self.run.generated_at, self.run.valid_until,
        )  # fmt: skip

    def _without(self, answer: Answer, number: int | None) -> Without:
        why = answer.abstained if self.viewer is None or answer.abstained_seen is None else answer.abstained_seen
        policy = answer.policy.hash if answer.policy else None
        return Without(
            answer.user, self._crm_id(answer.user), why or "", answer.model, answer.snapshot, answer.as_of,
            self.run.id, number, policy, self.run.generated_at,
        )  # fmt: skip

    def _crm_id(self, user: str) -> str | None:
        label = self.engine.roles.user
        column = self.engine.snapshot.schema.nodes[label].crm_id
        return _cell(self.engine.snapshot.value(label, column, self.engine.user_at(user))) if column else None


_R = TypeVar("_R", Row, Without)


def _renamed(row: _R, name: str) -> _R:
    """A row in which another name stands for its customer, in sentences too, and no key of a CRM system."""
    word = re.compile(rf"(?<![\w-]){re.escape(row.user)}(?![\w-])")

    def cell(value: Any) -> Any:
        if isinstance(value, str):
            return word.sub(name, value)
        return (
            tuple({**one, "text": word.sub(name, one["text"])} for one in value) if isinstance(value, tuple) else value
        )

    kept = ("product", "model", "snapshot", "run", "policy")
    texts = {key: cell(value) for key, value in row._asdict().items() if key not in kept}
    return row._replace(**{**texts, "user": name, "crm_id": None})


def plain(row: Row | Without) -> list[str | float | None]:
    """The cells of a row for tables that have no lists: reasons as JSON."""
    return [reasons_text(one) if isinstance(one, tuple) else one for one in row]


def reasons_text(reasons: Sequence[Mapping[str, Any]]) -> str:
    """Reasons as JSON: what `json.dumps` writes, put together by hand."""
    parts = [
        f'{{"text": {quoted(one["text"])}, "percent": {"null" if one["percent"] is None else repr(one["percent"])}, '
        f'"kind": {quoted(one["kind"])}, "lines": {one["lines"]}}}'
        for one in reasons
    ]
    return f"[{', '.join(parts)}]"


def schema() -> dict[str, Any]:
    """JSON Schema of the rows of both tables, as `export --to FILE.jsonl` writes them."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The rows of graphrec export",
        "$defs": {"list": _described(Row), "without": _described(Without)},
        "anyOf": [{"$ref": "#/$defs/list"}, {"$ref": "#/$defs/without"}],
    }


_SAYS = {
    "user": "Id of the customer.",
    "product": "Id of the product.",
    "rank": "Place in the list, 1 first; null for a product that is gone from it.",
    "score": "In the view compliance alone.",
    "reason": "The first reason.",
    "reason_share": "Its part of the score; in the view compliance alone.",
    "model": "Name of the model.",
    "snapshot": "Hash of the snapshot of its fit.",
    "as_of": "Date of the answer.",
    "name": "Of the product.",
    "confidence": "0 to below 1.",
    "warnings": "What rules of the policy say that only warn.",
    "reason_percent": "The first reason's part of all that speaks for the product, 0 to 100.",
    "reasons": "All reasons: text, percent, kind, and how many lines of the ledger stand behind each.",
    "kind": "Of the product, by the column that the mapping's `show` names.",
    "risk": "Risk class of the product, by the mapping's `show`.",
    "fee": "Of the product, by the mapping's `show`.",
    "minimum": "Smallest amount of the product, by the mapping's `show`.",
    "crm_id": "The customer's key in the CRM, by the mapping's `crm_id`.",
    "change": "Against the last export, with --delta.",
    "run": "The same for all rows of an export.",
    "record": "Number of the list in the decision record.",
    "policy": "Hash of the policy.",
    "generated_at": "When the list was made, UTC.",
    "valid_until": "When the list should not be used any more, UTC.",
    "why": "Why there is no list.",
}


def _described(table: type[Row | Without]) -> dict[str, Any]:
    kinds = get_type_hints(table)
    properties = {name: {"description": _SAYS[name], **_kind(name, kind)} for name, kind in kinds.items()}
    return {"type": "object", "properties": properties, "required": list(kinds), "additionalProperties": False}


def _kind(name: str, kind: Any) -> dict[str, Any]:
    if name == "reasons":
        parts = {
            "text": {"type": "string"}, "percent": {"type": ["number", "null"]}, "kind": {"type": "string"},
            "lines": {"type": "integer"},
        }  # fmt: skip
        reason = {"type": "object", "properties": parts, "required": list(parts), "additionalProperties": False}
        return {"type": "array", "items": reason}
    if name == "change":
        return {"enum": [*get_args(Change), None]}
    names = {str: "string", int: "integer", float: "number", type(None): "null"}
    found = [names[one] for one in get_args(kind) or (kind,)]
    described: dict[str, Any] = {"type": found if len(found) > 1 else found[0]}
    return described


def _cell(value: object) -> str | None:
    return None if value is None else str(value)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
