"""The bytes of a file, unpacked where its suffix says that it is packed, or that of the archive that it is in."""

import errno
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from graphrec.errors import SourceError

ZIP = ".zip"
_BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError)
_PACKINGS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}


@contextmanager
def open_unpacked(path: Path, shown: str) -> Iterator[Any]:
    """A stream of the bytes of a file (a `pyarrow.NativeFile`).

    Args:
        path: a file, or one in an archive, as in `DIR/trades.zip/trades.csv`; `.gz`, `.bz2` and `.zst` are unpacked.
        shown: its name in messages.

    Raises:
        SourceError: it cannot be read, or is not packed as its suffix says.
    """
    try:
        with _stream(path) as stream:
            yield stream
    except (OSError, EOFError, *_BROKEN) as error:
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS}:
            raise  # of a file that was written meanwhile
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SourceError(
            f"{shown} cannot be read: {reason}; fetch the file again, or give it the suffix of what it is"
        ) from error


def archive_of(path: Path) -> Path | None:
    """The zip archive that a file is in; None: it is in none."""
    return next((one for one in path.parents if one.suffix.lower() == ZIP and one.is_file()), None)


def members(archive: Path) -> list[Path]:
    """The files in a zip archive, as paths below that of the archive; those that systems add are none.

    Raises:
        SourceError: it is no archive.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            names = [one.filename for one in opened.infolist() if not one.is_dir()]
    except (OSError, zipfile.BadZipFile) as error:
        raise SourceError(f"{archive.name} cannot be read: {error}; fetch the file again") from error
    inside = [name for name in names if not name.startswith(("/", "__MACOSX/")) and ".." not in name.split("/")]
    return sorted(archive / name for name in inside)


@contextmanager
def _stream(path: Path) -> Iterator[Any]:
    archive = archive_of(path)
    if archive is None:
        with pa.input_stream(path, compression="detect") as stream:
            yield stream
        return
    with zipfile.ZipFile(archive) as opened:
        try:
            member = opened.open(path.relative_to(archive).as_posix())
        except (RuntimeError, NotImplementedError, KeyError) as error:  # a password, a way to pack, a name
            raise OSError(f"{archive.name}: {error}") from error
        source = pa.PythonFile(member, mode="r")
        with member, pa.input_stream(source, compression=_PACKINGS.get(path.suffix.lower())) as stream:
            yield stream
