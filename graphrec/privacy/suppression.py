"""Persons who must not come back: keyed hashes of their ids, which loads and events ask first.

vault/suppressed.json   by keyed hash, when the person was forgotten; without the key of the home nobody can tell whose
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from graphrec.errors import Damaged, RecordError
from graphrec.files import whole_file
from graphrec.home import Home
from graphrec.records.keys import Keys

FILE = "suppressed.json"
PURPOSE = "suppressed"


@dataclass(frozen=True)
class Suppressed:
    """A person on the list."""

    since: str
    certificate: str | None = None
    """The file of the certificate of erasure; None: the erasure was not completed."""


class Suppression:
    """The list of a home, read once."""

    def __init__(self, home: Home) -> None:
        self._file = home.vault / FILE
        self._keys = Keys(home.keys)
        self._persons = _read(self._file)

    def __len__(self) -> int:
        """How many persons are on it."""
        return len(self._persons)

    def among(self, users: Iterable[str]) -> set[str]:
        """Those of some persons who are on the list.

        Raises:
            SettingsError: GRAPHREC_KEY is not the key of this home.
            RecordError: the key of the home is gone.
        """
        return {user for user in users if self._hashed(user) in self._persons} if self._persons else set()

    def of(self, user: str) -> Suppressed | None:
        """What the list says of a person; None: that one is not on it."""
        return self._persons.get(self._hashed(user)) if self._persons else None

    def add(self, users: Collection[str]) -> None:
        """Put persons on the list, on the disk when this returns; those who are on it keep their date."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._write({**{self._hashed(user): Suppressed(now) for user in users}, **self._persons})

    def certify(self, users: Collection[str], certificate: str) -> None:
        """Note that the erasure of these persons is completed."""
        done = {one: replace(self._persons[one], certificate=certificate) for one in map(self._hashed, users)}
        self._write({**self._persons, **done})

    def _hashed(self, user: str) -> str:
        if self._persons and not self._keys.are_there():
            raise RecordError(
                f"{self._file} cannot be read without the keys of the record, and it says who must not come back; "
                f"restore them to {self._keys.folder}"
            )
        return self._keys.mark(user, PURPOSE)

    def _write(self, persons: dict[str, Suppressed]) -> None:
        self._persons = persons
        _put(self._file, persons)


def merged(newer: Path, older: Path) -> None:
    """Write into the older list of one home also those of the newer; the older one need not be there."""
    _put(older, {**_read(older), **_read(newer)})


def _put(file: Path, persons: dict[str, Suppressed]) -> None:
    plain = {hashed: asdict(one) for hashed, one in sorted(persons.items())}
    with whole_file(file) as temporary:
        temporary.write_text(json.dumps({"persons": plain}, indent=1) + "\n", "utf-8")


def _read(file: Path) -> dict[str, Suppressed]:
    try:
        plain = json.loads(file.read_text("utf-8"))["persons"]
        return {hashed: Suppressed(**one) for hashed, one in plain.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged(
            f"{file} is damaged ({type(error).__name__}), and it says who was forgotten; restore it from a backup "
            "before anything is loaded"
        ) from None
