"""Conditions on customers alone, in the language of the policy, with what they read."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import UsageError
from graphrec.policy.facts import Block, Facts
from graphrec.policy.language.conditions import Compiler, Condition
from graphrec.policy.language.operands import BadCondition, Operands
from graphrec.policy.sentences import shown

Value = str | int | float | bool | None
NONE = np.array([0])
"""A product that conditions on customers alone are asked with."""


class Met:
    """A condition on customers.

    Args:
        facts: what it reads.
        text: the condition.
        what: what messages call it, such as `tag active of the portrait`.

    Raises:
        UsageError: it does not fit the graph, or reads a column of products.
    """

    def __init__(self, facts: Facts, text: str, what: str) -> None:
        self._facts, self.text = facts, text
        try:
            self._condition: Condition = Compiler(Operands(facts)).compile(text)
            if any(column.side == "product" for column in self._condition.columns):
                raise BadCondition("it reads a column of products, and it is of a customer")
        except BadCondition as error:
            raise UsageError(f"{what}: {error}") from None

    def by(self, users: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(users,) who meets it; what is not known counts as not met."""
        found = self._condition.truth(Block(users, NONE)).yes
        return np.broadcast_to(found, (len(users), 1))[:, 0].copy()

    def known(self, user: int) -> tuple[bool, bool]:
        """Whether one customer meets it, and whether a missing value leaves that open."""
        truth = self._condition.truth(Block(np.array([user]), NONE))
        yes, unknown = bool(np.ravel(truth.yes).any()), bool(np.ravel(truth.unknown()).any())
        return yes, unknown and not yes

    def read(self, user: int) -> Mapping[str, Value]:
        """What the condition reads of one customer, by column and by what is computed."""
        block = Block(np.array([user]), NONE)
        found: dict[str, Value] = {str(one): shown(self._facts, one, user) for one in self._condition.columns}
        for name, operand in self._condition.computed.items():
            value = operand.value(block)
            found[name] = None if value.missing().any() else float(np.ravel(value.values)[0])
        return found
