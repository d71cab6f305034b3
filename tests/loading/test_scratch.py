"""Decoded files of a load lie in the home, for its owner alone, and go with the load, however it ends."""

import fcntl
import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphrec.errors import SourceError
from graphrec.loading import check, load_mapping
from graphrec.loading.propose.draft import write_draft
from graphrec.loading.sources.database import scratch_folder
from tests.loading.conftest import Bank

ENDLESS = "SELECT CAST(sum(hash(a.range + b.range)) AS VARCHAR) AS band FROM range(10000000) a, range(10000000) b"
BANDS = "SELECT DISTINCT age_band AS band FROM customers"
RUN = "from graphrec.cli import app; app()"


class Command:
    """`graphrec` in processes of their own, with a temporary folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.temporary = folder / "temporary"
        self.temporary.mkdir()

    def start(self, *words: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", RUN, "--home", str(self.home), *(str(word) for word in words)]
        environment = {**os.environ, "TMPDIR": str(self.temporary)}
        return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *words: object) -> subprocess.CompletedProcess[str]:
        with self.start(*words) as process:
            out, err = process.communicate()
        return subprocess.CompletedProcess([], process.returncode, out, err)

    def scratch(self) -> list[Path]:
        return sorted(self.home.rglob(".load.*.part"))

    def wait_for_scratch(self) -> Path:
        for _ in range(600):
            if found := [path for path in self.scratch() if (path / "spill").exists()]:
                return found[0]
            time.sleep(0.05)
        raise AssertionError("the load made no scratch folder")


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


@pytest.fixture
def running(bank: Bank, command: Command) -> Iterator[subprocess.Popen[str]]:
    """A load that has read its files and runs a statement without an end."""
    bank.edit("bank.toml", BANDS, ENDLESS)
    with command.start("load", bank.mapping) as process:
        yield process
        process.kill()


@pytest.mark.slow
def test_a_killed_load_is_swept_by_the_next_command(
    bank: Bank, command: Command, running: subprocess.Popen[str]
) -> None:
    left = command.wait_for_scratch()
    assert stat.S_IMODE(left.stat().st_mode) == 0o700
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert command.scratch() == [left]
    assert list(command.temporary.iterdir()) == []
    done = command.run("recommend", "C1")
    assert done.returncode == 5  # no model yet
    assert command.scratch() == []


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_statement_and_leaves_nothing(
    command: Command, running: subprocess.Popen[str], number: signal.Signals, code: int
) -> None:
    command.wait_for_scratch()
    time.sleep(0.3)
    running.send_signal(number)
    _, err = running.communicate()
    assert (running.returncode, len(err.splitlines())) == (code, 1)
    assert command.scratch() == []
    assert list(command.temporary.iterdir()) == []


@pytest.mark.slow
def test_a_load_of_another_process_is_not_swept(bank: Bank, command: Command, running: subprocess.Popen[str]) -> None:
    """Its lock is held, whichever container it runs in: process ids say nothing there."""
    held = command.wait_for_scratch()
    bank.edit("bank.toml", ENDLESS, BANDS)
    assert command.run("load", bank.mapping, "--check").returncode == 0
    assert command.run("recommend", "C1").returncode == 5  # no model yet
    assert command.scratch() == [held]
    running.send_signal(signal.SIGINT)
    running.wait()
    assert command.scratch() == []


def test_a_lock_counts_and_not_a_process_id(tmp_path: Path) -> None:
    held, left = tmp_path / ".load.1.part", tmp_path / ".load.2.part"
    for folder in (held, left):
        folder.mkdir()
        (folder / "customers.csv").write_text("Ada")
    with (held / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with scratch_folder(tmp_path) as folder:
            assert sorted(tmp_path.iterdir()) == sorted([held, folder])
    assert list(tmp_path.iterdir()) == [held]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["check", "propose", "failed check"])
def test_scratch_of_every_kind_of_load(bank: Bank, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of other encodings are decoded in the home, and a home that was not there is not left behind."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    customers = bank.folder / "customers.csv"
    customers.write_text(customers.read_text().replace("Ben", "Bän"), encoding="cp1252")
    bank.edit("bank.toml", 'customers = "customers.csv"', 'customers = { path = "customers.csv", encoding = "cp1252" }')
    home = tmp_path / "home"
    if name == "propose":
        assert write_draft(tmp_path / "new.toml", bank.folder, scratch=home).files == 5
    elif name == "check":
        check(load_mapping(bank.mapping), bank.folder, scratch=home)
    else:
        bank.edit("bank.toml", BANDS, "SELECT age FROM customers")
        with pytest.raises(SourceError, match=r"customers\.csv has no column age; did you mean 'age_band'\?"):
            check(load_mapping(bank.mapping), bank.folder, scratch=home)
    assert not home.exists()
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.slow
def test_loads_killed_at_any_moment(bank: Bank, command: Command) -> None:
    """Nothing decoded is ever outside the home, and the next load finds nothing of it and is whole."""
    with (bank.folder / "customers.csv").open("a", encoding="utf-8") as stream:
        stream.writelines(f"X{number},Änne Müller {number},1990-01-01,F,2,30-39\n" for number in range(40_000))
    text = (bank.folder / "customers.csv").read_text(encoding="utf-8")
    (bank.folder / "customers.csv").write_text(text, encoding="cp1252")
    bank.edit("bank.toml", 'customers = "customers.csv"', 'customers = { path = "customers.csv", encoding = "cp1252" }')
    began = time.monotonic()
    assert command.run("load", bank.mapping, "--check").returncode == 0
    seconds = time.monotonic() - began
    moments = random.Random(7)
    seen = 0
    for number in range(10):
        with command.start("load", bank.mapping, "--check") as process:
            time.sleep(seconds * (number + moments.random()) / 10)
            process.kill()
            process.communicate()
        seen += bool(command.scratch())
        assert list(command.temporary.iterdir()) == []
    assert seen
    done = command.run("load", bank.mapping)
    assert done.returncode == 0, done.stderr
    assert command.scratch() == []
