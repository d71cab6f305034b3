"""What says in a table of dealings that a holding is over, or never was."""

import re
from collections.abc import Sequence
from dataclasses import replace

from graphrec.loading.mapping.specs import ParseSpec
from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.draft_kinds import Kind, texts_of
from graphrec.loading.propose.draft_sql import column_sql, quote
from graphrec.loading.propose.drafted import UNKNOWN, Decision, Draft
from graphrec.loading.propose.looks import action_of_table, actions_in, looks
from graphrec.loading.propose.shapes.states import Asks, State, States, meaning, states_in
from graphrec.loading.propose.table_profile import Ended, TableProfile
from graphrec.loading.propose.words import free_name
from graphrec.loading.run.parse import parsed_sql
from graphrec.loading.sources.sql import name


def states_of(
    draft: Draft,
    table: TableProfile,
    others: Sequence[ColumnProfile],
    column: ColumnProfile | None,
) -> States | None:
    """The status of each row, where it says that something is over or never was; what it says is asked."""

    def asks(name: str, text: str) -> State:
        choices: tuple[State, ...] = ("held", "over", "never held")
        told = draft.decide(Decision(f"{table.name}: what has {name} {text!r}: what is it?", choices))
        return next(one for one in choices if one == told)

    if table.ended is not None and any(one.name == table.ended.state for one in others):
        return _told_by_end(draft, table, table.ended, asks)
    action = action_of_table(table.name)
    # What ends on a day was carried out, whatever it is called.
    ends = any(one.kind == "time" and looks(one.name, "end") for one in others)
    did = {one.type for one in actions_in(column.values).values() if one is not None} if column is not None else set()
    of_orders = (bool(did & {"BOUGHT", "SOLD"}) if did else action is not None and action.type == "BOUGHT") and not ends
    found = states_in([one for one in others if one is not column], asks, of_orders=of_orders)
    if found is None:
        return None
    if found.untold:
        listed = ", ".join(map(repr, found.untold))
        draft.ask(f"{table.name}: what has {found.column.name} {listed} counts as held: which of them are over?")
    if found.over:
        draft.ask(
            f"{table.name}: what has {found.column.name} {', '.join(found.over)} is over, is no holding and stays as "
            "evidence: is that right?"
        )
    if found.never:
        draft.ask(f"{table.name}: what has {found.column.name} {', '.join(found.never)} never was and is left out")
    return found


def _told_by_end(draft: Draft, table: TableProfile, ended: Ended, asks: Asks) -> States | None:
    """The status beside the days of an end: what is undone or over by its words, and has no such day, never was."""
    states: dict[str, State] = {}
    for one in ended.running if len(ended.running) > 1 else ():
        said = meaning(one)
        is_undone = meaning(one, of_orders=True) == "never held" or said in {"over", "never held"}
        states[one] = "never held" if is_undone else said or asks(ended.state, one)
        if not is_undone and said is None and states[one] == "held":
            draft.ask(f"{table.name}: what has {ended.state} {one!r} has no {ended.end} and counts as held: is it so?")
    never, over = (tuple(one for one, said in states.items() if said == state) for state in ("never held", "over"))
    if len(never) == len(states):
        return None  # nothing of it would be held
    if never:
        draft.ask(f"{table.name}: what has {ended.state} {', '.join(never)} never was and is left out")
    return States(table.columns[ended.state], over, never) if never or over else None


def with_states(
    table: TableProfile, states: States, heads: list[str], more: list[str], kinds: "list[Kind]", there: str
) -> "tuple[list[str], list[str], list[Kind], str]":
    """The lines, the select list, the edge types and the condition of an event whose rows may be over, or none."""
    said = f"CAST({column_sql(states.column)} AS VARCHAR)"
    if states.never:
        there = " AND ".join(filter(None, (there, f"coalesce({said} NOT IN {texts_of(states.never)}, true)")))
    if states.over and not any(line.startswith("quantity = ") for line in heads):
        taken = {column.in_graph.casefold() for column in table.columns.values()}
        named = free_name("still_held", taken)
        more = [*more, f"CASE WHEN {said} IN {texts_of(states.over)} THEN 0 ELSE 1 END AS {named}"]
        heads = [*heads, f"quantity = {quote(named)}"]
    kinds = [
        replace(kind, type="HELD", weight=1.0) if kind.weight == UNKNOWN and not kind.says else kind for kind in kinds
    ]
    return heads, more, kinds, there


def ending_days(draft: Draft, table: TableProfile, others: Sequence[ColumnProfile]) -> list[ColumnProfile]:
    """The days on which a holding ends, by their names; or one that few rows have, where a person says so.

    A contract that has a day on which it would run out and one on which it was cancelled has two.
    """
    times = [one for one in others if one.kind == "time"]
    if table.ended is not None and any(one.name == table.ended.end for one in others):
        return [table.columns[table.ended.end]]
    named = [one for one in times if looks(one.name, "end")]
    if named:
        return [] if is_when(named[0], times) else named
    whole = [one for one in times if one.is_whole]
    sold = [one for one in times if whole and 0 < one.filled < _PARTLY * one.rows and _OF_SALES.search(one.name)]
    if sold:
        return sold[:1]
    for one in times:
        if whole and 0 < one.filled < _PARTLY * one.rows and not looks(one.name, "known"):
            told = f"{table.name}: {one.name} is there in {one.filled} of {one.rows} rows: what is it?"
            if draft.decide(Decision(told, ("another day", "the day on which it ends"))) != "another day":
                return [one]
            draft.ask(f"{table.name}: {one.name} is there in {one.filled} of {one.rows} rows: is it the end (until)?")
    return []


def with_first_end(
    table: TableProfile, endings: Sequence[ColumnProfile], heads: list[str], more: list[str]
) -> tuple[list[str], list[str]]:
    """The lines and the select list of an event that ends on the first of several days."""
    taken = {column.in_graph.casefold() for column in table.columns.values()}
    named = free_name("ends_on", taken)
    days = ", ".join(parsed_sql(name(one.name), one.parse or ParseSpec("time")) for one in endings)
    until = f"until = {quote(endings[0].in_graph)}"
    heads = [f"until = {quote(named)}" if line == until else line for line in heads]
    return heads, [*more, f"least({days}) AS {named}"]


def is_when(column: ColumnProfile, times: Sequence[ColumnProfile]) -> bool:
    """Whether the only time of an event, such as the day on which a sale was closed, is when it was, and no end."""
    return len(times) == 1 and bool({"close", "closed", "closing"}.intersection(column.words))


_OF_SALES = re.compile(
    r"(?i)verkauf|sold|sell|sale|redem|rückgabe|rueckgabe|vente|venta|vendita|verkoop|sprzeda|卖出|赎回"
)
"""Within names of days on which something was given up, where it has a day of its own on which it was bought."""
_PARTLY = 0.9
"""A time that fewer rows have may be that of their end."""
