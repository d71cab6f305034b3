"""The language of conditions: a small part of Python's expressions, checked against the graph and compiled to numpy.

    product.risk_class <= user.risk_tolerance
    is_missing(product.residents_of) or product.residents_of == user.country
    not happened("REJECTED", 180)
    product.kind in ["fund", "bond"] and level("risk", product.risk) <= level("risk", user.tolerance)

docs/policy.md has the whole of it.
"""

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from graphrec.frozen import dataclass
from graphrec.policy.facts import Block
from graphrec.policy.language.operands import (
    TRUTHS,
    BadCondition,
    Column,
    Named,
    Operand,
    Operands,
    arguments,
    code,
    contained,
    file_of,
)
from graphrec.policy.language.values import Truth, both

Ask: TypeAlias = Callable[[Block], Truth]
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], NDArray[np.bool_]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
LIMIT_LENGTH = 100_000
"""The longest condition, in characters."""
LIMIT_DEPTH = 64
"""The deepest nesting of a condition; every bracket, sum, `not` and call is one."""
TOO_DEEP = f"nests more than {LIMIT_DEPTH} deep; divide it into several rules"
TOO_LARGE = "holds a number of more than 64 bits; no column has such a value"
_NO_USERS = Block(np.zeros(0, np.int64))


@dataclass(frozen=True, eq=False)
class Condition:
    """A compiled condition."""

    truth: Ask
    columns: tuple[Column, ...]
    """The columns that it reads, in the order of mention."""
    events: tuple[str, ...]
    """Edge types whose events it reads."""
    computed: Mapping[str, Operand] = field(default_factory=dict)
    """What it reads besides: numbers of events, and what the request says of itself; as written."""
    named: tuple[Named, ...] = ()
    """Texts that it compares columns with."""


@dataclass
class Compiler:
    """Compiles one condition."""

    operands: Operands

    def __post_init__(self) -> None:
        self.operands.truth = self._truth

    def compile(self, condition: str) -> Condition:
        """The condition as a function of a block of pairs.

        Raises:
            BadCondition: it is no condition, or does not fit the graph.
        """
        ask = self._truth(parse(condition))
        read = self.operands
        return Condition(ask, tuple(read.columns), tuple(read.events), dict(read.computed), tuple(read.named))

    def _truth(self, node: ast.expr) -> Ask:
        match node:
            case ast.BoolOp(op=op, values=parts):
                return _joined(op, [self._truth(part) for part in parts])
            case ast.UnaryOp(op=ast.Not(), operand=part):
                return _negated(self._truth(part))
            case ast.Compare():
                return _joined(ast.And(), list(self._comparisons(node)))
            case ast.Name(id="held"):
                return self.operands.facts.held
            case ast.Name(id="in_target_market" | "in_negative_market" as name):
                return self.operands.in_market(negative=name == "in_negative_market")
            case ast.Constant(value=bool(literal)):
                always = Truth(np.array([[literal]]))
                return lambda _: always
            case ast.Call(func=ast.Name(id=name)) if name in TRUTHS:
                return {"is_missing": self._is_missing, "happened": self._happened, "contains": self._contains}[name](
                    node
                )
            case ast.IfExp(test=test, body=one, orelse=other):
                return _chosen(self._truth(test), self._truth(one), self._truth(other))
        return self._boolean(node)

    def _boolean(self, node: ast.expr) -> Ask:
        operand = self.operands.compile(node)
        if operand.kind != "boolean":
            raise BadCondition(f"{code(node)} is a {operand.kind}, and a condition is true or false", node)

        def truth(block: Block) -> Truth:
            value = operand.value(block)
            return Truth.known(value.values.astype(np.bool_), value.valid)

        return truth

    def _comparisons(self, node: ast.Compare) -> Iterator[Ask]:
        sides = [node.left, *node.comparators]
        for left, op, right in zip(sides, node.ops, sides[1:], strict=False):
            match op:
                case ast.In():
                    yield self._in_list(left, right)
                case ast.NotIn():
                    yield _negated(self._in_list(left, right))
                case _ if type(op) in _COMPARE:
                    yield self._comparison(node, left, op, right)
                case _:
                    raise BadCondition(f"{code(node)}: compare with <, <=, >, >=, ==, != or in", node)

    def _comparison(self, node: ast.expr, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Ask:
        one, other = self.operands.compile(left), self.operands.compile(right)
        if one.kind != other.kind:
            hint = '; a date is written date("2026-01-31")' if {one.kind, other.kind} == {"time", "text"} else ""
            raise BadCondition(
                f"{code(left)} is a {one.kind} and {code(right)} a {other.kind}: they do not compare" + hint,
                node,
            )
        if one.kind in ("text", "boolean") and not isinstance(op, ast.Eq | ast.NotEq):
            hint = "; give it one with [levels] and level(NAME, …)" if one.kind == "text" else ""
            raise BadCondition(f"{code(node)}: a {one.kind} has no order{hint}", node)
        compare = _COMPARE[type(op)]
        for here, there in ((left, right), (right, left)):
            if isinstance(there, ast.Constant) and isinstance(there.value, str):
                self.operands.name(here, there.value)

        def truth(block: Block) -> Truth:
            a, b = one.value(block), other.value(block)
            return Truth.known(compare(a.values, b.values), both(a.valid, b.valid))

        return truth

    def _in_list(self, left: ast.expr, right: ast.expr) -> Ask:
        if (named := file_of(right)) is not None:
            return self.operands.in_file(left, *named, right)
        if not isinstance(right, ast.List | ast.Tuple | ast.Set) or not right.elts:
            raise BadCondition(f'{code(right)}: want a list after in, such as ["fund", "bond"]', right)
        one = self.operands.compile(left)
        values = []
        for element in right.elts:
            reads = any(isinstance(part, ast.Attribute | ast.Subscript) for part in ast.walk(element))
            literal = self.operands.compile(element)
            if reads or literal.kind != one.kind:
                raise BadCondition(f"{code(element)}: want a list of literals, each a {one.kind}", element)
            values.append(literal.value(_NO_USERS).values.item())
            if isinstance(element, ast.Constant) and isinstance(element.value, str):
                self.operands.name(left, element.value)
        # Integers and other numbers are looked for apart: together all would become floats, which round integers.
        lists = [[v for v in values if isinstance(v, int) is whole] for whole in (True, False)]

        def truth(block: Block) -> Truth:
            value = one.value(block)
            found = np.zeros(value.values.shape, np.bool_)
            for listed in lists:
                if listed:
                    found |= np.isin(value.values, listed)
            return Truth.known(found, value.valid)

        return truth

    def _is_missing(self, node: ast.Call) -> Ask:
        (part,) = arguments(node, 1, "is_missing(product.COLUMN)")
        value = self.operands.compile(part).value
        return lambda block: Truth(value(block).missing())

    def _happened(self, node: ast.Call) -> Ask:
        events, facts = self.operands.spoken_of(node), self.operands.facts
        if events.groups is None:
            self.operands.events[events.edge_type] = None
            return lambda block: facts.happened(events.edge_type, events.days, block)
        members = self.operands.members(events)

        def truth(block: Block) -> Truth:
            number = facts.counted(events.edge_type, events.days, block, groups=members)
            # A number that is open is at least what is known of it.
            some = number.values > 0
            return Truth(some) if number.valid is None else Truth(some, ~some & number.valid)

        return truth

    def _contains(self, node: ast.Call) -> Ask:
        form = 'contains(product.COLUMN, "text")'
        one, other = arguments(node, 2, form)
        lists, items = self.operands.of_kind(one, "text"), self.operands.of_kind(other, "text")
        if isinstance(other, ast.Constant) and isinstance(other.value, str):
            self.operands.name(one, other.value, is_part=True)
        texts = self.operands.facts.texts
        return lambda block: contained(lists(block), items(block), texts)


def sides(condition: str) -> set[str]:
    """Of `user` and `product`, those whose columns or events a condition reads."""
    found: set[str] = set()
    for node in ast.walk(parse(condition)):
        match node:
            case ast.Name(id="user" | "product" as side):
                found.add(side)
            case ast.Name(id="held" | "after_purchase" | "in_target_market" | "in_negative_market"):
                found |= {"user", "product"}
            case ast.Name(id="wealth"):
                found.add("user")
            case ast.Call(func=ast.Name(id="happened" | "count" | "total" as name), args=arguments_):
                alone = name != "happened" and len(arguments_) < 2
                found |= {"user"} if alone else {"user", "product"}
    return found


def parse(condition: str) -> ast.expr:
    """The syntax tree of a condition; it may go over several lines and hold comments.

    Args:
        condition: at most LIMIT_LENGTH characters, nested at most LIMIT_DEPTH deep.

    Raises:
        BadCondition: it is no expression, too long, too deep, or holds a number of more than 64 bits.
    """
    if len(condition) > LIMIT_LENGTH:
        raise BadCondition(f"has {len(condition):,} characters; a condition has at most {LIMIT_LENGTH:,}: divide it")
    try:
        tree = ast.parse(f"({condition}\n)", mode="eval").body
    except (RecursionError, MemoryError):
        # The parser of Python has its own limits of depth.
        raise BadCondition(TOO_DEEP) from None
    except (SyntaxError, ValueError) as error:
        why = str(getattr(error, "msg", error))
        wrong = BadCondition(TOO_LARGE if "integer string conversion" in why else f"is no condition: {why}")
        wrong.line = min(getattr(error, "lineno", None) or 1, condition.rstrip().count("\n") + 1)
        raise wrong from None
    _check_limits(tree)
    return tree


def _check_limits(tree: ast.expr) -> None:
    """Refuse what is nested too deep or holds a number that is too large; without recursion."""
    pending: list[tuple[ast.AST, int]] = [(tree, 1)]
    while pending:
        node, depth = pending.pop()
        if depth > LIMIT_DEPTH:
            raise BadCondition(TOO_DEEP)
        if isinstance(node, ast.Constant) and not _fits(node.value):
            raise BadCondition(TOO_LARGE, node)
        if (number := _below_zero(node)) is not None and _fits(number):
            continue  # The lowest integer is one more than the highest.
        pending.extend((inner, depth + 1) for inner in ast.iter_child_nodes(node))


def _below_zero(node: ast.AST) -> int | float | None:
    """The number that a minus and a literal make; None: it is something else."""
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
    return None


def _fits(value: object) -> bool:
    """Whether a literal is no number, or one that a column could have."""
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or -(1 << 63) <= value < 1 << 63


def _joined(op: ast.boolop, parts: list[Ask]) -> Ask:
    if len(parts) == 1:
        return parts[0]

    def truth(block: Block) -> Truth:
        result = parts[0](block)
        for part in parts[1:]:
            result = result & part(block) if isinstance(op, ast.And) else result | part(block)
        return result

    return truth


def _chosen(test: Ask, one: Ask, other: Ask) -> Ask:
    def truth(block: Block) -> Truth:
        holds, a, b = test(block), one(block), other(block)
        return Truth(
            (holds.yes & a.yes) | (holds.known_not() & b.yes),
            (holds.yes & a.known_not()) | (holds.known_not() & b.known_not()),
        )

    return truth


def _negated(ask: Ask) -> Ask:
    return lambda block: ~ask(block)
