"""The decision record, read."""

import itertools

from graphrec.app.bank import Bank
from graphrec.app.jobs import ListRecord
from graphrec.app.results import RecordedAnswer, RecordHead
from graphrec.errors import RecordError
from graphrec.records.blocks import HEAD, Head
from graphrec.records.read import Entry, entries


def record_list(bank: Bank, request: ListRecord) -> tuple[RecordedAnswer, ...]:
    """The last entries, of one user where one is named, oldest first."""
    found = entries(bank.home.records, request.user)
    return tuple(short(one) for one in list(itertools.islice(found, request.last))[::-1])


def short(one: Entry) -> RecordedAnswer:
    """An entry without its numbers: what was shown to whom, when; an erased one without whom and what."""
    shared = one.shared
    entry = {} if one.is_erased else one.entry
    return RecordedAnswer(
        record=one.number,
        recorded_at=shared["recorded_at"],
        command=shared["request"]["command"],
        user=entry.get("user"),
        as_of=shared.get("as_of"),
        model=shared["model"]["name"] if "model" in shared else None,
        candidates=entry.get("candidates"),
        shown=tuple(item["product"] for item in entry["answer"]["items"]) if "answer" in entry else (),
        is_erased=one.is_erased,
    )


def record_head(bank: Bank) -> RecordHead:
    """Where the record ends.

    Raises:
        RecordError: head.json was changed.
    """
    folder = bank.home.records
    head = Head.read(folder)
    if head is None and (folder / HEAD).exists():
        raise RecordError(f"{folder / HEAD} is not as it was written; run: graphrec record verify")
    head = head or Head()
    return RecordHead(head.anchor, head.block, head.hash, head.entries)
