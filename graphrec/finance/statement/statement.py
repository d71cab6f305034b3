"""The suitability statement: what the law asks to hand over, each sentence filled from fields of one record.

A `Basis` holds all that is known for it; `write` puts it into sentences. Every figure and name of a sentence is the
value of a field of the basis, whose path (a JSON pointer) stands beside the sentence. What is not recorded is named as
missing, and a statement that lacks what its regimes require is refused.

    fca_suitability_v1   the nine elements of the schema of that name: seven required, alternatives and confirmation
    mifid_54_12          Delegated Regulation (EU) 2017/565, Art. 54(11) and (12), with 2021/1253 (sustainability)
    idd_20               Directive (EU) 2016/97, Art. 20(1) and 30(5): demands and needs, why it suits, review
    cn_7_2025            order no. 7/2025 (in force since 2026-02-01): levels on both sides, means, answers of 12 months
"""

from collections.abc import Mapping
from dataclasses import asdict, field
from datetime import datetime
from typing import Any, Literal

from graphrec.frozen import dataclass
from graphrec.serving.reasons.columns import with_unit
from graphrec.serving.reasons.sentences import Sentences

Value = str | int | float | bool | None
Columns = Mapping[str, Value]
"""Values by column."""

ELEMENTS = (
    "client_objectives", "term", "risk_attitude", "capacity_for_loss", "financial_situation",
    "knowledge_and_experience", "recommendation_rationale", "target_market", "sustainability", "charges_and_costs",
    "disclosures", "against",
    "alternatives_considered", "switch_costs", "review", "client_confirmation",
)  # fmt: skip
REQUIRED = {
    "fca_suitability_v1": (
        "client_objectives", "risk_attitude", "capacity_for_loss", "financial_situation", "knowledge_and_experience",
        "recommendation_rationale", "charges_and_costs",
    ),
    "mifid_54_12": (
        "client_objectives", "term", "risk_attitude", "capacity_for_loss", "recommendation_rationale",
        "sustainability", "charges_and_costs",
    ),
    "idd_20": ("client_objectives", "recommendation_rationale", "charges_and_costs"),
    "cn_7_2025": ("risk_attitude", "financial_situation", "recommendation_rationale", "review"),
}  # fmt: skip
SIDES = ("customer", "offered")
COSTS = {"year": "cost_year", "once": "cost_once", "exit": "cost_exit"}
TARGETS = (
    ("target_unknown", "target_in", "target_out"),
    ("negative_unknown", "negative_in", "negative_out"),
)
"""Texts of the target market, and of the negative one."""
ALTERNATIVES = 3
AGAINST = 3


@dataclass(frozen=True)
class Reason:
    """What speaks for the product."""

    text: str
    percent: int | None
    """Of all that speaks for it; None: a heading."""


@dataclass(frozen=True)
class Alternative:
    """Another product of the list."""

    product: str
    name: str
    rank: int
    is_ahead: bool
    """Whether it ranks before the recommended one."""
    lacks: str | None
    """The first reason of the recommended product that it does not have; None: it has all of them."""


@dataclass(frozen=True)
class RefusedOther:
    """The best of the products that the policy refuses."""

    product: str
    name: str
    rule: str
    sentence: str


@dataclass(frozen=True)
class Cost:
    """One cost of a product."""

    column: str
    each: str
    percent: float
    money: float


@dataclass(frozen=True)
class Switched:
    """A product that would be given up for this one."""

    product: str
    name: str
    exit_percent: float
    exit_money: float
    year_percent: float


@dataclass(frozen=True)
class Targeted:
    """One declared column of the target market of a product, beside what the customer is."""

    column: str
    listed: str
    """For whom the product is, or is not."""
    own: Value
    """What is recorded of the customer."""
    inside: bool | None
    """Whether the list has it; None: nothing is recorded."""
    negative: bool


@dataclass(frozen=True)
class StatedNeed:
    """A need that the product meets, as the rules of needs.toml find it."""

    name: str
    state: str
    """open, covered, none or unknown."""
    rule: str
    evidence: Columns
    """What the rule read, by column of the customer and by what is computed."""
    held: str
    """Products that meet it and are held."""


@dataclass(frozen=True)
class Basis:
    """All that a statement is written from."""

    user: str
    date: str
    product: str
    name: str
    kind: str | None
    amount: float
    """What costs are counted on: the amount of the request, else 1,000."""
    asked_amount: float | None
    currency: str
    version: str
    approved_by: str | None
    regimes: tuple[str, ...]
    refusal: str | None
    """Why the policy does not let it be recommended."""
    needs_second: bool
    """Whether a rule asks for approval, so that two people decide."""
    customer: Mapping[str, Columns]
    """By element: columns of the customer that the file names for it, and their values."""
    offered: Mapping[str, Columns]
    """The same of the product: risk, term, sustainability."""
    risk: int | None
    """The highest class of the product."""
    bound: int | None
    """The tighter of attitude and capacity."""
    capacity_percent: float | None
    capacity_limit: float | None
    """What may be lost, in money."""
    dealings: int
    """Dealings of the customer with products of the same kind."""
    first_dealing: str | None
    rank: int | None
    reasons: tuple[Reason, ...] = ()
    against: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    costs: tuple[Cost, ...] = ()
    costs_missing: tuple[str, ...] = ()
    """Declared costs that have no value."""
    year_percent: float | None = None
    """All costs of the first year."""
    year_money: float | None = None
    alternatives: tuple[Alternative, ...] = ()
    refused: RefusedOther | None = None
    switched: Switched | None = None
    assessed_on: str | None = None
    assessed_until: str | None = None
    review_on: str = ""
    target: tuple[Targeted, ...] = ()
    """What the policy declares of the product's target market, as far as the product fills it."""
    needs: tuple[StatedNeed, ...] = ()
    """The declared needs that the product meets."""
    own_brand: bool | None = None
    """Whether the bank or its group makes it; None: it is not declared."""
    inducement_percent: float | None = None
    """What others pay the bank for it, a year; None: it is not declared."""
    inducement_money: float | None = None
    loss_percent: float | None = None
    """What a bad year takes of a product of this risk class, by the file; None: all of it counts."""
    attitude: int | None = None
    """The class that the customer accepts."""
    capacity: int | None = None
    """The class that the customer can bear."""
    risk_word: str | None = None
    """What the product's class is called, where classes are words."""
    bound_word: str | None = None
    """The same of the tighter of attitude and capacity."""
    at_stake: float | None = None
    """The amount of the request, or that part of it."""
    explained: int | None = None
    """Entry of the record with the score, line by line."""
    model: str = ""
    policy: str | None = None

    @property
    def is_too_long(self) -> bool:
        """Whether the product binds for longer than the customer plans."""
        own, needed = (next(iter(getattr(self, side)["term"].values()), None) for side in SIDES)
        return isinstance(own, int | float) and isinstance(needed, int | float) and needed > own


@dataclass(frozen=True)
class Element:
    """One element of a statement."""

    text: str
    fields: Mapping[str, Value] = field(default_factory=dict)
    """Path of each field that a figure or a name of the text comes from, and its value."""
    missing: bool = False
    """Nothing is recorded for it."""
    sentences: tuple[str, ...] = ()
    """Those of the text, one by one; a first one with a colon at its end speaks of the others."""


@dataclass(frozen=True)
class Statement:
    """A statement in one language."""

    user: str
    product: str
    name: str
    date: str
    language: str
    title: str
    headings: Mapping[str, str]
    elements: Mapping[str, Element]
    refused: str | None
    """Why it may not be handed over; None: it may."""
    notices: tuple[str, ...]
    """That a program put it together, and whose word the template has."""
    needs_second: bool


def field_at(basis: Mapping[str, Any], path: str) -> Value:
    """The value of a field of a basis as plain values, by its path.

    >>> field_at({"customer": {"term": {"a/b": 5}}, "against": ["x"]}, "/customer/term/a~1b")
    5
    """
    found: Any = basis
    for part in path.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        found = found[int(name)] if isinstance(found, list | tuple) else found[name]
    value: Value = found
    return value


def escaped(name: str) -> str:
    """A part of a path.

    >>> escaped("a/b")
    'a~1b'
    """
    return name.replace("~", "~0").replace("/", "~1")


def write(basis: Basis, words: Sentences) -> Statement:
    """The statement of a basis in the language of `words`."""
    writer = _Writer(basis, words)
    elements = {name: getattr(writer, name)() for name in ELEMENTS}
    say = words.say
    approved = {"version": basis.version, "approved": basis.approved_by or ""}
    draft = say("statement.draft", version=basis.version)
    return Statement(
        user=basis.user,
        product=basis.product,
        name=basis.name,
        date=basis.date,
        language=words.language.code,
        title=say("statement.title"),
        headings={name: say(f"statement.{name}") for name in ELEMENTS},
        elements=elements,
        refused=_refusal(basis, elements, writer),
        notices=(
            say("statement.notice"),
            draft if basis.approved_by is None else say("statement.approved", **approved),
        ),
        needs_second=basis.needs_second,
    )


def _refusal(basis: Basis, elements: Mapping[str, Element], writer: "_Writer") -> str | None:
    """Why a statement may not be handed over: the policy, a bound of the customer, or what is missing."""
    if basis.refusal is not None:
        return basis.refusal
    say, put = writer.words.say, writer.put
    if basis.risk is not None and basis.bound is not None and basis.risk > basis.bound:
        return say("statement.above_bound", risk=writer.level("risk"), bound=writer.level("bound"))
    if basis.capacity_limit is not None and (basis.at_stake or 0.0) > basis.capacity_limit:
        return say("statement.above_means", amount=writer.money("/at_stake"), limit=writer.money("/capacity_limit"))
    own, needed = (f"/{side}/term/{escaped(next(iter(getattr(basis, side)['term']), ''))}" for side in SIDES)
    if basis.is_too_long:
        return say("statement.too_long", needed=put(needed), own=put(own))
    if basis.assessed_until is not None and basis.assessed_until < basis.date:
        return say("statement.expired", date=writer.day("/assessed_on"), until=writer.day("/assessed_until"))
    if "idd_20" in basis.regimes and basis.needs and not any(one.state == "open" for one in basis.needs):
        return say("statement.no_need", names=writer.words.language.texts["lists.comma"].join(writer.needs()))
    required = {name for regime in basis.regimes for name in REQUIRED[regime]}
    gone = [say(f"statement.{name}") for name in ELEMENTS if name in required and elements[name].missing]
    if gone:
        return say("statement.lacks", names=writer.words.language.texts["lists.comma"].join(gone))
    return None


class _Writer:
    """Writes the elements; each begins with no fields."""

    def __init__(self, basis: Basis, words: Sentences) -> None:
        self.basis, self.words = basis, words
        self._plain = asdict(basis)
        self._texts: list[str] = []
        self._fields: dict[str, Value] = {}

    # What a value looks like; each is a field from then on.

    def put(self, path: str) -> str:
        """A field as people write it."""
        return self.shown(self._taken(path))

    def shown(self, value: Value) -> str:
        """A value as people write it; digits as they were given."""
        if isinstance(value, bool):
            return self.words.fact(value)
        if isinstance(value, int | float):
            digits = len(f"{value:.10f}".rstrip("0").partition(".")[2])
            return self.words.language.number(value, digits)
        return "" if value is None else self.words.value(value)

    def money(self, path: str) -> str:
        """An amount with its currency."""
        value = self._taken(path)
        assert isinstance(value, int | float)
        return f"{self.words.language.number(value, 2)} {self._taken('/currency')}"

    def percent(self, path: str) -> str:
        """A number of per cents."""
        value = self._taken(path)
        assert isinstance(value, int | float)
        digits = len(f"{value:.6f}".rstrip("0").partition(".")[2])
        return self.words.language.percent(value, digits)

    def level(self, name: Literal["risk", "bound"]) -> str:
        """A class, or what it is called."""
        return self.put(f"/{name}" if getattr(self.basis, f"{name}_word") is None else f"/{name}_word")

    def day(self, path: str) -> str:
        """A day."""
        return self.words.language.date(datetime.fromisoformat(str(self._taken(path))))

    def _taken(self, path: str) -> Value:
        value = self._fields[path] = field_at(self._plain, path)
        return value

    def _add(self, key: str, **values: str) -> None:
        self._texts.append(self.words.say(f"statement.{key}", **values))

    def _facts(self, side: str, element: str) -> bool:
        """Say the columns of an element that have a value; whether there is one."""
        found = False
        columns: Columns = getattr(self.basis, side)[element]
        for column, value in columns.items():
            if value is not None:
                path = f"/{side}/{element}/{escaped(column)}"
                shown = self.put(path)
                is_number = isinstance(value, int | float) and not isinstance(value, bool)
                name, shown = with_unit(self.words, column, shown) if is_number else (self.words.word(column), shown)
                # The sentence has a full stop of its own.
                self._add("fact", name=name if side == "offered" else _begun(name), value=shown.removesuffix("."))
                found = True
        return found

    def _done(self, *, missing: bool = False) -> Element:
        if missing:
            self._texts.insert(0, self.words.say("statement.absent"))
        sentences, fields = tuple(self._texts), self._fields
        self._texts, self._fields = [], {}
        return Element(" ".join(sentences), fields, missing, sentences)

    def _cost(self, path: str) -> str:
        """What a cost is called, without the unit of its column."""
        return _begun(with_unit(self.words, str(self._taken(path)), "")[0])

    # The elements.

    def client_objectives(self) -> Element:
        """What the money is for, and which need the product meets."""
        found = self._facts("customer", "client_objectives")
        for place, need in enumerate(self.basis.needs):
            path = f"/needs/{place}"
            held = {"held": self.put(f"{path}/held")} if need.state == "covered" else {}
            self._add(f"need_{need.state}", name=self.put(f"{path}/name"), **held)
            found = found or need.state == "open"
            for name, value in need.evidence.items() if need.state == "open" else ():
                side, dot, column = name.partition(".")
                if side == "user" and dot and value is not None:
                    shown = self.put(f"{path}/evidence/{escaped(name)}").removesuffix(".")
                    self._add("fact", name=_begun(self.words.word(column)), value=shown)
        return self._done(missing=not found)

    def needs(self) -> list[str]:
        """The names of the needs that the product meets."""
        return [self.put(f"/needs/{place}/name") for place in range(len(self.basis.needs))]

    def term(self) -> Element:
        """For how long, and what the product asks for."""
        found = self._facts("customer", "term")
        if any(value is not None for value in self.basis.offered["term"].values()):
            self._add("of_product")
            self._facts("offered", "term")
        return self._done(missing=not found)

    def risk_attitude(self) -> Element:
        """The risk that the customer accepts, beside that of the product."""
        found = self._facts("customer", "risk_attitude")
        if self.basis.risk is not None:
            self._add("product_risk", risk=self.level("risk"))
        return self._done(missing=not found)

    def capacity_for_loss(self) -> Element:
        """The loss that the customer can bear, and which of both bounds is the tighter one."""
        found = self._facts("customer", "capacity_for_loss")
        if self.basis.capacity_limit is not None:
            self._add("may_lose", limit=self.money("/capacity_limit"), share=self.percent("/capacity_percent"))
            if self.basis.loss_percent is not None and self.basis.at_stake is not None:
                stake = {"amount": self.money("/asked_amount"), "stake": self.money("/at_stake")}
                self._add("part_at_stake", **stake, share=self.percent("/loss_percent"), risk=self.level("risk"))
            elif self.basis.at_stake is not None:
                self._add("at_stake", amount=self.money("/at_stake"))
            found = True
        attitude, capacity = self.basis.attitude, self.basis.capacity
        if attitude is not None and capacity is not None:
            key = (
                "binds_both" if attitude == capacity else "binds_attitude" if attitude < capacity else "binds_capacity"
            )
            self._add(key, bound=self.level("bound"))
        return self._done(missing=not found)

    def financial_situation(self) -> Element:
        """Income, wealth, duties."""
        return self._done(missing=not self._facts("customer", "financial_situation"))

    def knowledge_and_experience(self) -> Element:
        """What the customer knows, and dealings with products of this kind."""
        found = self._facts("customer", "knowledge_and_experience")
        if self.basis.kind is not None:
            if self.basis.dealings:
                self._add("dealings", kind=self.put("/kind"), n=self.put("/dealings"))
                found = True
            else:
                self._add("no_dealings", kind=self.put("/kind"))
            if self.basis.first_dealing is not None:
                self._add("first_dealing", date=self.day("/first_dealing"))
        return self._done(missing=not found)

    def recommendation_rationale(self) -> Element:
        """Why it suits: the reasons of the score."""
        said = False
        for place, reason in enumerate(self.basis.reasons):
            text = self._taken(f"/reasons/{place}/text")
            if reason.percent is None or round(reason.percent) <= 0:
                continue
            if not said:
                self._add("speaks", name=self.put("/name"))
            share = self.percent(f"/reasons/{place}/percent")
            self._add("because", text=_begun(str(text)), percent=share)
            said = True
        return self._done(missing=not said)

    def target_market(self) -> Element:
        """For whom the product is made and for whom it is not, and whether the customer is among them."""
        for place, one in enumerate(self.basis.target):
            path = f"/target/{place}"
            listed, (unknown, inside, outside) = self.put(f"{path}/listed"), TARGETS[one.negative]
            if one.inside is None:
                self._add(unknown, listed=listed)
            else:
                self._taken(f"{path}/inside")
                self._add(inside if one.inside else outside, listed=listed, own=self.put(f"{path}/own"))
        if not self.basis.target:
            self._add("no_target")
        return self._done()

    def disclosures(self) -> Element:
        """Whether the bank makes the product itself, and what others pay it for it."""
        if self.basis.own_brand is not None:
            self._taken("/own_brand")
            self._add("own_brand" if self.basis.own_brand else "not_own_brand")
        if self.basis.inducement_percent:
            percent, money = self.percent("/inducement_percent"), self.money("/inducement_money")
            self._add("inducement", percent=percent, money=money, amount=self.money("/amount"))
        elif self.basis.inducement_percent is not None:
            self._taken("/inducement_percent")
            self._add("no_inducement")
        if not self._texts:
            self._add("undisclosed")
        return self._done()

    def sustainability(self) -> Element:
        """The customer's preferences, and what the product is."""
        found = self._facts("customer", "sustainability")
        if any(value is not None for value in self.basis.offered["sustainability"].values()):
            self._add("of_product")
            self._facts("offered", "sustainability")
        return self._done(missing=not found)

    def charges_and_costs(self) -> Element:
        """Costs in per cent and in money."""
        for place, cost in enumerate(self.basis.costs):
            path = f"/costs/{place}"
            self._add(
                COSTS[cost.each],
                name=self._cost(f"{path}/column"),
                percent=self.percent(f"{path}/percent"),
                money=self.money(f"{path}/money"),
                amount=self.money("/amount"),
            )
        for place in range(len(self.basis.costs_missing)):
            self._add("no_cost", name=self._cost(f"/costs_missing/{place}"))
        if self.basis.year_percent is not None and not self.basis.costs_missing:
            money, amount = self.money("/year_money"), self.money("/amount")
            self._add("cost_all", percent=self.percent("/year_percent"), money=money, amount=amount)
        return self._done(missing=not self.basis.costs or bool(self.basis.costs_missing))

    def against(self) -> Element:
        """What speaks against it."""
        if self.basis.against:
            self._add("objects", name=self.put("/name"))
        for place in range(len(self.basis.against)):
            self._add("warning", text=_begun(str(self._taken(f"/against/{place}"))))
        for place in range(len(self.basis.warnings)):
            self._add("warning", text=str(self._taken(f"/warnings/{place}")))
        if not self._texts:
            self._add("nothing_against")
        return self._done()

    def alternatives_considered(self) -> Element:
        """What else the list has, and the best of what is refused."""
        if self.basis.alternatives:
            self._add("considered", name=self.put("/name"))
        for place, other in enumerate(self.basis.alternatives):
            path = f"/alternatives/{place}"
            said = {"other": self.put(f"{path}/name"), "rank": self.put(f"{path}/rank"), "name": self.put("/name")}
            if other.is_ahead:
                self._add("ahead", **said)
            if other.lacks is None:
                self._add("alike", **said)
            else:
                self._add("alternative", text=str(self._taken(f"{path}/lacks")), **said)
        if self.basis.refused is not None:
            rule = str(self._taken("/refused/sentence"))
            self._add("refused_other", other=self.put("/refused/name"), rule=rule)
        return self._done(missing=not self._texts)

    def switch_costs(self) -> Element:
        """What giving up another product costs."""
        if self.basis.switched is None:
            self._add("no_switch")
        else:
            self._add(
                "switch",
                other=self.put("/switched/name"),
                percent=self.percent("/switched/exit_percent"),
                money=self.money("/switched/exit_money"),
                year=self.percent("/switched/year_percent"),
                name=self.put("/name"),
                own=self.percent("/year_percent") if self.basis.year_percent is not None else "–",
            )
        return self._done()

    def review(self) -> Element:
        """When it is looked at again, and of when the customer's answers are."""
        if self.basis.assessed_on is not None:
            self._add("assessed", date=self.day("/assessed_on"), until=self.day("/assessed_until"))
        self._add("review_on", date=self.day("/review_on"))
        return self._done(missing="cn_7_2025" in self.basis.regimes and self.basis.assessed_on is None)

    def client_confirmation(self) -> Element:
        """What the customer signs."""
        self._add("confirm")
        return self._done()


def _begun(text: str) -> str:
    """A text as the beginning of a sentence."""
    return text[:1].upper() + text[1:]
