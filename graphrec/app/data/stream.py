"""Feeds of events: a file, or a topic of Kafka, into the log."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from graphrec import log
from graphrec.app.data.events import Consumed, consume_file
from graphrec.app.data.events import consume as take
from graphrec.app.jobs import Consume
from graphrec.config.settings import BrokerLogin
from graphrec.events.log import LAG, SEEN, EventLog
from graphrec.progress import Progress

if TYPE_CHECKING:
    from graphrec.app.bank import Bank

TOPICS = ("kafka://", "kafka+s://")
#: Seconds between two notes of how much waits, and of a consumer that lives while nothing changes.
NOTED, ALIVE = 1.0, 10.0


def consume(bank: Bank, request: Consume, progress: Progress) -> Consumed:
    """The events of a feed; a topic goes on until the process is asked to stop."""
    bank.home.prepare()
    with log.stage("consume", source=request.source) as stage:
        if request.source.startswith(TOPICS):
            done = _topic(bank, request, progress)
        else:
            done = consume_file(bank, Path(request.source), progress)
        if trouble := bank.onward.wait():
            bank.on_note(f"events are kept, and not in the store yet: {trouble}")
        if trouble := bank.watching.wait():
            bank.on_note(f"events are kept, and the rules of alerts.toml were not asked: {trouble}")
        stage.count(read=done.read, accepted=done.accepted, duplicates=done.duplicates, dead=done.dead)
    return done


def _topic(bank: Bank, request: Consume, progress: Progress) -> Consumed:
    from graphrec.events.stream import Stream, Topic

    total, topic = Consumed(request.source), Topic.parse(request.source)
    stream = Stream(topic, request.group, request.member, BrokerLogin.from_environment())
    notes = _Notes(bank.events.log, request.source)
    try:
        with _until_stopped() as stop:
            for batch in stream.batches(stop, request.idle):
                if batch:
                    total = total.plus(len(batch), *take(bank, request.source, batch))
                    stream.commit()
                    progress("events", total.read, None)
                notes.add(stream.lag())
        notes.add(stream.lag(), at_once=True)
    finally:
        stream.close()
    return total


class _Notes:
    """Tells those who watch how much waits in a topic, and that its consumer lives."""

    def __init__(self, log: EventLog, source: str) -> None:
        self._log, self._source = log, source
        self._last: tuple[int, float] | None = None

    def add(self, waiting: int, *, at_once: bool = False) -> None:
        """Note it, at most once a second, and seldom where nothing changes."""
        now = time.monotonic()
        if self._last is not None and not at_once:
            pause = NOTED if waiting != self._last[0] else ALIVE
            if now - self._last[1] < pause:
                return
        self._log.note(f"{LAG}{self._source}", str(waiting))
        self._log.note(f"{SEEN}{self._source}", str(int(time.time())))
        self._last = waiting, now


@contextmanager
def _until_stopped() -> Iterator[Callable[[], bool]]:
    """Whether SIGTERM or SIGINT came: what was taken is kept and committed before the end."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped.is_set
        return
    before = {one: signal.signal(one, lambda *_: stopped.set()) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopped.is_set
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
