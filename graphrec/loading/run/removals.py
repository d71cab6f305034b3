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
    database: duckdb.DuckDBPyConnection, mapping: Mapping, checked: Checked, sink: Sink, limit: float
) -> None:
    """Pass when the load removes no more of any label and edge type of its source than it may.

    Args:
        limit: a number of rows, or as a float up to 1 a share of the rows of a kind.

    Raises:
        TooManyRemoved: it would remove more, or all of a kind while a file has no rows; nothing was written.
    """
    plans = {**checked.nodes, **checked.edges}
    found = sink.would_remove({kind: partial(identity_rows, database, plan) for kind, plan in plans.items()})
    lost = [kind for kind, (there, gone) in found.items() if there and gone == there]
    empty = [spec.name for spec in mapping.files.values() if not spec.optional and _is_empty(database, spec.name)]
    if lost and empty:
        place = mapping.place("source", "files", empty[0])
        raise TooManyRemoved(
            f"{mapping.files[empty[0]].path} has no rows, and this load would remove {_shown(found, lost)}; nothing "
            f"was written; fetch the file again, or mark it optional = true in {place}"
        )
    over = [kind for kind, (there, gone) in found.items() if gone > _allowed(there, limit)]
    if over:
        text = f"{limit:.4g}" if isinstance(limit, int) else f"{limit:.4%}".rstrip("0%").rstrip(".") + "%"
        raise TooManyRemoved(
            f"this load of {mapping.name} would remove {_shown(found, over)}, more than --max-removed {text} allows; "
            "nothing was written; see that its files are whole, or rerun with --max-removed 100%"
        )


def _allowed(there: int, limit: float) -> float:
    if isinstance(limit, int):
        return limit
    return max(limit * there, ALWAYS if there < FEW_ROWS else 0)


def _is_empty(database: duckdb.DuckDBPyConnection, table: str) -> bool:
    return not database.execute(f"SELECT 1 FROM {name(table)} LIMIT 1").fetchall()


def _shown(found: Keys[str, tuple[int, int]], kinds: list[str]) -> str:
    return ", ".join(f"{found[kind][1]:,} of {found[kind][0]:,} {kind}" for kind in kinds)
