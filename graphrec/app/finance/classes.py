"""Changed risk classes of a home's products, and who is affected: those who hold one, and those whose offer is open.

An offer is open that a statement made and nobody has decided on (graphrec decide).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from graphrec.app.finance.statement import DECISION, STATEMENT
from graphrec.app.jobs import AskClasses
from graphrec.app.results import ClassAffects, ClassesChanged, OpenOffer
from graphrec.finance.market.classes import ClassChange, ClassHistory
from graphrec.graph.folders.facts import FactsShelf
from graphrec.graph.lookup import place_of
from graphrec.policy.facts import DAY, Block, Facts
from graphrec.records.read import entries
from graphrec.times import moment_of

if TYPE_CHECKING:
    from graphrec.app.bank import Bank

OFFER_DAYS = 90
"""Days after which a statement that nobody decided on is no open offer any more."""
_BLOCK = 4096


def history_of(bank: Bank) -> ClassHistory:
    """The classes that were seen in a home."""
    return ClassHistory(bank.home.classes)


def class_changes(bank: Bank, request: AskClasses) -> ClassesChanged:
    """The changes of some days before a date, with holders and open offers."""
    bank.home.need_vault("graphrec market --changes")
    graph, as_of = FactsShelf(bank.home.facts).latest(), bank.now(request.as_of)
    products = graph.nodes(graph.schema.roles.product)
    if request.product is not None:
        place_of(products, request.product, "product")
    facts = Facts(graph, as_of, known_before=as_of, held_before=as_of)
    found = recent(bank, as_of, request.days, request.product)
    holders, offers = holders_of(facts, found), open_offers(bank, as_of, OFFER_DAYS)
    told = []
    for one in found:
        place = products.ids.find(one.product)
        name = None if place < 0 else graph.name(products.label, place)
        told.append(
            ClassAffects(one.product, name, one.on, one.before, one.after, one.was, one.given,
                         holders.get(one.product, ()), offers.get(one.product, ()))
        )  # fmt: skip
    return ClassesChanged(f"{moment_of(as_of):%Y-%m-%d}", tuple(told))


def recent(bank: Bank, as_of: int, days: int, product: str | None = None) -> tuple[ClassChange, ...]:
    """The changes of some days before a date, the last of each product."""
    day, first = _window(as_of, days)
    last = {
        one.product: one
        for one in history_of(bank).changes(day)
        if one.on > first and product in (None, one.product)
    }  # fmt: skip
    return tuple(sorted(last.values(), key=lambda one: (one.on, one.product)))


def _window(as_of: int, days: int) -> tuple[str, str]:
    """The day of a moment, and the day so many days before it."""
    day, first = (f"{moment_of(moment):%Y-%m-%d}" for moment in (as_of, as_of - days * DAY))
    return day, first


def holders_of(facts: Facts, changes: Sequence[ClassChange]) -> Mapping[str, tuple[str, ...]]:
    """Who holds a product whose class changed, by product."""
    users, products = (facts.snapshot.nodes(facts.label(side)) for side in ("user", "product"))
    wanted = {products.ids.find(one.product): one.product for one in changes}
    found: dict[str, list[str]] = {}
    for start in range(0, len(users.ids) if wanted else 0, _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(users.ids)))
        held = facts.holdings(Block(block))
        for row, product in held[np.isin(held[:, 1], list(wanted))].tolist():
            found.setdefault(wanted[product], []).append(users.ids[start + row])
    return {product: tuple(ids) for product, ids in found.items()}


def open_offers(bank: Bank, as_of: int, days: int) -> Mapping[str, tuple[OpenOffer, ...]]:
    """The statements that nobody has decided on, by product, the oldest first."""
    day, first = _window(as_of, days)
    decided: set[int] = set()
    found: dict[str, list[OpenOffer]] = {}
    for entry in entries(bank.home.records):  # the last one first: decisions come before what they decide
        command = entry.shared["request"]["command"]
        if command not in (STATEMENT, DECISION) or entry.is_erased:
            continue
        event = entry.entry["event"]
        if command == DECISION:
            if event["outcome"] != "approved":
                decided.add(event["statement"])
            continue
        basis = event["basis"]
        is_open = entry.number not in decided and event["statement"]["refused"] is None
        if is_open and first < basis["date"] <= day:
            found.setdefault(basis["product"], []).append(OpenOffer(basis["user"], entry.number, basis["date"]))
    return {product: tuple(reversed(offers)) for product, offers in found.items()}
