"""Entries of a record by their number."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from graphrec.errors import RecordError, UnknownId
from graphrec.records.blocks import Block, blocks, segments, sha256


@dataclass(frozen=True)
class Entry:
    """One entry with what its block says for all of its entries."""

    number: int
    hash: str
    """SHA-256 of `content`."""
    block: int
    shared: Mapping[str, Any]
    content: bytes

    @cached_property
    def entry(self) -> dict[str, Any]:
        """User, candidates, refused, answer."""
        plain: dict[str, Any] = json.loads(self.content)
        return plain

    def to_json(self) -> dict[str, Any]:
        """Everything, as plain values."""
        return {"record": self.number, "hash": self.hash, "block": self.block, **self.shared, **self.entry}


def entry_of(folder: Path, number: int) -> Entry:
    """The entry with this number, checked against its hash.

    Raises:
        UnknownId: there is no such entry.
        RecordError: it is not what was recorded.
    """
    last = 0
    # A file is named by its first entry.
    files = [path for path in segments(folder) if int(path.stem) <= number] or segments(folder)
    for block in blocks(files[-1:]):
        last = block.last
        if block.first <= number <= block.last:
            for found in _entries(block):
                if found.number == number:
                    return found
            raise RecordError(f"entry {number} is not what was recorded; run: graphrec record verify")
    there = f"it ends with entry {last}" if last else "it is empty"
    raise UnknownId(f"the record in {folder} has no entry {number}, {there}; list them with: graphrec record list")


def entries(folder: Path) -> Iterator[Entry]:
    """All entries of a record that are what was recorded, the last one first."""
    for path in reversed(segments(folder)):
        for block in reversed(list(blocks([path]))):
            yield from reversed(list(_entries(block)))


def _entries(block: Block) -> Iterator[Entry]:
    for place, (content, digest) in enumerate(zip(block.entries, block.header["entries"], strict=False)):
        if sha256(content) == digest:
            yield Entry(block.first + place, digest, block.number, block.header["shared"], content)
