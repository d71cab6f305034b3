"""How commands put their answers into the decision record."""

import errno
from collections.abc import Sequence
from typing import TYPE_CHECKING

from graphrec.cli.output import note
from graphrec.cli.state import state
from graphrec.errors import Unwritable

if TYPE_CHECKING:
    from graphrec.records.decision import Request
    from graphrec.serving.answer import Answer
    from graphrec.serving.engine import Engine

_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


class Recording:
    """Puts answers of one engine into the record of the home, where settings and command want that.

    A home that cannot be written answers all the same, and one note says that nothing was recorded.
    """

    def __init__(self, engine: "Engine", request: "Request", *, wanted: bool) -> None:
        from graphrec.records.decision import Decisions

        self._decisions = Decisions(state.home, engine, request) if wanted and state.settings.record else None
        self.numbers: list[int] = []
        """Of the entries that were written."""

    def add(self, answers: "Sequence[Answer]", product: str | None = None) -> None:
        """Record answers, together as far as they fit into one block."""
        if self._decisions is None:
            return
        try:
            self.numbers += self._decisions.add(answers, product)
        except Unwritable as error:
            note(f"note: nothing is recorded: {error}")
            self._decisions = None
        except OSError as error:
            if error.errno not in _READ_ONLY:
                raise
            note(f"note: nothing is recorded: {state.home.records} cannot be written ({error.strerror})")
            self._decisions = None

    @property
    def number(self) -> int | None:
        """The number of the only entry; None where nothing was recorded."""
        return self.numbers[0] if self.numbers else None

    def tell(self) -> None:
        """Say beside the answer where it is in the record."""
        if self.numbers:
            first, last = self.numbers[0], self.numbers[-1]
            note(f"recorded as entry {first}" if first == last else f"recorded as entries {first} to {last}")
