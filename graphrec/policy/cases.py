"""Cases of a policy: what it has to say of chosen pairs, in a file that people keep beside it."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from graphrec.config.names import nearest
from graphrec.errors import PolicyError
from graphrec.policy.compiled import CompiledPolicy
from graphrec.policy.facts import Occasion

Expected = Literal["allow", "refuse", "review", "warn"]
COLUMNS = ("customer", "product", "expected", "rule", "amount", "channel", "purpose")


@dataclass(frozen=True)
class Case:
    """One pair, and what the policy has to say of it."""

    customer: str
    product: str
    expected: Expected
    rule: str | None
    """The rule that has to say so; None: any."""
    occasion: Occasion
    line: int


@dataclass(frozen=True)
class CaseResult:
    """What the policy says of one case."""

    case: Case
    found: str
    """allow, refuse, review or warn."""
    rules: tuple[str, ...]
    """The rules that say so."""
    is_as_expected: bool


def read_cases(file: Path) -> tuple[Case, ...]:
    """The cases of a CSV file: customer, product, expected, and where wanted rule, amount, channel, purpose.

    Raises:
        PolicyError: the file cannot be read, or a line is no case.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened)
            rows = list(reader)
            names = tuple(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PolicyError(f"{file} cannot be read: {error}; want a CSV file in UTF-8") from None
    for wanted in COLUMNS[:3]:
        if wanted not in names:
            raise PolicyError(f"{file} line 1: there is no column {wanted}; want {','.join(COLUMNS[:3])}")
    for name in names:
        if name not in COLUMNS:
            found = nearest(name, COLUMNS)
            raise PolicyError(f"{file} line 1: there is no column {name}{f'; the nearest is {found}' if found else ''}")
    return tuple(_case(file, number, row) for number, row in enumerate(rows, 2))


def _case(file: Path, line: int, row: dict[str, str | None]) -> Case:
    values = {name: (row.get(name) or "").strip() or None for name in COLUMNS}
    expected = values["expected"] or ""
    if expected not in get_args(Expected):
        raise PolicyError(f"{file} line {line}: expected = {expected!r} is not one of {', '.join(get_args(Expected))}")
    try:
        amount = None if values["amount"] is None else float(values["amount"])
    except ValueError:
        raise PolicyError(f"{file} line {line}: amount = {values['amount']!r} is no number") from None
    occasion = Occasion(amount, values["channel"], values["purpose"])
    return Case(values["customer"] or "", values["product"] or "", expected, values["rule"], occasion, line)  # type: ignore[arg-type]


def judge(compiled: CompiledPolicy, cases: Sequence[Case], file: Path) -> tuple[CaseResult, ...]:
    """What a policy says of cases, in their order.

    Raises:
        PolicyError: a case names a customer, a product or a rule that is not there.
    """
    facts = compiled.facts
    users, products = (facts.snapshot.nodes(facts.label(side)).ids for side in ("user", "product"))
    known = [rule.rule.id for rule in compiled.rules]
    found = []
    for case in cases:
        user, product = users.find(case.customer), products.find(case.product)
        for what, name, position in (("customer", case.customer, user), ("product", case.product, product)):
            if position < 0:
                raise PolicyError(f"{file} line {case.line}: there is no {what} {name!r}; search with: graphrec find")
        if case.rule is not None and case.rule not in known:
            near = nearest(case.rule, known)
            raise PolicyError(
                f"{file} line {case.line}: there is no rule {case.rule}{f'; the nearest is {near}' if near else ''}"
            )
        asked = compiled.asking(case.occasion)
        findings = (*asked.refusals(user, product), *asked.warnings(user, product))
        severities = {one.severity for one in findings}
        said = next((one for one in ("refuse", "review", "warn") if one in severities), "allow")
        rules = tuple(one.rule for one in findings if one.severity == said)
        is_met = said == case.expected and (case.rule is None or case.rule in rules or said == "allow")
        found.append(CaseResult(case, said, rules, is_met))
    return tuple(found)


@dataclass(frozen=True)
class PolicyDifference:
    """What one policy allows that another does not, over all pairs."""

    old: tuple[str, str]
    """Version and hash."""
    new: tuple[str, str]
    pairs: int
    newly_allowed: int
    newly_refused: int
    users_newly_allowed: int
    """Users who may be shown something that was refused to them."""
    allowed_by_rule: dict[str, int]
    """Newly allowed pairs by the rule that was the first to refuse them."""
    refused_by_rule: dict[str, int]
    """Newly refused pairs by the rule that is the first to refuse them."""
    examples: tuple[tuple[str, str], ...]
    """Some newly allowed pairs."""
    users_newly_refused: int
    """Users who may no longer be shown something that was allowed to them."""
    refused_examples: tuple[tuple[str, str], ...]
    """Some newly refused pairs."""
    by_product: tuple["ProductChange", ...]
    """The products that change, those with the most users first."""


@dataclass(frozen=True)
class ProductChange:
    """One product that may be shown to other users than before."""

    product: str
    name: str | None
    gained: int
    """Users to whom it is newly allowed."""
    lost: int
    """Users to whom it is newly refused."""


def difference(old: CompiledPolicy, new: CompiledPolicy, *, examples: int = 10) -> PolicyDifference:
    """What a new policy allows and refuses that the old one did not, over all pairs of a snapshot."""
    facts = old.facts
    users, products = (facts.snapshot.nodes(facts.label(side)).ids for side in ("user", "product"))
    gained, lost = (np.zeros(facts.num_products, np.int64) for _ in range(2))
    gaining = losing = 0
    by_old: dict[str, int] = {}
    by_new: dict[str, int] = {}
    found: tuple[list[tuple[str, str]], list[tuple[str, str]]] = ([], [])
    step = max(1, (1 << 24) // max(facts.num_products, 1))
    for start in range(0, len(users), step):
        block = np.arange(start, min(start + step, len(users)))
        before, after = old.masks(block), new.masks(block)
        more, less = after & ~before, before & ~after
        gained, lost = gained + more.sum(axis=0), lost + less.sum(axis=0)
        gaining, losing = gaining + int(more.any(axis=1).sum()), losing + int(less.any(axis=1).sum())
        for counts, policy, pairs, shown in ((by_old, old, more, found[0]), (by_new, new, less, found[1])):
            for rule, count in policy.first_refusals(block, pairs).items():
                counts[rule] = counts.get(rule, 0) + count
            for user, product in np.argwhere(pairs)[: examples - len(shown)]:
                shown.append((users[start + int(user)], products[int(product)]))
    name = facts.snapshot.name
    changes = tuple(
        ProductChange(products[one], name(facts.label("product"), one), int(gained[one]), int(lost[one]))
        for one in np.lexsort((np.arange(len(gained)), -(gained + lost))).tolist()
        if gained[one] or lost[one]
    )
    return PolicyDifference(
        (old.policy.version, old.policy.hash), (new.policy.version, new.policy.hash), len(users) * facts.num_products,
        int(gained.sum()), int(lost.sum()), gaining, by_old, by_new, tuple(found[0]), losing, tuple(found[1]), changes,
    )  # fmt: skip
