"""The least volatile mix of what a customer holds and of the products of their list, within the limits of market.toml.

Only products with prices move: deposits and what has no price stay as they are. What the policy refuses may be sold and
not bought. The list is the answer of the model, so that nothing else ranks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from graphrec.app.bank import Bank
from graphrec.app.finance.market import FILE
from graphrec.app.finance.portfolio import cash_of, holdings
from graphrec.app.recording import record_event
from graphrec.app.requests import Recommend
from graphrec.app.results import Dealing, ProposedMix
from graphrec.config.market import ProposeTable, read_market
from graphrec.errors import UsageError
from graphrec.finance.market.figures import TRADING_DAYS
from graphrec.finance.market.portfolio import LEAST, Thing, common_returns, cost_of, shrunk
from graphrec.finance.market.proposal import LOOK, STEP, Walk, least_volatile, walk_forward
from graphrec.graph.folders.facts import Facts, FactsShelf
from graphrec.graph.lookup import place_of
from graphrec.policy.compiled import CompiledPolicy
from graphrec.policy.facts import Occasion
from graphrec.policy.read import home_policy
from graphrec.times import moment_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graphrec.app.jobs import ProposePortfolio

WALKED = LOOK + 8 * STEP
"""Days that the mixes are tried on."""


def propose_portfolio(bank: Bank, request: ProposePortfolio) -> ProposedMix:
    """What to buy and to sell, and what that does to volatility and cost; recorded."""
    bank.home.need_vault("graphrec portfolio propose")
    graph, as_of = FactsShelf(bank.home.facts).latest(), bank.now(request.as_of)
    file = read_market(bank.home.path / FILE)
    limits, roles = file.propose, graph.schema.roles
    user = place_of(graph.nodes(roles.user), request.user, "user")
    listed = bank.recommend(Recommend(request.user, limits.candidates, as_of=request.as_of, record=False)).answer.items
    places = [graph.nodes(roles.product).ids.find(one.product) for one in listed]
    if file.benchmark is not None:
        places.append(place_of(graph.nodes(roles.product), file.benchmark, "product"))
    held, others = holdings(bank, graph, file, as_of, user, places)
    beside = others.pop() if file.benchmark is not None else None
    values = {thing.id: value for thing, value in held if _moves(thing)}
    things = {thing.id: thing for thing in [*(thing for thing, _ in held), *others] if _moves(thing)}
    if request.amount and request.amount > (cash_of(graph, file, user) or 0.0):
        raise UsageError(f"{request.amount:,.2f} is more than the cash that {request.user} has")
    total = sum(values.values()) + request.amount
    if not total or not things:
        raise UsageError(f"{request.user} holds nothing with enough prices, and no amount is to be invested")
    may = _may_be_bought(bank, graph, as_of, user, things, request.amount)
    names = sorted(things)
    start = np.array([values.get(one, 0.0) for one in names]) / total
    found = _mix([things[one] for one in names], start, np.array([one in may for one in names]), limits, total)
    before, after, volatility = found
    dealings = tuple(
        Dealing(one, things[one].name, float(then), float(now), float(now - then) * total)
        for one, then, now in zip(names, start, after, strict=True)
        if then or now
    )
    both = [things[one] for one in names]
    walked = _walked(both, beside if beside is not None and _moves(beside) else None, limits)
    content = {"did": "portfolio proposed", "amount": request.amount, "dealings": dealings, "volatility": volatility}
    number, notes = record_event(bank, "portfolio", content, user=request.user, wanted=request.record)
    return ProposedMix(
        request.user, f"{moment_of(as_of):%Y-%m-%d}", total, dealings, before, volatility,
        cost_of(both, start), cost_of(both, after), float(np.maximum(start - after, 0).sum()),
        tuple(thing.id for thing, _ in held if not _moves(thing)), walked, number, notes,
    )  # fmt: skip


def _moves(thing: Thing) -> bool:
    return thing.prices is not None and len(thing.prices.values) > LEAST


def _may_be_bought(
    bank: Bank, graph: Facts, as_of: int, user: int, things: dict[str, Thing], amount: float
) -> set[str]:
    """The products that no rule of the policy refuses."""
    policy = CompiledPolicy(
        home_policy(bank.home, graph), graph, as_of=as_of, known_before=as_of, held_before=as_of
    ).asking(Occasion(amount or None, purpose="advice"))
    ids = graph.nodes(graph.schema.roles.product).ids
    return {one for one in things if not policy.refusals(user, ids.find(one))}


def _mix(
    things: Sequence[Thing], start: NDArray[np.float64], may: NDArray[np.bool_], limits: ProposeTable, total: float
) -> tuple[float | None, NDArray[np.float64], float]:
    """Volatility now, the weights of the mix, and its volatility; dealings that are too small are left out."""
    returns = common_returns([prices for one in things if (prices := one.prices)])
    if returns is None:
        raise UsageError(f"the products have fewer than {LEAST} days with prices in common")
    covariance = TRADING_DAYS * shrunk(returns)[0]
    most = np.where(may, np.maximum(limits.most_share, start), start)
    groups = []
    for name in sorted({one for thing in things for one in thing.groups.get(limits.group or "", ())}):
        members = np.array([n for n, thing in enumerate(things) if name in thing.groups.get(limits.group or "", ())])
        groups.append((members, max(limits.most_group_share, float(start[members].sum()))))
    least = np.zeros(len(start))
    weights = least_volatile(covariance, start, (least, most), groups, limits.most_turnover)
    small = np.abs(weights - start) * total < limits.smallest
    if small.any():
        kept = np.where(small, start, least), np.where(small, start, most)
        weights = least_volatile(covariance, start, kept, groups, limits.most_turnover)
    before = None if abs(start.sum() - 1) > 1e-9 else float(np.sqrt(start @ covariance @ start))
    return before, weights, float(np.sqrt(weights @ covariance @ weights))


def _walked(things: Sequence[Thing], benchmark: Thing | None, limits: ProposeTable) -> Walk | None:
    """How such mixes of these products did on days that they had not seen."""
    every = [*things, *([] if benchmark is None else [benchmark])]
    returns = common_returns([prices for one in every if (prices := one.prices)], WALKED)
    if returns is None:
        return None
    count = len(things)
    return walk_forward(returns[:, :count], limits.most_share, returns[:, count] if len(every) > count else None)
