"""What each stage of the work did: one line with counts and seconds, as text or as JSON, without personal values.

Modules call `stage`; the command line calls `set_up`, which decides where the lines go. A program that uses graphrec as
a library receives them from the logger `graphrec` of the standard library and needs no `set_up`.
"""

import hashlib
import hmac
import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from graphrec.files import append_line, make_folder
from graphrec.frozen import dataclass

Fact = str | int | float | bool | None
Format = Literal["text", "json"]
FORMATS: tuple[str, ...] = get_args(Format)

_LOGGER = logging.getLogger("graphrec")
_LOGGER.addHandler(logging.NullHandler())
_SIGNED_IN = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+@")
_FACTS = "graphrec_facts"


@dataclass
class Stage:
    """One piece of work while it runs."""

    name: str
    facts: dict[str, Fact] = field(default_factory=dict)

    def count(self, **facts: Fact) -> None:
        """Add counts and other facts to the line; never an id, a name or another value of a person."""
        self.facts.update(facts)


@contextmanager
def stage(name: str, /, *, level: int = logging.INFO, **facts: Fact) -> Iterator[Stage]:
    """Log one line when the block ends, also when it fails: the name, the facts, the seconds.

    A failure adds `failed`, the class of the error. Its message is left out, because it may hold a customer's id.

    Args:
        name: of the stage, such as `snapshot`.
        level: of the line.
        facts: what is known at the start; `Stage.count` adds what is known later.
    """
    found = Stage(name, dict(facts))
    began = time.perf_counter()
    try:
        yield found
    except BaseException as error:
        found.count(failed=type(error).__name__)
        raise
    finally:
        found.count(seconds=round(time.perf_counter() - began, 3))
        _LOGGER.log(level, name, extra={_FACTS: found.facts})


def set_up(level: str, *, form: Format = "text", file: Path | None = None, only_below: Path | None = None) -> None:
    """Send log lines at or above `level` to standard error, and those at or above info to a file.

    Args:
        level: debug, info, warning or error. With debug the file gets the debug lines too.
        form: one `NAME: key=value …` or one JSON object a line.
        file: lines are appended to it; its folder is made. None: no file.
        only_below: the file is written only while this path exists (a home that is not there yet is not made).
    """
    stderr = logging.StreamHandler(sys.stderr)
    stderr.setLevel(level.upper())
    stderr.setFormatter(_Lines(form, dated=False))
    handlers: list[logging.Handler] = [stderr]
    if file is not None:
        appended = _AppendedFile(file, only_below)
        appended.setLevel(min(logging.INFO, stderr.level))
        appended.setFormatter(_Lines(form, dated=True))
        handlers.append(appended)
    _LOGGER.handlers = handlers
    _LOGGER.propagate = False
    _LOGGER.setLevel(min(handler.level for handler in handlers))


class _Lines(logging.Formatter):
    """Writes a record as one line without passwords."""

    def __init__(self, form: Format, *, dated: bool) -> None:
        super().__init__()
        self._form = form
        self._dated = dated

    def format(self, record: logging.LogRecord) -> str:
        facts: dict[str, Fact] = getattr(record, _FACTS, {})
        message = " ".join(record.getMessage().splitlines())
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if self._form == "json":
            what = "stage" if facts else "message"
            head = {"at": at, "level": record.levelname.lower(), "process": record.process, what: message}
            return _masked(json.dumps({**head, **facts}, ensure_ascii=False))
        text = f"{record.levelname} {message}" + (":" if facts else "")
        text = " ".join([text, *(f"{name}={_shown(value)}" for name, value in facts.items())])
        return _masked(f"{at} {text}" if self._dated else text)


class _AppendedFile(logging.Handler):
    """Appends each line to a file with one write, so that lines of several processes do not mix."""

    def __init__(self, path: Path, only_below: Path | None) -> None:
        super().__init__()
        self._path = path
        self._only_below = only_below
        self._is_broken = False

    def emit(self, record: logging.LogRecord) -> None:
        if self._is_broken or (self._only_below is not None and not self._only_below.exists()):
            return
        line = self.format(record)
        try:
            make_folder(self._path.parent)
            append_line(self._path, line)
        except OSError as error:
            self._is_broken = True
            _LOGGER.warning(
                "log file %s cannot be written: %s; the work goes on without it", self._path, error.strerror
            )


def _shown(value: Fact) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return str(value) if isinstance(value, str) and re.fullmatch(r"[^\s=\"\\]+", value) else text


def _masked(text: str) -> str:
    text = _SIGNED_IN.sub("***@", text)
    password = os.environ.get("NEO4J_PASSWORD")
    return text.replace(password, "***") if password else text


def hashed_id(secret: bytes, text: str) -> str:
    """What stands for an id in a log that others may read: an HMAC under the secret of the home."""
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()[:32]
