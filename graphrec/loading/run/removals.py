"""What a full load would remove: it stops before it writes when that is more than it may be."""

from collections.abc import Mapping as Keys
from functools import partial

import duckdb

from graphrec.errors import TooManyRemoved
from graphrec.graph.rows import Sink
from graphrec.loading.mapping.specs import Mapping
from graphrec.loading.run.transform import Checked, identity_rows
from graphrec.loading.sources.sql import name

MAX_REMOVED = 0.1
"""The share of a kind of rows that a full load may remove when nobody says otherwise."""
FEW_ROWS = 50
"""Of a kind with fewer rows, so many may always go:"""
ALWAYS = 5


def check_removals(
    database: duckdb.DuckDBPyConnection, mapping: Mapping, checked: Checked, sink: Sink, limit: float | None
) -> dict[str, int]:
    """How many rows of each label and edge type of its source the load will remove, where that is no more than it may.

    Args:
        limit: a number of rows, or as a float up to 1 a share of the rows of a kind; None: the load removes nothing, as
            one that merges only.

    Raises:
        TooManyRemoved: it would remove more, or a file that is not optional has no rows; nothing was written.
    """
    plans = {**checked.nodes, **checked.edges}
    found = sink.would_remove({kind: partial(identity_rows, database, plan) for kind, plan in plans.items()})
    if limit is None:
        return {}
    _check_feeds(database, mapping, found)
    over = [kind for kind, (there, gone) in found.items() if gone > _allowed(there, limit)]
    if over:
        text = f"{limit:.4g}" if isinstance(limit, int) else f"{limit:.4%}".rstrip("0%").rstrip(".") + "%"
        raise TooManyRemoved(
            f"this load of {mapping.name} would remove {_shown(found, over)}, more than --max-removed {text} allows; "
            "nothing was written; see that its files are whole, or rerun with --max-removed 100%"
        )
    return {kind: gone for kind, (_, gone) in found.items()}


def _check_feeds(database: duckdb.DuckDBPyConnection, mapping: Mapping, found: Keys[str, tuple[int, int]]) -> None:
    """Pass the first load of a source, and one of which every file has rows or may have none."""
    if not any(there for there, _ in found.values()):
        return
    empty = [spec for spec in mapping.files.values() if not spec.optional and _is_empty(database, spec.name)]
    if not empty:
        return
    lost = [kind for kind, (there, gone) in found.items() if there and gone == there]
    removes = f", and this load would remove {_shown(found, lost)}" if lost else ", as a feed that failed"
    advice = (
        "fetch the file again, or mark it optional = true in"
        if empty[0].path
        else "ask the database again, or load with --incremental what may be empty:"
    )
    place = mapping.place("source", "files", empty[0].name)
    raise TooManyRemoved(f"{empty[0].shown} has no rows{removes}; nothing was written; {advice} {place}")


def _allowed(there: int, limit: float) -> float:
    if isinstance(limit, int):
        return limit
    return max(limit * there, ALWAYS if there < FEW_ROWS else 0)


def _is_empty(database: duckdb.DuckDBPyConnection, table: str) -> bool:
    return not database.execute(f"SELECT 1 FROM {name(table)} LIMIT 1").fetchall()


def _shown(found: Keys[str, tuple[int, int]], kinds: list[str]) -> str:
    return ", ".join(f"{found[kind][1]:,} of {found[kind][0]:,} {kind}" for kind in kinds)
