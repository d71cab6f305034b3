"""The sentence of a rule, with the values of a user and a product in it.

`{user.COLUMN}` and `{product.COLUMN}` stand for values, `{last.TYPE}` for the day of the latest event of a type,
`{user}` and `{product}` for the two themselves: the id, or the name where there is one outside the store; `{amount}`,
`{channel}` and `{purpose}` for what the request says of itself.
"""

import re
from typing import Any, TypeAlias

import numpy as np

from graphrec.graph.folders.snapshot import ALWAYS
from graphrec.languages import Language
from graphrec.policy.facts import KNOWN_AT, Block, Facts, Occasion
from graphrec.policy.language.operands import OCCASION, BadCondition, Column, Operand, Operands, nearest
from graphrec.times import moment_of

Fact: TypeAlias = str | int | float | bool | None
"""A value as scripts read it; None: there is none."""
UNKNOWN = "unknown"
_PLACE = re.compile(r"\{([^{}]*)\}")


class Sentence:
    """A template that is checked once and filled in for many pairs.

    Raises:
        BadCondition: it names a column or an event that is not there, or that may not be read.
    """

    def __init__(self, template: str, operands: Operands) -> None:
        self._template = template
        self._after: dict[str, Operand] = {}
        for place in _PLACE.findall(template):
            if place in ("user", "product", *OCCASION):
                continue
            head, dot, name = place.partition(".")
            if head in ("user", "product") and dot:
                operands.column(head, name)
            elif head == "after_purchase" and dot:
                self._after[name] = operands.after_purchase(name)
            elif head == "last" and dot:
                known = operands.relations()
                if name not in known:
                    raise BadCondition(f"there is no interaction {name}{nearest(name, known)}")
            else:
                raise BadCondition(f"{{{place}}} stands for nothing; want {{product.COLUMN}} or {{user.COLUMN}}")

    def fill(self, user: int, product: int, occasion: Occasion, facts: Facts, language: Language | None = None) -> str:
        """The sentence for one pair; its values are written as in English where no language is given."""

        def filled(found: re.Match[str]) -> str:
            place = found[1]
            if place in OCCASION:
                return as_text(getattr(occasion, place), language)
            head, _, name = place.partition(".")
            if head == "after_purchase":
                block = Block(np.array([user]), np.array([product]), occasion, facts)
                value = self._after[name].value(block)
                if value.missing().any():
                    return as_text(None, language)
                found_value = float(np.ravel(value.values)[0])
                if not name.endswith("_share"):
                    return as_text(found_value, language)
                return f"{100 * found_value:.1f}%" if language is None else language.percent(100 * found_value, 1)
            if head == "last":
                return as_text(day(facts.last(name, user, product)), language)
            position = user if head == "user" else product
            if name:
                return as_text(shown(facts, Column(head, name), position), language)
            label = facts.label(head)
            return facts.snapshot.name(label, position) or facts.snapshot.nodes(label).ids[position]

        return _PLACE.sub(filled, self._template)


def shown(facts: Facts, column: Column, position: int) -> Fact:
    """The value of a column as a script reads it: times as ISO text; None where there is none."""
    label = facts.label(column.side)
    nodes = facts.snapshot.nodes(label)
    if column.name == KNOWN_AT and column.name not in nodes.columns:
        known_at = int(nodes.known_at[position])
        return None if known_at == ALWAYS else day(known_at)
    value: Any = facts.snapshot.value(label, column.name, position)
    if value is None or value != value:
        return None
    if nodes.columns[column.name] == "time":
        return day(int(value))
    found: Fact = value
    return found


def day(microseconds: int | None) -> str | None:
    """The day of a time."""
    return None if microseconds is None else moment_of(microseconds).date().isoformat()


def as_text(value: Fact, language: Language | None = None) -> str:
    """A value as a person reads it, in English where no language is given."""
    if language is not None and (value is None or isinstance(value, bool)):
        return language.text("policy.unknown" if value is None else "policy.yes" if value else "policy.no")
    if language is not None and isinstance(value, int | float):
        return language.number(value, 0 if value == int(value) else 2)
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
    return str(value)
