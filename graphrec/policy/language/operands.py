"""The parts of a condition that have a value: columns, literals, sums, functions; compiled to numpy."""

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from datetime import date as calendar_date
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from graphrec.config import names
from graphrec.frozen import dataclass
from graphrec.policy.facts import DAY, KNOWN_AT, Block, Facts, Groups, Texts
from graphrec.policy.language.values import Truth, Value, both
from graphrec.times import microseconds_of

Kind = Literal["number", "text", "boolean", "time"]
KINDS: dict[str, Kind] = {"integer": "number", "real": "number", "text": "text", "boolean": "boolean", "time": "time"}
#: All names and functions, for "the nearest is".
NAMES = (
    *("held", "True", "False", "user", "product", "now", "amount", "channel", "purpose"),
    *("wealth", "after_purchase", "in_target_market", "in_negative_market"),
)
FUNCTIONS = (
    *("is_missing", "happened", "contains", "date", "days_since", "years_since", "year", "lower", "level"),
    *("min", "max", "count", "total", "add_months", "file"),
)
TRUTHS = ("is_missing", "happened", "contains")
OCCASION: dict[str, Kind] = {"amount": "number", "channel": "text", "purpose": "text"}
"""What a request says of itself."""
LONGEST_SHOWN = 80
"""Characters of a condition that a message shows."""
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], NDArray[np.float64]]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
}


@dataclass(frozen=True, order=True)
class Column:
    """A column of `user` or `product` that a condition or a sentence reads."""

    side: str
    name: str

    def __str__(self) -> str:
        return f"{self.side}.{self.name}"


class BadCondition(Exception):
    """A condition that cannot be compiled; `line` counts from 1 within it."""

    def __init__(self, message: str, node: ast.AST | None = None) -> None:
        super().__init__(message)
        self.line = getattr(node, "lineno", 1)


@dataclass(frozen=True, eq=False)
class Operand:
    """A compiled part of a condition that has a value."""

    kind: Kind
    value: Callable[[Block], Value]


@dataclass(frozen=True)
class Named:
    """A text that a condition compares the values of a column with."""

    column: Column
    text: str
    how: Literal["whole", "lower", "part"] = "whole"
    """Compared as it is, with the values in lower case, or with the parts of a list."""


@dataclass(frozen=True)
class Events:
    """The edges that `happened`, `count` or `total` speak of."""

    edge_type: str
    days: float | None
    groups: tuple[str, str] | None
    """Products of one group: (`column`, name) or (`edge`, type); None: the product itself, or all."""


@dataclass(frozen=True)
class Purchase:
    """What a policy counts wealth and shares of it by."""

    positions: str | None = None
    """Edge type from customers to products with amounts; None: the first that means held and has some."""
    cash: str | None = None
    """Column of customers with what is not invested, from which a purchase is paid; None: nothing says it."""
    shares: Mapping[str, str] = field(default_factory=dict)
    """What products are taken together by, by the name of the share: a relation, or product.COLUMN."""


@dataclass(frozen=True)
class Market:
    """For whom products are made, and for whom they are not: columns of products with the column of customers."""

    positive: Mapping[str, str] = field(default_factory=dict)
    negative: Mapping[str, str] = field(default_factory=dict)


class Listed(Protocol):
    """A list in a file."""

    @property
    def values(self) -> frozenset[str]:
        """Texts that columns are compared with."""
        ...

    def has_id(self, node_id: str) -> bool:
        """Whether a customer's id is in it."""
        ...


@dataclass
class Operands:
    """Compiles operands, and keeps which columns they read.

    Args:
        levels: ordered texts by name.
        allow_protected: whether protected columns may be read.
        purchase: what wealth is counted by.
        market: for whom products are made.
        lists: lists in files, by name and column.
    """

    facts: Facts
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    allow_protected: bool = False
    purchase: Purchase = field(default_factory=Purchase)
    market: Market = field(default_factory=Market)
    lists: Mapping[str, Listed] = field(default_factory=dict)
    columns: dict[Column, None] = field(default_factory=dict)
    events: dict[str, None] = field(default_factory=dict)
    """Edge types whose latest event a finding names."""
    computed: dict[str, Operand] = field(default_factory=dict)
    """Numbers that are read besides columns, as written."""
    named: dict[Named, None] = field(default_factory=dict)
    truth: Callable[[ast.expr], Callable[[Block], Truth]] | None = None
    """Compiles the condition of an `if`."""

    def column(self, side: str, name: str, node: ast.AST | None = None) -> Kind:
        """The kind of a column that may be read.

        Raises:
            BadCondition: there is none, it is personal, or it is protected and that is not allowed.
        """
        label = self.facts.label(side)
        schema, kinds = self.facts.snapshot.schema.nodes[label], self.facts.snapshot.nodes(label).columns
        if name in schema.protected and not self.allow_protected:
            raise BadCondition(
                f"{side}.{name} is protected; a rule that the law asks for may read it with protected = true and "
                'reason = "…"',
                node,
            )
        if name in kinds:
            self.columns[Column(side, name)] = None
            return KINDS[kinds[name]]
        if name == KNOWN_AT:
            self.columns[Column(side, name)] = None
            return "time"
        if name in schema.personal:
            raise BadCondition(
                f"{side}.{name} is personal and stays in the store, where no rule can read it; let the mapping derive "
                "a column that is not personal, such as the year of birth",
                node,
            )
        other = "product" if side == "user" else "user"
        if name in self.facts.snapshot.nodes(self.facts.label(other)).columns:
            raise BadCondition(f"there is no {side}.{name}; did you mean {other}.{name}?", node)
        raise BadCondition(f"there is no {side}.{name}{nearest(name, kinds, prefix=f'{side}.')}", node)

    def compile(self, node: ast.expr) -> Operand:
        """The operand of a node.

        Raises:
            BadCondition: it has no value, or does not fit the graph.
        """
        if (column := column_of(node)) is not None:
            return self._column(column.side, column.name, node)
        match node:
            case ast.Constant():
                return self._literal(node)
            case ast.Attribute(value=ast.Name(id="after_purchase"), attr=name):
                return self.after_purchase(name, node)
            case ast.UnaryOp(op=ast.USub(), operand=part):
                return self._negative(part)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                operation = _ARITHMETIC[type(op)]
                return _arithmetic(operation, self.of_kind(left, "number"), self.of_kind(right, "number"))
            case ast.Call(func=ast.Name(id=name)):
                return self._call(name, node)
            case ast.IfExp():
                return self._choice(node)
            case ast.Name():
                return self._name(node)
        raise _no_value(node)

    def _literal(self, node: ast.Constant) -> Operand:
        match node.value:
            case bool(literal):
                return constant("boolean", literal)
            case str(literal):
                return constant("text", self.facts.texts.code(literal))
            case int() | float() as literal:
                return constant("number", _number(literal))
        raise _no_value(node)

    def _name(self, node: ast.Name) -> Operand:
        if node.id == "now":
            return constant("time", self.need_date(node))
        if node.id in OCCASION:
            return self._occasion(node.id)
        if node.id == "wealth":
            whole = self._wealth(node)
            made = Operand("number", lambda block: whole(block)[0])
            self.computed["wealth"] = made
            return made
        if node.id not in NAMES:
            raise BadCondition(f"there is no name {node.id}{nearest(node.id, NAMES)}", node)
        raise _no_value(node)

    def of_kind(self, node: ast.expr, kind: Kind) -> Callable[[Block], Value]:
        """The value of a node that must be of a kind."""
        operand = self.compile(node)
        if operand.kind != kind:
            raise BadCondition(f"{code(node)} is a {operand.kind}; want a {kind}", node)
        return operand.value

    def need_date(self, node: ast.AST) -> int:
        """The date of the answer, in microseconds since 1970."""
        if self.facts.as_of is None:
            raise BadCondition(
                "asks for a date, and nothing in the graph has one; give one: graphrec snapshot --as-of DATE", node
            )
        return self.facts.as_of

    def _negative(self, part: ast.expr) -> Operand:
        """A literal below 0, which is kept exact, or what is subtracted from 0."""
        match part:
            case ast.Constant(value=int() | float() as literal) if not isinstance(literal, bool):
                return constant("number", _number(-literal))
        return _arithmetic(np.subtract, constant("number", 0).value, self.of_kind(part, "number"))

    def _column(self, side: str, name: str, node: ast.expr) -> Operand:
        return Operand(self.column(side, name, node), lambda block: self.facts.column(side, name, block))

    def _call(self, name: str, node: ast.Call) -> Operand:
        match name:
            case "date" | "add_months":
                return self._time(name, node)
            case "days_since" | "years_since":
                (part,) = arguments(node, 1, f"{name}(user.COLUMN)")
                value, as_of = self.of_kind(part, "time"), self.need_date(node)
                since = days_since if name == "days_since" else years_since
                return Operand("number", lambda block: since(value(block), as_of))
            case "year":
                (part,) = arguments(node, 1, "year(user.COLUMN)")
                value = self.of_kind(part, "time")
                return Operand("number", lambda block: year(value(block)))
            case "lower":
                (part,) = arguments(node, 1, "lower(product.COLUMN)")
                value = self.of_kind(part, "text")
                return Operand("text", lambda block: lower(value(block), self.facts.texts))
            case "level":
                return self._level(node)
            case "min" | "max":
                return self._extreme(name, node)
            case "count" | "total":
                return self._counted(name, node)
        if name in TRUTHS:
            raise BadCondition(f"{code(node)} is true or false: it does not compare", node)
        raise BadCondition(f"there is no function {name}{nearest(name, FUNCTIONS)}", node)

    def _time(self, name: str, node: ast.Call) -> Operand:
        if name == "add_months":
            first, second = arguments(node, 2, "add_months(user.COLUMN, 12)")
            value, number = self.of_kind(first, "time"), self.of_kind(second, "number")
            return Operand("time", lambda block: add_months(value(block), number(block)))
        (part,) = arguments(node, 1, 'date("2026-01-31")')
        literal = string(part, 'date("2026-01-31")')
        moment = date(literal)
        if moment is None:
            raise BadCondition(f"{literal!r} is no date (want YYYY-MM-DD)", part)
        return constant("time", moment)

    def _level(self, node: ast.Call) -> Operand:
        form = 'level("NAME", product.COLUMN)'
        first, part = arguments(node, 2, form)
        name = string(first, form)
        if name not in self.levels:
            raise BadCondition(f"there are no levels {name}{nearest(name, self.levels)}", first)
        value, order = self.of_kind(part, "text"), self.levels[name]
        for text in order:
            self.name(part, text)
        return Operand("number", lambda block: level(value(block), order, self.facts.texts))

    def name(self, node: ast.expr, text: str, *, is_part: bool = False) -> None:
        """Keep a text that the values of a column are compared with, where `node` is a column."""
        match node:
            case ast.Call(func=ast.Name(id="lower"), args=[inner]):
                column, how = column_of(inner), "lower"
            case _:
                column, how = column_of(node), "part" if is_part else "whole"
        if column is not None:
            self.named[Named(column, text, how)] = None  # type: ignore[arg-type]

    def spoken_of(self, node: ast.Call) -> Events:
        """The edges that `happened`, `count` or `total` speak of.

        Raises:
            BadCondition: there are none of that type from customers, or the group is none.
        """
        assert isinstance(node.func, ast.Name), "only calls of a name come here"
        form = f'{node.func.id}("TYPE"), {node.func.id}("TYPE", DAYS) or {node.func.id}("TYPE", DAYS, product.COLUMN)'
        parts = list(node.args)
        if node.keywords or not 1 <= len(parts) <= 3:
            raise BadCondition(f"{code(node)}: want {form}", node)
        edge_type, known = string(parts[0], form), self.relations()
        if edge_type not in known:
            raise BadCondition(f"there is no interaction {edge_type}{nearest(edge_type, known)}", parts[0])
        groups = self._groups(parts.pop(), edge_type) if len(parts) > 1 and _is_group(parts[-1]) else None
        days: float | None = None
        if len(parts) > 1:
            match parts[1]:
                case ast.Constant(value=int() | float() as literal) if not isinstance(literal, bool) and literal > 0:
                    days = literal
                case _:
                    raise BadCondition(f"{code(parts[1])} is no number of days above 0", parts[1])
            self.need_date(node)
        if len(parts) > 2:
            raise BadCondition(f"{code(node)}: want {form}", node)
        return Events(edge_type, days, groups)

    def relations(self) -> tuple[str, ...]:
        """The edge types that lead from customers, interactions first."""
        roles, edges = self.facts.roles, self.facts.snapshot.schema.edges
        return (
            *roles.interactions,
            *(n for n in edges if n not in roles.interactions and edges[n].source == roles.user),
        )

    def members(self, events: Events) -> Groups | None:
        """The groups of products that these events are counted by."""
        return None if events.groups is None else self.facts.groups(*events.groups)

    def _groups(self, node: ast.expr, edge_type: str) -> tuple[str, str]:
        if not self.facts.reaches_products(edge_type):
            raise BadCondition(f"{code(node)}: edges of {edge_type} do not lead to products", node)
        match node:
            case ast.Constant(value=str(relation)):
                edges, product = self.facts.snapshot.schema.edges, self.facts.roles.product
                known = [name for name, edge in edges.items() if edge.source == product]
                if relation not in known:
                    raise BadCondition(f"no {relation} leads from products{nearest(relation, known)}", node)
                return "edge", relation
        found = column_of(node)
        if found is None or found.side != "product":
            raise BadCondition(f"{code(node)}: want product.COLUMN, or a relation of products in quotes", node)
        self.column(found.side, found.name, node)
        return "column", found.name

    def _counted(self, name: str, node: ast.Call) -> Operand:
        events, weighed = self.spoken_of(node), name == "total"
        edges = self.facts.snapshot.edges(events.edge_type)
        if weighed and edges.weight is None and edges.quantity is None:
            raise BadCondition(
                f"edges of {events.edge_type} carry no weight to sum; let the mapping give them one", node
            )
        members = self.members(events)

        def value(block: Block) -> Value:
            return self.facts.counted(events.edge_type, events.days, block, groups=members, weighed=weighed)

        made = Operand("number", value)
        self.computed[code(node)] = made
        return made

    def _occasion(self, name: str) -> Operand:
        def value(block: Block) -> Value:
            found = getattr(block.occasion, name)
            if found is None:
                return Value(np.zeros((1, 1)), np.zeros((1, 1), np.bool_))
            return Value(np.array([[self.facts.texts.code(found) if isinstance(found, str) else float(found)]]))

        made = Operand(OCCASION[name], value)
        self.computed[name] = made
        return made

    def after_purchase(self, name: str, node: ast.AST | None = None) -> Operand:
        """What would be so after the amount of the request went into the product.

        Raises:
            BadCondition: there is no such share, or nothing says how much is held.
        """
        whole = self._wealth(node)
        if name == "cash" and self.purchase.cash is not None:
            value = self._cash_after(whole)
        else:
            what = name.removesuffix("_share")
            known = self._shares()
            if not name.endswith("_share") or what not in known:
                wanted = [f"{one}_share" for one in known] + (["cash"] if self.purchase.cash else [])
                raise BadCondition(
                    f"there is no after_purchase.{name}{nearest(name, wanted, prefix='after_purchase.')}; "
                    f"there are {', '.join(wanted)}",
                    node,
                )
            value = self._share_after(whole, known[what], self._positions(node))
        made = Operand("number", value)
        self.computed[f"after_purchase.{name}"] = made
        return made

    def _share_after(
        self, whole: "Callable[[Block], tuple[Value, Value]]", group: tuple[str, str], positions: str
    ) -> Callable[[Block], Value]:
        kind, name = group
        if kind == "product":
            count = self.facts.num_products
            members = Groups(np.arange(count + 1), np.arange(count), count)
        else:
            members = self.facts.groups(kind, name)

        def value(block: Block) -> Value:
            wealth, cash = whole(block)
            if block.occasion.amount is None:
                return Value(np.zeros((1, 1)), np.zeros((1, 1), np.bool_))
            amount = float(block.occasion.amount)
            own = self.facts.counted(positions, None, block, groups=members, weighed=True)
            # What cash does not pay for is new money.
            after = wealth.values + np.maximum(amount - cash.values, 0.0)
            there = after > 0
            share = (own.values + amount) / np.where(there, after, 1.0)
            valid = both(both(own.valid, both(wealth.valid, cash.valid)), None if bool(there.all()) else there)
            return Value(share, valid)

        return value

    def _cash_after(self, whole: "Callable[[Block], tuple[Value, Value]]") -> Callable[[Block], Value]:
        def value(block: Block) -> Value:
            _, cash = whole(block)
            if block.occasion.amount is None:
                return Value(np.zeros((1, 1)), np.zeros((1, 1), np.bool_))
            return Value(cash.values - float(block.occasion.amount), cash.valid)

        return value

    def _wealth(self, node: ast.AST | None) -> "Callable[[Block], tuple[Value, Value]]":
        """Wealth with cash, and the cash, of the customers of a block."""
        positions, column = self._positions(node), self.purchase.cash
        if column is not None and self.column("user", column, node) != "number":
            raise BadCondition(f"after_purchase.cash: user.{column} is no number", node)

        def value(block: Block) -> tuple[Value, Value]:
            held = self.facts.counted(positions, None, block, weighed=True)
            if column is None:
                return held, Value(np.zeros((1, 1)))
            cash = self.facts.column("user", column, block)
            own = Value(np.maximum(cash.values.astype(np.float64), 0.0), cash.valid)
            return Value(held.values + own.values, both(held.valid, own.valid)), own

        return value

    def _positions(self, node: ast.AST | None) -> str:
        """The edge type that says how much is held."""
        edges, roles = self.facts.snapshot.schema.edges, self.facts.roles
        wanted = self.purchase.positions
        known = [name for name, edge in edges.items() if (edge.source, edge.target) == (roles.user, roles.product)]
        if wanted is not None and wanted not in known:
            raise BadCondition(f"after_purchase.positions: no {wanted} leads to products{nearest(wanted, known)}", node)
        for name in roles.holding if wanted is None else (wanted,):
            if name in self.facts.snapshot.types and self.facts.snapshot.edges(name).weight is not None:
                return name
        raise BadCondition(
            'nothing says what holdings are worth: name an edge type with amounts, [after_purchase] positions = "TYPE"',
            node,
        )

    def _shares(self) -> dict[str, tuple[str, str]]:
        """What products may be taken together by: declared names, labels that they lead to, and columns of texts."""
        schema, product = self.facts.snapshot.schema, self.facts.roles.product
        found: dict[str, tuple[str, str]] = {"product": ("product", "")}
        for name, edge in schema.edges.items():
            if edge.source == product and edge.target not in (product, self.facts.roles.user):
                found.setdefault(edge.target.lower(), ("edge", name))
        for name, kind in self.facts.snapshot.nodes(product).columns.items():
            if kind == "text" and name not in schema.nodes[product].protected:
                found.setdefault(name, ("column", name))
        for name, by in self.purchase.shares.items():
            side, dot, column = by.partition(".")
            if dot and side == "product":
                self.column("product", column)
                found[name] = ("column", column)
            elif by in schema.edges and schema.edges[by].source == product:
                found[name] = ("edge", by)
            else:
                raise BadCondition(f"after_purchase.shares.{name}: {by!r} is no relation of products, nor a column")
        return found

    def in_market(self, *, negative: bool) -> Callable[[Block], Truth]:
        """Whether the customer is among those that a product is made for, or not made for, by every declared column.

        Raises:
            BadCondition: nothing is declared, or a column is not there.
        """
        declared = self.market.negative if negative else self.market.positive
        if not declared:
            table = "negative" if negative else "positive"
            raise BadCondition(f'nothing is declared: [target_market.{table}] wants such as clients = "category"')
        pairs = [
            (self.of_kind(_attribute("product", one), "text"), self.of_kind(_attribute("user", other), "text"))
            for one, other in declared.items()
        ]
        texts = self.facts.texts

        def truth(block: Block) -> Truth:
            found: Truth | None = None
            for lists, items in pairs:
                named, own = lists(block), items(block)
                stated = Truth(~named.missing())
                inside = contained(named, own, texts)
                one = inside & stated if negative else ~stated | inside
                found = one if found is None else found | one if negative else found & one
            assert found is not None, "something is declared"
            return found

        return truth

    def in_file(self, node: ast.expr, name: str, column: str | None, call: ast.expr) -> Callable[[Block], Truth]:
        """Whether a value, or the customer or product itself, is in a list.

        Raises:
            BadCondition: the list was not read, or the value is no text.
        """
        found = self.lists.get(key_of(name, column))
        if found is None:
            raise BadCondition(f"{code(call)}: lists are read with a policy alone, from files beside it", call)
        match node:
            case ast.Name(id="user" | "product" as side):
                return self._id_in(side, found)
        value, texts = self.of_kind(node, "text"), self.facts.texts
        listed = np.array(sorted(texts.code(one) for one in found.values), np.int64)

        def truth(block: Block) -> Truth:
            one = value(block)
            return Truth.known(np.isin(one.values, listed), one.valid)

        return truth

    def _id_in(self, side: str, found: Listed) -> Callable[[Block], Truth]:
        """Whether the id of the customer or product is in a list."""
        ids = self.facts.snapshot.nodes(self.facts.label(side)).ids
        if side == "product":
            places = np.array(sorted(place for one in found.values if (place := ids.find(one)) >= 0), np.int64)
            inside = np.isin(np.arange(self.facts.num_products), places)
            return lambda block: Truth(block.chosen(inside)[None, :])
        known: dict[int, bool] = {}

        def truth(block: Block) -> Truth:
            for user in block.users.tolist():
                if user not in known:
                    known[user] = found.has_id(ids[user])
            return Truth(np.array([known[user] for user in block.users.tolist()], np.bool_).reshape(-1, 1))

        return truth

    def _choice(self, node: ast.IfExp) -> Operand:
        one, other = node.body, node.orelse
        assert self.truth is not None, "conditions are compiled by a Compiler, which sets it"
        ask, first, second = self.truth(node.test), self.compile(one), self.compile(other)
        if first.kind != second.kind:
            raise BadCondition(f"{code(one)} is a {first.kind} and {code(other)} a {second.kind}: want one kind", node)

        def value(block: Block) -> Value:
            holds, a, b = ask(block), first.value(block), second.value(block)
            known = None if holds.no is None else ~holds.unknown()
            kept = np.where(holds.yes, ~a.missing(), ~b.missing())
            return Value(np.where(holds.yes, a.values, b.values), both(known, None if bool(kept.all()) else kept))

        return Operand(first.kind, value)

    def _extreme(self, name: str, node: ast.Call) -> Operand:
        if len(node.args) < 2 or node.keywords:
            raise BadCondition(f"{code(node)}: want {name}(a, b), of two numbers or times or more", node)
        first = self.compile(node.args[0])
        if first.kind not in ("number", "time"):
            raise BadCondition(f"{code(node.args[0])} is a {first.kind}; want a number or a time", node.args[0])
        values = [first.value, *(self.of_kind(part, first.kind) for part in node.args[1:])]
        smaller = np.minimum if name == "min" else np.maximum

        def value(block: Block) -> Value:
            found = values[0](block)
            for one in values[1:]:
                next_ = one(block)
                found = Value(smaller(found.values, next_.values), both(found.valid, next_.valid))
            return found

        return Operand(first.kind, value)


def _attribute(side: str, name: str) -> ast.expr:
    return ast.Subscript(ast.Name(side), ast.Constant(name))


def key_of(name: str, column: str | None) -> str:
    """What a policy calls a column of a file.

    >>> key_of("sanctions.csv", None), key_of("sanctions.csv", "id")
    ('sanctions.csv', 'sanctions.csv#id')
    """
    return name if column is None else f"{name}#{column}"


def file_of(node: ast.expr) -> tuple[str, str | None] | None:
    """Name and column of a list that a node names; None: it is no call of `file`.

    Raises:
        BadCondition: the call is not one of a name and perhaps a column.
    """
    match node:
        case ast.Call(func=ast.Name(id="file"), args=[ast.Constant(value=str(name))], keywords=[]):
            return name, None
        case ast.Call(
            func=ast.Name(id="file"), args=[ast.Constant(value=str(name)), ast.Constant(value=str(column))], keywords=[]
        ):
            return name, column
        case ast.Call(func=ast.Name(id="file")):
            raise BadCondition(f'{code(node)}: want file("NAME.csv") or file("NAME.csv", "COLUMN")', node)
    return None


def column_of(node: ast.expr) -> Column | None:
    """The column that a node is, if it is one."""
    match node:
        case ast.Attribute(value=ast.Name(id="user" | "product" as side), attr=name):
            return Column(side, name)
        case ast.Subscript(value=ast.Name(id="user" | "product" as side), slice=ast.Constant(value=str(name))):
            return Column(side, name)
    return None


def _no_value(node: ast.AST) -> BadCondition:
    return BadCondition(f"{code(node)} has no value that a condition can use", node)


def _is_group(node: ast.expr) -> bool:
    """Whether an argument names a group of products, and no number of days."""
    return column_of(node) is not None or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def parts_of(text: str) -> tuple[str, ...]:
    """The parts of a text that is a list: a;b, a|b, a, b or the list of a database or of JSON."""
    inner = text.strip()
    if inner.startswith("[") and inner.endswith("]"):
        inner = inner[1:-1]
    sign = next((one for one in ";|" if one in inner), ",")
    return tuple(part for one in inner.split(sign) if (part := one.strip().strip("\"'").strip()))


def contained(lists: Value, items: Value, texts: Texts) -> Truth:
    """Whether the texts that are lists contain others."""
    list_codes, list_places = np.unique(lists.values, return_inverse=True)
    item_codes, item_places = np.unique(items.values, return_inverse=True)
    wanted = [texts.text(int(one)) for one in item_codes]
    table = np.array([[item in parts_of(texts.text(int(one))) for item in wanted] for one in list_codes], np.bool_)
    found = table[list_places.reshape(lists.values.shape), item_places.reshape(items.values.shape)]
    return Truth.known(found, both(lists.valid, items.valid))


def constant(kind: Kind, value: float) -> Operand:
    """The same value for every pair."""
    literal = Value(np.array([[value]]))
    return Operand(kind, lambda _: literal)


def _number(literal: float) -> float:
    """A literal as columns hold numbers: an integer of 64 bits is kept exact, a larger one is a float."""
    return literal if isinstance(literal, int) and -(1 << 63) <= literal < 1 << 63 else float(literal)


def arguments(node: ast.Call, count: int, form: str) -> list[ast.expr]:
    """The arguments of a call, as many as wanted."""
    if len(node.args) != count or node.keywords:
        raise BadCondition(f"{code(node)}: want {form}", node)
    return node.args


def string(node: ast.expr, form: str) -> str:
    """The text that a node is."""
    match node:
        case ast.Constant(value=str(literal)):
            return literal
    raise BadCondition(f"{code(node)}: want {form}, with the name in quotes", node)


def nearest(name: str, known: Iterable[str], prefix: str = "") -> str:
    """`; the nearest is …`, or nothing where there is none like it."""
    found = names.nearest(name, known)
    return f"; the nearest is {prefix}{found}" if found else ""


def code(node: ast.AST) -> str:
    """A part of a condition as a message shows it: in one short line."""
    text = ast.unparse(node)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _arithmetic(
    operation: Callable[[Any, Any], NDArray[np.float64]],
    left: Callable[[Block], Value],
    right: Callable[[Block], Value],
) -> Operand:
    def value(block: Block) -> Value:
        a, b = left(block), right(block)
        with np.errstate(all="ignore"):
            result = operation(a.values.astype(np.float64), b.values.astype(np.float64))
        # A result that does not exist, such as a division by zero, is missing.
        finite = np.isfinite(result)
        return Value(result, both(both(a.valid, b.valid), None if bool(finite.all()) else finite))

    return Operand("number", value)


def date(text: str) -> int | None:
    """The start of a day in UTC, in microseconds since 1970; None when the text is no date."""
    try:
        day = calendar_date.fromisoformat(text)
    except ValueError:
        return None
    return microseconds_of(datetime(day.year, day.month, day.day, tzinfo=UTC))


def days_since(value: Value, as_of: int) -> Value:
    """Days from a time to the date of the answer, with fractions; below 0 for times after it."""
    return Value((as_of - value.values) / DAY, value.valid)


def years_since(value: Value, as_of: int) -> Value:
    """Whole years from a day to the date of the answer, as an age is counted."""
    years, days = _calendar(value.values)
    now_years, now_days = _calendar(np.array([[as_of]]))
    return Value(now_years - years - (now_days < days), value.valid)


def add_months(value: Value, months: Value) -> Value:
    """The same time of day so many whole months later: on the last day of a month that has no such day."""
    times = np.broadcast_arrays(value.values, months.values)[0].astype("datetime64[us]")
    whole = np.trunc(np.broadcast_to(months.values.astype(np.float64), times.shape))
    # What lies outside 10,000 years from now is no date of anybody's.
    inside = np.abs(whole) <= 120_000
    days, month = times.astype("datetime64[D]"), times.astype("datetime64[M]")
    moved = month + np.where(inside, whole, 0).astype("timedelta64[M]")
    last = (moved + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
    day = np.minimum(moved.astype("datetime64[D]") + (days - month), last)
    found = (day + (times - days)).astype("datetime64[us]").astype(np.int64)
    valid = both(value.valid, months.valid)
    return Value(found, valid if bool(inside.all()) else both(valid, inside))


def year(value: Value) -> Value:
    """The years of times, in UTC."""
    return Value(_calendar(value.values)[0] + 1970, value.valid)


def lower(value: Value, texts: Texts) -> Value:
    """Texts in lower case."""
    return Value(_mapped(value, lambda code: texts.code(texts.text(code).lower())), value.valid)


def level(value: Value, order: Sequence[str], texts: Texts) -> Value:
    """Where texts stand in an order, from 0; a text that is not in it has no level: missing."""
    places = {texts.code(text): place for place, text in enumerate(order)}
    found = _mapped(value, lambda code: places.get(code, -1))
    return Value(found, both(value.valid, None if bool((found >= 0).all()) else found >= 0))


def _mapped(value: Value, new: Callable[[int], int]) -> NDArray[np.int64]:
    """Codes of texts, each replaced by `new` of it."""
    codes, places = np.unique(value.values, return_inverse=True)
    made = np.array([new(int(code)) for code in codes], np.int64)
    return made[places].reshape(value.values.shape)


def _calendar(microseconds: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Year, and a number that orders the days of a year (the month times 32 plus the day)."""
    days = microseconds.astype("datetime64[us]").astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    years = months.astype("datetime64[Y]")
    month = (months - years).astype(np.int64)
    return years.astype(np.int64), month * 32 + (days - months).astype(np.int64)
