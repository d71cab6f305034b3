"""The log of events: SQLite in the home, appended to by any process, durable before anything is acknowledged.

Threads that append at once commit together: one of them waits for its turn among threads and processes, and then writes
what all of them have brought by then.
Rows are of one person each, so that a person's can be deleted; numbers are never used twice.
"""

import hashlib
import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from graphrec.errors import EventRefused, SettingsError
from graphrec.events.event import Event
from graphrec.files import locked, whole_file
from graphrec.home import Home

#: What the note of how much waits in a topic begins with.
LAG = "lag of "
#: What the note of when a consumer was last seen begins with.
SEEN = "seen "
#: What the note of the last event that a store has begins with.
ONWARD = "written to "
#: Seconds that an appender waits for another process.
PATIENCE = 30.0
_SCHEMA = """
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, user TEXT NOT NULL, type TEXT NOT NULL,
    at INTEGER NOT NULL, received INTEGER NOT NULL, content BLOB NOT NULL
);
CREATE INDEX events_of_user ON events (user, number);
CREATE TABLE dead (
    number INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, place TEXT NOT NULL, kind TEXT NOT NULL,
    reason TEXT NOT NULL, received INTEGER NOT NULL, content BLOB NOT NULL, UNIQUE (source, place, content)
);
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_DECODER = msgspec.json.Decoder(Event)


@dataclass(frozen=True)
class Logged:
    """An event of the log."""

    number: int
    """Of the log: later events have larger ones."""
    received: int
    """When it was acknowledged, by the clock: microseconds since 1970."""
    event: Event


@dataclass(frozen=True)
class DeadLetter:
    """What was sent and is no event that counts."""

    source: str
    """Where it came from, such as events.jsonl or kafka://HOST/TOPIC."""
    place: str
    """Its line, or partition and offset."""
    kind: str
    reason: str
    content: bytes


@dataclass(frozen=True)
class Appended:
    """What became of some events."""

    accepted: int
    duplicates: int
    last: int
    """Number of the last event of the log."""


@dataclass
class _Waiting:
    """Events of one caller on their way to the disk."""

    events: Sequence[tuple[Event, bytes]]
    dead: Sequence[DeadLetter]
    done: Appended | None = None
    error: BaseException | None = None


class EventLog:
    """The log of a home; threads may share it, and any number of processes.

    Raises (when it is used):
        SettingsError: the file cannot be used.
    """

    def __init__(self, home: Home) -> None:
        self.path: Path = home.events
        self._local = threading.local()
        self._queue: list[_Waiting] = []
        self._gate, self._writer = threading.Lock(), threading.Lock()

    def is_there(self) -> bool:
        """Whether anything was ever logged."""
        return self.path.exists()

    def append(self, events: Sequence[Event], dead: Sequence[DeadLetter] = ()) -> Appended:
        """Keep events, whole or not at all; they are on the disk when this returns.

        An event whose id is there already with the same content counts once and is acknowledged again.

        Args:
            dead: what is kept beside them in the same step.

        Raises:
            EventRefused: an id is there with another content; nothing was kept.
        """
        mine = _Waiting([(event, event.content()) for event in events], dead)
        with self._gate:
            self._queue.append(mine)
        with self._writer:
            if mine.done is None and mine.error is None:
                self._commit()
        if mine.error is not None:
            raise mine.error
        assert mine.done is not None, "it was committed"
        return mine.done

    def of_user(self, user: str, after: int = 0) -> list[Logged]:
        """The events of one customer with larger numbers than `after`, in the order in which they came."""
        if not self.is_there():
            return []
        rows = self._connection().execute(
            "SELECT number, received, content FROM events WHERE user = ? AND number > ? ORDER BY number", (user, after)
        )
        return [Logged(number, received, _DECODER.decode(content)) for number, received, content in rows.fetchall()]

    def last_of(self, user: str) -> int:
        """The number of the last event of a customer; 0: there is none."""
        if not self.is_there():
            return 0
        rows = self._connection().execute("SELECT coalesce(max(number), 0) FROM events WHERE user = ?", (user,))
        return int(rows.fetchone()[0])

    def since(self, number: int = 0, upto: int | None = None, most: int = 10_000) -> Iterator[Logged]:
        """All events with larger numbers, in their order; those that come meanwhile are among them.

        Args:
            upto: none beyond this number.
            most: rows that are read at once.
        """
        while self.is_there():
            rows = self._connection().execute(
                "SELECT number, received, content FROM events WHERE number > ? AND number <= ? ORDER BY number LIMIT ?",
                (number, upto if upto is not None else 2**62, most),
            )
            found = [Logged(one, received, _DECODER.decode(content)) for one, received, content in rows.fetchall()]
            yield from found
            if len(found) < most:
                return
            number = found[-1].number

    def last(self) -> int:
        """The number of the last event; 0: there is none."""
        if not self.is_there():
            return 0
        found = self._connection().execute("SELECT coalesce(max(number), 0) FROM events").fetchone()
        return int(found[0])

    def users(self, after: int = 0) -> list[str]:
        """The customers with events after a number."""
        if not self.is_there():
            return []
        rows = self._connection().execute("SELECT DISTINCT user FROM events WHERE number > ? ORDER BY user", (after,))
        return [row[0] for row in rows.fetchall()]

    def identity(self) -> str:
        """What tells this log from that of another home; empty: there is none."""
        if not self.is_there():
            return ""
        return str(self._connection().execute("SELECT value FROM about WHERE name = 'log'").fetchone()[0])

    def marks(self, upto: int) -> NDArray[np.uint64]:
        """The marks of all events up to a number, ascending: see `mark`."""
        if not self.is_there():
            return np.zeros(0, np.uint64)
        rows = self._connection().execute("SELECT id FROM events WHERE number <= ?", (upto,))
        return np.sort(np.array([mark(row[0]) for row in rows], np.uint64))

    def dead(self, most: int = 1000) -> list[DeadLetter]:
        """The last dead letters, oldest first."""
        if not self.is_there():
            return []
        rows = self._connection().execute(
            "SELECT source, place, kind, reason, content FROM dead ORDER BY number DESC LIMIT ?", (most,)
        )
        return [DeadLetter(*row) for row in reversed(rows.fetchall())]

    def counts(self) -> tuple[int, int]:
        """How many events and how many dead letters there are."""
        if not self.is_there():
            return 0, 0
        found = self._connection().execute("SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM dead)")
        events, dead = found.fetchone()
        return int(events), int(dead)

    def erase(self, users: Collection[str]) -> tuple[int, int]:
        """Take the events and dead letters of some customers out of the log; no page of the file holds them afterwards.

        Returns:
            How many events and how many dead letters went.
        """
        if not self.is_there():
            return 0, 0
        mentions = [one.encode() for user in users for one in _written(user)]
        with self._transaction() as connection:
            connection.execute("PRAGMA secure_delete = ON")
            events = sum(connection.execute("DELETE FROM events WHERE user = ?", (user,)).rowcount for user in users)
            rows = connection.execute("SELECT number, content FROM dead").fetchall()
            letters = [(number,) for number, content in rows if any(one in bytes(content) for one in mentions)]
            connection.executemany("DELETE FROM dead WHERE number = ?", letters)
        try:
            connection = self._connection()
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise self._broken(error) from error
        return events, len(letters)

    def note(self, name: str, value: str) -> None:
        """Remember something about the log."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))

    def noted(self, name: str) -> str | None:
        """What was remembered; None: nothing."""
        if not self.is_there():
            return None
        found = self._connection().execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return None if found is None else str(found[0])

    def notes(self, start: str) -> dict[str, str]:
        """What was remembered under names that begin so, by the rest of the name."""
        if not self.is_there():
            return {}
        rows = self._connection().execute("SELECT name, value FROM about ORDER BY name").fetchall()
        return {name.removeprefix(start): value for name, value in rows if name.startswith(start)}

    def _taken(self) -> list[_Waiting]:
        """All who wait by now; nobody waits afterwards."""
        with self._gate:
            found, self._queue = self._queue, []
        return found

    def _commit(self) -> None:
        """Write what all who wait have brought in one transaction; one whose events are refused leaves the others."""
        group: list[_Waiting] = []
        try:
            with self._transaction() as connection:
                # Others have come while this process waited for its turn: they are written too.
                group = self._taken()
                results = [(one, _insert(connection, one)) for one in group]
                last = int(connection.execute("SELECT coalesce(max(number), 0) FROM events").fetchone()[0])
            for one, result in results:
                if isinstance(result, EventRefused):
                    one.error = result
                else:
                    one.done = Appended(result.accepted, result.duplicates, last)
        except BaseException as error:  # noqa: BLE001 - each caller gets it
            for one in group or self._taken():
                one.error = error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection(make=True)
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def _connection(self, *, make: bool = False) -> sqlite3.Connection:
        """The connection of this thread."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            try:
                found = self._local.connection = self._connected(make=make)
            except sqlite3.Error as error:
                raise self._broken(error) from error
        return found

    def _connected(self, *, make: bool) -> sqlite3.Connection:
        if make and not self.path.exists():
            self._make()
        connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)
        connection.execute("PRAGMA synchronous = FULL")
        if not connection.execute("PRAGMA user_version").fetchone()[0]:
            connection.close()
            raise sqlite3.DatabaseError("it is empty or another program's file")
        return connection

    def _make(self) -> None:
        """Put an empty log in its place whole: no process ever opens one that is half made."""
        with locked(self.path.with_name("making")):
            if self.path.exists():
                return
            with whole_file(self.path) as new, closing(sqlite3.connect(new, isolation_level=None)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                made = f"INSERT INTO about VALUES ('log', '{uuid.uuid4().hex}'); PRAGMA user_version = 1;"
                connection.executescript(f"BEGIN; {_SCHEMA} {made} COMMIT;")

    def _broken(self, error: sqlite3.Error) -> SettingsError:
        return SettingsError(f"the log of events {self.path} cannot be used: {error}; restore it from a backup")


def _insert(connection: sqlite3.Connection, waiting: _Waiting) -> Appended | EventRefused:
    """What becomes of the events of one caller, in a transaction of several; refused ones leave nothing."""
    now = time.time_ns() // 1000
    connection.execute("SAVEPOINT caller")
    accepted = 0
    for event, content in waiting.events:
        there = connection.execute("SELECT content FROM events WHERE id = ?", (event.id,)).fetchone()
        if there is None:
            row = (event.id, event.user, event.type, event.microseconds, now, content)
            connection.execute(
                "INSERT INTO events (id, user, type, at, received, content) VALUES (?, ?, ?, ?, ?, ?)", row
            )
            accepted += 1
        elif there[0] != content:
            connection.execute("ROLLBACK TO caller")
            connection.execute("RELEASE caller")
            return EventRefused(
                "conflict", f"event {event.id!r} was sent before with another content; give it an id of its own"
            )
    for letter in waiting.dead:
        dead = (letter.source, letter.place, letter.kind, letter.reason, now, letter.content)
        columns = "source, place, kind, reason, received, content"
        connection.execute(f"INSERT OR IGNORE INTO dead ({columns}) VALUES (?, ?, ?, ?, ?, ?)", dead)
    connection.execute("RELEASE caller")
    return Appended(accepted, len(waiting.events) - accepted, 0)


def _written(user: str) -> set[str]:
    """The id of a customer as a text in JSON."""
    return {json.dumps(user), json.dumps(user, ensure_ascii=False)}


def mark(event_id: str) -> int:
    """A number of 64 bits that stands for an event, in facts that hold it."""
    return int.from_bytes(hashlib.blake2b(event_id.encode(), digest_size=8).digest(), "big")
