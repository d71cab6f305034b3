"""The one import of ArcadeDB: its native build, or its twin on a bundled JVM with the same answers.

GRAPHREC_ARCADEDB names the package to import: `arcadedb` (default) or `arcadedb_embedded`.
"""

import importlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from graphrec.errors import QueryError, StoreError, Unreachable

#: The package that is the engine.
PACKAGE = "GRAPHREC_ARCADEDB"


@cache
def engine() -> Any:
    """The package of the engine, told to write no log to the console nor into the current folder."""
    os.environ.setdefault("ARCADEDB_LOG_CONSOLE", "0")
    name = os.environ.get(PACKAGE, "arcadedb")
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise StoreError(f"the engine of the embedded store, {name}, is not installed; run make install") from error


def open_database(path: Path, *, create: bool, read_only: bool = False) -> Any:
    """The database in a folder.

    Raises:
        Unreachable: another process has it open.
        StoreError: it cannot be opened.
    """
    package = engine()
    try:
        with errors(path):
            database = _opened(package, path, create=create, read_only=read_only)
            # Without it a commit is only in the memory of the system: safe against kill -9, not against a power cut.
            if not read_only:
                database.set_wal_flush("yes_nometadata")
            return database
    except QueryError as error:
        raise StoreError(
            f"the store {path} cannot be opened: {error}; if its files are damaged, remove the folder and load again"
        ) from error


def _opened(package: Any, path: Path, *, create: bool, read_only: bool) -> Any:
    return package.create_database(str(path)) if create else package.open_database(str(path), read_only=read_only)


def quote(name: str) -> str:
    """The name in backticks for the SQL of the engine, which escapes where Cypher doubles."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


@contextmanager
def errors(path: Path) -> Iterator[None]:
    """Errors of the engine as ours, each one line."""
    try:
        yield
    except engine().ArcadeDBError as error:
        text = " ".join(str(error).split())
        if "LockException" in text or "locked by another process" in text or "already in use" in text:
            raise Unreachable(
                f"another process has the store {path} open; wait for its load to end "
                "(recommend, explain and find work from the snapshot meanwhile)"
            ) from error
        if "QueryNotIdempotentException" in text:
            raise QueryError("the statement writes, and the query is read-only; repeat it with --write") from error
        raise QueryError(_plain(text)) from error


def _plain(text: str) -> str:
    """The engine's message without its prefixes, the names of its classes and causes that say less."""
    text = _CLASS.sub("", _PREFIX.sub("", text))
    message, caused, cause = text.partition(" (caused by ")
    if caused and message.startswith("Error executing Cypher command"):
        return _plain(cause.removesuffix(")"))
    return message


_PREFIX = re.compile(r"^(?:Query failed|Command failed|Reading the result set failed): ")
_CLASS = re.compile(r"^(?:\w+\.)+\w+: ")
