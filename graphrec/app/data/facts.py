"""The facts of a home: published when a load ends, and whether the store holds something newer.

facts/latest        which facts answers read
facts/origin.json   what they were read from: a hash over the loads of the store
facts/behind.json   that the store is changed or was changed since; it is there before the first change
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from graphrec.app.maintenance.retention import sweep_snapshots
from graphrec.errors import GraphrecError, StaleFacts
from graphrec.files import make_folder, private_folder, whole_file
from graphrec.graph.folders.facts import Facts, FactsShelf, HeldEvents
from graphrec.graph.folders.meta import TakenEvents
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.languages import Language, language_of
from graphrec.progress import Progress, silent
from graphrec.records.recorder import locked
from graphrec.times import microseconds_of

if TYPE_CHECKING:
    from graphrec.app.bank import Bank
    from graphrec.serving.engine import Engine
    from graphrec.store.base import Store

ORIGIN, BEHIND = "origin.json", "behind.json"
#: What brings facts up to the store.
REMEDY = "run: graphrec refresh"


def publish(home: Home, store: "Store", progress: Progress = silent) -> Facts:
    """The facts of what a store holds now, as those that answers read from now on.

    The snapshot that they are made from becomes the latest one, unless that was chosen by date or from a mapping.

    Raises:
        StoreError: nothing is loaded, a load is not complete, or rows are missing or changed.
    """
    from graphrec.graph.folders.build import write_snapshot
    from graphrec.store.read import current_snapshot, fingerprint, is_chosen, snapshot_inputs, take_snapshot

    with still(home):
        events = take_in_events(home, store, progress)
        shelf, origin = SnapshotShelf(home.snapshots), fingerprint(store)
        if not is_chosen(shelf):
            snapshot = current_snapshot(store, shelf) or take_snapshot(store, shelf, None, progress)
            return publish_snapshot(home, snapshot, origin, events)
        inputs = snapshot_inputs(store, progress)
    make_folder(home.facts)
    with private_folder(home.facts, "fresh") as scratch:
        tables = (inputs.schema, inputs.nodes, inputs.edges, inputs.series, inputs.split)
        return publish_snapshot(home, write_snapshot(scratch / "snapshot", *tables), origin, events)


def take_in_events(home: Home, store: "Store", progress: Progress = silent) -> HeldEvents | None:
    """Bring the events of the home into a store; which of them it holds. None: there are none, and no file covers any.

    Raises:
        StoreError: the store cannot be used.
    """
    from graphrec.events.covered import read_covered
    from graphrec.events.log import EventLog

    covered = read_covered(home)
    log = EventLog(home)
    if not covered and not log.is_there():
        return None
    from graphrec.events.into_store import take_in

    taken = take_in(store, log, covered, progress)
    return None if taken is None else taken.held


@contextmanager
def still(home: Home) -> Iterator[None]:
    """Keep what writes events into the store out while it is read."""
    if not home.events.exists():
        yield
        return
    with locked(home.events.parent, exclusive=True):
        yield


def held_events(home: Home) -> TakenEvents:
    """The events that the newest facts hold."""
    shelf = FactsShelf(home.facts)
    try:
        found = shelf.latest().meta.events if shelf.has_latest() else None
    except GraphrecError:
        found = None
    return found or TakenEvents()


def has_new_events(home: Home) -> bool:
    """Whether the log has events that the newest facts do not hold."""
    from graphrec.events.log import EventLog

    log = EventLog(home)
    return log.is_there() and log.last() > held_events(home).number


def publish_snapshot(home: Home, snapshot: Snapshot, origin: str = "", events: HeldEvents | None = None) -> Facts:
    """The facts of a snapshot, as those that answers read from now on.

    Args:
        origin: a hash over the loads of the store that it was read from; empty: nobody knows.
        events: those of the log that it holds.
    """
    shelf = FactsShelf(home.facts)
    before = shelf.latest() if shelf.has_latest() else None
    same = before is not None and (before.origin, before.as_of) == (snapshot.hash, snapshot.as_of)
    same = same and before is not None and before.meta.events == (None if events is None else events.meta)
    facts = before if before is not None and same else shelf.publish(snapshot, events)
    with whole_file(home.facts / ORIGIN) as temporary:
        temporary.write_text(json.dumps({"store": origin, "facts": facts.hash}) + "\n", "utf-8")
    (home.facts / BEHIND).unlink(missing_ok=True)
    sweep_snapshots(home)
    return facts


@contextmanager
def changing(home: Home, store: "Store", why: str) -> Iterator[None]:
    """Say that the facts are behind while the store is changed, and until they are published.

    A change that fails before it wrote anything leaves them as they were.
    """
    was_behind = (home.facts / BEHIND).exists()
    make_folder(home.facts)
    with whole_file(home.facts / BEHIND) as temporary:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        temporary.write_text(json.dumps({"since": since, "why": why}) + "\n", "utf-8")
    try:
        yield
    except BaseException:
        with suppress(GraphrecError):
            if not was_behind and is_current(home, store):
                (home.facts / BEHIND).unlink(missing_ok=True)
        raise


def is_current(home: Home, store: "Store") -> bool:
    """Whether the facts were read from what a store holds.

    Raises:
        StoreError: it cannot be asked.
    """
    from graphrec.store.read import fingerprint

    try:
        origin = json.loads((home.facts / ORIGIN).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(origin.get("store")) and origin["store"] == fingerprint(store)


def behind(home: Home, language: Language | None = None) -> str | None:
    """That the store was changed after the facts were published, in one sentence; None where nobody knows of it.

    Args:
        language: of the sentence; None: English.
    """
    path = Home(home.path).facts / BEHIND
    try:
        found = json.loads(path.read_text("utf-8"))
        since, why = str(found["since"]), str(found["why"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        since, why = "a day that nobody knows", "something"
    say = (language or language_of("en")).say
    return say("notes.store_newer", why=why, date=since.replace("T", " ")[:16])


def stale(home: Home, language: Language | None = None) -> tuple[str, ...]:
    """What an answer says of facts that are behind the store.

    Args:
        language: of the sentence; None: English.
    """
    line = behind(home, language)
    return () if line is None or home.as_of is not None else (line,)


def check_age(engine: "Engine", max_age: int | None) -> None:
    """Stop where the facts of an engine are older than the settings allow.

    Raises:
        StaleFacts: they are.
    """
    last = engine.snapshot.as_of or engine.snapshot.meta.last
    if max_age is None or engine.now is None or last is None:
        return
    age = timedelta(microseconds=engine.now - microseconds_of(datetime.fromisoformat(last)))
    if age > timedelta(days=max_age):
        raise StaleFacts(
            f"the facts go until {last[:10]}, {age.days} days before the date of the answer, and max_age allows "
            f"{max_age}; load newer files: graphrec refresh"
        )


def check_current(bank: "Bank", home: Home) -> None:
    """Stop where the store is newer than the facts; a server is asked, since others may have loaded into it.

    Raises:
        StaleFacts: it is.
    """
    from graphrec.store import is_server, open_store

    if home.as_of is not None:
        return
    if line := behind(home):
        raise StaleFacts(line)
    if is_server(bank.settings.store) and (home.facts / ORIGIN).exists():
        with open_store(bank.settings.store, home.store, bank.settings.login) as store:
            if not is_current(home, store):
                raise StaleFacts(f"{store.address} is newer than the facts: somebody loaded into it; {REMEDY}")
