"""Keys of persons in escrow: what a retention rule keeps readable until a date, and nobody reads without leave.

vault/keys/escrow.json   by slot: the key, encrypted under the key of the home and bound to slot, date and rule; since
                         when, until when and by which rule; no id

The slot of such a key is zeros, as of a destroyed one: entries under it are erased for every command. A release, which
the record names with reason and who asked, puts a copy back until it is closed; at its date the key is destroyed.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from graphrec.errors import Damaged, RecordError, UsageError
from graphrec.files import whole_file
from graphrec.records.keys import Keys, decrypt, encrypt

FILE = "escrow.json"


@dataclass(frozen=True)
class Escrowed:
    """One key in escrow."""

    slot: int
    person: str
    """A keyed hash."""
    until: str
    """The last day, YYYY-MM-DD, that the entries have to be kept."""
    rule: str
    since: str
    key: str
    """Encrypted, as hexadecimal digits."""
    released: str | None = None
    """Since when its entries can be read; None: they cannot."""

    def is_over(self, day: str) -> bool:
        """Whether it ended before a day, YYYY-MM-DD."""
        return self.until < day

    @property
    def about(self) -> bytes:
        """What the encrypted key is bound to."""
        return json.dumps([self.slot, self.person, self.until, self.rule]).encode("ascii")


class Escrow:
    """The keys in escrow of a home.

    Raises:
        Damaged: the file is not what was written.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._file = keys.folder / FILE
        self._held = _read(self._file)

    def all(self) -> tuple[Escrowed, ...]:
        """Every key, the one that ends first first."""
        return tuple(sorted(self._held.values(), key=lambda one: (one.until, one.slot)))

    def of(self, person: str) -> Escrowed | None:
        """The key of a person; None: it is not here."""
        if not self._held:
            return None
        mark = self._mark(person)
        return next((one for one in self.all() if one.person == mark), None)

    def of_slot(self, slot: int) -> Escrowed | None:
        """The key that was in a slot; None: it is not here."""
        return self._held.get(slot)

    def put(self, persons: Sequence[str], until: str, rule: str) -> list[int]:
        """Take the keys of persons out of their slots and into escrow; the slots.

        The file is on the disk before a slot is emptied: a killed command is run again.
        """
        since = datetime.now(UTC).isoformat(timespec="seconds")
        made = {}
        for person in persons:
            slot = self._keys.slot_of(person)
            if slot is None:
                continue
            one = Escrowed(slot, self._mark(person), until, rule, since, "")
            made[slot] = replace(one, key=encrypt(self._keys.home_key(), self._keys.key(slot), one.about).hex())
        if made:
            self._write({**self._held, **made})
        for person in persons:
            self._keys.destroy(person)
        return sorted(made)

    def release(self, person: str) -> Escrowed | None:
        """Put the key of a person back into its slot; None: it is not here.

        Raises:
            RecordError: the file was changed.
        """
        one = self.of(person)
        if one is None:
            return None
        if one.released is None:
            key = decrypt(self._keys.home_key(), bytes.fromhex(one.key), one.about)
            if key is None:
                raise RecordError(f"{self._file} was changed: the key in slot {one.slot} does not open")
            # First the note, so that nothing is readable that is not to be closed.
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self._write({**self._held, one.slot: replace(one, released=now)})
            self._keys.put_back(person, one.slot, key)
        return one

    def close(self, person: str) -> Escrowed | None:
        """End a release; None: the key is not here."""
        one = self.of(person)
        if one is not None and one.released is not None:
            self._keys.destroy(person)
            self._write({**self._held, one.slot: replace(one, released=None)})
        return one

    def destroy_over(self, day: str) -> tuple[Escrowed, ...]:
        """Destroy the keys whose date is before a day, YYYY-MM-DD; which these were."""
        over = tuple(one for one in self.all() if one.is_over(day))
        for one in over:
            if one.released is not None:
                self._keys.empty(one.slot)
        if over:
            # The old file is opened first: when the new one is in its place, the bytes of the old one become zeros.
            with self._file.open("r+b") as old:
                self._write({slot: one for slot, one in self._held.items() if one not in over})
                old.write(bytes(os.fstat(old.fileno()).st_size))
                old.flush()
                os.fsync(old.fileno())
        return over

    def _mark(self, person: str) -> str:
        return self._keys.mark(person, "escrow")

    def _write(self, held: dict[int, Escrowed]) -> None:
        self._held = held
        plain = [asdict(one) for _, one in sorted(held.items())]
        with whole_file(self._file) as temporary:
            temporary.write_text(json.dumps({"keys": plain}, indent=1) + "\n", "utf-8")


def day_of(text: str, option: str) -> str:
    """A day as YYYY-MM-DD.

    Raises:
        UsageError: the text is none.
    """
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise UsageError(f"{option} {text} is no date; want YYYY-MM-DD") from None


def _read(file: Path) -> dict[int, Escrowed]:
    try:
        plain: list[dict[str, Any]] = json.loads(file.read_text("utf-8"))["keys"]
        return {one["slot"]: Escrowed(**one) for one in plain}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(
            f"{file} is damaged ({type(error).__name__}), and it holds the keys of what has to be kept; restore it "
            "from a copy of the keys"
        ) from None
