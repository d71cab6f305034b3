"""Time stamps of an outside authority (RFC 3161): asked for over HTTP, verified at once, and later without a network.

What is stamped is the SHA-512 of some bytes; nothing else of the bank leaves it. The answer, with the certificates of
the authority, is kept as text. Whose authority is trusted say the root certificates that the caller names.

Source: RFC 3161, Time-Stamp Protocol; RFC 5816 (its update).
"""

from __future__ import annotations

import base64
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphrec.errors import DeliveryError, RecordError, SourceError, UsageError
from graphrec.extras import needs_extra

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampResponse

SECONDS = 20.0
MOST = 100_000
"""Bytes of an answer at most: the usual ones have some 6,000."""
HEADERS = {"Content-Type": "application/timestamp-query", "User-Agent": "graphrec"}


@needs_extra("stamp", "a time stamp")
def ask(address: str, content: bytes, roots: Path) -> dict[str, Any]:
    """The stamp that an authority gives to some bytes now, as plain values; it was verified.

    Args:
        address: of the authority, http:// or https://; what it answers is signed.
        roots: a PEM file with the root certificates that are trusted.

    Raises:
        DeliveryError: it does not answer, or refuses.
        RecordError: its answer is not a valid stamp of these bytes by an authority that is trusted.
        SourceError: the file of the roots cannot be read.
    """
    from rfc3161_client import TimestampRequestBuilder

    trusted = read_roots(roots)
    query = TimestampRequestBuilder().data(content).build()
    answer = _post(address, query.as_bytes())
    stamp = {"authority": address, "response": base64.b64encode(answer).decode("ascii")}
    at = _verified(_decoded(stamp, address), content, trusted, address, nonce=query.nonce)
    return {**stamp, "at": at.isoformat(timespec="seconds")}


@needs_extra("stamp", "a time stamp")
def check(stamp: Mapping[str, Any], content: bytes, roots: Path | None, where: str) -> datetime:
    """When an authority saw some bytes, by a stamp that was kept; this needs no network.

    Args:
        roots: of the authorities that are trusted; None: that the stamp is of these bytes is checked, and not by whom.
        where: what messages call it.

    Raises:
        RecordError: it is no valid stamp of these bytes.
        SourceError: the file of the roots cannot be read.
    """
    found = _decoded(stamp, where)
    if roots is not None:
        return _verified(found, content, read_roots(roots), where)
    import hashlib

    if found.tst_info.message_imprint.message != hashlib.sha512(content).digest():
        raise RecordError(f"{where}: the time stamp is of other bytes; compare with a copy of the file")
    return found.tst_info.gen_time.astimezone(UTC)


def read_roots(file: Path) -> list[Certificate]:
    """The certificates of a PEM file.

    Raises:
        SourceError: it cannot be read, or holds none.
    """
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError) as error:
        raise SourceError(
            f"--roots {file} is no file of certificates ({error}); want those of the authority as PEM"
        ) from None


def _post(address: str, query: bytes) -> bytes:
    if not address.startswith(("https://", "http://")):
        raise UsageError(f"--tsa {address}: want https:// or http://")
    request = urllib.request.Request(address, query, HEADERS, method="POST")  # noqa: S310 - http and https alone
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310 - just checked
            return bytes(response.read(MOST))
    except (OSError, ValueError) as error:
        raise DeliveryError(
            f"the time stamp authority {address} does not answer ({error}); nothing was written: run it again"
        ) from None


def _decoded(stamp: Mapping[str, Any], where: str) -> TimeStampResponse:
    from rfc3161_client import PKIStatus, decode_timestamp_response

    try:
        found = decode_timestamp_response(base64.b64decode(str(stamp["response"]), validate=True))
        status = PKIStatus(found.status)
    except (KeyError, ValueError, TypeError) as error:
        raise RecordError(f"{where}: this is no answer of a time stamp authority ({error})") from None
    if status != PKIStatus.GRANTED:
        why = "; ".join(found.status_string) or status.name.lower().replace("_", " ")
        raise DeliveryError(f"{where}: the time stamp authority refuses: {why}")
    return found


def _verified(
    found: TimeStampResponse, content: bytes, roots: list[Certificate], where: str, nonce: int | None = None
) -> datetime:
    from rfc3161_client import VerificationError, VerifierBuilder

    builder = VerifierBuilder(roots=roots) if nonce is None else VerifierBuilder(roots=roots, nonce=nonce)
    try:
        builder.build().verify_message(found, content)
    except VerificationError as error:
        raise RecordError(
            f"{where}: the time stamp is not valid ({error}); take another authority, or the roots of this one"
        ) from None
    return found.tst_info.gen_time.astimezone(UTC)
