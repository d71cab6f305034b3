"""What every way of loading has in common: kinds of rows, checks before, the transaction that completes a load."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, LiteralString

from graphrec import queries
from graphrec.errors import SourceError
from graphrec.graph.rows import Part, Source, edge_fields, node_fields
from graphrec.schema import GraphSchema
from graphrec.store.base import SourceInfo, Statement, Store
from graphrec.store.series import series_file

if TYPE_CHECKING:
    import pyarrow as pa

#: Pairs of one split node.
SPLIT_CHUNK = 10_000
#: How the labels begin that the store keeps its own books under.
RESERVED = "Graphrec"


@dataclass(frozen=True)
class Kind:
    """A label, or an edge type with its ends: what one table of rows goes to."""

    name: str
    source: str | None = None
    target: str | None = None

    @property
    def part(self) -> str:
        """nodes or edges."""
        return "nodes" if self.source is None else "edges"

    @property
    def identity(self) -> tuple[str, ...]:
        """The columns that name a row."""
        return ("id",) if self.source is None else ("source", "target", "key")

    @property
    def labels(self) -> queries.Labels:
        """What the placeholders of load/ stand for."""
        if self.source is None or self.target is None:
            return {"Node": self.name}
        return {"Source": self.source, "EDGE": self.name, "Target": self.target}

    def as_list(self) -> list[str]:
        """The form in which a source remembers it."""
        return [self.name] if self.source is None or self.target is None else [self.name, self.source, self.target]


def is_current(store: Store, source: Source) -> bool:
    """Whether the last full load of this source read the same files and all it wrote is there."""
    files = [series_file(store.series_folder, source.name, name) for name in source.schema.series]
    stored = {one.name: one.files_hash for one in store.sources()}
    return stored.get(source.name) == source.files_hash and all(file.exists() for file in files)


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
    labels = (*sorted(schema.nodes), f"{RESERVED}Source", f"{RESERVED}Split")
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

    known: dict[str, Any] = {} if schema is None else {**schema.nodes, **schema.edges}
    columns = known[kind.name].columns if kind.name in known else ()
    fields = node_fields(columns) if kind.part == "nodes" else edge_fields(columns)
    plain = [pa.field(one.name, pa.string()) if pa.types.is_timestamp(one.type) else one for one in fields]
    plain[len(kind.identity) : len(kind.identity)] = [pa.field("is_own", pa.bool_()), pa.field("is_shared", pa.bool_())]
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


def completion(
    source: Source,
    split: "dict[Part, pa.Table] | None",
    schema: GraphSchema,
    files_hash: str,
    touched: Iterable[Kind],
) -> list[Statement]:
    """The statements of the one transaction that completes a load."""
    statements = [Statement(queries.text("load/clear_split"), {"source": source.name})]
    for part, pairs in sorted((split or {}).items()):
        for start in range(0, max(len(pairs), 1), SPLIT_CHUNK):
            chunk = pairs.slice(start, SPLIT_CHUNK)
            row = {
                "id": f"{source.name}/{part}/{start:012d}",
                "part": part,
                "users": chunk["user"].to_pylist(),
                "products": chunk["product"].to_pylist(),
            }
            statements.append(Statement(queries.text("load/split"), {"source": source.name, "rows": [row]}))
    finish = {
        "source": source.name,
        "run": source.run,
        "files_hash": files_hash,
        "schema": json.dumps(schema.to_json(), ensure_ascii=False, sort_keys=True),
        "touched": touched_text(touched),
    }
    return [*statements, Statement(queries.text("load/finish"), finish)]
