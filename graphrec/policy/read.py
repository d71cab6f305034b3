"""Which policy is in force, and policy.toml as a `Policy`."""

import ast
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from graphrec.config.document import Document, parse_toml, read_toml
from graphrec.errors import PolicyError
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.languages import is_code
from graphrec.policy.language.conditions import parse, sides
from graphrec.policy.language.operands import BadCondition, Market, Purchase, file_of
from graphrec.policy.lists import ListFile, read_lists
from graphrec.policy.rules import BUILT_IN, NOT_AVAILABLE, Policy, Rule, default_policy

if TYPE_CHECKING:
    from msgspec import UnsetType

    from graphrec.policy.file import RuleTable


def home_policy(home: Home, snapshot: Snapshot) -> Policy:
    """The policy of a home: its policy.toml, the file that settings name instead, or without one the built-in rules.

    Args:
        home: the home folder, with the policy file of the settings.
        snapshot: the built-in rules are those that it has columns for.

    Raises:
        PolicyError: the file cannot be used.
    """
    return read_policy(home.policy) if home.has_policy() else default_policy(snapshot)


def read_policy(file: Path) -> Policy:
    """The policy in a file.

    Raises:
        PolicyError: the file cannot be read, is no TOML, or a key, value or condition is not one of docs/policy.md.
    """
    return _policy(read_toml(file, PolicyError), file.parent)


def parse_policy(text: str, source: str, folder: Path | None = None) -> Policy:
    """The policy in a text.

    Args:
        text: TOML.
        source: what messages call it.
        folder: where its lists lie; None: it may name none.

    Raises:
        PolicyError: the text is no TOML, or a key, value or condition is not one of docs/policy.md.
    """
    return _policy(parse_toml(text, source, PolicyError), folder)


def _policy(document: Document, folder: Path | None = None) -> Policy:
    # Late: msgspec costs a start some 20 ms, and most homes of a first try have no policy.
    from graphrec.config.convert import convert
    from graphrec.policy.file import LEVELS, PolicyFile

    table = convert(document, PolicyFile)
    if table.version == BUILT_IN:
        document.refuse(("version",), f"version = {BUILT_IN!r} names the rules of a home without a file; take another")
    for name, order in table.levels.items():
        if len(set(order)) < len(order):
            document.refuse(("levels", name), f"levels.{name} = {list(order)} is not {LEVELS}; correct it")
    rules = tuple(_rule(document, position, one) for position, one in enumerate(table.rule))
    seen: set[str] = set()
    for position, rule in enumerate(rules):
        if rule.id in seen:
            document.refuse(("rule", position, "id"), f"there are two rules {rule.id}; give each its own id")
        seen.add(rule.id)
    _check_confidential(document, rules)
    values = {
        f"{side}.{name}": listed
        for side, known in (("user", table.values.user), ("product", table.values.product))
        for name, listed in known.items()
    }
    return Policy(
        table.version,
        rules,
        table.levels,
        document.where,
        values=values,
        max_age_days=table.max_age_days or None,
        owner=table.owner or None,
        approved_by=table.approved_by or None,
        valid_from=_day(table.valid_from),
        purchase=Purchase(
            table.after_purchase.positions or None, table.after_purchase.cash or None, table.after_purchase.shares
        ),
        market=Market(table.target_market.positive, table.target_market.negative),
        lists=_lists(document, rules, folder),
    )


def _lists(document: Document, rules: tuple[Rule, ...], folder: Path | None) -> dict[str, ListFile]:
    for rule in rules:
        try:
            [file_of(node) for node in ast.walk(parse(rule.require)) if isinstance(node, ast.Call)]
        except BadCondition as error:
            line = rule.lines["require"] + error.line - 1
            raise PolicyError(f"{document.where} line {line}: rule {rule.id}: {error}") from None
    return read_lists((rule.require for rule in rules), folder, document.where)


def _day(found: "date | UnsetType") -> str | None:
    return found.isoformat() if isinstance(found, date) else None


def _check_confidential(document: Document, rules: tuple[Rule, ...]) -> None:
    """Refuse a confidential rule whose code would name it: an ordinary rule of as wide a reach has to share it."""
    ordinary = [rule for rule in rules if rule.code and not rule.confidential and rule.severity == "refuse"]
    for position, rule in enumerate(rules):
        if not rule.confidential:
            continue
        if rule.severity != "refuse":
            document.refuse(
                ("rule", position), f'rule {rule.id}: a confidential rule refuses; leave out "{rule.severity}"'
            )
        alone = sides(rule.require)
        if not any(alone != {"user"} or sides(one.require) == {"user"} for one in ordinary):
            what = "that reads the customer alone, as it does," if alone == {"user"} else "that refuses"
            document.refuse(
                ("rule", position),
                f"rule {rule.id} is confidential, and nothing else is told as not_available, so that this names it; "
                f'give an ordinary rule {what} code = "not_available" too',
            )


def _rule(document: Document, position: int, table: "RuleTable") -> Rule:
    path = ("rule", position)
    reason = table.reason or None
    law = table.law or None
    if (table.protected and not (reason or law)) or (reason and not table.protected):
        document.refuse(
            path,
            f'rule {table.id}: protected = true and reason = "…" go together: protected columns are read where a law '
            "asks for it, and the reason names it",
        )
    lines = {key: document.value_line((*path, key)) or 1 for key in document.content["rule"][position]}
    try:
        parse(table.require)
    except BadCondition as error:
        line = lines["require"] + error.line - 1
        raise PolicyError(f"{document.where} line {line}: rule {table.id}: {error}") from None
    told = table.sentence if isinstance(table.sentence, dict) else {}
    if isinstance(table.sentence, dict) and (not told or not all(map(is_code, told))):
        wrong = next((code for code in told if not is_code(code)), "")
        document.refuse(
            (*path, "sentence"),
            f"rule {table.id}: sentence.{wrong} names no language; want a code such as en, de or zh",
        )
    return Rule(
        id=table.id,
        sentence=next(iter(told.values()), "") or str(table.sentence),
        sentences=told,
        require=table.require,
        severity=table.severity,
        missing=table.missing,
        protected=table.protected,
        reason=reason,
        code=NOT_AVAILABLE if table.confidential else table.code or None,
        confidential=table.confidential,
        law=law,
        owner=table.owner or None,
        approved_by=table.approved_by or None,
        valid_from=_day(table.valid_from),
        lines=lines,
    )
