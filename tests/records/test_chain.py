"""The chain: every byte counts, what is missing is named, and a killed process loses nothing."""

import json
import math
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from graphrec.errors import RecordError, UnknownId, UsageError
from graphrec.graph.asked import Asked
from graphrec.policy.compiled import RuleOutcomes
from graphrec.records import recorder as recorder_module
from graphrec.records.blocks import HEAD, Head, blocks, entry_bytes, segments
from graphrec.records.read import entries, entry_of
from graphrec.records.recorder import Recorder
from graphrec.records.verify import Anchor, verify
from graphrec.serving.answer import Line, Node

SHARED = {"model": "m"}


def some(count: int, start: int = 1) -> list[dict[str, object]]:
    return [{"user": f"C{n:03}", "score": n / 7} for n in range(start, start + count)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A record of three blocks: entries 1, 2 to 4, 5."""
    recorder = Recorder(tmp_path / "records")
    assert recorder.append(SHARED, some(1)) == range(1, 2)
    assert recorder.append(SHARED, some(3, 2)) == range(2, 5)
    assert recorder.append(SHARED, some(1, 5)) == range(5, 6)
    return recorder.folder


def file_of(folder: Path) -> Path:
    (path,) = segments(folder)
    return path


def cut(folder: Path) -> list[bytes]:
    """The bytes of every block."""
    data = file_of(folder).read_bytes()
    return [data[block.offset : block.end] for block in blocks(segments(folder))]


def problems(folder: Path, anchor: Anchor | None = None) -> list[str]:
    return verify(folder, anchor).problems


def test_entries_come_back_by_number_and_the_last_first(folder: Path) -> None:
    assert [entry_of(folder, n).entry["user"] for n in (1, 3, 5)] == ["C001", "C003", "C005"]
    assert [entry.number for entry in entries(folder)] == [5, 4, 3, 2, 1]
    assert entry_of(folder, 4).to_json() == {
        "record": 4, "hash": entry_of(folder, 4).hash, "block": 2, **SHARED, **some(1, 4)[0],
    }  # fmt: skip
    with pytest.raises(UnknownId, match=r"has no entry 6, it ends with entry 5; list them with: graphrec record list"):
        entry_of(folder, 6)


def test_a_record_as_it_was_written_has_no_problems(folder: Path) -> None:
    found = verify(folder)
    assert (found.entries, found.blocks, found.problems, found.notes) == (5, 3, [], [])
    head = Head.read(folder)
    assert head is not None
    assert (head.block, head.entries, head.hash, head.size) == (3, 5, found.hash, file_of(folder).stat().st_size)
    assert problems(folder, Anchor.parse(head.anchor)) == []


def test_an_empty_record_has_no_problems(tmp_path: Path) -> None:
    assert verify(tmp_path / "records").problems == []


@pytest.mark.slow
def test_every_changed_byte_is_found(folder: Path) -> None:
    for path in (file_of(folder), folder / HEAD):
        original = path.read_bytes()
        for position in range(len(original)):
            # Each way to change a byte is tried on many: a bit, the case of a letter, a space.
            other = (original[position] ^ 1, original[position] ^ 0x20, 0x20)[position % 3]
            if other != original[position]:
                path.write_bytes(original[:position] + bytes([other]) + original[position + 1 :])
                assert problems(folder), f"{path.name} byte {position} is {other}"
        path.write_bytes(original)
    assert problems(folder) == []


@pytest.mark.slow
def test_every_byte_less_and_every_byte_more_is_found(folder: Path) -> None:
    for path in (file_of(folder), folder / HEAD):
        original = path.read_bytes()
        # A byte after the end is what a killed process leaves: a note.
        for position in range(0, len(original) - 1, 2):
            path.write_bytes(original[:position] + original[position + 1 :])
            assert problems(folder), f"{path.name} without byte {position}"
            path.write_bytes(original[: position + 1] + b" " + original[position + 1 :])
            assert problems(folder), f"{path.name} with a space after {position}"
        path.write_bytes(original)


def test_a_changed_entry_is_named(folder: Path) -> None:
    path = file_of(folder)
    second = next(block for block in blocks([path]) if block.number == 2)
    data = bytearray(path.read_bytes())
    data[second.end - 1] ^= 1
    path.write_bytes(data)
    at = f"block 2 at byte {second.offset} of {path.name}"
    assert problems(folder) == [f"entry 4: the content was changed, {at}"]
    assert entry_of(folder, 2).entry["user"] == "C002"
    data[second.end - len(second.payload) + 3] ^= 1
    path.write_bytes(data)
    assert problems(folder) == [f"entries 2 to 4: the content was changed, {at}"]
    with pytest.raises(RecordError, match="entry 2 is not what was recorded; run: graphrec record verify"):
        entry_of(folder, 2)


def test_a_missing_block_is_named(folder: Path) -> None:
    path, (one, two, three) = file_of(folder), cut(folder)
    path.write_bytes(one + three)
    first, *others = problems(folder)
    assert first == f"entries 2 to 4: missing or unreadable before block 3 at byte {len(one)} of {path.name}"
    assert others == [f"entries 1 to 5: block 3 at byte {len(one)} of {path.name} is not the end that {HEAD} names"]
    path.write_bytes(two + three)
    assert problems(folder)[0] == f"entry 1: missing or unreadable before block 2 at byte 0 of {path.name}"


def test_swapped_and_repeated_blocks_are_named(folder: Path) -> None:
    path, (one, two, three) = file_of(folder), cut(folder)
    path.write_bytes(one + three + two)
    assert f"entries 2 to 4: missing or unreadable before block 3 at byte {len(one)} of {path.name}" in problems(folder)
    where = f"block 2 at byte {len(one) + len(three)} of {path.name}"
    assert f"entries 2 to 4: out of place, {where} follows block 3" in problems(folder)
    path.write_bytes(one + two + two + three)
    assert any(problem.startswith("entries 2 to 4: out of place") for problem in problems(folder))


def test_what_is_cut_off_at_the_end_is_named_by_the_head_or_an_anchor(folder: Path) -> None:
    path, (one, two, three) = file_of(folder), cut(folder)
    head = Head.read(folder)
    assert head is not None
    path.write_bytes(one + two)
    assert problems(folder) == [f"entry 5: missing or unreadable at the end, which {HEAD} names"]
    path.write_bytes(one + two + three[:-1])
    assert problems(folder) == [f"entry 5: missing or unreadable at the end, which {HEAD} names"]
    # A cut with a head that fits is found by an anchor that was kept elsewhere.
    path.write_bytes(one + two)
    second = list(blocks([path]))[-1]
    (folder / HEAD).write_bytes(Head(2, 4, second.hash, path.name, second.end).to_bytes())
    assert problems(folder) == []
    assert problems(folder, Anchor.parse(head.anchor)) == ["block 3, which the anchor names, is not there"]
    shutil.rmtree(folder)
    assert problems(folder, Anchor.parse(head.anchor)) == ["block 3, which the anchor names, is not there"]


def test_another_record_of_the_same_length_does_not_fit_the_anchor(folder: Path, tmp_path: Path) -> None:
    head = Head.read(folder)
    assert head is not None
    other = Recorder(tmp_path / "other")
    for block in (some(1, 9), some(3), some(1, 5)):
        other.append(SHARED, block)
    assert problems(other.folder) == []
    (problem,) = problems(other.folder, Anchor.parse(head.anchor))
    assert problem.startswith("entries 1 to 5: block 3 at byte ")
    assert problem.endswith(f", the anchor says {head.hash}")


def test_a_missing_head_is_found_and_nothing_is_added(folder: Path) -> None:
    (folder / HEAD).unlink()
    assert problems(folder) == [f"{HEAD} is not there or not as it was written: the end of the record is unknown"]
    with pytest.raises(RecordError, match=f"nothing was added to the record in .*: {HEAD} is not there"):
        Recorder(folder).append(SHARED, some(1))


def test_nothing_is_added_to_a_record_that_was_cut(folder: Path) -> None:
    path = file_of(folder)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(RecordError, match=f"{path.name} is shorter than {HEAD} says; see graphrec record verify"):
        Recorder(folder).append(SHARED, some(1))


@pytest.mark.parametrize("kept", [0, 1, 70, 400, -1])
def test_a_torn_block_is_reported_and_set_aside(folder: Path, kept: int) -> None:
    """As a kill in the middle of a write leaves it: the head is that of before."""
    path = file_of(folder)
    before = (folder / HEAD).read_bytes()
    Recorder(folder).append(SHARED, some(2, 6))
    whole = path.read_bytes()
    (folder / HEAD).write_bytes(before)
    start = Head.read(folder)
    assert start is not None
    torn = whole[start.size : start.size + kept] if kept >= 0 else whole[start.size : -1]
    path.write_bytes(whole[: start.size] + torn)
    found = verify(folder)
    assert (found.entries, found.problems, len(found.notes)) == (5, [], bool(torn))
    if torn:
        assert found.notes[0].startswith(f"{len(torn):,} bytes at the end of {path.name} are a block that was never")
    assert Recorder(folder).append(SHARED, some(1, 6)) == range(6, 7)
    assert [path.read_bytes() for path in sorted(folder.glob("torn-*"))] == ([torn] if torn else [])
    found = verify(folder)
    assert (found.entries, found.problems, found.notes) == (6, [], [])
    for aside in folder.glob("torn-*"):
        aside.write_bytes(torn + b" ")
        assert problems(folder) == [f"entry 6: {aside.name}, set aside before block 4, was changed"]
        aside.unlink()
        assert problems(folder) == [f"entry 6: {aside.name}, set aside before block 4, is not there"]


def test_a_whole_block_without_its_head_is_taken_up(folder: Path) -> None:
    before = (folder / HEAD).read_bytes()
    Recorder(folder).append(SHARED, some(2, 6))
    (folder / HEAD).write_bytes(before)
    found = verify(folder)
    assert (found.entries, found.problems) == (7, [])
    assert found.notes == [f"1 blocks came after {HEAD}: a process was killed in between"]
    assert Recorder(folder).append(SHARED, some(1, 8)) == range(8, 9)
    assert verify(folder).notes == []


def test_a_head_of_the_same_length_is_written_over_the_one_before_it(tmp_path: Path) -> None:
    recorder, path = Recorder(tmp_path / "records"), tmp_path / "records" / HEAD
    kept = []
    for number in range(1, 13):
        before = path.stat() if path.exists() else None
        assert recorder.append(SHARED, some(1, number)) == range(number, number + 1)
        after = path.stat()
        kept.append(before is not None and before.st_ino == after.st_ino)
        assert before is None or kept[-1] == (before.st_size == after.st_size)
        assert (verify(path.parent).problems, verify(path.parent).notes) == ([], [])
    assert sum(kept) >= 8, kept


def test_many_entries_fill_several_blocks_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "BLOCK", 10)
    monkeypatch.setattr(recorder_module, "SEGMENT", 2_000)
    folder = tmp_path / "records"
    recorder = Recorder(folder)
    assert recorder.append(SHARED, some(95)) == range(1, 96)
    files = segments(folder)
    assert len(files) > 2
    assert [block.number for block in blocks(files)] == list(range(1, 11))
    assert [entry_of(folder, n).entry["user"] for n in (1, 50, 95)] == ["C001", "C050", "C095"]
    assert verify(folder).problems == []
    files[1].unlink()
    (problem,) = [one for one in problems(folder) if "missing" in one]
    gone = range(int(files[1].stem), int(files[2].stem))
    assert problem.startswith(f"entries {gone[0]} to {gone[-1]}: missing or unreadable before block ")


KILLED = """
import sys
from pathlib import Path
from graphrec.records.recorder import Recorder
recorder = Recorder(Path(sys.argv[1]))
print("ready", flush=True)
n = 0
while True:
    n += 1
    recorder.append({"model": "m"}, [{"user": f"{sys.argv[2]}-{n}-{m}", "filling": "x" * 2_000} for m in range(50)])
    print(n, flush=True)
"""


@pytest.mark.slow
def test_killed_appends_leave_a_record_that_verifies(tmp_path: Path) -> None:
    folder, told = tmp_path / "records", 0
    for turn in range(4):
        line = [sys.executable, "-c", KILLED, str(folder), str(turn)]
        with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.05 + 0.03 * turn)
            process.send_signal(signal.SIGKILL)
            told += 50 * len(process.stdout.read().splitlines())
        assert verify(folder).problems == []
    # All that was told to be recorded is there, and at most one block more per kill.
    Recorder(folder).append(SHARED, some(1))
    found = verify(folder)
    assert (found.problems, found.notes) == ([], [])
    assert told <= found.entries - 1 <= told + 4 * 50


def _append(folder: str, name: str) -> None:
    for n in range(20):
        Recorder(Path(folder)).append({"by": name}, [{"user": f"{name}{n}"}])


@pytest.mark.slow
def test_several_processes_append_to_one_chain(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_append, args=(str(tmp_path / "records"), name)) for name in "abc"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    found = verify(tmp_path / "records")
    assert (found.entries, found.problems, found.notes) == (60, [], [])
    users = [entry.entry["user"] for entry in entries(tmp_path / "records")]
    assert sorted(users) == sorted(f"{name}{n}" for name in "abc" for n in range(20))


def test_what_cannot_be_json_is_not_recorded(folder: Path) -> None:
    with pytest.raises(ValueError, match="Out of range float values"):
        Recorder(folder).append(SHARED, [{"score": float("nan")}])
    assert verify(folder).entries == 5


@pytest.mark.parametrize("given", ["", "3", "3:12", "x:" + "0" * 64, "3:" + "G" * 64])
def test_what_is_no_anchor_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="is no anchor; want BLOCK:HASH as graphrec record head prints it"):
        Anchor.parse(given)


def test_a_record_that_cannot_be_written_says_so_as_the_system_does(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(OSError, match="File exists|Not a directory"):
        Recorder(blocked).append(SHARED, some(1))
    assert json.loads(Head().to_bytes())["entries"] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_threads_that_append_at_once_share_a_sync_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, syncs, real = tmp_path / "records", [], os.fsync
    Recorder(folder).append(SHARED, [{"user": "u0", "event": 0}])
    monkeypatch.setattr(os, "fsync", lambda handle: (syncs.append(handle), real(handle)))
    Recorder(folder).append(SHARED, [{"user": "u0", "event": 1}])
    of_one, numbers = len(syncs), []

    def work(thread: int) -> None:
        numbers.extend(Recorder(folder).append(SHARED, [{"user": "u0", "event": thread}]))

    threads = [threading.Thread(target=work, args=(one,)) for one in range(2, 10)]
    with recorder_module.locked(folder, exclusive=True):  # as a process holds it that writes
        for one in threads:
            one.start()
        until = time.monotonic() + 30
        while len(recorder_module._GROUPS[folder].waiting) < len(threads) and time.monotonic() < until:
            time.sleep(0.001)
    for one in threads:
        one.join()
    found = verify(folder)
    assert (found.entries, found.problems) == (10, [])
    assert sorted(numbers) == list(range(3, 11))
    assert {entry_of(folder, number).entry["event"] for number in numbers} == set(range(2, 10))
    assert len(syncs) == 2 * of_one


def test_an_error_of_a_group_reaches_each_of_its_callers(folder: Path) -> None:
    (folder / HEAD).unlink()
    failed: list[str] = []

    def work() -> None:
        try:
            Recorder(folder).append(SHARED, [{"user": "C001"}])
        except RecordError as error:
            failed.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(4)]
    with recorder_module.locked(folder, exclusive=True):
        for one in threads:
            one.start()
        until = time.monotonic() + 30
        while len(recorder_module._GROUPS[folder].waiting) < len(threads) and time.monotonic() < until:
            time.sleep(0.001)
    for one in threads:
        one.join()
    assert len(failed) == 4
    assert all(one.startswith("nothing was added to the record") for one in failed)


def _line(share: float) -> Line:
    return Line("path", "text", share, 0.0, None, None, None, {"scale": share}, "kernel")


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_no_entry_holds_a_number_that_json_cannot_write(bad: float) -> None:
    for value in (
        bad, [1, bad], {"a": (Node("Product", "P1", None), {"x": bad})}, _line(bad), (_line(1.0), _line(bad)),
        RuleOutcomes("m", {"x": bad}), Asked("C1", None, {}, {"BOUGHT": {"weight": [1.0, bad]}}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="not JSON compliant"):
            entry_bytes({"value": value})
    assert json.loads(entry_bytes({"value": (_line(1.5), [1.5, None])}))["value"][0]["share"] == 1.5
