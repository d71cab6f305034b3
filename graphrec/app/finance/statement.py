"""The suitability statement of a home: its basis from facts, score, list and policy, recorded; and what was decided.

statement.toml of the home says which columns hold what. The basis is in the record, so that every figure of a statement
can be looked up there; decisions are entries of their own.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Literal

from msgspec import structs

from graphrec.app.answers import Decision, Handed, Served
from graphrec.app.bank import Bank
from graphrec.app.lists.about import Dealt, dealt
from graphrec.app.recording import engine_of, record_event
from graphrec.app.requests import AskStatement, Decide, Explain, ReadStatement, Recommend
from graphrec.errors import RecordError, UnknownId, UsageError
from graphrec.finance.needs import Needs, read_needs
from graphrec.finance.statement.file import CostTable, StatementFile, read_statement
from graphrec.finance.statement.printed import Page, html, markdown, pdf
from graphrec.finance.statement.statement import (
    AGAINST,
    ALTERNATIVES,
    ELEMENTS,
    Alternative,
    Basis,
    Columns,
    Cost,
    Element,
    Reason,
    RefusedOther,
    StatedNeed,
    Statement,
    Switched,
    Targeted,
    Value,
    write,
)
from graphrec.graph.folders.snapshot import Nodes
from graphrec.languages import language_of
from graphrec.policy.facts import NO_OCCASION, Facts, Occasion
from graphrec.policy.language.operands import parts_of
from graphrec.policy.sentences import day
from graphrec.records.read import Entry, entries, entry_of
from graphrec.serving.answer import Item
from graphrec.serving.engine import Engine
from graphrec.times import moment_of

FILE = "statement.toml"
STATEMENT, DECISION = "statement", "decision"
NEEDS_FILE = "needs.toml"
WHEN_NONE = 1000.0
"""What costs are counted on where the request names no amount."""


def statement(bank: Bank, request: AskStatement) -> Handed:
    """The statement of one product for one customer, recorded with its basis."""
    file = read_statement(bank.home.path / FILE)
    occasion = Occasion(request.amount, purpose="advice")
    asked = Explain(
        request.user, request.product, language=request.language, voice="customer", record=request.record,
        as_of=request.as_of, occasion=occasion,
    )  # fmt: skip
    served = bank.explain(asked)
    basis = _basis(bank, request, file, served)
    found = write(basis, served.sentences)
    content = {"did": "statement", "basis": basis, "statement": found}
    number, notes = record_event(bank, STATEMENT, content, user=request.user, wanted=request.record)
    return Handed(
        found, basis, Decision("proposed", waits_for_second=found.needs_second), number, (*served.notes, *notes)
    )


def read(bank: Bank, request: ReadStatement) -> Handed:
    """A statement as it was recorded, with what was decided since.

    Raises:
        UnknownId: the entry is no statement.
    """
    event = _event(bank, request.record)
    plain = event["statement"]
    # Entries have their keys sorted; a statement has its own order.
    elements = {
        name: Element(**{**one, "sentences": tuple(one.get("sentences", ()))})
        for name in ELEMENTS
        if (one := plain["elements"].get(name)) is not None
    }
    found = Statement(**{**plain, "elements": elements, "notices": tuple(plain["notices"])})
    return Handed(found, _basis_of(event["basis"]), _decision(bank, request.record, found), request.record)


def decide(bank: Bank, request: Decide) -> Handed:
    """What an adviser decided of a statement, appended to the record.

    Raises:
        UnknownId: the entry is no statement.
        UsageError: it is decided already, may not be handed over, or the same person approves it.
        RecordError: nothing can be recorded.
    """
    found = read(bank, ReadStatement(request.record))
    before, by = found.decision, request.by or bank.settings.actor
    if by is None:
        raise UsageError("a decision wants the name of who decides: --by NAME, or actor in graphrec.toml")
    if not request.why.strip():
        raise UsageError("a decision wants a reason: --why TEXT")
    if request.outcome == "approved":
        if not before.waits_for_second or before.by is None:
            raise UsageError(f"statement {request.record} waits for nobody's approval; it is {before.state}")
        if before.by == by:
            raise UsageError(f"{by} decided statement {request.record}; another person has to approve it")
    elif before.state != "proposed":
        raise UsageError(f"statement {request.record} is {before.state} by {before.by} on {before.at}; make a new one")
    elif found.statement.refused is not None and request.outcome != "rejected":
        raise UsageError(f"statement {request.record} is refused ({found.statement.refused}); it can be rejected alone")
    content = {"did": "decision", "statement": request.record, "outcome": request.outcome, "by": by, "why": request.why}
    number, _ = record_event(bank, DECISION, content, user=found.statement.user)
    if number is None:
        raise RecordError("a decision that is not recorded is none: leave out record = false")
    return read(bank, ReadStatement(request.record))


def printed(bank: Bank, handed: Handed, form: Literal["markdown", "html"]) -> str:
    """A statement as a document in its language."""
    found, decision = handed.statement, handed.decision
    language = language_of(found.language, bank.home.languages)
    said = [language.say("statement.proposed")]
    if decision.state != "proposed":
        at = language.date(datetime.fromisoformat(str(decision.at)))
        said = [language.say(f"statement.{decision.state}", by=str(decision.by), date=at, why=str(decision.why))]
    if decision.approved_by is not None:
        said.append(language.say("statement.second", by=decision.approved_by))
    asked = handed.basis.asked_amount
    amount = "" if asked is None else f"{language.number(asked, 2)} {handed.basis.currency}"
    about = [
        (language.say("statement.client"), found.user),
        (language.say("page.product"), f"{found.name} ({found.product})"),
        *([(language.say("statement.amount"), amount)] if amount else []),
        (language.say("statement.date"), language.date(datetime.fromisoformat(found.date))),
    ]  # fmt: skip
    origin = language.say(
        "statement.entry", n="–" if handed.record is None else language.number(handed.record),
        model=handed.basis.model, policy=handed.basis.policy or "–",
    )  # fmt: skip
    page = Page(
        found,
        tuple(about),
        (language.say("statement.decision"), tuple(said)),
        origin,
        language.say("statement.signature"),
    )
    return html(page) if form == "html" else markdown(page)


def as_pdf(bank: Bank, handed: Handed) -> bytes:
    """A statement as PDF in its language."""
    return pdf(printed(bank, handed, "html"))


def _event(bank: Bank, number: int) -> dict[str, Any]:
    entry = entry_of(bank.home.records, number)
    if entry.shared["request"]["command"] != STATEMENT:
        raise UnknownId(f"entry {number} is no statement; list them with: graphrec record list")
    event: dict[str, Any] = entry.entry["event"]
    return event


def _decision(bank: Bank, number: int, found: Statement) -> Decision:
    """What was decided of a statement, from the entries of its customer."""
    decision = Decision("proposed", waits_for_second=found.needs_second)
    for one in reversed(list(_decided(entries(bank.home.records, found.user), number))):
        event, at = one.entry["event"], one.shared["recorded_at"]
        if event["outcome"] == "approved":
            decision = replace(decision, approved_by=event["by"], waits_for_second=False)
        else:
            waits = found.needs_second and event["outcome"] != "rejected"
            decision = Decision(event["outcome"], event["by"], at[:10], event["why"], waits_for_second=waits)
    return decision


def _decided(found: Iterable[Entry], number: int) -> Iterable[Entry]:
    """The decisions of a statement, the last one first."""
    for one in found:
        if one.number <= number:
            return
        if one.shared["request"]["command"] == DECISION and one.entry["event"]["statement"] == number:
            yield one


def _basis_of(plain: dict[str, Any]) -> Basis:
    """The basis that an entry holds."""
    parts: dict[str, type] = {
        "reasons": Reason,
        "costs": Cost,
        "alternatives": Alternative,
        "target": Targeted,
        "needs": StatedNeed,
    }
    single: dict[str, type] = {"refused": RefusedOther, "switched": Switched}
    found = dict(plain)
    for name, kind in parts.items():
        found[name] = tuple(kind(**one) for one in plain.get(name, ()))
    for name, kind in single.items():
        found[name] = None if plain[name] is None else kind(**plain[name])
    found |= {name: tuple(plain[name]) for name in ("against", "warnings", "regimes", "costs_missing")}
    return Basis(**found)


def _basis(bank: Bank, request: AskStatement, file: StatementFile, served: Served) -> Basis:
    """All that a statement is written from."""
    plain = engine_of(bank, bank.home_at(request.as_of), None, NO_OCCASION, users=(request.user,))
    engine = plain.asking(Occasion(request.amount)).of_customer(request.user)
    user = engine.position(engine.users, request.user, "user")
    item = served.answer.items[0] if served.answer.items else None
    product_id = request.product if item is None else item.product
    product = engine.position(engine.products, product_id, "product")
    today = moment_of(bank.now(request.as_of)).date()
    own, offered = _Columns(engine, engine.users, user), _Columns(engine, engine.products, product)
    customer = {
        "client_objectives": own.of(file.objectives),
        "term": own.of(_one(file.term)),
        "risk_attitude": own.of(_one(file.risk_attitude)),
        "capacity_for_loss": own.of((*_one(file.capacity_for_loss), *_one(file.capacity_of))),
        "financial_situation": own.of(file.financial_situation),
        "knowledge_and_experience": own.of(file.knowledge),
        "sustainability": own.of(file.sustainability),
    }
    shown = engine.schema.nodes[engine.roles.product].show
    if not file.cost and "fee" in shown:
        file = structs.replace(file, cost=(CostTable(shown["fee"]),))
    risks = offered.of(file.risk or _one(shown.get("risk")))
    attitude, capacity = (
        None if column is None else _class(customer[element][column], file.customer_levels, column, "customer_levels")
        for element, column in (("risk_attitude", file.risk_attitude), ("capacity_for_loss", file.capacity_for_loss))
    )
    bound = min((one for one in (attitude, capacity) if one is not None), default=None)
    amount = WHEN_NONE if request.amount is None else request.amount
    wealth = None if file.capacity_of is None else customer["capacity_for_loss"][file.capacity_of]
    is_wealth = isinstance(wealth, int | float) and not isinstance(wealth, bool)
    classes = [_class(value, file.risk_levels, column, "risk_levels") for column, value in risks.items()]
    risk = max((one for one in classes if one is not None), default=None)
    loss = _loss(file, risk)
    costs, without = _costs(file, offered, amount)
    first_year = [one.percent for one in costs if one.each != "exit"]
    assessed = own.of(_one(file.assessed_on)).get(file.assessed_on or "")
    kind = engine.snapshot.value(engine.roles.product, shown.get("kind", "kind"), product)
    about = dealt(plain.of_customer(request.user), user, request.language or bank.settings.language)
    dealings, first = _dealings(about, None if kind is None else str(kind), engine)
    paid = None if file.inducement is None else _percent(offered.of((file.inducement,))[file.inducement])
    base = Basis(
        user=request.user,
        date=today.isoformat(),
        product=product_id,
        name=engine.snapshot.name(engine.roles.product, product) or product_id,
        kind=None if kind is None else served.sentences.value(str(kind)),
        amount=amount,
        asked_amount=request.amount,
        currency=file.currency,
        version=file.version,
        approved_by=file.approved_by,
        regimes=file.regimes,
        refusal=served.answer.abstained,
        needs_second=engine.eligibility.wants_review(user, product),
        customer=customer,
        offered={
            "risk": risks,
            "term": offered.of(_one(file.product_term)),
            "sustainability": offered.of(file.product_sustainability),
        },
        risk=risk,
        bound=bound,
        capacity_percent=round(100 * file.capacity_share, 6) if is_wealth else None,
        capacity_limit=round(float(wealth) * file.capacity_share, 2) if is_wealth else None,  # type: ignore[arg-type]
        dealings=dealings,
        first_dealing=first,
        rank=None if item is None else item.rank,
        costs=costs,
        costs_missing=without,
        year_percent=None if not costs else round(sum(first_year), 10),
        year_money=None if not costs else round(amount * sum(first_year) / 100, 2),
        switched=None if request.replaces is None else _switched(engine, request.replaces, file, amount),
        assessed_on=None if assessed is None else str(assessed)[:10],
        assessed_until=None if assessed is None else _months(_iso(str(assessed)), file.valid_months).isoformat(),
        review_on=_months(today, file.review_months).isoformat(),
        target=tuple(_targeted(engine, own, offered)),
        needs=_needs(bank, engine, user, product),
        own_brand=None if file.own_brand is None else _yes(offered, file.own_brand),
        inducement_percent=paid,
        inducement_money=None if paid is None else round(amount * paid / 100, 2),
        attitude=attitude,
        capacity=capacity,
        risk_word=file.risk_levels[risk - 1] if file.risk_levels and risk is not None else None,
        bound_word=file.customer_levels[bound - 1] if file.customer_levels and bound is not None else None,
        loss_percent=None if loss is None else round(100 * loss, 6),
        at_stake=None if request.amount is None else round(request.amount * (1.0 if loss is None else loss), 2),
        explained=served.record,
        model=served.answer.model,
        policy=None
        if served.answer.policy is None
        else f"{served.answer.policy.version} {served.answer.policy.hash[:16]}",
    )
    return base if item is None else _judged(bank, request, base, served, item, about)


def _loss(file: StatementFile, risk: int | None) -> float | None:
    """The share of an amount that a product of this class may lose; None: the file says none."""
    known = file.loss_shares
    return known[min(risk, len(known)) - 1] if known and risk is not None and risk > 0 else None


def _judged(bank: Bank, request: AskStatement, base: Basis, served: Served, item: Item, about: Dealt) -> Basis:
    """The basis with what speaks for the product and against it, and with the other products."""
    seen = bank.seen(served, "customer").answer.items[0]
    unnamed = ("concentration", "other")
    reasons = tuple(Reason(one.text, one.percent) for one in seen.reasons if one.kind not in unnamed)
    # Lines that speak of other people would tell their number.
    lines = sorted((one for one in item.lines if one.share < 0 and one.wording is None), key=lambda one: one.share)
    against = [one.text for one in seen.reasons if one.kind == "concentration"] + [one.text for one in lines]
    asked = Recommend(
        request.user, ALTERNATIVES + 1, reasons=None, language=request.language, voice="customer", record=False,
        as_of=request.as_of, occasion=Occasion(request.amount, purpose="advice"), lines=False,
    )  # fmt: skip
    others = [one for one in bank.recommend(asked).answer.items if one.product != item.product]
    refused = next((one for one in about.refused if one.product != item.product and one.why), None)
    worded = [(one.wording or one.text, text.text) for one, text in zip(item.reasons, seen.reasons, strict=True)
            if one.percent is not None]  # fmt: skip
    return replace(
        base,
        reasons=reasons,
        against=tuple(dict.fromkeys(against))[:AGAINST],
        warnings=item.warnings,
        alternatives=tuple(
            Alternative(one.product, one.name or one.product, one.rank or 0, _before(one, item), _lack(worded, one))
            for one in others[:ALTERNATIVES]
        ),
        refused=None
        if refused is None
        else RefusedOther(
            refused.product, refused.name or refused.product, refused.why[0].rule, refused.why[0].sentence
        ),
    )


def _before(one: Item, item: Item) -> bool:
    return item.rank is None or (one.rank or 0) < item.rank


def _lack(worded: list[tuple[str, str]], other: Item) -> str | None:
    """The first reason of the recommended product that another one does not have."""
    has = {one.wording or one.text for one in other.reasons}
    return next((text for wording, text in worded if wording not in has), None)


class _Columns:
    """The columns of one node that a statement may say."""

    def __init__(self, engine: Engine, nodes: Nodes, place: int) -> None:
        self._nodes, self._place = nodes, place
        self._schema = engine.schema.nodes[nodes.label]

    def of(self, names: Iterable[str]) -> Columns:
        """The values of some columns, times as days; None: there is none.

        Raises:
            UsageError: there is no such column, or it is personal or protected.
        """
        return {name: self._value(name) for name in names}

    def _value(self, name: str) -> Value:
        kinds = self._nodes.columns
        if name in self._schema.protected or name not in kinds:
            why = "is protected" if name in self._schema.protected else "is not there (personal ones stay in the store)"
            raise UsageError(f"{FILE}: column {name} of {self._nodes.label} {why}; name another one")
        value = self._nodes.column(name).get(self._place)
        return day(int(value)) if kinds[name] == "time" and value is not None else value


def _costs(file: StatementFile, offered: _Columns, amount: float) -> tuple[tuple[Cost, ...], tuple[str, ...]]:
    """The costs of a product on an amount, and those that have no value."""
    found, without = [], []
    for one in file.cost:
        percent = offered.of((one.column,))[one.column]
        if isinstance(percent, int | float) and not isinstance(percent, bool):
            found.append(Cost(one.column, one.each, float(percent), round(amount * percent / 100, 2)))
        else:
            without.append(one.column)
    return tuple(found), tuple(without)


def _switched(engine: Engine, product_id: str, file: StatementFile, amount: float) -> Switched:
    """What it costs to give up a product."""
    place = engine.position(engine.products, product_id, "product")
    costs, _ = _costs(file, _Columns(engine, engine.products, place), amount)
    leaving = sum(one.percent for one in costs if one.each == "exit")
    yearly = sum(one.percent for one in costs if one.each == "year")
    name = engine.snapshot.name(engine.roles.product, place) or product_id
    return Switched(product_id, name, round(leaving, 10), round(amount * leaving / 100, 2), round(yearly, 10))


def _needs(bank: Bank, engine: Engine, user: int, product: int) -> tuple[StatedNeed, ...]:
    """The needs that the product meets, where the home has needs.toml."""
    file = bank.home.path / NEEDS_FILE
    if not file.exists():
        return ()
    facts = Facts(engine.snapshot, engine.now, known_before=engine.now, held_before=engine.now)
    needs = Needs(facts, read_needs(file))
    return tuple(
        StatedNeed(one.name, one.state, one.rule, dict(one.evidence), ", ".join(one.held))
        for one in needs.of(user)
        if needs.products[one.id][product]
    )


def _targeted(engine: Engine, own: _Columns, offered: _Columns) -> Iterator[Targeted]:
    """The columns of the target market that the policy declares and the product fills."""
    market = engine.policy.market
    for declared, negative in ((market.positive, False), (market.negative, True)):
        for column, of_customer in declared.items():
            listed = offered.of((column,))[column]
            if listed is None:
                continue
            value = own.of((of_customer,))[of_customer]
            inside = None if value is None else str(value) in parts_of(str(listed))
            yield Targeted(column, ", ".join(parts_of(str(listed))), value, inside, negative)


def _yes(offered: _Columns, column: str) -> bool | None:
    """Whether a column says yes; None: it says nothing.

    Raises:
        UsageError: it says something else.
    """
    said = {"true": True, "yes": True, "j": True, "ja": True, "y": True, "1": True, "是": True,
            "false": False, "no": False, "n": False, "nein": False, "0": False, "否": False}  # fmt: skip
    value = offered.of((column,))[column]
    if value is None or isinstance(value, bool):
        return value
    key = (f"{value:g}" if isinstance(value, int | float) else value).lower()
    if key not in said:
        raise UsageError(
            f"{FILE}: own_brand: {column} holds {value!r}, neither yes nor no; let the mapping make it true or false"
        )
    return said[key]


def _percent(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _dealings(about: Dealt, kind: str | None, engine: Engine) -> tuple[int, str | None]:
    """How often a customer dealt with products of a kind, and the first day."""
    counted = {*engine.roles.holding, *engine.roles.relevant}
    found = [one for one in about.events if one.type in counted and kind is not None and one.kind == kind]
    return sum(one.times for one in found), min((one.first for one in found if one.first is not None), default=None)


def _class(value: Value, levels: tuple[str, ...], column: str, key: str) -> int | None:
    """A class as a number, from 1 where it is a word; None: it is not known.

    Raises:
        UsageError: a word that the file does not list.
    """
    if isinstance(value, str):
        if value not in levels:
            listed = ", ".join(levels)
            raise UsageError(
                f"{FILE}: {key}: {column} holds {value!r}, "
                + (f"which is none of {listed}" if levels else "a word; list its words, the lowest first")
            )
        return levels.index(value) + 1
    if value is None or isinstance(value, bool) or value != int(value):
        return None
    return int(value)


def _one(name: str | None) -> tuple[str, ...]:
    return () if name is None else (name,)


def _iso(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise UsageError(
            f"{FILE}: assessed_on holds {text!r}, which is no day; let the mapping make a date of it"
        ) from None


def _months(start: date, months: int) -> date:
    """The same day some months later, or the last one of that month."""
    year, month = divmod(start.month - 1 + months, 12)
    last = calendar.monthrange(start.year + year, month + 1)[1]
    return date(start.year + year, month + 1, min(start.day, last))
