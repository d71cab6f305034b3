"""What a customer of a home needs, by needs.toml, and which products would meet it and may be offered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from graphrec.app.jobs import PlanCover
from graphrec.app.recording import record_event
from graphrec.app.results import CoverPlan, NeedOf, NotOffered
from graphrec.finance.needs import Needs, read_needs
from graphrec.graph.folders.facts import FactsShelf
from graphrec.graph.lookup import place_of
from graphrec.languages import language_of
from graphrec.policy.compiled import CompiledPolicy
from graphrec.policy.facts import Facts, Occasion
from graphrec.policy.read import home_policy
from graphrec.times import moment_of

if TYPE_CHECKING:
    from graphrec.app.bank import Bank

FILE = "needs.toml"
PURPOSE = "cover"


def plan_cover(bank: Bank, request: PlanCover) -> CoverPlan:
    """The needs of one customer, with their rules and evidence, and what would meet those that are open."""
    file = read_needs(bank.home.path / FILE)
    graph, as_of = FactsShelf(bank.home.facts).latest(), bank.now(request.as_of)
    user = place_of(graph.nodes(graph.schema.roles.user), request.user, "user")
    needs = Needs(Facts(graph, as_of, known_before=as_of, held_before=as_of), file)
    policy = CompiledPolicy(
        home_policy(bank.home, graph), graph, as_of=as_of, known_before=as_of, held_before=as_of
    )  # fmt: skip
    asked, language = (
        policy.asking(Occasion(purpose=PURPOSE)), language_of(bank.settings.language, bank.home.languages),
    )  # fmt: skip
    products, found = graph.nodes(graph.schema.roles.product), []
    for need in needs.of(user):
        offered, refused = [], []
        for place in np.flatnonzero(needs.products[need.id]).tolist() if need.state == "open" else ():
            why = tuple(one.public_sentence for one in asked.refusals(user, place, language))
            if why:
                refused.append(NotOffered(products.ids[place], graph.name(products.label, place), why))
            else:
                offered.append(products.ids[place])
        found.append(NeedOf(need, tuple(offered), tuple(refused)))
    day = f"{moment_of(as_of):%Y-%m-%d}"
    content = {"did": "needs", "version": file.version, "on": day, "needs": found}
    number, notes = record_event(bank, "plan", content, user=request.user, wanted=request.record)
    return CoverPlan(request.user, day, file.version, tuple(found), number, notes)
