"""Writing that is whole or not there: files and folders appear under their name only when complete.

Unfinished work lies in private folders, `.NAME.RANDOM.part`, each with a lock that its writer holds. The next writer
removes those that nobody holds: their writers were killed. A writer in another container holds its lock like any other.

What is written here carries data of customers: files are 0600 and folders 0700 whatever the umask says.
"""

import errno
import fcntl
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from graphrec.errors import Unwritable

Made = TypeVar("Made")

_PART = ".part"
_LOCK = "lock"
_FILE, _FOLDER = 0o600, 0o700
_OTHERS = threading.local()
"""Of a thread, in `begin`: what lets others go on."""
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)


#: Files of which it is known what was made of them.
_KNOWN = 256
_MADE: "dict[tuple[Path, Callable[[Path], Any]], tuple[tuple[int, ...], Any]]" = {}


def state_of(path: Path | str) -> tuple[int, ...] | None:
    """What changes when a file is written anew; None where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a request asks a dozen times
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def made_once(path: Path, make: Callable[[Path], Made]) -> Made:
    """What `make` gives for a file, made anew when the file was written anew; what it raises is not kept."""
    # Taken before the file is read: what is written meanwhile is seen by the next one who asks.
    key, state = (path, make), state_of(path)
    known = _MADE.get(key)
    if known is not None and known[0] == state:
        before: Made = known[1]
        return before
    found = make(path)
    if state is not None:
        if len(_MADE) >= _KNOWN:
            _MADE.clear()
        _MADE[key] = state, found
    return found


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path to write to, with the name of `path`; it takes its place when the block ends well.

    A new file is for its owner alone; one that was at `path` before passes its mode on. An error or Ctrl-C removes the
    temporary file and leaves what was at `path` before.

    Raises:
        Unwritable: the folder is full or read-only.
    """
    with private_folder(path.parent, path.name) as folder, _writing_in(path.parent):
        temporary = folder / path.name
        yield temporary
        temporary.chmod(stat.S_IMODE(path.stat().st_mode) if path.exists() else _FILE)
        flush(temporary)
        temporary.replace(path)
        flush(path.parent)


@contextmanager
def replace_folder(path: Path) -> Iterator[Path]:
    """An empty temporary folder with the name of `path`; it takes its place when the block ends well.

    A reader that has opened files of the old folder goes on reading them. An error or Ctrl-C removes the temporary
    folder and leaves what was at `path` before.

    Raises:
        Unwritable: the folder around it is full or read-only.
    """
    with private_folder(path.parent, path.name) as folder, _writing_in(path.parent):
        temporary = folder / path.name
        temporary.mkdir()
        yield temporary
        place_folder(temporary, path)


def place_folder(temporary: Path, path: Path) -> None:
    """Bring a folder to the disk and put it at `path` in one step; what was at `path` is at `temporary` afterwards.

    Its files and folders are for their owner alone.
    """
    tighten(temporary)
    for folder, _, names in os.walk(temporary):
        for name in names:
            flush(Path(folder, name))
        flush(Path(folder))
    _swap(temporary, path)
    flush(path.parent)


@contextmanager
def private_folder(parent: Path, name: str) -> Iterator[Path]:
    """A new folder for unfinished work that nobody else may read, removed when the block ends.

    What killed writers of the same name left is removed first.

    Raises:
        Unwritable: `parent` is full or read-only.
    """
    with _writing_in(parent, always=True):
        make_folder(parent)
        sweep(parent, name)
        folder, lock = _claimed(parent, name)
    try:
        yield folder
    finally:
        _remove(folder)
        os.close(lock)


def sweep(parent: Path, name: str = "") -> None:
    """Remove the private folders, of one name or of all, whose writers were killed."""
    prefix = f".{name}." if name else "."
    # What cannot be read or locked here is left to those who can.
    with suppress(OSError):
        for entry in list(os.scandir(parent)):
            if entry.name.startswith(prefix) and entry.name.endswith(_PART):
                with suppress(OSError):
                    _sweep(Path(entry.path))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for other processes that hold the lock file `path`, and keep them out while the block runs.

    Raises:
        Unwritable: its folder is full or read-only.
    """
    with _writing_in(path.parent, always=True):
        make_folder(path.parent)
        file = open(path, "w", opener=private)  # noqa: SIM115  Path.open takes no opener
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make_folder(path: Path) -> None:
    """Make a folder for its owner alone, and those above it that are not there; one that is there stays as it is."""
    if path.is_dir():
        return
    if not path.parent.exists():
        make_folder(path.parent)
    try:
        path.mkdir(_FOLDER)
    except FileExistsError:
        if not path.is_dir():
            raise


def private(path: str, flags: int) -> int:
    """An opener for `open`: a file that is made by it is for its owner alone."""
    return os.open(path, flags, _FILE)


def append_line(path: Path, line: str) -> None:
    """Append a line with one write, so that lines of several processes do not mix; a new file has mode 600."""
    handle = private(str(path), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(handle, f"{line}\n".encode("utf-8", errors="backslashreplace"))
    finally:
        os.close(handle)


def wider(path: Path) -> Iterator[tuple[Path, int]]:
    """What others than its owner may use in a folder, itself first, with the mode that it should have.

    Links are not followed.
    """
    for folder, _, files in os.walk(path):
        for found, most in ((Path(folder), _FOLDER), *((Path(folder, name), _FILE) for name in files)):
            with suppress(OSError):  # It may vanish meanwhile.
                mode = found.lstat().st_mode
                if not stat.S_ISLNK(mode) and stat.S_IMODE(mode) & ~most:
                    yield found, stat.S_IMODE(mode) & most


def tighten(path: Path) -> None:
    """Leave a folder and all in it to its owner alone; what belongs to another user stays as it is."""
    for found, mode in wider(path):
        with suppress(OSError):
            found.chmod(mode)


@contextmanager
def _writing_in(folder: Path, *, always: bool = False) -> Iterator[None]:
    """Errors of a disk that takes no more, in the words of graphrec; with `always` every error of the system."""
    try:
        yield
    except Unwritable:
        raise
    except Exception as error:
        number = error.errno if isinstance(error, OSError) else None
        if number in _NO_SPACE or (always and number is not None):
            reason = os.strerror(number or 0)
        # Compiled writers have errors of their own; numpy's says how many elements it could not write.
        elif os.strerror(errno.ENOSPC) in str(error) or (
            isinstance(error, OSError) and " requested and " in str(error)
        ):
            reason = os.strerror(errno.ENOSPC)
        else:
            raise
        raise Unwritable(
            f"folder {folder} cannot be written: {reason}; "
            "free space or give write access there, or choose another folder",
            reason,
        ) from error


def _sweep(folder: Path) -> None:
    lock = _lock_of(folder)
    if lock is not None:
        _remove(folder)
        os.close(lock)


def _claimed(parent: Path, name: str) -> tuple[Path, int]:
    """A new private folder and its lock, which this process holds."""
    while True:
        folder = parent / f".{name}.{os.urandom(8).hex()}{_PART}"
        folder.mkdir(mode=0o700)
        lock = _lock_of(folder)
        if lock is not None:
            return folder, lock


def _lock_of(folder: Path) -> int | None:
    """The held lock of a private folder; None where another holds it or the folder has gone.

    A sweep between the making of a folder and its lock removes both: then the lock's file is no longer there.
    """
    path = folder / _LOCK
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(lock), path.stat()):
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(lock)
    return None


def _remove(folder: Path) -> None:
    """Remove a private folder whose lock is held, the lock's file last."""
    import shutil

    for entry in list(os.scandir(folder)):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        elif entry.name != _LOCK:
            Path(entry.path).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def meanwhile(begin: Callable[[], None]) -> Iterator[None]:
    """Let others go on while this thread waits for the disk in the block: `begin` is called before, at most once."""
    _OTHERS.begin = begin
    try:
        yield
    finally:
        _OTHERS.begin = None


def wait_for_disk() -> None:
    """Say that this thread is about to wait for the disk, or for others who do."""
    begin = getattr(_OTHERS, "begin", None)
    if begin is not None:
        _OTHERS.begin = None
        begin()


def flush(path: Path) -> None:
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
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    first, second = os.fsencode(one), os.fsencode(other)
    exchange = 2  # RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS are both 2
    if sys.platform == "darwin":
        return bool(libc.renamex_np(first, second, exchange) == 0)
    if not hasattr(libc, "renameat2"):
        return False
    here = -100  # AT_FDCWD
    return bool(libc.renameat2(here, first, here, second, exchange) == 0)
