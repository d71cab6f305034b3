"""policy.toml: read, every key checked, with file and line of what is wrong."""

import re
import tomllib
from pathlib import Path
from typing import Any

from graphrec.errors import PolicyError
from graphrec.graph.snapshot import Snapshot
from graphrec.home import Home
from graphrec.policy.default import default_policy
from graphrec.policy.operands import nearest
from graphrec.policy.rules import Policy, Rule

TOP: dict[str, type] = {"version": str, "levels": dict, "rule": list}
KEYS: dict[str, type] = {
    "id": str,
    "sentence": str,
    "require": str,
    "severity": str,
    "missing": str,
    "protected": bool,
    "reason": str,
}
CHOICES = {"severity": ("refuse", "warn"), "missing": ("refuse", "allow")}
_KINDS: dict[type, str] = {
    str: "a text",
    dict: "a table",
    list: "a list of tables, written [[rule]]",
    bool: "true or false",
}


def home_policy(home: Home, snapshot: Snapshot) -> Policy:
    """The policy of a home: its policy.toml, the file that settings name instead, or the built-in rules.

    Raises:
        PolicyError: the file cannot be used.
    """
    if home.policy_file is None and not home.policy.exists():
        return default_policy(snapshot)
    return read_policy(home.policy)


def read_policy(file: Path) -> Policy:
    """The policy in a file.

    Raises:
        PolicyError: it is not there, is not TOML, or says something that no policy says.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise PolicyError(f"policy {file} cannot be read: {why}; name another one, or none") from None
    return parse_policy(text, str(file))


def parse_policy(text: str, source: str) -> Policy:
    """The policy in a text; `source` is what messages call it."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{source} is not TOML: {error}; correct it") from None
    _check(source, content, TOP, {})
    if "version" not in content:
        raise PolicyError(f'{source} has no version; a policy starts with version = "1" or another name')
    lines = _lines(text)
    rules = tuple(
        _rule(source, table, lines[position] if position < len(lines) else {})
        for position, table in enumerate(content.get("rule", []))
    )
    ids = [rule.id for rule in rules]
    for rule in rules:
        if ids.count(rule.id) > 1:
            raise PolicyError(f"{source} has two rules {rule.id}; give each its own id")
    return Policy(content["version"], rules, _levels(source, content.get("levels", {})), source)


def _rule(source: str, table: Any, lines: dict[str, int]) -> Rule:
    if not isinstance(table, dict):
        raise PolicyError(f"{source}: rule is a list of tables; write each as [[rule]]")
    _check(source, table, KEYS, lines)
    where = f"{source} line {lines.get('', 1)}"
    for key in ("id", "sentence", "require"):
        if not table.get(key):
            raise PolicyError(f"{where}: a rule has an id, a sentence and what it requires; {key} is not there")
    if not re.fullmatch(r"[A-Za-z][\w-]*", table["id"]):
        raise PolicyError(f"{where}: id {table['id']!r} is no plain name; want letters, digits, - and _")
    for key, choices in CHOICES.items():
        if table.get(key, choices[0]) not in choices:
            raise PolicyError(
                f"{source} line {lines.get(key, 1)}: rule {table['id']}: {key} = {table[key]!r}; want "
                + " or ".join(choices)
            )
    if table.get("protected", False) != bool(table.get("reason")):
        raise PolicyError(
            f'{where}: rule {table["id"]}: protected = true and reason = "…" go together: protected columns are read '
            "where a law asks for it, and the reason names it"
        )
    return Rule(**table, lines=lines)


def _check(source: str, table: dict[str, Any], kinds: dict[str, type], lines: dict[str, int]) -> None:
    for key, value in table.items():
        where = f"{source} line {lines[key]}" if key in lines else source
        if key not in kinds:
            raise PolicyError(f"{where}: unknown key {key}{nearest(key, kinds)}")
        if not isinstance(value, kinds[key]):
            raise PolicyError(f"{where}: {key} = {value!r} is not {_KINDS[kinds[key]]}; correct it")


def _levels(source: str, table: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    for name, order in table.items():
        texts = isinstance(order, list) and all(isinstance(text, str) for text in order)
        if not texts or len(set(order)) < max(len(order), 2):
            raise PolicyError(f"{source}: levels.{name} = {order!r}; want two texts or more, each once, lowest first")
    return {name: tuple(order) for name, order in table.items()}


def _lines(text: str) -> list[dict[str, int]]:
    """Per [[rule]]: its line under "", and the line on which the value of each key starts."""
    found: list[dict[str, int]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if re.match(r"\s*\[\[\s*rule\s*\]\]", line):
            found.append({"": number})
        elif found and (key := re.match(r"\s*(\w+)\s*=\s*(.*)$", line)):
            # What follows opening quotes on the next line starts there.
            opens = key[2].strip() in ('"""', "'''")
            found[-1].setdefault(key[1], number + opens)
    return found
