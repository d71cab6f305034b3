"""Runs a mapping: get, transform, load, cleanup."""

import time
from collections.abc import Callable
from collections.abc import Mapping as Keys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from graphrec.graph.memory import MemorySink
from graphrec.graph.rows import Counts, LoadReport, Part, Sink, Source
from graphrec.loading.mapping.specs import Mapping
from graphrec.loading.persons.marks import refuse_elsewhere, unmarked
from graphrec.loading.run.clean import Stored, counts_of, fill_last
from graphrec.loading.run.rejects import check_limit, write_rejected
from graphrec.loading.run.removals import MAX_REMOVED, check_removals
from graphrec.loading.run.select import only_selects
from graphrec.loading.run.transform import (
    Checked,
    KnownIds,
    Staged,
    Suppressed,
    check_rows,
    covered_until,
    rows,
    split_rows,
    stage,
)
from graphrec.loading.sources.database import SQL_SECONDS, lock_database, open_database, scratch_folder
from graphrec.loading.sources.files import find_files, hash_files, read_databases, read_files
from graphrec.progress import Progress, silent
from graphrec.schema import EdgeSchema, GraphSchema, NodeSchema


@dataclass(frozen=True)
class _Run:
    """One run of a mapping over a folder."""

    mapping: Mapping
    data_dir: Path
    full: bool
    max_rejected: int | float
    rejected_path: Path | None
    sql_seconds: float
    progress: Progress
    suppressed: Suppressed | None


def run_load(
    mapping: Mapping,
    data_dir: str | Path,
    sink: Sink,
    *,
    incremental: bool = False,
    max_rejected: float = 0,
    max_removed: float = MAX_REMOVED,
    rejected_path: Path | None = None,
    scratch: Path | None = None,
    sql_seconds: float = SQL_SECONDS,
    progress: Progress = silent,
    covering: Callable[[Source, Keys[str, int]], None] | None = None,
    suppressed: Suppressed | None = None,
    stored: Stored | None = None,
) -> LoadReport:
    """What a load of these files into a sink did; all counts are 0 when it had nothing to do.

    Args:
        incremental: merge only; without it, what this source wrote earlier and does not bring again goes.
        max_rejected: how many rows may be rejected; a float below 1 is a share of the rows read.
        max_removed: how much of what it brought earlier a full load may remove, by label and edge type: a number of
            rows, or a float up to 1 as a share.
        rejected_path: where the rejected rows are written.
        scratch: folder in which decoded files and spilled tables lie meanwhile, usually the home; the system's own
            when there is none.
        sql_seconds: how long a statement may run.
        covering: called, before anything is written, with the time up to which the files have events, by their type,
            in microseconds since 1970.
        suppressed: says which of some persons were forgotten: their rows are left out and counted.
        stored: gives the values that the store has, for gaps that the mapping fills with them.

    Raises:
        SourceError: the mapping or a file is not usable.
        RejectedRows: too many rows were rejected; nothing was written.
        TooManyRemoved: a full load would remove too many rows; nothing was written.
    """
    began = time.monotonic()
    mapping = only_selects(mapping)
    run = _Run(mapping, Path(data_dir), not incremental, max_rejected, rejected_path, sql_seconds, progress, suppressed)
    found = find_files(mapping, run.data_dir)
    with (
        scratch_folder(scratch) as folder,
        open_database(folder, blame=mapping.where, advice="correct its SQL") as database,
    ):
        copied = read_databases(database, mapping, progress)
        files_hash = hash_files(mapping, found, copied, run.data_dir, progress)
        source = Source(mapping.name, _run_name(mapping, files_hash), run.full, _declared(mapping), files_hash)
        if sink.is_current(source):
            return _report(mapping, source.run, dict.fromkeys(_statements(mapping), Counts()), began)
        staged = get(database, run, found, folder)
        refuse_elsewhere(database, staged)
        source = replace(source, schema=staged.schema)
        sink.begin(source)
        fill_last(database, mapping, stored)
        checked = transform(database, run, staged, sink.known_ids)
        check_removals(database, mapping, checked, sink, max_removed if run.full else None)
        if covering is not None:
            covering(source, covered_until(database, staged, checked, sql_seconds))
        counts = load(database, checked, sink, progress)
        counts = cleanup(database, checked, sink, counts)
        mended = {**staged.folded, **counts_of(database, mapping, checked.nodes)}
    return replace(_report(mapping, source.run, counts, began), cleaned=mended)


def check(
    mapping: Mapping,
    data_dir: str | Path,
    sink: Sink | None = None,
    *,
    incremental: bool = False,
    max_rejected: float = 0,
    max_removed: float = MAX_REMOVED,
    rejected_path: Path | None = None,
    scratch: Path | None = None,
    sql_seconds: float = SQL_SECONDS,
    progress: Progress = silent,
    suppressed: Suppressed | None = None,
    stored: Stored | None = None,
) -> LoadReport:
    """What a load would read, reject and remove; everything is done but the writing.

    Args:
        sink: that of the load, where there is a store already: it is only asked.
        incremental, max_rejected, max_removed, rejected_path, scratch, sql_seconds, suppressed, stored: as for
            `run_load`.

    Raises:
        SourceError: the mapping or a file is not usable.
        RejectedRows: a load with this limit would fail.
        TooManyRemoved: so it would with that one.
    """
    began = time.monotonic()
    mapping = only_selects(mapping)
    run = _Run(mapping, Path(data_dir), not incremental, max_rejected, rejected_path, sql_seconds, progress, suppressed)
    found = find_files(mapping, run.data_dir)
    with (
        scratch_folder(scratch) as folder,
        open_database(folder, blame=mapping.where, advice="correct its SQL") as database,
    ):
        read_databases(database, mapping, progress)
        staged = get(database, run, found, folder)
        refuse_elsewhere(database, staged)
        marks = unmarked(database, staged)
        asked = sink or MemorySink()
        asked.begin(Source(mapping.name, _run_name(mapping, ""), run.full, staged.schema, ""))
        fill_last(database, mapping, stored)
        checked = transform(database, run, staged, asked.known_ids)
        mended = {**staged.folded, **counts_of(database, mapping, checked.nodes)}
        gone = check_removals(database, mapping, checked, asked, max_removed if run.full else None)
    counts = {
        statement: replace(one, removed=gone.get(statement.partition(".")[2], 0))
        for statement, one in checked.counts.items()
    }
    return replace(_report(mapping, "", counts, began), marks=marks, cleaned=mended)


def get(database: duckdb.DuckDBPyConnection, run: _Run, found: dict[str, list[Path]], scratch: Path) -> Staged:
    """Read the files into tables, lock the database, and run the statements."""
    absent = read_files(database, run.mapping, found, run.data_dir, scratch, run.progress)
    lock_database(database)
    return stage(database, run.mapping, absent, run.sql_seconds, run.progress)


def transform(database: duckdb.DuckDBPyConnection, run: _Run, staged: Staged, known_ids: KnownIds) -> Checked:
    """Check all rows, write down the rejected ones, and stop when they are too many."""
    checked = check_rows(database, staged, known_ids, run.progress, full=run.full, suppressed=run.suppressed)
    if run.rejected_path:
        write_rejected(database, run.rejected_path)
    check_limit(database, staged.mapping, checked.counts, run.max_rejected, run.rejected_path)
    return checked


def load(database: duckdb.DuckDBPyConnection, checked: Checked, sink: Sink, progress: Progress) -> dict[str, Counts]:
    """Hand the good rows to the sink: nodes, then edges, then series; returns the counts by statement."""
    counts = dict(checked.counts)
    for plans, add in ((checked.nodes, sink.add_nodes), (checked.edges, sink.add_edges)):
        for kind, plan in plans.items():
            given = counts[plan.statement]
            total, done = given.read - given.rejected - given.suppressed, 0
            for table in rows(database, plan):
                progress(f"loading {kind}", done, total)
                counts[plan.statement] = _sum(counts[plan.statement], add(kind, table))
                done += table.num_rows
            progress(f"loading {kind}", total, total)
    for kind, plan in checked.series.items():
        batches = (batch for table in rows(database, plan) for batch in table.to_batches())
        sink.add_series(kind, pa.RecordBatchReader.from_batches(plan.schema, batches))
    return counts


def cleanup(
    database: duckdb.DuckDBPyConnection, checked: Checked, sink: Sink, counts: dict[str, Counts]
) -> dict[str, Counts]:
    """Complete the load; on a full one the sink removes what this source did not bring again."""
    split: dict[Part, pa.Table] = {part: split_rows(database, plan) for part, plan in checked.split.items()}
    removed = sink.finish(split or None)
    by_kind = {kind: plan.statement for plans in (checked.nodes, checked.edges) for kind, plan in plans.items()}
    return {
        **counts,
        **{by_kind[kind]: replace(counts[by_kind[kind]], removed=n) for kind, n in removed.items() if kind in by_kind},
    }


def _run_name(mapping: Mapping, files_hash: str) -> str:
    return f"{mapping.name}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{files_hash[:8]}"


def _declared(mapping: Mapping) -> GraphSchema:
    """The schema as far as the mapping alone says it, without the columns of its statements."""
    return GraphSchema(
        roles=mapping.roles,
        nodes={label: NodeSchema(label) for label in mapping.nodes},
        edges={kind: EdgeSchema(kind, edge.source.label, edge.target.label) for kind, edge in mapping.edges.items()},
    )


def _statements(mapping: Mapping) -> list[str]:
    return [*(f"nodes.{label}" for label in mapping.nodes), *(f"edges.{kind}" for kind in mapping.edges)]


def _sum(mine: Counts, more: Counts) -> Counts:
    return replace(
        mine,
        created=mine.created + more.created,
        changed=mine.changed + more.changed,
        unchanged=mine.unchanged + more.unchanged,
    )


def _report(mapping: Mapping, run: str, counts: dict[str, Counts], began: float) -> LoadReport:
    return LoadReport(
        mapping=mapping.name,
        run=run,
        nodes={label: counts[f"nodes.{label}"] for label in mapping.nodes},
        edges={kind: counts[f"edges.{kind}"] for kind in mapping.edges},
        seconds=round(time.monotonic() - began, 3),
    )
