"""The log: whole, once, of all processes."""

import sqlite3
import threading
import time
import uuid
from contextlib import closing
from pathlib import Path

import pytest

from graphrec.errors import EventRefused, SettingsError
from graphrec.events.event import Event, event_of
from graphrec.events.log import DeadLetter, EventLog
from graphrec.home import Home


def event(number: int, **other: object) -> Event:
    return event_of({"id": f"e{number}", "user": "u", "type": "viewed", "at": "2025-01-01", **other})


def test_an_event_counts_once_however_often_it_is_sent(tmp_path: Path) -> None:
    log = EventLog(Home(tmp_path))
    assert not log.is_there()
    assert log.append([event(1), event(2), event(1)]).accepted == 2
    again = EventLog(Home(tmp_path)).append([event(2), event(3)])
    assert (again.accepted, again.duplicates, again.last) == (1, 1, 3)
    assert [one.event.id for one in log.since()] == ["e1", "e2", "e3"]
    assert [one.number for one in log.of_user("u", after=1)] == [2, 3]


def test_an_id_with_another_content_is_refused_and_nothing_beside_it_is_kept(tmp_path: Path) -> None:
    log = EventLog(Home(tmp_path))
    log.append([event(1, at="2025-01-01T00:00:00+00:00")])
    assert log.append([event(1)]).duplicates == 1, "the same time in another form"
    with pytest.raises(EventRefused, match="'e1' was sent before with another content") as refused:
        log.append([event(2), event(1, product="p")], [DeadLetter("file", "1", "malformed", "why", b"{")])
    assert refused.value.kind == "conflict"
    assert (log.last(), log.dead()) == (1, [])


def test_threads_and_their_events_commit_together_and_apart(tmp_path: Path) -> None:
    log = EventLog(Home(tmp_path))
    log.append([event(0, product="one")])
    refused = []

    def send(start: int) -> None:
        for number in range(start, start + 25):
            log.append([event(number)])
        try:
            log.append([event(0, product="another")])
        except EventRefused:
            refused.append(start)

    threads = [threading.Thread(target=send, args=(1 + 25 * n,)) for n in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(refused) == [1, 26, 51, 76]
    assert sorted(int(one.event.id[1:]) for one in log.since(most=7)) == list(range(101))


def test_a_log_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, seen, name = EventLog(Home(tmp_path)), [], uuid.uuid4()

    def in_the_midst() -> uuid.UUID:
        seen.append((reader.is_there(), reader.last()))
        return name

    monkeypatch.setattr(uuid, "uuid4", in_the_midst)
    EventLog(Home(tmp_path)).append([event(1)])
    assert seen == [(False, 0)]
    assert (reader.last(), reader.identity()) == (1, name.hex)


def test_a_log_that_was_emptied_is_no_new_log(tmp_path: Path) -> None:
    log = EventLog(Home(tmp_path))
    log.path.parent.mkdir()
    log.path.touch()
    for use in (log.last, lambda: log.append([event(1)])):
        with pytest.raises(SettingsError, match="it is empty or another program's file; restore it from a backup"):
            use()


def test_threads_that_append_while_another_process_writes_share_a_commit(tmp_path: Path) -> None:
    log = EventLog(Home(tmp_path))
    log.append([event(0)])
    commits: list[str] = []

    def send(number: int) -> None:
        log._connection().set_trace_callback(lambda said: commits.append(said) if said == "COMMIT" else None)
        assert log.append([event(number)]).accepted == 1

    threads = [threading.Thread(target=send, args=(number,)) for number in range(1, 9)]
    with closing(sqlite3.connect(log.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for one in threads:
            one.start()
        until = time.monotonic() + 30
        while len(log._queue) < len(threads) and time.monotonic() < until:
            time.sleep(0.001)
        other.execute("COMMIT")
    for one in threads:
        one.join()
    assert sorted(int(one.event.id[1:]) for one in log.since()) == list(range(9))
    assert commits == ["COMMIT"]


@pytest.mark.parametrize(
    ("content", "kind", "told"),
    [
        (b"{", "malformed", "this is no JSON"),
        (b"\xff", "malformed", "this is no JSON"),
        (b"[]", "malformed", "Expected `object`"),
        (b'{"id": "1", "user": "u", "type": "viewed"}', "missing", "missing required field `at`"),
        (b'{"id": "1", "user": "u", "type": "viewed", "at": "2025-01-01", "prodct": "p"}', "malformed", "prodct"),
        (b'{"id": "", "user": "u", "type": "viewed", "at": "2025-01-01"}', "malformed", "length >= 1"),
        (b'{"id": "1", "user": "u", "type": "viewed", "at": "31/02/2024"}', "bad-value", "is no time"),
        (b'{"id": "1", "user": "u", "type": "viewed", "at": "2025-01-01", "quantity": "3"}', "malformed", "quantity"),
    ],
)
def test_what_is_no_event_is_refused_in_one_line(content: bytes, kind: str, told: str) -> None:
    with pytest.raises(EventRefused, match=told) as refused:
        event_of(content)
    assert refused.value.kind == kind
    assert "\n" not in str(refused.value)
