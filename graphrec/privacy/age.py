"""Files encrypted with age (age-encryption.org/v1): to public keys, opened with the secret one, by `age` too."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from graphrec.errors import SettingsError, SourceError, UsageError
from graphrec.extras import needs_extra

IDENTITY = "GRAPHREC_BACKUP_IDENTITY"
"""Variable with the secret key, where no file names it."""
_HEADER = b"age-encryption.org/v1\n"


def is_encrypted(path: Path) -> bool:
    """Whether a file begins as one of age does."""
    try:
        with path.open("rb") as file:
            return file.read(len(_HEADER)) == _HEADER
    except OSError:
        return False


@needs_extra("backup", "an encrypted backup")
def recipients(keys: Sequence[str]) -> list[Any]:
    """Whom a file is encrypted to.

    Raises:
        UsageError: one of them is no public key.
    """
    from pyrage import RecipientError, x25519

    found = []
    for key in keys:
        try:
            found.append(x25519.Recipient.from_str(key.strip()))
        except RecipientError:
            shown = "a secret key, which belongs into no command" if key.startswith("AGE-SECRET-KEY") else repr(key)
            raise UsageError(
                f"--encrypt wants a public key of age (age1…), not {shown}; make one: age-keygen"
            ) from None
    return found


@needs_extra("backup", "an encrypted backup")
def encrypt(plain: Path, target: Path, to: Sequence[Any]) -> None:
    """Write a file encrypted to some recipients."""
    from pyrage import encrypt_file

    encrypt_file(str(plain), str(target), list(to))


@needs_extra("backup", "an encrypted backup")
def decrypt(sealed: Path, target: Path, identity: Path | None) -> None:
    """Write what a file holds.

    Args:
        identity: file with secret keys, as age-keygen writes it; None: GRAPHREC_BACKUP_IDENTITY holds one.

    Raises:
        SettingsError: there is no secret key, or it is none.
        SourceError: it does not open the file, or that was changed.
    """
    from pyrage import DecryptError, IdentityError, decrypt_file, x25519

    try:
        text = os.environ.get(IDENTITY, "") if identity is None else identity.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{identity} cannot be read ({type(error).__name__}); want a file of age-keygen") from None
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    where = IDENTITY if identity is None else str(identity)
    if not lines:
        raise SettingsError(
            f"{sealed} is encrypted, and {where} holds no secret key; give --identity FILE, or set {IDENTITY}"
        )
    try:
        keys = [x25519.Identity.from_str(line) for line in lines]
    except IdentityError:
        raise SettingsError(f"{where} holds no secret key of age (AGE-SECRET-KEY-1…); make one: age-keygen") from None
    try:
        decrypt_file(str(sealed), str(target), keys)
    except (DecryptError, OSError) as error:
        raise SourceError(f"{sealed} is not opened by {where}: {error}; take its secret key, or another file") from None
