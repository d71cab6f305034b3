"""The list that a customer would get if an edge or an amount were another: computed anew, nothing is changed.

An edge more is folded in as an event of today would be; an edge less is left out of the facts. The policy is asked
again, with what the customer would hold then. Weights of the model are those of the fit, as in every answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from graphrec.app.answers import WhatIfAnswer
from graphrec.app.lists.moves import DEPTH, moves
from graphrec.app.recording import engine_of, record_event
from graphrec.errors import UsageError
from graphrec.graph.edges.own import Own, OwnEdge
from graphrec.languages import language_of
from graphrec.policy.facts import NO_OCCASION
from graphrec.schema import BOUGHT
from graphrec.serving.answer import ListOptions

if TYPE_CHECKING:
    from graphrec.app.bank import Bank
    from graphrec.app.requests import WhatIf
    from graphrec.serving.engine import Engine


def what_if(bank: Bank, request: WhatIf) -> WhatIfAnswer:
    """The list of now beside the one that would be.

    Raises:
        UnknownId: there is no such user or product.
        UsageError: nothing is different, or no edge type means "held".
    """
    if request.more is None and request.less is None and request.amount is None:
        raise UsageError("a what-if wants something that is different: a product more, a product less, or an amount")
    home = bank.home_at(request.as_of)
    engine = engine_of(bank, home, None, NO_OCCASION, users=(request.user,))
    changed = engine if request.less is None else engine.without(request.user, request.less)
    if request.more is not None:
        changed = _with(changed, request.user, request.more, bank.now(request.as_of))
    if request.amount is not None:
        changed = changed.asking(replace(NO_OCCASION, amount=request.amount))
    language = language_of(request.language or bank.settings.language, bank.home.languages).code
    options = ListOptions(reasons=0, language=language, lines=False)
    before, after = (one.recommend(request.user, request.k + DEPTH, options) for one in (engine, changed))
    moved = moves(before.items, after.items, request.k)
    content = {
        "more": request.more, "less": request.less, "amount": request.amount, "k": request.k,
        "moves": [[one.product, one.before, one.after] for one in moved],
    }  # fmt: skip
    number, notes = record_event(bank, "what-if", content, user=request.user, wanted=request.record)
    return WhatIfAnswer(request.user, engine.as_of, request.k, moved, after.abstained, number, notes)


def _with(engine: Engine, user: str, product: str, now: int) -> Engine:
    """The engine in whose facts a customer got a product just now, besides what events say already."""
    place = engine.position(engine.products, product, engine.roles.product)
    kind = engine.schema.event_types()[BOUGHT].edge
    if kind is None:
        raise UsageError('no edge type from customers to products means "held"; name one in the mapping: roles.held')
    engine = engine.of_customer(user)
    edge = OwnEdge(kind, engine.products.ids[place], now - 1, now - 1)
    return engine.among({user: Own(user, "what-if", (edge,))}).of_customer(user)
