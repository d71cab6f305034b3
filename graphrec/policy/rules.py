"""A policy as data: versioned rules, the hash that a decision record keeps, and the rules of a home without a file."""

import ast
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Literal

from graphrec.graph.snapshot import Snapshot
from graphrec.policy.conditions import parse
from graphrec.policy.operands import BadCondition

BUILT_IN = "built-in"
"""The version of the rules that are in force where there is no policy.toml; no file may take it."""
NOT_OFFERED = ("closed", "inactive", "withdrawn", "suspended", "delisted", "matured")
"""Values of a product's column `status`, in lower case, with which it is not offered."""
Severity = Literal["refuse", "warn"]


@dataclass(frozen=True)
class Rule:
    """One condition that a pair of user and product must meet."""

    id: str
    sentence: str
    """What a person reads when the condition is not met; `{product.risk_class}` stands for a value."""
    require: str
    """The condition, in the language of docs/policy.md."""
    severity: Severity = "refuse"
    """refuse: the product is left out; warn: the sentence stands beside it."""
    missing: Literal["refuse", "allow"] = "refuse"
    """How a condition counts that a missing value leaves open: refuse (not met) or allow (met)."""
    protected: bool = False
    """Whether the rule may read protected columns; `reason` says why."""
    reason: str | None = None
    """Why a rule may read protected columns: the law or regulation."""
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    """Where each key stands in its file; not part of the hash."""


@dataclass(frozen=True)
class Policy:
    """Rules in the order of their evaluation; the first that refuses is the one that is counted."""

    version: str
    rules: tuple[Rule, ...]
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Ordered texts by name, lowest first."""
    source: str | None = None
    """The file it was read from; None: the built-in rules, or the copy that a decision record keeps."""

    @property
    def is_built_in(self) -> bool:
        """Whether these are the rules of a home without a policy.toml, also in a copy that a record keeps."""
        return self.version == BUILT_IN

    @cached_property
    def hash(self) -> str:
        """SHA-256 of version, levels and rules; spaces in conditions, comments and the file's name do not count."""
        rules = [{**asdict(rule), "require": canonical(rule.require)} for rule in self.rules]
        for rule in rules:
            del rule["lines"]
        content = {"version": self.version, "levels": {name: list(self.levels[name]) for name in sorted(self.levels)}}
        text = json.dumps({**content, "rules": rules}, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def canonical(condition: str) -> str:
    """A condition with one way of spacing and quoting; what is no condition stays as it is."""
    try:
        return ast.unparse(parse(condition))
    except BadCondition:
        return condition


HELD = Rule("held", "already held", "not held")
OFFERED = Rule(
    "offered",
    "not offered any more (status)",
    f"is_missing(product.status) or lower(product.status) not in {list(NOT_OFFERED)}",
)


def default_policy(snapshot: Snapshot) -> Policy:
    """The built-in rules that the snapshot has columns for: products already held or closed are left out."""
    columns = snapshot.meta["columns"][snapshot.schema.roles.product]
    rules = (HELD, OFFERED) if columns.get("status") == "text" else (HELD,)
    return Policy(BUILT_IN, rules)
