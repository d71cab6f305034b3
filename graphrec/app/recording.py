"""Answers go into the decision record of the home, where settings and request want that."""

import errno
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from graphrec.app.bank import Bank
from graphrec.app.data.facts import check_age
from graphrec.app.models import in_force
from graphrec.errors import RecordError, Unwritable
from graphrec.home import Home
from graphrec.languages import Language, language_of
from graphrec.policy.facts import Occasion
from graphrec.records.decision import Decisions, Request, Sealed, event
from graphrec.records.keep import ModelReplaced
from graphrec.serving.answer import Answer
from graphrec.serving.engine import Engine

REQUIRED = "require_record asks for an entry of every answer; leave out --no-record, record = false"
#: How often a request opens another model because a training replaced the one that it had opened.
TRIES = 5

#: A folder that cannot be written for these reasons costs the record, not the answer.
_TOLERATED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT)


def engine_of(
    bank: Bank, home: Home, model: str | None, occasion: Occasion, *, users: Sequence[str] = (), every: bool = False
) -> Engine:
    """The engine that answers one request, with the events that the facts do not hold yet, without what is contested.

    Args:
        home: as of the date that the request names.
        users: whose events count.
        every: whether those of all customers do.

    Raises:
        NotTrained: there is no model.
        NoPolicy: the home has no policy, and the request does not go without one.
        StaleFacts: the facts are older than the settings allow.
    """
    engine = bank.opened.engine(home, model, bank.now(home.as_of))
    if (users or every) and (bank.home.events.exists() or bank.home.contests.exists()):
        engine = engine.among(bank.events.owns(engine.snapshot, None if every else users))
    engine = engine.asking(occasion)
    check_age(engine, bank.settings.max_age)
    in_force.require_policy(bank.settings, home, engine.policy)
    return engine


def opened(
    bank: Bank, home: Home, model: str | None, request: Request, *, wanted: bool, users: Sequence[str] | None = None
) -> "tuple[Engine, Recording]":
    """The engine that a request uses from start to end, and the recording of its answers.

    Args:
        users: who are asked about; None: all are.

    Raises:
        NotTrained: there is no model.
        NoPolicy: the home has no policy, and the request does not go without one.
        RecordError: the settings require a record, and the answer cannot be or is not to be recorded.
    """
    for left in reversed(range(TRIES)):
        engine = engine_of(bank, home, model, request.occasion, users=users or (), every=users is None)
        change = in_force.change_of(home, engine.policy)
        if change is not None:
            record_event(bank, "policy", change, wanted=wanted)
            in_force.observe(home, engine.policy)
        recording = Recording(bank, engine, request, wanted=wanted)
        try:
            recording.keep()
        except ModelReplaced:
            if not left:
                raise
            continue
        return engine, recording
    raise AssertionError("the last try returns or raises")


def record_event(
    bank: Bank,
    command: str,
    content: Mapping[str, object],
    *,
    user: str | None = None,
    wanted: bool = True,
    language: Language | None = None,
) -> tuple[int | None, tuple[str, ...]]:
    """The number of an entry for what is no list and no score, and what is to be said where it could not be written.

    A home that is not there yet is not made for it.

    Args:
        language: of what is to be said; None: English.

    Raises:
        RecordError: the settings require a record, and there is none.
    """
    settings, home = bank.settings, bank.home
    if not (wanted and settings.record):
        if settings.require_record:
            raise RecordError(REQUIRED)
        return None, ()
    if not home.format_file.exists():
        return None, ()
    try:
        return event(home, command, settings.actor, content, user=user), ()
    except OSError as error:
        if error.errno not in _TOLERATED:
            raise
        why = f"{home.records} cannot be written ({error.strerror})"
    if settings.require_record:
        raise RecordError(f"nothing can be recorded, and require_record asks for it: {why}")
    return None, ((language or language_of("en")).say("notes.not_recorded", why=why),)


class Recording:
    """Records the answers of one engine to one request.

    A home that is full or read-only answers all the same, and one note names the folder that could not be written.
    """

    def __init__(self, bank: Bank, engine: Engine, request: Request, *, wanted: bool) -> None:
        self._folder = bank.home.records
        settings = bank.settings
        self._is_required = settings.require_record
        if self._is_required and not (wanted and settings.record):
            raise RecordError(REQUIRED)
        self._decisions = Decisions(bank.home, engine, request) if wanted and settings.record else None
        self.numbers: list[int] = []
        """Of the entries that were written."""
        self.why: str | None = None
        """Why nothing is recorded, where that is so."""

    def add(self, answers: Sequence[Answer], product: str | None = None) -> Sequence[int]:
        """The numbers of these answers in the record, together as far as they fit into one block; none: unrecorded."""
        with self._tolerant() as decisions:
            if decisions is not None:
                added = decisions.add(answers, product)
                self.numbers += added
                return added
        return ()

    def commit(self, sealed: Sealed | None, unwritten: str | None = None) -> Sequence[int]:
        """The numbers of entries that another process sealed; none: unrecorded.

        Args:
            unwritten: why that process could not.
        """
        with self._tolerant() as decisions:
            if decisions is not None and unwritten is not None:
                self._stop(unwritten)
            elif decisions is not None and sealed is not None:
                added = decisions.commit(sealed)
                self.numbers += added
                return added
        return ()

    @property
    def is_wanted(self) -> bool:
        """Whether answers are recorded."""
        return self._decisions is not None

    def keep(self) -> None:
        """Keep what replays need, before anything is answered.

        Raises:
            ModelReplaced: another training replaced the model since it was opened.
            Damaged: a file of the snapshot or of the model is not the one that was written.
        """
        with self._tolerant() as decisions:
            if decisions is not None:
                decisions.keep()

    @contextmanager
    def _tolerant(self) -> Iterator[Decisions | None]:
        try:
            yield self._decisions
        except Unwritable as error:
            self._stop(str(error))
        except OSError as error:
            if error.errno not in _TOLERATED:
                raise
            self._stop(f"{self._folder} cannot be written ({error.strerror})")

    def _stop(self, why: str) -> None:
        if self._is_required:
            raise RecordError(f"nothing can be recorded, and require_record asks for it: {why}")
        self.why, self._decisions = why, None

    def notes_in(self, language: Language) -> tuple[str, ...]:
        """That nothing is recorded, and why, where that is so."""
        return () if self.why is None else (language.say("notes.not_recorded", why=self.why),)

    @property
    def number(self) -> int | None:
        """The number of the only entry; None where nothing was recorded."""
        return self.numbers[0] if self.numbers else None

    @property
    def range(self) -> range:
        """The numbers of all entries."""
        return range(min(self.numbers), max(self.numbers) + 1) if self.numbers else range(0)
