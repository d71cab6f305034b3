"""What customers contest: entered, shown with its effect on the list of now, withdrawn; each change is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from graphrec.app.answers import Contested
from graphrec.app.bank import Bank
from graphrec.app.lists.moves import DEPTH, moves
from graphrec.app.recording import engine_of, record_event
from graphrec.app.requests import PutContest
from graphrec.errors import UnknownId, UsageError
from graphrec.policy.facts import NO_OCCASION
from graphrec.privacy.contests import Contest
from graphrec.serving.answer import Item, ListOptions
from graphrec.serving.engine import Engine
from graphrec.serving.proof.contestable import Contestable, contestable


def put_contest(bank: Bank, request: PutContest) -> Contested:
    """Enter or withdraw a contest, recorded first, and compare the list before with the list after."""
    bank.home.need_vault("graphrec contest")
    _check(request)
    contests, user = bank.events.contests, request.user
    before = _list(bank, request)
    known = contests.all().get(user, ())
    found = [one for one in known if _is_meant(one, request)]
    if request.withdraw and not found:
        raise UnknownId(
            f"{user} does not contest {_said(request.edge, request.of, request.product)}; contested is "
            + (", ".join(_said(one.edge, one.of, one.product) for one in known) or "nothing")
        )
    contest = found[-1] if request.withdraw else _made(bank, request, is_new=not found)
    about = {"contest": contest, "withdrawn": request.withdraw}
    if len(found) > 1:
        about["also"] = found[:-1]
    number, notes = record_event(bank, "contest", about, user=user)
    if request.withdraw:
        contests.withdraw(found)
    else:
        contests.put(contest)
    after = _list(bank, request)
    return Contested(contest, request.withdraw, moves(before, after, request.k), number, notes)


def contestable_reasons(bank: Bank, user: str, product: str, language: str | None = None) -> tuple[Contestable, ...]:
    """The reasons of a product that a customer may contest, as an answer of now has them."""
    language = language or bank.settings.language
    return contestable(_engine(bank, user), user, product, PutContest.k, language)


def _check(request: PutContest) -> None:
    edge = request.edge is not None and request.of is not None
    if (request.edge is None) != (request.of is None) or edge == (request.product is not None):
        raise UsageError("a contest names an edge and what it leads to, or the product of a reason; want one of both")
    if request.product is not None and not request.withdraw and request.number is None:
        raise UsageError(f"which reason of {request.product}? graphrec contest {request.user} --product shows them")


def _is_meant(one: Contest, request: PutContest) -> bool:
    """Whether a request to withdraw speaks of a contest: of a product, all its reasons are."""
    return (one.edge, one.of, one.product) == (request.edge, request.of, request.product)


def _made(bank: Bank, request: PutContest, *, is_new: bool) -> Contest:
    """The contest that is asked for.

    Raises:
        UnknownId: the customer has no such edge, or the product no such reason.
    """
    user, now, by = request.user, datetime.now(UTC).isoformat(timespec="seconds"), request.by or bank.settings.actor
    made = Contest(user, request.edge, request.of, request.ground, now, by, request.why, request.product)
    if request.product is None:
        if is_new:
            _check_edge(_engine(bank, user), request)
        return made
    there = contestable_reasons(bank, user, request.product)
    reason = next((one for one in there if one.number == request.number), None)
    if reason is None:
        numbers = ", ".join(str(one.number) for one in there) or "none"
        raise UnknownId(
            f"{request.product} has no reason {request.number} for {user} that can be contested; there are {numbers}"
        )
    return Contest(
        user, None, None, request.ground, now, by, request.why, request.product, reason.text, reason.starts
    )  # fmt: skip


def _said(edge: str | None, of: str | None, product: str | None) -> str:
    return f"{edge} {of}" if product is None else f"a reason of {product}"


def _engine(bank: Bank, user: str) -> Engine:
    return engine_of(bank, bank.home, None, NO_OCCASION, users=(user,))


def _list(bank: Bank, request: PutContest) -> Sequence[Item]:
    options = ListOptions(reasons=0, lines=False)
    return _engine(bank, request.user).recommend(request.user, request.k + DEPTH, options).items


def _check_edge(engine: Engine, request: PutContest) -> None:
    """Stop where the customer has no such edge."""
    own = engine.of_customer(request.user)
    place, snapshot = own.position(own.users, request.user, own.roles.user), own.snapshot
    known = {name: one for name, one in snapshot.schema.edges.items() if one.source == own.roles.user}
    if request.edge not in known or request.edge not in snapshot.types:
        raise UnknownId(f"customers have no edges {request.edge!r}; they have {', '.join(sorted(known))}")
    edges, ids = snapshot.edges(request.edge), snapshot.nodes(known[request.edge].target).ids
    start, stop = (int(bound) for bound in edges.indptr[place : place + 2])
    there = sorted({ids[int(one)] for one in edges.indices[start:stop]})
    if request.of not in there:
        shown = ", ".join(there[:10]) + (" …" if len(there) > 10 else "")
        raise UnknownId(f"{request.user} has no {request.edge} to {request.of!r}; there are {shown or 'none'}")
