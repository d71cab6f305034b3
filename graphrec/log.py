"""Where log lines go: standard error, one line each, without secrets."""

import logging
import os
import re
import sys

_SIGNED_IN = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+@")


class _Masked(logging.Formatter):
    """Writes a record without passwords."""

    def format(self, record: logging.LogRecord) -> str:
        text = _SIGNED_IN.sub("***@", super().format(record))
        password = os.environ.get("NEO4J_PASSWORD")
        return text.replace(password, "***") if password else text


def set_up(level: str) -> None:
    """Send the log lines of graphrec at or above `level` to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Masked("%(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("graphrec")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(level.upper())
