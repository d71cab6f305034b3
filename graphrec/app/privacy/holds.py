"""Legal holds: set, lifted, listed; each change is recorded under the key of the person."""

from datetime import UTC, datetime

from graphrec.app.bank import Bank
from graphrec.app.jobs import PutHold
from graphrec.app.recording import record_event
from graphrec.errors import UnknownId, UsageError
from graphrec.privacy.holds import Hold, Holds
from graphrec.records.escrow import day_of


def put_hold(bank: Bank, request: PutHold) -> Hold | None:
    """Hold a customer, or lift the hold: then None.

    Raises:
        UsageError: a reason is missing, or the date is none.
        UnknownId: there is no hold to lift.
    """
    bank.home.need_vault("graphrec hold")
    holds, by = Holds(bank.home.prepare()), bank.settings.actor
    if request.lift:
        if not holds.lift(request.user):
            raise UnknownId(f"nothing of {request.user!r} is held; see: graphrec hold")
        record_event(bank, "hold", {"lifted": True}, user=request.user)
        return None
    if not request.reason:
        raise UsageError("why? graphrec hold USER --reason TEXT")
    until = None if request.until is None else day_of(request.until, "--until")
    made = Hold(request.reason, datetime.now(UTC).isoformat(timespec="seconds"), until, by)
    holds.put(request.user, made)
    record_event(bank, "hold", {"hold": made}, user=request.user)
    return made


def all_holds(bank: Bank) -> tuple[Hold, ...]:
    """Every hold of the home, without whose it is."""
    return Holds(bank.home).all()
