"""Entries of a record by their number."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from graphrec.errors import RecordError, UnknownId
from graphrec.records.blocks import Block, blocks, segments, sha256
from graphrec.records.escrow import Escrow
from graphrec.records.keys import Erased, Keys
from graphrec.records.sealed import open_entry


@dataclass(frozen=True)
class Entry:
    """One entry with what its block says for all of its entries."""

    number: int
    hash: str
    """SHA-256 of `sealed`."""
    block: int
    shared: Mapping[str, Any]
    sealed: bytes
    slot: int
    """Of its key."""
    keys: Keys

    @cached_property
    def content(self) -> bytes:
        """The bytes that were recorded.

        Raises:
            Erased: the key of its person was destroyed.
            RecordError: the key is not there, or does not open it.
        """
        try:
            return open_entry(self.sealed, self.slot, self.keys.key(self.slot))
        except Erased as error:
            at, command = self.shared["recorded_at"], self.shared["request"]["command"]
            held = Escrow(self.keys).of_slot(self.slot)
            why = error if held is None else f"the key of its person is in escrow until {held.until} ({held.rule})"
            raise Erased(f"entry {self.number} ({command}, {at}) is erased: {why}; it still verifies") from None
        except RecordError as error:
            raise RecordError(f"entry {self.number} cannot be read: {error}") from None

    @property
    def is_erased(self) -> bool:
        """Whether the key of its person was destroyed."""
        try:
            self.keys.key(self.slot)
        except Erased:
            return True
        return False

    @cached_property
    def entry(self) -> dict[str, Any]:
        """User, candidates, refused, answer; errors as of `content`."""
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
    last, keys = 0, Keys.beside(folder)
    # A file is named by its first entry.
    files = [path for path in segments(folder) if int(path.stem) <= number] or segments(folder)
    for block in blocks(files[-1:]):
        last = block.last
        if block.first <= number <= block.last:
            for found in _entries(block, keys):
                if found.number == number:
                    return found
            raise RecordError(f"entry {number} is not what was recorded; run: graphrec record verify")
    there = f"it ends with entry {last}" if last else "it is empty"
    raise UnknownId(f"the record in {folder} has no entry {number}, {there}; list them with: graphrec record list")


def entries(folder: Path, user: str | None = None) -> Iterator[Entry]:
    """All entries of a record, or those of one user, that are what was recorded, the last one first."""
    keys = Keys.beside(folder)
    slot = None if user is None else keys.slot_of(user)
    if user is not None and slot is None:
        return
    for path in reversed(segments(folder)):
        for block in reversed(list(blocks([path]))):
            if slot is None or slot in block.header["keys"]:
                yield from (one for one in reversed(list(_entries(block, keys))) if slot in (None, one.slot))


def entries_about_nobody(folder: Path, texts: Collection[str]) -> list[int]:
    """The numbers of the entries about no person that hold one of these texts as a value, or as a word of one."""
    word = re.compile("|".join(rf"(?<![\w-]){re.escape(text)}(?![\w-])" for text in sorted(texts)))
    keys, found = Keys.beside(folder), []
    for block in blocks(segments(folder)):
        if 0 in block.header["keys"]:
            own = (one for one in _entries(block, keys) if one.slot == 0)
            found += [one.number for one in own if word.search(json.dumps(one.entry, ensure_ascii=False))]
    return found


def _entries(block: Block, keys: Keys) -> Iterator[Entry]:
    header = block.header
    for place, (sealed, digest) in enumerate(zip(block.entries, header["entries"], strict=True)):
        if sha256(sealed) == digest:
            yield Entry(
                block.first + place, digest, block.number, header["shared"], sealed, header["keys"][place], keys
            )
