"""The snapshots of a home: by content and date, and which one is the latest."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from graphrec.errors import Damaged, NotTrained
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot, content_hash
from tests.banks import SCHEMA, bank_snapshot, small_bank

LATER = datetime(2030, 1, 1, tzinfo=UTC)
MUCH_LATER = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)


def dated(as_of: datetime | None) -> Callable[[Path], Snapshot]:
    """Writes the small bank, all of which was known before 2030."""
    return lambda path: write_snapshot(path, SCHEMA, *small_bank(), as_of=as_of)


def test_two_at_once_are_kept_under_their_own_hashes(tmp_path: Path) -> None:
    kept: list[Snapshot] = []
    other = threading.Thread(
        target=lambda: kept.append(SnapshotShelf(tmp_path).add(lambda p: bank_snapshot(p, seed=2)))
    )

    def slow(path: Path) -> Snapshot:
        written = bank_snapshot(path)
        other.start()
        time.sleep(0.5)
        return written

    kept.append(SnapshotShelf(tmp_path).add(slow))
    other.join()
    assert len({snapshot.hash for snapshot in kept}) == 2
    for snapshot in kept:
        assert content_hash(snapshot.folder, snapshot.meta) == snapshot.hash
        snapshot.verify()
    assert SnapshotShelf(tmp_path).latest().hash in {snapshot.hash for snapshot in kept}


def test_equal_content_of_another_date_does_not_change_the_date_of_the_first(tmp_path: Path) -> None:
    shelf = SnapshotShelf(tmp_path)
    first = shelf.add(dated(None))
    second, third = shelf.add(dated(LATER)), shelf.add(dated(MUCH_LATER))
    assert first.hash == second.hash == third.hash
    digits = first.hash[:16]
    names = [digits, f"{digits}-2030-01-01", f"{digits}-2031-05-06T07:08:09"]
    assert [snapshot.folder.name for snapshot in (first, second, third)] == names
    dates = [None, "2030-01-01T00:00:00+00:00", "2031-05-06T07:08:09+00:00"]
    assert [Snapshot.open(tmp_path / name).as_of for name in names] == dates
    assert shelf.latest().as_of == dates[2]
    assert shelf.latest_hash() == digits
    assert shelf.of_hash(first.hash).as_of is None
    assert [shelf.of_address(first.hash, date).as_of for date in dates] == dates
    assert [shelf.of_address(first.hash, date).folder.name for date in dates] == names
    assert shelf.add(dated(None)).folder == first.folder
    assert shelf.latest().as_of is None


def test_content_alone_finds_the_snapshot_that_was_taken_first(tmp_path: Path) -> None:
    shelf = SnapshotShelf(tmp_path)
    first = shelf.add(dated(LATER))
    os.utime(first.folder / "meta.json", (1, 1))
    shelf.add(dated(None))
    assert shelf.of_hash(first.hash).as_of == first.as_of
    other = shelf.of_address(first.hash, "2029-01-01T00:00:00+00:00")
    assert (other.hash, other.as_of) == (first.hash, "2029-01-01T00:00:00+00:00")


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    shelf = SnapshotShelf(tmp_path / "none")
    assert (shelf.has_latest(), shelf.latest_hash()) == (False, None)
    with pytest.raises(NotTrained, match="there is no snapshot yet; run: graphrec load MAPPING, then graphrec train"):
        shelf.latest()
    for find in (shelf.of_hash, lambda found: shelf.of_address(found, None)):
        with pytest.raises(
            NotTrained, match="snapshot 0123456789abcdef of this model is not there; run: graphrec train"
        ):
            find("0123456789abcdef" * 4)


def test_the_remedy_names_the_date_and_the_home_of_the_date(tmp_path: Path) -> None:
    shelf = SnapshotShelf(tmp_path / "snapshots")
    (shelf.add(dated(LATER)).folder / "checksums").unlink()
    with pytest.raises(
        Damaged, match=r"checksums cannot be read: No such .*; run: graphrec snapshot --as-of 2030-01-01$"
    ):
        shelf.latest()
    folder = tmp_path / "as-of" / "2030-01-01" / "snapshots"
    shelf = SnapshotShelf(folder)
    (shelf.add(dated(LATER)).folder / "checksums").unlink()
    with pytest.raises(Damaged, match=f"; remove {folder} and run the command again$"):
        shelf.latest()


def test_a_folder_that_holds_another_snapshot_is_refused(tmp_path: Path) -> None:
    shelf = SnapshotShelf(tmp_path)
    first, other = shelf.add(bank_snapshot), shelf.add(lambda path: bank_snapshot(path, seed=2))
    first.folder.rename(tmp_path / "away")
    other.folder.rename(first.folder)
    with pytest.raises(Damaged, match=f"holds another snapshot, {other.hash[:16]}; run: graphrec snapshot$"):
        shelf.of_hash(first.hash)


@pytest.mark.parametrize("content", ["", "\n", "0", "a b", "{name}", "{name} 00000000\n", "{name} \n"])
def test_latest_that_names_nothing_is_one_line(tmp_path: Path, content: str) -> None:
    shelf = SnapshotShelf(tmp_path)
    name = shelf.add(dated(LATER)).folder.name
    (tmp_path / "latest").write_text(content.format(name=name))
    with pytest.raises(Damaged, match=r"latest is damaged: it does not name a snapshot; run: graphrec snapshot$"):
        shelf.latest()


WRITER = """
import sys, time
from pathlib import Path
from graphrec.graph.folders.shelf import SnapshotShelf
from tests.banks import bank_snapshot
shelf = SnapshotShelf(Path(sys.argv[1]))
print("ready", flush=True)
for seed in range(1, 1000):
    shelf.add(lambda path: bank_snapshot(path, seed=seed % 3 + 1))
"""


@pytest.mark.slow
def test_a_killed_writer_leaves_whole_snapshots_and_the_next_one_sweeps(tmp_path: Path) -> None:
    shelf = SnapshotShelf(tmp_path)
    hashes = {shelf.add(lambda path, seed=seed: bank_snapshot(path, seed=seed)).hash for seed in (1, 2, 3)}  # type: ignore[misc]
    for n in range(10):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(0.02 + 0.03 * n)
            writer.send_signal(signal.SIGKILL)
        latest = shelf.latest()
        latest.verify()
        assert latest.hash in hashes
        assert content_hash(latest.folder, latest.meta) == json.loads((latest.folder / "meta.json").read_text())["hash"]
    shelf.add(bank_snapshot)
    names = {found[:16] for found in hashes} | {"latest", "lock"}
    assert {path.name for path in tmp_path.iterdir()} == names
