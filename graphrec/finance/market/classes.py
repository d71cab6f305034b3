"""Risk classes of products over time: what was seen on which day, and what has changed.

`graphrec market --keep` writes a line for each product one of whose classes is other than in the line before: the
computed class and those that issuer and seller gave; the highest counts. Lines are added and never changed; of two
lines of one product and one day the later one holds.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from graphrec.errors import Damaged
from graphrec.files import whole_file

COMPUTED = "computed"
"""The source of the class that is computed from prices."""


@dataclass(frozen=True)
class Classes:
    """The classes of a product since a day."""

    product: str
    on: str
    given: Mapping[str, int]
    """By source: the column, or `computed`."""

    @property
    def rating(self) -> int | None:
        """The highest; None: there is none any more."""
        return max(self.given.values(), default=None)


@dataclass(frozen=True)
class ClassChange:
    """Another class than before."""

    product: str
    on: str
    before: int
    after: int
    was: Mapping[str, int]
    """By source."""
    given: Mapping[str, int]


class ClassHistory:
    """The lines of one home.

    Args:
        file: where they are; need not be there.

    Raises:
        Damaged: it is no such file.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lines: list[Classes] = []
        if not file.exists():
            return
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
            try:
                told = json.loads(line)
                given = {str(name): int(value) for name, value in told["given"].items()}
                self._lines.append(Classes(str(told["product"]), str(told["on"]), given))
            except (ValueError, KeyError, TypeError, AttributeError):
                raise Damaged(
                    f"{file} line {number} is no line of classes; take the file from a backup, or delete it: the "
                    "history then begins with the next graphrec market --keep"
                ) from None

    def of(self, product: str, until: str) -> tuple[Classes, ...]:
        """What was seen of a product until a day, the oldest first."""
        return tuple(one for one in self._by_day(until) if one.product == product)

    def changes(self, until: str) -> tuple[ClassChange, ...]:
        """Each day until one on which the highest class of a product was another one than it had before."""
        last: dict[str, Classes] = {}
        found = []
        for one in self._by_day(until):
            before = last.get(one.product)
            if one.rating is None:
                continue
            if before is not None and before.rating is not None and before.rating != one.rating:
                found.append(
                    ClassChange(one.product, one.on, before.rating, one.rating, dict(before.given), dict(one.given))
                )
            last[one.product] = one
        return tuple(found)

    def add(self, seen: Sequence[Classes]) -> tuple[ClassChange, ...]:
        """Keep what is other than before, and return what changed with it.

        Nothing is kept of a day before the newest one: a look at an earlier date is no news.
        """
        newest = max((one.on for one in self._lines), default="")
        last = {one.product: one for one in self._lines}
        fresh = [
            one
            for one in seen
            if one.on >= newest and dict(one.given) != dict(last[one.product].given if one.product in last else {})
        ]
        if not fresh:
            return ()
        until = max(one.on for one in fresh)
        before = set(map(repr, self.changes(until)))
        self._lines += fresh
        with whole_file(self._file) as temporary:
            rows = (
                {"product": one.product, "on": one.on, "given": dict(sorted(one.given.items()))} for one in self._lines
            )
            temporary.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
        return tuple(one for one in self.changes(until) if repr(one) not in before)

    def _by_day(self, until: str) -> Iterator[Classes]:
        """One line a product and day, by day; the later of several holds."""
        kept = {(one.product, one.on): one for one in self._lines if one.on <= until}
        return iter(sorted(kept.values(), key=lambda one: (one.on, one.product)))
