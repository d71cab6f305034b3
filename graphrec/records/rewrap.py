"""A record of format 1, whose entries anybody could read, written anew with every entry under its person's key.

Block for block and number for number: each new block says in `was` which hash the block that it was made from had, so
that an anchor of before still fits, and the chain of before is bound into the new one.
"""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphrec.errors import RecordError
from graphrec.files import place_folder, private_folder
from graphrec.home import Home
from graphrec.progress import Progress, silent
from graphrec.records.blocks import HEAD, START, Head, Packed, made_block, segments, sha256
from graphrec.records.keys import Keys
from graphrec.records.recorder import SEGMENT

#: Copies for replays wait here, in the home, while the folder of the record changes.
_WAITING = ".records.kept"


@dataclass(frozen=True)
class _Old:
    """A block of format 1."""

    hash: str
    header: dict[str, Any]
    entries: list[bytes]


def rewrap(home: Home, progress: Progress = silent) -> Head | None:
    """Write the record of a home anew; its end now, None where there was nothing to write.

    What an earlier call began is ended. Torn bytes of killed processes are not taken along: they held answers.

    Raises:
        RecordError: the record is not as it was written; nothing is changed.
    """
    folder, waiting, head = home.records, home.path / _WAITING, None
    if _is_old(folder):
        with private_folder(home.path, folder.name) as temporary:
            fresh = temporary / folder.name
            fresh.mkdir()
            head = _write(folder, fresh, Keys(home.keys), progress)
            # Moved, not copied: they may be large.
            if (folder / "kept").exists():
                (folder / "kept").rename(waiting)
            place_folder(fresh, folder)
    if waiting.exists() and not (folder / "kept").exists():
        waiting.rename(folder / "kept")
    return head


def _is_old(folder: Path) -> bool:
    for path in segments(folder)[:1]:
        with path.open("rb") as file:
            header = file.readline().partition(b" ")[2]
        try:
            return "keys" not in json.loads(header)
        except (ValueError, TypeError):
            raise _changed(folder, f"{path.name} does not begin with a block") from None
    return False


def _write(folder: Path, fresh: Path, keys: Keys, progress: Progress) -> Head:
    total = Head.read(folder)
    head = Head()
    for old in _blocks(folder):
        plain = [json.loads(one) for one in old.entries]
        packed = Packed.of(old.entries, keys.for_entries([one.get("user") for one in plain]))
        block = made_block(head, old.header["shared"], packed, [], old.hash)
        name, size = head.file, head.size
        if not name or size >= SEGMENT:
            name, size = f"{head.entries + 1:010}.log", 0
        with (fresh / name).open("ab") as file:
            file.write(block)
        entries = head.entries + len(plain)
        head = Head(head.block + 1, entries, block[:64].decode("ascii"), name, size + len(block))
        progress("encrypting the record", entries, total.entries if total else None)
    (fresh / HEAD).write_bytes(head.to_bytes())
    return head


def _blocks(folder: Path) -> Iterator[_Old]:
    """The blocks of format 1, every hash compared.

    Raises:
        RecordError: one differs, or the end is not there.
    """
    end = Head.read(folder)
    if end is None:
        raise _changed(folder, f"{HEAD} is not there or not as it was written")
    previous, number, entries, reached = START, 0, 0, end.block == 0
    for path in segments(folder):
        data, offset = path.read_bytes(), 0
        while offset < len(data):
            found = _block(data, offset)
            if found is None and reached:
                break  # What a killed process never finished.
            where = f"block {number + 1} at byte {offset} of {path.name}"
            if found is None:
                raise _changed(folder, f"{where} cannot be read")
            old, offset = found
            if (old.header["previous"], old.header["block"], old.header["first"]) != (
                previous,
                number + 1,
                entries + 1,
            ):
                raise _changed(folder, f"{where} does not follow block {number}")
            previous, number, entries = old.hash, number + 1, entries + len(old.entries)
            reached = reached or (number, previous) == (end.block, end.hash)
            yield old
    if not reached:
        raise _changed(folder, f"block {end.block}, which {HEAD} names, is not there")


def _block(data: bytes, offset: int) -> tuple[_Old, int] | None:
    line_end = data.find(b"\n", offset)
    named, _, header = data[offset:line_end].partition(b" ") if line_end >= 0 else (b"", b"", b"")
    if sha256(header).encode("ascii") != named:
        return None
    plain = json.loads(header)
    payload = data[line_end + 1 : line_end + 1 + plain["bytes"]]
    if sha256(payload) != plain["payload"]:
        return None
    entries = zlib.decompress(payload).split(b"\n")
    if [sha256(one) for one in entries] != plain["entries"]:
        return None
    return _Old(named.decode("ascii"), plain, entries), line_end + 1 + plain["bytes"]


def _changed(folder: Path, what: str) -> RecordError:
    return RecordError(
        f"the record in {folder} is not as it was written: {what}; restore it from a backup, or move the folder away, "
        "then run graphrec upgrade again"
    )
