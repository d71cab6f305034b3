"""Questions to the store, and the policy of the home."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from graphrec import queries
from graphrec.app.bank import Bank
from graphrec.app.data.facts import changing
from graphrec.app.jobs import AskQuery, ChangeRule, CheckCases, CheckPolicy, DiffPolicies, InitPolicy
from graphrec.app.models import in_force
from graphrec.app.recording import record_event
from graphrec.app.results import Asked, Library, PolicyChecked, PolicyWritten
from graphrec.errors import NoPolicy, StoreError, UnknownId, UsageError
from graphrec.files import whole_file
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.languages import language_of
from graphrec.progress import Progress

if TYPE_CHECKING:
    from graphrec.graph.folders.snapshot import Snapshot
    from graphrec.policy.cases import CaseResult, PolicyDifference
    from graphrec.policy.compiled import CompiledPolicy
    from graphrec.policy.rules import Policy, Rule
    from graphrec.store.base import Result


def query(bank: Bank, request: AskQuery) -> Asked:
    """The answer to a question of the library, or to a Cypher statement; the store is changed only on request."""
    from graphrec.store import open_store
    from graphrec.store.base import Bounds
    from graphrec.store.questions.ask import ask, edit
    from graphrec.store.read import forget_origin

    name = request.query if re.fullmatch(r"[\w-]+", request.query) else None
    texts = dict(request.parameters)
    if bank.settings.store is None:
        bank.home.need_vault("graphrec query")
    values = texts if name else {key: _value(key, text) for key, text in texts.items()}
    with open_store(bank.settings.store, bank.home.store, bank.settings.login) as store:
        if request.write and not name:
            forget_origin(bank.home.snapshots)
            with changing(bank.home.prepare(), store, "graphrec query --write"):
                found = edit(store, request.query, values)
            _recorded(bank, request, found)
            return Asked(name, tuple(found.columns), tuple(found.rows))
        answer = ask(store, request.query, values, Bounds(request.timeout, request.limit))
    found = answer.result
    _recorded(bank, request, found)
    return Asked(name, tuple(found.columns), tuple(found.rows), found.is_cut, answer.notes)


def _recorded(bank: Bank, request: AskQuery, found: Result) -> None:
    """Put into the record who asked what, and how much came; not the rows."""
    content = {
        "query": request.query, "parameters": dict(request.parameters), "write": request.write,
        "columns": found.columns, "rows": len(found.rows),
    }  # fmt: skip
    record_event(bank, "query", content, wanted=request.record)


def _value(name: str, text: str) -> object:
    """A number, list or true/false when it is written as one, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
    except RecursionError:
        raise UsageError(f"--param {name} is nested too deep; want a number, a text, or lists of them") from None


def library(bank: Bank) -> Library:
    """The questions that fit the graph; all of them, with a note, where the store cannot be asked."""
    from graphrec.store import open_store

    try:
        with open_store(bank.settings.store, bank.home.store, bank.settings.login) as store:
            return Library(queries.library(store.read_schema()))
    except StoreError as error:
        return Library(queries.library(), (f"all queries are listed, whatever the graph has: {error}",))


def check_policy(bank: Bank, request: CheckPolicy, progress: Progress) -> PolicyChecked:
    """What each rule does to all users and products of the latest snapshot."""
    from graphrec.policy.check import check_policy as count
    from graphrec.policy.read import home_policy
    from graphrec.serving.eligible import compiled_policy

    home = bank.home_at(request.as_of)
    snapshot = SnapshotShelf(home.snapshots).latest()
    compiled = compiled_policy(snapshot, home_policy(home, snapshot))
    notes = (*((snapshot.uncut,) if snapshot.uncut else ()), *in_force.notes(home))
    return PolicyChecked(count(compiled, progress=progress), notes)


def check_cases(bank: Bank, request: CheckCases) -> tuple[CaseResult, ...]:
    """What the policy of the home says of the cases in a file."""
    from graphrec.policy.cases import judge, read_cases
    from graphrec.policy.read import home_policy

    home = bank.home_at(request.as_of)
    snapshot = SnapshotShelf(home.snapshots).latest()
    cases = read_cases(request.cases)
    return judge(_compiled(snapshot, home_policy(home, snapshot)), cases, request.cases)


def diff_policies(bank: Bank, request: DiffPolicies) -> PolicyDifference:
    """What a new policy allows and refuses that an old one does not, over all pairs of the latest snapshot."""
    from graphrec.policy.cases import difference
    from graphrec.policy.read import read_policy

    snapshot = SnapshotShelf(bank.home_at(request.as_of).snapshots).latest()
    old, new = (_compiled(snapshot, read_policy(file)) for file in (request.old, request.new))
    return difference(old, new)


def change_rule(bank: Bank, request: ChangeRule) -> PolicyDifference:
    """What the policy of the home would allow and refuse if one of its rules were another, over all pairs."""
    from graphrec.policy.cases import difference
    from graphrec.policy.read import home_policy

    home = bank.home_at(request.as_of)
    if not home.has_policy():
        raise NoPolicy("there is no policy whose rule could change; run: graphrec policy init")
    snapshot = SnapshotShelf(home.snapshots).latest()
    policy = home_policy(home, snapshot)
    if request.rule not in (known := [rule.id for rule in policy.rules]):
        raise UnknownId(f"the policy has no rule {request.rule!r}; it has {', '.join(known)}")
    # Its file stays as it is, so that messages name none.
    changed = replace(policy, source=None, rules=tuple(_changed(policy.rules, request)))
    old, new = (_compiled(snapshot, one) for one in (policy, changed))
    return difference(old, new)


def _changed(rules: Iterable[Rule], request: ChangeRule) -> Iterator[Rule]:
    """The rules with one changed, or without it."""
    for rule in rules:
        if rule.id != request.rule:
            yield rule
        elif request.require is not None:
            yield replace(rule, require=request.require)


def policy_rules(bank: Bank) -> Policy:
    """The policy that answers go by now."""
    return bank.opened.engine(bank.home, None, bank.now()).policy


def explain_policy(bank: Bank, language: str | None = None) -> tuple[str, ...]:
    """The policy of the home in words."""
    from graphrec.policy.read import home_policy
    from graphrec.policy.words import in_words

    policy = home_policy(bank.home, SnapshotShelf(bank.home.snapshots).latest())
    return in_words(policy, language_of(language or bank.settings.language, bank.home.languages))


def _compiled(snapshot: Snapshot, policy: Policy) -> CompiledPolicy:
    from graphrec.serving.eligible import compiled_policy

    return compiled_policy(snapshot, policy)


def init_policy(bank: Bank, request: InitPolicy) -> PolicyWritten:
    """A first policy.toml for the home: the shipped rules that the graph has columns for."""
    from graphrec.app.data.prepare import latest_snapshot
    from graphrec.policy.example import example_policy, shipped_policy
    from graphrec.serving.eligible import date_of

    home = bank.home_at(request.as_of)
    file = home.policy
    if file.exists() and not request.force:
        raise UsageError(f"{file} is there already; graphrec policy init --force replaces it")
    snapshot = latest_snapshot(bank, home)
    # Answers have the date of the clock where nothing in the graph has a time, as states without a history do.
    dated = date_of(snapshot)
    today = bank.now() if dated is None else dated
    if request.like is not None:
        example = shipped_policy(request.like, snapshot, today)
        with whole_file(file) as temporary:
            temporary.write_text(example.text, encoding="utf-8")
        for name, text in example.lists.items():
            if not (beside := file.with_name(name)).exists():
                with whole_file(beside) as temporary:
                    temporary.write_text(text, encoding="utf-8")
        return PolicyWritten(file, example.kept, example.left_out, example.doubts)
    language = language_of(request.language or bank.settings.language, bank.home.languages)
    example = example_policy(snapshot, today, language)
    with whole_file(file) as temporary:
        temporary.write_text(example.text, encoding="utf-8")
    return PolicyWritten(file, example.kept, example.left_out, example.doubts)
