"""A sum of each file of a store, so that one that was damaged since it was closed is found before it answers.

Whoever writes removes the sums first, and who closes a store that has none writes them: a store whose writer was killed
has none, and is completed by its engine.
"""

import json
import zlib
from contextlib import suppress
from pathlib import Path

from graphrec.errors import StoreError
from graphrec.files import whole_file

FILE = "sums.json"
MOST = 1 << 30
"""Bytes of a store, about a second of reading, up to which it has sums; the rows of a larger one are compared when a
snapshot reads them."""
_PIECE = 1 << 20
_KINDS = (".bucket", ".dict", ".umtidx", "schema.json")


def check(path: Path, remedy: str) -> None:
    """Pass a store whose files are as they were when it was closed, or that has no sums.

    Raises:
        StoreError: the first file that is not.
    """
    try:
        wanted = json.loads((path / FILE).read_bytes()).items()
        sums = {name: (int(size), int(crc)) for name, (size, crc) in wanted}
    except FileNotFoundError:
        return
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise StoreError(f"{path / FILE} is damaged, and with it perhaps the store; {remedy}") from error
    there = {file.name: file for file in _files(path)}
    for name, expected in sums.items():
        if name not in there:
            raise StoreError(f"file {name} of the store {path} is gone; {remedy}")
        if _sum(there[name]) != expected:
            raise StoreError(f"file {name} of the store {path} is not as it was written: it is damaged; {remedy}")


def remove(path: Path) -> None:
    """Take the sums away, before something is written."""
    (path / FILE).unlink(missing_ok=True)


def write(path: Path) -> None:
    """Write the sums of a closed store that is not too large; none where there is no room or somebody has opened it."""
    files = _files(path)
    if not files or sum(file.stat().st_size for file in files) > MOST:
        return
    with suppress(OSError):
        found = {file.name: _sum(file) for file in files}
        if not any(path.glob("*.wal")):
            with whole_file(path / FILE) as temporary:
                temporary.write_text(json.dumps(found) + "\n", "utf-8")


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.iterdir() if file.name.endswith(_KINDS)) if path.is_dir() else []


def _sum(file: Path) -> tuple[int, int]:
    size = crc = 0
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE):
            size, crc = size + len(piece), zlib.crc32(piece, crc)
    return size, crc
