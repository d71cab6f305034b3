"""The snapshots of a home."""

import threading
import time
from pathlib import Path

from graphrec.graph.build import content_hash
from graphrec.graph.shelf import SnapshotShelf
from graphrec.graph.snapshot import Snapshot
from tests.banks import bank_snapshot


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
    assert len(kept) == 2
    for snapshot in kept:
        assert content_hash(snapshot.folder, snapshot.meta) == snapshot.hash
    assert SnapshotShelf(tmp_path).latest().hash == kept[1].hash
