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
from graphrec.app.events import Consumed, consume_file
from graphrec.app.events import consume as take
from graphrec.app.jobs import Consume
from graphrec.events.log import LAG
from graphrec.progress import Progress

if TYPE_CHECKING:
    from graphrec.app.bank import Bank

KAFKA = "kafka://"
#: Seconds between two notes of how much waits.
NOTED = 1.0


def consume(bank: Bank, request: Consume, progress: Progress) -> Consumed:
    """The events of a feed; a topic goes on until the process is told to stop."""
    bank.home.prepare()
    with log.stage("consume", source=request.source) as stage:
        if request.source.startswith(KAFKA):
            done = _topic(bank, request, progress)
        else:
            done = consume_file(bank, Path(request.source), progress)
        if trouble := bank.onward.wait():
            bank.on_note(f"events are kept, and not in the store yet: {trouble}")
        stage.count(read=done.read, accepted=done.accepted, duplicates=done.duplicates, dead=done.dead)
    return done


def _topic(bank: Bank, request: Consume, progress: Progress) -> Consumed:
    from graphrec.events.stream import Stream, Topic

    total, stream = Consumed(request.source), Stream(Topic.parse(request.source), request.group)
    noted = 0.0
    try:
        with _until_told() as stop:
            for batch in stream.batches(stop, request.idle):
                total = total.plus(len(batch), *take(bank, request.source, batch))
                stream.commit()
                progress("events", total.read, None)
                if time.monotonic() - noted > NOTED:
                    bank.events.log.note(f"{LAG}{request.source}", str(stream.lag()))
                    noted = time.monotonic()
        bank.events.log.note(f"{LAG}{request.source}", str(stream.lag()))
    finally:
        stream.close()
    return total


@contextmanager
def _until_told() -> Iterator[Callable[[], bool]]:
    """Whether SIGTERM or SIGINT came: what was taken is kept and committed before the end."""
    told = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield told.is_set
        return
    before = {one: signal.signal(one, lambda *_: told.set()) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield told.is_set
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
