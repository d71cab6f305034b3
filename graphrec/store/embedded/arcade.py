"""The one import of ArcadeDB: its native build, or its twin on a bundled JVM with the same answers.

GRAPHREC_ENGINE names the one to use: `native` (default) or `jvm`. The folder of a store names the engine and version
that wrote it; another one does not open it.
"""

import errno
import importlib
import json
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from graphrec.errors import QueryError, SettingsError, StoreError, Unreachable
from graphrec.extras import missing
from graphrec.store.embedded import sums

#: The variable that names the engine.
VARIABLE = "GRAPHREC_ENGINE"
#: The file in the folder of a store that names its engine.
MARKER = "engine.json"
#: Free bytes of a disk at which a commit that failed is put down to it.
NEARLY_NOTHING = 4 * 1024 * 1024
#: Options of the JVM: a store is opened for one command, so a quick start counts for more than long speed.
JVM_OPTIONS = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"


@dataclass(frozen=True)
class Engine:
    """One build of ArcadeDB."""

    name: str
    package: str
    """What Python imports."""
    extra: str
    """The extra of graphrec that installs it."""

    @property
    def module(self) -> Any:
        """The package, imported.

        Raises:
            MissingExtra: it is not installed.
        """
        return _import(self)

    @property
    def version(self) -> str:
        """The version of the package."""
        return str(self.module.__version__)


ENGINES = {
    "native": Engine("native", "arcadedb", "embedded"),
    "jvm": Engine("jvm", "arcadedb_embedded", "embedded-jvm"),
}


def chosen() -> Engine:
    """The engine that the environment names.

    Raises:
        SettingsError: it names none that is known.
    """
    name = os.environ.get(VARIABLE) or "native"
    if name not in ENGINES:
        raise SettingsError(f"{VARIABLE} {name!r} is no engine; want {' or '.join(ENGINES)}")
    return ENGINES[name]


@cache
def _import(engine: Engine) -> Any:
    # No log to the console, none into the current folder.
    os.environ.setdefault("ARCADEDB_LOG_CONSOLE", "0")
    quiet = shlex.quote(f"-Djava.util.logging.config.file={Path(__file__).with_name('logging.properties')}")
    os.environ.setdefault("ARCADEDB_JVM_ARGS", f"{JVM_OPTIONS} {quiet}")
    os.environ.setdefault("ARCADEDB_JVM_ERROR_FILE", str(Path(tempfile.gettempdir(), "hs_err_pid%p.log")))
    try:
        return importlib.import_module(engine.package)
    except ImportError as error:
        raise missing(engine.package, engine.extra, f"the engine {engine.name} of the embedded store") from error


def written_by(path: Path) -> tuple[str, str] | None:
    """The name and version of the engine that wrote a store; None when the folder does not say.

    Raises:
        StoreError: the file that says it is damaged.
    """
    try:
        found = json.loads((path / MARKER).read_text("utf-8"))
        return str(found["engine"]), str(found["version"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path / MARKER} does not name an engine; restore it, or remove the store and load again"
        ) from error


def mark(path: Path, engine: Engine) -> None:
    """Write into the folder of a store which engine wrote it."""
    text = json.dumps({"engine": engine.name, "version": engine.version}) + "\n"
    (path / MARKER).write_text(text, "utf-8")


def check_engine(path: Path, engine: Engine) -> None:
    """Pass a store that this engine wrote, in this version.

    Raises:
        StoreError: another one did; the command that converts.
    """
    found = written_by(path) or ("native", ENGINES["native"].version if engine.name == "native" else "unknown")
    if found != (engine.name, engine.version):
        raise StoreError(
            f"the store {path} was written by engine {' '.join(found)}, and this is {engine.name} {engine.version}; "
            "convert it: graphrec store convert"
        )


#: What is left to do with a store that lost rows: a load into it would write beside what is left of them.
REMEDY = "remove this folder and load every mapping again: graphrec load MAPPING"


def check_files(path: Path) -> None:
    """Pass a store of which no file with rows is gone, cut or otherwise than written: the engine says nothing of it.

    A store that a killed process wrote is passed: its engine completes it when it opens.

    Raises:
        StoreError: the file, and the command that mends it.
    """
    _check_names(path)
    sums.check(path, REMEDY)


def _check_names(path: Path) -> None:
    names = [file.name for file in path.iterdir()]
    if any(name.endswith(".wal") for name in names):
        return
    files = {name.rsplit(".", 4)[0]: name for name in names if name.endswith(".bucket")}
    try:
        types = json.loads((path / "schema.json").read_bytes())["types"]
        # The engine names a bucket by its type and a number, as an address of the web is written.
        strange = [name for name, one in types.items() if any(_type_of(bucket) != name for bucket in one["buckets"])]
        wanted = [
            bucket + end
            for one in types.values()
            for bucket in one["buckets"]
            for end in ("", *(("_in_edges", "_out_edges") if one["type"] == "v" else ()))
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return  # The engine says what is wrong with it.
    if strange:
        raise StoreError(f"{path / 'schema.json'} is damaged: type {strange[0]} has the rows of another one; {REMEDY}")
    for bucket in wanted:
        name = files.get(bucket)
        if name is None:
            raise StoreError(f"file {bucket} of the store {path} is gone; {REMEDY}")
        if (path / name).stat().st_size % int(name.rsplit(".", 4)[2]):
            raise StoreError(f"file {name} of the store {path} is cut; {REMEDY}")


def _type_of(bucket: str) -> str:
    return unquote_plus(bucket.rpartition("_")[0])


def open_database(path: Path, *, create: bool, read_only: bool = False, engine: Engine | None = None) -> Any:
    """The database in a folder.

    Args:
        engine: the one that opens it, whatever wrote it; None: the chosen one, and only what it wrote itself.

    Raises:
        Unreachable: another process has it open.
        StoreError: it cannot be opened, or another engine wrote it.
    """
    used = engine or chosen()
    if engine is None and not create:
        check_engine(path, used)
    try:
        with errors(path), _for_the_owner_alone():
            database = _opened(used, path, create=create, read_only=read_only)
            # Without it a commit is only in the memory of the system: safe against kill -9, not against a power cut.
            if not read_only:
                database.set_wal_flush("yes_nometadata")
    except QueryError as error:
        raise StoreError(
            f"the store {path} cannot be opened: {error}; if its files are damaged, remove the folder and load again"
        ) from error
    if create:
        mark(path, used)
    return database


@contextmanager
def _for_the_owner_alone() -> Iterator[None]:
    """Files that an engine makes meanwhile have no rights for others, also where the process is killed right after."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _opened(used: Engine, path: Path, *, create: bool, read_only: bool) -> Any:
    # The engine takes a path to be below the folder in which its process began, whatever folder is the current one now.
    path = path.absolute()
    if create:
        return used.module.create_database(str(path))
    if not read_only:
        return used.module.open_database(str(path))
    if used.name != "native":
        raise StoreError(
            f"the folder {path} cannot be written, and engine {used.name} cannot open a store that it cannot write; "
            "copy the home, or use the engine native"
        )
    return used.module.open_database(str(path), read_only=True)


def failures() -> tuple[type[Exception], ...]:
    """The errors that the engines raise which are in use here."""
    return tuple({engine.module.ArcadeDBError for engine in ENGINES.values() if engine.package in sys.modules})


def quote(name: str) -> str:
    """The name in backticks for the SQL of the engine, which escapes where Cypher doubles."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


@contextmanager
def errors(path: Path) -> Iterator[None]:
    """Errors of the engine as ours, each one line."""
    try:
        yield
    except failures() as error:
        text = " ".join(str(error).split())
        if "LockException" in text or "locked by another process" in text or "already in use" in text:
            raise Unreachable(
                f"another process has the store {path} open; wait for its load to end "
                "(recommend, explain and find work from the snapshot meanwhile)"
            ) from error
        if reason := _reason_of_disk(path, text):
            raise StoreError(
                f"the store {path} cannot be written: {reason}; free space or give write access there, and run this "
                "again: a load that was going on is not complete until then"
            ) from error
        if "QueryNotIdempotentException" in text:
            raise QueryError("the statement writes, and the query is read-only; repeat it with --write") from error
        raise QueryError(_plain(text)) from error


def _reason_of_disk(path: Path, text: str) -> str | None:
    """The reason of the system when an error comes from a full or read-only disk; None for other errors."""
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        if os.strerror(number) in text:
            return os.strerror(number)
    # The engine does not always name the cause of a commit that failed.
    if "commit" in text and path.parent.exists() and shutil.disk_usage(path.parent).free < NEARLY_NOTHING:
        return os.strerror(errno.ENOSPC)
    return None


def _plain(text: str) -> str:
    """The engine's message without its prefixes, the names of its classes and causes that say less."""
    text = _CLASS.sub("", _PREFIX.sub("", text))
    message, caused, cause = text.partition(" (caused by ")
    if caused and message.startswith("Error executing Cypher command"):
        return _plain(cause.removesuffix(")"))
    return message


_PREFIX = re.compile(r"^(?:Query failed|Command failed|Reading the result set failed): ")
_CLASS = re.compile(r"^(?:\w+\.)+\w+: ")
