"""Certificates of erasure, signed with a key of the home (ed25519).

    records/certificates/<number>.json   what was removed, what had to stay and why; no id of the person
    vault/keys/signing                   the signing key, encrypted under the key of the home

The certificate names the person by a commitment: the SHA-256 of 32 random bytes and the id. Who holds these bytes and
the id can show that the certificate is about that id; nobody else can test an id against it. docs/privacy.md has a
script that checks one without graphrec.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphrec.errors import RecordError
from graphrec.files import make_folder, whole_file
from graphrec.home import Home
from graphrec.records.blocks import canonical
from graphrec.records.keys import Keys, decrypt, encrypt

FOLDER, SIGNING = "certificates", "signing"
NONCE = 32


def commitment(user: str) -> tuple[str, str]:
    """What stands for a person in a certificate, and the bytes (as hexadecimal digits) that open it."""
    nonce = os.urandom(NONCE)
    return hashlib.sha256(nonce + user.encode("utf-8", "surrogatepass")).hexdigest(), nonce.hex()


def sign(home: Home, content: Mapping[str, Any]) -> dict[str, Any]:
    """A certificate: the content, the public key, and the signature over both.

    Raises:
        RecordError: the signing key cannot be opened.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    private = Ed25519PrivateKey.from_private_bytes(_seed(home))
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    signed = {**content, "public_key": public}
    return {**signed, "signature": private.sign(canonical(signed)).hex()}


def is_signed(document: Mapping[str, Any]) -> bool:
    """Whether a document is as it was signed, by the public key that it names."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    signed = {name: value for name, value in document.items() if name != "signature"}
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(document["public_key"]))
        key.verify(bytes.fromhex(document["signature"]), canonical(signed))
    except (InvalidSignature, KeyError, TypeError, ValueError):
        return False
    return True


def keep(home: Home, certificate: Mapping[str, Any]) -> Path:
    """Put a certificate into the record of its home; where it is."""
    folder = home.records / FOLDER
    make_folder(folder)
    path = folder / f"{len(list(folder.glob('*.json'))) + 1:06}.json"
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(certificate, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return path


def _seed(home: Home) -> bytes:
    path, key = home.keys / SIGNING, Keys(home.keys).home_key()
    try:
        found = decrypt(key, path.read_bytes(), SIGNING.encode())
    except FileNotFoundError:
        found = os.urandom(32)
        with whole_file(path) as temporary:
            temporary.write_bytes(encrypt(key, found, SIGNING.encode()))
    if found is None:
        raise RecordError(f"{path} cannot be opened with the key of this home; restore both from one backup")
    return found
