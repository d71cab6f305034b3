"""What tells the end of holdings in no word: a day that all rows of some states have, and no row of the others."""

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from graphrec.loading.mapping.specs import ParseSpec
from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.concepts import place
from graphrec.loading.propose.table_profile import Ended, TableProfile
from graphrec.loading.run.parse import parsed_sql
from graphrec.loading.sources.sql import name

_MOST_STATES = 12
_MISFITS = 0.02
"""So few rows of a state may have the day, or lack it, by mistake."""
_ENOUGH = 10
"""Rows that end, at least."""
_AS_GOOD_AS_NEVER = 2200
"""From this year on a day stands for none."""


def with_ended(database: duckdb.DuckDBPyConnection, table: TableProfile) -> TableProfile:
    """A table of dealings with the day of their end and the states that have one, where they tell each other."""
    if not table.references:
        return table
    # What another table says of its customers is beside its rows, and not in them.
    there = {column for column, *_ in database.execute(f"DESCRIBE {name(table.name)}").fetchall()}
    own = [one for one in table.others() if one.name in there]
    times = [one for one in own if one.kind == "time" and place(one.name, "born") is None]
    states = [one for one in own if one.kind == "text" and 2 <= len(one.states) <= _MOST_STATES]
    for end in times if states else []:
        # When a file was written is the same in all rows, and no start.
        starts = [one for one in times if one.is_whole and one is not end and one.distinct > 1]
        told = (_told(database, table, start, end, states) for start in starts)
        found = next((one for one in told if one is not None), None)
        if found is not None:
            return replace(table, ended=found)
    return table


def _told(
    database: duckdb.DuckDBPyConnection,
    table: TableProfile,
    start: ColumnProfile,
    end: ColumnProfile,
    states: Sequence[ColumnProfile],
) -> Ended | None:
    """What a day and one of some columns of states say together; None: the day is no end, or they do not agree."""
    begins, ends = (parsed_sql(name(one.name), one.parse or ParseSpec("time")) for one in (start, end))
    for state in states:
        query = (
            f"SELECT CAST({name(state.name)} AS VARCHAR), count(*), count(e), count(*) FILTER (WHERE e < b) "
            f"FROM (SELECT {name(state.name)}, {begins} AS b, CASE WHEN year({ends}) < {_AS_GOOD_AS_NEVER} "
            f"THEN {ends} END AS e FROM {name(table.name)}) GROUP BY 1"
        )
        rows = database.execute(query).fetchall()
        over = tuple(sorted(str(text) for text, count, ended, _ in rows if ended >= (1 - _MISFITS) * count))
        running = tuple(sorted(str(text) for text, count, ended, _ in rows if ended <= _MISFITS * count))
        is_told = all(text is not None for text, *_ in rows) and len(over) + len(running) == len(rows) and bool(running)
        if is_told and sum(int(row[2]) for row in rows) >= _ENOUGH and not sum(int(row[3]) for row in rows):
            return Ended(end.name, state.name, over, running)
    return None
