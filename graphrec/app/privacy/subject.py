"""What a customer may be told: the data, the procedure, what was recommended, what would change it, who saw it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from graphrec.app.bank import Bank
from graphrec.app.recording import engine_of, record_event
from graphrec.app.requests import SubjectAccess
from graphrec.app.results import Recommended, RecommendedItem, SeenBy
from graphrec.app.results import SubjectAccess as Answered
from graphrec.errors import GraphrecError, NoPolicy, NotTrained, UnknownId
from graphrec.home import Home
from graphrec.log import hashed_id
from graphrec.policy.facts import Occasion
from graphrec.privacy.subject import Held, held, held_event
from graphrec.records.escrow import Escrow
from graphrec.records.keys import Keys
from graphrec.records.read import Entry, entries
from graphrec.serving.engine import Engine
from graphrec.serving.proof.counterfactual import Counterfactual, counterfactuals
from graphrec.times import moment_of


def subject_access(bank: Bank, request: SubjectAccess) -> Answered:
    """All that there is of one customer; the question itself goes into the record under the customer's key."""
    home, user = bank.home, request.user
    home.need_vault("graphrec subject-access")
    data = _data(bank, home, user)
    found = list(entries(home.records, user))[::-1]
    data = replace(data, events=tuple(map(held_event, bank.events.log.of_user(user))))
    if not data.values and not found and not data.events:
        held = Escrow(Keys(home.keys)).of(user)
        if held is not None:
            raise UnknownId(
                f"{user} was forgotten; what was recorded stays in escrow until {held.until} ({held.rule}), and nobody "
                "reads it but after graphrec escrow --release"
            )
        raise UnknownId(f"no user {user!r} in the store, the events or the record; search with: graphrec find")
    procedure, changes, notes = _procedure(bank, home, request)
    seen = sorted((*_recorded(found), *_served(home, user)), key=lambda one: one.at)
    number, unwritten = record_event(
        bank, "subject-access", {"k": request.k, "entries": len(found)}, user=user, wanted=request.record
    )
    return Answered(
        user, datetime.now(UTC).isoformat(timespec="seconds"), data, procedure,
        tuple(_recommended(one) for one in found if "answer" in one.entry), changes, tuple(seen),
        bank.events.contests.all().get(user, ()), (*notes, *unwritten), number,
    )  # fmt: skip


def _data(bank: Bank, home: Home, user: str) -> Held:
    from graphrec.store import is_server, open_store
    from graphrec.store.read import is_unused

    if not is_server(bank.settings.store) and not Path(bank.store).exists():
        return Held()
    with open_store(bank.settings.store, home.store, bank.settings.login) as store:
        return Held() if is_unused(store) else held(store, user)


def _procedure(
    bank: Bank, home: Home, request: SubjectAccess
) -> tuple[tuple[str, ...], tuple[Counterfactual, ...], tuple[str, ...]]:
    """How a list of now comes about, what would change it, and what could not be said."""
    try:
        engine = engine_of(bank, home, None, Occasion(), users=(request.user,))
    except (NotTrained, NoPolicy) as error:
        return (), (), (f"there is no list of now: {error}",)
    sentences = tuple(_sentences(engine))
    try:
        changes = counterfactuals(engine, request.user, request.k)
    except GraphrecError as error:
        return sentences, (), (f"no counterfactuals: {error}",)
    unsure = [one.product for one in changes if one.without and not one.verified]
    notes = (f"not agreed on by both ways of computing: {', '.join(unsure)}",) if unsure else ()
    return sentences, changes, notes


def _sentences(engine: Engine) -> Iterator[str]:
    """How a list comes about."""
    from graphrec.models.registry import models

    meta, roles = engine.model.meta, engine.roles
    policy = engine.policy
    last = engine.snapshot.meta.last
    yield (
        f"A list is made by arithmetic, without a person, from what is known of the customer until {str(last)[:10]}: "
        f"model {engine.model.name} {engine.model.hash[:10]}, fitted on data until {_day(meta.known_until)}."
    )
    rules = [rule for rule in policy.rules if not rule.confidential]
    hidden = len(policy.rules) - len(rules)
    yield (
        f"Products that a rule refuses are left out before anything is ranked. Policy {policy.version} has "
        f"{len(policy.rules)} rules"
        + (f", {hidden} of them confidential" if hidden else "")
        + (": " + "; ".join(rule.sentence for rule in rules) if rules else "")
        + "."
    )
    yield (
        "Every other product gets a score, and the highest scores make the list. The score is a sum of parts, each "
        "divided by how much it varies over the products and multiplied by its weight:"
    )
    known = models()
    total = sum(engine.model.blend.weights) or 1.0
    for name, weight in meta.configuration.weights.items():
        sentence = known[name].sentence if name in known else "a model of a plug-in"
        yield f"{name}, {weight / total:.0%} of the weights: {sentence}."
    weights = ", ".join(f"{name} (weight {roles.weights.get(name, 1.0):g})" for name in roles.interactions)
    yield f"What a customer did counts by these edges: {weights}; what a customer is, by the other edges of the store."
    yield (
        f"Ways through other customers count only where at least {roles.min_group} share them; no other customer is "
        "named, and none learns of this one."
    )
    columns = engine.schema.nodes[roles.user]
    protected = ", ".join(columns.protected) or "none"
    used = "may be used" if meta.request.use_protected else "are used by no model"
    personal = ", ".join(columns.personal) or "none"
    yield f"Columns marked personal ({personal}) are in no score. Protected ones ({protected}) {used}."
    yield "The lines of a score add up to it: graphrec explain shows them, and graphrec replay repeats an answer."


def _day(microseconds: Any) -> str:
    if not isinstance(microseconds, int):
        return "the snapshot's date"
    return moment_of(microseconds).date().isoformat()


def _recommended(one: Entry) -> Recommended:
    shared, entry = one.shared, one.entry
    items = tuple(
        RecommendedItem(
            item["product"], item.get("name"), item.get("rank"), item["score"],
            tuple(str(reason.get("text")) for reason in item.get("reasons", ())),
        )
        for item in entry["answer"]["items"]
    )  # fmt: skip
    policy = shared.get("policy")
    return Recommended(
        one.number, shared["recorded_at"], shared["request"]["command"],
        f"{shared['model']['name']} {shared['model']['hash'][:10]}" if "model" in shared else None,
        f"{policy['version']} {policy['hash'][:10]}" if policy else None, shared.get("as_of"), items,
    )  # fmt: skip


def _recorded(found: list[Entry]) -> Iterator[SeenBy]:
    for one in found:
        yield SeenBy(one.shared["recorded_at"], one.shared.get("actor"), one.shared["request"]["command"], "record")


def _served(home: Home, user: str) -> Iterator[SeenBy]:
    """Requests of the service, and commands, which the log of accesses keeps under keyed hashes."""
    files = sorted(home.logs.glob("access-*.log"))
    if not files:
        return
    wanted = hashed_id(home.secret(), user)
    for path in files:
        for line in path.read_text("utf-8").splitlines():
            try:
                one = json.loads(line)
            except ValueError:
                continue
            if one.get("user") == wanted:
                where = "command line" if one["operation"].startswith("graphrec ") else "service"
                yield SeenBy(one["at"], f"{one['caller']} ({one['role']})", one["operation"], where)
