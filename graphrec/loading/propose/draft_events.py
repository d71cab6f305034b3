"""The edge types of a proposed mapping between customers and products, and the series of numbers over time."""

import re
from collections.abc import Sequence
from dataclasses import replace

from graphrec.loading.propose.column_profile import FEW_MISFITS, ColumnProfile
from graphrec.loading.propose.draft_ends import ending_days, is_when, states_of, with_first_end, with_states
from graphrec.loading.propose.draft_kinds import (
    VOICES,
    Kind,
    action_column,
    carried_out,
    kinds_of,
    of_something,
    position_of,
)
from graphrec.loading.propose.draft_sql import Parse, column_sql, end_of, parsed, quote, select_from, toml_key
from graphrec.loading.propose.drafted import UNKNOWN, Decision, Draft
from graphrec.loading.propose.looks import actions_in, is_accounting, is_hidden, is_personal, looks, says_who, type_name
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import singular, words
from graphrec.loading.sources.sql import name


def add_event(draft: Draft, table: TableProfile, ends: list[tuple[str, str]]) -> bool:
    """Propose the edge types of an event table; False when it joins no two things, or is there to test lists by."""
    if len({label for _, label in ends}) < 2 or is_hidden(table.name):
        return False
    are_roles = {draft.user, draft.product} == {label for _, label in ends}
    (source, source_label), (target, target_label) = ends if not are_roles or ends[0][1] == draft.user else ends[::-1]
    others = [column for column in table.columns.values() if column.name not in {source, target}]
    if named := [one.name for one in others if is_personal(one, of_user=False) or says_who(one)]:
        draft.ask(f"{table.name}: {', '.join(named)} may name people and is left out of the edges")
    others = [column for column in others if column.name not in named]
    # A number that some rows lack is no key, and id is the name of one.
    others = [replace(c, in_graph="id_given") if c.in_graph == "id" and c.filled < c.rows else c for c in others]
    column = action_column(table, others) if are_roles else None
    heads, parse, more, kinds = _said_of_event(draft, table, others, (source, target), column, are_roles=are_roles)
    some = of_something(draft, table, others) if are_roles and column is None else ""
    came = carried_out(draft, table, others) if are_roles else ""
    there = " AND ".join(filter(None, (_with_ends(draft, table, (source, target)), some, came)))
    if are_roles and (states := states_of(draft, table, others, column)) is not None:
        heads, more, kinds, there = with_states(table, states, heads, more, kinds, there)
    ends_of = [end_of("from", source_label, table, source), end_of("to", target_label, table, target)]
    if column is not None:
        _ask_about_kinds(draft, table, column)
    for kind in kinds:
        weight = kind.weight
        if are_roles and kind.is_asked:
            asked = Decision(f"{table.name}: {kind.says}: does it speak for a product?", VOICES[weight > 0])
            against = -1.0 if weight == UNKNOWN else -abs(weight)
            weight = {"for": abs(weight), "against": against}[draft.decide(asked)]
        given = draft.add_edge(
            kind.type,
            source_label,
            *ends_of,
            *(line for line in _own_heads(heads, kind)),
            select_from(
                table, table.columns[source], table.columns[target], *others, more=more,
                where=" AND ".join(filter(None, (kind.where, there))),
            ),
            parse=parse,
        )  # fmt: skip
        if are_roles:
            draft.interactions[given] = weight
            if not any(line.startswith("at = ") for line in heads):
                draft.undated.append(given)
        if kind.is_asked and column is None:
            draft.ask(f"{table.name}: {kind.says} became {given}, which speaks against a product: is that right?")
    return True


def _ask_about_kinds(draft: Draft, table: TableProfile, column: ColumnProfile) -> None:
    """What the values of a column that says what people did leave open."""
    told = actions_in(column.values)
    if gone := [one for one in column.values if told[one] is None and is_accounting(one)]:
        draft.ask(f"{table.name}: {column.name} {', '.join(gone)} is nothing that a customer chose and is left out")
    draft.ask(f"{table.name}: each value of {column.name} became an edge type; which speak for a product?")


def _with_ends(draft: Draft, table: TableProfile, ends: tuple[str, str]) -> str:
    """SQL that leaves out the rows that name no customer or no product, where so many do that it is no mistake."""
    conditions = []
    for column in (table.columns[end] for end in ends):
        gaps = table.rows - column.filled
        if not gaps:
            continue
        gap = f"{table.name}: {gaps} rows have no {column.name}"
        if FEW_MISFITS * gaps < table.rows:
            draft.ask(f"{gap}; a load rejects them")
        elif draft.decide(Decision(f"{gap}: what becomes of them?", ("left out", "rejected"))) == "left out":
            draft.ask(f"{gap} and are left out, as visitors are who did not say who they are: is that right?")
            conditions.append(f"nullif(CAST({name(column.name)} AS VARCHAR), '') IS NOT NULL")
    return " AND ".join(conditions)


def _said_of_event(
    draft: Draft,
    table: TableProfile,
    others: list[ColumnProfile],
    ends: tuple[str, str],
    column: ColumnProfile | None,
    *,
    are_roles: bool,
) -> "tuple[list[str], Parse, list[str], list[Kind]]":
    """Lines of an event, how its columns are read, more for its select list, and the edge types that it becomes."""
    endings = ending_days(draft, table, others) if are_roles else []
    ending = endings[0] if endings else None
    if endings:
        named = ", ".join(one.name for one in endings)
        looks_like = "looks like the day" if len(endings) == 1 else "look like days, the first of them the one"
        draft.ask(
            f"{table.name}: {named} {looks_like} on which it ends (until); what has ended is no holding "
            "and stays as evidence: is that right?"
        )
    heads, parse, more = _event_heads(table, others, ends, is_signed=are_roles and column is None, ending=ending)
    if len(endings) > 1:
        heads, more = with_first_end(table, endings, heads, more)
    position = position_of(draft, table, others, column) if are_roles else None
    if position is None:
        kinds = kinds_of(table, others, column, are_roles=are_roles)
        if ending is not None and column is None:
            # What ends is held until then, whatever it is called.
            kinds = [replace(kind, type="HELD", weight=1.0) if kind.weight == UNKNOWN else kind for kind in kinds]
        if table.are_contracts:
            kinds = [replace(kind, type=type_name(f"held_{singular(table.name)}"), weight=1.0) for kind in kinds]
        if are_roles and all(kind.type.startswith("HELD") for kind in kinds):
            pieces = {f"weight = {quote(one.in_graph)}" for one in others if looks(one.name, "quantity")}
            heads = [line.replace("weight", "quantity", 1) if line in pieces else line for line in heads]
        return heads, parse, more, kinds
    # What else is below 0 in a row is so because it gives up pieces: no refusal, and no weight.
    signed = [one for one in others if one.kind in {"integer", "real"} and one.least < 0]
    heads = [line for line in heads if line not in {f"weight = {quote(one.in_graph)}" for one in signed}]
    kinds = kinds_of(table, [one for one in others if one not in (position.quantity, *signed)], column, are_roles=True)
    return *position.completed(heads, parse, more), position.joined(kinds) if position.given else kinds


def _own_heads(heads: Sequence[str], kind: "Kind") -> list[str]:
    """The lines of one edge type: no weight where numbers say no, a position only where something is bought."""
    unsaid = (["weight"] if kind.is_unweighed else []) + (["quantity", "until"] if kind.weight < UNKNOWN else [])
    return [line for line in heads if line.partition(" = ")[0] not in unsaid]


def _event_heads(
    table: TableProfile,
    others: list[ColumnProfile],
    ends: tuple[str, str],
    *,
    is_signed: bool,
    ending: ColumnProfile | None,
) -> tuple[list[str], Parse, list[str]]:
    """Lines for key, times and weight of an event, how its columns are read, and more for its select list.

    Args:
        is_signed: rows with numbers below 0 become edges of their own, without a weight.
        ending: when a holding ends.
    """
    whole = [column for column in others if column.filled == column.rows]
    # Rows without one of their ends are left out: a time that all others have is there.
    joined = min(table.columns[end].filled for end in ends)
    times = [column for column in others if column.kind == "time" and (column.is_whole or column.filled >= joined)]
    # When a file was written is no time of what is in it.
    times = [column for column in times if column.distinct > 1] or times
    key = next((c for c in whole if (c.is_unique and c.looks_like_id) or c.is_nearly_unique), None)
    key = next((c for c in whole if c.name == table.key), None) or key
    over = [c for c in others if c.kind == "time" and looks(c.name, "end")]
    times = [column for column in times if column not in over or is_when(column, times)]
    known = next((c for c in others if c.kind == "time" and looks(c.name, "known") and times[:1] != [c]), None)
    numbers = [c for c in whole if c.kind in {"integer", "real"} and not c.misfits]
    # Where all are below 0 the sign says how a house books, and neither how much nor that somebody said no.
    numbers = [c for c in numbers if c.least >= 0 or (is_signed and c.most > 0)]
    found = {
        "key": key,
        "at": next((column for column in times if column is not known), None),
        "known_at": known,
        "until": ending,
        "weight": _weight(numbers),
    }
    heads = [f"{line} = {quote(column.in_graph)}" for line, column in found.items() if column]
    cast = {column.name for column in found.values() if column}
    parse = parsed([column for column in others if column is not key], cast)
    more = []
    at = found["at"]
    if key is None and (at is None or (*ends, at.name) in table.twins):
        # Nothing tells two events of one pair, or of one day, apart: each is one of several.
        nth = "nth"
        while nth in {column.in_graph.casefold() for column in table.columns.values()}:
            nth += "_event"
        by = ", ".join(column_sql(table.columns[end]) for end in ends)
        more.append(f"row_number() OVER (PARTITION BY {by} ORDER BY _file, _line) AS {nth}")
        heads.insert(0, f"key = {quote(nth)}")
    return heads, parse, more


def _weight(numbers: Sequence[ColumnProfile]) -> ColumnProfile | None:
    """The number that says how much: money before pieces, no cost beside it, such as freight, and then the price."""
    found = [column for column in numbers if looks(column.name, "weight")]
    main = [column for column in found if not _BESIDE.search(column.name)]
    main = sorted(main, key=lambda column: looks(column.name, "quantity"))
    prices = [column for column in numbers if _PRICE.search(column.name)] if found and not main else []
    return next(iter([*main, *prices]), None)


_BESIDE = re.compile(
    r"(?i)freight|shipping|postage|discount|(?<![a-z])(tax|vat|fee|tip)|commission|versand|fracht|porto|rabatt|steuer|"
    r"mwst|gebühr|gebuehr|frete|envio|envío|livraison|spedizione|运费|税|手续费"
)
"""Within names of what comes on top of an amount, or is taken off."""
_PRICE = re.compile(r"(?i)price|preis|prix|precio|preço|prezzo|prijs|pris(?![a-z])|cena|价格|单价")


def add_series(draft: Draft, table: TableProfile, ends: list[tuple[str, str]]) -> bool:
    """Propose numbers of one thing by day as a series; False when they are none."""
    day = next((c for c in table.others() if c.kind == "time" and c.filled == c.rows), None)
    numbers = [column for column in table.others() if column.kind in {"integer", "real"}]
    if len(ends) != 1 or ends[0][1] not in draft.labels or day is None or not numbers:
        return False
    column, label = ends[0]
    shown = [day, *numbers]
    draft.add_part(
        f"series.{toml_key('_'.join(words(singular(table.name))))}",
        end_of("of", label, table, column),
        f"at = {quote(day.in_graph)}",
        f"values = {quote([each.in_graph for each in numbers])}",
        select_from(table, table.columns[column], *shown),
        parse=parsed(shown, {each.name for each in shown}),
    )
    return True
