"""Appending to a record: whole or not at all, by several processes at once, through kill -9."""

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import field, replace
from pathlib import Path
from threading import Lock
from typing import Any

from graphrec.errors import RecordError
from graphrec.files import flush, make_folder, private, wait_for_disk, whole_file
from graphrec.frozen import dataclass
from graphrec.records.blocks import HEAD, Head, Packed, block_at, entry_bytes, made_block, segments, sha256
from graphrec.records.keys import Keys

BLOCK = 1_000
"""Entries of one block at most: what is read to show one of them."""
SEGMENT = 64 << 20
"""Bytes after which a new file is begun."""


class Recorder:
    """The record in a folder, to append to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._keys = Keys.beside(folder)

    def append(self, shared: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> range:
        """The numbers of these entries in the record, where they are when this returns.

        Args:
            shared: what holds for all of them.
            entries: plain values or dataclasses by name; each is sealed with the key of its `user`, one without a user
                with the bank's.

        Raises:
            RecordError: the record is damaged, or the key of the home is gone.
            SettingsError: GRAPHREC_KEY is not the key of this home.
            OSError: it cannot be written.
        """
        first = last = 0
        for packed in self.sealed(entries):
            numbers = self.commit(shared, packed)
            first, last = first or numbers.start, numbers.stop - 1
        return range(first, last + 1)

    def sealed(self, entries: Sequence[Mapping[str, Any]]) -> Iterator[Packed]:
        """Entries as blocks that are ready to be committed: most of an append's time is spent here, without a lock.

        Another process may do it; errors as of `append`.
        """
        for start in range(0, len(entries), BLOCK):
            block = entries[start : start + BLOCK]
            plain = [entry_bytes(entry) for entry in block]
            make_folder(self.folder)
            if not self._keys.are_there() and segments(self.folder):
                raise _damaged(self.folder, f"its keys are gone from {self._keys.folder}; restore them from a backup")
            # A key is on the disk before the entry that needs it.
            yield Packed.of(plain, self._keys.for_entries([entry.get("user") for entry in block]))

    def commit(self, shared: Mapping[str, Any], packed: Packed) -> range:
        """The numbers of a block's entries in the record, where they are when this returns; errors as of `append`."""
        last = self._append_block(shared, packed).entries
        return range(last - len(packed.hashes) + 1, last + 1)

    def _append_block(self, shared: Mapping[str, Any], packed: Packed) -> Head:
        """The head after a block that is on the disk.

        Threads that append at once commit together: one of them waits for its turn among threads and processes, and
        then writes what all of them have brought by then, one block after another, with one sync.
        """
        mine, group = _Waiting(shared, packed), _group_of(self.folder)
        wait_for_disk()
        with group.gate:
            group.waiting.append(mine)
        with group.writer:
            if mine.reached is None and mine.error is None:
                together: list[_Waiting] = []
                try:
                    with locked(self.folder, exclusive=True):
                        together = group.taken()
                        heads = self._write(together)
                except BaseException as error:  # noqa: BLE001 - each of them gets it
                    for one in together or group.taken():
                        one.error = error
                else:
                    for one, reached in zip(together, heads, strict=True):
                        one.reached = reached
        if mine.error is not None:
            raise mine.error
        assert mine.reached is not None, "it was committed"
        return mine.reached

    def _write(self, together: Sequence["_Waiting"]) -> list[Head]:
        """The heads after the blocks of several callers, which are on the disk."""
        head, set_aside = self._end()
        is_new = not head.file or head.size >= SEGMENT
        if is_new:
            head = replace(head, file=f"{head.entries + 1:010}.log", size=0)
        blocks, heads = [], []
        for one in together:
            block = made_block(head, one.shared, one.packed, set_aside)
            entries = head.entries + len(one.packed.hashes)
            head = Head(head.block + 1, entries, block[:64].decode("ascii"), head.file, head.size + len(block))
            blocks.append(block)
            heads.append(head)
            set_aside = []
        with open(self.folder / head.file, "ab", opener=private) as file:
            file.write(b"".join(blocks))
            file.flush()
            os.fsync(file.fileno())
        self._write_head(head)
        if is_new:
            flush(self.folder)
        return heads

    def _end(self) -> tuple[Head, list[dict[str, Any]]]:
        """Where to go on, and what was set aside there: the next block vouches for it."""
        head = Head.read(self.folder)
        names = _names(self.folder)
        files = [name for name in names if name.endswith(".log")]
        if head is None:
            if files or HEAD in names:
                raise _damaged(self.folder, f"{HEAD} is not there or cannot be read")
            head = Head()
            self._write_head(head)
        later = [name for name in files if name >= head.file]
        sizes = [(self.folder / name).stat().st_size for name in later]
        if head.file and (not later or later[0] != head.file or sizes[0] < head.size):
            raise _damaged(self.folder, f"{head.file} is shorter than {HEAD} says")
        for name, size in zip(later, sizes, strict=True):
            start = head.size if name == head.file else 0
            if size > start:
                head = self._mend(head, self.folder / name, start, is_last=name is later[-1])
                names = _names(self.folder)
        aside = f"{_torn(head)}-"
        return head, [_describe(self.folder / name) for name in names if name.startswith(aside)]

    def _mend(self, head: Head, path: Path, start: int, *, is_last: bool) -> Head:
        """Take up the whole blocks that a killed process left after the head, and set aside the torn one."""
        data = path.read_bytes()
        while (block := block_at(data, start)) is not None:
            if block.header["previous"] != head.hash:
                raise _damaged(self.folder, f"block {block.number} does not follow block {head.block}")
            head = Head(block.number, block.last, block.hash, path.name, block.end)
            start = block.end
        torn = data[start:]
        if torn and not is_last:
            raise _damaged(self.folder, f"{path.name} ends in the middle of a block, and is not the last file")
        if torn:
            with whole_file(self.folder / f"{_torn(head)}-{sha256(torn)[:8]}") as temporary:
                temporary.write_bytes(torn)
            os.truncate(path, start)
        return replace(head, file=path.name, size=start)

    def _write_head(self, head: Head) -> None:
        """Write a head over the one before it; the record is locked, so that nobody reads it meanwhile.

        It may come to the disk later than the block: the head before it leads on to the blocks behind. One of the same
        length is written in place, less than a sector, so that no half of it is on a disk.
        """
        content, path = head.to_bytes(), self.folder / HEAD
        with suppress(FileNotFoundError), path.open("r+b", buffering=0) as file:
            if os.fstat(file.fileno()).st_size == len(content):
                file.write(content)
                return
        unfinished = self.folder / f".{HEAD}"
        with open(unfinished, "wb", opener=private) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)


@dataclass
class _Waiting:
    """A block of one caller on its way to the disk."""

    shared: Mapping[str, Any]
    packed: Packed
    reached: Head | None = None
    error: BaseException | None = None


@dataclass
class _Group:
    """Who appends to one record in this process."""

    gate: Lock = field(default_factory=Lock)
    """Held while the list is changed."""
    writer: Lock = field(default_factory=Lock)
    """Held by the thread that writes."""
    waiting: list[_Waiting] = field(default_factory=list)

    def taken(self) -> list[_Waiting]:
        """All who wait by now; nobody waits afterwards."""
        with self.gate:
            found, self.waiting = self.waiting, []
        return found


_GROUPS: dict[Path, _Group] = {}


def _group_of(folder: Path) -> _Group:
    # Of two threads the first one's stays.
    return _GROUPS.setdefault(folder, _Group())


def _names(folder: Path) -> list[str]:
    """What is in a folder, in order."""
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries)


def _torn(head: Head) -> str:
    """The beginning of the name of what is set aside before the next entry."""
    return f"torn-{head.entries + 1:010}"


def _describe(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"file": path.name, "bytes": len(content), "sha256": sha256(content)}


def _damaged(folder: Path, what: str) -> RecordError:
    return RecordError(
        f"nothing was added to the record in {folder}: {what}; see graphrec record verify, or answer with --no-record"
    )


def head_of(folder: Path) -> Head | None:
    """The head of a record that others may append to; None as of `Head.read`."""
    with locked(folder, exclusive=False):
        return Head.read(folder)


@contextmanager
def locked(folder: Path, *, exclusive: bool) -> Iterator[None]:
    """Keep other appenders out while the block runs; where nobody can write, readers need no lock.

    Raises:
        OSError: an exclusive lock cannot be had because the folder cannot be written.
    """
    if exclusive:
        make_folder(folder)
    path = folder / "lock"
    if not exclusive and not path.exists():
        yield
        return
    with open(path, "ab" if exclusive else "rb", opener=private) as file:
        fcntl.flock(file, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield
