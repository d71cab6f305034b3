"""Lists in PostgreSQL: three tables, filled by upsert, so that the same batch again changes nothing.

`graphrec_lists` has the key (run, user, product), `graphrec_without` (run, user), and `graphrec_runs` one row for each
run that is whole. The password comes from PGPASSWORD, a password file or a service of libpq, never from the address.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_type_hints
from urllib.parse import urlsplit

from graphrec.delivery.rows import TIMES, Batch, Row, Without
from graphrec.delivery.sinks import SinkReport, SinkSpec, TableTarget, Target, shown
from graphrec.errors import DeliveryError, UsageError
from graphrec.extras import needs_extra

if TYPE_CHECKING:
    from psycopg import Connection

LISTS, WITHOUT, RUNS = "graphrec_lists", "graphrec_without", "graphrec_runs"
_KEYS = {LISTS: ("run", "user", "product"), WITHOUT: ("run", "user")}
_TABLES: dict[str, type[Row | Without]] = {LISTS: Row, WITHOUT: Without}
_RUN = {
    "run": "text PRIMARY KEY", "generated_at": "timestamptz", "model": "text", "snapshot": "text", "policy": "text",
    "users": "bigint", "rows": "bigint", "without_list": "bigint", "finished_at": "timestamptz",
}  # fmt: skip


@dataclass(frozen=True)
class PostgresReport(SinkReport):
    """What was written to a database."""

    address: str
    run: str

    def lines(self) -> list[str]:
        """The report as a person reads it."""
        return [
            f"{self.rows:,} rows for {self.users:,} users: {LISTS} of {self.address}, run {self.run}",
            *self._without(WITHOUT),
        ]


class _Postgres:
    def __init__(self, connection: Connection[Any], address: str, target: Target) -> None:
        self._connection = connection
        self._address = address
        self._engine, self._run = target.engine, target.run
        with connection.transaction():
            for table, kind in _TABLES.items():
                _prepare(connection, address, table, _columns(kind), _KEYS[table])
            _prepare(connection, address, RUNS, _RUN, ())

    def write(self, batch: Batch) -> bool:
        """Write the rows of some answers in one transaction."""
        with self._connection.transaction():
            for table, rows in ((LISTS, batch.rows), (WITHOUT, batch.without)):
                _upsert(self._connection, table, _TABLES[table]._fields, _KEYS[table], rows)
        return True

    def finish(self, totals: SinkReport) -> PostgresReport:
        """Say that the run is whole."""
        engine, run = self._engine, self._run
        values = (run.id, run.generated_at, engine.model.name, engine.snapshot.hash, engine.policy.hash)
        names = ", ".join(_RUN)
        updates = ", ".join(f"{name} = excluded.{name}" for name in _RUN if name != "run")
        statement: Any = (
            f"INSERT INTO {RUNS} ({names}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, now()) "
            f"ON CONFLICT (run) DO UPDATE SET {updates}"
        )
        self._connection.execute(statement, (*values, totals.users, totals.rows, totals.without_list))
        return PostgresReport(totals.users, totals.rows, totals.without_list, self._address, run.id)


def _upsert(
    connection: Connection[Any], table: str, names: Sequence[str], key: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Write rows; those whose key is there take the place of what was."""
    if not rows:
        return
    quoted = [f'"{name}"' for name in names]
    updates = ", ".join(f'"{name}" = excluded."{name}"' for name in names if name not in key)
    statement: Any = (
        f"INSERT INTO {table} ({', '.join(quoted)}) VALUES ({', '.join(['%s'] * len(names))}) "
        f"ON CONFLICT ({', '.join(f'{chr(34)}{name}{chr(34)}' for name in key)}) DO UPDATE SET {updates}"
    )
    with connection.cursor() as cursor:
        cursor.executemany(statement, [[_cell(value) for value in row] for row in rows])


def _prepare(
    connection: Connection[Any], address: str, table: str, columns: dict[str, str], key: tuple[str, ...]
) -> None:
    """Make a table that is not there; one that is there has to have the columns.

    Raises:
        DeliveryError: it has not.
    """
    declared = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    keyed = ", ".join(f'"{name}"' for name in key)
    statement: Any = f"CREATE TABLE IF NOT EXISTS {table} ({declared}{f', PRIMARY KEY ({keyed})' if key else ''})"
    connection.execute(statement)
    found = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        (table,),
    ).fetchall()
    missing = [name for name in columns if (name,) not in found]
    if missing:
        raise DeliveryError(
            f"the table {table} of {address} has no column {missing[0]}; rename the table, or run: ALTER "
            f'TABLE {table} ADD COLUMN "{missing[0]}" {columns[missing[0]]}'
        )


def _columns(kind: type[Row | Without]) -> dict[str, str]:
    types = {"rank": "integer", "record": "bigint", "reasons": "jsonb"}
    hints = get_type_hints(kind)
    numbers = {name: "double precision" for name, hint in hints.items() if "float" in str(hint)}
    return {
        name: numbers.get(name) or types.get(name) or ("timestamptz" if name in TIMES else "text")
        for name in kind._fields
    }


def _cell(value: Any) -> Any:
    if isinstance(value, tuple):
        value = json.dumps(value, ensure_ascii=False)
    # PostgreSQL has no text with a zero in it.
    return value.replace("\x00", "").replace("\\u0000", "") if isinstance(value, str) else value


@contextmanager
def _connected(address: str) -> Iterator[Connection[Any]]:
    """A connection to a database.

    Raises:
        UsageError: the address holds a password.
        DeliveryError: the database refuses something.
    """
    if urlsplit(address).password or re.search(r"[?&]password=", address):
        raise UsageError(
            f"--to {shown(address)} holds a password; take it out of the address: it comes from PGPASSWORD, or from a "
            "password file"
        )
    with needs_extra("database", "--to postgresql://…"):
        import psycopg
    try:
        with psycopg.connect(address, autocommit=True, options="-c timezone=UTC") as connection:
            yield connection
    except psycopg.Error as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DeliveryError(
            f"the database {shown(address)} refuses: {reason}; correct that, and run the export again: it goes on with "
            "what has not arrived"
        ) from None


@contextmanager
def _open(target: Target) -> Iterator[_Postgres]:
    address = str(target.address)
    with _connected(address) as connection:
        yield _Postgres(connection, shown(address), target)


def _rows(target: TableTarget, rows: Sequence[tuple[Any, ...]]) -> bool:
    """One batch of a table that is no list, in one transaction."""
    table, address = f"graphrec_{target.name}", str(target.address)
    columns = {name: "jsonb" if name in ("evidence", "path") else "text" for name in target.fields}
    with _connected(address) as connection, connection.transaction():
        _prepare(connection, shown(address), table, columns, target.key)
        _upsert(connection, table, target.fields, target.key, rows)
    return True


POSTGRES = SinkSpec("postgresql", _open, lines=False, schemes=("postgresql", "postgres"), resumes=True, table=_rows)
