"""Which slot of a file of keys is whose: an index that a process keeps, and that grows with the file.

The marks that slots begin with are sorted as numbers of 64 bits; those of slots that were appended since are in a dict.
What is found is compared with the file, so that a destroyed key is never taken for one that is there.
"""

import os
from collections.abc import Sequence
from mmap import PROT_READ, mmap
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

SLOT, MARK = 80, 16
"""Bytes of a slot and of the mark that it begins with."""
#: Slots that are appended before the sorted numbers are made anew.
RECENT = 1 << 16


class SlotIndex:
    """The slots of a file by their marks; threads may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._is_new = True
        self._forget()

    def find(self, marks: Sequence[bytes]) -> list[int | None]:
        """The slot of each mark; None where there is none.

        A process that asks once walks over the file; one that asks again makes the index.
        """
        try:
            with self._lock, self._path.open("rb") as file:
                if self._is_new:
                    self._is_new = False
                    halves = self._halves(file.fileno(), 0, os.fstat(file.fileno()).st_size // SLOT)
                    return [_last(halves, mark) for mark in marks]
                return self._found(file.fileno(), marks)
        except FileNotFoundError:
            return [None] * len(marks)

    def _forget(self) -> None:
        self._inode = self._count = 0
        self._numbers, self._slots = np.zeros(0, np.uint64), np.zeros(0, np.int64)
        self._recent: dict[bytes, int] = {}

    def _found(self, file: int, marks: Sequence[bytes]) -> list[int | None]:
        self._grow(file)
        found = []
        for mark in marks:
            there = self._named(mark)
            slot = next((one for one in there if _mark_of(file, one) == mark), None)
            if there and slot is None:
                # A key was destroyed since; its person may have another one.
                self._forget()
                self._grow(file)
                slot = next((one for one in self._named(mark) if _mark_of(file, one) == mark), None)
            found.append(slot)
        return found

    def _named(self, mark: bytes) -> list[int]:
        """The slots that may have a mark, the last one first."""
        if mark in self._recent:
            return [self._recent[mark]]
        wanted = np.frombuffer(mark, np.uint64)[0]
        start, end = (int(np.searchsorted(self._numbers, wanted, side)) for side in ("left", "right"))
        return sorted(self._slots[start:end].tolist(), reverse=True)

    def _grow(self, file: int) -> None:
        """Take up what was appended."""
        state = os.fstat(file)
        count = state.st_size // SLOT
        if state.st_ino != self._inode or count < self._count:
            self._forget()
            self._inode = state.st_ino
        if count == self._count:
            return
        if len(self._recent) + count - self._count > RECENT or not self._count:
            numbers = np.ascontiguousarray(self._halves(file, 0, count)[:, 0])
            self._slots = np.argsort(numbers, kind="stable")
            self._numbers, self._recent = numbers[self._slots], {}
        else:
            joined = self._halves(file, self._count, count).tobytes()
            for place in range(len(joined) // MARK):
                self._recent[joined[place * MARK : (place + 1) * MARK]] = self._count + place
        self._count = count

    @staticmethod
    def _halves(file: int, since: int, end: int) -> NDArray[np.uint64]:
        """The marks (num_slots, 2) of the slots from one to before another."""
        count = end - since
        if count <= 0:
            return np.zeros((0, MARK // 8), np.uint64)
        with mmap(file, 0, prot=PROT_READ) as content:
            # A copy: nothing of it may outlive the mapping.
            marks = np.ndarray((count, SLOT), np.uint8, content, since * SLOT)[:, :MARK].copy()
        return marks.view(np.uint64)


def _mark_of(file: int, slot: int) -> bytes:
    return os.pread(file, MARK, slot * SLOT)


def _last(halves: NDArray[np.uint64], mark: bytes) -> int | None:
    wanted = np.frombuffer(mark, np.uint64)
    same = np.flatnonzero((halves[:, 0] == wanted[0]) & (halves[:, 1] == wanted[1]))
    return int(same[-1]) if len(same) else None
