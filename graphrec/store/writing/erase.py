"""Persons taken out of a store: their nodes with all edges, what they alone had, their split pairs and their series."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from graphrec import queries
from graphrec.errors import QueryError, StoreError
from graphrec.files import whole_file
from graphrec.graph.rows import Part
from graphrec.progress import Progress, silent
from graphrec.schema import GraphSchema
from graphrec.store.base import Statement, Store
from graphrec.store.checks.contents import Contents, digest_series, sum_split
from graphrec.store.checks.sums import sum_rows
from graphrec.store.kinds import Kind, columns_of, kinds_of
from graphrec.store.read import whole_contents
from graphrec.store.series import series_file
from graphrec.store.writing.loading import split_statements

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Erased:
    """What was taken out of a store."""

    rows: dict[str, int] = field(default_factory=dict)
    """How many, by `Kind.key`; types without any are left out."""
    split_pairs: int = 0
    series_rows: int = 0
    alone: dict[str, list[str]] = field(default_factory=dict)
    """Ids of nodes of other labels, by label, that only these persons had an edge to."""


def erase(store: Store, users: Collection[str], progress: Progress = silent) -> Erased:
    """Take persons out of a store in one transaction, with its account of itself; who is not there changes nothing.

    Raises:
        StoreError: nothing is loaded, or a load is not complete.
    """
    contents, schema = whole_contents(store), store.read_schema()
    names = [source.name for source in store.sources()]
    gone = _found(store, schema, users, names, progress)
    splits, pairs, num_pairs = store.read_splits(), {}, 0
    for name, parts in splits.items():
        kept = {part: _without(table, "user", users) for part, table in parts.items()}
        num_pairs += sum(len(table) for table in parts.values()) - sum(len(table) for table in kept.values())
        pairs[name] = kept
    alone = _alone(gone, schema)
    series, series_rows = _erase_series(store, schema, names, {schema.roles.user: set(users), **alone})
    removed = {kind: one for kind, one in gone.removed(alone).items() if len(one)}
    changed = _account(contents, removed, pairs, series)
    statements = [
        Statement(queries.text("load/erase_nodes", Kind(label).labels), {"rows": [{"id": one} for one in sorted(ids)]})
        for label, ids in {schema.roles.user: set(users) & gone.users, **alone}.items()
        if ids
    ]
    for name, parts in pairs.items() if num_pairs else ():
        statements += split_statements(name, parts)
    if statements or series_rows:
        store.transaction([*statements, Statement(queries.text("load/contents"), {"text": changed.to_text()})])
    return Erased(
        {kind.key: len(one) for kind, one in removed.items()}, num_pairs, series_rows,
        {label: sorted(ids) for label, ids in alone.items() if ids},
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Gone:
    """The rows of a store, parted by whether they are of the persons."""

    users: set[str]
    """Those who are there."""
    own: "dict[Kind, pa.Table]"
    """Their nodes and edges."""
    others: "dict[Kind, pa.Table]"
    """All other rows of labels and types that something of them touches: identities alone."""
    nodes: "dict[str, pa.Table]"
    """The nodes of labels besides users and products to which edges of theirs lead."""

    def removed(self, alone: "dict[str, set[str]]") -> "dict[Kind, pa.Table]":
        """What goes, by kind."""
        return self.own | {Kind(label): _only(self.nodes[label], "id", ids) for label, ids in alone.items()}


def _found(store: Store, schema: GraphSchema, users: Collection[str], names: list[str], progress: Progress) -> _Gone:
    user, product = schema.roles.user, schema.roles.product
    own, others = {}, {}
    kinds = [kind for kind in kinds_of(schema) if kind.part == "edges" or kind.name == user]
    for step, kind in enumerate(kinds):
        progress("looking for the person", step, len(kinds))
        table = _rows(store, schema, kind, names)
        column = "id" if kind.part == "nodes" else None
        ends = [end for end, label in (("source", kind.source), ("target", kind.target)) if label == user]
        mine = table.slice(0, 0)
        rest = table
        for end in [column] if column else ends:
            mine_too, rest = _only(rest, end, users), _without(rest, end, users)
            mine = _joined(mine, mine_too)
        own[kind], others[kind] = mine, rest.select([name for name in rest.column_names if name in kind.identity])
    labels = {label for kind, rows in own.items() if len(rows) for label in (kind.source, kind.target) if label}
    nodes = {
        label: _rows(store, schema, Kind(label), names)
        for label in sorted(labels - {user, product})
        if label in schema.nodes
    }
    return _Gone(set(own[Kind(user)]["id"].to_pylist()), own, others, nodes)


def _rows(store: Store, schema: GraphSchema, kind: Kind, names: list[str]) -> "pa.Table":
    try:
        return store.read_rows(kind, columns_of(schema, kind), names)[0]
    except QueryError as error:
        raise StoreError(f"{kind.name} cannot be read: {error}; look at it with graphrec doctor --deep") from error


def _alone(gone: _Gone, schema: GraphSchema) -> dict[str, set[str]]:
    """The nodes besides users and products that lose every edge."""
    found = {}
    for label in gone.nodes:
        theirs = {one for kind, rows in gone.own.items() for one in _ends(kind, rows, label)}
        kept = {one for kind, rows in gone.others.items() for one in _ends(kind, rows, label)}
        found[label] = theirs - kept
    return {label: ids for label, ids in found.items() if ids and label in schema.nodes}


def _ends(kind: Kind, rows: "pa.Table", label: str) -> Iterator[str]:
    for end, one in (("source", kind.source), ("target", kind.target)):
        if one == label:
            yield from rows[end].to_pylist()


def _account(
    contents: Contents,
    removed: "dict[Kind, pa.Table]",
    pairs: "dict[str, dict[Part, pa.Table]]",
    series: dict[str, str],
) -> Contents:
    """The account of the store without these rows."""
    types, totals = dict(contents.types), dict(contents.totals)
    for kind, rows in removed.items():
        types[kind.key] = types[kind.key] - sum_rows(rows, kind.identity)
        totals[kind.key] = totals[kind.key] - len(rows)
    split = {key: one for name, parts in pairs.items() for key, one in sum_split(name, parts).items()}
    return replace(contents, types=types, totals=totals, split=split, series={**contents.series, **series})


def _erase_series(
    store: Store, schema: GraphSchema, names: list[str], gone: dict[str, set[str]]
) -> tuple[dict[str, str], int]:
    """The digests of the series files that were written anew, and how many rows went."""
    import pyarrow.parquet as pq

    digests: dict[str, str] = {}
    removed = 0
    for name, one in schema.series.items():
        for path in (series_file(store.series_folder, source, name) for source in names):
            if not gone.get(one.of) or not path.exists():
                continue
            table = pq.read_table(path)
            kept = _without(table, "id", gone[one.of])
            if len(kept) < len(table):
                removed += len(table) - len(kept)
                with whole_file(path) as temporary:
                    pq.write_table(kept, temporary)
                digests |= digest_series([path])
    return digests, removed


def _only(table: "pa.Table", column: str, ids: Collection[str]) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.compute as pc

    return table.filter(pc.is_in(table[column], value_set=pa.array(sorted(ids), pa.string())))


def _without(table: "pa.Table", column: str, ids: Collection[str]) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.compute as pc

    return table.filter(pc.invert(pc.is_in(table[column], value_set=pa.array(sorted(ids), pa.string()))))


def _joined(one: "pa.Table", other: "pa.Table") -> "pa.Table":
    import pyarrow as pa

    return pa.concat_tables([one, other])
