"""The keys of a decision record: one a person, so that what is recorded of one person can be made unreadable.

    home.key  64 hexadecimal digits; it is not there where GRAPHREC_KEY gives them
    persons   one slot of 80 bytes a key, the first one for entries about no person

A slot holds a keyed hash of the person's id (16 bytes), a nonce (12) and the person's key, encrypted with AES-GCM under
the key of the home (48), and 4 zeros. A destroyed key is a slot of zeros: nothing says whose it was.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from graphrec.errors import RecordError, SettingsError
from graphrec.files import flush, made_once, make_folder, private, whole_file
from graphrec.home import Home
from graphrec.records.slots import MARK, SLOT, SlotIndex

VARIABLE = "GRAPHREC_KEY"
HOME_KEY, PERSONS = "home.key", "persons"
KEY, TAG, NONCE = 32, MARK, 12
_EMPTY, _UNUSED = bytes(SLOT), 4
_INDEXES: dict[Path, SlotIndex] = {}
"""Of the files of this process."""
_ON_DISK: dict[Path, tuple[int, int]] = {}
"""Of the files of this process the inode, and how many slots were on the disk when it held the lock last."""


class Erased(RecordError):
    """The key of an entry's person was destroyed: nobody can read the entry any more, and it still verifies."""


def encrypt(key: bytes, plain: bytes, about: bytes) -> bytes:
    """A nonce and AES-GCM of some bytes under a key of 32 bytes, bound to what they are about."""
    nonce = os.urandom(NONCE)
    return nonce + bytes(_cipher()[0](key).encrypt(nonce, plain, about))


def decrypt(key: bytes, sealed: bytes, about: bytes) -> bytes | None:
    """What was encrypted; None where it was with another key, about something else, or was changed."""
    cipher, invalid = _cipher()
    try:
        return bytes(cipher(key).decrypt(sealed[:NONCE], sealed[NONCE:], about))
    except (invalid, ValueError):
        return None


@cache
def _cipher() -> tuple[Any, type[Exception]]:
    """AES-GCM, and what says that it was another key: they are imported once."""
    from cryptography.exceptions import InvalidTag

    try:
        # 5 ms; the public path imports every cipher, which is 25 ms of an answer.
        from cryptography.hazmat.bindings._rust import openssl

        made: Any = openssl.aead.AESGCM
    except (ImportError, AttributeError):
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        made = AESGCM
    return made, InvalidTag


class Keys:
    """The keys in a folder; several processes may use them at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._home_key: bytes | None = None
        self._known: dict[str | None, tuple[int, bytes]] = {}

    @classmethod
    def beside(cls, record: Path) -> "Keys":
        """The keys of the record of a home."""
        return cls(Home(record.parent).keys)

    def are_there(self) -> bool:
        """Whether there is any key."""
        return self._size() > 0

    def for_entries(self, persons: Sequence[str | None]) -> list[tuple[int, bytes]]:
        """Slot and key of each person, on the disk when this returns; new persons get a key.

        Args:
            persons: None: an entry about no person.

        Raises:
            SettingsError: GRAPHREC_KEY is no key, or not the one of this home.
            RecordError: the key of the home is gone.
            OSError: the folder cannot be written.
        """
        unknown = [person for person in dict.fromkeys(persons) if person not in self._known]
        if unknown:
            self._look_up(unknown)
            unknown = [person for person in unknown if person not in self._known]
        if unknown:
            with self._locked():
                if not self._size():
                    self._begin()
                secret = self._secret()
                found = self._find([self._tag(secret, person) for person in unknown])
                new: list[tuple[bytes, bytes]] = []
                for person, slot in zip(unknown, found, strict=True):
                    if slot is None:
                        slot = self._size() // SLOT + len(new)
                        new.append(self._made(secret, person, slot))
                        self._known[person] = slot, new[-1][1]
                    else:
                        self._known[person] = slot, self._opened(secret, slot)
                if new:
                    self._append([packed for packed, _ in new])
                state = (self.folder / PERSONS).stat()
                _ON_DISK[self.folder / PERSONS] = state.st_ino, state.st_size // SLOT
        return [self._known[person] for person in persons]

    def _look_up(self, persons: Sequence[str | None]) -> None:
        """Take up the keys that were on the disk when this process held the lock last: for these it need not wait."""
        path = self.folder / PERSONS
        inode, count = _ON_DISK.get(path, (0, 0))
        with suppress(FileNotFoundError), path.open("rb") as file:
            if os.fstat(file.fileno()).st_ino != inode:
                return
            secret = self._secret()
            for person, slot in zip(persons, self._find([self._tag(secret, one) for one in persons]), strict=True):
                if slot is not None and slot < count:
                    with suppress(Erased):  # since it was found
                        packed = os.pread(file.fileno(), SLOT, slot * SLOT)
                        self._known[person] = slot, self._decrypted(secret, slot, packed)

    def key(self, slot: int) -> bytes:
        """The key in a slot.

        Raises:
            Erased: it was destroyed.
            RecordError: it is not there, or damaged.
            SettingsError: GRAPHREC_KEY is not the key of this home.
        """
        return self._opened(self._secret(), slot)

    def slot_of(self, person: str) -> int | None:
        """The slot of a person; None where nothing is recorded of that one, or the key was destroyed."""
        return self._find([self._tag(self._secret(), person)])[0] if self._size() else None

    def destroy(self, person: str) -> bool:
        """Make unreadable what is recorded of a person; False where there is no key of that one.

        The bytes of the key are overwritten and on the disk when this returns. A copy of the file made before still
        has them, encrypted under the key of the home.
        """
        with self._locked():
            slot = self.slot_of(person)
            if slot is None:
                return False
            self._write(slot, _EMPTY)
        self._known.pop(person, None)
        return True

    def empty(self, slot: int) -> None:
        """Make a slot zeros, as `destroy` does, whoever's it is."""
        with self._locked():
            self._write(slot, _EMPTY)

    def put_back(self, person: str, slot: int, key: bytes) -> None:
        """Put a key back into the slot that it had, which is empty.

        Raises:
            RecordError: something is in the slot, or it is not there.
        """
        with self._locked():
            if self._packed(slot) != _EMPTY:
                raise RecordError(f"slot {slot} of {self.folder / PERSONS} is not empty; no key can be put back there")
            secret = self._secret()
            packed = self._tag(secret, person) + encrypt(secret, key, b"key %d" % slot)
            self._write(slot, packed.ljust(SLOT, b"\0"))
        # The index knows appended slots alone.
        _INDEXES.pop((self.folder / PERSONS).absolute(), None)

    def mark(self, text: str, purpose: str) -> str:
        """A keyed hash: what stands for a text where nobody without the key of the home may find or test it.

        Args:
            purpose: 16 bytes at most; marks of different purposes cannot be compared.

        Raises:
            SettingsError: GRAPHREC_KEY is no key, or not the one of this home.
            RecordError: the key of the home is gone.
            OSError: the folder cannot be written.
        """
        key = self._home_key or self.home_key()
        plain = text.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(plain, digest_size=TAG, key=key, person=purpose.encode()).hexdigest()

    def home_key(self) -> bytes:
        """The key of the home, made where there is none yet; raises as `mark`."""
        if not self._size():
            with self._locked():
                if not self._size():
                    self._begin()
        return self._secret()

    def _begin(self) -> None:
        """Make the key of the home and that of entries about no person."""
        if not os.environ.get(VARIABLE) and not (self.folder / HOME_KEY).exists():
            with whole_file(self.folder / HOME_KEY) as temporary:
                temporary.write_text(os.urandom(KEY).hex() + "\n", "ascii")
        packed, _ = self._made(self._secret(), None, 0)
        self._append([packed])
        flush(self.folder)

    def _secret(self) -> bytes:
        """The key of the home, compared with the first slot."""
        if self._home_key is None:
            given = os.environ.get(VARIABLE)
            where = VARIABLE if given else str(self.folder / HOME_KEY)
            try:
                secret = bytes.fromhex(given.strip()) if given else made_once(self.folder / HOME_KEY, _key_in)
            except FileNotFoundError:
                raise RecordError(
                    f"the key of this home is gone: there is no {where}; restore it from a backup, or set {VARIABLE}"
                ) from None
            except ValueError:
                secret = b""
            if len(secret) != KEY:
                raise SettingsError(f"{where} is no key: want {2 * KEY} hexadecimal digits")
            if self._size() >= SLOT and self._packed(0)[:TAG] != self._tag(secret, None):
                raise SettingsError(f"{where} is not the key that this home's record was written with; set that one")
            self._home_key = secret
        return self._home_key

    @staticmethod
    def _tag(secret: bytes, person: str | None) -> bytes:
        """What stands for a person in a slot: nobody without the key of the home can compute it."""
        plain, kind = ("", b"bank") if person is None else (person, b"person")
        return hashlib.blake2b(
            plain.encode("utf-8", "surrogatepass"), digest_size=TAG, key=secret, person=kind
        ).digest()

    def _made(self, secret: bytes, person: str | None, slot: int) -> tuple[bytes, bytes]:
        """The bytes of a new slot, and the key in it."""
        key = os.urandom(KEY)
        return (self._tag(secret, person) + encrypt(secret, key, b"key %d" % slot)).ljust(SLOT, b"\0"), key

    def _opened(self, secret: bytes, slot: int) -> bytes:
        return self._decrypted(secret, slot, self._packed(slot))

    def _decrypted(self, secret: bytes, slot: int, packed: bytes) -> bytes:
        """The key in the bytes of a slot."""
        if packed == _EMPTY:
            raise Erased("the key of its person was destroyed")
        key = decrypt(secret, packed[TAG : SLOT - _UNUSED], b"key %d" % slot)
        if key is None:
            raise RecordError(
                f"key {slot} in {self.folder / PERSONS} is damaged or not there; restore the file from a backup"
            )
        return key

    def _find(self, tags: Sequence[bytes]) -> list[int | None]:
        """The slots of persons, None where there is none."""
        path = (self.folder / PERSONS).absolute()
        # Of two threads the first one's stays.
        return (_INDEXES.get(path) or _INDEXES.setdefault(path, SlotIndex(path))).find(tags)

    def _packed(self, slot: int) -> bytes:
        """The bytes of a slot; fewer where it is not there."""
        try:
            with (self.folder / PERSONS).open("rb") as file:
                file.seek(slot * SLOT)
                return file.read(SLOT)
        except FileNotFoundError:
            return b""

    def _size(self) -> int:
        try:
            return (self.folder / PERSONS).stat().st_size
        except FileNotFoundError:
            return 0

    def _write(self, slot: int, packed: bytes) -> None:
        """Bring the bytes of a slot to the disk."""
        with (self.folder / PERSONS).open("r+b") as file:
            file.seek(slot * SLOT)
            file.write(packed)
            file.flush()
            os.fsync(file.fileno())

    def _append(self, slots: Sequence[bytes]) -> None:
        """Bring new slots to the disk; half a slot that a killed process left is cut off before."""
        path = self.folder / PERSONS
        with open(path, "ab", opener=private) as file:
            file.truncate(self._size() // SLOT * SLOT)
            file.write(b"".join(slots))
            file.flush()
            os.fsync(file.fileno())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        make_folder(self.folder)
        with open(self.folder / "lock", "ab", opener=private) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _key_in(file: Path) -> bytes:
    return bytes.fromhex(file.read_text("ascii").strip())
