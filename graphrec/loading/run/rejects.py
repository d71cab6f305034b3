"""Rejected rows: in words for a person, and as rejected.csv."""

from collections.abc import Mapping as Keys
from fnmatch import fnmatchcase
from pathlib import Path

import duckdb
import pyarrow
import pyarrow.csv

from graphrec.errors import RejectedRows, UsageError
from graphrec.files import whole_file
from graphrec.graph.rows import Counts
from graphrec.loading.mapping.specs import Mapping
from graphrec.loading.run.plan import TWICE
from graphrec.loading.run.transform import REJECTED
from graphrec.shown import harmless, visible


def parse_limit(text: str, option: str = "--max-rejected", highest: float = 99.9999) -> int | float:
    """What an option says: a whole number of rows, or a share as a float, of at most so many per cent.

    Raises:
        UsageError: the text is neither a number of rows nor a percentage.
    """
    try:
        if text.endswith("%") and 0 <= (percent := float(text[:-1])) <= highest:
            return percent / 100
        if text.isdecimal():
            return int(text)
    except ValueError:
        pass
    raise UsageError(f"{option} {text!r} is no limit; want a number of rows such as 10, or a share such as 0.5%")


def write_rejected(database: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write all rejected rows to a CSV file; an old file goes when there are none.

    Texts of the rows steer no terminal and are no formulas of a spreadsheet.
    """
    query = (
        f'SELECT statement, field AS "column", rule, shown AS value, file, line, '
        f"CASE WHEN line IS NULL THEN position END AS row FROM {REJECTED} ORDER BY number, position"
    )
    table = database.sql(query).to_arrow_table()
    if table.num_rows == 0:
        path.unlink(missing_ok=True)
        return
    for place, field in enumerate(table.schema):
        if pyarrow.types.is_string(field.type):
            texts = [None if text is None else harmless(visible(text)) for text in table[place].to_pylist()]
            table = table.set_column(place, field, pyarrow.array(texts, field.type))
    with whole_file(path) as temporary:
        pyarrow.csv.write_csv(table, temporary)


def check_limit(
    database: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    counts: Keys[str, Counts],
    limit: float,
    path: Path | None,
) -> None:
    """Pass when no more rows were rejected than the limit says.

    Args:
        mapping: whose files they are.
        limit: a number of rows, or as a float below 1 a share of the rows read.

    Raises:
        RejectedRows: the message names the first of them and where all are.
    """
    read = sum(count.read for count in counts.values())
    rejected = sum(count.rejected for count in counts.values())
    allowed = limit * read if isinstance(limit, float) and limit < 1 else limit
    if rejected <= allowed:
        return
    first = describe_first(database) + _newest_alone(database, mapping)
    if rejected == 1:
        raise RejectedRows(f"{first}; fix the row or rerun with --max-rejected 1")
    where = f", all in {path}" if path else ""
    raise RejectedRows(f"{first}; {rejected} rows rejected{where}; fix them or rerun with --max-rejected {rejected}")


def _newest_alone(database: duckdb.DuckDBPyConnection, mapping: Mapping) -> str:
    """What helps where the first row that is there twice is of one of several files, as of two deliveries."""
    file, rule = database.execute(f"SELECT file, rule FROM {REJECTED} ORDER BY number, position LIMIT 1").fetchall()[0]
    if rule != TWICE or file is None:
        return ""
    of = (one for one in mapping.files.values() if one.path != file and fnmatchcase(file, one.path) and not one.newest)
    spec = next(of, None)
    if spec is None:
        return ""
    place = mapping.place("source", "files", spec.name)
    return f" (where each file of {spec.path} has all that there is, write newest = true in {place})"


def describe_first(database: duckdb.DuckDBPyConnection) -> str:
    """The first rejected row (there is one) in one line: file, line, column, value, rule."""
    found = database.execute(
        f"SELECT statement, field, rule, shown, file, line, position FROM {REJECTED} ORDER BY number, position LIMIT 1"
    ).fetchall()
    statement, field, rule, shown, file, line, position = found[0]
    where = f"{file} line {line}" if file is not None and line is not None else f"{statement} row {position}"
    return f"{where}: {field} {rule}" if shown is None else f"{where}: {field} {shown!r} {rule}"
