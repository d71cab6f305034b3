"""Sinks: what takes the lists of all users. A sink is a `SinkSpec`, shipped here or by an entry point `graphrec.sinks`.

To add one, write a module with a class that has `write` and `finish`, and a `SinkSpec`, and name the spec in the entry
points of its package:

    [project.entry-points."graphrec.sinks"]
    xml = "bank_sinks.xml:XML"

`graphrec export --out lists.xml` then finds it by the suffix, `--to NAME` one that writes no file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from graphrec.errors import UsageError
from graphrec.progress import Progress, silent

if TYPE_CHECKING:
    from graphrec.features.sources.text.cache import StoredVectors
    from graphrec.serving.answer import Answer, ListOptions
    from graphrec.serving.engine import Engine
    from graphrec.store.base import Store

GROUP = "graphrec.sinks"
SHIPPED = (
    "graphrec.delivery.text_files:CSV",
    "graphrec.delivery.text_files:JSON_LINES",
    "graphrec.delivery.parquet:PARQUET",
    "graphrec.delivery.store_sink:STORE",
)


@dataclass(frozen=True)
class SinkReport:
    """What an export delivered."""

    users: int
    rows: int
    without_list: int
    """Users without enough evidence for any product, or whom the policy leaves none."""

    def lines(self) -> list[str]:
        """The report as a person reads it."""
        lines = [f"{self.rows:,} rows for {self.users:,} users"]
        return lines + self._without()

    def _without(self) -> list[str]:
        text = f"{self.without_list:,} users have no list: too little evidence, or the policy leaves them nothing"
        return [text] if self.without_list else []


@dataclass(frozen=True)
class Target:
    """Where a sink delivers to, and what it may use."""

    engine: Engine
    out: Path | None
    """The file, for sinks that write one."""
    raw: bool
    """Write cells that a spreadsheet would take for formulas as they are."""
    bom: bool
    """Begin a text file with a byte order mark."""
    open_store: Callable[[], Store]
    texts: Callable[[], StoredVectors | None]
    """The text vectors of the home, None where there are none."""

    @property
    def file(self) -> Path:
        """The file of a sink that writes one."""
        assert self.out is not None, "a sink with a suffix is chosen by its file"
        return self.out


class Sink(Protocol):
    """Takes answers, then finishes."""

    def write(self, answers: Sequence[Answer]) -> None:
        """Take the answers of some users, each with its items in order of rank."""
        ...

    def finish(self, totals: SinkReport) -> SinkReport:
        """Complete the delivery after the last answer, and return what was delivered."""
        ...


@dataclass(frozen=True)
class SinkSpec:
    """A sink: its name, and how it is opened."""

    name: str
    open: Callable[[Target], AbstractContextManager[Sink]]
    """The context commits the delivery when it ends well, and leaves nothing after an error."""
    suffix: str | None = None
    """Of the files it writes, such as `.csv`; None: it writes no file and is named by `--to NAME`."""
    reasons: int = 1
    """Lines of each product that it delivers."""
    chunk: int = 1_000
    """Users whose answers it takes at once."""


def sinks() -> tuple[SinkSpec, ...]:
    """The shipped sinks, then those of other packages.

    Raises:
        UsageError: an entry point names no sink, or two sinks have one name or suffix.
    """
    found = [getattr(import_module(module), name) for module, _, name in (one.partition(":") for one in SHIPPED)]
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            spec = point.load()
        except Exception as error:
            raise UsageError(
                f"sink {point.name} ({point.value}) cannot be loaded: {error}; remove its package"
            ) from error
        if not isinstance(spec, SinkSpec):
            raise UsageError(f"entry point {point.name} of {GROUP} is no SinkSpec: {point.value}; remove its package")
        found.append(spec)
    taken = [key for spec in found for key in (spec.name, spec.suffix) if key]
    for key in taken:
        if taken.count(key) > 1:
            raise UsageError(f"two sinks are called {key}; remove the package of one of them")
    return tuple(found)


def sink_for(out: Path | None, to: str | None) -> SinkSpec:
    """The sink of a file, by its suffix, or of a name.

    Raises:
        UsageError: there is none, or both a file and a name are given.
    """
    known = sinks()
    names = [spec.name for spec in known if spec.suffix is None]
    suffixes = [spec.suffix for spec in known if spec.suffix]
    if to is not None:
        named = [spec for spec in known if spec.name == to and spec.suffix is None]
        if not named or out is not None:
            raise UsageError(f"--to {to}: want --to {' or '.join(names)}, or --out FILE, not both")
        return named[0]
    if out is None:
        raise UsageError(f"where to? --out FILE ({', '.join(suffixes[:-1])} or {suffixes[-1]}), or --to {names[0]}")
    for spec in known:
        if spec.suffix == out.suffix.lower():
            return spec
    written = out.suffix or "a file without a suffix"
    raise UsageError(f"--out {out}: cannot write {written}; use {', '.join(suffixes)}")


Recorded = Callable[["Sequence[Answer]"], None]


def unrecorded(_answers: Sequence[Answer]) -> None:
    """Records nothing."""


def deliver(
    spec: SinkSpec,
    target: Target,
    k: int,
    options: ListOptions,
    *,
    record: Recorded = unrecorded,
    progress: Progress = silent,
) -> SinkReport:
    """Deliver the k best products of every user to a sink.

    Args:
        record: takes the answers before the sink does.
        options: of the lists.
    """
    rows = without = 0
    total = len(target.engine.users)
    with spec.open(target) as sink:
        for answers in _answers(target.engine, k, options, spec.chunk):
            record(answers)
            sink.write(answers)
            rows += sum(len(answer.items) for answer in answers)
            without += sum(not answer.items for answer in answers)
            progress("lists", target.engine.users.ids.find(answers[-1].user) + 1, total)
        return sink.finish(SinkReport(total, rows, without))


def _answers(engine: Engine, k: int, options: ListOptions, chunk: int) -> Iterator[list[Answer]]:
    from graphrec.serving.lists import recommend_many

    for start in range(0, len(engine.users), chunk):
        yield list(recommend_many(engine, range(start, min(start + chunk, len(engine.users))), k, options))
