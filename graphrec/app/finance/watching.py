"""Rules of alerts.toml on events as they come: a thread asks them of each customer who did something.

A rule is asked as of the moment after the event, with everything that events say of the customer folded in. Signals and
jumps read the whole store and are left to `graphrec alerts run`. The log remembers the last event that was looked at,
so that what a killed process left undone is done by the next; processes take turns.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import numpy as np

from graphrec.app.finance.alerts import FILE, alerts_in, by_rule, raise_new
from graphrec.errors import GraphrecError
from graphrec.events.log import Appended
from graphrec.files import locked
from graphrec.finance.alerts.file import AlertsFile, read_alerts
from graphrec.graph.edges.own import with_own
from graphrec.policy.facts import Facts
from graphrec.records.read import entries

if TYPE_CHECKING:
    from graphrec.app.bank import Bank
    from graphrec.graph.folders.snapshot import Snapshot

LOOKED = "looked at for alerts"
"""Note of the log: the number of the last event that rules were asked about."""
MOST = 500
"""Events between two notes."""
_LOG = logging.getLogger("graphrec.alerts")


class Watching:
    """What asks the rules of a bank about events; nothing where its home has no alerts.toml with rules."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._changed = threading.Condition()
        self._asked = self._done = 0
        self._trouble: str | None = None
        self._thread: threading.Thread | None = None
        self._read: tuple[int, AlertsFile] | None = None

    def wake(self, done: Appended) -> None:
        """Say that events have come; returns at once."""
        if not done.accepted or not self._file() or not self._bank.settings.record:
            return
        log = self._bank.events.log
        if log.noted(LOOKED) is None:
            # Long before there was a file: left to the nightly run. Other processes may have written meanwhile.
            log.note(LOOKED, str(max(done.last - max(done.accepted, MOST), 0)))
        with self._changed:
            self._asked += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="alerts on events", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wait(self, seconds: float = 60.0) -> str | None:
        """Wait until what has come was looked at; why it could not be, or None."""
        with self._changed:
            wanted = self._asked
            if self._changed.wait_for(lambda: self._done >= wanted, seconds):
                return self._trouble
        return f"the rules of {FILE} have taken more than {seconds:g} seconds"

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._done < self._asked)
                wanted, before = self._asked, self._trouble
            trouble = None
            try:
                self._look()
            except (GraphrecError, OSError) as error:
                trouble = str(error)
                if trouble != before:
                    _LOG.warning("events are kept, and the rules of %s were not asked: %s", FILE, trouble)
            with self._changed:
                self._done, self._trouble = wanted, trouble
                self._changed.notify_all()

    def _file(self) -> AlertsFile | None:
        """The file, read again where it has changed; None: there is nothing to ask."""
        path = self._bank.home.path / FILE
        try:
            changed = path.stat().st_mtime_ns
        except OSError:
            return None
        if self._read is None or self._read[0] != changed:
            try:
                self._read = (changed, read_alerts(path))
            except GraphrecError as error:
                _LOG.warning("%s", error)
                return None
        return self._read[1] if self._read[1].rule else None

    def _look(self) -> None:
        """Ask the rules about all events of the log that nobody has looked at."""
        log = self._bank.events.log
        with locked(log.path.with_name("alerts.lock")):
            while file := self._file():
                after = int(log.noted(LOOKED) or 0)
                latest: dict[str, int] = {}
                for count, logged in enumerate(log.since(after, most=MOST)):
                    if count == MOST:
                        break
                    moment = logged.event.microseconds
                    latest[logged.event.user] = max(latest.get(logged.event.user, moment), moment)
                    after = logged.number
                if not latest:
                    return
                facts = self._bank.events.known().facts
                for user, moment in latest.items():
                    self._ask(file, facts, user, moment + 1)
                log.note(LOOKED, str(after))

    def _ask(self, file: AlertsFile, facts: Snapshot, user: str, as_of: int) -> None:
        place = facts.nodes(facts.schema.roles.user).ids.find(user)
        if place < 0:
            return
        own = self._bank.events.owns(facts, [user]).get(user)
        graph = facts if own is None else with_own(facts, own, for_rules=True)
        asked, users = Facts(graph, as_of, known_before=as_of, held_before=as_of), np.array([place])
        found = [alert for rule in file.rule for alert in by_rule(asked, rule, as_of, users)]
        if found:
            before = alerts_in(entries(self._bank.home.records, user))
            raise_new(self._bank, file, found, before.values())
