"""Statements of other databases as tables: a SQLite file, or what an address of SQLAlchemy names.

Rows are copied before DuckDB is locked. An address comes from the environment and is in no message.
"""

import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import duckdb

from graphrec.errors import SourceError
from graphrec.extras import needs_extra
from graphrec.loading.mapping.specs import FileSpec
from graphrec.loading.sources.sql import name
from graphrec.loading.sources.values import RowTable

_COMMENTS = re.compile(r"\s*(--[^\n]*\n|/\*.*?\*/)", re.DOTALL)
_BEGINS = re.compile(r"[\s(]*(SELECT|WITH)\b", re.IGNORECASE)
_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
"""Drivers that graphrec[database] brings, where an address names none."""


def read_sqlite(
    database: duckdb.DuckDBPyConnection, spec: FileSpec, files: Sequence[tuple[Path, str]], place: str
) -> None:
    """Read the query of an entry, or the only table, from each SQLite file.

    Raises:
        SourceError: a file is no SQLite database, or has several tables and the entry no query, or the query fails.
    """
    table = RowTable(database, spec.name, are_typed=True)
    for path, shown in files:
        query = _only_select(spec.query, place) if spec.query else None
        try:
            with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
                query = query or _whole_table(connection, shown, place)
                cursor = connection.execute(query)
                table.add([one[0] for one in cursor.description], enumerate(cursor, start=1), shown)
        except sqlite3.Error as error:
            raise SourceError(f"{place}: {shown}: {error}; correct the query, or fetch the file again") from error
    table.finish()


def sqlite_tables(path: Path, shown: str) -> list[str]:
    """The tables and views of a SQLite file.

    Raises:
        SourceError: it is none.
    """
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            return _tables(connection)
    except sqlite3.Error as error:
        raise SourceError(f"{shown} cannot be read: {error}; fetch the file again") from error


def is_sqlite(path: Path) -> bool:
    """Whether a file begins as a SQLite database does."""
    with path.open("rb") as stream:
        return stream.read(16) == b"SQLite format 3\0"


def read_database(database: duckdb.DuckDBPyConnection, spec: FileSpec, place: str) -> str:
    """Copy the rows of a statement into the table of an entry; returns a digest of what came.

    Raises:
        SourceError: the variable is not set, the database does not answer, or it refuses the statement.
        MissingExtra: SQLAlchemy or the driver of the address is not installed.
    """
    assert spec.url_env is not None
    query = _only_select(spec.query or "", place)
    table = RowTable(database, spec.name, are_typed=True)
    _copy(table, query, spec, place)
    table.finish()
    return _digest(database, spec.name)


def database_tables(url_env: str, place: str) -> list[str]:
    """The tables and views that the address in an environment variable shows, by name.

    Raises:
        SourceError: the variable is not set, or the database does not answer.
    """
    with _connected(url_env, place) as connection:
        import sqlalchemy

        inspector = sqlalchemy.inspect(connection)
        return sorted([*inspector.get_table_names(), *inspector.get_view_names()])


def _copy(table: RowTable, query: str, spec: FileSpec, place: str) -> None:
    assert spec.url_env is not None
    with _connected(spec.url_env, place) as connection:
        import sqlalchemy

        options: dict[str, Any] = {"stream_results": True}
        if connection.engine.url.get_backend_name() == "postgresql":
            options["postgresql_readonly"] = True
        text = sqlalchemy.text(query.replace(":", r"\:"))
        answer = connection.execution_options(**options).execute(text)
        table.add(list(answer.keys()), _numbered(answer.partitions(10_000)), spec.shown)
        connection.rollback()


@contextmanager
def _connected(url_env: str, place: str) -> Iterator[Any]:
    """A connection of SQLAlchemy to the address in an environment variable, which is in no message."""
    address = os.environ.get(url_env, "").strip()
    if not address:
        raise SourceError(
            f"{place}: the environment variable {url_env} is not set; set it to the address of the database, such "
            "as postgresql://USER:PASSWORD@HOST/NAME"
        )
    with needs_extra("database", 'reader = "database"'):
        import sqlalchemy
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
    secrets: set[str] = {address}
    try:
        url = sqlalchemy.make_url(address)
        if url.password:
            secrets |= {url.password, quote(url.password, safe=""), unquote(url.password)}
        url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
        with needs_extra("database", f"a database of {url.drivername}"):
            engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
        with engine.connect() as connection:
            yield connection
    except (ArgumentError, NoSuchModuleError) as error:
        reason = "is no address of a database" if isinstance(error, ArgumentError) else _masked(error, secrets)
        raise SourceError(f"{place}: {url_env} {reason}; want such as postgresql://USER:PASSWORD@HOST/NAME") from None
    except SQLAlchemyError as error:
        reason = _masked(getattr(error, "orig", None) or error, secrets)
        raise SourceError(
            f"{place}: the database of {url_env} refuses: {reason}; correct the query, or the address in that variable"
        ) from None


def _numbered(partitions: Iterator[Sequence[Any]]) -> Iterator[tuple[int, Sequence[Any]]]:
    number = 0
    for rows in partitions:
        for row in rows:
            number += 1
            yield number, row


def _masked(error: BaseException, secrets: set[str]) -> str:
    """The first line of a message, without what is secret in it."""
    text = " ".join(str(error).split("\n\n")[0].split())
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return re.sub(r"(://[^:/@\s]*:)[^@\s]*@", r"\1***@", text)


def _only_select(query: str, place: str) -> str:
    """The query, which begins with SELECT or WITH."""
    bare = query.strip().removesuffix(";").rstrip()
    rest = bare
    while found := _COMMENTS.match(rest):
        rest = rest[found.end() :]
    if not _BEGINS.match(rest):
        raise SourceError(f"{place}: query is no SELECT; want one SELECT, which reads and changes nothing")
    return bare


def _tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name").fetchall()
    return [row[0] for row in rows if not row[0].startswith("sqlite_")]


def _whole_table(connection: sqlite3.Connection, shown: str, place: str) -> str:
    tables = _tables(connection)
    if len(tables) != 1:
        has = f"holds {len(tables)} tables, {', '.join(tables)}" if tables else "holds no table"
        raise SourceError(f'{place}: {shown} {has}; say what is read: query = "SELECT … FROM …"')
    return f"SELECT * FROM {name(tables[0])}"


def _digest(database: duckdb.DuckDBPyConnection, table: str) -> str:
    """A text that differs where the rows of a table do, in whatever order they came."""
    described = database.execute(f"DESCRIBE {name(table)}").fetchall()
    columns = [f"{name(column)} {kind}" for column, kind, *_ in described if column != "_line"]
    hashed = ", ".join(name(column) for column, *_ in described if column != "_line")
    count, total = database.execute(
        f"SELECT count(*), coalesce(sum(CAST(hash({hashed}) AS HUGEINT)), 0) FROM {name(table)}"
    ).fetchall()[0]
    return f"{', '.join(columns)}\t{count}\t{total}"
