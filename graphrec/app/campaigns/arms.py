"""Lists as experiments.toml of the home decides them: which arm a customer is in, and what that changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from graphrec.app.bank import Bank
from graphrec.app.models.opened import pointer
from graphrec.app.recording import Recording, opened
from graphrec.errors import NotTrained
from graphrec.files import state_of
from graphrec.home import Home
from graphrec.records.decision import Request
from graphrec.serving.answer import Answer, ListOptions
from graphrec.serving.drawn import drawn_lists
from graphrec.serving.engine import Engine
from graphrec.times import moment_of

if TYPE_CHECKING:
    from datetime import date

    from graphrec.outcomes.experiments import Assigned, Experiments

FILES = ("experiments.toml", "experiments.json")


def state(home: Home) -> tuple[tuple[int, ...] | None, ...]:
    """What changes when an experiment begins, is changed or stopped."""
    folder = str(home.path)
    return tuple([state_of(f"{folder}/{name}") for name in FILES])


def experiments(bank: Bank) -> Experiments | None:
    """The experiments of a home, read once until a file changes; None: there is no file.

    Raises:
        ExperimentError: a file cannot be used.
    """
    found = state(bank.home)
    if found[0] is None:
        return None
    if bank.experiments is None or bank.experiments[0] != found:
        from graphrec.outcomes.experiments import read_experiments

        bank.experiments = found, read_experiments(bank.home.path)
    return bank.experiments[1]


def states(bank: Bank) -> tuple[object, ...]:
    """What decides lists besides the model: the experiments, and the models of their arms; empty without a file."""
    found = experiments(bank)
    if found is None:
        return ()
    return (state(bank.home), *(_pointer(bank.home, model) for model in found.models))


def _pointer(home: Home, model: str) -> object:
    try:
        return pointer(home, model)
    except NotTrained:
        return None  # the request says so


def today(bank: Bank) -> date:
    """The date of answers."""
    return moment_of(bank.now()).date()


def assigned(bank: Bank, user: str, *, model: str | None, as_of: str | None, record: bool) -> Assigned | None:
    """What decides the list of a customer; None: it is made as always.

    A request that names a model or a date asks for that and no other, and what is not recorded is no exposure.
    """
    if model is not None or as_of is not None or not (record and bank.settings.record):
        return None
    found = experiments(bank)
    return None if found is None else found.assigned(user, bank.home.secret(), today(bank))


class Lists:
    """The lists of many customers, each made and recorded as its arm says.

    Args:
        home: as of the date that the export names.
        asked: of lists that no experiment decides, with the engine and the recording of those.
    """

    def __init__(
        self, bank: Bank, home: Home, asked: Request, engine: Engine, recording: Recording, options: ListOptions
    ) -> None:
        self._bank, self._home, self._options = bank, home, options
        self._asked, self._engine, self._recording = asked, engine, recording
        self._parts: dict[object, tuple[Engine, Recording, Request]] = {}
        self._of_user: dict[str, object] = {}

    def make(self, users: Sequence[int]) -> Iterator[Answer]:
        """The answers of some users, by position in the facts of the engine, in their order."""
        members: dict[object, list[str]] = {}
        ids = [self._engine.users.ids[user] for user in users]
        for user in ids:
            self._of_user[user] = part = self._part_of(user)
            members.setdefault(part, []).append(user)
        made = {part: self._made(part, part_users) for part, part_users in members.items()}
        for user in ids:
            yield next(made[self._of_user[user]])

    def _made(self, part: object, users: Sequence[str]) -> Iterator[Answer]:
        engine, _, asked = self._parts[part]
        assert isinstance(asked.options, ListOptions), "these are lists"
        yield from drawn_lists(engine, [engine.users.ids.find(user) for user in users], asked.k, asked.options)

    def _part_of(self, user: str) -> object:
        plan = assigned(self._bank, user, model=None, as_of=None, record=True)
        key = None if plan is None else (plan.experiment, plan.arm.name)
        if key not in self._parts:
            if plan is None:
                self._parts[key] = self._engine, self._recording, self._asked
            else:
                asked = replace(
                    self._asked, k=plan.arm.k or self._asked.k, options=plan.options(self._options), arm=plan.entry
                )
                self._parts[key] = *opened(self._bank, self._home, plan.arm.model, asked, wanted=True), asked
        return key

    def record(self, answers: Sequence[Answer]) -> Sequence[int]:
        """The numbers of these answers in the record, in their order; none: unrecorded."""
        members: dict[object, list[Answer]] = {}
        for answer in answers:
            members.setdefault(self._of_user[answer.user], []).append(answer)
        numbers: dict[str, int] = {}
        for part, mine in members.items():
            recording = self._parts[part][1]
            added = recording.add(mine)
            if recording is not self._recording:
                self._recording.numbers += added
                self._recording.why = self._recording.why or recording.why
            numbers.update(zip((answer.user for answer in mine), added, strict=len(added) > 0))
        if len(numbers) < len(answers):
            return ()
        return [numbers[answer.user] for answer in answers]


def stop_by_rule(bank: Bank) -> tuple[str, ...]:
    """Stop the running experiments that have to, before lists are made; which and why, a sentence each.

    Raises:
        ExperimentError: a file cannot be used.
    """
    found = experiments(bank)
    if found is None or not found.running(today(bank)):
        return ()
    from graphrec.app.campaigns.outcomes import stop_those_that_have_to

    return stop_those_that_have_to(bank)
