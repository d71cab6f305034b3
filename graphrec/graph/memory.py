"""A sink that keeps everything in memory: for snapshots straight from a mapping, and for tests."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphrec.errors import GraphrecError
from graphrec.graph.rows import Counts, Identities, Part, Source, edge_fields, node_fields
from graphrec.schema import GraphSchema

_EDGE_KEY = ("source", "target", "key")


@dataclass
class _Brought:
    """The rows of one source."""

    source: Source
    nodes: dict[str, pa.Table] = field(default_factory=dict)
    edges: dict[str, pa.Table] = field(default_factory=dict)
    series: dict[str, pa.Table] = field(default_factory=dict)
    split: dict[Part, pa.Table] = field(default_factory=dict)


class MemorySink:
    """Merged tables of all loads: `schema`, `nodes`, `edges`, `series` and `split` are complete after `finish`."""

    def __init__(self) -> None:
        self.nodes: dict[str, pa.Table] = {}
        self.edges: dict[str, pa.Table] = {}
        self.series: dict[str, pa.Table] = {}
        self.split: dict[Part, pa.Table] | None = None
        self._schema: GraphSchema | None = None
        self._sources: dict[str, _Brought] = {}
        """By name of the source, in the order of their loads."""
        self._current: _Brought | None = None
        self._batches: dict[tuple[str, str], list[pa.Table]] = {}
        self._full_hash: dict[str, str] = {}

    @property
    def schema(self) -> GraphSchema:
        """The schema of all sources together.

        Raises:
            GraphrecError: nothing was loaded yet.
        """
        if self._schema is None:
            raise GraphrecError("nothing was loaded yet; load a mapping first")
        return self._schema

    def is_current(self, source: Source) -> bool:
        """Whether nothing changed since the last full load of this source."""
        return self._full_hash.get(source.name) == source.files_hash

    def begin(self, source: Source) -> None:
        """Start a load; the rows of an unfinished one are dropped."""
        others = [brought.source.schema for name, brought in self._sources.items() if name != source.name]
        reduce(GraphSchema.merge, [*others, source.schema])
        self._current = _Brought(source)
        self._batches = {}

    def known_ids(self, label: str) -> pa.Array:
        """The ids of other sources, and of this one too where the load adds to what it brought before."""
        current = self._current
        ids = [
            brought.nodes[label]["id"]
            for name, brought in self._sources.items()
            if label in brought.nodes and not (current and current.source.full and current.source.name == name)
        ]
        return _sorted_unique(ids)

    def would_remove(self, brought: Mapping[str, Identities]) -> dict[str, tuple[int, int]]:
        """How many rows of this source are there, and how many of them this load would remove."""
        before = self._sources.get(self._begun().source.name)
        if before is None or not self._begun().source.full:
            return {}
        return {
            kind: (table.num_rows, _count_gone(table, brought[kind]() if kind in brought else None))
            for kind, table in {**before.nodes, **before.edges}.items()
        }

    def add_nodes(self, label: str, rows: pa.Table) -> Counts:
        """Take nodes of one label."""
        return self._add("nodes", label, rows, self.nodes.get(label), ("id",))

    def add_edges(self, edge_type: str, rows: pa.Table) -> Counts:
        """Take edges of one type."""
        return self._add("edges", edge_type, rows, self.edges.get(edge_type), _EDGE_KEY)

    def add_series(self, name: str, rows: pa.RecordBatchReader) -> None:
        """Take the rows of a series."""
        self._batches.setdefault(("series", name), []).append(rows.read_all())

    def finish(self, split: dict[Part, pa.Table] | None) -> dict[str, int]:
        """Merge the rows of this load with those of the others; returns how many were removed, by label and type."""
        current = self._begun()
        name = current.source.name
        before = self._sources.pop(name, None)
        for (part, kind), tables in self._batches.items():
            getattr(current, part)[kind] = pa.concat_tables(tables)
        if before and not current.source.full:
            _keep_earlier(current, before)
        current.split = dict(split or (before.split if before and not current.source.full else {}))
        self._sources[name] = current
        self._full_hash.pop(name, None)
        if current.source.full:
            self._full_hash[name] = current.source.files_hash
        self._current, self._batches = None, {}
        return self._merge()

    def _begun(self) -> _Brought:
        if self._current is None:
            raise GraphrecError("rows came without a load; call begin first")
        return self._current

    def _add(self, part: str, kind: str, rows: pa.Table, known: pa.Table | None, key: tuple[str, ...]) -> Counts:
        self._begun()
        self._batches.setdefault((part, kind), []).append(rows)
        if known is None or known.num_rows == 0:
            return Counts(created=rows.num_rows)
        found = pc.index_in(_identity(rows, key), _identity(known, key))
        met = rows.filter(pc.is_valid(found))
        same = _equal_rows(met, known.take(pc.drop_null(found)))
        return Counts(created=rows.num_rows - met.num_rows, changed=met.num_rows - same, unchanged=same)

    def _merge(self) -> dict[str, int]:
        """Rebuild the merged tables; where two sources have a value, that of the newer load is taken."""
        newest = list(self._sources.values())[::-1]
        schema = self._schema = reduce(GraphSchema.merge, [brought.source.schema for brought in newest[::-1]])
        was = {kind: table for tables in (self.nodes, self.edges) for kind, table in tables.items()}
        self.nodes = {
            label: _coalesce([b.nodes[label] for b in newest if label in b.nodes], node_fields(node.columns), ("id",))
            for label, node in schema.nodes.items()
        }
        self.edges = {
            kind: _coalesce([b.edges[kind] for b in newest if kind in b.edges], edge_fields(edge.columns), _EDGE_KEY)
            for kind, edge in schema.edges.items()
        }
        self._drop_loose_edges(schema)
        names = {name for brought in newest for name in brought.series}
        by_name = [brought for _, brought in sorted(self._sources.items())]
        self.series = {name: latest_series([b.series[name] for b in by_name if name in b.series]) for name in names}
        parts: dict[Part, pa.Table] = {}
        for brought in reversed(newest):
            parts.update(brought.split)
        self.split = parts or None
        now = {**self.nodes, **self.edges}
        return {kind: removed for kind, table in was.items() if (removed := _count_gone(table, now.get(kind)))}

    def _drop_loose_edges(self, schema: GraphSchema) -> None:
        """Remove the edges of which an end was removed, those of other sources too."""
        for kind, edge in schema.edges.items():
            table = self.edges[kind]
            for column, label in (("source", edge.source), ("target", edge.target)):
                if len(self._sources) > 1 and label in self.nodes:
                    table = table.filter(pc.is_in(table[column], self.nodes[label]["id"].combine_chunks()))
            self.edges[kind] = table


def _sorted_unique(ids: Iterable[pa.ChunkedArray]) -> pa.Array:
    chunks = [chunk for each in ids for chunk in each.chunks]
    if not chunks:
        return pa.array([], pa.string())
    unique = pc.unique(pa.chunked_array(chunks))
    return unique.take(pc.sort_indices(unique))


def _identity(table: pa.Table, key: tuple[str, ...]) -> pa.ChunkedArray:
    """One text per row that no other key gives: the texts of the key, and where each of them ends."""
    texts = [table[column] for column in key]
    if len(key) == 1:
        return texts[0]
    lengths = [pc.binary_length(text).cast(pa.string()) for text in texts[:-1]]
    return pc.binary_join_element_wise(*lengths, *texts, ":")


def _equal_rows(rows: pa.Table, known: pa.Table) -> int:
    """How many rows change nothing; a missing value changes nothing."""
    same = np.ones(rows.num_rows, dtype=bool)
    for column in rows.column_names:
        if column not in known.column_names:
            equal = pc.is_null(rows[column])
        else:
            equal = pc.or_(pc.fill_null(pc.equal(rows[column], known[column]), False), pc.is_null(rows[column]))
        same &= equal.combine_chunks().to_numpy(zero_copy_only=False)
    return int(same.sum())


def _coalesce(tables: list[pa.Table], form: pa.Schema, key: tuple[str, ...]) -> pa.Table:
    """One row per identity, each column from the first table that has a value."""
    whole = pa.concat_tables([with_form(table, form) for table in tables]) if tables else form.empty_table()
    if len(tables) < 2:
        return whole
    first = pc.ScalarAggregateOptions(skip_nulls=True)
    others = [column for column in form.names if column not in key]
    merged = whole.group_by(list(key), use_threads=False).aggregate([(column, "first", first) for column in others])
    return merged.rename_columns([column.removesuffix("_first") for column in merged.column_names]).select(form.names)


def with_form(table: pa.Table, form: pa.Schema) -> pa.Table:
    """The table with the columns of all sources, null where it has no such column."""
    columns = [
        table[entry.name].cast(entry.type) if entry.name in table.column_names else pa.nulls(table.num_rows, entry.type)
        for entry in form
    ]
    return pa.table(columns, schema=form)


def _keep_earlier(current: _Brought, before: _Brought) -> None:
    """Add the rows of an increment to those that its source brought before."""
    schema = before.source.schema.merge(current.source.schema)
    current.source = replace(current.source, schema=schema)
    for label, node in schema.nodes.items():
        tables = [b.nodes[label] for b in (current, before) if label in b.nodes]
        current.nodes[label] = _coalesce(tables, node_fields(node.columns), ("id",))
    for kind, edge in schema.edges.items():
        tables = [b.edges[kind] for b in (current, before) if kind in b.edges]
        current.edges[kind] = _coalesce(tables, edge_fields(edge.columns), _EDGE_KEY)
    for name, table in before.series.items():
        current.series[name] = latest_series([*([current.series[name]] if name in current.series else []), table])


def latest_series(tables: list[pa.Table]) -> pa.Table:
    """The rows of a series from several tables: one for every id and time, each value from the first that has one."""
    whole = pa.concat_tables(tables)
    return _coalesce(tables, whole.schema, ("id", "at")) if len(tables) > 1 else whole


def _count_gone(was: pa.Table, now: pa.Table | None) -> int:
    if now is None:
        return int(was.num_rows)
    key = ("id",) if "id" in was.column_names else _EDGE_KEY
    there = pc.is_in(_identity(was, key), _identity(now, key).combine_chunks())
    return int(was.num_rows - (pc.sum(there).as_py() or 0))
