"""Events go on into a store that is a server, at once: a thread writes what comes, and Cypher sees it.

The log is what counts: what a server cannot take now it gets at the next try, or with the next load.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from graphrec.app.data.facts import still
from graphrec.errors import GraphrecError
from graphrec.events.log import ONWARD
from graphrec.extras import needs_extra
from graphrec.store import is_server, open_store

if TYPE_CHECKING:
    from graphrec.app.bank import Bank

#: Seconds between two writes at least, and after one that failed.
PAUSE, RETRY = 0.2, 5.0
_LOG = logging.getLogger("graphrec.events")


class Onward:
    """What writes the events of a bank on into its server; nothing where the store is embedded."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._changed = threading.Condition()
        self._asked = self._tried = 0
        self._trouble: str | None = None
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Say that events have come; returns at once."""
        if not is_server(self._bank.settings.store):
            return
        with self._changed:
            self._asked += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="events to the store", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wait(self, seconds: float = 60.0) -> str | None:
        """Wait until what has come was written; why it could not be, or None."""
        with self._changed:
            wanted = self._asked
            if self._changed.wait_for(lambda: self._tried >= wanted, seconds):
                return self._trouble
        return f"{self._bank.settings.store} has taken more than {seconds:g} seconds"

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._tried < self._asked, None if self._trouble is None else RETRY)
                wanted, before = self._asked, self._trouble
            began = time.monotonic()
            trouble = self._written()
            if trouble is not None and trouble != before:
                _LOG.warning("events are kept, and not in the store yet: %s", trouble)
            with self._changed:
                self._tried, self._trouble = wanted, trouble
                self._changed.notify_all()
            # Counting the rows of a large store takes a while: half of the time is left to others.
            time.sleep(max(PAUSE, time.monotonic() - began))

    def _written(self) -> str | None:
        """Write what the store does not have; why that failed, or None."""
        try:
            with needs_extra("neo4j", "a store on a server"):
                write_on(self._bank)
        except (GraphrecError, OSError) as error:
            return str(error)
        return None


def write_on(bank: Bank) -> None:
    """Write the events of the log that the server does not have.

    Raises:
        StoreError: it cannot be used, or a load holds it.
    """
    from graphrec.events.covered import read_covered
    from graphrec.events.into_store import write_on as write

    home, log, name = bank.home, bank.events.log, f"{ONWARD}{bank.settings.store}"
    with still(home):
        after = int(log.noted(name) or 0)
        if log.last() > after:
            with open_store(bank.settings.store, home.store, bank.settings.login) as store:
                log.note(name, str(write(store, log, read_covered(home), after)))
