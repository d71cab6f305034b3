"""The parts of a condition that have a value: columns, literals, sums, functions; compiled to numpy."""

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from datetime import date as calendar_date
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graphrec.config import names
from graphrec.policy.facts import DAY, Block, Facts, Texts
from graphrec.policy.values import Value, both

Kind = Literal["number", "text", "boolean", "time"]
KINDS: dict[str, Kind] = {"integer": "number", "real": "number", "text": "text", "boolean": "boolean", "time": "time"}
#: All names and functions, for "the nearest is".
NAMES = ("held", "True", "False", "user", "product")
FUNCTIONS = ("is_missing", "happened", "date", "days_since", "years_since", "lower", "level")
TRUTHS = ("is_missing", "happened")
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


@dataclass
class Operands:
    """Compiles operands, and keeps which columns they read.

    Args:
        levels: ordered texts by name.
        allow_protected: whether protected columns may be read.
    """

    facts: Facts
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    allow_protected: bool = False
    columns: dict[Column, None] = field(default_factory=dict)

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
        match node:
            case ast.Attribute(value=ast.Name(id="user" | "product" as side), attr=name):
                return self._column(side, name, node)
            case ast.Subscript(value=ast.Name(id="user" | "product" as side), slice=ast.Constant(value=str(name))):
                return self._column(side, name, node)
            case ast.Constant(value=bool(literal)):
                return constant("boolean", literal)
            case ast.Constant(value=str(literal)):
                return constant("text", self.facts.texts.code(literal))
            case ast.Constant(value=int() | float() as literal):
                return constant("number", _number(literal))
            case ast.UnaryOp(op=ast.USub(), operand=part):
                return self._negative(part)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                operation = _ARITHMETIC[type(op)]
                return _arithmetic(operation, self.of_kind(left, "number"), self.of_kind(right, "number"))
            case ast.Call(func=ast.Name(id=name)):
                return self._call(name, node)
            case ast.Name(id=name) if name not in NAMES:
                raise BadCondition(f"there is no name {name}{nearest(name, NAMES)}", node)
        raise BadCondition(f"{code(node)} has no value that a condition can use", node)

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
            case "date":
                (part,) = arguments(node, 1, 'date("2026-01-31")')
                literal = string(part, 'date("2026-01-31")')
                moment = date(literal)
                if moment is None:
                    raise BadCondition(f"{literal!r} is no date (want YYYY-MM-DD)", part)
                return constant("time", moment)
            case "days_since" | "years_since":
                (part,) = arguments(node, 1, f"{name}(user.COLUMN)")
                value, as_of = self.of_kind(part, "time"), self.need_date(node)
                since = days_since if name == "days_since" else years_since
                return Operand("number", lambda block: since(value(block), as_of))
            case "lower":
                (part,) = arguments(node, 1, "lower(product.COLUMN)")
                value = self.of_kind(part, "text")
                return Operand("text", lambda block: lower(value(block), self.facts.texts))
            case "level":
                return self._level(node)
        if name in TRUTHS:
            raise BadCondition(f"{code(node)} is true or false: it does not compare", node)
        raise BadCondition(f"there is no function {name}{nearest(name, FUNCTIONS)}", node)

    def _level(self, node: ast.Call) -> Operand:
        form = 'level("NAME", product.COLUMN)'
        first, part = arguments(node, 2, form)
        name = string(first, form)
        if name not in self.levels:
            raise BadCondition(f"there are no levels {name}{nearest(name, self.levels)}", first)
        value, order = self.of_kind(part, "text"), self.levels[name]
        return Operand("number", lambda block: level(value(block), order, self.facts.texts))


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
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1_000_000)


def days_since(value: Value, as_of: int) -> Value:
    """Days from a time to the date of the answer, with fractions; below 0 for times after it."""
    return Value((as_of - value.values) / DAY, value.valid)


def years_since(value: Value, as_of: int) -> Value:
    """Whole years from a day to the date of the answer, as an age is counted."""
    years, days = _calendar(value.values)
    now_years, now_days = _calendar(np.array([[as_of]]))
    return Value(now_years - years - (now_days < days), value.valid)


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
