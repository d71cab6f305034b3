"""What stands for customers in an export: keyed hashes, other ones for each receiver; and who they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from graphrec.app.recording import record_event
from graphrec.errors import RecordError, UsageError
from graphrec.graph.folders.facts import FactsShelf
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.records.keys import Keys

if TYPE_CHECKING:
    from graphrec.app.bank import Bank
    from graphrec.app.jobs import Reidentify
    from graphrec.app.results import Reidentified
    from graphrec.delivery.sinks import SinkSpec
    from graphrec.home import Home

PURPOSE = "pseudonym"
_FORM = re.compile(r"[0-9a-f]{32}")


def pseudonyms(home: Home, spec: SinkSpec, receiver: str) -> Callable[[str], str]:
    """What stands for a customer in an export to a receiver.

    Raises:
        UsageError: the sink takes whole answers or keeps whom it sent to, or the receiver has no name.
    """
    if spec.suffix is None:
        raise UsageError(
            f"--pseudonyms writes files, and --to {spec.name} is none; want FILE.csv, .xlsx, .parquet or .jsonl"
        )
    return _hashes(home, receiver)


def _hashes(home: Home, receiver: str) -> Callable[[str], str]:
    if not receiver.strip():
        raise UsageError("--pseudonyms wants the name of the receiver: each has other ones")
    home.need_vault("graphrec export --pseudonyms")
    keys = Keys(home.keys)
    return lambda user: keys.mark(f"{receiver}\0{user}", PURPOSE)


def reidentify(bank: Bank, request: Reidentify) -> Reidentified:
    """Who pseudonyms are; nothing is told that cannot be recorded."""
    from graphrec.app.results import Reidentified

    by = request.by or bank.settings.actor
    if not by or not request.reason.strip():
        raise UsageError("graphrec reidentify wants a reason and who asks: --reason TEXT --by NAME")
    if wrong := next((one for one in request.pseudonyms if not _FORM.fullmatch(one)), None):
        raise UsageError(f"{wrong!r} is no pseudonym; want 32 digits, 0-9 and a-f")
    hashed, shelf = _hashes(bank.home, request.receiver), FactsShelf(bank.home.facts)
    facts = shelf.latest() if shelf.is_served() else SnapshotShelf(bank.home.snapshots).latest()
    wanted, users = set(request.pseudonyms), dict[str, str]()
    for user in facts.nodes(facts.schema.roles.user).ids:
        if (one := hashed(user)) in wanted:
            users[one] = user
    for user in users.values():
        content = {"receiver": request.receiver, "reason": request.reason, "by": by}
        number, notes = record_event(bank, "reidentify", content, user=user)
        if number is None:
            raise RecordError(f"nobody is told unrecorded: {'; '.join(notes) or 'the settings keep no record'}")
    return Reidentified(request.receiver, users, tuple(one for one in request.pseudonyms if one not in users))
