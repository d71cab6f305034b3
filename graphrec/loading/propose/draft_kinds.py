"""What people did, by the rows of a table of dealings: its edge types, and which rows give up what was held."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from graphrec.loading.mapping.specs import ParseSpec
from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.concepts import normal
from graphrec.loading.propose.draft_sql import Parse, quote
from graphrec.loading.propose.drafted import UNKNOWN, Decision, Draft
from graphrec.loading.propose.looks import (
    THINGS,
    Action,
    action_of,
    action_of_table,
    actions_in,
    is_accounting,
    is_rating,
    looks,
    type_name,
)
from graphrec.loading.propose.shapes.states import is_state, meaning
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import singular, words
from graphrec.loading.run.parse import YES, parsed_sql
from graphrec.loading.sources.sql import name, value


@dataclass(frozen=True)
class _Position:
    """A signed quantity: what is held is what sums to more than 0."""

    quantity: ColumnProfile | None
    """None: each row is one more or one less."""
    named: str
    """Its name in the graph."""
    given: str = ""
    """SQL that is true in the rows that give something away; nothing: their numbers are below 0."""
    over: tuple[str, ...] = ("SOLD",)
    """The edge types that those rows would be."""

    def completed(self, heads: list[str], parse: Parse, more: list[str]) -> tuple[list[str], Parse, list[str]]:
        """Lines, parsing and select list of an event with it."""
        if self.quantity is None:
            more = [*more, f"CASE WHEN {self.given} THEN -1 ELSE 1 END AS {name(self.named)}"]
            return [*heads, f"quantity = {quote(self.named)}"], list(parse), more
        own = [(column, how) for column, how in parse if column != self.named]
        how = next((how for column, how in parse if column == self.quantity.in_graph), self.quantity.parse)
        is_parsed = how is not None and not (how.decimal == "." and not how.thousands and not how.null)
        # A number below 0 may have its minus behind it, or be in brackets.
        is_parsed = is_parsed or (self.quantity.kind != "text" and self.quantity.least < 0)
        if self.given:
            text = f"CAST({name(self.quantity.name)} AS VARCHAR)"
            gives = f"{self.given} AND {text} NOT LIKE '%-%'" if self.quantity.least < 0 else self.given
            more = [*more, f"CASE WHEN {gives} THEN '-' || {text} ELSE {text} END AS {name(self.named)}"]
        # Pieces are no money: a portfolio wants their prices.
        pieces = {f"weight = {quote(one)}" for one in (self.named, self.quantity.in_graph)}
        lines = [line for line in heads if line not in pieces]
        return (
            [*lines, f"quantity = {quote(self.named)}"],
            [*own, *([(self.named, how)] if how is not None and is_parsed else [])],
            more,
        )

    def joined(self, kinds: "Sequence[Kind]") -> "list[Kind]":
        """What is bought and what is sold as one edge type."""
        sold = [kind for kind in kinds if kind.type in self.over]
        given = next(kind for kind in kinds if kind.type in {"BOUGHT", "HELD"})
        where = " OR ".join(kind.where for kind in (given, *sold))
        return [
            replace(kind, where=f"({where})", is_asked=False) if kind is given else kind
            for kind in kinds
            if kind not in sold
        ]


def position_of(
    draft: Draft, table: TableProfile, others: list[ColumnProfile], column: ColumnProfile | None
) -> _Position | None:
    """The quantity that tells what is still held: numbers below 0, or a column that says bought or sold."""
    quantity = next((c for c in others if c.kind in {"integer", "real"} and looks(c.name, "quantity")), None)
    kinds = {kind.type: kind for kind in kinds_of(table, others, column, are_roles=True)} if column else {}
    # What is undone in a table of contracts was held before; of orders nothing came.
    over = tuple(one for one in ("CLOSED", "RETURNED") if one in kinds and (one == "CLOSED" or "HELD" in kinds))
    if column is not None and over and kinds.keys() & {"BOUGHT", "HELD"}:
        for one in over:
            draft.ask(f"{table.name}: {kinds[one].says} gives up what was held: is that right?")
        where = " OR ".join(kinds[one].where for one in over)
        return _Position(None, "held_change", where, over)
    if quantity is None or quantity.misfits or quantity is column:
        return None
    if column is None:
        says, given = f"{quantity.name} below 0", ""
        if not quantity.least < 0 < quantity.most:
            return None
    else:
        if not {"BOUGHT", "SOLD"} <= kinds.keys():
            return None
        says, given = kinds["SOLD"].says, kinds["SOLD"].where
    asked = Decision(
        f"{table.name}: {says}: does it give up what was held, or speak against a product?", ("given up", "against")
    )
    if draft.decide(asked) == "against":
        return None
    draft.ask(f"{table.name}: {says} gives up what was held (quantity): is that right?")
    named = f"signed_{quantity.in_graph}" if given else quantity.in_graph
    return _Position(quantity, named, given)


def of_something(draft: Draft, table: TableProfile, others: Sequence[ColumnProfile]) -> str:
    """SQL that leaves out rows of 0 pieces or per cent, which are no holding; nothing where none is."""
    found = next((c for c in others if c.kind in {"integer", "real"} and looks(c.name, "quantity")), None)
    if found is None or found.least != 0 or found.most <= 0 or found.filled < found.rows:
        return ""
    draft.ask(f"{table.name}: rows with {found.name} of 0 are no holdings and are left out: is that right?")
    read = parsed_sql(name(found.name), found.parse or ParseSpec(found.kind))
    return f"coalesce({read} <> 0, true)"


def carried_out(draft: Draft, table: TableProfile, others: Sequence[ColumnProfile]) -> str:
    """SQL that leaves out rows of which a yes or no says that nothing came of them; nothing where none does."""
    found = next((one for one in others if one.kind == "boolean" and _CARRIED_OUT & {*map(normal, one.words)}), None)
    if found is None:
        return ""
    draft.ask(f"{table.name}: rows with a no for {found.name} were not carried out and are left out: is that right?")
    return f"coalesce({parsed_sql(name(found.name), found.parse or ParseSpec(found.kind))}, true)"


_CARRIED_OUT = frozenset(
    {
        *("authorized", "authorised", "approved", "successful", "success", "succeeded", "executed", "settled"),
        *("confirmed", "posted", "genehmigt", "autorisiert", "erfolgreich", "ausgefuehrt", "ausgeführt", "gebucht"),
        *(
            "bestaetigt",
            "bestätigt",
            "autorise",
            "autorisé",
            "execute",
            "exécuté",
            "confirme",
            "confirmé",
            "autorizado",
        ),
        *("aprobado", "ejecutado", "confirmado", "autorizzato", "eseguito", "confermato", "uitgevoerd", "bevestigd"),
        *("已授权", "是否成功", "成功", "已成交", "已确认"),
    }
)
"""Words of columns that say whether what was asked for was done."""


VOICES = {True: ("for", "against"), False: ("against", "for")}


@dataclass(frozen=True)
class Kind:
    """One edge type of an event table."""

    type: str
    weight: float
    where: str = ""
    says: str = ""
    is_asked: bool = False
    is_unweighed: bool = False
    """Its numbers are below 0 or small because they say no, and are no measure of how much."""


def _is_one_of(column: str, values: list[str]) -> str:
    listed = ", ".join(value(one) for one in values)
    return f"{name(column)} = {listed}" if len(values) == 1 else f"{name(column)} IN ({listed})"


def action_column(table: TableProfile, others: list[ColumnProfile]) -> ColumnProfile | None:
    """The column that says what people did: most of its values are known actions, or it is called like one."""
    found = [c for c in others if c.kind == "text" and len(c.values) >= 2 and c.filled == c.rows]
    # What says what became of an order or a contract says nothing of what people did.
    found = [c for c in found if not _is_state(c) and (table.ended is None or c.name != table.ended.state)]
    # What is the same in all rows of a thing, such as the sort of a place, is said of it.
    of_things = {one.name for described in table.described.values() for one in described.others()}
    found = [c for c in found if c.name not in of_things]
    known = {column.name: sum(one is not None for one in actions_in(column.values).values()) for column in found}
    if any(one.kind in {"integer", "real"} and looks(one.name, "quantity") and one.least < 0 for one in others):
        # The sign of the pieces says more than codes that no word tells.
        found = [column for column in found if known[column.name]]
    found = [column for column in found if 2 * known[column.name] >= len(column.values) or looks(column.name, "action")]
    if _is_of_one_action(table):
        found = [column for column in found if known[column.name]]  # whose contribution it is says not what was done
    return max(found, key=lambda column: known[column.name], default=None)


def _is_of_one_action(table: TableProfile) -> bool:
    """Whether a table is called by one thing that is done: contributions, and no orders, trades or transactions."""
    action = action_of_table(table.name)
    if action is None or action.type != "BOUGHT":
        return False
    return not set(map(singular, words(table.name))) & action.names & THINGS


def _action_of_all(others: list[ColumnProfile]) -> Action | None:
    """What the one value of a column that is called like an action says of every row: a table of product_viewed."""
    same = [one for one in others if one.kind == "text" and len(one.values) == 1 and one.filled == one.rows]
    told = [action_of(one.values[0]) for one in same if looks(one.name, "action") and not is_state(one)]
    return next((action for action in told if action is not None), None)


def _is_state(column: ColumnProfile) -> bool:
    """Whether a column is called a status, and has no more than one sort of what people do, or states alone."""
    types = {action.type for action in actions_in(column.values).values() if action is not None}
    if not (looks(column.name, "state") or is_state(column)):
        return False
    return not types - {"RETURNED", "REJECTED", "CLOSED"} or all(meaning(one) is not None for one in column.values)


def kinds_of(
    table: TableProfile, others: list[ColumnProfile], column: ColumnProfile | None, *, are_roles: bool
) -> list[Kind]:
    """The edge types of what people do, those that speak most for a product first."""
    base = type_name(singular(table.name))
    if not are_roles:
        return [Kind(base, 1.0)]
    if column is None:
        action = action_of_table(table.name) or _action_of_all(others)
        if action is None and any(map(is_rating, others)):
            action = action_of("rated")
        kind = Kind(action.type, action.weight) if action else Kind(base, UNKNOWN)
        return _with_refusals(others, kind)
    found: dict[tuple[str, float], list[str]] = {}
    for one, action in actions_in(column.values).items():
        if action is None and is_accounting(one):
            continue
        found.setdefault((action.type, action.weight) if action else (type_name(one, base), UNKNOWN), []).append(one)
    kinds = [
        Kind(type_, weight, _is_one_of(column.name, values), f"{column.name} {', '.join(values)}", is_asked=True)
        for (type_, weight), values in found.items()
    ]
    return sorted(kinds, key=lambda kind: -kind.weight)


def _with_refusals(others: list[ColumnProfile], kind: Kind) -> list[Kind]:
    """A kind that speaks for products, apart from the rows that say no: returns, amounts below 0, low ratings."""
    if kind.weight <= 0:
        return [kind]
    for column in others:
        says = action_of(column.name)
        if column.kind == "boolean" and says is not None and says.weight < 0:
            no = f"coalesce(lower(CAST({name(column.name)} AS VARCHAR)) IN {texts_of(YES)}, false)"
            refusal = Kind(says.type, says.weight, no, f"rows with {column.name}", is_asked=True)
            return [replace(kind, where=f"NOT {no}"), refusal]
        if column.kind in {"integer", "real"} and looks(column.name, "weight") and column.least < 0 < column.most:
            no = f"coalesce(CAST({name(column.name)} AS VARCHAR) LIKE '%-%', false)"
            refusal = Kind("RETURNED", -1.0, no, f"{column.name} below 0", is_asked=True, is_unweighed=True)
            return [replace(kind, where=f"NOT {no}"), refusal]
        if (low := _low_rating(column)) is not None:
            no = f"coalesce({parsed_sql(name(column.name), column.parse or ParseSpec('real'))} <= {low:g}, false)"
            says_low = f"{column.name} of {low:g} and less"
            refusal = Kind(f"{kind.type}_LOW", -1.0, no, says_low, is_asked=True, is_unweighed=True)
            return [replace(kind, where=f"NOT {no}"), refusal]
    return [kind]


def _low_rating(column: ColumnProfile) -> float | None:
    """The highest rating that says no, on the usual scales of 5 and 10 where some are that low."""
    if not is_rating(column) or column.least < 0:
        return None
    scale = 5.0 if 3 < column.most <= 5 else 10.0 if 5 < column.most <= 10 else None
    low = None if scale is None else scale * 0.4
    return low if low is not None and column.least <= low else None


def texts_of(values: Sequence[str]) -> str:
    return f"({', '.join(value(one) for one in values)})"
