"""A policy as data: versioned rules, and the hash that a decision record keeps."""

import ast
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Literal

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
    """What a condition that is unknown for want of a value counts as: refuse (not met) or allow (met)."""
    protected: bool = False
    """The rule may read protected columns, for the reason given."""
    reason: str | None = None
    """Why a rule may read protected columns: the law or regulation."""
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    """Where each key stands in its file; not part of the hash."""


@dataclass(frozen=True)
class Policy:
    """Rules in the order in which they are asked; the first that refuses is the one that is counted."""

    version: str
    rules: tuple[Rule, ...]
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Ordered texts by name, lowest first."""
    source: str | None = None
    """The file it was read from; None: the built-in rules."""

    @cached_property
    def hash(self) -> str:
        """SHA-256 of version, levels and rules; spaces in conditions, comments and the file's name do not count."""
        rules = [{**asdict(rule), "require": canonical(rule.require)} for rule in self.rules]
        for rule in rules:
            del rule["lines"]
        plain = {"version": self.version, "levels": {name: list(self.levels[name]) for name in sorted(self.levels)}}
        text = json.dumps({**plain, "rules": rules}, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def canonical(condition: str) -> str:
    """A condition with one way of spacing and quoting."""
    return ast.unparse(ast.parse(f"({condition}\n)", mode="eval"))
