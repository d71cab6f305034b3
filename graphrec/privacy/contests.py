"""What customers contest: edges and reasons that are not true, or not relevant; no list counts them until withdrawn.

serving/contests.json   by customer, which edge or reason, why, since when, who entered it
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from graphrec.errors import Damaged
from graphrec.files import locked, whole_file
from graphrec.graph.edges.own import HiddenEdge, HiddenReason, ReasonStart, starts_from_json
from graphrec.home import Home

Ground = Literal["not-true", "not-relevant"]


@dataclass(frozen=True)
class Contest:
    """One edge that a customer contests, or one reason."""

    user: str
    edge: str | None
    """Its type; None: a reason is contested."""
    of: str | None
    """Id at its other end."""
    ground: Ground
    """not-true: it counts nowhere, not for rules either; not-relevant: it is in no score and no reason."""
    since: str
    """UTC."""
    by: str | None = None
    why: str | None = None
    product: str | None = None
    """Of the reason."""
    text: str | None = None
    """The reason as it was read when it was contested, without numbers of people."""
    starts: tuple[ReasonStart, ...] = ()
    """What it starts with: no line from there to the product counts, whatever is trained."""

    @property
    def what(self) -> tuple[object, ...]:
        """What makes two contests of a customer one."""
        return self.edge, self.of, self.product, self.starts

    @property
    def hidden(self) -> HiddenEdge:
        """The edge that answers leave out."""
        assert self.edge is not None, "a reason has starts"
        assert self.of is not None, "a reason has starts"
        return HiddenEdge(self.edge, self.of, self.ground == "not-true")

    @property
    def hidden_reason(self) -> HiddenReason:
        """The reason that counts for nothing."""
        assert self.product is not None, "an edge has no product"
        return HiddenReason(self.product, self.starts)


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
        """Add a contest, in the place of an earlier one of the same edge or reason."""
        with locked(self._lock):
            left = [one for one in self._every() if (one.user, one.what) != (contest.user, contest.what)]
            self._write([*left, contest])

    def withdraw(self, contests: Sequence[Contest]) -> None:
        """End some contests."""
        gone = {(one.user, one.what) for one in contests}
        with locked(self._lock):
            self._write([one for one in self._every() if (one.user, one.what) not in gone])

    def _every(self) -> list[Contest]:
        return [one for own in self.all().values() for one in own]

    def _write(self, contests: list[Contest]) -> None:
        plain = [asdict(one) for one in sorted(contests, key=lambda one: (one.user, one.since, str(one.what)))]
        with whole_file(self._file) as temporary:
            temporary.write_text(json.dumps({"contests": plain}, ensure_ascii=False, indent=1) + "\n", "utf-8")

    def _contests(self) -> Mapping[str, tuple[Contest, ...]]:
        found: dict[str, list[Contest]] = {}
        try:
            for one in json.loads(self._file.read_text("utf-8"))["contests"]:
                contest = Contest(**{**one, "starts": starts_from_json(one.get("starts", ()))})
                found.setdefault(contest.user, []).append(contest)
        except (ValueError, KeyError, TypeError) as error:
            raise Damaged(
                f"{self._file} is damaged ({type(error).__name__}), and it says what customers contest; restore it "
                "from a backup"
            ) from None
        return {user: tuple(own) for user, own in found.items()}
