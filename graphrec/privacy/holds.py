"""Legal holds: persons of whom nothing may be removed for now, by keyed hashes.

vault/holds.json   by keyed hash, why, since when, until when, and who said so
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from graphrec.errors import Damaged, RecordError
from graphrec.files import whole_file
from graphrec.home import Home
from graphrec.records.keys import Keys

FILE = "holds.json"
PURPOSE = "held"


@dataclass(frozen=True)
class Hold:
    """Why nothing of a person may be removed."""

    reason: str
    since: str
    until: str | None = None
    """The last day, YYYY-MM-DD; None: until it is lifted."""
    by: str | None = None

    def is_over(self, day: str) -> bool:
        """Whether it ended before a day, YYYY-MM-DD."""
        return self.until is not None and self.until < day


class Holds:
    """The holds of a home, read once.

    Raises:
        Damaged: the file is not what was written.
    """

    def __init__(self, home: Home) -> None:
        self._file: Path = home.vault / FILE
        self._keys = Keys(home.keys)
        self._persons = self._read()

    def all(self) -> tuple[Hold, ...]:
        """Every hold, the oldest first."""
        return tuple(sorted(self._persons.values(), key=lambda one: one.since))

    def of(self, user: str) -> Hold | None:
        """The hold of a person that is in force today; None: nothing is held."""
        found = self._persons.get(self._hashed(user)) if self._persons else None
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        return None if found is None or found.is_over(today) else found

    def put(self, user: str, hold: Hold) -> None:
        """Hold a person, in the place of an earlier hold."""
        self._write({**self._persons, self._hashed(user): hold})

    def lift(self, user: str) -> bool:
        """End a hold; False: there was none."""
        hashed = self._hashed(user)
        is_there = hashed in self._persons
        if is_there:
            self._write({one: hold for one, hold in self._persons.items() if one != hashed})
        return is_there

    def _hashed(self, user: str) -> str:
        if self._persons and not self._keys.are_there():
            raise RecordError(
                f"{self._file} cannot be read without the keys of the record, and it says of whom nothing may be "
                f"removed; restore them to {self._keys.folder}"
            )
        return self._keys.mark(user, PURPOSE)

    def _write(self, persons: dict[str, Hold]) -> None:
        self._persons = persons
        plain = {hashed: asdict(one) for hashed, one in sorted(persons.items())}
        with whole_file(self._file) as temporary:
            temporary.write_text(json.dumps({"persons": plain}, indent=1) + "\n", "utf-8")

    def _read(self) -> dict[str, Hold]:
        try:
            plain = json.loads(self._file.read_text("utf-8"))["persons"]
            return {hashed: Hold(**one) for hashed, one in plain.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Damaged(
                f"{self._file} is damaged ({type(error).__name__}), and it says of whom nothing may be removed; "
                "restore it from a backup"
            ) from None
