"""One process at a time, by a lock file that the system lets go of when its holder dies."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graphrec.errors import Unreachable
from graphrec.files import make_folder, private


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Keep other first loads of the store at `path` out while the block runs.

    Raises:
        Unreachable: another process is loading it.
    """
    make_folder(path.parent)
    with open(path.with_name(f".{path.name}.lock"), "w", opener=private) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Unreachable(
                f"another process is loading the store {path} for the first time; wait for it to end and run this again"
            ) from error
        yield
