"""The audit log of the service: who asked what when, without an id of a customer that anybody could read.

One JSON line a request in `logs/access-YYYY-MM.log` of the home. Customers and products are HMACs under the secret of
the home, so that an auditor who has the home finds the lines of a customer, and a thief of the log nobody.
"""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

from graphrec.files import append_line
from graphrec.log import hashed_id


class AuditLog:
    """Appends to the log of a home.

    Args:
        folder: of the logs.
        secret: 32 bytes.
    """

    def __init__(self, folder: Path, secret: bytes) -> None:
        self._folder, self._secret = folder, secret
        self._lock = threading.Lock()

    def hashed(self, text: str | None) -> str | None:
        """What the log holds for an id."""
        return None if text is None else hashed_id(self._secret, text)

    def add(
        self,
        *,
        caller: str,
        role: str,
        operation: str,
        status: int,
        user: str | None = None,
        product: str | None = None,
        seconds: float | None = None,
    ) -> None:
        """Append one line; several workers may."""
        now = datetime.now(UTC)
        line = {
            "at": now.isoformat(timespec="milliseconds"),
            "caller": caller,
            "role": role,
            "operation": operation,
            "status": status,
            "user": self.hashed(user),
            "product": self.hashed(product),
        }
        if seconds is not None:
            line["seconds"] = round(seconds, 6)
        file = self._folder / f"access-{now:%Y-%m}.log"
        with self._lock:
            try:
                append_line(file, json.dumps(line))
            except FileNotFoundError:  # the first line of all
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                append_line(file, json.dumps(line))
