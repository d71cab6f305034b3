"""The rules of a policy in plain words, for people who have to approve them and read no conditions."""

import ast
from collections.abc import Callable, Iterator

from graphrec.policy.conditions import parse
from graphrec.policy.operands import column_of
from graphrec.policy.rules import Policy, Rule

_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Lt: "is below",
    ast.LtE: "is at most",
    ast.Gt: "is above",
    ast.GtE: "is at least",
    ast.Eq: "is",
    ast.NotEq: "is not",
    ast.In: "is one of",
    ast.NotIn: "is none of",
}
_REVERSED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "plus",
    ast.Sub: "minus",
    ast.Mult: "times",
    ast.Div: "divided by",
}
_ACTS = {
    "refuse": "A product is left out",
    "review": "A person has to approve a product",
    "warn": "A warning stands beside a product",
}
_OCCASION = {
    "now": "the date of the answer",
    "amount": "the amount of the request",
    "channel": "the channel of the request",
    "purpose": "the purpose of the request",
}


def in_words(policy: Policy) -> tuple[str, ...]:
    """A policy in words: a line for the whole, and one a rule."""
    lead = [f"Policy version {policy.version}"]
    lead += [
        f"{what} {value}" for what, value in (("owner", policy.owner), ("approved by", policy.approved_by)) if value
    ]
    if policy.valid_from:
        lead.append(f"valid from {policy.valid_from}")
    if policy.max_age_days is not None:
        lead.append(f"no answer where the data are older than {policy.max_age_days:g} days")
    return (f"{', '.join(lead)}.", *(rule_in_words(rule) for rule in policy.rules))


def rule_in_words(rule: Rule) -> str:
    """A rule in words."""
    parts = [f"{rule.id}: {_ACTS[rule.severity]} unless {_truth(parse(rule.require))}."]
    parts.append(
        "Where a value is missing, so that this is not known, it counts as "
        f"{'not met' if rule.missing == 'refuse' else 'met'}."
    )
    if rule.confidential:
        parts.append("Only compliance may learn of it; others read that the product is not available.")
    elif rule.code:
        parts.append("Others than compliance read that the product is not available.")
    if rule.protected:
        parts.append(f"It may read protected columns: {rule.reason or rule.law}.")
    for what, value in (
        ("Law", rule.law),
        ("Owner", rule.owner),
        ("Approved by", rule.approved_by),
        ("It holds from", rule.valid_from),
    ):
        if value:
            parts.append(f"{what}{'' if what == 'It holds from' else ':'} {value}.")
    return " ".join(parts)


def _truth(node: ast.expr, *, negated: bool = False) -> str:
    match node:
        case ast.BoolOp(op=op, values=values):
            word = " or " if isinstance(op, ast.Or) is not negated else " and "
            return word.join(_bracketed(part, negated=negated) for part in values)
        case ast.UnaryOp(op=ast.Not(), operand=part):
            return _truth(part, negated=not negated)
        case ast.Compare():
            return _comparison(node, negated=negated)
        case ast.IfExp(test=test, body=one, orelse=other):
            return (
                f"{_bracketed(one, negated=negated)} where {_bracketed(test)}, and otherwise "
                f"{_bracketed(other, negated=negated)}"
            )
        case ast.Name(id="held"):
            return f"the customer {'does not hold' if negated else 'holds'} the product"
        case ast.Constant(value=bool(literal)):
            return "always" if literal is not negated else "never"
        case ast.Call(func=ast.Name(id=name), args=parts) if name in _CALLS:
            return _CALLS[name](parts, negated)
    return f"{_value(node)} is {'no' if negated else 'yes'}"


def _bracketed(node: ast.expr, *, negated: bool = False) -> str:
    said = _truth(node, negated=negated)
    return f"({said})" if isinstance(node, ast.BoolOp | ast.IfExp) else said


def _comparison(node: ast.Compare, *, negated: bool) -> str:
    sides = [node.left, *node.comparators]
    said = []
    for left, op, right in zip(sides, node.ops, sides[1:], strict=False):
        sign = _SIGNS[_REVERSED[type(op)] if negated else type(op)]
        said.append(f"{_value(left)} {sign} {_value(right)}")
    return (" or " if negated else " and ").join(said)


def _is_missing(parts: list[ast.expr], negated: bool) -> str:
    return f"{_value(parts[0])} is {'' if negated else 'not '}known"


def _happened(parts: list[ast.expr], negated: bool) -> str:
    return f"there is {'no' if negated else 'a'} {_events(parts)}"


def _contains(parts: list[ast.expr], negated: bool) -> str:
    return f"{_value(parts[0])} {'does not list' if negated else 'lists'} {_value(parts[1])}"


_CALLS: dict[str, Callable[[list[ast.expr], bool], str]] = {
    "is_missing": _is_missing,
    "happened": _happened,
    "contains": _contains,
}


def _events(parts: list[ast.expr]) -> str:
    """The edges that a call speaks of."""
    kind, *rest = parts
    said = [f"{_plain(kind)} of the customer"]
    for part in rest:
        match part:
            case ast.Constant(value=str(relation)):
                said.append(f"with a product of the same {relation}")
            case ast.Constant(value=int() | float() as days):
                said.append(f"in the last {days:g} days")
            case _:
                said.append(f"with a product of the same {_plain(part)}")
    return " ".join(said)


def _value(node: ast.expr) -> str:
    column = column_of(node)
    if column is not None:
        return f"the {'customer' if column.side == 'user' else 'product'}'s {column.name}"
    match node:
        case ast.Constant(value=bool(literal)):
            return "yes" if literal else "no"
        case ast.Constant() | ast.UnaryOp():
            return ast.unparse(node)
        case ast.Name(id=name):
            return _OCCASION.get(name, name)
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            return ", ".join(_value(part) for part in parts)
        case ast.BinOp(left=left, op=op, right=right):
            return f"({_value(left)} {_ARITHMETIC[type(op)]} {_value(right)})"
        case ast.IfExp(test=test, body=one, orelse=other):
            return f"({_value(one)} where {_truth(test)}, and otherwise {_value(other)})"
        case ast.Call(func=ast.Name(id=name), args=parts):
            return " ".join(_called(name, parts))
    return ast.unparse(node)


def _called(name: str, parts: list[ast.expr]) -> Iterator[str]:
    match name:
        case "count":
            yield f"the number of {_events(parts)}"
        case "total":
            yield f"the sum of {_events(parts)}"
        case "min" | "max":
            yield f"the {'smallest' if name == 'min' else 'largest'} of {', '.join(_value(part) for part in parts)}"
        case "level":
            yield f"the level of {_value(parts[1])}"
        case "date":
            yield _plain(parts[0])
        case "lower":
            yield f"{_value(parts[0])} in lower case"
        case "year":
            yield f"the year of {_value(parts[0])}"
        case "add_months":
            yield f"{_value(parts[0])} plus {_value(parts[1])} months"
        case "days_since" | "years_since":
            yield f"the {name.partition('_')[0]} since {_value(parts[0])}"
        case _:
            yield name


def _plain(node: ast.expr) -> str:
    column = column_of(node)
    return (
        column.name if column is not None else str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)
    )
