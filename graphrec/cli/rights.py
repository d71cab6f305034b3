"""Roles of the command line where people share a home, and the log of who read what of a person.

A home that is shared (`graphrec access share`) wants a key of `graphrec access make` in GRAPHREC_ACCESS_KEY. Its role
says which commands it opens, and whether answers are exact. Files are kept from others by the machine's own rights:
this is for people who reach a home through one account, by sudo or a jump host.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphrec.errors import GraphrecError, NotAllowed

if TYPE_CHECKING:
    from graphrec.app.bank import Bank
    from graphrec.service.access.roles import Caller

MARK = "shared"
"""The file of a home that says so."""
VARIABLE = "GRAPHREC_ACCESS_KEY"
LOOKS: dict[str, frozenset[str] | None] = {
    "evaluate": None, "fairness": None, "stability": None, "report": None, "monitor": None, "quality": None,
    "outcomes": None, "doctor": None, "market": None, "audience": None, "query": None,
    "models": frozenset({"list", "card", "compare", "live"}), "policy": frozenset({"check", "explain", "test", "diff"}),
}  # fmt: skip
"""What an analyst may run: nothing of it changes anything, or is about one person. None: every action of it."""
_OF_ONE: dict[str, frozenset[str] | None] = dict.fromkeys(
    ("recommend", "explain", "why-not", "portrait", "portfolio", "plan")
)
ALLOWED: dict[str, dict[str, frozenset[str] | None]] = {
    "analyst": LOOKS,
    "auditor": {**LOOKS, **_OF_ONE, "record": None, "replay": None, "subject-access": None, "find": None},
    "adviser": {**_OF_ONE, "statement": None, "decide": None},
    "service": {**_OF_ONE, "event": None, "consume": None},
    "campaign": {"campaign": None, "audience": None, "outcomes": None, "experiment": None},
}
"""By role; compliance and admin may run everything."""
WHOLE = frozenset({"compliance", "admin"})
OF_PERSONS = frozenset(
    {"export", "audience", "find", "query", "record", "replay", "campaign", "alerts", "portrait", "ask"}
)
"""Commands that may show persons without one being named in the command."""


def caller(bank: Bank, command: str, options: Mapping[str, Any]) -> Caller | None:
    """Who runs a command, whose role is then the view of its answers; None: the home is not shared.

    Raises:
        NotAllowed: no key is given, it opens nothing, or its role does not run this command.
    """
    settings = bank.settings
    if not os.path.exists(Path(settings.home) / MARK):  # noqa: PTH110 - false for a name that is too long
        return None
    from graphrec.service.access.keys import Keys

    keys = Keys(bank.home.path)
    found = keys.caller(os.environ.get(VARIABLE, ""))
    if found is None:
        raise NotAllowed(
            f"home {bank.home.path} is shared, and {VARIABLE} holds no key that opens it; ask its owner for one: "
            "graphrec access make NAME --role ROLE"
        )
    _check(bank, found, command, options)
    name = next(key.name for key in keys.all() if key.id == found.id)
    bank.settings = replace(settings, actor=name, view=found.role)
    return found


def _check(bank: Bank, found: Caller, command: str, options: Mapping[str, Any]) -> None:
    if found.role in WHOLE:
        return
    allowed, action = ALLOWED[found.role], options.get("action")
    if command not in allowed or (allowed[command] is not None and action not in (allowed[command] or ())):
        what = f"graphrec {command}" + (f" {action}" if command in allowed else "")
        raise NotAllowed(f"a key of the role {found.role} does not run {what}; it runs: {', '.join(sorted(allowed))}")
    if options.get("view") not in (None, found.role):
        raise NotAllowed(f"--view {options['view']}: a key of the role {found.role} reads what {found.role} reads")
    if command == "query" and (options.get("write") or len(str(options.get("query") or "").split()) > 1):
        raise NotAllowed(
            f"a key of the role {found.role} asks questions of the library (graphrec query), and no Cypher of its own"
        )
    if command == "market" and options.get("changes") and found.role == "analyst":
        raise NotAllowed("a key of the role analyst does not run graphrec market --changes: it names customers")
    user = options.get("user")
    if found.role == "adviser" and isinstance(user, str) and bank.adviser_of(user) != found.adviser:
        raise NotAllowed(f"{user} is no customer of adviser {found.adviser}")


def note_read(bank: Bank, who: Caller | None, command: str, options: Mapping[str, Any], status: int) -> None:
    """One line in the access log where a command may have shown a person; a home that cannot be written has none."""
    user = options.get("user")
    names_persons = command in OF_PERSONS or (command == "market" and options.get("changes"))
    if not isinstance(user, str) and not names_persons:
        return
    try:
        home = bank.home
        if not home.format_file.exists():
            return
        from graphrec.service.access.audit import AuditLog

        product = options.get("product")
        AuditLog(home.logs, home.secret()).add(
            caller=who.id if who else bank.settings.actor or _account(), role=who.role if who else "owner",
            operation=f"graphrec {command}", status=status, user=user if isinstance(user, str) else None,
            product=product if isinstance(product, str) else None,
        )  # fmt: skip
    except (GraphrecError, OSError, KeyError):
        return


def _account() -> str:
    """The account of the machine that runs the command."""
    try:
        import pwd

        return pwd.getpwuid(os.geteuid()).pw_name
    except (ImportError, KeyError):
        return os.environ.get("USERNAME") or "unknown"
