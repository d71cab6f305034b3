"""Shards of text vectors: pairs of files with sorted keys and vectors in their order; small ones are merged.

Behind each key stand four bytes, the CRC-32 of its vector: what is read is checked. Files of before have keys alone.
"""

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.files import whole_file

ROWS = 4000
"""Vectors held at once while shards are merged."""

Keys = NDArray[np.uint8]
Vectors = NDArray[np.float32]
KEY, SUM = 32, 4
"""Bytes of a key, and of the sum behind it."""


@dataclass(frozen=True, eq=False)
class Shard:
    """One pair of files, mapped into memory.

    Shapes: keys (n, KEY) uint8 sorted, vectors (n, dim); sums (n,), or None where none were written.
    """

    path: Path
    keys: Keys
    vectors: Vectors
    sums: NDArray[np.uint32] | None

    def read(self, rows: NDArray[np.integer]) -> Vectors:
        """The vectors of some rows, which are those that were written.

        Raises:
            ModelError: one of them is not.
        """
        found = np.ascontiguousarray(self.vectors[rows])
        if self.sums is not None and (_sums(found) != self.sums[rows]).any():
            raise ModelError(
                f"text vectors {_vectors_of(self.path)} are damaged (a checksum is wrong); delete the folder and run: "
                "graphrec embed"
            )
        return found


def _sums(vectors: Vectors) -> NDArray[np.uint32]:
    """The CRC-32 of each row, as it lies in the file."""
    rows = np.ascontiguousarray(vectors, "<f4")
    return np.fromiter((zlib.crc32(row) for row in rows), np.uint32, len(rows))


def sortable(keys: Keys) -> NDArray[np.uint64]:
    """Return the first eight bytes of each key as a number that sorts as the bytes do."""
    return np.ascontiguousarray(keys[:, :8]).view(">u8").ravel().astype(np.uint64)


def search(shard: Keys, keys: Keys) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the row of each key in sorted shard keys, and whether it is there."""
    if not len(shard):
        return np.zeros(len(keys), np.int64), np.zeros(len(keys), bool)
    rows = np.minimum(np.searchsorted(sortable(shard), sortable(keys)), len(shard) - 1)
    return rows, (shard[rows] == keys).all(axis=1)


def open_shards(folder: Path, dim: int) -> tuple[Shard, ...]:
    """Return every shard of a folder.

    Raises:
        ModelError: a file is damaged or missing.
    """
    for _ in range(10):  # a shard may be merged into another one between listing and opening
        try:
            return tuple(_open_shard(path, dim) for path in _shards(folder))
        except FileNotFoundError:
            continue
    raise ModelError(f"text vectors in {folder} have keys without vectors; delete the folder and run: graphrec embed")


def _shards(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.keys.npy"))


def _vectors_of(keys_path: Path) -> Path:
    return keys_path.with_name(keys_path.name.removesuffix(".keys.npy") + ".vectors.npy")


def _open_shard(path: Path, dim: int) -> Shard:
    try:
        rows = np.load(path, mmap_mode="r")
        vectors = np.load(_vectors_of(path), mmap_mode="r")
    except (ValueError, EOFError) as error:
        raise ModelError(
            f"text vectors {path.with_suffix('').stem} in {path.parent} are damaged ({error}); "
            "delete the folder and run: graphrec embed"
        ) from None
    has_sums = rows.shape == (len(vectors), KEY + SUM)
    if not (has_sums or rows.shape == (len(vectors), KEY)) or vectors.shape[1:] != (dim,):
        raise ModelError(
            f"text vectors {path.with_suffix('').stem} in {path.parent} do not fit together (keys {rows.shape}, "
            f"vectors {vectors.shape}, dim {dim}); delete the folder and run: graphrec embed"
        )
    sums = np.ascontiguousarray(rows[:, KEY:]).view("<u4").ravel() if has_sums else None
    return Shard(path, rows[:, :KEY], vectors, sums)


def write_shard(folder: Path, keys: Keys, chunks: Iterable[Vectors]) -> Path:
    """Write sorted keys with their vectors; the name is a hash of the keys: the same texts, the same files."""
    path = folder / f"{hashlib.sha256(keys.tobytes()).hexdigest()[:16]}.keys.npy"
    sums: list[NDArray[np.uint32]] = [np.zeros(0, np.uint32)]
    with whole_file(_vectors_of(path)) as temporary, temporary.open("wb") as file:
        for number, chunk in enumerate(chunks):
            if number == 0:
                shape = (len(keys), chunk.shape[1])
                np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
            file.write(np.ascontiguousarray(chunk, "<f4").data)
            sums.append(_sums(chunk))
    behind = np.concatenate(sums).astype("<u4").view(np.uint8).reshape(-1, SUM)
    with whole_file(path) as temporary:
        np.save(temporary, np.concatenate((keys, behind), axis=1))
    return path


def compact(folder: Path, dim: int) -> None:
    """Merge small shards, so that there are never more than a few: each is over twice the size of all after it."""
    shards = sorted((_open_shard(path, dim) for path in _shards(folder)), key=lambda shard: -len(shard.keys))
    sizes = [len(shard.keys) for shard in shards]
    keep = next((n for n in range(len(sizes)) if sizes[n] <= 2 * sum(sizes[n + 1 :])), len(sizes))
    merged = shards[keep:]
    if len(merged) < 2:
        return
    keys = np.concatenate([shard.keys for shard in merged])
    _, order = np.unique(sortable(keys), return_index=True)
    kept = write_shard(folder, keys[order], _gathered(merged, order))
    for shard in merged:
        if shard.path != kept:
            shard.path.unlink()
            _vectors_of(shard.path).unlink()


def _gathered(parts: Sequence[Shard], order: NDArray[np.int64]) -> Iterator[Vectors]:
    """Yield the rows `order` of the shards laid end to end, a few thousand at a time."""
    starts = np.cumsum([0] + [len(part.keys) for part in parts])
    for begin in range(0, len(order), ROWS):
        rows = order[begin : begin + ROWS]
        chunk = np.empty((len(rows), parts[0].vectors.shape[1]), np.float32)
        for part, start, end in zip(parts, starts, starts[1:], strict=False):
            here = (rows >= start) & (rows < end)
            chunk[here] = part.read(rows[here] - start)
        yield chunk
