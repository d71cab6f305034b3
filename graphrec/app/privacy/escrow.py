"""Keys in escrow: what a rule keeps of the record of who was forgotten, until its date."""

from datetime import UTC, datetime

from graphrec import __version__
from graphrec.app.bank import Bank
from graphrec.app.jobs import AskEscrow
from graphrec.app.recording import record_event
from graphrec.app.results import EscrowOf, KeyInEscrow
from graphrec.errors import RecordError, UnknownId, UsageError
from graphrec.home import Home
from graphrec.privacy.certificate import keep, sign
from graphrec.records.blocks import Head, blocks, segments
from graphrec.records.decision import event
from graphrec.records.escrow import Escrow, Escrowed
from graphrec.records.keys import Keys
from graphrec.records.recorder import head_of


def escrow(bank: Bank, request: AskEscrow) -> EscrowOf:
    """The keys in escrow, after one of them was released or those that are over were destroyed."""
    bank.home.need_vault("graphrec escrow")
    if request.release is not None:
        return _released(bank, request, request.release)
    if request.close is not None:
        closed = Escrow(Keys(bank.home.keys)).close(request.close)
        if closed is None:
            raise _unknown(request.close)
        record_event(bank, "escrow", {"closed": closed.slot})
        return EscrowOf(_listed(bank.home), changed=_shown(closed))
    done = destroy_due(bank) if request.due else EscrowOf(())
    return EscrowOf(_listed(bank.home), destroyed=done.destroyed, certificate=done.certificate)


def destroy_due(bank: Bank) -> EscrowOf:
    """Destroy the keys whose date is over, and certify it; nothing is written where there is none."""
    home = bank.home
    over = Escrow(Keys(home.keys)).destroy_over(f"{datetime.now(UTC):%Y-%m-%d}")
    if not over:
        return EscrowOf(_listed(home))
    gone = tuple(map(_shown, over))
    number = event(home, "escrow", bank.settings.actor, {"destroyed": gone})
    head = head_of(home.records) or Head()
    certificate = sign(home, {
        "certificate": "end of retention", "format": 1, "graphrec": __version__,
        "issued_at": datetime.now(UTC).isoformat(timespec="seconds"), "issued_by": bank.settings.actor,
        "destroyed": [vars(one) for one in gone], "record": {"entry": number, "anchor": head.anchor},
    })  # fmt: skip
    return EscrowOf(_listed(home), destroyed=gone, certificate=keep(home, certificate))


def _released(bank: Bank, request: AskEscrow, user: str) -> EscrowOf:
    by = request.by or bank.settings.actor
    if not by or not (request.reason or "").strip():
        raise UsageError("graphrec escrow --release wants a reason and who asks: --reason TEXT --by NAME")
    home = bank.home
    kept = Escrow(Keys(home.keys))
    held = kept.of(user)
    if held is None:
        raise _unknown(user)
    # Before the key is back: nobody reads unrecorded. The entry is about nobody, since the person was forgotten.
    content = {"released": _shown(held), "reason": request.reason, "by": by}
    number, notes = record_event(bank, "escrow", content)
    if number is None:
        raise RecordError(f"nothing is released unrecorded: {'; '.join(notes) or 'the settings keep no record'}")
    kept.release(user)
    entries = sum(slot == held.slot for block in blocks(segments(home.records)) for slot in block.header["keys"])
    return EscrowOf(_listed(home), changed=_shown(held), entries=entries)


def _listed(home: Home) -> tuple[KeyInEscrow, ...]:
    return tuple(map(_shown, Escrow(Keys(home.keys)).all()))


def _shown(one: Escrowed) -> KeyInEscrow:
    return KeyInEscrow(one.slot, one.until, one.rule, one.since, one.released)


def _unknown(user: str) -> UnknownId:
    return UnknownId(f"no key of {user!r} is in escrow; see: graphrec escrow")
