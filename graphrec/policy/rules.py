"""A policy as data: versioned rules, the hash that a decision record keeps, and the rules of a home without a file."""

import ast
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, field, fields
from functools import cached_property
from typing import Any, Literal

from graphrec.frozen import dataclass
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.policy.language.conditions import parse
from graphrec.policy.language.operands import BadCondition, Market, Purchase
from graphrec.policy.lists import ListFile

BUILT_IN = "built-in"
"""The version of the rules that are in force where there is no policy.toml; no file may take it."""
NOT_OFFERED = ("closed", "inactive", "withdrawn", "suspended", "delisted", "matured")
"""Values of a product's column `status`, in lower case, with which it is not offered."""
NOT_AVAILABLE = "not_available"
"""What others than compliance read in place of a confidential rule, and of at least one ordinary rule."""
Severity = Literal["refuse", "review", "warn"]
_LATER = ("sentences", "code", "confidential", "law", "owner", "approved_by", "valid_from")
"""Keys of a rule that the hash covers where they are set, so that the hashes of older policies stay."""


@dataclass(frozen=True)
class Rule:
    """One condition that a pair of user and product must meet."""

    id: str
    sentence: str
    """What a person reads when the condition is not met; `{product.risk_class}` stands for a value."""
    require: str
    """The condition, in the language of docs/policy.md."""
    severity: Severity = "refuse"
    """refuse: the product is left out; review: a person has to approve it; warn: the sentence stands beside it."""
    missing: Literal["refuse", "allow"] = "refuse"
    """How a condition counts that a missing value leaves open: refuse (not met) or allow (met)."""
    protected: bool = False
    """Whether the rule may read protected columns; `reason` says why."""
    reason: str | None = None
    """Why a rule may read protected columns: the law or regulation."""
    code: str | None = None
    """What others than compliance read in place of the rule: `not_available`; None: the rule itself."""
    confidential: bool = False
    """Whether nobody but compliance may learn that the rule refuses."""
    law: str | None = None
    """The law or regulation that asks for the rule."""
    owner: str | None = None
    """Who answers for the rule."""
    approved_by: str | None = None
    """Who approved it."""
    valid_from: str | None = None
    """The day from which it holds, YYYY-MM-DD; None: it always does."""
    sentences: Mapping[str, str] = field(default_factory=dict)
    """The sentence by language, where the policy has several; `sentence` is the first."""
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    """Where each key stands in its file; not part of the hash."""

    def to_json(self) -> dict[str, Any]:
        """The rule as plain values; keys that came later only where they are set."""
        plain = asdict(self)
        del plain["lines"]
        return {key: value for key, value in plain.items() if key not in _LATER or value}


@dataclass(frozen=True)
class Policy:
    """Rules in the order of their evaluation; the first that refuses is the one that is counted."""

    version: str
    rules: tuple[Rule, ...]
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Ordered texts by name, lowest first."""
    source: str | None = None
    """The file it was read from; None: the built-in rules, or the copy that a decision record keeps."""
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The values that the policy knows, by column such as `product.kind`; any other value is remarked on."""
    max_age_days: float | None = None
    """How old the data may be at the date of an answer."""
    owner: str | None = None
    """Who answers for the policy."""
    approved_by: str | None = None
    """Who approved it."""
    valid_from: str | None = None
    """The day from which it may be used, YYYY-MM-DD."""
    purchase: Purchase = field(default_factory=Purchase)
    """What wealth and its shares are counted by."""
    market: Market = field(default_factory=Market)
    """For whom products are made."""
    lists: Mapping[str, ListFile] = field(default_factory=dict)
    """Lists in files, by name and column."""

    @property
    def is_built_in(self) -> bool:
        """Whether these are the rules of a home without a policy.toml, also in a copy that a record keeps."""
        return self.version == BUILT_IN

    @cached_property
    def hash(self) -> str:
        """SHA-256 of version, levels and rules; spaces in conditions, comments and the file's name do not count."""
        plain = self.to_json()
        plain["rules"] = [{**rule, "require": canonical(rule["require"])} for rule in plain["rules"]]
        return hashlib.sha256(json.dumps(plain, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    @cached_property
    def codes(self) -> Mapping[str, str]:
        """What others than compliance read in place of rules, by their ids; a rule that is not in it is read itself."""
        return {rule.id: rule.code for rule in self.rules if rule.code is not None}

    def to_json(self) -> dict[str, Any]:
        """The policy as plain values, without the name of its file."""
        later = {name: getattr(self, name) for name in ("max_age_days", "owner", "approved_by", "valid_from")}
        return {
            "version": self.version,
            "levels": {name: list(self.levels[name]) for name in sorted(self.levels)},
            "rules": [rule.to_json() for rule in self.rules],
            **({"values": {name: list(self.values[name]) for name in sorted(self.values)}} if self.values else {}),
            **{name: value for name, value in later.items() if value is not None},
            **({"after_purchase": asdict(self.purchase)} if self.purchase != Purchase() else {}),
            **({"target_market": asdict(self.market)} if self.market != Market() else {}),
            **({"lists": {name: self.lists[name].to_json() for name in sorted(self.lists)}} if self.lists else {}),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Policy":
        """The policy that `to_json` wrote.

        Raises:
            KeyError, TypeError, AttributeError: it is none.
        """
        known = {one.name for one in fields(cls)} - {"levels", "values", "rules", "source", "lists"}
        return cls(
            rules=tuple(Rule(**rule) for rule in plain["rules"]),
            levels={name: tuple(order) for name, order in plain["levels"].items()},
            values={name: tuple(listed) for name, listed in plain.get("values", {}).items()},
            purchase=Purchase(**plain.get("after_purchase", {})),
            market=Market(**plain.get("target_market", {})),
            lists={name: ListFile.from_json(one) for name, one in plain.get("lists", {}).items()},
            **{name: value for name, value in plain.items() if name in known},
        )


def public_counts(counts: Mapping[str, int], codes: Mapping[str, str]) -> dict[str, int]:
    """Counts by rule as others than compliance read them: by code, what shares one added up."""
    found: dict[str, int] = {}
    for rule, count in counts.items():
        code = codes.get(rule, rule)
        found[code] = found.get(code, 0) + count
    return found


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
    columns = snapshot.meta.columns[snapshot.schema.roles.product]
    rules = (HELD, OFFERED) if columns.get("status") == "text" else (HELD,)
    return Policy(BUILT_IN, rules)
