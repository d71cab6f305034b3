"""Writing a snapshot: rows are sorted, cut at a date, hashed and sealed; the folder appears when it is whole."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from graphrec.files import replace_folder
from graphrec.graph.folders.arrays import seal
from graphrec.graph.folders.edge_shards import times, write_edges
from graphrec.graph.folders.meta import Ahead, SnapshotMeta, Undated, plain
from graphrec.graph.folders.snapshot import ALWAYS, FORMAT, Snapshot, content_hash
from graphrec.graph.folders.strings import Strings
from graphrec.graph.series import FEATURES, SeriesRows, series_features
from graphrec.schema import Column, GraphSchema, Kind, NodeSchema
from graphrec.times import microseconds_of, moment_of

if TYPE_CHECKING:
    import pyarrow as pa

    Tables = Mapping[str, pa.Table]


def write_snapshot(
    path: Path,
    schema: GraphSchema,
    nodes: "Tables",
    edges: "Mapping[str, pa.Table | Iterable[pa.Table]]",
    series: "Mapping[str, pa.Table | SeriesRows] | None" = None,
    split: "Tables | None" = None,
    as_of: datetime | None = None,
) -> Snapshot:
    """Write the snapshot of these rows as of a date to a folder that appears whole.

    Args:
        nodes: a table per label in the form of `rows.node_fields`, any order, ids unique.
        edges: a table per edge type in the form of `rows.edge_fields`, or several, which are read once, any order.
        series: the rows of each series: id, at, its values.
        split: tables `test` and `valid` with user and product ids.
        as_of: keep the rows known before this date; None keeps all.

    Returns:
        The snapshot, opened.

    Raises:
        Unwritable: the folder around `path` is full or read-only.
    """
    import pyarrow as pa

    cut = None if as_of is None else microseconds_of(as_of)
    series_columns = _series_columns(schema, series or {}, cut)
    with replace_folder(path) as folder:
        (folder / "nodes").mkdir()
        (folder / "edges").mkdir()
        ids: dict[str, pa.Array] = {}
        columns: dict[str, dict[str, Kind]] = {}
        for position, label in enumerate(sorted(schema.nodes)):
            target = folder / "nodes" / str(position)
            target.mkdir()
            table = _undone(_cut(nodes[label], cut), schema.nodes[label], cut)
            ids[label], columns[label] = _write_nodes(target, schema.nodes[label], table, series_columns.get(label, {}))
        counts = {}
        for position, name in enumerate(sorted(schema.edges)):
            target = folder / "edges" / str(position)
            target.mkdir()
            edge, rows = schema.edges[name], edges[name]
            tables = [rows] if isinstance(rows, pa.Table) else rows
            counts[name] = write_edges(target, tables, edge, cut, (ids[edge.source], ids[edge.target]))
        known = None
        if cut is not None and split:
            known = _interactions(folder / "edges", schema, len(ids[schema.roles.product]))
        _write_split(folder / "split", split or {}, ids[schema.roles.user], ids[schema.roles.product], known)
        meta = _described(folder, schema, as_of, {label: len(found) for label, found in ids.items()}, counts, columns)
        seal(folder, plain(structs.replace(meta, hash=content_hash(folder, meta))))
    return Snapshot.open(path)


def _described(
    folder: Path,
    schema: GraphSchema,
    as_of: datetime | None,
    nodes: dict[str, int],
    edges: dict[str, int],
    columns: dict[str, dict[str, Kind]],
) -> SnapshotMeta:
    """What meta.json says, without the hash of the arrays."""
    last, ahead = _last_known(folder / "edges")
    labels = sorted(schema.nodes.items())
    return SnapshotMeta(
        format=FORMAT,
        hash="",
        as_of=None if as_of is None else as_of.isoformat(),
        last=last,
        ahead=ahead,
        labels=tuple(sorted(schema.nodes)),
        types=tuple(sorted(schema.edges)),
        nodes=nodes,
        edges=edges,
        columns=columns,
        names={label: _public_name(node) for label, node in labels},
        texts={label: tuple(name for name in node.text if name in columns[label]) for label, node in labels},
        digests=_digests(folder / "edges", schema),
        undated=Undated(_undated(folder / "nodes", schema.nodes), _undated(folder / "edges", schema.edges)),
        schema=schema.to_json(),
    )


def _public_name(node: NodeSchema) -> str | None:
    return None if node.name is None or node.name in node.personal else node.name


def _cut(table: "pa.Table", cut: int | None) -> "pa.Table":
    import pyarrow as pa

    return table if cut is None else table.filter(pa.array(times(table["known_at"]) < cut))


def _undone(table: "pa.Table", node: NodeSchema, cut: int | None) -> "pa.Table":
    """The rows without the values of days that are not before the cut."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if cut is None:
        return table
    of_later = {day: pa.array(times(table[day]) >= cut) for day in set(node.dated.values())}
    for name, day in node.dated.items():
        kept = pc.if_else(of_later[day], pa.scalar(None, table[name].type), table[name])
        table = table.set_column(table.column_names.index(name), table.schema.field(name), kept)
    return table


def _strings(values: "pa.ChunkedArray") -> Strings:
    import pyarrow as pa

    packed = values.cast(pa.large_string()).fill_null("").combine_chunks()
    array = packed if isinstance(packed, pa.Array) else packed.chunk(0)
    _, offsets, data = array.buffers()
    bounds = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1].copy()
    if len(array) == 0:
        return Strings(np.zeros(1, np.int64), np.zeros(0, np.uint8))
    content = np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]] if data is not None else np.zeros(0, np.uint8)
    return Strings(bounds - bounds[0], content)


def _write_nodes(
    folder: Path, node: NodeSchema, table: "pa.Table", extra: "Tables"
) -> "tuple[pa.Array, dict[str, Kind]]":
    import pyarrow as pa

    table = table.sort_by("id")
    ids = table["id"].combine_chunks()
    ids = ids if isinstance(ids, pa.Array) else ids.chunk(0)
    _strings(table["id"]).save(folder / "id")
    np.save(folder / "known_at.npy", times(table["known_at"]))
    columns = [*node.public_columns(), *(Column(name, "real") for name in extra)]
    columns.sort(key=lambda column: column.name)
    for position, column in enumerate(columns):
        values = _aligned(extra[column.name], ids) if column.name in extra else table[column.name]
        _write_column(folder, str(position), column, values)
    return ids, {column.name: column.kind for column in columns}


def _write_column(folder: Path, stem: str, column: Column, values: "pa.ChunkedArray") -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    valid = (
        pc.is_valid(values).to_numpy(zero_copy_only=False)
        if isinstance(values, pa.Array)
        else (pc.is_valid(values).to_numpy())
    )
    np.save(folder / f"{stem}.valid.npy", np.asarray(valid, np.bool_))
    if column.kind == "text":
        _strings(values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])).save(folder / stem)
        return
    kept = {"integer": pa.int64(), "real": pa.float64(), "boolean": pa.int8(), "time": pa.int64()}[column.kind]
    numbers = np.asarray(values.cast(kept).fill_null(0))
    np.save(folder / f"{stem}.npy", numbers.astype(np.bool_) if column.kind == "boolean" else numbers)


def _aligned(feature: "pa.Table", ids: "pa.Array") -> "pa.ChunkedArray":
    import pyarrow.compute as pc

    return feature["value"].take(pc.index_in(ids, value_set=feature["id"].combine_chunks()))


def _series_columns(
    schema: GraphSchema, series: "Mapping[str, pa.Table | SeriesRows]", cut: int | None
) -> "dict[str, dict[str, pa.Table]]":
    import pyarrow as pa

    found: dict[str, dict[str, pa.Table]] = {}
    for name, rule in sorted(schema.series.items()):
        if name not in series:
            continue
        for value, (ids, features) in series_features(series[name], rule.values, cut).items():
            for position, feature in enumerate(FEATURES):
                column = pa.array(features[:, position], from_pandas=True)
                found.setdefault(rule.of, {})[f"{name}_{value}_{feature}"] = pa.table(
                    {"id": pa.array(ids, pa.string()), "value": column}
                )
    return found


def _interactions(folder: Path, schema: GraphSchema, num_products: int) -> NDArray[np.int64]:
    """The codes user * num_products + product of all interactions that were written."""
    found = [np.zeros(0, np.int64)]
    for name in schema.roles.interactions:
        edges = folder / str(sorted(schema.edges).index(name))
        degrees = np.diff(np.load(edges / "indptr.npy"))
        found.append(np.repeat(np.arange(len(degrees)), degrees) * num_products + np.load(edges / "indices.npy"))
    return np.unique(np.concatenate(found))


def _digests(folder: Path, schema: GraphSchema) -> dict[str, str]:
    """SHA-256 of the edges of every type with their times, whatever stands in the other types."""
    found = {}
    for position, name in enumerate(sorted(schema.edges)):
        digest = hashlib.sha256()
        for path in sorted((folder / str(position)).glob("*.npy")):
            with path.open("rb") as file:
                digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
        found[name] = digest.hexdigest()
    return found


def _undated(folder: Path, names: Mapping[str, Any]) -> tuple[str, ...]:
    """Labels or types with rows that have no time."""
    found = {name: np.load(folder / str(n) / "known_at.npy", "r") for n, name in enumerate(sorted(names))}
    return tuple(name for name, known_at in found.items() if (known_at == ALWAYS).any())


def _write_split(
    folder: Path, split: "Tables", users: "pa.Array", products: "pa.Array", known: NDArray[np.int64] | None
) -> None:
    """Write the pairs of each part; with `known`, those among them alone: later pairs do not exist as of the date."""
    import pyarrow.compute as pc

    folder.mkdir()
    for part, table in sorted(split.items()):
        if table is None:
            continue
        user = np.asarray(pc.index_in(table["user"], value_set=users).fill_null(-1).to_numpy(), np.int64)
        product = np.asarray(pc.index_in(table["product"], value_set=products).fill_null(-1).to_numpy(), np.int64)
        there = (user >= 0) & (product >= 0)
        if known is not None:
            there &= np.isin(user * len(products) + product, known)
        pairs = np.unique(np.stack([user[there], product[there]], axis=1), axis=0)
        np.save(folder / f"{part}.npy", pairs.astype(np.int32))


def _last_known(folder: Path) -> tuple[str | None, Ahead | None]:
    """The date of answers: the latest `known_at` of any edge that is not after today, as ISO text in UTC.

    None without times. Where all edges are after today, it is the latest of them. The second value says how many are
    after today, where others are not, and when the latest is: a mistyped year must not move the date of every answer.
    """
    found = [np.load(path, "r") for path in sorted(folder.rglob("known_at.npy"))]
    tomorrow = microseconds_of(datetime.now(UTC) + timedelta(days=1))
    latest = max((int(each.max(initial=ALWAYS)) for each in found), default=int(ALWAYS))
    past = max((int(each.max(initial=ALWAYS, where=each <= tomorrow)) for each in found), default=int(ALWAYS))
    if latest == ALWAYS:
        return None, None
    if past in (latest, ALWAYS):
        return moment_of(latest).isoformat(), None
    count = sum(int((each > tomorrow).sum()) for each in found)
    return moment_of(past).isoformat(), Ahead(count, moment_of(latest).isoformat())
