"""Writing that is whole or not there: files and folders appear under their name only when complete."""

import ctypes
import fcntl
import os
import shutil
import socket
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it takes its place when the block ends well.

    The temporary name keeps the suffix, for writers that choose a format by it. An error or Ctrl-C removes it and
    leaves what was at `path` before.
    """
    temporary = _begin(path, path.suffix)
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(path)
        _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replace_folder(path: Path) -> Iterator[Path]:
    """An empty temporary folder beside `path`; it takes its place when the block ends well.

    A reader that has opened files of the old folder goes on reading them. An error or Ctrl-C removes the temporary
    folder and leaves what was at `path` before.
    """
    temporary = _begin(path, "")
    try:
        temporary.mkdir()
        yield temporary
        for folder, _, names in os.walk(temporary):
            for name in names:
                _flush(Path(folder, name))
            _flush(Path(folder))
        _swap(temporary, path)
        _flush(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for other processes that hold the lock file `path`, and keep them out while the block runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _begin(path: Path, suffix: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    host = socket.gethostname().partition(".")[0]
    _sweep(path, host)
    return path.with_name(f".{path.name}.{host}.{os.getpid()}.{uuid.uuid4().hex[:8]}.part{suffix}")


def _sweep(path: Path, host: str) -> None:
    """Remove what a killed process of this machine left beside `path`."""
    prefix = f".{path.name}.{host}."
    for left in path.parent.iterdir():
        if left.name.startswith(prefix):
            pid = left.name[len(prefix) :].partition(".")[0]
            if pid.isdigit() and not _is_running(int(pid)):
                # Another process may be sweeping too.
                shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _flush(path: Path) -> None:
    """Bring a file or the names in a folder to the disk."""
    if path.is_symlink():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _swap(new: Path, path: Path) -> None:
    """Put the folder `new` at `path`; what was there is at `new` afterwards, for the caller to remove."""
    if not path.exists():
        new.rename(path)
    elif not _exchange(new, path):
        # Only file systems without an atomic exchange come here: for an instant neither is at `path`.
        old = new.with_name(new.name + ".old")
        path.rename(old)
        new.rename(path)
        old.rename(new)


def _exchange(one: Path, other: Path) -> bool:
    """True when the system swapped two names in one step."""
    libc = ctypes.CDLL(None, use_errno=True)
    first, second = os.fsencode(one), os.fsencode(other)
    exchange = 2  # RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS are both 2
    if sys.platform == "darwin":
        return bool(libc.renamex_np(first, second, exchange) == 0)
    if not hasattr(libc, "renameat2"):
        return False
    here = -100  # AT_FDCWD
    return bool(libc.renameat2(here, first, here, second, exchange) == 0)
