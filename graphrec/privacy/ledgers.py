"""Persons taken out of what a home keeps beside its store: ledgers of sending, campaigns, rejected rows, logs."""

import json
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from graphrec.files import whole_file
from graphrec.home import Home

USER = "user"
"""The key of an object that says whose it is."""
ROSTERS = ("lists", "control")
"""Keys of objects and lists whose keys or members are persons."""
_GONE = object()


def erase_ledgers(home: Home, users: Collection[str]) -> dict[str, int]:
    """Take persons out of the ledgers of a home; how much went, by what it was. Files without them are not touched."""
    removed = {
        "lists sent": 0, "campaign contacts": 0, "contests": 0, "rejected rows": 0, "log lines": 0
    }  # fmt: skip
    exports, campaigns = home.vault / "exports", home.vault / "campaigns"
    for path in [*exports.rglob("*.json"), *exports.rglob("*.jsonl"), home.serving / "delivered.json"]:
        removed["lists sent"] += _rewrite(path, lambda text: _json(text, users))
    for path in campaigns.rglob("*.json"):
        removed["campaign contacts"] += _rewrite(path, lambda text: _json(text, users))
    removed["contests"] += _rewrite(home.contests, lambda text: _json(text, users))
    removed["rejected rows"] += _remove(home.rejected)
    word = _word(users)
    for path in home.logs.glob("*.log"):
        removed["log lines"] += _rewrite(path, lambda text: _lines(text, word))
    return {what: count for what, count in removed.items() if count}


def _rewrite(path: Path, change: Callable[[str], tuple[str, int]]) -> int:
    try:
        before = path.read_text("utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return 0
    after, count = change(before)
    if count:
        with whole_file(path) as temporary:
            temporary.write_text(after, "utf-8")
    return count


def _remove(path: Path) -> int:
    """Remove the rejected rows of the last load: they do not say whose they are."""
    try:
        count = max(path.read_bytes().count(b"\n") - 1, 1)
    except FileNotFoundError:
        return 0
    path.unlink()
    return count


def _json(text: str, users: Collection[str]) -> tuple[str, int]:
    """JSON, or JSON lines, without these persons."""
    try:
        return _document(text, users)
    except ValueError:
        lines, total = [], 0
        for line in text.splitlines():
            try:
                kept, count = _document(line, users)
            except ValueError:
                kept, count = line, 0
            total += count
            lines += [kept] if kept else []
        return "\n".join(lines) + "\n", total


def _document(text: str, users: Collection[str]) -> tuple[str, int]:
    counted = [0]
    kept = _pruned(json.loads(text), users, counted)
    if not counted[0]:
        return text, 0
    return "" if kept is _GONE else json.dumps(kept, ensure_ascii=False, separators=(",", ":")), counted[0]


def _pruned(value: Any, users: Collection[str], counted: list[int], *, is_roster: bool = False) -> Any:
    """A value without the objects of these persons, and without them in rosters."""
    if isinstance(value, dict):
        if value.get(USER) in users:
            counted[0] += 1
            return _GONE
        own = {key: one for key, one in value.items() if not (is_roster and key in users)}
        counted[0] += len(value) - len(own)
        made = {key: _pruned(one, users, counted, is_roster=key in ROSTERS) for key, one in own.items()}
        return {key: one for key, one in made.items() if one is not _GONE}
    if isinstance(value, list):
        kept = [one for one in value if not (is_roster and isinstance(one, str) and one in users)]
        counted[0] += len(value) - len(kept)
        return [one for one in (_pruned(each, users, counted) for each in kept) if one is not _GONE]
    return value


def _word(users: Collection[str]) -> re.Pattern[str]:
    """An id of these persons as a word of its own."""
    return re.compile("|".join(rf"(?<![\w-]){re.escape(user)}(?![\w-])" for user in sorted(users)))


def _lines(text: str, word: re.Pattern[str]) -> tuple[str, int]:
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if not word.search(line)]
    return "".join(kept), len(lines) - len(kept)
