"""Tables of a delivery with other rows, while it is profiled."""

import duckdb

from graphrec.loading.sources.sql import name


def remake(database: duckdb.DuckDBPyConnection, table: str, rows: str) -> dict[str, str]:
    """Put rows in the place of those of a table, which they may be made of.

    Returns:
        The type of each column.
    """
    database.execute(f"CREATE OR REPLACE TABLE {name(table)} AS SELECT * FROM {rows}")
    return {column: str(kind) for column, kind, *_ in database.execute(f"DESCRIBE {name(table)}").fetchall()}
