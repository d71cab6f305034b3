"""The database of one run: in memory, spilled to a scratch folder where that is too small, gone afterwards."""

import errno
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

from graphrec.errors import SourceError, Unwritable
from graphrec.files import private_folder
from graphrec.loading.sources.sql import explain_error

MEMORY = "50%"
"""What the tables may take of the memory; the rest is for the batches and for the sink."""
SQL_SECONDS = 1800.0
"""How long a statement of a mapping may run when no setting says otherwise."""


@contextmanager
def scratch_folder(parent: Path | None) -> Iterator[Path]:
    """An empty folder for decoded files and spilled tables, which nobody else may read; gone afterwards.

    Args:
        parent: usually the home; what killed loads left in it is removed. None: the system's temporary folder.

    Raises:
        Unwritable: the folder cannot be made.
    """
    if parent is None:
        with tempfile.TemporaryDirectory(prefix="graphrec-load-") as temporary:
            yield Path(temporary)
        return
    is_new = not parent.exists()
    try:
        with private_folder(parent, "load") as folder:
            yield folder
    except (OSError, SourceError) as error:
        if not _is_full(error):
            raise
        reason = os.strerror(errno.ENOSPC)
        raise Unwritable(
            f"folder {parent} cannot be written: {reason}; free space there, or name another home with --home", reason
        ) from error
    finally:
        if is_new:
            with suppress(OSError):  # by now it may be a home
                parent.rmdir()


def _is_full(error: Exception) -> bool:
    """Whether the disk was full, by the system's number or by the words of DuckDB."""
    words = (os.strerror(errno.ENOSPC), "max_temp_directory_size")
    return (isinstance(error, OSError) and error.errno == errno.ENOSPC) or any(
        word in str(cause) for cause in (error, error.__cause__) for word in words
    )


@contextmanager
def open_database(
    scratch: Path, *, blame: str, advice: str, memory: str = MEMORY
) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database, which vanishes afterwards.

    Args:
        scratch: an empty folder; tables spill into it.
        blame: what a statement that fails is said to belong to.
        advice: what to do about it.
        memory: what the tables may take, such as `50%` or `100MB`.

    Raises:
        SourceError: in the place of any error of the database, without the values that it names.
        KeyboardInterrupt: Ctrl-C while a statement ran.
    """
    spill = scratch / "spill"
    spill.mkdir(mode=0o700)
    config: dict[str, str | bool | int | float | list[str]] = {
        "temp_directory": str(spill),
        "memory_limit": memory,
        "python_enable_replacements": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "allow_persistent_secrets": False,
    }
    database = duckdb.connect(":memory:", config=config)
    try:
        database.execute("SET TimeZone = 'UTC'")
        database.execute("SET enable_progress_bar = false")  # DuckDB's own goes to stdout
        yield database
    except duckdb.Error as error:
        raise SourceError(f"{blame}: {explain_error(error)}; {advice}") from error
    except RuntimeError as error:
        if str(error) == "Query interrupted":  # DuckDB's words for Ctrl-C
            raise KeyboardInterrupt from error
        raise
    finally:
        database.close()


def lock_database(database: duckdb.DuckDBPyConnection) -> None:
    """From now on no statement reaches a file, an extension or a setting; our own may change the number of threads."""
    database.execute("SET allowed_configs = ['threads']")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")


def run_limited(database: duckdb.DuckDBPyConnection, sql: str, seconds: float, place: str) -> list[Any]:
    """Run a statement in a thread of its own, so that Ctrl-C ends it at once.

    Args:
        database: nothing else may run in it meanwhile.
        sql: the statement.
        seconds: how long it may run.
        place: file, line and key of the statement, for the message.

    Returns:
        The first two rows of its answer.

    Raises:
        SourceError: it took longer.
        duckdb.Error: it is wrong.
        KeyboardInterrupt: Ctrl-C meanwhile.
    """
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(lambda: database.execute(sql).fetchmany(2))
        try:
            return running.result(seconds)
        except TimeoutError as error:
            raise SourceError(
                f"{place} ran for more than {seconds:g} seconds, the limit of one statement; correct its SQL, or raise "
                "the limit: sql_seconds in graphrec.toml or GRAPHREC_SQL_SECONDS"
            ) from error
        finally:
            while not running.done():
                database.interrupt()
                wait([running], timeout=0.1)
