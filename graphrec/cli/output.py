"""How commands speak: data on standard output, notes and progress on standard error."""

import dataclasses
import io
import json as json_module
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from graphrec.cli.invocation import current
from graphrec.progress import Progress, silent
from graphrec.shown import visible

PLAIN_WIDTH = 160
"""Columns of a table that goes to a file or a pipe."""
SECONDS_BETWEEN_LINES = 5.0


def show_estimate(found: Any, *, json: bool) -> None:
    """Print an estimate: what it is, line by line, or one JSON object."""
    if json:
        emit_json(vars(found))
        return
    for text in found.lines():
        say(text)


def emit_json(value: Any) -> None:
    """Print one JSON object, UTF-8, and nothing else on standard output."""
    text = json_module.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    sys.stdout.flush()
    # A lone surrogate has no UTF-8 form; backslashreplace writes it as the JSON escape it is.
    sys.stdout.buffer.write(text.encode("utf-8", errors="backslashreplace") + b"\n")
    sys.stdout.buffer.flush()


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    if hasattr(value, "tolist"):  # numpy arrays and scalars, without importing numpy
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def say(text: str = "") -> None:
    """Print one line of the answer."""
    print(visible(text))


def width() -> int:
    """Columns to write in: COLUMNS, else those of the terminal, else those of a file or a pipe."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns):
        return int(columns)
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PLAIN_WIDTH


def say_wrapped(text: str, indent: int = 0) -> None:
    """Print a text over as many lines as it needs; those after the first begin further to the right."""
    from rich.cells import cell_len

    room, line, first = max(width(), indent + 20), "", True
    for word in re.findall(r"\s*(?:[\u2e80-\uffef]|[^\s\u2e80-\uffef]+)", visible(text)):
        if line.strip() and cell_len(line + word) > room:
            say(line)
            line, first = " " * indent + word.lstrip(), False
        else:
            line += word
    if line or first:
        say(line)


def say_block(text: str) -> None:
    """Print several lines that belong together, such as a statement."""
    for line in text.split("\n"):
        say(line)


def note(text: str) -> None:
    """Print one line beside the answer, on standard error; nothing with -q."""
    if not current().options.quiet:
        print(visible(text), file=sys.stderr)


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    title: str | None = None,
    right: Sequence[str] = (),
    optional: Sequence[str] = (),
) -> None:
    """Print rows as a table; `right`: columns aligned to the right, `optional`: columns left out where all is empty."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    kept = [place for place, name in enumerate(columns) if name not in optional or any(row[place] for row in rows)]
    drawn = Table(
        box=SIMPLE_HEAD,
        title=Text(visible(title)) if title else None,
        title_justify="left",
        pad_edge=False,
        show_edge=False,
    )
    for name in (columns[place] for place in kept):
        drawn.add_column(Text(visible(name)), justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        # Text, not str: an id may hold square brackets, which rich would read as markup.
        drawn.add_row(*(Text("" if row[place] is None else visible(str(row[place]))) for place in kept))
    if sys.stdout.isatty():
        Console(file=sys.stdout, width=width(), highlight=False, emoji=False).print(drawn)
        return
    plain = Console(file=io.StringIO(), width=width(), highlight=False, emoji=False)
    with plain.capture() as shown:
        plain.print(drawn)
    say_block("\n".join(line.rstrip() for line in shown.get().splitlines()))  # nothing pads a file or a pipe


@contextmanager
def progress(*, json: bool = False) -> Iterator[Progress]:
    """A callback for long work: a bar on a terminal, else a line now and then; nothing with -q."""
    if current().options.quiet:
        yield silent
    elif json or not sys.stderr.isatty():
        yield _Lines().report
    else:
        with _bars() as report:
            yield report


class _Lines:
    """Progress as occasional lines: the first after a few seconds, never two close together."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def report(self, what: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last = now
        name, _, detail = what.partition(": ")
        shown = f"{name}: {done:,} of {total:,}" if total else f"{name}: {done:,}"
        note(f"{shown} ({detail})" if detail else shown)


@contextmanager
def _bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    parts = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    tasks: dict[str, Any] = {}
    with RichProgress(*parts, console=Console(stderr=True), transient=True) as bars:

        def report(what: str, done: int, total: int | None) -> None:
            name = what.partition(": ")[0]
            if name not in tasks:
                tasks[name] = bars.add_task(visible(what), total=total)
            bars.update(tasks[name], description=visible(what), completed=done, total=total)

        yield report


def percent(value: float | None) -> str:
    """A part of 1 in per cent; a dash where there is none."""
    return "–" if value is None else f"{value:.1%}"
