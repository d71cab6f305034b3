"""The database of one run: in memory, or on disk where the files are large, and gone afterwards."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from graphrec.errors import SourceError
from graphrec.loaders.sql import explain_error

#: Above this many bytes of files, tables are kept on disk instead of in memory.
_ON_DISK_BYTES = 1 << 28


@contextmanager
def open_database(
    files: Iterable[Path], *, blame: str, advice: str
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A database for these files and a folder beside it; both vanish afterwards.

    Args:
        blame: what a failing statement is said to belong to.
        advice: what to do about it.

    Raises:
        SourceError: in the place of any error of the database, without the values that it names.
        KeyboardInterrupt: Ctrl-C while a statement ran.
    """
    size = sum(path.stat().st_size for path in files)
    scratch = Path(tempfile.mkdtemp(prefix="graphrec-load-"))
    config: dict[str, str | bool | int | float | list[str]] = {
        "temp_directory": str(scratch),
        "python_enable_replacements": False,
    }
    database = duckdb.connect(str(scratch / "load.duckdb") if size > _ON_DISK_BYTES else ":memory:", config=config)
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
