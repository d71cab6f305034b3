"""Shards of text vectors: pairs of files with sorted keys and vectors in their order; small ones are merged."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.files import whole_file

ROWS = 4000
"""Vectors held at once while shards are merged."""

Keys = NDArray[np.uint8]
Vectors = NDArray[np.float32]


def sortable(keys: Keys) -> NDArray[np.uint64]:
    """Return the first eight bytes of each key as a number that sorts as the bytes do."""
    return np.ascontiguousarray(keys[:, :8]).view(">u8").ravel().astype(np.uint64)


def search(shard: Keys, keys: Keys) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the row of each key in sorted shard keys, and whether it is there."""
    if not len(shard):
        return np.zeros(len(keys), np.int64), np.zeros(len(keys), bool)
    rows = np.minimum(np.searchsorted(sortable(shard), sortable(keys)), len(shard) - 1)
    return rows, (shard[rows] == keys).all(axis=1)


def open_shards(folder: Path, dim: int) -> tuple[tuple[Keys, Vectors], ...]:
    """Return the keys and vectors of every shard of a folder, mapped into memory.

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


def _open_shard(path: Path, dim: int) -> tuple[Keys, Vectors]:
    try:
        keys = np.load(path, mmap_mode="r")
        vectors = np.load(_vectors_of(path), mmap_mode="r")
    except (ValueError, EOFError) as error:
        raise ModelError(
            f"text vectors {path.with_suffix('').stem} in {path.parent} are damaged ({error}); "
            "delete the folder and run: graphrec embed"
        ) from None
    if keys.shape != (len(vectors), 32) or vectors.shape[1:] != (dim,):
        raise ModelError(
            f"text vectors {path.with_suffix('').stem} in {path.parent} do not fit together (keys {keys.shape}, "
            f"vectors {vectors.shape}, dim {dim}); delete the folder and run: graphrec embed"
        )
    return keys, vectors


def write_shard(folder: Path, keys: Keys, chunks: Iterable[Vectors]) -> Path:
    """Write sorted keys with their vectors; the name is a hash of the keys: the same texts, the same files."""
    path = folder / f"{hashlib.sha256(keys.tobytes()).hexdigest()[:16]}.keys.npy"
    with whole_file(_vectors_of(path)) as temporary, temporary.open("wb") as file:
        for number, chunk in enumerate(chunks):
            if number == 0:
                shape = (len(keys), chunk.shape[1])
                np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
            file.write(np.ascontiguousarray(chunk, "<f4").data)
    with whole_file(path) as temporary:
        np.save(temporary, keys)
    return path


def compact(folder: Path, dim: int) -> None:
    """Merge small shards, so that there are never more than a few: each is over twice the size of all after it."""
    shards = [(path, *_open_shard(path, dim)) for path in _shards(folder)]
    shards.sort(key=lambda shard: -len(shard[1]))
    sizes = [len(keys) for _, keys, _ in shards]
    keep = next((n for n in range(len(sizes)) if sizes[n] <= 2 * sum(sizes[n + 1 :])), len(sizes))
    merged = shards[keep:]
    if len(merged) < 2:
        return
    keys = np.concatenate([keys for _, keys, _ in merged])
    _, order = np.unique(sortable(keys), return_index=True)
    kept = write_shard(folder, keys[order], _gathered([vectors for _, _, vectors in merged], order))
    for path, _, _ in merged:
        if path != kept:
            path.unlink()
            _vectors_of(path).unlink()


def _gathered(parts: Sequence[Vectors], order: NDArray[np.int64]) -> Iterator[Vectors]:
    """Yield the rows `order` of the parts laid end to end, a few thousand at a time."""
    starts = np.cumsum([0] + [len(part) for part in parts])
    for begin in range(0, len(order), ROWS):
        rows = order[begin : begin + ROWS]
        chunk = np.empty((len(rows), parts[0].shape[1]), np.float32)
        for part, start, end in zip(parts, starts, starts[1:], strict=False):
            here = (rows >= start) & (rows < end)
            chunk[here] = part[rows[here] - start]
        yield chunk
