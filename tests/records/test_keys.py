"""One key a person: what is recorded of one can be made unreadable, and the chain still verifies."""

import json
import multiprocessing
import os
import re
import subprocess
import sys
import zlib
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.errors import RecordError, SettingsError
from graphrec.home import Home
from graphrec.records import sealed as sealing
from graphrec.records.blocks import Head, blocks, segments
from graphrec.records.decision import Decisions, Request
from graphrec.records.keys import _ON_DISK, PERSONS, VARIABLE, Erased, Keys, decrypt, encrypt
from graphrec.records.read import entries, entry_of
from graphrec.records.recorder import Recorder
from graphrec.records.replay import replay
from graphrec.records.sealed import open_entry, seal_entry
from graphrec.records.slots import SLOT, SlotIndex
from graphrec.records.verify import verify
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine

SHARED = {"recorded_at": "2026-01-01T00:00:00.000+00:00", "request": {"command": "recommend"}}


def recorder(tmp_path: Path) -> Recorder:
    """A record of CLIENT-1, CLIENT-2, CLIENT-1 and of something about no person."""
    made = Recorder(tmp_path / "records")
    made.append(
        SHARED, [{"user": "CLIENT-1", "said": "secret of CLIENT-1"}, {"user": "CLIENT-2", "said": "secret of CLIENT-2"}]
    )
    made.append(SHARED, [{"user": "CLIENT-1", "said": "more of CLIENT-1"}, {"what": "a policy"}])
    return made


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_no_byte_of_a_record_says_who_or_what(tmp_path: Path) -> None:
    folder = recorder(tmp_path).folder
    found = all_bytes(folder) + all_bytes(tmp_path / "vault")
    assert not re.search(rb"CLIENT-1|CLIENT-2|secret|policy", found)
    assert [entry_of(folder, number).entry.get("user") for number in (1, 2, 3, 4)] == [
        "CLIENT-1",
        "CLIENT-2",
        "CLIENT-1",
        None,
    ]


def test_a_destroyed_key_leaves_the_chain_and_the_entries_of_others(tmp_path: Path) -> None:
    folder = recorder(tmp_path).folder
    anchor = Head.read(folder)
    keys = Keys.beside(folder)
    before = (keys.folder / PERSONS).read_bytes()
    slot = keys.slot_of("CLIENT-1")
    assert slot is not None
    wrapped = before[slot * SLOT : (slot + 1) * SLOT]
    assert keys.destroy("CLIENT-1")
    assert not keys.destroy("CLIENT-1")
    assert wrapped not in (keys.folder / PERSONS).read_bytes()
    assert keys.slot_of("CLIENT-1") is None
    found = verify(folder)
    assert (found.entries, found.problems, found.notes) == (4, [], [])
    assert Head.read(folder) == anchor
    for number in (1, 3):
        with pytest.raises(Erased) as caught:
            _ = entry_of(folder, number).content
        assert str(caught.value) == (
            f"entry {number} (recommend, {SHARED['recorded_at']}) is erased: the key of its person was destroyed; it "
            "still verifies"
        )
    assert [entry_of(folder, number).entry for number in (2, 4)] == [
        {"user": "CLIENT-2", "said": "secret of CLIENT-2"}, {"what": "a policy"},
    ]  # fmt: skip
    assert list(entries(folder, "CLIENT-1")) == []
    assert [one.is_erased for one in entries(folder)] == [False, True, False, True]
    # The same person later has another key; what was before stays unreadable.
    (number,) = Recorder(folder).append(SHARED, [{"user": "CLIENT-1"}])
    assert entry_of(folder, number).entry == {"user": "CLIENT-1"}
    assert [one.number for one in entries(folder, "CLIENT-1")] == [5]
    with pytest.raises(Erased):
        _ = entry_of(folder, 1).content


def test_who_has_a_key_on_the_disk_waits_for_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Keys.beside(recorder(tmp_path).folder).folder
    persons, before = ["CLIENT-2", None, "CLIENT-1"], Keys._locked
    exact = Keys(folder).for_entries(persons)
    locks = []

    def locked(keys: Keys) -> AbstractContextManager[None]:
        locks.append(1)
        return before(keys)

    monkeypatch.setattr(Keys, "_locked", locked)
    assert Keys(folder).for_entries(persons) == exact
    assert locks == []
    # One that another process appends may not be on the disk before its lock is free.
    Keys(folder).for_entries(["CLIENT-3"])
    monkeypatch.setitem(_ON_DISK, folder / PERSONS, ((folder / PERSONS).stat().st_ino, 3))
    locks.clear()
    assert Keys(folder).for_entries(["CLIENT-1", "CLIENT-3"])[0] == exact[2]
    assert locks == [1]
    # A destroyed key is not taken, and neither is what another file has in its place.
    keys = Keys(folder)
    assert keys.destroy("CLIENT-1")
    assert Keys(folder).for_entries(["CLIENT-1"])[0][0] == 4
    monkeypatch.setitem(_ON_DISK, folder / PERSONS, (0, 5))
    locks.clear()
    assert Keys(folder).for_entries(persons[:2]) == exact[:2]
    assert locks == [1]


def test_a_persons_entries_share_a_key_and_no_two_persons_do(tmp_path: Path) -> None:
    folder = recorder(tmp_path).folder
    slots = [slot for block in blocks(segments(folder)) for slot in block.header["keys"]]
    assert slots == [1, 2, 1, 0]
    keys = Keys.beside(folder)
    assert len({keys.key(slot) for slot in (0, 1, 2)}) == 3
    sealed = {one.number: one.sealed for one in entries(folder)}
    with pytest.raises(RecordError, match="key 2 does not open it"):
        open_entry(sealed[1], 2, keys.key(2))
    with pytest.raises(RecordError, match="does not open it"):
        open_entry(sealed[1], 2, keys.key(1))
    # Equal entries look different: nobody can tell that the same was said twice.
    assert len({seal_entry(b"same", 1, keys.key(1)) for _ in range(5)}) == 5


def test_an_entry_is_bound_to_its_commitment(tmp_path: Path) -> None:
    key = os.urandom(32)
    one, other = seal_entry(b"one", 1, key), seal_entry(b"two", 1, key)
    assert open_entry(one, 1, key) == b"one"
    with pytest.raises(RecordError, match="it is not what its commitment says"):
        open_entry(one[:32] + other[32:], 1, key)
    assert decrypt(key, encrypt(key, b"x", b"a"), b"b") is None
    assert decrypt(key, b"", b"b") is None


@pytest.mark.parametrize("hidden", [None, "isal.isal_zlib"])
def test_an_entry_opens_whatever_deflated_it(monkeypatch: pytest.MonkeyPatch, hidden: str | None) -> None:
    if hidden is not None:
        monkeypatch.setitem(sys.modules, hidden, None)
    sealing._compress.cache_clear()
    try:
        is_there = hidden is None and find_spec("isal") is not None
        assert (sealing._compress() is zlib.compress) == (not is_there)
        plain = b'{"reasons":["the same","the same"]}' * 400
        entry = seal_entry(plain, 3, b"k" * 32)
        assert len(entry) < len(plain) / 10
        assert open_entry(entry, 3, b"k" * 32) == plain
    finally:
        sealing._compress.cache_clear()


def test_the_key_of_the_home_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "ab" * 32)
    folder = recorder(tmp_path).folder
    assert sorted(path.name for path in (tmp_path / "vault" / "keys").iterdir()) == ["lock", PERSONS]
    assert entry_of(folder, 1).entry["user"] == "CLIENT-1"
    monkeypatch.setenv(VARIABLE, "cd" * 32)
    for use in (lambda: entry_of(folder, 1).content, lambda: Recorder(folder).append(SHARED, [{"user": "CLIENT-3"}])):
        with pytest.raises(
            SettingsError, match=f"^{VARIABLE} is not the key that this home's record was written with;"
        ):
            use()
    monkeypatch.setenv(VARIABLE, "password")
    with pytest.raises(SettingsError, match=f"^{VARIABLE} is no key: want 64 hexadecimal digits$"):
        _ = entry_of(folder, 1).content
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(RecordError, match=r"^entry 1 cannot be read: the key of this home is gone: there is no .*home"):
        _ = entry_of(folder, 1).content
    assert verify(folder).problems == [], "the chain needs no key"
    # A key in a file can move to the environment, and back.
    (tmp_path / "vault" / "keys" / "home.key").write_text("ab" * 32 + "\n")
    assert entry_of(folder, 1).entry["user"] == "CLIENT-1"


def test_nothing_is_added_where_the_keys_are_gone(tmp_path: Path) -> None:
    folder = recorder(tmp_path).folder
    (tmp_path / "vault" / "keys" / PERSONS).unlink()
    with pytest.raises(
        RecordError, match=r"nothing was added to the record in .*: its keys are gone from .*keys; rest"
    ):
        Recorder(folder).append(SHARED, [{"user": "CLIENT-1"}])
    with pytest.raises(
        RecordError, match=r"entry 1 cannot be read: key 1 in .* is damaged or not there; restore the f"
    ):
        _ = entry_of(folder, 1).content
    assert verify(folder).problems == []


@pytest.mark.parametrize("torn", [1, SLOT - 1])
def test_half_a_key_that_a_killed_process_left_is_cut_off(tmp_path: Path, torn: int) -> None:
    folder = recorder(tmp_path).folder
    file = tmp_path / "vault" / "keys" / PERSONS
    before = file.read_bytes()
    file.write_bytes(before + os.urandom(torn))
    (number,) = Recorder(folder).append(SHARED, [{"user": "CLIENT-3"}])
    assert entry_of(folder, number).entry == {"user": "CLIENT-3"}
    assert file.stat().st_size == len(before) + SLOT
    # A key without an entry, as a kill between the two leaves it, is used by the next one.
    Keys.beside(folder).for_entries(["C4"])
    (number,) = Recorder(folder).append(SHARED, [{"user": "C4"}])
    assert entry_of(folder, number).slot == 4


def test_a_key_is_on_the_disk_before_the_entry_that_needs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int]] = []
    sync = os.fsync

    def watched(handle: int) -> None:
        name = Path(f"/proc/self/fd/{handle}").readlink().name
        seen.append((name, os.fstat(handle).st_size))
        sync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    Recorder(tmp_path / "records").append(SHARED, [{"user": "CLIENT-1"}, {"user": "CLIENT-2"}])
    names = [name for name, _ in seen]
    assert (PERSONS, 3 * SLOT) in seen
    assert names.index(PERSONS) < names.index("0000000001.log")


def test_many_persons_cost_one_walk_over_the_keys_and_one_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [f"C{n}" for n in range(3_000)]
    first = Keys(tmp_path / "keys").for_entries(many)
    assert [slot for slot, _ in first] == list(range(1, 3_001))
    read, whole = 0, SlotIndex._halves

    def counted(file: int, since: int, end: int) -> NDArray[np.uint64]:
        nonlocal read
        found = whole(file, since, end)
        read += len(found)
        return found

    monkeypatch.setattr(SlotIndex, "_halves", staticmethod(counted))
    for start in range(0, 3_000, 100):
        assert Keys(tmp_path / "keys").for_entries(many[start : start + 100]) == first[start : start + 100]
    assert read == 3_001
    assert Keys(tmp_path / "keys").for_entries(["new"])[0][0] == Keys(tmp_path / "keys").slot_of("new") == 3_001
    assert read == 3_002


def test_an_index_forgets_destroyed_keys_and_a_file_in_the_place_of_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    people = [f"C{n}" for n in range(50)]
    first = Keys(folder).for_entries(people)
    assert Keys(folder).for_entries(people) == first
    before = (folder / PERSONS).read_bytes()
    # By another process, which leaves this one's index as it was.
    with (folder / PERSONS).open("r+b") as file:
        file.seek(first[7][0] * SLOT)
        file.write(bytes(SLOT))
    assert Keys(folder).slot_of("C7") is None
    new = Keys(folder).for_entries(["C7", "C8"])
    assert (new[0][0], new[1]) == (51, first[8])
    assert Keys(folder).for_entries(["C7"]) == new[:1]
    restored = folder / "restored"
    restored.write_bytes(before[: 31 * SLOT])
    restored.replace(folder / PERSONS)
    assert [Keys(folder).slot_of(one) for one in ("C7", "C29", "C30")] == [8, 30, None]


def _append(folder: str) -> None:
    for n in range(10):
        Recorder(Path(folder)).append({}, [{"user": f"C{n}"}, {"user": f"C{n + 1}"}])


@pytest.mark.slow
def test_processes_that_meet_make_one_key_a_person(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_append, args=(str(tmp_path / "records"),)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    found = list(entries(tmp_path / "records"))
    assert len(found) == 60
    assert {(one.slot, one.entry["user"]) for one in found} == {(n + 1, f"C{n}") for n in range(11)}


def test_erased_is_one_line_on_the_command_line_and_a_replay_says_so(recorded: Home) -> None:
    def run(*words: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, ["--home", str(recorded.path), *words], prog_name="graphrec")
        return done.exit_code, done.stdout, done.stderr

    assert Keys(recorded.keys).destroy("C003")
    code, out, err = run("record", "show", "1")
    assert (code, out) == (6, "")
    assert re.fullmatch(
        r"error: entry 1 \(recommend, .*\) is erased: the key of its person was destroyed; it .*\n", err
    )
    code, out, err = run("replay", "2")
    assert (code, out) == (6, "")
    assert re.fullmatch(r"error: entry 2 cannot be replayed: entry 2 \(explain, .*\) is erased: .*\n", err)
    listed = json.loads(run("record", "list", "--last", "1000", "--json")[1])["entries"]
    assert [one["user"] for one in listed[:3]] == [None, None, "C000"]
    assert "(erased)" in run("record", "list", "--last", "1000")[1]
    assert run("record", "list", "--user", "C003")[1] == "nothing is recorded for C003\n"
    assert run("record", "verify")[0] == 0
    assert replay(recorded, entry_of(recorded.records, 4)).same


def test_a_person_who_comes_twice_keeps_the_key(recorded: Home) -> None:
    engine = Engine.open(recorded)
    decisions = Decisions(recorded, engine, Request("recommend", 4, ListOptions()))
    (number,) = decisions.add([engine.recommend("C003", 4)])
    assert entry_of(recorded.records, number).slot == entry_of(recorded.records, 1).slot
    assert [one.number for one in entries(recorded.records, "C003")][-2:] == [2, 1]


def test_recording_imports_one_cipher_alone(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom graphrec.records.recorder import Recorder\n"
        "Recorder(Path(sys.argv[1])).append({}, [{'user': 'CLIENT-1'}])\n"
        "print(sorted(name for name in sys.modules if name.startswith('cryptography.hazmat.primitives.')))"
    )
    line = [sys.executable, "-c", script, str(tmp_path / "records")]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
