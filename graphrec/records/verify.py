"""Walking the chain: every byte of a record is compared with its hash, and changed entries are named."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from graphrec.errors import UsageError
from graphrec.progress import Progress, silent
from graphrec.records.blocks import HEAD, START, Block, Head, block_at, next_beginning, segments, sha256
from graphrec.records.recorder import locked


@dataclass(frozen=True)
class Anchor:
    """A head that was printed and kept elsewhere: `BLOCK:HASH`."""

    block: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> "Anchor":
        """The anchor of the command line.

        Raises:
            UsageError: it is none.
        """
        block, _, digest = text.partition(":")
        if not block.isdigit() or len(digest) != len(START) or set(digest) - set("0123456789abcdef"):
            raise UsageError(f"--anchor {text} is no anchor; want BLOCK:HASH as graphrec record head prints it")
        return cls(int(block), digest)


@dataclass
class Verification:
    """What a walk over a record found."""

    entries: int = 0
    blocks: int = 0
    hash: str = START
    problems: list[str] = field(default_factory=list)
    """Differences from what was recorded, with the entries that they concern; empty: all is well."""
    notes: list[str] = field(default_factory=list)
    """Remains of killed processes, which are no tampering."""

    @property
    def anchor(self) -> str:
        """What to keep elsewhere."""
        return f"{self.blocks}:{self.hash}"


@dataclass(frozen=True)
class _Gap:
    """Bytes of a file in which no block can be read."""

    path: Path
    offset: int
    end: int


def verify(folder: Path, anchor: Anchor | None = None, progress: Progress = silent) -> Verification:
    """The walk over a record as it is now; other processes may append to it meanwhile."""
    with locked(folder, exclusive=False):
        has_head = (folder / HEAD).exists()
        head = Head.read(folder)
        files = [(path, path.stat().st_size) for path in segments(folder)]
    walk = _Walk(folder, head, anchor, sum(size for _, size in files), progress)
    if head is None and (files or has_head):
        walk.found.problems.append(f"{HEAD} is not there or not as it was written: the end of the record is unknown")
    for path, size in files:
        for part in _parts(path, size):
            if isinstance(part, Block):
                walk.block(path, part)
            else:
                walk.gap(part)
    walk.end()
    return walk.found


def _parts(path: Path, size: int) -> Iterator[Block | _Gap]:
    """The blocks of a file, and what lies between them."""
    with path.open("rb") as file:
        data = file.read(size)
    offset = 0
    while offset < len(data):
        block = block_at(data, offset)
        if block is not None:
            yield block
            offset = block.end
            continue
        beginning = next_beginning(data, offset)
        while beginning < len(data) and block_at(data, beginning) is None:
            beginning = next_beginning(data, beginning)
        yield _Gap(path, offset, beginning)
        offset = beginning


class _Walk:
    """The state of one verification."""

    def __init__(self, folder: Path, head: Head | None, anchor: Anchor | None, size: int, progress: Progress) -> None:
        self.found = Verification()
        self._folder = folder
        self._head = head or Head()
        self._anchor = anchor
        self._size, self._done, self._progress = size, 0, progress
        self._has_anchor = anchor is None or (anchor.block == 0 and anchor.hash == START)
        self._reached_head = self._head.block == 0
        self._gap: _Gap | None = None
        self._set_aside: set[str] = set()

    def block(self, path: Path, block: Block) -> None:
        """One block after another."""
        found, where = self.found, f"block {block.number} at byte {block.offset} of {path.name}"
        expected = found.entries + 1
        if block.first > expected:
            self._say(expected, block.first - 1, f"missing or unreadable before {where}")
        elif block.first < expected or block.number != found.blocks + 1:
            self._say(block.first, block.last, f"out of place, {where} follows block {found.blocks}")
        elif block.header["previous"] != found.hash or self._gap:
            self._say(block.first, block.last, f"{where} does not follow what is before it")
        self._gap = None
        self._content(block, where)
        self._aside(block)
        found.entries, found.blocks, found.hash = block.last, block.number, block.hash
        if self._anchor and block.number == self._anchor.block:
            self._has_anchor = True
            if self._anchor.hash not in (block.hash, block.header.get("was")):
                self._say(1, block.last, f"{where} has hash {block.hash}, the anchor says {self._anchor.hash}")
        if block.number == self._head.block:
            self._reached_head = True
            if Head(block.number, block.last, block.hash, path.name, block.end) != self._head:
                self._say(1, block.last, f"{where} is not the end that {HEAD} names")
        self._done += block.end - block.offset
        self._progress("verifying the record", self._done, self._size)

    def gap(self, gap: _Gap) -> None:
        """Bytes that are no block: the next block, or the end, says which entries they were."""
        self._gap = gap

    def end(self) -> None:
        """What can be said only when all was seen."""
        found, head = self.found, self._head
        if not self._reached_head:
            self._say(found.entries + 1, head.entries, f"missing or unreadable at the end, which {HEAD} names")
        elif self._gap:
            size = self._gap.end - self._gap.offset
            found.notes.append(
                f"{size:,} bytes at the end of {self._gap.path.name} are a block that was never finished: a process "
                "was killed in the middle; the next append sets them aside"
            )
        if found.blocks > head.block and not found.problems:
            found.notes.append(f"{found.blocks - head.block} blocks came after {HEAD}: a process was killed in between")
        if not self._has_anchor and self._anchor:
            found.problems.append(f"block {self._anchor.block}, which the anchor names, is not there")
        for path in sorted(self._folder.glob("torn-*")):
            if path.name not in self._set_aside and not path.name.startswith(f"torn-{found.entries + 1:010}-"):
                found.problems.append(f"{path.name} is named by no block")

    def _content(self, block: Block, where: str) -> None:
        """Every sealed entry against its hash, and the bytes as a whole."""
        named = zip(block.entries, block.header["entries"], strict=True)
        changed = [place for place, (sealed, digest) in enumerate(named) if sha256(sealed) != digest]
        if changed:
            first, last = block.first + changed[0], block.first + changed[-1]
            self._say(first, last, f"the content was changed, {where}")
        elif sha256(block.payload) != block.header["payload"] or sum(block.header["sizes"]) != len(block.payload):
            self._say(block.first, block.last, f"the content is not what {where} says")

    def _aside(self, block: Block) -> None:
        """What was set aside before a block is there as it was."""
        for one in block.header["set_aside"]:
            path = self._folder / one["file"]
            self._set_aside.add(path.name)
            if not path.exists():
                self._say(block.first, block.last, f"{path.name}, set aside before block {block.number}, is not there")
            elif sha256(path.read_bytes()) != one["sha256"]:
                self._say(block.first, block.last, f"{path.name}, set aside before block {block.number}, was changed")

    def _say(self, first: int, last: int, what: str) -> None:
        named = f"entry {first}" if first >= last else f"entries {first} to {last}"
        self.found.problems.append(f"{named}: {what}")
