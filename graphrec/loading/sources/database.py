"""The database of one run: in memory, spilled to a folder beside it where that is too small, gone afterwards."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from graphrec.errors import SourceError
from graphrec.loading.sources.sql import explain_error

#: What the tables may take of the memory; the rest is for the batches and for the sink.
_MEMORY = "50%"


@contextmanager
def open_database(*, blame: str, advice: str) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """An empty database and a folder beside it; both vanish afterwards.

    Args:
        blame: what a failing statement is said to belong to.
        advice: what to do about it.

    Raises:
        SourceError: in the place of any error of the database, without the values that it names.
        KeyboardInterrupt: Ctrl-C while a statement ran.
    """
    scratch = Path(tempfile.mkdtemp(prefix="graphrec-load-"))
    config: dict[str, str | bool | int | float | list[str]] = {
        "temp_directory": str(scratch),
        "memory_limit": _MEMORY,
        "python_enable_replacements": False,
    }
    database = duckdb.connect(":memory:", config=config)
    try:
        database.execute("SET TimeZone = 'UTC'")
        yield database, scratch
    except duckdb.Error as error:
        raise SourceError(f"{blame}: {explain_error(error)}; {advice}") from error
    except RuntimeError as error:
        if str(error) == "Query interrupted":  # so DuckDB says Ctrl-C
            raise KeyboardInterrupt from error
        raise
    finally:
        database.close()
        shutil.rmtree(scratch, ignore_errors=True)
