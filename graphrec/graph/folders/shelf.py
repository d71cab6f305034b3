"""The snapshots of a home: one folder each, named by its content and its date, and which one is the latest."""

import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from graphrec.errors import Damaged, NotTrained, SchemaOutdated
from graphrec.files import locked, place_folder, private_folder, whole_file
from graphrec.graph.folders.snapshot import REMEDY, Snapshot

DIGITS = 16
"""Digits of a hash that name a folder and that people are shown."""


class SnapshotShelf:
    """The folder `snapshots` of a home.

    A snapshot has the address (content hash, as-of date): equal content that was taken for two dates is two snapshots,
    so that an answer keeps its date whatever is taken later.
    """

    none_yet = "there is no snapshot yet; run: graphrec load MAPPING, then graphrec train"
    """What is said where there is none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, write: Callable[[Path], Snapshot]) -> Snapshot:
        """Keep the snapshot that `write` writes to the path it is given, as the latest; an equal one is kept once.

        Raises:
            Unwritable: the folder is full or read-only.
        """
        with private_folder(self.folder, "fresh") as scratch:
            fresh = write(scratch / "snapshot")
            path = self.folder / _address(fresh.hash, fresh.as_of)
            with locked(self.folder / "lock"):
                if not self._is_whole(path):
                    place_folder(fresh.folder, path)
                with whole_file(self.folder / "latest") as temporary:
                    temporary.write_text(f"{path.name} {_checksum(path.name)}\n", "utf-8")
        return self._open(path)

    def has_latest(self) -> bool:
        """Whether there is a snapshot."""
        return (self.folder / "latest").exists()

    def is_served(self) -> bool:
        """Whether there is a snapshot to answer from.

        Raises:
            Damaged: there are some, and nothing says any more which one.
        """
        if not self.has_latest() and self.names():
            raise Damaged(f"{self.folder / 'latest'} is gone: it is not known what is served; {self.remedy('')}")
        return self.has_latest()

    def latest(self) -> Snapshot:
        """The snapshot written last.

        Raises:
            NotTrained: there is none.
            SchemaOutdated: another version of graphrec wrote it.
            Damaged: it is not what was written, or it is not known which one it is.
        """
        return self._open(self.folder / self._latest_name())

    def latest_hash(self) -> str | None:
        """The first digits of the content hash of the latest snapshot; None where there is none.

        Raises:
            Damaged: it is not known which one it is.
        """
        return self._latest_name().partition("-")[0] if self.has_latest() else None

    def of_hash(self, snapshot_hash: str) -> Snapshot:
        """The snapshot with this content; of several dates, the one that was taken first.

        Raises:
            NotTrained: it is not there.
            SchemaOutdated: another version of graphrec wrote it.
            Damaged: it is not what was written.
        """
        return self._open(min(self._with_hash(snapshot_hash), key=lambda path: (_taken(path), path.name)))

    def of_address(self, snapshot_hash: str, as_of: str | None) -> Snapshot:
        """The snapshot with this content as of a date (None: no date).

        Where it was taken for other dates alone, it is one of these with this date.

        Raises:
            NotTrained: it is not there.
            SchemaOutdated: another version of graphrec wrote it.
            Damaged: it is not what was written.
        """
        paths = self._with_hash(snapshot_hash)
        exact = self.folder / _address(snapshot_hash, as_of)
        return self._open(exact if exact in paths else min(paths)).dated(as_of)

    def _with_hash(self, snapshot_hash: str) -> list[Path]:
        digits = snapshot_hash[:DIGITS]
        paths = [*self.folder.glob(digits), *self.folder.glob(f"{digits}-*")]
        if not paths:
            raise NotTrained(f"snapshot {digits} of this model is not there; run: graphrec train")
        return paths

    def _latest_name(self) -> str:
        path = self.folder / "latest"
        try:
            words = path.read_bytes().decode("utf-8", "replace").split(" ")
        except FileNotFoundError:
            raise NotTrained(self.none_yet) from None
        except OSError as error:
            raise Damaged(f"{path} cannot be read: {error.strerror}; {self.remedy('')}") from None
        if len(words) == 1 and (old := words[0].strip()).isalnum() and len(old) == DIGITS:
            return old  # Written by format 1: opening it says so.
        if len(words) != 2 or words[1] != f"{_checksum(words[0])}\n":
            raise Damaged(f"{path} is damaged: it does not name a snapshot; {self.remedy('')}")
        return words[0]

    def _is_whole(self, path: Path) -> bool:
        """Whether a snapshot is there as it was written."""
        try:
            self._open(path).verify()
        except (NotTrained, Damaged, SchemaOutdated):
            return False
        return True

    def _open(self, path: Path) -> Snapshot:
        remedy = self.remedy(path.name.partition("-")[2])
        snapshot = self.opened(path, remedy)
        if path.name != _address(snapshot.hash, snapshot.as_of):
            raise Damaged(f"{path} holds another snapshot, {_address(snapshot.hash, snapshot.as_of)}; {remedy}")
        return snapshot

    def opened(self, path: Path, remedy: str) -> Snapshot:
        """The snapshot in a folder of this shelf."""
        return Snapshot.open(path, remedy)

    def names(self) -> list[str]:
        """The names of all folders, the one written first first."""
        paths = [meta.parent for meta in self.folder.glob("[!.]*/meta.json")]
        return [path.name for path in sorted(paths, key=lambda path: (_taken(path), path.name))]

    def latest_name(self) -> str:
        """The name of the folder that is served.

        Raises:
            NotTrained: there is none.
            Damaged: it is not known which one it is.
        """
        return self._latest_name()

    def remove(self, names: Iterable[str]) -> int:
        """Remove these folders, but for the latest; how many were there. Each goes in one step."""
        removed = 0
        with locked(self.folder / "lock"), private_folder(self.folder, "old") as scratch:
            for name in set(names) - {self._latest_name()}:
                with suppress(FileNotFoundError):
                    (self.folder / name).rename(scratch / name)
                    removed += 1
        return removed

    def _retire(self, kept: int) -> None:
        """Remove all but the last few folders; the newest one always stays."""
        newest = self._latest_name()
        others = [name for name in self.names() if name != newest]
        self.remove(others[: max(0, len(others) - kept + 1)])

    def remedy(self, as_of: str) -> str:
        """The command that takes a snapshot of a date anew."""
        if self.folder.parent.parent.name == "as-of":
            return f"remove {self.folder} and run the command again"
        return f"{REMEDY} --as-of {as_of}" if as_of else REMEDY


def _address(snapshot_hash: str, as_of: str | None) -> str:
    """The name of a folder: digits of the content hash, and the date in UTC where there is one."""
    if as_of is None:
        return snapshot_hash[:DIGITS]
    moment = datetime.fromisoformat(as_of).astimezone(UTC).replace(tzinfo=None)
    return f"{snapshot_hash[:DIGITS]}-{moment.isoformat().removesuffix('T00:00:00')}"


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"


def _taken(path: Path) -> int:
    """When a snapshot was written, in nanoseconds; far from now where nobody knows."""
    try:
        return (path / "meta.json").stat().st_mtime_ns
    except OSError:
        return 1 << 63
