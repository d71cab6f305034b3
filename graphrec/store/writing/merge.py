"""A load into a store that holds rows already: compared in Arrow, written in transactional batches.

Killed at any moment, it leaves whole batches; the same load run again brings the same content as an undisturbed one.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, LiteralString

import numpy as np
from numpy.typing import NDArray

from graphrec import queries
from graphrec.errors import StoreError
from graphrec.graph.rows import Counts, Identities, Part, Source
from graphrec.progress import Progress, silent
from graphrec.schema import GraphSchema
from graphrec.store.base import BATCH_ROWS, SourceInfo, Statement, Store
from graphrec.store.checks.check import DAMAGED
from graphrec.store.checks.contents import Contents, digest_series, sum_split
from graphrec.store.checks.tally import Tally
from graphrec.store.kinds import Kind, columns_of, kinds_of
from graphrec.store.series import remove_series, write_series
from graphrec.store.values import to_rows, to_stored
from graphrec.store.writing import diff
from graphrec.store.writing.loading import (
    CLAIMS,
    Completion,
    check_fits,
    is_current,
    mark_of,
    property_rows,
    row_fields,
    series_files,
    stored_fields,
    touched_text,
    unique_pairs,
)

if TYPE_CHECKING:
    import pyarrow as pa


class MergeSink:
    """Merges the rows of one load into a store; no other process writes to it meanwhile.

    Args:
        store: any store; only its primitives are used.
    """

    def __init__(self, store: Store, progress: Progress = silent) -> None:
        self._store = store
        self._progress = progress
        self._new_edges: LiteralString = "load/new_edges"  # no one else writes: what was not found is not there
        self._source: Source | None = None
        self._before: SourceInfo | None = None
        self._others: list[SourceInfo] = []
        self._tally = Tally(Contents(), is_trusted=False)
        self._is_marked = False
        self._stored: dict[Kind, diff.Stored] = {}
        self._kept: dict[Kind, list[pa.Array]] = {}
        self._series: list[str] = []

    @property
    def source(self) -> Source:
        """The source of the running load.

        Raises:
            StoreError: none is.
        """
        if self._source is None:
            raise StoreError("rows came before the load began; call begin first")
        return self._source

    def is_current(self, source: Source) -> bool:
        """Whether the last full load of this source read the same files and all it wrote is there."""
        return is_current(self._store, source)

    def begin(self, source: Source) -> None:
        """Start a load; nothing is written before its first rows."""
        known = {one.name: one for one in self._store.sources()}
        check_fits(source, list(known.values()))
        self._source, self._before, self._is_marked = source, known.pop(source.name, None), False
        self._others = list(known.values())
        contents = self._store.contents()
        is_trusted = contents is not None and not contents.is_edited and not self._unfinished
        self._tally = Tally(contents or Contents(), is_trusted=is_trusted)

    def known_ids(self, label: str) -> "pa.Array":
        """The ids an edge may name; in a full load, not the ids that only earlier loads of this source brought."""
        import pyarrow as pa
        import pyarrow.compute as pc

        chunks = self._store.stream(queries.text("load/ids", {"Node": label}), {"source": self.source.name})
        ids = [one for chunk in chunks for one, others in chunk if others or not self.source.full]
        brought = [array.cast(pa.string()) for array in self._kept.get(Kind(label), [])]
        found = pc.unique(pa.concat_arrays([pa.array(ids, pa.string()), *brought]))
        return found.take(pc.sort_indices(found))

    def would_remove(self, brought: Mapping[str, Identities]) -> dict[str, tuple[int, int]]:
        """How many rows of this source are there, and how many of them this load would remove; nothing is written.

        Raises:
            StoreError: nodes that others wrote into a shared store have ids of this load.
        """
        self._check_free(brought)
        found: dict[str, tuple[int, int]] = {}
        touched = self._before.touched if self._before is not None and self.source.full else ()
        for kind in sorted((Kind(*one) for one in touched), key=lambda kind: kind.as_list()):
            whole = self._whole(kind)
            kept = [diff.identities(brought[kind.name](), kind.identity)] if kind.name in brought else []
            there, gone = int(whole.is_own.sum()), len(diff.missing(whole, kept))
            before = found.get(kind.name, (0, 0))
            found[kind.name] = (before[0] + there, before[1] + gone)
        return found

    def _check_free(self, brought: Mapping[str, Identities]) -> None:
        """Pass a load whose nodes nobody else has written; where others may write at all."""
        if not self._store.is_shared:
            return
        for label in self.source.schema.nodes:
            theirs = {row[0] for row in self._store.query(queries.text("load/foreign_nodes", {"Node": label})).rows}
            if not theirs or label not in brought:
                continue
            both = sorted(theirs & set(brought[label]()["id"].to_pylist()))
            if both:
                some = ", ".join(both[:3]) + (" …" if len(both) > 3 else "")
                raise StoreError(
                    f"{self._store.address} holds {len(both):,} {label} that graphrec did not write and this load "
                    f"would take over ({some}); nothing was written; give the label another name in the mapping, such "
                    f"as nodes.Bank{label}, or take a database of its own: NEO4J_DATABASE"
                )

    def add_nodes(self, label: str, rows: "pa.Table") -> Counts:
        """Merge nodes by id."""
        return self._add(Kind(label), rows)

    def add_edges(self, edge_type: str, rows: "pa.Table") -> Counts:
        """Merge edges by source, target and key."""
        edge = self.source.schema.edges[edge_type]
        return self._add(Kind(edge_type, edge.source, edge.target), rows)

    def add_series(self, name: str, rows: "pa.RecordBatchReader") -> None:
        """Replace this source's rows of a series; an increment adds to them."""
        self._mark()
        write_series(self._store.series_folder, self.source.name, name, rows, full=self.source.full)
        self._series.append(name)

    def finish(self, split: "dict[Part, pa.Table] | None") -> dict[str, int]:
        """Remove the rows that a full load did not bring, then complete the load in one transaction."""
        self._mark()
        removed = self._remove_missing() if self.source.full else {}
        touched = self._touched(before=not self.source.full)
        split = self._split(split)
        if self.source.full:
            remove_series(self._store.series_folder, self.source.name, self._series)
        left = [] if self.source.full else [mark for mark in self._unfinished if mark != mark_of(self.source)]
        contents = self._contents(split)
        completion = Completion(self.source, split, self._schema(), self._files_hash(), touched, contents, left)
        self._store.transaction([*self._doubts(), *completion.statements()])
        return removed

    def give_up(self) -> None:
        """Leave the load: its whole batches stay, and the next load of this source completes them."""
        self._source = None

    def _mark(self) -> None:
        """Create the constraints and mark the load as unfinished, before its first write."""
        if not self._is_marked:
            self._store.ensure_schema(self.source.schema)
            touched = touched_text(self._touched(before=True))
            marks = list(dict.fromkeys([*self._unfinished, mark_of(self.source)]))
            begun = {"source": self.source.name, "touched": touched, "unfinished": marks}
            self._store.write(queries.text("load/begin"), begun)
            self._is_marked = True

    @property
    def _unfinished(self) -> tuple[str, ...]:
        """The marks of earlier loads of this source that did not complete."""
        return self._before.unfinished if self._before is not None else ()

    def _names(self) -> list[str]:
        """The sources whose rows are in the account."""
        return [self.source.name, *(one.name for one in self._others)]

    def _contents(self, split: "dict[Part, pa.Table] | None") -> Contents:
        """The account of the store after this load; types whose change is not known are read again."""
        before, name = self._tally.before, self.source.name
        schema = self._schema()
        for other in self._others:
            schema = schema if other.schema is None else other.schema.merge(schema)
        types = {}
        for step, kind in enumerate(kinds := kinds_of(schema)):
            columns = [one for one in row_fields(schema, kind).names if one not in kind.identity]
            total = self._tally.total(kind, columns)
            if total is None:
                self._progress(f"{kind.name}: adding up", step, len(kinds))
                total = self._store.read_rows(kind, columns_of(schema, kind), self._names())[1]
            types[kind.key] = total
        found = self._store.info().totals()
        kept = {key: one for key, one in before.split.items() if key.rpartition("/")[0] != name}
        folder = self._store.series_folder
        others = {file.name for one in self._others for file in series_files(folder, one.name, one.schema)}
        series = {file: digest for file, digest in before.series.items() if file in others}
        own = digest_series(series_files(folder, name, self._schema()))
        return Contents(
            types=types,
            totals={key: found.get(key, 0) for key in types},
            split=kept | sum_split(name, split),
            series=series | own,
            sources={one.name: before.sources[one.name] for one in self._others if one.name in before.sources},
        )

    def _doubts(self) -> list[Statement]:
        """The marks of other sources whose rows may be among those that were lost before this load."""
        statements = []
        for other in self._others:
            if any(Kind(*touched).key in self._tally.damaged for touched in other.touched):
                marks = list(dict.fromkeys([*other.unfinished, DAMAGED]))
                statements.append(Statement(queries.text("load/doubt"), {"source": other.name, "unfinished": marks}))
        return statements

    def _add(self, kind: Kind, rows: "pa.Table") -> Counts:
        self._mark()
        fields = row_fields(self.source.schema, kind)
        rows = rows.select(fields.names).cast(fields)
        incoming = to_stored(rows)
        keys = diff.identities(incoming, kind.identity)
        self._kept.setdefault(kind, []).append(keys)
        whole = self._whole(kind) if self._reads_whole(kind, len(rows)) else None
        found = diff.locate(whole, keys) if whole else None
        counts = Counts(read=len(rows))
        for start in range(0, len(incoming), BATCH_ROWS):
            batch = incoming.slice(start, BATCH_ROWS)
            stored = whole or self._found(kind, batch)
            wanted = keys.slice(start, BATCH_ROWS)
            places = diff.locate(stored, wanted) if found is None else found.slice(start, BATCH_ROWS)
            changes = diff.compare(stored, batch, places)
            self._write(kind, batch, changes)
            self._tally.write(kind, rows.slice(start, BATCH_ROWS), stored, places, changes)
            counts = replace(
                counts,
                created=counts.created + len(changes.created),
                changed=counts.changed + len(changes.changed) + len(changes.filled),
                unchanged=counts.unchanged + changes.unchanged,
            )
            self._progress(kind.name, start + len(batch), len(incoming))
        return counts

    def _write(self, kind: Kind, batch: "pa.Table", changes: diff.Changes) -> None:
        statements = []
        for name, positions, gaps in self._groups(kind, changes):
            rows = property_rows(batch.take(positions), kind.identity, gaps=gaps)
            parameters = {"rows": rows, "source": self.source.name, "run": self.source.run}
            statements.append(Statement(queries.text(name, kind.labels), parameters))
        if statements:
            self._store.transaction(statements)

    def _groups(self, kind: Kind, changes: diff.Changes) -> list[tuple[LiteralString, NDArray[np.int64], bool]]:
        """What to write: a file of load/, the rows it takes, and whether a null takes a value away."""
        is_edge = kind.part == "edges"
        groups: list[tuple[LiteralString, NDArray[np.int64], bool]] = [
            (self._new_edges if is_edge else "load/nodes", changes.created, True),
            ("load/edges" if is_edge else "load/nodes", changes.changed, True),
            ("load/edges" if is_edge else "load/nodes", changes.filled, False),
            ("load/claim_edges" if is_edge else "load/claim_nodes", changes.claimed, True),
        ]
        return [group for group in groups if len(group[1])]

    def _reads_whole(self, kind: Kind, incoming: int) -> bool:
        """Whether to read all stored rows of a kind once: always in a full load, otherwise when it is cheaper."""
        return kind in self._stored or self.source.full or self._count(kind) < 4 * incoming

    def _count(self, kind: Kind) -> int:
        name: LiteralString = "read/count_edges" if kind.part == "edges" else "read/count_nodes"
        return int(self._store.query(queries.text(name, kind.labels)).rows[0][0])

    def _whole(self, kind: Kind) -> diff.Stored:
        # Rows written since are not in it: identities are unique within a load, so they are not asked for again.
        if kind not in self._stored:
            self._progress(f"{kind.name}: reading what is there", 0, None)
            name: LiteralString = "load/stored_edges" if kind.part == "edges" else "load/stored_nodes"
            self._stored[kind] = self._read(kind, name, {})
            self._tally.begin(kind, self._stored[kind])
        return self._stored[kind]

    def _found(self, kind: Kind, batch: "pa.Table") -> diff.Stored:
        name: LiteralString = "load/found_edges" if kind.part == "edges" else "load/found_nodes"
        return self._read(kind, name, {"rows": batch.select(list(kind.identity)).to_pylist()})

    def _read(self, kind: Kind, name: LiteralString, parameters: dict[str, Any]) -> diff.Stored:
        statement = queries.text(name, kind.labels)
        fields, columns = stored_fields(self.source.schema, kind)
        asked = {**parameters, "source": self.source.name, "sources": self._names(), "columns": columns}
        try:
            rows, comparable = to_rows(self._store.stream(statement, asked), fields), True
        except StoreError:
            # A column has changed its kind since: what names the rows is enough, all of them count as changed.
            fixed = stored_fields(None, kind)[0]
            rows, comparable = to_rows(self._store.stream(statement, {**asked, "columns": []}), fixed), False
        return diff.Stored(
            keys=diff.identities(rows, kind.identity),
            is_own=np.asarray(rows["is_own"], np.bool_),
            is_shared=np.asarray(rows["is_shared"], np.bool_),
            is_claimed=np.asarray(rows["is_claimed"], np.bool_),
            rows=rows.drop_columns(list(CLAIMS)).combine_chunks(),
            comparable=comparable,
        )

    def _remove_missing(self) -> dict[str, int]:
        touched = sorted(self._touched(before=True), key=lambda kind: kind.as_list())
        edges = [kind for kind in touched if kind.part == "edges"]
        nodes = [kind for kind in touched if kind.part == "nodes"]
        removed: dict[str, int] = {}
        for kind in edges:
            before = self._count(kind)
            if self._unclaim(kind, "load/unclaim_edges"):
                removed[kind.name] = removed.get(kind.name, 0) + before - self._count(kind)
        for kind in nodes:
            self._unclaim(kind, "load/unclaim_nodes")
        # A node that an edge of another source needs outlives its last source; its turn is when that edge goes.
        ends = {Kind(label) for kind in edges for label in (kind.source, kind.target) if label is not None}
        for kind in sorted({*nodes, *ends}, key=lambda kind: kind.name):
            removed[kind.name] = removed.get(kind.name, 0) + self._drop_unclaimed(kind)
        return {name: count for name, count in removed.items() if count}

    def _unclaim(self, kind: Kind, name: LiteralString) -> int:
        whole = self._whole(kind)
        gone = diff.missing(whole, self._kept.get(kind, []))
        rows = whole.rows.select(list(kind.identity)).take(gone).to_pylist()
        self._store.write(queries.text(name, kind.labels), {"source": self.source.name}, rows)
        self._tally.remove(kind, whole, gone)
        return len(rows)

    def _drop_unclaimed(self, kind: Kind) -> int:
        self._store.write(queries.text("load/drop_recommendations", kind.labels))
        found = self._store.query(queries.text("load/unclaimed_nodes", kind.labels))
        rows = found.records()
        self._store.write(queries.text("load/drop_nodes", kind.labels), {}, rows)
        held = [row["id"] for row in rows if row["is_held"]]
        if held:
            before = self._before.schema if self._before is not None else None
            columns = (
                [column.name for column in columns_of(before, kind)] if before and kind.name in before.nodes else []
            )
            gone = dict.fromkeys([*columns, "known_at"])
            released = [{"id": one, "properties": gone} for one in held]
            self._store.write(queries.text("load/release_nodes", kind.labels), {}, released)
        return len(rows)

    def _touched(self, *, before: bool) -> set[Kind]:
        """The labels and types of this load and, with `before`, of every load since the last complete full one."""
        schema = self.source.schema
        touched = set(kinds_of(schema))
        if before and self._before is not None:
            touched |= {Kind(*one) for one in self._before.touched}
        return touched

    def _schema(self) -> GraphSchema:
        """What is stored of this source from now on."""
        before = self._before.schema if self._before is not None else None
        if self.source.full or before is None:
            return self.source.schema
        return replace(before, roles=self.source.schema.roles).merge(self.source.schema)

    def _files_hash(self) -> str:
        """The hash of the files when the rows are exactly those of a full load of them; otherwise empty."""
        was = self._before.files_hash if self._before is not None else ""
        return self.source.files_hash if self.source.full or was == self.source.files_hash else ""

    def _split(self, split: "dict[Part, pa.Table] | None") -> "dict[Part, pa.Table] | None":
        """The pairs to store: a full load's own, an increment's together with those that are there."""
        if self.source.full:
            return split
        there = self._store.read_splits().get(self.source.name, {})
        together = dict(there)
        for part, pairs in (split or {}).items():
            together[part] = unique_pairs([there[part], pairs] if part in there else [pairs])
        return together
