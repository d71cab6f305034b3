"""Loan plans for one customer, from the product table, the customer's columns, the policy and the risk score.

plan.toml of the home says which columns. numpy is all that it needs.
"""

from __future__ import annotations

import re
from functools import cache

from graphrec.app.bank import Bank
from graphrec.app.finance.portfolio import number_of
from graphrec.app.jobs import PlanLoan
from graphrec.app.recording import record_event
from graphrec.app.results import LoanPlans
from graphrec.errors import UsageError
from graphrec.finance.credit.loan_file import LoanTable, read_plan
from graphrec.finance.credit.loans import Loan, Means, limit, plans
from graphrec.graph.folders.facts import Facts, FactsShelf
from graphrec.graph.lookup import place_of
from graphrec.languages import language_of
from graphrec.policy.compiled import CompiledPolicy
from graphrec.policy.facts import Occasion
from graphrec.policy.read import home_policy

FILE = "plan.toml"
PURPOSE = "loan"


def plan_loan(bank: Bank, request: PlanLoan) -> LoanPlans:
    """Every loan and term for an amount, and the largest amount that may be offered."""
    table = read_plan(bank.home.path / FILE).loan
    graph, as_of = FactsShelf(bank.home.facts).latest(), bank.now(request.as_of)
    label = graph.schema.roles.user
    user = place_of(graph.nodes(label), request.user, "user")
    policy = CompiledPolicy(
        home_policy(bank.home, graph), graph, as_of=as_of, known_before=as_of, held_before=as_of
    )  # fmt: skip
    ids = graph.nodes(graph.schema.roles.product).ids

    language = language_of(bank.settings.language, bank.home.languages)

    @cache
    def against(product: str, amount: float) -> tuple[str, ...]:
        asked = policy.asking(Occasion(amount, purpose=request.purpose or PURPOSE))
        return tuple(one.public_sentence for one in asked.refusals(user, ids.find(product), language))

    loans, means = _loans(graph, table), _means(graph, table, user)
    found = plans(loans, means, table.terms, request.amount, request.purpose, against)
    largest = limit(loans, means, table.terms, request.purpose, against)
    content = {
        "did": "loan plan",
        "amount": request.amount,
        "purpose": request.purpose,
        "plans": found,
        "limit": largest,
    }
    number, notes = record_event(bank, "plan", content, user=request.user, wanted=request.record)
    return LoanPlans(request.user, request.amount, request.purpose, found, largest, means.left, number, notes)


def _loans(graph: Facts, table: LoanTable) -> list[Loan]:
    """The loans of the product table."""
    label = graph.schema.roles.product
    kind = table.kind or graph.schema.nodes[label].show.get("kind", "kind")
    nodes = graph.nodes(label)
    if kind not in nodes.columns:
        raise UsageError(f"{FILE}: {label} has no column {kind}")
    places = [place for place in range(len(nodes)) if str(graph.value(label, kind, place)) in table.kinds]

    def number(column: str | None, place: int) -> float | None:
        return number_of(graph, label, column, place, FILE)

    return [
        Loan(
            nodes.ids[place],
            graph.name(label, place) or nodes.ids[place],
            number(table.rate, place),
            number(table.minimum, place),
            number(table.maximum, place),
            number(table.least_months, place),
            number(table.most_months, place),
            _listed(graph, label, table.purposes, place),
        )
        for place in places
    ]


def _means(graph: Facts, table: LoanTable, user: int) -> Means:
    """What a customer has a month."""
    label = graph.schema.roles.user

    def number(column: str | None) -> float | None:
        return number_of(graph, label, column, user, FILE)

    return Means(
        number(table.income),
        number(table.spending),
        number(table.duties) or 0.0,
        number(table.pd),
        table.most_share,
        table.most_pd,
        needs_pd=table.pd is not None,
        needs_spending=table.spending is not None,
    )


def _listed(graph: Facts, label: str, column: str | None, place: int) -> tuple[str, ...] | None:
    """A text that is a list, in parts; None: there is none."""
    if column is None:
        return None
    if graph.nodes(label).columns.get(column) != "text":
        raise UsageError(f"{FILE}: {label} has no column {column} of texts")
    value = graph.value(label, column, place)
    return None if value is None else tuple(one.strip() for one in re.split(r"[;|,]", str(value)) if one.strip())
