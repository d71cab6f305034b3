"""What changed in a home since its live model was fitted, and since the lists of a window ago, beside its limits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from graphrec.app.bank import Bank
from graphrec.app.campaigns.outcomes import happened
from graphrec.app.jobs import Monitor
from graphrec.app.recording import record_event
from graphrec.app.results import Monitored
from graphrec.errors import NotTrained, UnknownId, UsageError
from graphrec.files import whole_file
from graphrec.graph.folders.facts import FactsShelf
from graphrec.graph.folders.shelf import DIGITS, SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.monitoring.history import Run, keep, read, rendered
from graphrec.monitoring.inputs import DAY, inputs, last_day
from graphrec.monitoring.limits import MonitorFile, read_monitor
from graphrec.monitoring.lists import Window, lists, outcomes
from graphrec.monitoring.measure import Measure, measured, worst
from graphrec.monitoring.operations import Decided, Times, latency, overrides
from graphrec.monitoring.tell import is_told, tell
from graphrec.outcomes.impressions import Impression, impressions, is_list, joined, shown_at
from graphrec.policy.facts import microseconds
from graphrec.progress import Progress
from graphrec.records.read import entries
from graphrec.terms.folder import latest, read_meta
from graphrec.times import moment_of

FILE = "monitor.toml"
DECISION = "decision"
"""How the record calls what an adviser decided of a statement."""


def monitor(bank: Bank, request: Monitor, progress: Progress) -> Monitored:
    """Every measure of the home, in the order inputs, lists, outcomes, service, age."""
    home, file = bank.home, read_monitor(bank.home.path / FILE)
    shelf, now = SnapshotShelf(home.snapshots), bank.now()
    after, model = shelf.latest(), _live(home)
    before = _before(bank, shelf, request.against, model)
    notes = []
    if before.hash == after.hash:
        notes.append("inputs are those that the live model was fitted on: nothing can have moved")
    found = [
        *inputs(before, after, file.limits, file.window_days),
        *_shown(bank, file, now, after.schema.roles.min_group, progress),
        *_ages(home, after, model, file, now),
    ]
    state = worst(one.state for one in found)
    content = {
        "did": "monitor", "state": state, "before": before.hash, "after": after.hash,
        "faults": [f"{one.name} {one.about}: {one.value:.4g}" for one in found if one.is_fault],
    }  # fmt: skip
    number, more = record_event(bank, "monitor", content, wanted=request.record)
    day = moment_of(now)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    run = Run(at, f"{day:%Y-%m-%d}", state, model, tuple(found))
    folder = home.path / "reports"
    if request.record:
        keep(folder, run)
    if request.page is not None:
        with whole_file(request.page) as temporary:
            temporary.write_text(rendered([*read(folder), *([] if request.record else [run])]), "utf-8")
    if request.tell and is_told(file.tell, run):
        notes += [f"told: {one}" for one in tell(file.tell, run, folder / "refused")]
    return Monitored(
        f"{day:%Y-%m-%d}", file.window_days, before.hash, after.hash, model, state, tuple(found), number,
        (*notes, *more),
    )  # fmt: skip


def monitored(bank: Bank) -> tuple[Run, ...]:
    """Every run that was kept, oldest first."""
    return tuple(read(bank.home.path / "reports"))


def _live(home: Home) -> str | None:
    try:
        return latest(home).name
    except NotTrained:
        return None


def _before(bank: Bank, shelf: SnapshotShelf, against: str | None, model: str | None) -> Snapshot:
    """What the inputs are compared with."""
    if against is None:
        if model is None:
            raise NotTrained("there is no model that inputs can be compared with: graphrec train, or --against DATE")
        return shelf.of_hash(read_meta(bank.home.models / model).snapshot)
    try:
        dated = SnapshotShelf(bank.home_at(against).snapshots)
    except UsageError:
        found = sorted({name for name in shelf.names() if name.startswith(against[:DIGITS])})
        if len(found) != 1:
            there = ", ".join(shelf.names())
            raise UnknownId(f"--against {against} names {len(found)} snapshots; there are {there}") from None
        return shelf.of_hash(found[0].partition("-")[0])
    if not dated.has_latest():
        raise NotTrained(f"there is no snapshot as of {against}; run: graphrec snapshot --as-of {against}")
    return dated.latest()


def _shown(bank: Bank, file: MonitorFile, now: int, min_group: int, progress: Progress) -> Iterator[Measure]:
    """What moved in the lists, and in what came of those that are a window old."""
    span, end = file.window_days * DAY, now + DAY
    recent, earlier = Window(end - span, end), Window(end - 2 * span, end - span)
    shown: list[Impression] = []
    decided = Decided(end - 2 * span, end - span), Decided(end - span, end)
    for done, entry in enumerate(entries(bank.home.records), start=1):
        if is_list(entry) and end - 3 * span <= shown_at(entry) < end:
            recent.add(entry)
            earlier.add(entry)
            if shown_at(entry) < end - span:
                shown += impressions([entry])
        elif entry.shared["request"]["command"] == DECISION and not entry.is_erased:
            for one in decided:
                one.add(microseconds(entry.shared["recorded_at"]), str(entry.entry["event"].get("outcome")))
        if not done % 1000:
            progress("entries", done, None)
    yield from lists(earlier, recent, file.limits, min_group)
    events = happened(bank, {one.user for one in shown})
    older, newer = (
        joined([one for one in shown if start <= one.at < start + span], events, timedelta(days=file.window_days))
        for start in (end - 3 * span, end - 2 * span)
    )
    yield outcomes(older, newer, file.success, file.limits)
    yield overrides(*decided, file.limits)
    yield from latency(Times.read(bank.home.logs, end - 2 * span, end - span, end), file.limits)


def _ages(home: Home, after: Snapshot, model: str | None, file: MonitorFile, now: int) -> Iterator[Measure]:
    """How old the data is, and how much of it the model has not seen."""
    facts = FactsShelf(home.facts)
    last = last_day(facts.latest() if facts.has_latest() else after)
    age = None if last is None else max(0.0, (now - last) / DAY)
    yield measured("age", "data_age", "facts", age, file.limits, note="days since the last event")
    if model is None:
        return
    fitted = last_day(SnapshotShelf(home.snapshots).of_hash(read_meta(home.models / model).snapshot))
    unseen = None if last is None or fitted is None else max(0.0, (last - fitted) / DAY)
    yield measured("age", "model_age", model, unseen, file.limits, note="days of data after those it was fitted on")
