"""The bytes of a file, unpacked where its suffix says that it is packed."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from graphrec.errors import SourceError


@contextmanager
def open_unpacked(path: Path, shown: str) -> Iterator[Any]:
    """A stream of the bytes of a file (a `pyarrow.NativeFile`).

    Args:
        path: a file; `.gz`, `.bz2` and `.zst` are unpacked.
        shown: its name in messages.

    Raises:
        SourceError: it cannot be read, or is not packed as its suffix says.
    """
    try:
        with pa.input_stream(path, compression="detect") as stream:
            yield stream
    except (OSError, EOFError) as error:
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS}:
            raise  # of a file that was written meanwhile
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SourceError(
            f"{shown} cannot be read: {reason}; fetch the file again, or give it the suffix of what it is"
        ) from error
