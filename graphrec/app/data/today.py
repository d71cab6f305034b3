"""The date of answers for data that ends long ago: `today` in graphrec.toml."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from graphrec.config.settings import FILE_NAME
from graphrec.files import whole_file
from graphrec.graph.folders.facts import FactsShelf

if TYPE_CHECKING:
    from graphrec.app.bank import Bank

#: Data that ended longer ago is not of a bank that goes on: its windows of days would be empty today.
HISTORIC = timedelta(days=365)


def settle_today(bank: "Bank", last: date | None = None) -> str | None:
    """What was done about the date of answers, in one sentence; None where the clock is right.

    A graphrec.toml is written to the current folder where there is none; one that is there stays as it is.

    Args:
        last: the day of the last event; None: that of the facts of the home.
    """
    if bank.settings.today is not None:
        return None
    if last is None:
        shelf = FactsShelf(bank.home.facts)
        ends = shelf.latest().meta.last if shelf.has_latest() else None
        if ends is None or datetime.now(UTC) - datetime.fromisoformat(ends) < HISTORIC:
            return None
        last = datetime.fromisoformat(ends).date()
    line = f'today = "{last.isoformat()}"'
    if bank.settings.file is not None:
        return f"the last event is of {last}: write {line} into {bank.settings.file}, or answers count from the clock"
    path = Path(FILE_NAME)
    with whole_file(path) as temporary:
        temporary.write_text(f"# The data ends on this day: dates and windows count from it.\n{line}\n", "utf-8")
    bank.reread(last)
    return f"{path} says {line}: answers count from the last event"
