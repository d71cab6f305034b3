"""Answers for one customer: recommend, explain, why-not, find. numpy is all that they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphrec.app.answers import FoundNodes, Refused, Seen, Served
from graphrec.app.bank import Bank
from graphrec.app.campaigns.arms import assigned
from graphrec.app.data.facts import stale
from graphrec.app.lists.products import product_id
from graphrec.app.models import in_force
from graphrec.app.recording import Recording, engine_of, opened, record_event
from graphrec.app.requests import Explain, Find, Recommend, WhyNot
from graphrec.errors import GraphrecError, UnknownId
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.records.decision import Request
from graphrec.schema import EXACT, View
from graphrec.serving.answer import Answer, ExplainOptions, ListOptions
from graphrec.serving.drawn import drawn_list, drawn_lists
from graphrec.serving.engine import Engine

if TYPE_CHECKING:
    from graphrec.outcomes.experiments import Assigned
    from graphrec.serving.views import SeenAnswer


def recommend(bank: Bank, request: Recommend) -> Served:
    """The products that fit one user best."""
    (found,) = recommend_all(bank, [request])
    if isinstance(found, GraphrecError):
        raise found
    return found


def recommend_all(bank: Bank, asked: Sequence[Recommend]) -> list[Served | GraphrecError]:
    """What `recommend` gives for each request, or what stops it; those that differ in the user alone go together."""
    exact: list[View] = [EXACT] * len(asked)
    return [one for one in recommend_seen(bank, asked, exact) if not isinstance(one, Seen)]


def recommend_seen(
    bank: Bank, asked: Sequence[Recommend], views: Sequence[View]
) -> list[Served | Seen | GraphrecError]:
    """What `recommend_all` gives, each answer in its view."""
    found: list[Served | Seen | GraphrecError | None] = [None] * len(asked)
    alike: dict[object, tuple[Assigned | None, list[int]]] = {}
    for place, one in enumerate(asked):
        try:
            plan = assigned(bank, one.user, model=one.model, as_of=one.as_of, record=one.record)
        except GraphrecError as error:
            found[place] = error
            continue
        part = None if plan is None else (plan.experiment, plan.arm.name)
        alike.setdefault((replace(one, user=""), part), (plan, []))[1].append(place)
    for plan, places in alike.values():
        of_each: list[View] = [views[place] for place in places]
        made = _together(bank, asked[places[0]], plan, [asked[place].user for place in places], of_each)
        for place, served in zip(places, made, strict=True):
            found[place] = served
    return [one for one in found if one is not None]


def _together(
    bank: Bank, request: Recommend, plan: Assigned | None, users: Sequence[str], views: Sequence[View]
) -> list[Served | Seen | GraphrecError]:
    """The lists of some users, recorded together.

    Args:
        request: for one of them.
        plan: what an experiment decides of their lists.
        views: of each of them.
    """
    try:
        return _lists(bank, request, plan, users, views)
    except GraphrecError as error:
        return [error] * len(users)


def _lists(
    bank: Bank, request: Recommend, plan: Assigned | None, users: Sequence[str], views: Sequence[View]
) -> list[Served | Seen | GraphrecError]:
    settings, home = bank.settings, bank.home_at(request.as_of, no_policy=request.no_policy)
    options = ListOptions(
        reasons=request.reasons,
        plain=request.plain,
        min_confidence=settings.min_confidence if request.min_confidence is None else request.min_confidence,
        language=request.language or settings.language,
        voice=request.voice,
        prefer=request.prefer,
        lines=request.lines,
    )
    asked = Request("recommend", request.k, options, home.as_of, request.occasion, settings.actor)
    model = request.model
    if plan is not None:
        options, model = plan.options(options), plan.arm.model
        asked = replace(asked, k=plan.arm.k or request.k, options=options, arm=plan.entry)
    engine, recording = opened(bank, home, model, asked, wanted=request.record, users=users)
    known: dict[int, int] = {}
    unknown: dict[int, GraphrecError] = {}
    for place, user in enumerate(users):
        try:
            known[place] = engine.position(engine.users, user, "user")
        except UnknownId as error:
            unknown[place] = error
    if engine.is_compiled and len(known) > 1:
        answers = list(drawn_lists(engine, list(known.values()), asked.k, options))
    else:
        answers = [drawn_list(engine, users[place], asked.k, options) for place in known]
    made = _in_views(bank, engine, answers, options, [views[place] for place in known])
    recording.add(answers)
    served = _served(home, model, engine, recording, answers, options) if answers else []
    found = iter([
        one if shown is None else Seen(shown, one.record, one.sentences, one.notes)
        for one, shown in zip(served, made, strict=True)
    ])  # fmt: skip
    return [unknown[place] if place in unknown else next(found) for place in range(len(users))]


def _in_views(
    bank: Bank, engine: Engine, answers: Sequence[Answer], options: ListOptions, views: Sequence[View]
) -> list[SeenAnswer | None]:
    """Answers as roles read them; None: the exact one."""
    if all(view == EXACT for view in views):
        return [None] * len(answers)
    from graphrec.app.views import viewer

    sentences = engine.reasons_in(options.language, options.voice).sentences
    viewers = {view: viewer(bank, view, sentences) for view in dict.fromkeys(views) if view != EXACT}
    return [
        viewers[view].answer(answer) if view in viewers else None for view, answer in zip(views, answers, strict=True)
    ]


def explain(bank: Bank, request: Explain) -> Served:
    """Every line of one score."""
    home = bank.home_at(request.as_of, no_policy=request.no_policy)
    options = ExplainOptions(request.plain, request.language or bank.settings.language, request.voice)
    asked = Request("explain", request.k, options, home.as_of, request.occasion, bank.settings.actor)
    engine, recording = opened(bank, home, request.model, asked, wanted=request.record, users=(request.user,))
    product = product_id(engine, request.product)
    answer = engine.explain(request.user, product, request.k, options)
    recording.add([answer], product)
    if request.audit:
        from graphrec.serving.proof.audit import audited

        answer = audited(engine, answer)
    if request.picture is not None and answer.items:
        from graphrec.serving.proof.picture import write_picture

        write_picture(answer, request.picture, engine.reasons_in(options.language, options.voice).sentences)
    return _served(home, request.model, engine, recording, [answer], options)[0]


def _served(
    home: Home,
    model: str | None,
    engine: Engine,
    recording: Recording,
    answers: Sequence[Answer],
    options: ListOptions | ExplainOptions,
) -> list[Served]:
    """Answers with their words and notes, after which the home remembers what it answered with."""
    sentences = engine.reasons_in(options.language, options.voice).sentences
    language = sentences.language
    notes = (
        *in_force.answered(home, model, engine.policy, language),
        *stale(home, language),
        *recording.notes_in(language),
    )
    numbers: Sequence[int | None] = recording.numbers or [None] * len(answers)
    return [Served(answer, number, sentences, notes) for answer, number in zip(answers, numbers, strict=True)]


def why_not(bank: Bank, request: WhyNot) -> Refused:
    """The rules that refuse a product, or its rank and what it lacks."""
    from graphrec.serving.why_not import why_not as find_why

    home = bank.home_at(request.as_of, no_policy=request.no_policy)
    engine = engine_of(bank, home, request.model, request.occasion, users=(request.user,))
    language, product = request.language or bank.settings.language, product_id(engine, request.product)
    found = find_why(
        engine,
        request.user,
        product,
        request.k,
        min_confidence=bank.settings.min_confidence,
        language=language,
    )
    asked = {"k": request.k, "as_of": home.as_of, **vars(request.occasion), "product": product}
    content = {**asked, "answer": found.to_json()}
    number, notes = record_event(bank, "why-not", content, user=request.user, wanted=request.record)
    sentences = engine.reasons_in(language).sentences
    notes = (*engine.notes_in(language), *in_force.notes(home, request.model, sentences.language), *notes)
    return Refused(found, engine.policy_name, number, notes, sentences)


def _of_adviser(snapshot: Snapshot, adviser: str) -> NDArray[np.bool_]:
    """The users (num_users,) whom an adviser looks after; nobody where the mapping names no column."""
    users = snapshot.nodes(snapshot.schema.roles.user)
    column = snapshot.schema.nodes[users.label].adviser
    if column is None or column not in users.columns:
        return np.zeros(len(users), np.bool_)
    found = users.column(column)
    named = (ok and str(value) == adviser for value, ok in zip(found.values, found.valid, strict=True))
    return np.fromiter(named, np.bool_, len(users))


def find(bank: Bank, request: Find) -> FoundNodes:
    """Users and products by id, name or text, in the latest snapshot."""
    from graphrec.graph.find import find as find_nodes
    from graphrec.graph.folders.shelf import SnapshotShelf

    shelf = SnapshotShelf(bank.home.snapshots)
    if shelf.has_latest():
        snapshot = shelf.latest()
    else:
        from graphrec.app.data.prepare import latest_snapshot

        snapshot = latest_snapshot(bank, bank.home)
    roles = snapshot.schema.roles
    # Customers have no kind that people are shown.
    wanted = request.users or request.adviser is not None
    own = None if request.adviser is None else _of_adviser(snapshot, request.adviser)
    known = find_nodes(snapshot, roles.user, request.text, request.k, own) if wanted else ()
    users = tuple(replace(one, kind=None) for one in known)
    products = tuple(find_nodes(snapshot, roles.product, request.text, request.k))
    ids = {label: [one.id for one in nodes] for label, nodes in ((roles.user, users), (roles.product, products))}
    record_event(bank, "find", {"text": request.text, "k": request.k, "found": ids}, wanted=request.record)
    return FoundNodes(
        request.text, roles.user, roles.product, users, products, snapshot.count(roles.user),
        snapshot.count(roles.product),
    )  # fmt: skip
