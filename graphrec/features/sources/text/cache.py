"""Text vectors kept on disk: each text is encoded once per encoder. Reading needs numpy alone.

    <folder>/<encoder>/meta.json              format, encoder, identity, dim
    <folder>/<encoder>/<name>.keys.npy        uint8 (n, 36), sorted: sha256 of the encoder's identity and the text, and
                                              the CRC-32 of the vector
    <folder>/<encoder>/<name>.vectors.npy     float32 (n, dim), in the same order

A pair of files is a shard; it is there once its keys are, and they come last. A killed run keeps its finished shards.
"""

import fcntl
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError, SchemaOutdated
from graphrec.features.sources.text.shards import (
    Keys,
    Shard,
    Vectors,
    compact,
    open_shards,
    search,
    sortable,
    write_shard,
)
from graphrec.files import private, whole_file
from graphrec.progress import Progress, silent

FORMAT = 1
SHARD = 2000
"""Texts encoded before they are written: what a killed run loses at most."""


class Encodes(Protocol):
    """What a cache needs of an encoder."""

    @property
    def name(self) -> str: ...
    @property
    def identity(self) -> str: ...
    @property
    def slug(self) -> str: ...
    @property
    def dim(self) -> int: ...
    def encode(self, texts: Sequence[str], progress: Progress = silent) -> Vectors:
        """Return one vector per text: (len(texts), dim)."""
        ...


@dataclass(frozen=True)
class EncodeReport:
    """What one call did; texts = encoded + cached, empty texts are in neither."""

    encoder: str
    texts: int
    encoded: int
    """Distinct texts that were new."""
    cached: int
    dim: int
    seconds: float
    note: str | None = None
    """What a person must know of the choice of the encoder."""


@dataclass(frozen=True, eq=False)
class StoredVectors:
    """The vectors of one encoder as they lie on disk, mapped into memory."""

    folder: Path
    encoder: str
    identity: str
    dim: int
    shards: tuple[Shard, ...]

    @classmethod
    def open(cls, folder: Path) -> "StoredVectors":
        """Return what is in the folder of one encoder.

        Raises:
            ModelError: nothing is there, or a file is damaged.
            SchemaOutdated: a newer graphrec wrote it.
        """
        try:
            meta = json.loads((folder / "meta.json").read_text("utf-8"))
        except FileNotFoundError:
            raise ModelError(f"no text vectors in {folder}; run: graphrec embed") from None
        except ValueError as error:
            raise ModelError(
                f"{folder / 'meta.json'} is damaged ({error}); delete the folder and run: graphrec embed"
            ) from None
        if meta["format"] != FORMAT:
            raise SchemaOutdated(
                f"text vectors {folder} have format {meta['format']}, this graphrec reads {FORMAT}; "
                "install a newer graphrec, or delete the folder and run: graphrec embed"
            )
        return cls(folder, meta["encoder"], meta["identity"], meta["dim"], open_shards(folder, meta["dim"]))

    def lookup(self, texts: Sequence[str]) -> tuple[Vectors, NDArray[np.bool_]]:
        """Return the vectors (n, dim) and which were found; zeros for empty texts, which count as found.

        Raises:
            ModelError: a vector is not what was written.
        """
        keys, empty = text_keys(self.identity, texts)
        vectors = np.zeros((len(texts), self.dim), np.float32)
        found = empty.copy()
        for shard in self.shards:
            rows, there = search(shard.keys, keys)
            there &= ~found
            vectors[there] = shard.read(rows[there])
            found |= there
        return vectors, found

    def contains(self, keys: Keys) -> NDArray[np.bool_]:
        """Return which of the keys (n, 32) are there."""
        found = np.zeros(len(keys), bool)
        for shard in self.shards:
            found |= search(shard.keys, keys)[1]
        return found


def encoders_of(folder: Path) -> dict[str, str]:
    """The names of the encoders whose vectors are in a folder, by their slugs."""
    found = {}
    for path in sorted(folder.glob("*/meta.json")):
        stored = StoredVectors.open(path.parent)
        if stored.shards:
            found[path.parent.name] = stored.encoder
    return found


class VectorCache:
    """Text vectors of one encoder in a folder; only texts that are new are encoded."""

    def __init__(self, folder: Path, encoder: Encodes) -> None:
        self.folder = folder / encoder.slug
        self._encoder = encoder

    def vectors(self, texts: Sequence[str], progress: Progress = silent) -> tuple[EncodeReport, Vectors]:
        """Return what was done, and the vector of every text: float32 (len(texts), dim), zeros for an empty one.

        Raises:
            ModelError: the encoder or a file of the folder is not usable.
        """
        report = self.fill(texts, progress)
        vectors, found = StoredVectors.open(self.folder).lookup(texts)
        if not found.all():
            raise ModelError(f"text vectors in {self.folder} vanished while in use; run: graphrec embed")
        return report, vectors

    def fill(self, texts: Sequence[str], progress: Progress = silent) -> EncodeReport:
        """Encode the texts that are new, shard by shard, and return what was done."""
        started = time.monotonic()
        keys, empty = text_keys(self._encoder.identity, texts)
        filled = np.flatnonzero(~empty)
        _, first = np.unique(sortable(keys[filled]), return_index=True)
        distinct = filled[first]
        self._begin()
        new = self._missing(distinct, keys)
        if len(new):
            with _locked(self.folder, progress):
                new = self._missing(distinct, keys)
                self._encode(texts, keys, new, progress)
                compact(self.folder, self._encoder.dim)
        return EncodeReport(
            encoder=self._encoder.name,
            texts=len(filled),
            encoded=len(new),
            cached=len(filled) - len(new),
            dim=StoredVectors.open(self.folder).dim,
            seconds=time.monotonic() - started,
        )

    def _begin(self) -> None:
        encoder, path = self._encoder, self.folder / "meta.json"
        if not path.exists():
            meta = {"format": FORMAT, "encoder": encoder.name, "identity": encoder.identity, "dim": encoder.dim}
            with whole_file(path) as temporary:
                temporary.write_text(json.dumps(meta) + "\n", "utf-8")

    def _missing(self, rows: NDArray[np.int64], keys: Keys) -> NDArray[np.int64]:
        return rows[~StoredVectors.open(self.folder).contains(keys[rows])]

    def _encode(self, texts: Sequence[str], keys: Keys, rows: NDArray[np.int64], progress: Progress) -> None:
        # The rows are in the order of their keys, so every shard is a fair sample of short and long texts:
        # the rate of the first ones foretells the rest.
        for start in range(0, len(rows), SHARD):
            part = rows[start : start + SHARD]
            whole = _part_of(progress, start, len(rows))
            vectors = self._encoder.encode([texts[int(row)] for row in part], whole)
            write_shard(self.folder, keys[part], [vectors])
            if start // SHARD % 16 == 15:
                compact(self.folder, self._encoder.dim)


def text_keys(identity: str, texts: Sequence[str]) -> tuple[Keys, NDArray[np.bool_]]:
    """Return the key of every text (n, 32) and which texts are empty (nothing but white space)."""
    start = hashlib.sha256(identity.encode() + b"\0")
    keys = np.zeros((len(texts), 32), np.uint8)
    empty = np.zeros(len(texts), bool)
    for row, text in enumerate(texts):
        if not text or text.isspace():
            empty[row] = True
            continue
        key = start.copy()
        key.update(text.encode("utf-8", "surrogatepass"))
        keys[row] = np.frombuffer(key.digest(), np.uint8)
    return keys, empty


def _part_of(progress: Progress, before: int, total: int) -> Progress:
    """Return a progress of one shard that shows that of the whole."""

    def shown(what: str, done: int, _: int | None) -> None:
        progress(what, before + done, total)

    return shown


@contextmanager
def _locked(folder: Path, progress: Progress) -> Iterator[None]:
    """Hold the folder for writing; waits while another process fills it."""
    with open(folder / "lock", "w", opener=private) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another process that encodes texts", 0, None)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
