import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from graphrec import files
from graphrec.files import replace_folder, whole_file


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_whole_file_appears_under_its_name_with_its_suffix(tmp_path: Path) -> None:
    with whole_file(tmp_path / "new" / "scores.csv") as temporary:
        assert temporary.suffix == ".csv"
        assert temporary.parent == tmp_path / "new"
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
