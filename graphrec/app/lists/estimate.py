"""What an export would take, from the lists of a sample of its users that are made and thrown away."""

import os
import resource
import sys
import time
from collections.abc import Sequence

from graphrec.app.bank import Bank
from graphrec.app.jobs import Export
from graphrec.app.lists.cluster import LOCAL
from graphrec.app.lists.deliver import chosen_users, options_of, process_count
from graphrec.app.models import in_force
from graphrec.app.recording import engine_of
from graphrec.app.results import EstimatedExport
from graphrec.app.views import viewer
from graphrec.delivery.rows import Rows, Run
from graphrec.delivery.sinks import sink_for
from graphrec.errors import UsageError
from graphrec.records.decision import Request, entries_of
from graphrec.schema import EXACT
from graphrec.serving.drawn import drawn_lists

FIRST = 16
"""Users whose lists are made before the clock runs: they open files and compile."""


def estimate_export(bank: Bank, request: Export) -> EstimatedExport:
    """The processor time and memory of an export; nothing is written, and nothing recorded.

    Raises:
        UsageError: no sink, or an unknown one, is named, or nobody is chosen.
    """
    spec, _ = sink_for(request.out, request.to)
    settings, home = bank.settings, bank.home_at(request.as_of, no_policy=request.no_policy)
    in_force.check(home, request.model, accept=request.accept_missing)
    view, options = request.view or settings.view, options_of(settings, request, spec)
    asked = Request("export", request.k, options, home.as_of, request.occasion, settings.actor)
    engine = engine_of(bank, home, request.model, request.occasion, every=True)
    users = chosen_users(engine, request)
    if not users:
        raise UsageError("--estimate: no user is chosen; leave out --users or --where")
    seen = None if view == EXACT else viewer(bank, view, engine.reasons_in(options.language, options.voice).sentences)
    rows = Rows(engine, Run.of(engine, request.k, options, request.valid_days), seen)
    is_recorded = request.record and settings.record

    def made(some: Sequence[int]) -> int:
        answers = list(drawn_lists(engine, some, request.k, options))
        batch = rows.batch(answers, [None] * len(answers))
        if is_recorded:
            entries_of(engine, asked, answers, None)
        return batch.counts[0]

    made(users[:FIRST])
    some = _spread(users, spec.chunk)
    began = time.process_time()
    count = made(some)
    each = len(users) / len(some)
    seconds = (time.process_time() - began) * each
    processes = process_count(request, users, spec)
    if request.on in (None, LOCAL):
        processes = max(1, min(processes, os.cpu_count() or 1))
    elif request.workers is None:
        processes = 1  # nobody knows how many the cluster has
    return EstimatedExport(
        len(users), len(some), round(count * each), seconds, processes, seconds / processes, _peak(), is_recorded
    )


def _spread(users: Sequence[int], most: int) -> list[int]:
    """At most so many of the users, evenly from first to last."""
    count = min(len(users), most)
    return [users[place * len(users) // count] for place in range(count)]


def _peak() -> int:
    """Bytes that this process has had in memory at once, mapped files that it has read among them."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
