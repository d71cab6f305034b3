"""Strings in two arrays, so that a snapshot can map a million of them without reading any."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from graphrec.frozen import dataclass
from graphrec.graph.folders.arrays import CheckedArray, CheckedFolder, OverlaidFiles

ABSENT = -1
"""Stands for a node that the other side does not have."""


@dataclass(frozen=True, eq=False)
class Strings(Sequence[str]):
    """A sequence of strings over `offsets` (n + 1) and UTF-8 `data`; `find` needs it sorted by its bytes."""

    offsets: NDArray[np.int64] | CheckedArray
    data: NDArray[np.uint8] | CheckedArray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        return self.encoded(index).decode()

    def __iter__(self) -> Iterator[str]:
        whole = np.asarray(self.data).tobytes()
        for start, end in pairwise(np.asarray(self.offsets).tolist()):
            yield whole[start:end].decode()

    def encoded(self, index: int) -> bytes:
        """The UTF-8 bytes of one string."""
        count = len(self.offsets) - 1
        if not -count <= index < count:
            raise IndexError(f"string {index} of {count}")
        index %= count
        start, end = self.offsets[index : index + 2].tolist()
        found: NDArray[np.uint8] = self.data[start:end]
        return found.tobytes()

    def find(self, value: str) -> int:
        """The position of a value in sorted strings, -1 when it is not there."""
        try:
            wanted = value.encode()
        except UnicodeEncodeError:  # Bytes of a command line that are no UTF-8.
            return -1
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self.encoded(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self) and self.encoded(low) == wanted else -1

    def save(self, stem: Path) -> None:
        """Write `<stem>.offsets.npy` and `<stem>.data.npy`."""
        np.save(stem.with_name(stem.name + ".offsets.npy"), self.offsets)
        np.save(stem.with_name(stem.name + ".data.npy"), self.data)

    @classmethod
    def open(cls, files: CheckedFolder | OverlaidFiles, stem: str) -> "Strings":
        """The strings that `save` wrote, mapped into memory."""
        return cls(files.array(f"{stem}.offsets.npy"), files.array(f"{stem}.data.npy"))

    @classmethod
    def of(cls, values: Sequence[str]) -> "Strings":
        """The same strings, packed."""
        encoded = [value.encode() for value in values]
        offsets = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(value) for value in encoded], out=offsets[1:])
        return cls(offsets, np.frombuffer(b"".join(encoded), np.uint8))


def joined(own: Strings, other: Strings) -> NDArray[np.int64]:
    """Where each of some sorted strings is among other sorted strings (len(own),); ABSENT where it is not."""
    places = {value: place for place, value in enumerate(other)}
    return np.fromiter((places.get(value, ABSENT) for value in own), np.int64, len(own))
