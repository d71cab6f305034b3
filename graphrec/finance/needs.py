"""What a customer needs by rules and events of life, beside what is held: demands and needs of insurance and the like.

needs.toml says which needs there are, when a customer has one, and which products meet it. A need is open where its
rule is met and nothing that is held meets it; not known where a value that its rule reads is missing.
Directive (EU) 2016/97, Art. 20(1), asks for demands and needs before a contract.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from graphrec.config.convert import convert
from graphrec.config.document import read_toml
from graphrec.errors import UsageError
from graphrec.finance.conditions import Met, Value
from graphrec.policy.facts import Block, Facts
from graphrec.policy.language.conditions import Compiler
from graphrec.policy.language.operands import BadCondition, Operands

Text = Annotated[str, Meta(min_length=1)]
State = Literal["open", "covered", "none", "unknown"]
"""There is no need where a rule is known not to be met."""


class NeedTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[need]]`: a need, when customers have it, and what meets it."""

    id: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z][\w-]*$(?!\n)",
            description="What files and statements call it.",
            extra={"want": "a plain name of letters, digits, - and _"},
        ),
    ]
    when: Annotated[
        Text, Meta(description="A condition on user.… and events of life with windows, in the language of the policy.")
    ]
    products: Annotated[Text, Meta(description="A condition on product.…: which products meet it.")]
    name: Annotated[str, Meta(description="What people read: cover of the home; empty: the id.")] = ""


class NeedsFile(Struct, frozen=True, forbid_unknown_fields=True):
    """needs.toml of a home."""

    version: Annotated[Text, Meta(description="Of these rules; it stands beside what is found.")] = "1"
    need: Annotated[tuple[NeedTable, ...], Meta(max_length=200, description="Needs.")] = ()


def read_needs(file: Path) -> NeedsFile:
    """The file of needs.

    Raises:
        UsageError: there is none, it is no TOML, or a key or value is not one of docs/finance.md.
    """
    if not file.exists():
        raise UsageError(
            f"{file} is not there: it says which needs there are, when a customer has one and what meets it; "
            "graphrec plan cover --init writes a first one"
        )
    document = read_toml(file, UsageError)
    found = convert(document, NeedsFile)
    ids = [one.id for one in found.need]
    if len(set(ids)) < len(ids):
        document.refuse(("need",), "two needs have one id")
    return found


@dataclass(frozen=True)
class Need:
    """A need of one customer."""

    id: str
    name: str
    state: State
    rule: str
    evidence: Mapping[str, Value]
    """What the rule read, as it is written in the rule; None: not known."""
    held: tuple[str, ...]
    """Products that meet it and are held."""
    missing: tuple[str, ...]
    """What is not known."""


class Needs:
    """The needs of a graph as of the date of its facts.

    Raises:
        UsageError: a rule does not fit the graph.
    """

    def __init__(self, facts: Facts, file: NeedsFile) -> None:
        self._facts, self._ids = facts, facts.snapshot.nodes(facts.label("product")).ids
        self.file = file
        self._met = [Met(facts, one.when, f"need {one.id} of needs.toml") for one in file.need]
        self.products = {one.id: self._meeting(one) for one in file.need}
        """(num_products,) by need, which products meet it."""

    def of(self, user: int) -> tuple[Need, ...]:
        """The needs of one customer, in the order of the file."""
        return tuple(self._needs(user))

    def _needs(self, user: int) -> Iterator[Need]:
        held = self._facts.holdings(Block(np.array([user])))[:, 1]
        for table, met in zip(self.file.need, self._met, strict=True):
            yes, unknown = met.known(user)
            evidence = met.read(user)
            own = tuple(self._ids[place] for place in held.tolist() if self.products[table.id][place])
            state: State = "unknown" if unknown else "none" if not yes else "covered" if own else "open"
            missing = tuple(name for name, value in evidence.items() if value is None) if unknown else ()
            yield Need(table.id, table.name or table.id, state, table.when, evidence, own, missing)

    def _meeting(self, table: NeedTable) -> NDArray[np.bool_]:
        what = f"need {table.id} of needs.toml: products"
        try:
            condition = Compiler(Operands(self._facts)).compile(table.products)
            if any(column.side == "user" for column in condition.columns) or condition.computed:
                raise BadCondition("it reads the customer, and it is of products")
        except BadCondition as error:
            raise UsageError(f"{what}: {error}") from None
        found = condition.truth(Block(np.zeros(1, np.int64))).yes
        meeting: NDArray[np.bool_] = np.broadcast_to(found, (1, self._facts.num_products))[0].copy()
        return meeting
