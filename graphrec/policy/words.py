"""The rules of a policy in plain words, for people who have to approve them and read no conditions."""

import ast
from collections.abc import Iterable

from graphrec.languages import Language, language_of
from graphrec.policy.language.conditions import parse
from graphrec.policy.language.operands import column_of
from graphrec.policy.rules import Policy, Rule

_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Lt: "below",
    ast.LtE: "at_most",
    ast.Gt: "above",
    ast.GtE: "at_least",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
    ast.In: "one_of",
    ast.NotIn: "none_of",
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
    ast.Div: "divided",
}
_OCCASION = ("now", "amount", "channel", "purpose", "wealth", "the_customer", "the_product")
_NOT = {
    "held": "not_held", "in_target_market": "not_in_target_market", "in_negative_market": "not_in_negative_market",
}  # fmt: skip
_OF_ONE = {
    "lower": "lower", "year": "year_of", "days_since": "days_since", "years_since": "years_since",
}  # fmt: skip
"""Functions of one value."""


def in_words(policy: Policy, language: Language | None = None) -> tuple[str, ...]:
    """A policy in words: a line for the whole, and one a rule.

    Args:
        language: English when there is none.
    """
    words = _Words(language or language_of("en"))
    lead = [words.say("version", v=policy.version)]
    lead += [
        words.say(what, v=value)
        for what, value in (
            ("owner", policy.owner),
            ("approved", policy.approved_by),
            ("valid_from", policy.valid_from),
        )
        if value
    ]
    if policy.max_age_days is not None:
        lead.append(words.say("max_age", n=f"{policy.max_age_days:g}"))
    whole = words.say("whole", parts=words.listed(lead))
    return (whole, *(rule_in_words(rule, language) for rule in policy.rules))


def rule_in_words(rule: Rule, language: Language | None = None) -> str:
    """A rule in words, of English when there is no language."""
    words = _Words(language or language_of("en"))
    parts = [words.say(rule.severity, rule=rule.id, condition=words.truth(parse(rule.require)))]
    parts.append(words.say("missing_fails" if rule.missing == "refuse" else "missing_passes"))
    if rule.confidential:
        parts.append(words.say("confidential"))
    elif rule.code:
        parts.append(words.say("hidden"))
    if rule.protected:
        parts.append(words.say("protected", v=str(rule.reason or rule.law)))
    sources = (("law", rule.law), ("rule_owner", rule.owner), ("rule_approved", rule.approved_by))
    parts += [words.say(what, v=str(value)) for what, value in (*sources, ("holds_from", rule.valid_from)) if value]
    return words.language.text("explained.between").join(parts)


class _Words:
    """Conditions in the words of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def say(self, key: str, /, **values: str) -> str:
        """A text of the language."""
        return self.language.fill(self.language.text(f"explained.{key}"), values)

    def listed(self, parts: Iterable[str]) -> str:
        """Texts one after another."""
        return self.language.text("lists.comma").join(parts)

    def truth(self, node: ast.expr, *, negated: bool = False) -> str:
        """What has to be so."""
        match node:
            case ast.BoolOp(op=op, values=values):
                word = self.say("or" if isinstance(op, ast.Or) is not negated else "and")
                return word.join(self._bracketed(part, negated=negated) for part in values)
            case ast.UnaryOp(op=ast.Not(), operand=part):
                return self.truth(part, negated=not negated)
            case ast.Compare():
                return self._comparison(node, negated=negated)
            case ast.IfExp(test=test, body=one, orelse=other):
                return self.say(
                    "where",
                    one=self._bracketed(one, negated=negated),
                    test=self._bracketed(test),
                    other=self._bracketed(other, negated=negated),
                )
            case ast.Name(id="held" | "in_target_market" | "in_negative_market" as name):
                return self.say(_NOT[name] if negated else name)
            case ast.Constant(value=bool(literal)):
                return self.say("always" if literal is not negated else "never")
            case ast.Call(func=ast.Name(id="is_missing"), args=parts):
                return self.say("unknown" if not negated else "known", a=self.value(parts[0]))
            case ast.Call(func=ast.Name(id="happened"), args=parts):
                return self.say("not_happened" if negated else "happened", events=self._events(parts))
            case ast.Call(func=ast.Name(id="contains"), args=parts):
                a, b = map(self.value, parts[:2])
                return self.say("not_listed" if negated else "listed", a=a, b=b)
        return self.say("is_no" if negated else "is_yes", a=self.value(node))

    def _bracketed(self, node: ast.expr, *, negated: bool = False) -> str:
        said = self.truth(node, negated=negated)
        return f"({said})" if isinstance(node, ast.BoolOp | ast.IfExp) else said

    def _comparison(self, node: ast.Compare, *, negated: bool) -> str:
        sides = [node.left, *node.comparators]
        said = []
        for left, op, right in zip(sides, node.ops, sides[1:], strict=False):
            sign = _SIGNS[_REVERSED[type(op)] if negated else type(op)]
            said.append(self.say(sign, a=self.value(left), b=self.value(right)))
        return self.say("or" if negated else "and").join(said)

    def _events(self, parts: list[ast.expr]) -> str:
        """The edges that a call speaks of."""
        kind, *rest = parts
        said = [self.say("events", kind=_plain(kind))]
        for part in rest:
            match part:
                case ast.Constant(value=int() | float() as days):
                    said.append(self.say("within", n=f"{days:g}"))
                case _:
                    said.append(self.say("same", v=_plain(part)))
        return self.say("then").join(said)

    def value(self, node: ast.expr) -> str:
        """A value of a condition."""
        column = column_of(node)
        if column is not None:
            return self.say("of_customer" if column.side == "user" else "of_product", column=column.name)
        match node:
            case ast.Attribute(value=ast.Name(id="after_purchase"), attr=name):
                return self._after_purchase(name)
            case ast.Constant(value=bool(literal)):
                return self.language.text("policy.yes" if literal else "policy.no")
            case ast.Constant() | ast.UnaryOp():
                return ast.unparse(node)
            case ast.Name(id=name):
                name = {"user": "the_customer", "product": "the_product"}.get(name, name)
                return self.say(name) if name in _OCCASION else name
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                return self.listed(map(self.value, parts))
            case ast.BinOp(left=left, op=op, right=right):
                return self.say(_ARITHMETIC[type(op)], a=self.value(left), b=self.value(right))
            case ast.IfExp(test=test, body=one, orelse=other):
                said = self.say("where", one=self.value(one), test=self.truth(test), other=self.value(other))
                return f"({said})"
            case ast.Call(func=ast.Name(id=name), args=parts):
                return self._called(name, parts)
        return ast.unparse(node)

    def _after_purchase(self, name: str) -> str:
        if name == "cash":
            return self.say("cash_after")
        what = name.removesuffix("_share")
        return self.say("share_after", what=self.say("the_product") if what == "product" else what)

    def _called(self, name: str, parts: list[ast.expr]) -> str:
        match name:
            case "count" | "total":
                return self.say(name, events=self._events(parts))
            case "min" | "max":
                return self.say("smallest" if name == "min" else "largest", parts=self.listed(map(self.value, parts)))
            case "level":
                return self.say("level", a=self.value(parts[1]))
            case "date":
                return _plain(parts[0])
            case "file":
                named = _plain(parts[0]) if len(parts) == 1 else f"{_plain(parts[0])} ({_plain(parts[1])})"
                return self.say("list", name=named)
            case "add_months":
                return self.say("months", a=self.value(parts[0]), b=self.value(parts[1]))
        return self.say(_OF_ONE[name], a=self.value(parts[0])) if name in _OF_ONE else name


def _plain(node: ast.expr) -> str:
    column = column_of(node)
    return (
        column.name if column is not None else str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)
    )
