"""How long work reports progress without printing: a callback from the room that prints."""

from collections.abc import Callable

#: Called with what is being done, how much is done and how much there is (None: not known); what comes after ": " in
#: the first is how it goes, such as a loss, and may change from call to call.
Progress = Callable[[str, int, int | None], None]


def silent(what: str, done: int, total: int | None) -> None:
    """Report nothing."""
