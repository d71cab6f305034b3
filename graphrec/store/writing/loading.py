"""Shared by all ways of loading: checks before a load, fields of rows, the transaction that completes it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString

from graphrec import queries
from graphrec.errors import SourceError
from graphrec.graph.rows import Part, Source, edge_fields, node_fields
from graphrec.schema import GraphSchema
from graphrec.store.base import SourceInfo, Statement, Store
from graphrec.store.checks.check import lost_rows, lost_sources
from graphrec.store.checks.contents import Contents, digest_series, digest_text, sum_split
from graphrec.store.checks.sums import Sum, sum_rows
from graphrec.store.kinds import RESERVED, Kind, columns_of, kinds_of
from graphrec.store.series import series_file

if TYPE_CHECKING:
    import pyarrow as pa

#: Pairs of one split node.
SPLIT_CHUNK = 10_000
#: The labels of the store's own books, after RESERVED.
BOOKS = ("Source", "Split", "Contents", "Export")
#: What the field of a time says that a store keeps as text.
TIME = {"kind": "time"}
#: Of a row that is there: this source claims it; another one does; one that the store knows does, this one included.
CLAIMS = ("is_own", "is_shared", "is_claimed")


def is_current(store: Store, source: Source) -> bool:
    """Whether the last full load of this source read the same files and all it wrote is there, by count."""
    stored = {one.name: one for one in store.sources()}.get(source.name)
    if stored is None or stored.files_hash != source.files_hash or stored.unfinished:
        return False
    contents = store.contents()
    return contents is not None and not lost_rows(store, contents) and not lost_sources(store.sources(), contents)


def check_fits(source: Source, others: Iterable[SourceInfo]) -> None:
    """Pass a source whose names are free and whose schema fits those of the other sources.

    Raises:
        SourceError: it does not; says what to change.
    """
    for label in source.schema.nodes:
        if label.startswith(RESERVED):
            raise SourceError(f"label {label}: names that begin with {RESERVED} are the store's own; rename it")
    both = sorted(source.schema.nodes.keys() & source.schema.edges.keys())
    if both:
        raise SourceError(f"{both[0]} is a label and an edge type at once; rename one of them")
    schemas = [one.schema for one in others if one.schema is not None and one.name != source.name]
    reduce(GraphSchema.merge, schemas, source.schema)


def schema_statements(schema: GraphSchema) -> list[LiteralString]:
    """The statements of cypher/schema/ for every label and for the store's own books, in order."""
    labels = (*sorted(schema.nodes), *(f"{RESERVED}{one}" for one in BOOKS))
    return [queries.text(name, {"Node": label}) for name in queries.names("schema") for label in labels]


def row_fields(schema: GraphSchema, kind: Kind) -> "pa.Schema":
    """The Arrow schema of the rows that come of this kind."""
    if kind.part == "nodes":
        return node_fields(schema.nodes[kind.name].columns)
    return edge_fields(schema.edges[kind.name].columns)


def stored_fields(schema: GraphSchema | None, kind: Kind) -> "tuple[pa.Schema, list[str]]":
    """The Arrow schema of the rows of load/stored_* and found_*, times as text, and the names of their listed columns.

    Without a schema, or when it has no such kind, there are no listed columns.
    """
    import pyarrow as pa

    columns = () if schema is None else columns_of(schema, kind)
    fields = node_fields(columns) if kind.part == "nodes" else edge_fields(columns)
    times = {field.name for field in fields if pa.types.is_timestamp(field.type)}
    plain = [pa.field(one.name, pa.string(), metadata=TIME) if one.name in times else one for one in fields]
    plain[len(kind.identity) : len(kind.identity)] = [pa.field(name, pa.bool_()) for name in CLAIMS]
    return pa.schema(plain), sorted(column.name for column in columns)


def property_rows(rows: "pa.Table", identity: Sequence[str], *, gaps: bool = True) -> list[dict[str, Any]]:
    """The rows as load/ takes them: the identity, and all else under `properties`.

    Args:
        gaps: keep nulls, which take a property away; without, they are left out.
    """
    properties = rows.drop_columns([name for name in identity if name in rows.column_names])
    keys: list[dict[str, Any]] = rows.select(list(identity)).to_pylist()
    for key, values in zip(keys, properties.to_pylist(), strict=True):
        key["properties"] = values if gaps else {name: one for name, one in values.items() if one is not None}
    return keys


def touched_text(kinds: Iterable[Kind]) -> str:
    """The kinds of rows a source may own, as it remembers them."""
    return json.dumps(sorted(kind.as_list() for kind in kinds), ensure_ascii=False)


def unique_pairs(tables: "Sequence[pa.Table]") -> "pa.Table":
    """Each pair (user, product) of the tables once, in order."""
    import pyarrow as pa

    pairs = pa.concat_tables([table.select(["user", "product"]).cast(pair_fields()) for table in tables])
    return pairs.group_by(["user", "product"]).aggregate([]).sort_by([("user", "ascending"), ("product", "ascending")])


def pair_fields() -> "pa.Schema":
    """The Arrow schema of split pairs."""
    import pyarrow as pa

    return pa.schema([pa.field("user", pa.string()), pa.field("product", pa.string())])


def mark_of(source: Source) -> str:
    """The mark that a load of this source leaves in the store until it is complete."""
    return f"{'full' if source.full else 'increment'}:{source.files_hash}"


@dataclass(frozen=True)
class Completion:
    """What is written in the one transaction that completes a load."""

    source: Source
    split: "Mapping[Part, pa.Table] | None"
    schema: GraphSchema
    """The schema of all rows of this source, this load included."""
    files_hash: str
    touched: Iterable[Kind]
    contents: Contents
    unfinished: Sequence[str] = ()
    """The marks of earlier loads of this source that this one does not replace."""

    def statements(self) -> list[Statement]:
        """The statements; the last but one is load/finish, the last load/contents."""
        name = self.source.name
        statements = split_statements(name, self.split)
        schema = json.dumps(self.schema.to_json(), ensure_ascii=False, sort_keys=True)
        contents = replace(self.contents, sources={**self.contents.sources, name: digest_text(schema)})
        finish = {
            "source": name,
            "run": self.source.run,
            "files_hash": self.files_hash,
            "schema": schema,
            "touched": touched_text(self.touched),
            "unfinished": list(self.unfinished),
        }
        statements.append(Statement(queries.text("load/finish"), finish))
        return [*statements, Statement(queries.text("load/contents"), {"text": contents.to_text()})]


def split_statements(source: str, split: "Mapping[Part, pa.Table] | None") -> list[Statement]:
    """The statements that put these split pairs of a source in the place of those that are there."""
    statements = [Statement(queries.text("load/clear_split"), {"source": source})]
    for part, pairs in sorted((split or {}).items()):
        for start in range(0, max(len(pairs), 1), SPLIT_CHUNK):
            chunk = pairs.slice(start, SPLIT_CHUNK)
            row = {
                "id": f"{source}/{part}/{start:012d}",
                "part": part,
                "users": chunk["user"].to_pylist(),
                "products": chunk["product"].to_pylist(),
            }
            statements.append(Statement(queries.text("load/split"), {"source": source, "rows": [row]}))
    return statements


class Account:
    """The account of a first load, which brings all that the store will hold."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._types = {
            kind.key: Sum(columns=dict.fromkeys(_names(source.schema, kind), 0)) for kind in kinds_of(source.schema)
        }

    def add(self, kind: Kind, rows: "pa.Table") -> None:
        """Count rows that were written; times are times, not texts."""
        self._types[kind.key] += sum_rows(rows, kind.identity)

    def contents(self, split: "Mapping[Part, pa.Table] | None", series_folder: Path) -> Contents:
        """The account of the whole load."""
        return Contents(
            types=self._types,
            totals={key: one.rows for key, one in self._types.items()},
            split=sum_split(self._source.name, split),
            series=digest_series(series_files(series_folder, self._source.name, self._source.schema)),
        )


def series_files(folder: Path, source: str, schema: GraphSchema | None) -> list[Path]:
    """The files of the series that a source has."""
    return [series_file(folder, source, name) for name in (schema.series if schema is not None else ())]


def _names(schema: GraphSchema, kind: Kind) -> list[str]:
    fields = row_fields(schema, kind)
    return [name for name in fields.names if name not in kind.identity]
