"""Sinks: what takes the lists of all users. A sink is a `SinkSpec`, shipped here or by an entry point `graphrec.sinks`.

To add one, write a module with a class that has `write`, which takes a `Batch` of rows.py, and `finish`, and a
`SinkSpec`, and name the spec in the entry points of its package:

    [project.entry-points."graphrec.sinks"]
    xml = "bank_sinks.xml:XML"

`graphrec export --to lists.xml` then finds it by the suffix, `--to NAME` one that writes no file, and `--to SCHEME://…`
one with that scheme.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypedDict
from urllib.parse import urlsplit

from graphrec.delivery.journal import Arrived, Journal
from graphrec.delivery.rows import Batch, Form, Packing, Rows, Run
from graphrec.errors import UsageError
from graphrec.progress import Progress, silent
from graphrec.serving.answer import REASONS
from graphrec.serving.drawn import drawn_lists

if TYPE_CHECKING:
    from graphrec.delivery.field_maps import FieldMap
    from graphrec.features.sources.text.cache import StoredVectors
    from graphrec.serving.answer import Answer, ListOptions
    from graphrec.serving.engine import Engine
    from graphrec.store.base import Store

GROUP = "graphrec.sinks"
SHIPPED = (
    "graphrec.delivery.text_files:CSV",
    "graphrec.delivery.text_files:JSON_LINES",
    "graphrec.delivery.parquet:PARQUET",
    "graphrec.delivery.parquet:PARTITIONS",
    "graphrec.delivery.workbook:XLSX",
    "graphrec.delivery.store_sink:STORE",
    "graphrec.delivery.webhook:WEBHOOK",
    "graphrec.delivery.postgres:POSTGRES",
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

    def _without(self, where: str | None = None) -> list[str]:
        text = f"{self.without_list:,} users have no list: too little evidence, or the policy leaves them nothing"
        return [text if where is None else f"{text}: {where}"] if self.without_list else []


class TextForm(TypedDict):
    """How a sink of text writes."""

    raw: bool
    bom: bool
    excel: bool
    decimal: str
    fields: FieldMap | None


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
    excel: bool = False
    """Write a .csv as Excel opens it by a double click: byte order mark, separator and decimal sign of its language."""
    decimal: str = "."
    """The decimal sign of that language."""
    address: str | None = None
    """What --to says, for sinks that write no single file."""
    letters: Path | None = None
    """Folder for what a receiver refuses."""
    fields: FieldMap | None = None
    """The columns of another system, for a .csv; None: our own."""
    rows: Rows | None = None
    """What makes the rows; None: exact ones of a run of today."""

    @property
    def text_form(self) -> TextForm:
        """How a sink of text writes."""
        return TextForm(raw=self.raw, bom=self.bom, excel=self.excel, decimal=self.decimal, fields=self.fields)

    @property
    def run(self) -> Run:
        """What all rows share."""
        assert self.rows is not None, "an export has rows"
        return self.rows.run

    @property
    def file(self) -> Path:
        """The file of a sink that writes one."""
        assert self.out is not None, "a sink with a suffix is chosen by its file"
        return self.out


def shown(address: str) -> str:
    """An address without what may be secret in it."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@dataclass(frozen=True)
class TableTarget:
    """Where a table goes that is no list, such as alerts."""

    out: Path | None
    """The file, or the folder."""
    address: str | None
    letters: Path
    """Folder for what a receiver refuses."""
    name: str = ""
    """Of the table."""
    kind: type[tuple[Any, ...]] = tuple
    """The named tuple that a row is."""
    key: tuple[str, ...] = ()
    run: str = ""
    """Of the file or the batch: the same for the same content."""

    def of(self, name: str, kind: type[tuple[Any, ...]], key: tuple[str, ...], run: str) -> TableTarget:
        """The same for one table."""
        return replace(self, name=name, kind=kind, key=key, run=run)

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the columns."""
        found: tuple[str, ...] = getattr(self.kind, "_fields")  # noqa: B009 - of a named tuple
        return found

    @property
    def file(self) -> Path:
        """The file of a sink that writes one."""
        assert self.out is not None, "a sink with a suffix is chosen by its file"
        return self.out

    @property
    def shown(self) -> str:
        """Where to, without what may be secret in it."""
        if self.out is not None:
            return str(self.out)
        return shown(str(self.address))


class Sink(Protocol):
    """Takes answers, then finishes."""

    def write(self, batch: Batch) -> bool | None:
        """Take the answers of some users and the rows that they make, in order of rank; False: they are refused."""
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
    """Of the files it writes, such as `.csv`; `/`: of folders; None: it writes no file and is named by `--to NAME`."""
    schemes: tuple[str, ...] = ()
    """Of the addresses that it writes to."""
    reasons: int | None = REASONS
    """Reasons and lines of each product that it delivers, at most."""
    lines: bool = True
    """False: of its batches it takes rows, which have reasons and no lines; then no lines are made."""
    form: Callable[[Target], Form | Packing | None] | None = None
    """How rows become text, or packed tables: other processes may do it."""
    takes_parts: bool = True
    """False: what it delivers takes the place of all earlier lists, so that it takes no part of the users."""
    chunk: int = 1_000
    """Users whose answers it takes at once."""
    resumes: bool = False
    """Whether a delivery that was killed goes on with the batches that have not arrived."""
    table: Callable[[TableTarget, Sequence[tuple[Any, ...]]], bool] | None = None
    """Writes a table that is no list, whole or not at all; False: it is refused. None: it takes lists alone."""


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


def sink_for(out: Path | None, to: str | None) -> tuple[SinkSpec, Path | None]:
    """The sink of a file or folder, of a name, or of an address, and the file.

    Args:
        out: a file.
        to: a file, a folder (with a slash at its end), the name of a sink, or an address.

    Raises:
        UsageError: there is none, or both are given.
    """
    known = sinks()
    names = [spec.name for spec in known if spec.suffix is None and not spec.schemes]
    suffixes = [spec.suffix for spec in known if spec.suffix and spec.suffix != "/"]
    schemes = [scheme for spec in known for scheme in spec.schemes]
    if (out is None) == (to is None):
        which = "not both" if to else "which?"
        raise UsageError(
            f"where to? --to FILE ({', '.join(suffixes[:-1])} or {suffixes[-1]}), --to FOLDER/, "
            f"{''.join(f'--to {scheme}://…, ' for scheme in schemes)}or --to {' or '.join(names)}"
            + (f"; --out FILE is the same as --to FILE: {which}" if out else "")
        )
    written = str(out or to)
    kind, colon, rest = written.partition(":")
    kinds = ("file", *names, *schemes, *(suffix[1:] for suffix in suffixes))
    if colon and kind.lower() in kinds and not rest.startswith("//"):
        raise UsageError(f"--to {written}: {kind}: is no address; a file is named alone: --to {rest or 'lists.csv'}")
    for spec in known:
        if out is None and spec.suffix is None and not spec.schemes and spec.name == written:
            return spec, None
        if out is None and "://" in written and written.partition("://")[0].lower() in spec.schemes:
            return spec, None
        if spec.suffix == "/" and written.endswith("/") and "://" not in written:
            return spec, Path(written)
        if spec.suffix and spec.suffix == Path(written).suffix.lower() and "://" not in written:
            return spec, Path(written)
    kind = Path(written).suffix or "a file without a suffix"
    also = "" if out else f", a folder with / at its end, or --to {' or '.join([*names, *schemes])}"
    raise UsageError(f"--{'out' if out else 'to'} {written}: cannot write {kind}; use {', '.join(suffixes)}{also}")


Recorded = Callable[["Sequence[Answer]"], "Sequence[int]"]
#: Makes the batches of numbered users in their order, recorded.
Batches = Callable[["Sequence[tuple[int, Sequence[int]]]"], "Iterable[Batch]"]
Listed = Callable[["Sequence[int]"], "Iterable[Answer]"]


def unrecorded(_answers: Sequence[Answer]) -> Sequence[int]:
    """Records nothing."""
    return ()


def deliver(
    spec: SinkSpec,
    target: Target,
    k: int,
    options: ListOptions,
    *,
    rows: Rows | None = None,
    users: Sequence[int] | None = None,
    record: Recorded = unrecorded,
    lists: Listed | None = None,
    batches: Batches | None = None,
    journal: Journal | None = None,
    progress: Progress = silent,
) -> SinkReport:
    """Deliver the k best products of users to a sink.

    Args:
        options: of the lists.
        rows: makes the rows; None: exact ones of a run of today.
        users: positions in the snapshot; None: all.
        record: takes the answers before the sink does, and returns their numbers, where they have some.
        lists: makes the answers of some users; None: by the engine, with these options.
        batches: makes and records whole batches; None: here, one after another, by `lists` and `record`.
        journal: of what arrived before; None: the sink takes all or nothing.
    """
    engine = target.engine
    makes = rows or Rows(engine, Run.of(engine, k, options))
    chosen = range(len(engine.users)) if users is None else users
    count = without = 0
    makes_lists = lists or partial(drawn_lists, engine, k=k, options=options)
    parts = [chosen[start : start + spec.chunk] for start in range(0, len(chosen), spec.chunk)]
    known = journal.arrived if journal else {}

    def made_here(wanted: Sequence[tuple[int, Sequence[int]]]) -> Iterator[Batch]:
        for number, some in wanted:
            answers = list(makes_lists(some))
            yield replace(makes.batch(answers, record(answers) or [None] * len(answers)), number=number)

    with spec.open(replace(target, rows=makes)) as sink:
        made = iter((batches or made_here)([(n, part) for n, part in enumerate(parts) if n not in known]))
        done = 0
        for number, part in enumerate(parts):
            before = known.get(number)
            if before is None:
                batch = next(made)
                before = Arrived(*batch.counts, batch.lists)
                if sink.write(batch) is not False and journal:
                    journal.add(number, before)
            if makes.pseudonym is None:  # else the lists are of pseudonyms, and `after` has those of the ids already
                makes.after.update({user: tuple(products) for user, products in before.lists.items()})
            count += before.rows
            without += before.without
            done += len(part)
            progress("lists", done, len(chosen))
        report = sink.finish(SinkReport(len(chosen), count, without))
    if journal:
        journal.finish()
    return report
