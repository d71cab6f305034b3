"""What customers contest: edges of theirs that are not true, or not relevant; no list counts them until withdrawn.

serving/contests.json   by customer, which edge, why, since when, who entered it
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from graphrec.errors import Damaged
from graphrec.files import locked, whole_file
from graphrec.graph.edges.own import HiddenEdge
from graphrec.home import Home

Ground = Literal["not-true", "not-relevant"]


@dataclass(frozen=True)
class Contest:
    """One edge that a customer contests."""

    user: str
    edge: str
    """Its type."""
    of: str
    """Id at its other end."""
    ground: Ground
    """not-true: it counts nowhere, not for rules either; not-relevant: it is in no score and no reason."""
    since: str
    """UTC."""
    by: str | None = None
    why: str | None = None

    @property
    def hidden(self) -> HiddenEdge:
        """What answers leave out."""
        return HiddenEdge(self.edge, self.of, self.ground == "not-true")


class Contests:
    """The contests of a home; threads may share it, and a change of the file is seen by the next answer."""

    def __init__(self, home: Home) -> None:
        self._file = home.contests
        self._lock = home.contests.with_suffix(".lock")
        self._read: tuple[object, Mapping[str, tuple[Contest, ...]]] = (None, {})

    def all(self) -> Mapping[str, tuple[Contest, ...]]:
        """Every contest by customer, the oldest first.

        Raises:
            Damaged: the file is not what was written.
        """
        try:
            found = self._file.stat()
        except (FileNotFoundError, NotADirectoryError):
            return {}
        state = (found.st_ino, found.st_mtime_ns, found.st_size)
        if self._read[0] != state:
            self._read = (state, self._contests())
        return self._read[1]

    def put(self, contest: Contest) -> None:
        """Add a contest, in the place of an earlier one of the same edge."""
        with locked(self._lock):
            self._write([*self._without(contest.user, contest.edge, contest.of), contest])

    def withdraw(self, user: str, edge: str, of: str) -> bool:
        """End a contest; False: there was none."""
        with locked(self._lock):
            left, count = self._without(user, edge, of), sum(map(len, self.all().values()))
            if len(left) < count:
                self._write(left)
            return len(left) < count

    def _without(self, user: str, edge: str, of: str) -> list[Contest]:
        every = [one for own in self.all().values() for one in own]
        return [one for one in every if (one.user, one.edge, one.of) != (user, edge, of)]

    def _write(self, contests: list[Contest]) -> None:
        plain = [asdict(one) for one in sorted(contests, key=lambda one: (one.user, one.since, one.edge, one.of))]
        with whole_file(self._file) as temporary:
            temporary.write_text(json.dumps({"contests": plain}, ensure_ascii=False, indent=1) + "\n", "utf-8")

    def _contests(self) -> Mapping[str, tuple[Contest, ...]]:
        found: dict[str, list[Contest]] = {}
        try:
            for one in json.loads(self._file.read_text("utf-8"))["contests"]:
                contest = Contest(**one)
                found.setdefault(contest.user, []).append(contest)
        except (ValueError, KeyError, TypeError) as error:
            raise Damaged(
                f"{self._file} is damaged ({type(error).__name__}), and it says what customers contest; restore it "
                "from a backup"
            ) from None
        return {user: tuple(own) for user, own in found.items()}
