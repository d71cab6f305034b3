"""What is known of one customer and of one product, for the people who look at lists: numpy is all that it needs.

Of other people there are numbers alone, in groups of at least `min_group`; other views than compliance read bands.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from graphrec.app.bank import Bank
from graphrec.app.recording import engine_of
from graphrec.app.requests import AboutCustomer, AboutProduct
from graphrec.app.views import viewer
from graphrec.graph.folders.snapshot import ALWAYS, Nodes
from graphrec.graph.folders.strings import ABSENT
from graphrec.graph.series import FEATURES
from graphrec.policy.compiled import Finding
from graphrec.policy.facts import NO_OCCASION
from graphrec.policy.sentences import day
from graphrec.schema import EXACT, View
from graphrec.serving.engine import Engine, said, seen_before
from graphrec.serving.reasons.sentences import Sentences
from graphrec.serving.views import Band, findings

#: A column with more different values makes no segments.
MOST_GROUPS = 12
#: Products that are named as similar.
SIMILAR = 8
#: Refused products that are named.
REFUSED = 5
#: Of these, those that one rule is the first to refuse: a customer hears of different rules.
ALIKE = 2

Value = str | int | float | bool


@dataclass(frozen=True)
class Fact:
    """One thing that is known of a customer or a product."""

    name: str
    """Of the column, or the type of the edge."""
    value: Value


@dataclass(frozen=True)
class Event:
    """What a customer did with one product, all events of one type together."""

    type: str
    product: str
    name: str | None
    kind: str | None
    times: int
    first: str | None
    """The day of the first one; None: it has no time."""
    last: str | None
    is_holding: bool
    """Whether the type means that the customer has the product, and still has it."""


@dataclass(frozen=True)
class Refused:
    """A product with a high score that the policy refuses to a customer."""

    product: str
    name: str | None
    kind: str | None
    why: tuple[Finding, ...]


@dataclass(frozen=True)
class Customer:
    """What is known of one customer as of a date."""

    user: str
    as_of: str | None
    facts: tuple[Fact, ...]
    events: tuple[Event, ...]
    """The newest first."""
    refused: tuple[Refused, ...]
    """Products that are not held and would be high in a list, the highest score first."""
    sentences: Sentences


@dataclass(frozen=True)
class Group:
    """Some of the people who hold a product."""

    value: Value | None
    """None: those of groups that are too small to be shown, together."""
    people: int | Band


@dataclass(frozen=True)
class Segments:
    """Who holds a product, by one column or one edge type."""

    name: str
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Similar:
    """A product that many holders of another one hold too."""

    product: str
    name: str | None
    percent: int
    """Of the holders of the other one; in steps of ten for other views than compliance."""


@dataclass(frozen=True)
class Course:
    """How one value of a time series of a product went, as of the date of the answer."""

    name: str
    """Of the value, such as close."""
    last: float
    change_30d: float | None
    """last / value 30 days earlier - 1; None: it was not known so early."""
    change_365d: float | None
    volatility: float | None
    """A year, of daily log returns."""
    drawdown: float | None
    """Greatest fall from an earlier maximum, 0 to 1."""


@dataclass(frozen=True)
class Product:
    """What is known of one product, and who holds it."""

    product: str
    name: str | None
    kind: str | None
    facts: tuple[Fact, ...]
    holders: int | Band | None
    """None: fewer than `min_group`."""
    of: int
    """Customers that there are."""
    segments: tuple[Segments, ...]
    similar: tuple[Similar, ...]
    courses: tuple[Course, ...]
    """Of its time series, such as its price."""
    min_group: int
    sentences: Sentences


def about_customer(bank: Bank, request: AboutCustomer) -> Customer:
    """What is known of one customer, without personal and protected columns.

    Raises:
        UnknownId: there is no such customer.
    """
    engine = engine_of(bank, bank.home_at(request.as_of), None, NO_OCCASION, users=(request.user,))
    engine = engine.of_customer(request.user)
    user = engine.position(engine.users, request.user, "user")
    events = sorted(_events(engine, user), key=lambda one: (one.last or "", one.product, one.type), reverse=True)
    sentences = engine.reasons_in(request.language or bank.settings.language).sentences
    # What a column and a link say in the same words is said once.
    known = (*_columns(engine, engine.users, user), *_groups(engine, user))
    facts = {(sentences.word(one.name), sentences.fact(one.value)): one for one in reversed(known)}
    has = {one.product for one in events if one.is_holding}
    refused = tuple(_refused(engine, user, has, request.view, sentences))
    return Customer(request.user, engine.as_of, tuple(reversed(facts.values())), tuple(events), refused, sentences)


@dataclass(frozen=True, eq=False)
class Dealt:
    """What a statement asks of one customer; what is refused is looked at as far as it is asked."""

    events: tuple[Event, ...]
    refused: Iterator[Refused]
    """Products that are not held and would be high in a list, the highest score first."""


def dealt(engine: Engine, user: int, language: str) -> Dealt:
    """The events of a customer and what is refused, as `about_customer` has them for customers, in no order of days.

    Args:
        engine: of the customer, for a request that says nothing of itself.
        user: position in the snapshot.
        language: of what is said.
    """
    sentences = engine.reasons_in(language).sentences
    events = tuple(_events(engine, user))
    held = {one.product for one in events if one.is_holding}
    return Dealt(events, _refused(engine, user, held, "customer", sentences))


def about_product(bank: Bank, request: AboutProduct) -> Product:
    """What is known of one product, who holds it by segment, and what these people hold besides.

    Raises:
        UnknownId: there is no such product.
    """
    engine = engine_of(bank, bank.home_at(request.as_of), None, NO_OCCASION)
    product = engine.position(engine.products, request.product, "product")
    sentences = engine.reasons_in(request.language or bank.settings.language).sentences
    least = engine.roles.min_group
    held = engine.eligibility.holdings(np.arange(len(engine.users)))
    holders = held[held[:, 1] == product, 0]
    view = None if request.view == EXACT else viewer(bank, request.view, sentences)

    def banded(count: int, what: str) -> int | Band:
        return count if view is None else view.band(f"{request.product}\0holders\0{what}", count)

    segments: list[Segments] = []
    seen: list[list[int]] = []
    similar: tuple[Similar, ...] = ()
    if len(holders) >= least:
        for name, values in _segmenting(engine):
            counts: dict[Value, int] = {}
            for user in holders.tolist():
                for value in values(user):
                    counts[value] = counts.get(value, 0) + 1
            told_apart = large(counts, least)
            # What a column and a link say alike is said once.
            if not all(value is None for value, _ in told_apart) and sorted(counts.values()) not in seen:
                seen.append(sorted(counts.values()))
                groups = (Group(value, banded(count, f"{name}\0{value}")) for value, count in told_apart)
                segments.append(Segments(name, tuple(groups)))
        similar = tuple(_similar(engine, held, holders, product, 1 if view is None else 10))
    kind = _value(engine, product, engine.schema.nodes[engine.roles.product].show.get("kind", "kind"))
    return Product(
        product=request.product,
        name=engine.snapshot.name(engine.roles.product, product),
        kind=None if kind is None else str(kind),
        facts=tuple(_columns(engine, engine.products, product)),
        holders=banded(len(holders), "all") if len(holders) >= least else None,
        of=len(engine.users),
        segments=tuple(segments),
        similar=similar,
        courses=tuple(_courses(engine, product)),
        min_group=least,
        sentences=sentences,
    )


def _courses(engine: Engine, product: int) -> Iterator[Course]:
    """The time series of a product that have values."""
    for name, rule in engine.schema.series.items():
        for value in rule.values if rule.of == engine.roles.product else ():
            names = [f"{name}_{value}_{feature}" for feature in FEATURES]
            if not all(one in engine.products.columns for one in names):
                continue
            last, *others = (engine.products.column(one).get(product) for one in names)
            if last is not None:
                yield Course(value, float(last), *(None if one is None else float(one) for one in others))


def large(counts: Mapping[Value, int], least: int) -> list[tuple[Value | None, int]]:
    """Groups of at least `least` people, the largest first, and at the end those of the others together.

    Where the others are fewer than `least`, the smallest group joins them, so that nobody finds them by subtraction.

    >>> large({"a": 9, "b": 6, "c": 2}, 5), large({"a": 9, "b": 3, "c": 2}, 5), large({"a": 3}, 5)
    ([('a', 9), (None, 8)], [('a', 9), (None, 5)], [])
    """
    ordered = sorted(counts.items(), key=lambda one: (-one[1], str(one[0])))
    shown: list[tuple[Value | None, int]] = [one for one in ordered if one[1] >= least]
    others = sum(count for _, count in ordered if count < least)
    while 0 < others < least and shown:
        others += shown.pop()[1]
    return [*shown, (None, others)] if others >= least else shown


def _refused(engine: Engine, user: int, has: set[str], view: View, sentences: Sentences) -> Iterator[Refused]:
    """The refused products with the highest scores that a customer does not hold."""
    roles, positions = engine.roles, engine.positions
    person = positions.in_model(roles.user, user)
    if person == ABSENT or not engine.has_evidence(person):
        return
    scores = engine.model.blend.row(person).scores
    left, rules = REFUSED, dict.fromkeys(engine.eligibility.rules, ALIKE)
    gone = np.flatnonzero(~engine.allowed(np.array([person]))[0])
    gone = gone[gone < positions.num_known]
    for place in gone[np.argsort(-scores[gone], kind="stable")].tolist():
        if not left:
            return
        here = positions.in_snapshot(roles.product, place)
        if here == ABSENT or scores[place] <= 0 or engine.products.ids[here] in has:
            continue
        said_here = [replace(one, sentence=said(one, engine.policy, sentences))
                     for one in engine.eligibility.refusals(user, here, sentences.language)]  # fmt: skip
        first = said_here[0].rule if said_here else ""
        if not rules.get(first, ALIKE):
            continue
        rules[first] = rules.get(first, ALIKE) - 1
        why = tuple(said_here) if view == EXACT else findings(said_here)
        kind = _value(engine, here, engine.schema.nodes[roles.product].show.get("kind", "kind"))
        name = engine.snapshot.name(roles.product, here)
        yield Refused(engine.products.ids[here], name, None if kind is None else str(kind), why)
        left -= 1


def _columns(engine: Engine, nodes: Nodes, position: int) -> Iterator[Fact]:
    """The columns of a node that people may see; times as days."""
    schema = engine.schema.nodes[nodes.label]
    hidden = {*schema.personal, *schema.protected, *schema.encoded, schema.name, schema.crm_id, schema.adviser}
    for column in schema.public_columns():
        if column.name in hidden or column.name not in nodes.columns:
            continue
        value = nodes.column(column.name).get(position)
        if value is not None:
            yield Fact(column.name, str(day(int(value))) if column.kind == "time" else value)


def _groups(engine: Engine, user: int) -> Iterator[Fact]:
    """What a customer is linked with besides products: an age band, an occupation."""
    before = _before(engine)
    for name in _links(engine):
        edges = engine.snapshot.edges(name)
        span = slice(int(edges.indptr[user]), int(edges.indptr[user + 1]))
        label = engine.schema.edges[name].target
        for node, known in zip(edges.indices[span].tolist(), edges.known_at[span].tolist(), strict=True):
            if known < before:
                yield Fact(label, engine.snapshot.name(label, node) or engine.snapshot.nodes(label).ids[node])


def _links(engine: Engine) -> Iterator[str]:
    """The edge types from customers to what is neither a product nor a person, and is not protected."""
    roles = engine.roles
    for name in engine.snapshot.types:
        edge = engine.schema.edges[name]
        if edge.source == roles.user and edge.target not in (roles.user, roles.product) and not edge.protected:
            yield name


def _before(engine: Engine) -> int:
    """The time before which something must be known to be seen."""
    before = None if engine.now is None else seen_before(engine.snapshot, engine.now)
    return np.iinfo(np.int64).max if before is None else before


def _events(engine: Engine, user: int) -> Iterator[Event]:
    """What a customer did with products, one a type and product."""
    roles, before = engine.roles, _before(engine)
    holds = set(engine.eligibility.holdings(np.array([user]))[:, 1].tolist())
    kind = engine.schema.nodes[roles.product].show.get("kind", "kind")
    for name in _interactions(engine):
        edges = engine.snapshot.edges(name)
        span = slice(int(edges.indptr[user]), int(edges.indptr[user + 1]))
        seen = edges.known_at[span] < before
        targets, times = edges.indices[span][seen], edges.at[span][seen]
        for product in np.unique(targets).tolist():
            at = times[targets == product]
            dated = at[at != ALWAYS]
            value = _value(engine, product, kind)
            yield Event(
                type=name,
                product=engine.products.ids[product],
                name=engine.snapshot.name(roles.product, product),
                kind=None if value is None else str(value),
                times=len(at),
                first=day(int(dated.min())) if len(dated) else None,
                last=day(int(dated.max())) if len(dated) else None,
                is_holding=name in roles.holding and product in holds,
            )


def _interactions(engine: Engine) -> list[str]:
    """The interactions that lead from customers to products, those that mean "held" first."""
    roles = engine.roles
    names = dict.fromkeys((*roles.holding, *roles.interactions))
    return [name for name in names if name in engine.snapshot.types and engine.schema.edges[name].source == roles.user]


def _value(engine: Engine, product: int, column: str) -> Value | None:
    return engine.snapshot.value(engine.roles.product, column, product)


class _Column:
    """The values of a column of customers, one a customer."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._column = engine.users.column(name)

    def __call__(self, user: int) -> tuple[Value, ...]:
        value = self._column.get(user)
        return () if value is None else (value,)


class _Linked:
    """The names of what a customer is linked with over an edge type."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._edges, self._before, self._snapshot = engine.snapshot.edges(name), _before(engine), engine.snapshot
        self._label = engine.schema.edges[name].target

    def __call__(self, user: int) -> tuple[Value, ...]:
        span = slice(int(self._edges.indptr[user]), int(self._edges.indptr[user + 1]))
        nodes = self._edges.indices[span][self._edges.known_at[span] < self._before]
        ids = self._snapshot.nodes(self._label).ids
        return tuple(dict.fromkeys(self._snapshot.name(self._label, node) or ids[node] for node in nodes.tolist()))


def _segmenting(engine: Engine) -> Iterator[tuple[str, "_Column | _Linked"]]:
    """What customers are told apart by: columns and links with few values, neither protected nor sensitive."""
    schema = engine.schema.nodes[engine.roles.user]
    hidden = {*schema.personal, *schema.protected, *schema.sensitive, *schema.encoded, schema.name, schema.crm_id,
              schema.adviser, schema.data_as_of}  # fmt: skip
    for column in schema.public_columns():
        if column.name in hidden or column.name not in engine.users.columns or column.kind in ("real", "time"):
            continue
        found = engine.users.column(column.name)
        texts = {value for value, there in zip(found.values, found.valid, strict=True) if there}
        if 1 < len(texts) <= MOST_GROUPS:
            yield column.name, _Column(engine, column.name)
    for name in _links(engine):
        edge = engine.schema.edges[name]
        if not edge.sensitive and 1 < engine.snapshot.count(edge.target) <= MOST_GROUPS:
            yield edge.target, _Linked(engine, name)


def _similar(
    engine: Engine, held: NDArray[np.int64], holders: NDArray[np.int64], product: int, step: int
) -> Iterator[Similar]:
    """The products that holders share most, by the cosine of who holds them; each held by `min_group` of them."""
    is_holder = np.zeros(len(engine.users), np.bool_)
    is_holder[holders] = True
    shared = np.bincount(held[is_holder[held[:, 0]], 1], minlength=len(engine.products))
    everyone = np.bincount(held[:, 1], minlength=len(engine.products))
    shared[product] = 0
    near = np.flatnonzero(shared >= engine.roles.min_group)
    cosine = shared[near] / np.sqrt(len(holders) * everyone[near])
    nearest = np.lexsort((near, -cosine))[:SIMILAR]
    for place in nearest[np.argsort(-shared[near[nearest]], kind="stable")].tolist():
        other = int(near[place])
        percent = 100 * int(shared[other]) / len(holders)
        yield Similar(
            engine.products.ids[other],
            engine.snapshot.name(engine.roles.product, other),
            min(100, max(step, round(percent / step) * step)),
        )
