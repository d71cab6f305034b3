"""What customers contest: entered, shown with its effect on the list of now, withdrawn; each change is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from graphrec.app.answers import Contested
from graphrec.app.bank import Bank
from graphrec.app.lists.moves import DEPTH, moves
from graphrec.app.recording import engine_of, record_event
from graphrec.app.requests import PutContest
from graphrec.errors import UnknownId
from graphrec.policy.facts import NO_OCCASION
from graphrec.privacy.contests import Contest
from graphrec.serving.answer import Item, ListOptions
from graphrec.serving.engine import Engine


def put_contest(bank: Bank, request: PutContest) -> Contested:
    """Enter or withdraw a contest, recorded first, and compare the list before with the list after."""
    bank.home.need_vault("graphrec contest")
    contests, user = bank.events.contests, request.user
    before = _list(bank, request)
    now, by = datetime.now(UTC).isoformat(timespec="seconds"), request.by or bank.settings.actor
    known = contests.all().get(user, ())
    found = next((one for one in known if (one.edge, one.of) == (request.edge, request.of)), None)
    if request.withdraw and found is None:
        contested = ", ".join(f"{one.edge} {one.of}" for one in known) or "nothing"
        raise UnknownId(f"{user} does not contest {request.edge} {request.of}; contested is {contested}")
    if found is None:
        _check_edge(engine_of(bank, bank.home, None, NO_OCCASION, users=(user,)), request)
    made = Contest(user, request.edge, request.of, request.ground, now, by, request.why)
    contest = found if request.withdraw and found is not None else made
    number, notes = record_event(bank, "contest", {"contest": contest, "withdrawn": request.withdraw}, user=user)
    if request.withdraw:
        contests.withdraw(user, request.edge, request.of)
    else:
        contests.put(contest)
    after = _list(bank, request)
    return Contested(contest, request.withdraw, moves(before, after, request.k), number, notes)


def _list(bank: Bank, request: PutContest) -> Sequence[Item]:
    engine = engine_of(bank, bank.home, None, NO_OCCASION, users=(request.user,))
    return engine.recommend(request.user, request.k + DEPTH, ListOptions(reasons=0, lines=False)).items


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
