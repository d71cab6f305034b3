"""Entries under the keys of their persons.

A sealed entry is a commitment (32 bytes), a nonce (12) and AES-GCM over a salt (16) and the deflated entry. The
commitment is the SHA-256 of salt and entry: the chain holds what was recorded, and once the key is destroyed nobody can
guess it from the hash.
"""

import hashlib
import os
import zlib
from collections.abc import Callable
from functools import cache

from graphrec.errors import RecordError
from graphrec.records.keys import decrypt, encrypt

COMMITMENT, SALT = 32, 16
LEVEL = 2
"""Of compression: 6 takes twice as long for a twelfth fewer bytes."""


@cache
def _compress() -> Callable[[bytes, int], bytes]:
    """How entries are deflated: where isal is installed in a third of the time, for a twentieth more bytes."""
    try:
        from isal.isal_zlib import compress
    except ImportError:
        return zlib.compress
    return compress


def seal_entry(plain: bytes, slot: int, key: bytes) -> bytes:
    """An entry that only this key opens."""
    salt = os.urandom(SALT)
    body = encrypt(key, salt + _compress()(plain, LEVEL), b"entry %d" % slot)
    return hashlib.sha256(salt + plain).digest() + body


def open_entry(sealed: bytes, slot: int, key: bytes) -> bytes:
    """The entry, compared with its commitment.

    Raises:
        RecordError: another key sealed it, or it is not what was sealed.
    """
    body = decrypt(key, sealed[COMMITMENT:], b"entry %d" % slot)
    if body is None:
        raise RecordError(f"key {slot} does not open it")
    plain = zlib.decompress(body[SALT:])
    if hashlib.sha256(body[:SALT] + plain).digest() != sealed[:COMMITMENT]:
        raise RecordError("it is not what its commitment says")
    return plain
