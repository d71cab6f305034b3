"""API keys of a home: made and revoked by `graphrec access`, kept as hashes.

A key reads `grk_ID_SECRET`. The secret has 256 random bits, so that one SHA-256 of it cannot be inverted by guessing.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from graphrec.errors import SettingsError, UnknownId, UsageError
from graphrec.files import whole_file
from graphrec.service.access.roles import ROLES, Caller, Role

FILE = "access.json"


@dataclass(frozen=True)
class Key:
    """One key, without its secret."""

    id: str
    name: str
    role: Role
    sha256: str
    """Of the secret."""
    created: str
    revoked: str | None = None
    adviser: str | None = None

    @property
    def caller(self) -> Caller:
        """Who asks with this key."""
        return Caller(self.id, self.role, self.adviser)


class Keys:
    """The keys of a home; a change by another process is seen at the next look.

    Args:
        folder: of the home.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / FILE
        self._seen: tuple[int, int] | None = None
        self._keys: dict[str, Key] = {}

    def all(self) -> tuple[Key, ...]:
        """Every key, revoked ones too, in the order in which they were made.

        Raises:
            SettingsError: the file is damaged.
        """
        try:
            found = self.file.stat()
        except FileNotFoundError:
            self._seen, self._keys = None, {}
            return ()
        state = (found.st_mtime_ns, found.st_size)
        if state != self._seen:
            try:
                self._keys = {one["id"]: Key(**one) for one in json.loads(self.file.read_text("utf-8"))["keys"]}
            except (ValueError, KeyError, TypeError) as error:
                raise SettingsError(
                    f"{self.file} is damaged ({type(error).__name__}); restore it from a backup, or remove it and make "
                    "new keys: graphrec access make NAME --role ROLE"
                ) from error
            self._seen = state
        return tuple(self._keys.values())

    def make(self, name: str, role: str, adviser: str | None = None) -> tuple[Key, str]:
        """Make a key; its text is shown once and kept nowhere.

        Returns:
            The key, and its text.

        Raises:
            UsageError: there is no such role, or an adviser's id is missing or out of place.
        """
        if role not in ROLES:
            raise UsageError(f"there is no role {role!r}; want one of {', '.join(ROLES)}")
        if (role == "adviser") != (adviser is not None):
            raise UsageError(
                "a key of the role adviser needs --adviser ID, whose customers it sees"
                if adviser is None
                else f"--adviser is for keys of the role adviser, not of {role}"
            )
        secret = secrets.token_urlsafe(32)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        known = self.all()
        taken = {key.id for key in known}
        while (identity := secrets.token_hex(4)) in taken:
            pass
        key = Key(identity, name, role, _hash(secret), now, adviser=adviser)
        self._write([*known, key])
        return key, f"grk_{key.id}_{secret}"

    def revoke(self, identity: str) -> Key:
        """Revoke a key; it opens nothing from the next request on.

        Raises:
            UnknownId: there is no such key.
        """
        known = {key.id: key for key in self.all()}
        if identity not in known:
            raise UnknownId(f"there is no key {identity!r}; graphrec access list shows them")
        if known[identity].revoked is None:
            known[identity] = replace(known[identity], revoked=datetime.now(UTC).isoformat(timespec="seconds"))
            self._write(list(known.values()))
        return known[identity]

    def caller(self, text: str) -> Caller | None:
        """Who asks with the text of a key; None where it opens nothing."""
        parts = text.split("_", 2)
        if len(parts) != 3 or parts[0] != "grk":
            return None
        self.all()
        key = self._keys.get(parts[1])
        # The hash is compared in any case, so that time tells nothing of which ids there are.
        same = hmac.compare_digest(_hash(parts[2]), key.sha256 if key else "")
        return key.caller if key is not None and same and key.revoked is None else None

    def caller_of(self, identity: str) -> Caller | None:
        """Who asks with the key of this id, shown before; None where there is none, or it was revoked."""
        self.all()
        key = self._keys.get(identity)
        return key.caller if key is not None and key.revoked is None else None

    def any(self) -> bool:
        """Whether any key opens anything."""
        return any(key.revoked is None for key in self.all())

    def _write(self, keys: Sequence[Key]) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(self.file) as temporary:
            temporary.touch(0o600)
            temporary.chmod(0o600)
            temporary.write_text(json.dumps({"keys": [asdict(key) for key in keys]}, indent=1) + "\n", "utf-8")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
