"""The record as files: blocks of entries, each bound to the one before it by its hash.

    <first entry>.log   blocks, one after another
    head.json           how far the record reached when it was last appended to
    torn-<entry>-<hash> what a killed process left of a block that it never finished, set aside before that entry

A block is one line `HASH HEADER` and then as many bytes as the header says: its entries, each sealed with the key of
its person. HASH is the sha256 of HEADER; HEADER is canonical JSON and holds the hash of the block before it, of its
bytes and of every sealed entry. docs/records.md describes both for auditors.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import accumulate, chain, pairwise
from math import isfinite
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import msgspec

from graphrec.frozen import dataclass
from graphrec.records.sealed import seal_entry

START = "0" * 64
"""What stands for the block before the first one."""
HEAD = "head.json"
_WHOLE = frozenset((str, int, bool, NoneType))
_BEGINNING = re.compile(rb'[0-9a-f]{64} \{"block":')


def canonical(value: Any) -> bytes:
    """The one way to write a value: JSON in ASCII, keys sorted, no spaces; dataclasses by their fields."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain).encode("ascii")


def check_finite(values: Collection[Any]) -> None:
    """Look for numbers that JSON cannot hold, in dataclasses too: all of one type at once.

    Raises:
        ValueError: there is one.
    """
    kinds: set[Any] = set(map(type, values))
    for kind in kinds - _WHOLE:
        alike: list[Any] = [value for value in values if type(value) is kind]
        if issubclass(kind, float):
            if not all(map(isfinite, alike)):
                wrong = next(value for value in alike if not isfinite(value))
                raise ValueError(f"Out of range float values are not JSON compliant: {wrong}")
        elif issubclass(kind, dict):
            check_finite(list(chain.from_iterable([value.values() for value in alike])))
        elif issubclass(kind, (list, tuple)):
            check_finite(list(chain.from_iterable(alike)))
        elif names := _with_numbers(kind):
            check_finite([own[name] for own in map(vars, alike) for name in names if name in own])


@cache
def _with_numbers(kind: Any) -> tuple[str, ...]:
    """The fields of a dataclass that are floating point numbers, or may hold some."""
    return tuple(one.name for one in fields(kind) if not _holds_whole(one.type)) if is_dataclass(kind) else ()


def _holds_whole(hint: Any) -> bool:
    """Whether values of a type are no floating point numbers and hold none."""
    parts = [one for one in get_args(hint) if one is not Ellipsis]
    if get_origin(hint) is Literal:
        return True
    if parts:
        return all(map(_holds_whole, parts))
    return hint in _WHOLE or (not _with_numbers(hint) and is_dataclass(hint))


def _plain(value: Any) -> Any:
    """A dataclass by its fields, a number of numpy as one of Python."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, msgspec.Raw):
        return json.loads(bytes(value))
    names = getattr(value, "__dataclass_fields__", None)
    return vars(value) if names is None else {name: getattr(value, name) for name in names}


def entry_bytes(entry: Mapping[str, Any]) -> bytes:
    """An entry as it is recorded: JSON with its keys sorted, in UTF-8, many times as fast as `canonical`.

    Raises:
        ValueError: a number is not finite.
    """
    check_finite(entry.values())
    try:
        return msgspec.json.encode(entry, enc_hook=_plain, order="sorted")
    except UnicodeEncodeError:  # Bytes of a command line that are no UTF-8.
        return canonical(entry)


def sha256(content: bytes) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class Head:
    """Where a record ends: its last block, how many entries it has, and the size of its last file."""

    block: int = 0
    entries: int = 0
    hash: str = START
    file: str = ""
    size: int = 0

    @property
    def anchor(self) -> str:
        """What to keep elsewhere: it stands for this block and all before it."""
        return f"{self.block}:{self.hash}"

    def to_bytes(self) -> bytes:
        """The content of head.json."""
        return canonical(vars(self)) + b"\n"

    @classmethod
    def read(cls, folder: Path) -> "Head | None":
        """The head of a record; None where there is no such file or it is none that this graphrec writes."""
        try:
            content = (folder / HEAD).read_bytes()
            head = cls(**json.loads(content))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        return head if head.to_bytes() == content else None


@dataclass(frozen=True)
class Block:
    """One whole block of a file: the header is what its hash says; the payload may not be."""

    hash: str
    header: Mapping[str, Any]
    payload: bytes
    offset: int
    end: int

    @property
    def number(self) -> int:
        """1 for the first block."""
        return int(self.header["block"])

    @property
    def first(self) -> int:
        """The number of its first entry."""
        return int(self.header["first"])

    @property
    def last(self) -> int:
        """The number of its last entry."""
        return self.first + len(self.header["entries"]) - 1

    @property
    def entries(self) -> list[bytes]:
        """Its sealed entries."""
        ends = list(accumulate(self.header["sizes"]))
        return [self.payload[start:end] for start, end in pairwise([0, *ends])]


def block_at(data: bytes, offset: int) -> Block | None:
    """The block that begins at a byte of a file; None where no whole one does."""
    line_end = data.find(b"\n", offset)
    if line_end < 0 or not _BEGINNING.match(data, offset):
        return None
    named, header = data[offset : offset + 64].decode("ascii"), data[offset + 65 : line_end]
    if sha256(header) != named:
        return None
    try:
        content = json.loads(header)
        end = line_end + 1 + int(content["bytes"])
        block = Block(named, content, data[line_end + 1 : end], offset, end)
        counts = {len(content[name]) for name in ("entries", "sizes", "keys")}
        is_block = line_end < end <= len(data) and block.number <= block.last and len(counts) == 1
    except (ValueError, KeyError, TypeError):
        return None
    return block if is_block else None


def next_beginning(data: bytes, offset: int) -> int:
    """Where, after a byte that begins no block, the next one seems to begin; the end of the data if none does."""
    found = _BEGINNING.search(data, offset + 1)
    return found.start() if found else len(data)


def made_block(
    previous: Head, shared: Mapping[str, Any], packed: "Packed", set_aside: Any, was: str | None = None
) -> bytes:
    """The bytes of the block that follows a head.

    Args:
        was: the hash of the block of an older format that it holds the entries of.
    """
    plain = {
        "block": previous.block + 1,
        "bytes": len(packed.payload),
        "entries": packed.hashes,
        "first": previous.entries + 1,
        "keys": packed.slots,
        "payload": packed.payload_hash,
        "previous": previous.hash,
        "set_aside": set_aside,
        "shared": shared,
        "sizes": packed.sizes,
    }
    header = canonical(plain if was is None else {**plain, "was": was})
    return b"%s %s\n%s" % (sha256(header).encode("ascii"), header, packed.payload)


@dataclass(frozen=True)
class Packed:
    """Sealed entries ready to be written: their hashes, sizes and bytes, and the slots of their keys."""

    hashes: list[str]
    sizes: list[int]
    slots: list[int]
    payload: bytes
    payload_hash: str

    @classmethod
    def of(cls, entries: Sequence[bytes], keys: Sequence[tuple[int, bytes]]) -> "Packed":
        """These entries, each sealed with its key; this needs no lock, and most of an append's time is spent here."""
        sealed = [seal_entry(entry, slot, key) for entry, (slot, key) in zip(entries, keys, strict=True)]
        payload, slots = b"".join(sealed), [slot for slot, _ in keys]
        return cls([sha256(one) for one in sealed], [len(one) for one in sealed], slots, payload, sha256(payload))


def segments(folder: Path) -> list[Path]:
    """The files of a record in order."""
    return sorted(folder.glob("*.log"))


def blocks(files: Iterable[Path]) -> Iterator[Block]:
    """The whole blocks of some files of a record in order, whatever lies between them."""
    for path in files:
        data, offset = path.read_bytes(), 0
        while offset < len(data):
            block = block_at(data, offset)
            if block is None:
                offset = next_beginning(data, offset)
            else:
                yield block
                offset = block.end
