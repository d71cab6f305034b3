import errno
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from graphrec import files
from graphrec.errors import Unwritable
from graphrec.files import locked, made_once, private_folder, replace_folder, state_of, sweep, whole_file
from graphrec.home import Home


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_whole_file_appears_under_its_name_with_its_suffix(tmp_path: Path) -> None:
    with whole_file(tmp_path / "new" / "scores.csv") as temporary:
        assert temporary.name == "scores.csv"
        assert temporary.parent.parent == tmp_path / "new"
        temporary.write_text("a")
        assert not (tmp_path / "new" / "scores.csv").exists()
    assert (tmp_path / "new" / "scores.csv").read_text() == "a"
    assert names(tmp_path / "new") == ["scores.csv"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_a_failed_file_leaves_the_old_one(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "scores.csv"
    target.write_text("old")
    with pytest.raises(type(error)), whole_file(target) as temporary:
        temporary.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert names(tmp_path) == ["scores.csv"]


def test_nothing_written_is_an_error_and_the_old_file_stays(tmp_path: Path) -> None:
    target = tmp_path / "scores.csv"
    target.write_text("old")
    with pytest.raises(FileNotFoundError), whole_file(target):
        pass
    assert target.read_text() == "old"


def test_replace_folder_makes_and_replaces(tmp_path: Path) -> None:
    target = tmp_path / "snapshot"
    for content in ("one", "two"):
        with replace_folder(target) as temporary:
            (temporary / "deep").mkdir()
            (temporary / "deep" / content).write_text(content)
        assert names(target / "deep") == [content]
    assert names(tmp_path) == ["snapshot"]


def test_replace_folder_without_an_atomic_exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_exchange", lambda one, other: False)
    test_replace_folder_makes_and_replaces(tmp_path)


def test_the_exchange_is_atomic_here(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "a").touch()
    if not files._exchange(tmp_path / "one", tmp_path / "two"):
        pytest.skip("skipped: this file system has no atomic exchange of names")
    assert names(tmp_path / "two") == ["a"]
    assert names(tmp_path / "one") == []


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_a_failed_folder_leaves_the_old_one(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "snapshot"
    target.mkdir()
    (target / "old").touch()
    with pytest.raises(type(error)), replace_folder(target) as temporary:
        (temporary / "half").touch()
        raise error
    assert names(target) == ["old"]
    assert names(tmp_path) == ["snapshot"]


def test_a_reader_of_the_old_folder_goes_on(tmp_path: Path) -> None:
    target = tmp_path / "snapshot"
    with replace_folder(target) as temporary:
        (temporary / "a").write_text("old")
    with (target / "a").open() as reader:
        with replace_folder(target) as temporary:
            (temporary / "a").write_text("new")
        assert reader.read() == "old"
    assert (target / "a").read_text() == "new"


KILLED = """
import sys, time
from pathlib import Path
from graphrec.files import replace_folder
with replace_folder(Path(sys.argv[1])) as temporary:
    (temporary / "half").write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


def start_writer(target: Path) -> "subprocess.Popen[bytes]":
    writer = subprocess.Popen([sys.executable, "-c", KILLED, str(target)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"writing\n"
    return writer


def test_a_killed_writer_leaves_the_old_folder_and_the_next_one_tidies(tmp_path: Path) -> None:
    target = tmp_path / "snapshot"
    target.mkdir()
    (target / "old").touch()
    with start_writer(target) as writer:
        writer.send_signal(signal.SIGKILL)
    assert names(target) == ["old"]
    assert len(names(tmp_path)) == 2
    with replace_folder(target) as temporary:
        (temporary / "new").touch()
    assert names(target) == ["new"]
    assert names(tmp_path) == ["snapshot"]


def test_a_writer_that_still_runs_is_not_tidied_away(tmp_path: Path) -> None:
    target = tmp_path / "snapshot"
    with start_writer(target) as writer:
        try:
            with replace_folder(target) as temporary:
                (temporary / "new").touch()
            assert len(names(tmp_path)) == 2
        finally:
            os.kill(writer.pid, signal.SIGINT)
    assert names(tmp_path) == ["snapshot"]


def test_a_container_with_the_same_process_ids_is_not_tidied_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_here(pid: int, signal: int) -> None:
        raise ProcessLookupError

    target = tmp_path / "snapshot"
    with start_writer(target) as writer:
        try:
            with monkeypatch.context() as patched:
                patched.setattr(os, "kill", not_here)
                with replace_folder(target) as temporary:
                    (temporary / "new").touch()
            assert len(names(tmp_path)) == 2
        finally:
            os.kill(writer.pid, signal.SIGINT)
    assert names(tmp_path) == ["snapshot"]


SCRATCH = """
import sys, time
from pathlib import Path
from graphrec.home import Home
with Home(Path(sys.argv[1])).prepare().scratch("load") as folder:
    (folder / "customers.csv").write_text("Ada")
    (folder / "deep").mkdir()
    print("writing", flush=True)
    time.sleep(60)
"""


def test_scratch_of_a_killed_command_is_swept_by_the_next_and_that_of_a_running_one_is_not(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    with subprocess.Popen([sys.executable, "-c", SCRATCH, str(home.path)], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"writing\n"
        (left,) = home.vault.glob(".load.*")
        assert left.stat().st_mode & 0o777 == 0o700
        home.sweep()
        with home.scratch("load") as own:
            assert sorted(home.vault.glob(".load.*")) == sorted([left, own])
        assert (left / "customers.csv").exists()
        running.send_signal(signal.SIGKILL)
    assert left.exists()
    home.prepare()
    assert names(home.path) == ["format.json", "vault"]
    assert not names(home.vault)


def test_a_home_is_swept_at_every_depth(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    places = [home.path, home.snapshots, home.models, home.at(datetime(2024, 6, 1, tzinfo=UTC)).snapshots]
    for place in places:
        (place / ".fresh.0123456789abcdef.part" / "deep").mkdir(parents=True)
    home.sweep()
    assert not list(home.path.rglob("*.part"))


def test_two_writers_of_one_name_do_not_meet(tmp_path: Path) -> None:
    with private_folder(tmp_path, "fresh") as one, private_folder(tmp_path, "fresh") as other:
        assert one != other
        sweep(tmp_path)
        assert one.exists()
        assert other.exists()
    assert names(tmp_path) == []


@pytest.mark.slow
def test_a_sweep_never_takes_what_is_just_begun(tmp_path: Path) -> None:
    stop = threading.Event()

    def sweep_always() -> None:
        while not stop.is_set():
            sweep(tmp_path)

    sweeper = threading.Thread(target=sweep_always)
    sweeper.start()
    try:
        for n in range(300):
            with whole_file(tmp_path / "file") as temporary:
                temporary.write_text(str(n))
            assert (tmp_path / "file").read_text() == str(n)
    finally:
        stop.set()
        sweeper.join()
    assert names(tmp_path) == ["file"]


FULL = [
    OSError(errno.ENOSPC, "No space left on device"),
    OSError("131072 requested and 16384 written"),
    RuntimeError("IO Error: could not write: No space left on device"),
]


@pytest.mark.parametrize("error", FULL, ids=str)
def test_a_full_disk_is_one_line_that_names_the_folder(tmp_path: Path, error: Exception) -> None:
    for writer in (whole_file, replace_folder):
        with pytest.raises(Unwritable) as caught, writer(tmp_path / "deep" / "name"):
            raise error
        assert str(caught.value) == (
            f"folder {tmp_path / 'deep'} cannot be written: No space left on device; "
            "free space or give write access there, or choose another folder"
        )
        assert names(tmp_path / "deep") == []


def test_a_folder_that_may_not_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refused)
    for writer in (whole_file, replace_folder, locked):
        with pytest.raises(
            Unwritable, match=r"^folder .*deep cannot be written: Permission denied; free space or give"
        ):
            writer(tmp_path / "deep" / "name").__enter__()


def test_other_errors_of_a_writer_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="prices.csv"), whole_file(tmp_path / "name"):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "prices.csv")


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_what_is_written_is_for_its_owner_alone(tmp_path: Path, umask: int) -> None:
    there = tmp_path / "there.csv"
    there.touch()
    there.chmod(0o664)
    before = os.umask(umask)
    try:
        with whole_file(tmp_path / "new" / "deep" / "lists.csv") as temporary:
            temporary.write_text("x")
        with whole_file(there) as temporary:
            temporary.write_text("x")
        with replace_folder(tmp_path / "new" / "model") as folder:
            (folder / "inner").mkdir()
            (folder / "inner" / "arrays").write_text("x")
        with locked(tmp_path / "new" / "lock"):
            pass
    finally:
        os.umask(before)
    found = {
        path.relative_to(tmp_path / "new"): path.stat().st_mode & 0o777
        for path in (tmp_path / "new").rglob("*")
    }  # fmt: skip
    assert found
    assert all(mode == (0o700 if (tmp_path / "new" / path).is_dir() else 0o600) for path, mode in found.items())
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert there.stat().st_mode & 0o777 == 0o664, "the mode of a file that is there is its owner's choice"


def test_what_is_made_of_a_file_is_made_anew_where_it_was_written_anew(tmp_path: Path) -> None:
    file, read = tmp_path / "one.txt", []

    def made(path: Path) -> int:
        read.append(path)
        return int(path.read_text("utf-8"))

    with pytest.raises(FileNotFoundError):
        made_once(file, made)
    for number in (1, 2):
        with whole_file(file) as temporary:
            temporary.write_text(str(number), "utf-8")
        assert [made_once(file, made) for _ in range(3)] == [number] * 3
    file.write_text("none", "utf-8")
    for _ in range(2):
        with pytest.raises(ValueError, match="none"):
            made_once(file, made)
    file.unlink()
    with pytest.raises(FileNotFoundError):
        made_once(file, made)
    assert len(read) == 6
    assert state_of(file) is None
