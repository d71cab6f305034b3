"""Rows of the users' feature blocks, beside the facts: a folder a block, named by its digest.

    meta.json       format, digest
    id.*            the users, sorted
    rows.npy        a row of the block for each

A training writes them, since it encodes texts and fits scales; a user who came later has a row of zeros until the next.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from graphrec.files import make_folder, replace_folder
from graphrec.graph.folders.arrays import CheckedArray, CheckedFolder, seal
from graphrec.graph.folders.strings import ABSENT, Strings

FORMAT = 1
DIGITS = 16
REMEDY = "run: graphrec train"


class Rows(Protocol):
    """Rows that are read by the numbers of users."""

    def __getitem__(self, users: NDArray[np.integer]) -> NDArray[np.float32]:
        """The rows (len(users), width) of some users."""
        ...


class BlockRows:
    """The rows of a block for the users of some facts.

    Args:
        ids: the users of the facts, sorted.
    """

    def __init__(self, files: CheckedFolder, ids: Strings) -> None:
        self._rows: CheckedArray = files.array("rows.npy")
        self._own = Strings.open(files, "id")
        self._ids = ids
        offsets, own = np.asarray(ids.offsets), np.asarray(self._own.offsets)
        self._same = np.array_equal(own, offsets) and np.array_equal(np.asarray(self._own.data), np.asarray(ids.data))

    def __getitem__(self, users: NDArray[np.integer]) -> NDArray[np.float32]:
        """The rows (len(users), width) of some users, zeros for those who came later."""
        places = np.asarray(users, np.int64)
        if not self._same:
            places = np.array([self._own.find(self._ids[int(user)]) for user in places], np.int64)
        found = np.zeros((len(places), self._rows.shape[1]), np.float32)
        there = places != ABSENT
        found[there] = self._rows[places[there]]
        return found


def read_blocks(folder: Path, digests: list[str], ids: Strings) -> dict[str, Rows]:
    """The rows of these blocks for the users of some facts; blocks that are not there are left out.

    Raises:
        SchemaOutdated: another version of graphrec wrote one.
        Damaged: one is not what was written.
    """
    found: dict[str, Rows] = {}
    for digest in digests:
        path = folder / digest[:DIGITS]
        if (path / "meta.json").exists():
            found[digest] = BlockRows(CheckedFolder.open(path, FORMAT, REMEDY), ids)
    return found


def write_blocks(folder: Path, rows: Mapping[str, NDArray[np.float32]], ids: Strings) -> None:
    """Keep the rows of blocks by digest, each once.

    Raises:
        Unwritable: the folder is full or read-only.
    """
    for digest, block in rows.items():
        path = folder / digest[:DIGITS]
        if (path / "meta.json").exists():
            continue
        make_folder(folder)
        with replace_folder(path) as fresh:
            np.save(fresh / "rows.npy", np.ascontiguousarray(block, np.float32))
            ids.save(fresh / "id")
            seal(fresh, {"format": FORMAT, "digest": digest})
