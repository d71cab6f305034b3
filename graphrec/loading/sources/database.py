"""The database of one run: in memory, spilled to a scratch folder where that is too small, gone afterwards."""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from graphrec.errors import SourceError
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
    finally:
        if is_new:
            with suppress(OSError):  # by now it may be a home
                parent.rmdir()


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


@contextmanager
def time_limit(database: duckdb.DuckDBPyConnection, seconds: float, place: str) -> Iterator[None]:
    """Interrupt the statement that runs in this block when it takes too long.

    Args:
        seconds: the limit.
        place: file and key of the statement, for the message.

    Raises:
        SourceError: it took longer.
    """
    is_late = threading.Event()

    def interrupt() -> None:
        is_late.set()
        database.interrupt()

    timer = threading.Timer(seconds, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except duckdb.InterruptException as error:
        if not is_late.is_set():
            raise
        raise SourceError(
            f"{place} ran for more than {seconds:g} seconds, the limit of one statement; correct its SQL, or raise the "
            "limit: sql_seconds in graphrec.toml or GRAPHREC_SQL_SECONDS"
        ) from error
    finally:
        timer.cancel()
