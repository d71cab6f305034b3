"""The answer to a parsed question: one method an intent, over the use cases of `app`, as a role reads them.

Every sentence is a template filled with values that carry where they come from. Roles are asked before the use cases,
and these ask the policy before they answer.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from graphrec import queries
from graphrec.app import requests
from graphrec.app.bank import Bank
from graphrec.ask.question import Parsed
from graphrec.ask.said import Draft, Evidence, Plain, Value, named
from graphrec.errors import GraphrecError, UsageError
from graphrec.languages import Language
from graphrec.schema import EXACT, View
from graphrec.serving.answer import Item, Node, People, Reason, Step
from graphrec.serving.reasons import columns
from graphrec.serving.views import shown_percents

if TYPE_CHECKING:
    from graphrec.app.lists.about import Customer, Fact, Product
    from graphrec.finance.credit.loans import Plan
    from graphrec.serving.engine import Engine
    from graphrec.serving.reasons.sentences import Sentences
    from graphrec.serving.views import SeenItem, SeenReason

REASONS = 3
"""Reasons of a product at most."""
FACTS = 12
"""Facts of one node at most."""
ROWS = 5
"""Rows of a query."""
ALL = 100
"""Per cent of what speaks for a product."""
WIDE = 500
"""Products that are looked through where a question wants some of those that fit."""
_ORDERED = {"fee": ("fee", "fee"), "risk": ("risk", "risk_class")}
#: Numbers of a portrait: the sentence of each, and its decimals.
_NUMBERS = {"holdings": ("of_holdings", 0), "tenure": ("of_tenure", 0), "revealed_risk": ("of_revealed_risk", 2)}
#: Values of a series that are no price, and whose changes are no risk.
_NO_PRICE = re.compile("volume|turnover|count|quantity|umsatz|anzahl|成交")
K = 5

#: Who reads anything of single customers; the others read of products and the library.
OF_CUSTOMERS: frozenset[str] = frozenset({"compliance", "adviser", "customer", "service", "auditor", "admin"})
#: Who may open a case for a customer.
OPENS_CASES: frozenset[str] = frozenset({"compliance", "adviser", "customer", "service", "admin"})
#: Who reads alerts: not those who speak with the customer, who could warn one.
READS_ALERTS: frozenset[str] = frozenset({"compliance", "auditor"})
#: Who reads tags, which are the bank's own view of a customer.
READS_TAGS: frozenset[str] = frozenset({"compliance", "adviser", "auditor", "admin"})
#: Who reads questions of the library that speak of no customer; compliance reads all.
READS_QUERIES: frozenset[str] = frozenset({"analyst", "auditor", "admin"})

_SHOWN = ("kind", "risk", "fee", "minimum")
_HOME = (
    "town", "city", "residence", "where does", "live", "lives", "wohnort", "wohnt", "stadt", "住在", "住哪", "城市",
    "地区",
)  # fmt: skip
_GROUP = (
    "segment", "group", "customer group", "client group", "kundengruppe", "kundentyp", "类型", "客户类别", "客户类型",
)  # fmt: skip
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "currency": ("currency", "währung", "货币", "币种"), "country": ("country", "land", "国家"),
    "issuer": (
        "issuer", "issued by", "who issues", "who issued", "emittent", "emittiert", "wer gibt", "发行人", "发行的",
        "哪家发行", "谁发行",
    ),
    "kind": ("type", "art", "类型", "种类"),
    "issued": (
        "when was", "when did", "since when", "launched", "wann wurde", "seit wann", "aufgelegt", "什么时候发行",
        "何时发行", "什么时候成立",
    ),
    "maturity": ("maturity", "mature", "matures", "expire", "expires", "fällig", "läuft bis", "laufzeit", "到期"),
    "age": ("age", "how old", "wie alt", "alter", "年龄", "几岁", "多大"),
    "liquid_assets": ("how much money", "money", "assets", "geld", "vermögen", "资产", "多少钱", "存款"),
    "income": ("income", "earn", "einkommen", "verdient", "收入"),
    "risk_tolerance": (
        "risk tolerance", "risk appetite", "risk profile", "risikotoleranz", "risikobereitschaft", "risikoneigung",
        "风险承受", "风险偏好", "风险容忍",
    ),
    "horizon": ("horizon", "anlagehorizont", "期限"),
    "region": (*_HOME, "region"), "city": _HOME, "town": _HOME, "wohnort": _HOME,
    "segment": _GROUP, "kundengruppe": _GROUP, "customer_group": _GROUP, "customer_type": _GROUP,
    "sector": ("sector", "branche", "行业"), "status": ("status", "open", "closed", "offen", "状态"),
}  # fmt: skip


#: Of these, the ones that products have and that a question asks for alone; and what they are called.
_LACKING = {
    "currency": "currency", "country": "country", "issuer": "issuer", "issued": "issued_on", "maturity": "maturity",
    "sector": "sector",
}  # fmt: skip


class CannotSay(Exception):
    """A question that gets a refusal in one sentence.

    Args:
        why: unanswerable, other_customer, role, no_customer, no_product, which_product, two_products, no_change,
            no_amount, or unknown.
        key: of the sentence.
    """

    def __init__(self, why: str, key: str, **values: Value) -> None:
        super().__init__(why)
        self.why, self.key, self.values = why, key, values


@dataclass(frozen=True)
class Asking:
    """Who asks about whom, and how the answer is made."""

    user: str | None
    view: View
    as_of: str | None
    k: int
    record: bool


class Answers:
    """Answers of one bank to one question.

    Args:
        engine: the opened model, whose facts name products.
        language: of the answer.
    """

    def __init__(self, bank: Bank, engine: "Engine", language: Language, asking: Asking) -> None:
        self._bank, self._engine, self._asking = bank, engine, asking
        voice = "customer" if asking.view == "customer" else "adviser"
        self._language = language
        self.draft = Draft(language, voice)  # type: ignore[arg-type]  # one of two texts
        self._is_exact = asking.view == EXACT
        self._date = (engine.as_of or "")[:10] or None
        self.listed: list[str] = []
        """Products of the list that is given, in its order."""

    def answer(self, parsed: Parsed) -> None:
        """Fill the draft.

        Raises:
            CannotSay: there is no answer, or not for this role.
            GraphrecError: a use case fails.
        """
        if any(one != self._asking.user for one in parsed.users):
            raise CannotSay("other_customer", "other_customer")
        handlers: Mapping[str, Callable[[Parsed], None]] = {
            "recommend": self._recommend, "why": self._why, "why_not": self._why_not, "what_if": self._what_if,
            "compare": self._compare, "cost": self._cost, "risk": self._risk, "holdings": self._holdings,
            "portrait": self._portrait, "product": self._product, "query": self._query, "complaint": self._complaint,
            "alerts": self._alerts, "policy": self._policy, "portfolio": self._portfolio,
            "statement": self._statement, "loan": self._loan,
        }  # fmt: skip
        if parsed.intent == "none" and parsed.unclear:
            self._named(parsed)
        if (handler := handlers.get(parsed.intent)) is None:
            raise CannotSay("unanswerable", "unanswerable")
        handler(parsed)
        for one in parsed.also:
            try:
                handlers[one](parsed)
            except CannotSay as cannot:
                self.draft.say(cannot.key, needed=True, **cannot.values)

    # What is asked about.

    @property
    def _user(self) -> str:
        """The customer, where the role may read of one."""
        if self._asking.view not in OF_CUSTOMERS:
            raise self._not_allowed()
        if self._asking.user is None:
            raise CannotSay("no_customer", "no_customer")
        return self._asking.user

    def _not_allowed(self) -> CannotSay:
        role = self._asking.view
        return CannotSay("role", "not_allowed", role=Value(role, Evidence("role", role, "question")))

    def _named(self, parsed: Parsed, count: int = 1) -> tuple[str, ...]:
        """The products of a question; that many of them."""
        if len(parsed.products) >= count:
            return parsed.products
        if parsed.unclear:
            ids = ", ".join(self._called(one) for one in parsed.unclear)
            raise CannotSay("which_product", "which_product", names=Value(ids, Evidence("products", ids, "facts")))
        missing = "two_products" if count > 1 else "no_product"
        raise CannotSay(missing, missing)

    # Values with their evidence.

    def _called(self, product: str, name: str | None = None) -> str:
        """A product as sentences name it."""
        if name is None:
            ids = self._engine.products.ids
            place = ids.find(product)
            name = None if place < 0 else self._engine.snapshot.name(self._engine.roles.product, place)
        return product if name is None or name == product else f"{name} ({product})"

    def _a_product(self, product: str, source: str, name: str | None = None) -> Value:
        called = self._called(product, name)
        return Value(called, Evidence("product", called, source, self._date))

    @property
    def _date_value(self) -> Value:
        day = self._date
        said = "?" if day is None else self._language.date(datetime.fromisoformat(day))
        return Value(said, Evidence("date", day, "facts"))

    @property
    def _who(self) -> Value:
        return Value(self._user, Evidence("user", self._user, "question"))

    def _number(self, what: str, value: float, source: str, digits: int = 0, **more: Any) -> Value:
        return Value(self._language.number(value, digits), Evidence(what, value, source, self._date, **more))

    def _text(self, what: str, text: str, source: str, **more: Any) -> Value:
        return Value(text, Evidence(what, text, source, self._date, **more))

    @property
    def _words(self) -> "Sentences":
        return self._engine.reasons_in(self._language.code).sentences

    def _fact(self, what: str, value: Plain, column: str, source: str = "facts") -> Value:
        """A value of a column, as people of the language write it."""
        said = self._words.say("policy.unknown") if value is None else columns.named(self._words, column, value)[1]
        return Value(said, Evidence(what, value, source, self._date, column))

    def _word(self, column: str, value: Plain = 0.0) -> Value:
        """A column as people of the language call it, beside a value that says the unit."""
        said = columns.named(self._words, column, 0.0 if value is None else value)[0]
        return Value(said, Evidence("field", column, "facts"))

    def _known(self, name: str, value: Plain, source: str = "facts") -> None:
        """Say one fact: a column with its value."""
        self.draft.say("known", field=self._word(name, value), value=self._fact(name, value, name, source))

    def _day(self, day: str, column: str) -> Value:
        """A day of a record, as people of the language write it."""
        return Value(
            self._language.date(datetime.fromisoformat(day)), Evidence("day", day, "facts", self._date, column)
        )

    # What fits, and why.

    def _recommend(self, parsed: Parsed) -> None:
        k = parsed.k or self._asking.k
        is_narrowed = bool(parsed.kinds or parsed.order)
        asked = requests.Recommend(
            self._user, WIDE if is_narrowed else k + len(parsed.beyond), reasons=REASONS, language=self._language.code,
            voice=self.draft.voice, record=self._asking.record and not is_narrowed, as_of=self._asking.as_of,
        )  # fmt: skip
        served = self._bank.recommend(asked)
        answer = served.answer if self._is_exact else self._bank.seen(served, self._asking.view).answer
        items: list[Item | SeenItem] = [*answer.items]
        has_any = bool(items)
        if is_narrowed:
            items = self._narrowed(items, parsed)
        items = [one for one in items if one.product not in parsed.beyond][:k]
        self.listed = [one.product for one in items]
        if items:
            count = self._number("count", len(items), "list", record=served.record)
            said = "fits_some" if is_narrowed or parsed.beyond else "fits_one" if len(items) == 1 else "fits"
            self.draft.say(said, n=count, user=self._who, date=self._date_value)
        elif has_any:
            self.draft.say("fits_none", user=self._who, date=self._date_value)
        for place, item in enumerate(items, 1):
            product = self._a_product(item.product, "list", item.name)
            rank = self._number("rank", item.rank or place, "list", record=served.record)
            reason = next(iter(self._reasons(item, "list", served.record)), None)
            if reason is None:
                self.draft.say("fits_plain", rank=rank, product=product)
            else:
                self.draft.say("fits_item", rank=rank, product=product, reason=reason)
            if parsed.order is not None:
                self._say_column(*_ORDERED[parsed.order], item.product, silent=True)
            self._warn(item, product)
        if not (is_narrowed and has_any):
            self._abstained(answer.abstained, "list", served.record)

    def _narrowed(self, items: "list[Item | SeenItem]", parsed: Parsed) -> "list[Item | SeenItem]":
        """The products of a list that a question wants: of some kinds, or with less of a column than another one."""
        left = [one for one in items if not parsed.kinds or self._shown("kind", one.product) in parsed.kinds]
        if parsed.order is None:
            return left
        valued = [
            (value, one) for one in left if isinstance(value := self._shown(parsed.order, one.product), int | float)
        ]
        bounds = [self._shown(parsed.order, one) for one in parsed.products]
        least = min((one for one in bounds if isinstance(one, int | float)), default=None)
        kept = [
            (value, one)
            for value, one in valued
            if (least is None or value < least) and (parsed.below is None or value <= parsed.below)
        ]
        return [one for _, one in sorted(kept, key=lambda pair: pair[0])]

    def _shown(self, what: str, product: str) -> Plain:
        """The value of a column of a product: its kind, risk class, fee or least amount."""
        column, place = self._show[what], self._engine.products.ids.find(product)
        return self._engine.products.column(column).get(place) if column in self._engine.products.columns else None

    def _reasons(self, item: "Item | SeenItem", source: str, record: int | None) -> Iterator[Value]:
        """The reasons that have a share, the largest first, each with the strongest way that it speaks of."""
        figures = iter(shown_percents(item)[0])
        for reason in item.reasons[:REASONS]:
            figure = next(figures)
            if figure is None:
                continue
            percent = self._language.percent(figure)
            text = self.draft.language.say("ask.with_percent", text=reason.text, percent=percent)
            path = next((way(line.path) for line in item.lines if line.path and _is_told(line.path, reason)), None)
            yield Value(text, Evidence("reason", text, source, self._date, reason.kind, path, record))

    def _warn(self, item: "Item | SeenItem", product: Value) -> None:
        for warning in item.warnings:
            self.draft.say("warned", needed=True, product=product, text=self._text("warning", warning, "policy"))

    def _abstained(self, text: str | None, source: str, record: int | None) -> None:
        if text:
            self.draft.say("verdict", needed=True, text=self._text("verdict", text, source, record=record))

    def _why(self, parsed: Parsed) -> None:
        for product in self._named(parsed):
            served = self._explained(product)
            item = served[0]
            called = self._a_product(product, "explanation")
            if item is None:
                self._abstained(served[1], "policy", served[2])
                continue
            if item.rank is not None:
                rank = self._number("rank", item.rank, "explanation", record=served[2])
                self.draft.say("stands", needed=True, product=called, rank=rank, user=self._who, date=self._date_value)
            reasons = list(self._reasons(item, "explanation", served[2]))
            for reason in reasons:
                self.draft.say("speaks_for", product=called, reason=reason)
            if not reasons:
                self.draft.say("no_reason", product=called)
            against = round(item.against or 0)
            if against > ALL:
                self.draft.say("more_against", needed=True, product=called)
            elif against:
                percent = self._language.percent(float(against))
                value = Value(percent, Evidence("against", against, "explanation", self._date, record=served[2]))
                self.draft.say("speaks_against", needed=True, product=called, percent=value)
            self._warn(item, called)

    def _explained(self, product: str) -> "tuple[Item | SeenItem | None, str | None, int | None]":
        """The explained product, or the sentence that says why there is none; and the entry of the record."""
        asked = requests.Explain(
            self._user, product, self._asking.k, language=self._language.code, voice=self.draft.voice,
            record=self._asking.record, as_of=self._asking.as_of,
        )  # fmt: skip
        served = self._bank.explain(asked)
        answer = served.answer if self._is_exact else self._bank.seen(served, self._asking.view).answer
        return (answer.items[0] if answer.items else None), answer.abstained, served.record

    def _why_not(self, parsed: Parsed) -> None:
        for product in self._named(parsed):
            asked = requests.WhyNot(
                self._user, product, self._asking.k, as_of=self._asking.as_of, record=self._asking.record,
                language=self._language.code,
            )  # fmt: skip
            refused = self._bank.why_not(asked)
            found = refused.found if self._is_exact else self._bank.seen_why_not(refused, self._asking.view)
            called = self._a_product(product, "why-not", found.name)
            if self._is_exact or found.ahead is None or found.rank is None:
                self._abstained(found.verdict, "why-not", refused.record)
            else:
                places = {"rank": found.rank, "other_rank": found.ahead.rank}
                ranks = {
                    name: self._number(name, rank, "why-not", record=refused.record) for name, rank in places.items()
                }
                last = self._a_product(found.ahead.product, "why-not", found.ahead.name)
                self.draft.say("behind", needed=True, product=called, user=self._who, other=last, **ranks)
            for finding in found.refused:
                values = {"rule": finding.rule, **finding.values}
                text = self._text("rule's sentence", finding.sentence, "policy", record=refused.record)
                rule = Value(finding.rule, Evidence("rule", named(values), "policy", self._date, finding.rule))
                self.draft.say("rule", needed=True, product=called, rule=rule, text=text)
            if found.ahead is not None and found.missing:
                other = self._a_product(found.ahead.product, "why-not", found.ahead.name)
                self.draft.say("gap", product=called, other=other)
                for gap in found.missing[:REASONS]:
                    line = gap.line if hasattr(gap, "line") else None
                    path = None if line is None else way(line.path)
                    reason = self._text("reason", gap.text, "why-not", path=path, record=refused.record)
                    self.draft.say("gap_reason", reason=reason)

    def _what_if(self, parsed: Parsed) -> None:
        product = self._named(parsed)[0] if parsed.products or parsed.amount is None else None
        if product is not None and not parsed.less and not parsed.gains and product in self._held():
            # What is held already can only be taken away.
            parsed = replace(parsed, less=True)
        if parsed.less and product is not None and product not in self._held():
            called = self._a_product(product, "facts")
            self.draft.say("has_not", needed=True, user=self._who, product=called, date=self._date_value)
            return
        asked = requests.WhatIf(
            self._user, more=None if parsed.less else product, less=product if parsed.less else None,
            amount=parsed.amount, k=self._asking.k, as_of=self._asking.as_of, language=self._language.code,
            record=self._asking.record,
        )  # fmt: skip
        found = self._bank.what_if(asked)
        if product is not None:
            key = "if_less" if parsed.less else "if_more"
            self.draft.say(key, product=self._a_product(product, "question"), date=self._date_value)
        else:
            amount = self._number("amount", parsed.amount or 0.0, "question")
            self.draft.say("if_amount", amount=amount, date=self._date_value)
        if found.is_same and found.moves:
            self.draft.say("if_same", needed=True)
        for move in () if found.is_same else found.moves:
            moved = self._a_product(move.product, "what-if", move.name)
            before = None if move.before is None else self._number("rank now", move.before, "what-if")
            if move.after is None or move.after > found.k:
                if before is not None:
                    self.draft.say("if_gone", needed=True, product=moved, before=before)
                continue
            rank = self._number("rank then", move.after, "what-if", record=found.record)
            if before is None:
                self.draft.say("if_new", rank=rank, product=moved)
            else:
                self.draft.say("if_item", rank=rank, product=moved, before=before)
        self._abstained(found.abstained, "what-if", found.record)

    def _compare(self, parsed: Parsed) -> None:
        first, second = self._named(parsed, 2)[:2]
        one, other = (self._a_product(product, "facts") for product in (first, second))
        if self._asking.user is not None and self._asking.view in OF_CUSTOMERS:
            placed = [self._explained(product) for product in (first, second)]
            ranks = [item.rank if item is not None else None for item, _, _ in placed]
            if ranks[0] is not None and ranks[1] is not None:
                rank, other_rank = (
                    self._number("rank", float(value), "explanation", record=record)
                    for value, (_, _, record) in zip((ranks[0], ranks[1]), placed, strict=True)
                )
                self.draft.say(
                    "both_ranks", product=one, other=other, rank=rank, other_rank=other_rank, date=self._date_value
                )
            for _, abstained, record in placed:
                self._abstained(abstained, "policy", record)
        facts = [dict(self._columns(product)) for product in (first, second)]
        differing = [name for name in facts[0] if name in facts[1] and facts[0][name] != facts[1][name]]
        for name in differing[:FACTS]:
            values = [self._fact(name, found[name], name) for found in facts]
            self.draft.say(
                "both_facts",
                field=self._word(name, facts[0][name]),
                product=one,
                other=other,
                value=values[0],
                other_value=values[1],
            )
        if not differing:
            self.draft.say("same_facts", product=one, other=other)

    # What is known.

    def _columns(self, product: str) -> Iterator[tuple[str, Plain]]:
        yield from ((fact.name, fact.value) for fact in self._about(product).facts)

    def _about(self, product: str) -> "Product":
        asked = requests.AboutProduct(product, self._asking.view, self._asking.as_of, self._language.code)
        return self._bank.about_product(asked)

    @cached_property
    def _show(self) -> Mapping[str, str]:
        """The columns of kind, risk class, fee and least amount of products."""
        node = self._engine.schema.nodes[self._engine.roles.product]
        known = {column.name for column in node.public_columns()}
        guessed = {
            "risk": ("risk_class", "risk", "sri", "risk_level"), "fee": ("fee_percent", "fee", "ter", "cost", "costs"),
            "minimum": ("minimum_amount_eur", "minimum_amount", "minimum"), "kind": ("kind",),
        }  # fmt: skip
        found = {what: next((one for one in names if one in known), what) for what, names in guessed.items()}
        return {**found, **{what: name for what, name in node.show.items() if what in _SHOWN}}

    def _cost(self, parsed: Parsed) -> None:
        products = parsed.products or (self._held() if not parsed.unclear else self._named(parsed))
        if not products:
            self.draft.say("holds_none", user=self._who, date=self._date_value)
        for product in products[:10]:
            if parsed.is_least:
                self._say_column("minimum", "minimum", product)
            is_known = self._say_column("fee", "fee", product, silent=parsed.is_least)
            if parsed.products and is_known and not parsed.is_least:
                self._say_column("minimum", "minimum", product, silent=True)

    def _say_column(self, what: str, key: str, product: str, *, silent: bool = False) -> bool:
        """Say a column of a product, or that it is not known; whether it is."""
        column = self._show[what]
        place = self._engine.position(self._engine.products, product, "product")
        columns = self._engine.products.columns
        value = self._engine.products.column(column).get(place) if column in columns else None
        called = self._a_product(self._engine.products.ids[place], "facts")
        if value is not None:
            said = self._fact(what, value, column)
            self.draft.say(key, needed=not silent, product=called, value=said)
        elif not silent:
            self.draft.say("no_value", needed=True, product=called, field=self._word(column))
        return value is not None

    def _risk(self, parsed: Parsed) -> None:
        if parsed.products or parsed.unclear:
            for product in self._named(parsed):
                self._say_column("risk", "risk_class", product)
                for course in self._about(product).courses:
                    if course.volatility is not None and not _NO_PRICE.search(course.name.casefold()):
                        percent = self._language.percent(100 * course.volatility, 1)
                        value = Value(
                            percent, Evidence("volatility", course.volatility, "facts", self._date, course.name)
                        )
                        self.draft.say("course", product=self._a_product(product, "facts"), value=value)
            if self._asking.user is not None and self._asking.view in OF_CUSTOMERS:
                self._own_attitude()
            return
        found = self._bank.portrait(requests.AskPortrait(self._user, self._asking.as_of))
        if (mean := found.numbers.get("revealed_risk")) is not None:
            value = self._number("mean risk class", mean, "portrait", 2, field="revealed_risk")
            self.draft.say("own_risk", value=value, date=self._date_value)
        self._own_attitude()
        if not self.draft.sentences:
            raise CannotSay("unknown", "unanswerable")

    def _own_attitude(self) -> None:
        """What the records hold of the customer's attitude to risk."""
        for fact in self._facts_of_customer:
            if "risk" in fact.name.casefold():
                self._known(fact.name, fact.value)

    @property
    def _facts_of_customer(self) -> "list[Fact]":
        """What is known of the customer, each thing once: a column and a node may say the same."""
        said: dict[tuple[str, str], Fact] = {}
        for fact in self._customer.facts:
            said.setdefault(columns.named(self._words, fact.name, fact.value), fact)
        # A node whose name has the unit in words: its column says it as well.
        spoken = {value for _, value in said}
        return [
            fact
            for (_, value), fact in said.items()
            if not (value in spoken and fact.name[:1].isupper() and _says_again(fact, said))
        ]

    @cached_property
    def _customer(self) -> "Customer":
        asked = requests.AboutCustomer(self._user, self._asking.view, self._asking.as_of, self._language.code)
        return self._bank.about_customer(asked)

    def _held(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.product for one in self._customer.events if one.is_holding))

    def _holdings(self, parsed: Parsed) -> None:
        held = self._held()
        if parsed.products or parsed.unclear:
            for product in self._named(parsed):
                key = "has" if product in held else "has_not"
                self.draft.say(
                    key, needed=True, user=self._who, product=self._a_product(product, "facts"), date=self._date_value
                )
            return
        if not held:
            self.draft.say("holds_none", user=self._who, date=self._date_value)
            return
        count = self._number("count", len(held), "facts")
        self.draft.say("holds_one" if len(held) == 1 else "holds", user=self._who, n=count, date=self._date_value)
        for product in held:
            events = [one for one in self._customer.events if one.product == product and one.is_holding]
            day = max((one.last for one in events if one.last), default=None)
            called = self._a_product(product, "facts", events[0].name)
            if day is None:
                self.draft.say("holds_undated", product=called)
            else:
                self.draft.say("holds_item", product=called, day=self._day(day, events[0].type))

    def _portrait(self, parsed: Parsed) -> None:
        facts = self._facts_of_customer
        if wanted := _asked(parsed.text, {fact.name: self._word(fact.name, fact.value).text for fact in facts}):
            for fact in facts:
                if fact.name in wanted:
                    self._known(fact.name, fact.value)
            return
        if _asked(parsed.text, {name: name for name in _ALIASES}):
            raise CannotSay("unknown", "not_held", user=self._who)
        found = self._bank.portrait(requests.AskPortrait(self._user, self._asking.as_of))
        self.draft.say("about", user=self._who, date=self._date_value)
        for fact in facts[:FACTS]:
            self._known(fact.name, fact.value)
        for name, (key, digits) in _NUMBERS.items():
            if name in found.numbers:
                self.draft.say(key, n=self._number(name, found.numbers[name], "portrait", digits, field=name))
        for tag in found.tags if self._asking.view in READS_TAGS else ():
            rule = Value(tag.rule, Evidence("rule", named(tag.evidence), "portrait", self._date, tag.id))
            self.draft.say("tag", text=self._text("tag", tag.name, "portrait"), rule=rule)

    def _product(self, parsed: Parsed) -> None:
        for product in self._named(parsed):
            about = self._about(product)
            called = self._a_product(product, "facts", about.name)
            facts = [*self._linked(product), *((one.name, one.value) for one in about.facts)]
            wanted = _asked(parsed.text, {name: self._word(name, value).text for name, value in facts})
            if not wanted and (lacking := _asked(parsed.text, dict.fromkeys(_LACKING, ""))):
                field = self._word(_LACKING[min(lacking)])
                self.draft.say("no_value", needed=True, product=called, field=field)
                continue
            if not _asks_holders(parsed.text):
                self.draft.say("about_product", product=called, date=self._date_value)
                for name, value in [one for one in facts if not wanted or one[0] in wanted][:FACTS]:
                    self._known(name, value)
            if wanted:
                continue
            if about.holders is None:
                least = self._number("least", about.min_group, "facts")
                self.draft.say("few_holders", n=least, product=called)
            else:
                count = Value(str(about.holders), Evidence("holders", str(about.holders), "facts", self._date))
                self.draft.say("holders", n=count, of=self._number("customers", about.of, "facts"), product=called)

    def _linked(self, product: str) -> Iterator[tuple[str, Plain]]:
        """What a product is linked with besides people and products: its issuer, its sectors."""
        return ((what, ", ".join(name for name, _ in counts)) for what, counts in self._links((product,)).items())

    def _alerts(self, _: Parsed) -> None:
        if self._asking.view not in READS_ALERTS:
            raise self._not_allowed()
        from graphrec.app import jobs

        found = [
            one for one in self._bank.alerts(jobs.ListAlerts()) if one.user == self._user and one.state != "closed"
        ]
        if not found:
            self.draft.say("no_alerts", user=self._who, date=self._date_value)
            return
        count = self._number("count", len(found), "alerts")
        self.draft.say("alerts", n=count, user=self._who, date=self._date_value)
        for one in found:
            about = {"severity": one.severity, "day": one.at, "state": one.state, "text": one.name}
            about |= {"rule": one.rule, "evidence": "; ".join(one.evidence)}
            values = {
                name: Value(text, Evidence(name, text, "alerts", one.at, one.rule)) for name, text in about.items()
            }
            self.draft.say("alert", needed=True, **values)

    def _policy(self, _: Parsed) -> None:
        policy = self._bank.policy_rules()
        rules = [one for one in policy.rules if self._is_exact or not (one.confidential or one.code)]
        version = self._text("version", policy.version, "policy")
        self.draft.say("policy", version=version, n=self._number("rules", len(rules), "policy"))
        for rule in rules:
            name = Value(rule.id, Evidence("rule", rule.id, "policy", self._date, rule.id))
            text = _without_values(rule.sentence)
            self.draft.say("policy_rule", rule=name, text=self._text("rule's sentence", text, "policy", field=rule.id))

    def _portfolio(self, _: Parsed) -> None:
        held = self._held()
        if not held:
            self.draft.say("holds_none", user=self._who, date=self._date_value)
            return
        self.draft.say("made_of", user=self._who, n=self._number("count", len(held), "facts"), date=self._date_value)
        for what, counts in self._shares(held).items():
            names = ", ".join(f"{name} ({self._language.number(count)})" for name, count in counts)
            self.draft.say("known", field=self._word(what), value=self._text("shares", names, "facts", field=what))
        if self._is_exact or self._asking.view in READS_TAGS:
            self._figures()

    def _shares(self, held: tuple[str, ...]) -> "dict[str, list[tuple[str, int]]]":
        """How many of some products each value has of what products have in common, the largest first."""
        kinds = Counter(self._words.fact(value) for one in held if (value := self._shown("kind", one)) is not None)
        own = {self._show["kind"]: sorted(kinds.items(), key=lambda one: (-one[1], one[0]))[:ROWS]} if kinds else {}
        return {**own, **self._links(held)}

    def _links(self, products: tuple[str, ...]) -> "dict[str, list[tuple[str, int]]]":
        """How many of some products each node has that they are linked with, by its label, the largest first."""
        roles, snapshot = self._engine.roles, self._engine.snapshot
        places = [self._engine.products.ids.find(one) for one in products]
        found: dict[str, Counter[str]] = {}
        for name in snapshot.types:
            edge = self._engine.schema.edges[name]
            if edge.source != roles.product or edge.target in (roles.user, roles.product) or edge.protected:
                continue
            edges = snapshot.edges(name)
            for place in places:
                for node in edges.indices[int(edges.indptr[place]) : int(edges.indptr[place + 1])].tolist():
                    called = snapshot.name(edge.target, node) or snapshot.nodes(edge.target).ids[node]
                    found.setdefault(edge.target, Counter())[called] += 1
        return {
            what: sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:ROWS]
            for what, counts in found.items()
            if counts
        }

    def _figures(self) -> None:
        """What a portfolio of known amounts comes to; nothing where amounts or prices are not known."""
        from graphrec.app import jobs

        try:
            found = self._bank.portfolio(jobs.AskPortfolio(self._user, as_of=self._asking.as_of))
        except GraphrecError:
            return
        wealth = self._number("wealth", found.wealth, "portfolio")
        self.draft.say("worth", value=wealth)
        if found.volatility is not None:
            percent = self._language.percent(100 * found.volatility, 1)
            value = Value(percent, Evidence("volatility", found.volatility, "portfolio", found.as_of))
            self.draft.say("own_volatility", value=value)

    def _statement(self, parsed: Parsed) -> None:
        if self._asking.view not in READS_TAGS:
            raise self._not_allowed()
        (product, *_) = self._named(parsed)
        asked = requests.AskStatement(
            self._user, product, language=self._language.code, as_of=self._asking.as_of, record=self._asking.record
        )
        try:
            handed = self._bank.statement(asked)
        except UsageError:
            raise CannotSay("unknown", "no_statement") from None
        written = handed.statement
        self.draft.say(
            "statement", product=self._a_product(product, "statement"), user=self._who, date=self._date_value
        )
        if written.refused is not None:
            self._abstained(written.refused, "policy", handed.record)
        for name, element in written.elements.items():
            heading = self._text("heading", written.headings.get(name, name), "statement", field=name)
            text = self._text("element", element.text, "statement", field=name, record=handed.record)
            self.draft.say("element", needed=True, heading=heading, text=text)

    def _loan(self, parsed: Parsed) -> None:
        if self._asking.view not in READS_TAGS:
            raise self._not_allowed()
        if parsed.amount is None:
            raise CannotSay("no_amount", "no_amount")
        from graphrec.app import jobs

        asked = jobs.PlanLoan(self._user, parsed.amount, as_of=self._asking.as_of, record=self._asking.record)
        try:
            found = self._bank.plan_loan(asked)
        except UsageError:
            raise CannotSay("unknown", "no_loans") from None
        amount = self._number("amount", parsed.amount, "question")
        offered = [one for one in found.plans if one.rank is not None and one.instalment is not None]
        if not offered:
            self.draft.say("loan_none", needed=True, amount=amount, user=self._who, date=self._date_value)
            self._nearest_loan(found.plans, found.record)
        for one in offered[:REASONS]:
            values = {"months": (one.months, 0), "instalment": (one.instalment, 2), "total": (one.total, 2)}
            said = {
                name: self._number(name, value, "loan", digits, record=found.record)
                for name, (value, digits) in values.items()
                if value is not None
            }
            called = self._text("product", f"{one.name} ({one.product})", "loan")
            self.draft.say("loan", needed=True, product=called, amount=amount, **said)
        if found.limit is not None:
            most = self._number("largest amount", found.limit.amount, "loan", record=found.record)
            self.draft.say("loan_limit", needed=True, amount=most, user=self._who)

    def _nearest_loan(self, plans: "tuple[Plan, ...]", record: int | None) -> None:
        """The refused plan that least speaks against, and what it would come to."""
        known = [one for one in plans if one.instalment is not None]
        if not known:
            return
        one = min(known, key=lambda plan: (len(plan.refused), plan.share or 0.0, plan.product, plan.months))
        called = self._text("product", f"{one.name} ({one.product})", "loan")
        months = self._number("months", one.months, "loan", record=record)
        paid = self._number("instalment", one.instalment or 0.0, "loan", 2, record=record)
        self.draft.say("loan_nearest", product=called, months=months, instalment=paid)
        if one.share is None:
            self.draft.say("loan_no_income", needed=True)
        else:
            percent = self._language.percent(100 * one.share, 1)
            share = Value(percent, Evidence("share of income", one.share, "loan", self._date, record=record))
            self.draft.say("loan_share", needed=True, percent=share)
        if one.left is not None and one.left < 0:
            lacking = self._number("lacking a month", -one.left, "loan", 2, record=record)
            self.draft.say("loan_lacks", needed=True, amount=lacking)
            return
        for reason in one.refused[:REASONS]:
            self._abstained(reason, "loan", record)

    # The library, and cases.

    def _query(self, parsed: Parsed) -> None:
        view = self._asking.view
        if not self._is_exact and view not in READS_QUERIES:
            raise self._not_allowed()
        if parsed.query is None:
            found = [
                one for one in self._bank.library().queries if self._is_exact or queries.speaks_of_nobody(one.name)
            ]
            self.draft.say("queries", n=self._number("count", len(found), "query"))
            for one in found:
                name = Value(one.name, Evidence("query", one.name, "query"))
                self.draft.say("query_item", name=name, text=self._text("question", one.question, "query"))
            return
        if not self._is_exact and not queries.speaks_of_nobody(parsed.query):
            raise self._not_allowed()
        from graphrec.app import jobs

        asked = self._bank.query(jobs.AskQuery(parsed.query, limit=ROWS, record=self._asking.record))
        name = Value(parsed.query, Evidence("query", parsed.query, "query"))
        self.draft.say("rows", name=name, n=self._number("count", len(asked.rows), "query"))
        for row in asked.rows:
            cells = ", ".join(f"{column} {value}" for column, value in zip(asked.columns, row, strict=True))
            self.draft.say("row", text=self._text("row", cells, "query", field=parsed.query))
        if asked.is_cut:
            self.draft.say("more_rows", name=name)

    def _complaint(self, parsed: Parsed) -> None:
        import uuid

        if self._asking.view not in OPENS_CASES:
            raise self._not_allowed()
        case, about = uuid.uuid4().hex[:12], parsed.products[:1]
        product = about[0] if about else None
        self._bank.send_event(
            requests.SendEvent(self._user, "complained", product, id=f"case-{case}", reason=parsed.text)
        )
        number = Value(f"case-{case}", Evidence("case", f"case-{case}", "event", self._date))
        self.draft.say("case", needed=True, case=number, date=self._date_value)
        if product is not None:
            self.draft.say("case_of", needed=True, product=self._a_product(product, "question"))


def way(path: "tuple[Node | People | Step | Any, ...] | None") -> str | None:
    """A way as one text: nodes by id, other people by their number."""
    if path is None:
        return None
    parts = []
    for part in path:
        if isinstance(part, Node):
            parts.append(f"{part.label} {part.id}")
        elif isinstance(part, Step):
            parts.append(f"-{part.type}->" if part.direction == "out" else f"<-{part.type}-")
        else:
            parts.append(f"{part.label} {'' if part.count is None else part.count}".strip())
    return " ".join(parts)


def _is_told(path: "tuple[Node | People | Step | Any, ...]", reason: "Reason | SeenReason") -> bool:
    """Whether a reason speaks of a way: of all nodes between by name, and of other people where it has some."""
    between = [part for part in path[1:-1] if not isinstance(part, Step)]
    has_people = any(not isinstance(part, Node) for part in between)
    speaks_of_people = (reason.people if isinstance(reason, Reason) else reason.count) is not None
    names = [part.name or part.id for part in between if isinstance(part, Node)]
    return bool(between) and has_people == speaks_of_people and all(name in reason.text for name in names)


def check_user(engine: "Engine", user: str | None) -> None:
    """Stop where a customer is named that is not there.

    Raises:
        UnknownId: there is none.
    """
    if user is not None:
        engine.position(engine.users, user, "user")


def _without_values(sentence: str) -> str:
    """A rule's sentence with … in place of the values of a pair, and without brackets that hold such values."""
    return re.sub(r"\{[^}]*\}", "…", re.sub(r"\s*\([^()]*\{[^}]*\}[^()]*\)", "", sentence))


def _says_again(fact: "Fact", said: "Mapping[tuple[str, str], Fact]") -> bool:
    """Whether a column says what a node, such as a band, is named after."""
    own = fact.name.casefold()
    return any(
        other is not fact and other.name.replace("_", "").casefold().startswith(own) and value == str(fact.value)
        for (_, value), other in said.items()
    )


def _in_words(name: str) -> str:
    """The name of a column or label, each of its words after a line below.

    >>> _in_words("AgeBand"), _in_words("capacity_for_loss")
    ('_age_band', '_capacity_for_loss')
    """
    return "_" + re.sub("(?<=[a-z])(?=[A-Z])", "_", name).casefold()


def _asks_holders(text: str) -> bool:
    folded = text.casefold()
    return any(word in folded for word in ("how many", "wie viele", "wieviele", "多少客户", "多少人", "几个客户"))


def _asked(text: str, names: Mapping[str, str]) -> set[str]:
    """The columns that a question asks for by their name, or another word for it.

    Args:
        names: each column, and what people of the language call it.
    """
    folded = f" {' '.join(re.sub('[,;:?!.，；：？！。、]', ' ', text.casefold()).split())} "
    said = {
        name: (
            name.replace("_", " ").casefold(),
            called.casefold(),
            *(word for known, words in _ALIASES.items() if f"_{known}" in _in_words(name) for word in words),
        )
        for name, called in names.items()
    }
    return {
        name
        for name, words in said.items()
        if any(f" {word} " in folded or (not word.isascii() and word in folded) for word in words)
    }
