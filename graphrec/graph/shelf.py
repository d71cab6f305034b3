"""The snapshots of a home: one folder each, named by its hash, and which one is the latest."""

from collections.abc import Callable
from pathlib import Path

from graphrec.errors import NotTrained
from graphrec.files import locked, whole_file
from graphrec.graph.snapshot import Snapshot

DIGITS = 16
"""Digits of a hash that name a folder and that people are shown."""


class SnapshotShelf:
    """The folder `snapshots` of a home."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, write: Callable[[Path], Snapshot]) -> Snapshot:
        """Keep what `write` writes to the path it is given, under its hash, as the latest; equal content once."""
        with locked(self.folder / "lock"):
            fresh = write(self.folder / "fresh")
            path = self.folder / fresh.hash[:DIGITS]
            if path.exists():
                with whole_file(path / "meta.json") as temporary:
                    temporary.write_bytes((fresh.folder / "meta.json").read_bytes())
                _remove(fresh.folder)
            else:
                fresh.folder.rename(path)
            with whole_file(self.folder / "latest") as temporary:
                temporary.write_text(path.name + "\n", "utf-8")
        return Snapshot.open(path)

    def has_latest(self) -> bool:
        """Whether there is a snapshot."""
        return (self.folder / "latest").exists()

    def latest(self) -> Snapshot:
        """The snapshot written last.

        Raises:
            NotTrained: there is none.
        """
        try:
            name = (self.folder / "latest").read_text("utf-8").strip()
        except FileNotFoundError:
            raise NotTrained("there is no snapshot yet; run: graphrec load MAPPING, then graphrec train") from None
        return Snapshot.open(self.folder / name)

    def of_hash(self, snapshot_hash: str) -> Snapshot:
        """The snapshot with this hash.

        Raises:
            NotTrained: it is not there.
        """
        path = self.folder / snapshot_hash[:DIGITS]
        if not path.exists():
            raise NotTrained(f"snapshot {snapshot_hash[:DIGITS]} of this model is not there; run: graphrec train")
        return Snapshot.open(path)


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder)
